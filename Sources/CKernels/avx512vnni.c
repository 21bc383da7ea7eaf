// AVX-512 VNNI: products of codes four at a time, in one instruction that does not saturate. All else is that of avx512.c.
#include "signatures.h"
#ifdef SW_HAVE_X86
#include <immintrin.h>
#pragma clang attribute push( \
  __attribute__((target("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define LANES 16
#define SW_NAME(stem) stem##_avx512vnni
#define SW_HAVE_VNNI
#include "vector.h"
#define SW_VALUES_UINT8
#include "values.h"
#include "codes.h"
#include "depthwiseCodes.h"
#define OUTPUTS 1
#define PIXELS 16
#define TAIL_NAME tail_1_u8_avx512vnni
#include "tailCodes.h"
#define OUTPUTS 2
#define PIXELS 10
#define TAIL_NAME tail_2_u8_avx512vnni
#include "tailCodes.h"
#define OUTPUTS 3
#define PIXELS 8
#define TAIL_NAME tail_3_u8_avx512vnni
#include "tailCodes.h"
#define OUTPUTS 4
#define PIXELS 6
#define TAIL_NAME tail_4_u8_avx512vnni
#include "tailCodes.h"
#define ROWS 6
#define VECTORS 4
#define MULTIPLY_NAME multiply_6x4_u8_avx512vnni
#define POINTWISE_NAME pointwise_6x4_u8_avx512vnni
#define GATHER_NAME gather_6x4_u8_avx512vnni
#define HEAD_NAME head_6x4_u8_avx512vnni
#include "multiply.h"
#define ROWS 8
#define VECTORS 3
#define MULTIPLY_NAME multiply_8x3_u8_avx512vnni
#define POINTWISE_NAME pointwise_8x3_u8_avx512vnni
#define GATHER_NAME gather_8x3_u8_avx512vnni
#define HEAD_NAME head_8x3_u8_avx512vnni
#include "multiply.h"
#define ROWS 12
#define VECTORS 2
#define MULTIPLY_NAME multiply_12x2_u8_avx512vnni
#define POINTWISE_NAME pointwise_12x2_u8_avx512vnni
#define GATHER_NAME gather_12x2_u8_avx512vnni
#define HEAD_NAME head_12x2_u8_avx512vnni
#include "multiply.h"
#define ROWS 12
#define VECTORS 1
#define MULTIPLY_NAME multiply_12x1_u8_avx512vnni
#define POINTWISE_NAME pointwise_12x1_u8_avx512vnni
#define GATHER_NAME gather_12x1_u8_avx512vnni
#define HEAD_NAME head_12x1_u8_avx512vnni
#include "multiply.h"
#define SW_STORES_NUMBERS
#define ROWS 6
#define VECTORS 4
#define MULTIPLY_NAME multiply_6x4_sums_avx512vnni
#define POINTWISE_NAME pointwise_6x4_sums_avx512vnni
#define HEAD_NAME head_6x4_sums_avx512vnni
#include "multiply.h"
#define ROWS 12
#define VECTORS 1
#define MULTIPLY_NAME multiply_12x1_sums_avx512vnni
#define POINTWISE_NAME pointwise_12x1_sums_avx512vnni
#define HEAD_NAME head_12x1_sums_avx512vnni
#include "multiply.h"
#undef SW_STORES_NUMBERS
#pragma clang attribute pop
#endif
