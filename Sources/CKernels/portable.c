#include "signatures.h"
#define LANES 4
#define SW_NAME(stem) stem##_portable
#include "vector.h"
#define DEPTHWISE_PIXELS 4
#define DEPTHWISE_PAIR_PIXELS 4
#define TAIL_PIXELS_1 4
#define TAIL_PIXELS_2 4
#define TAIL_PIXELS_3 4
#define TAIL_PIXELS_4 3
#include "kernels.h"
#define PLANES_VECTORS 2
#include "planes.h"
#include "training.h"
#define ROWS 2
#define VECTORS 4
#define OUTER_NAME outer_2x4_portable
#include "outer.h"

#define ROWS 3
#define VECTORS 4
#define MULTIPLY_NAME multiply_3x4_portable
#define POINTWISE_NAME pointwise_3x4_portable
#define GATHER_NAME gather_3x4_portable
#define HEAD_NAME head_3x4_portable
#include "multiply.h"

#define SW_VALUES_BFLOAT16
#include "kernels.h"

#define ROWS 3
#define VECTORS 4
#define MULTIPLY_NAME multiply_3x4_bf16_portable
#define POINTWISE_NAME pointwise_3x4_bf16_portable
#define GATHER_NAME gather_3x4_bf16_portable
#define HEAD_NAME head_3x4_bf16_portable
#include "multiply.h"

#undef SW_VALUES_BFLOAT16
#define SW_VALUES_UINT8
#include "values.h"
#include "codes.h"
#include "codeKernels.h"
#define OUTPUTS 1
#define PIXELS 4
#define TAIL_NAME tail_1_u8_portable
#include "tailCodes.h"
#define OUTPUTS 2
#define PIXELS 4
#define TAIL_NAME tail_2_u8_portable
#include "tailCodes.h"
#define OUTPUTS 3
#define PIXELS 4
#define TAIL_NAME tail_3_u8_portable
#include "tailCodes.h"
#define OUTPUTS 4
#define PIXELS 3
#define TAIL_NAME tail_4_u8_portable
#include "tailCodes.h"
#define ROWS 3
#define VECTORS 4
#define MULTIPLY_NAME multiply_3x4_u8_portable
#define POINTWISE_NAME pointwise_3x4_u8_portable
#define GATHER_NAME gather_3x4_u8_portable
#define HEAD_NAME head_3x4_u8_portable
#include "multiply.h"
#define SW_STORES_NUMBERS
#define ROWS 3
#define VECTORS 4
#define MULTIPLY_NAME multiply_3x4_sums_portable
#define POINTWISE_NAME pointwise_3x4_sums_portable
#define HEAD_NAME head_3x4_sums_portable
#include "multiply.h"
#undef SW_STORES_NUMBERS
