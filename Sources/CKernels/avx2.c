#include "signatures.h"
#ifdef SW_HAVE_X86
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define SW_NAME(stem) stem##_avx2
#include "vector.h"
#define DEPTHWISE_PIXELS 6
#define DEPTHWISE_PAIR_PIXELS 4
#define TAIL_PIXELS_1 8
#define TAIL_PIXELS_2 5
#define TAIL_PIXELS_3 4
#define TAIL_PIXELS_4 3
#include "kernels.h"
#define PLANES_VECTORS 3
#include "planes.h"
#include "training.h"
#define ROWS 4
#define VECTORS 2
#define OUTER_NAME outer_4x2_avx2
#include "outer.h"

#define ROWS 6
#define VECTORS 2
#define MULTIPLY_NAME multiply_6x2_avx2
#define POINTWISE_NAME pointwise_6x2_avx2
#define GATHER_NAME gather_6x2_avx2
#define HEAD_NAME head_6x2_avx2
#include "multiply.h"

#define SW_VALUES_BFLOAT16
#include "kernels.h"

#define ROWS 6
#define VECTORS 2
#define MULTIPLY_NAME multiply_6x2_bf16_avx2
#define POINTWISE_NAME pointwise_6x2_bf16_avx2
#define GATHER_NAME gather_6x2_bf16_avx2
#define HEAD_NAME head_6x2_bf16_avx2
#include "multiply.h"

#undef SW_VALUES_BFLOAT16
#define SW_VALUES_UINT8
#include "values.h"
#include "codes.h"
#include "codeKernels.h"
#define OUTPUTS 1
#define PIXELS 8
#define TAIL_NAME tail_1_u8_avx2
#include "tailCodes.h"
#define OUTPUTS 2
#define PIXELS 5
#define TAIL_NAME tail_2_u8_avx2
#include "tailCodes.h"
#define OUTPUTS 3
#define PIXELS 4
#define TAIL_NAME tail_3_u8_avx2
#include "tailCodes.h"
#define OUTPUTS 4
#define PIXELS 3
#define TAIL_NAME tail_4_u8_avx2
#include "tailCodes.h"
#define ROWS 4
#define VECTORS 2
#define MULTIPLY_NAME multiply_4x2_u8_avx2
#define POINTWISE_NAME pointwise_4x2_u8_avx2
#define GATHER_NAME gather_4x2_u8_avx2
#define HEAD_NAME head_4x2_u8_avx2
#include "multiply.h"
#define SW_STORES_NUMBERS
#define ROWS 4
#define VECTORS 2
#define MULTIPLY_NAME multiply_4x2_sums_avx2
#define POINTWISE_NAME pointwise_4x2_sums_avx2
#define HEAD_NAME head_4x2_sums_avx2
#include "multiply.h"
#undef SW_STORES_NUMBERS
#pragma clang attribute pop
#endif
