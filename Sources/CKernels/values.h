// How the elements of interleaved values are read (ELEMENT) and, with what is added to them, stored (STORED) by the bodies included
// next: as float32, as bfloat16 where SW_VALUES_BFLOAT16 is defined, or as codes where SW_VALUES_UINT8 is. Included once for each. Pointers to values are void, and distances
// along them in bytes.
#undef VALUE_NAME
#undef ELEMENT
#undef STORED
#undef load_value
#undef splat_value
#undef load_stored
#undef store_value
#undef finish

#if defined(SW_VALUES_UINT8)
#define VALUE_NAME(stem) SW_NAME(stem##_u8)
#define ELEMENT uint8_t
#define STORED uint8_t
#define store_value(p, v) store_codes(p, v)
#elif defined(SW_VALUES_BFLOAT16)
#define VALUE_NAME(stem) SW_NAME(stem##_bf16)
#define ELEMENT bfloat16
#define load_value(p) load_bfloat16(p)
#define splat_value(x) splat_bfloat16(x)
#define STORED bfloat16
#define load_stored(p) load_bfloat16(p)
#define store_value(p, v) store_bfloat16(p, v)
#else
#define VALUE_NAME(stem) SW_NAME(stem)
#define ELEMENT float
#define load_value(p) load(p)
#define splat_value(x) splat(x)
#define STORED float
#define load_stored(p) load(p)
#define store_value(p, v) store(p, v)
#endif
#ifdef SW_VALUES_UINT8
#define finish finish_codes
#else
#define finish VALUE_NAME(finish_value)
#endif
