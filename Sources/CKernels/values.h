// How the elements of interleaved values are read and written by the bodies included next: read (ELEMENT) as float32, or as bfloat16
// where SW_LEFT_BFLOAT16 is defined; stored, with what is added to them (STORED), as float32, or as bfloat16 where
// SW_STORED_BFLOAT16 is. Included once for each pair. Pointers to values are void, and distances along them in bytes.
#undef VALUE_NAME
#undef ELEMENT
#undef STORED
#undef load_value
#undef splat_value
#undef load_stored
#undef store_value
#undef finish

#ifdef SW_LEFT_BFLOAT16
#define ELEMENT bfloat16
#define load_value(p) load_bfloat16(p)
#define splat_value(x) splat_bfloat16(x)
#else
#define ELEMENT float
#define load_value(p) load(p)
#define splat_value(x) splat(x)
#endif

#ifdef SW_STORED_BFLOAT16
#define STORED bfloat16
#define load_stored(p) load_bfloat16(p)
#define store_value(p, v) store_bfloat16(p, v)
#define finish SW_NAME(finish_value_bf16)
#else
#define STORED float
#define load_stored(p) load(p)
#define store_value(p, v) store(p, v)
#define finish SW_NAME(finish_value)
#endif

#if defined(SW_LEFT_BFLOAT16) && defined(SW_STORED_BFLOAT16)
#define VALUE_NAME(stem) SW_NAME(stem##_bf16)
#elif defined(SW_LEFT_BFLOAT16)
#define VALUE_NAME(stem) SW_NAME(stem##_bf16_f32)
#elif defined(SW_STORED_BFLOAT16)
#define VALUE_NAME(stem) SW_NAME(stem##_f32_bf16)
#else
#define VALUE_NAME(stem) SW_NAME(stem)
#endif
