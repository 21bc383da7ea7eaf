#include "signatures.h"
#ifdef SW_HAVE_X86
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define LANES 16
#define SW_NAME(stem) stem##_avx512
#include "vector.h"
#define DEPTHWISE_PIXELS 8
#define DEPTHWISE_PAIR_PIXELS 8
#define TAIL_PIXELS_1 16
#define TAIL_PIXELS_2 10
#define TAIL_PIXELS_3 8
#define TAIL_PIXELS_4 6
#include "kernels.h"
#define PLANES_VECTORS 6
#include "planes.h"
#include "training.h"
#define ROWS 4
#define VECTORS 4
#define OUTER_NAME outer_4x4_avx512
#include "outer.h"
#define ROWS 8
#define VECTORS 3
#define OUTER_NAME outer_8x3_avx512
#include "outer.h"
#define ROWS 8
#define VECTORS 2
#define OUTER_NAME outer_8x2_avx512
#include "outer.h"
#define ROWS 8
#define VECTORS 1
#define OUTER_NAME outer_8x1_avx512
#include "outer.h"

#define ROWS 6
#define VECTORS 4
#define MULTIPLY_NAME multiply_6x4_avx512
#define POINTWISE_NAME pointwise_6x4_avx512
#define GATHER_NAME gather_6x4_avx512
#define HEAD_NAME head_6x4_avx512
#include "multiply.h"
#define ROWS 8
#define VECTORS 3
#define MULTIPLY_NAME multiply_8x3_avx512
#define POINTWISE_NAME pointwise_8x3_avx512
#define GATHER_NAME gather_8x3_avx512
#define HEAD_NAME head_8x3_avx512
#include "multiply.h"
#define ROWS 12
#define VECTORS 2
#define MULTIPLY_NAME multiply_12x2_avx512
#define POINTWISE_NAME pointwise_12x2_avx512
#define GATHER_NAME gather_12x2_avx512
#define HEAD_NAME head_12x2_avx512
#include "multiply.h"
#define ROWS 12
#define VECTORS 1
#define MULTIPLY_NAME multiply_12x1_avx512
#define POINTWISE_NAME pointwise_12x1_avx512
#define GATHER_NAME gather_12x1_avx512
#define HEAD_NAME head_12x1_avx512
#include "multiply.h"

// Where these kernels run by default, products of pairs are slow or missing: on processors of Intel, which broadcast and clear 16 bits in
// the ports of the multiply-adds. Two operations for each value and tile would take half as long as all products; two for each 16
// take 3 %.
#define SW_WIDENS_AHEAD
#define SW_VALUES_BFLOAT16
#include "kernels.h"

#define ROWS 6
#define VECTORS 4
#define MULTIPLY_NAME multiply_6x4_bf16_avx512
#define POINTWISE_NAME pointwise_6x4_bf16_avx512
#define GATHER_NAME gather_6x4_bf16_avx512
#define HEAD_NAME head_6x4_bf16_avx512
#include "multiply.h"
#define ROWS 8
#define VECTORS 3
#define MULTIPLY_NAME multiply_8x3_bf16_avx512
#define POINTWISE_NAME pointwise_8x3_bf16_avx512
#define GATHER_NAME gather_8x3_bf16_avx512
#define HEAD_NAME head_8x3_bf16_avx512
#include "multiply.h"
#define ROWS 12
#define VECTORS 2
#define MULTIPLY_NAME multiply_12x2_bf16_avx512
#define POINTWISE_NAME pointwise_12x2_bf16_avx512
#define GATHER_NAME gather_12x2_bf16_avx512
#define HEAD_NAME head_12x2_bf16_avx512
#include "multiply.h"
#define ROWS 12
#define VECTORS 1
#define MULTIPLY_NAME multiply_12x1_bf16_avx512
#define POINTWISE_NAME pointwise_12x1_bf16_avx512
#define GATHER_NAME gather_12x1_bf16_avx512
#define HEAD_NAME head_12x1_bf16_avx512
#include "multiply.h"

#undef SW_VALUES_BFLOAT16
#define SW_VALUES_UINT8
#include "values.h"
#include "codes.h"
#include "codeKernels.h"
#define OUTPUTS 1
#define PIXELS 16
#define TAIL_NAME tail_1_u8_avx512
#include "tailCodes.h"
#define OUTPUTS 2
#define PIXELS 10
#define TAIL_NAME tail_2_u8_avx512
#include "tailCodes.h"
#define OUTPUTS 3
#define PIXELS 8
#define TAIL_NAME tail_3_u8_avx512
#include "tailCodes.h"
#define OUTPUTS 4
#define PIXELS 6
#define TAIL_NAME tail_4_u8_avx512
#include "tailCodes.h"
#define ROWS 4
#define VECTORS 4
#define MULTIPLY_NAME multiply_4x4_u8_avx512
#define POINTWISE_NAME pointwise_4x4_u8_avx512
#define GATHER_NAME gather_4x4_u8_avx512
#define HEAD_NAME head_4x4_u8_avx512
#include "multiply.h"
#define ROWS 6
#define VECTORS 2
#define MULTIPLY_NAME multiply_6x2_u8_avx512
#define POINTWISE_NAME pointwise_6x2_u8_avx512
#define GATHER_NAME gather_6x2_u8_avx512
#define HEAD_NAME head_6x2_u8_avx512
#include "multiply.h"
#define ROWS 12
#define VECTORS 1
#define MULTIPLY_NAME multiply_12x1_u8_avx512
#define POINTWISE_NAME pointwise_12x1_u8_avx512
#define GATHER_NAME gather_12x1_u8_avx512
#define HEAD_NAME head_12x1_u8_avx512
#include "multiply.h"
#define SW_STORES_NUMBERS
#define ROWS 12
#define VECTORS 1
#define MULTIPLY_NAME multiply_12x1_sums_avx512
#define POINTWISE_NAME pointwise_12x1_sums_avx512
#define HEAD_NAME head_12x1_sums_avx512
#include "multiply.h"
#undef SW_STORES_NUMBERS
#pragma clang attribute pop
#endif
