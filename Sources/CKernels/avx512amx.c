// AMX: products of codes by tiles. All else is that of avx512bf16.c and below.
#include "signatures.h"
#ifdef SW_HAVE_X86
#include <immintrin.h>
#pragma clang attribute push( \
  __attribute__((target("amx-int8,amx-tile,avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define LANES 16
#define SW_NAME(stem) stem##_amx
#define SW_HAVE_VNNI
#include "vector.h"
#define SW_VALUES_UINT8
#include "values.h"
#include "codes.h"
#include "tiles.h"
#define SW_TILES
#define ROWS 16
#define VECTORS 4
#define MULTIPLY_NAME multiply_16x4_u8_amx
#define POINTWISE_NAME pointwise_16x4_u8_amx
#define GATHER_NAME gather_16x4_u8_amx
#include "multiply.h"
#define ROWS 16
#define VECTORS 3
#define MULTIPLY_NAME multiply_16x3_u8_amx
#define POINTWISE_NAME pointwise_16x3_u8_amx
#define GATHER_NAME gather_16x3_u8_amx
#include "multiply.h"
#define ROWS 16
#define VECTORS 2
#define MULTIPLY_NAME multiply_16x2_u8_amx
#define POINTWISE_NAME pointwise_16x2_u8_amx
#define GATHER_NAME gather_16x2_u8_amx
#include "multiply.h"
#define ROWS 16
#define VECTORS 1
#define MULTIPLY_NAME multiply_16x1_u8_amx
#define POINTWISE_NAME pointwise_16x1_u8_amx
#define GATHER_NAME gather_16x1_u8_amx
#include "multiply.h"
#pragma clang attribute pop
#endif
