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
