// How the elements of interleaved values are read and written by the bodies included next: as float32, or as bfloat16 where
// SW_VALUES_BFLOAT16 is defined. Included once for each. Pointers and distances come from the caller in units of 4 bytes,
// PER_SLOT elements; offsets within a pixel are counted in elements.
#undef VALUE_NAME
#undef ELEMENT
#undef PER_SLOT
#undef load_value
#undef store_value
#undef splat_value
#undef finish

#ifdef SW_VALUES_BFLOAT16
#define VALUE_NAME(stem) SW_NAME(stem##_bf16)
#define ELEMENT bfloat16
#define PER_SLOT 2
#define load_value(p) load_bfloat16(p)
#define store_value(p, v) store_bfloat16(p, v)
#define splat_value(x) splat_bfloat16(x)
#else
#define VALUE_NAME(stem) SW_NAME(stem)
#define ELEMENT float
#define PER_SLOT 1
#define load_value(p) load(p)
#define store_value(p, v) store(p, v)
#define splat_value(x) splat(x)
#endif
#define finish VALUE_NAME(finish_value)
