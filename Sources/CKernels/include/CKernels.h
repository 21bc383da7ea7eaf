/// Micro-kernels of the CPU engine. Each row of the kernel table says what its kernel reads, multiplies with, sums in and stores.
///
/// No function here allocates, keeps state, starts threads or chooses an instruction set: the caller passes scratch memory and
/// picks the row of `kernels.def` that the machine can run. Pointers are 64-byte aligned where a comment says so.
///
/// Here are the words that all families share and the row of the table; what each family takes and makes stands in the header of its
/// topic.
///
/// Words used throughout:
/// - *interleaved*: NHWC, the channels of a pixel contiguous and padded to a multiple of SW_CHANNEL_BLOCK;
/// - *planar*: NCHW, one plane after another, no padding;
/// - *vector*: `lanes` consecutive floats of the instruction set (4, 8 or 16);
/// - *block*: SW_CHANNEL_BLOCK (16) consecutive output channels.
///
/// A `void *` is a value as it lies in memory, of whatever elements the row says, and distances along it (rows, pixels, blocks) are in
/// bytes. Distances along a typed pointer count its elements: planes, sums, biases and the weights of one kernel a channel are
/// float32 in every row.
#ifndef SWIFTLET_CKERNELS_H
#define SWIFTLET_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// Epilogues say what is done to sums of integers.
#include "CKernelsIntegers.h"

/// Interleaved channels are padded to a multiple of this on every instruction set, so that a layout never depends on one.
#define SW_CHANNEL_BLOCK 16

typedef enum {
  SW_ISA_PORTABLE = 0,
  SW_ISA_AVX2,
  SW_ISA_AVX512,
  SW_ISA_AVX512VNNI,
  SW_ISA_AVX512BF16,
  SW_ISA_AMX,
} sw_isa;

/// What elements are; NONE where a kernel has no such operand.
typedef enum {
  SW_ELEMENT_NONE = 0,
  SW_ELEMENT_FLOAT32,
  SW_ELEMENT_BFLOAT16,
  SW_ELEMENT_UINT8,
  SW_ELEMENT_INT8,
  SW_ELEMENT_INT32,
} sw_element;

typedef enum {
  SW_FAMILY_MULTIPLY = 0,
  SW_FAMILY_GATHER,
  SW_FAMILY_HEAD,
  SW_FAMILY_TAIL,
  SW_FAMILY_DEPTHWISE,
  SW_FAMILY_DEPTHWISE_TRANSPOSED,
  SW_FAMILY_POINTWISE,
  SW_FAMILY_WINOGRAD_INPUT,
  SW_FAMILY_WINOGRAD_OUTPUT,
  SW_FAMILY_STORE,
  SW_FAMILY_ELEMENTWISE,
  SW_FAMILY_MAXIMUM_POOL,
  SW_FAMILY_AVERAGE_POOL,
  SW_FAMILY_SUM,
  SW_FAMILY_BINARY,
  SW_FAMILY_REDUCE_ALONG,
  SW_FAMILY_REDUCE_ACROSS,
  SW_FAMILY_MIX,
  SW_FAMILY_SOFTMAX_ALONG,
  SW_FAMILY_SOFTMAX_ACROSS,
  SW_FAMILY_INTERLEAVE,
  SW_FAMILY_DEINTERLEAVE,
  SW_FAMILY_PIXEL_SHUFFLE,
  SW_FAMILY_PLANES,
  SW_FAMILY_SPREAD,
  SW_FAMILY_PICK,
  SW_FAMILY_MIX_PIXELS,
  SW_FAMILY_OUTER,
  SW_FAMILY_ACTIVATION_GRADIENT,
  SW_FAMILY_CHANNEL_PRODUCTS,
  SW_FAMILY_CHANNEL_COMBINATION,
  SW_FAMILY_MAXIMUM_POOL_GRADIENT,
  SW_FAMILY_DEPTHWISE_GRADIENT,
  SW_FAMILY_WINOGRAD_GRADIENT,
  SW_FAMILY_WINOGRAD_WEIGHT_GRADIENT,
  SW_FAMILY_WINOGRAD_WEIGHTS,
  SW_FAMILY_MOVING_AVERAGE,
  SW_FAMILY_PARAMETER_STEP,
  SW_FAMILY_QUANTIZE,
  SW_FAMILY_DEQUANTIZE,
  SW_FAMILY_LOOKUP,
  SW_FAMILY_CODE_SUM,
} sw_family;

typedef enum {
  SW_ACTIVATION_NONE = 0,
  SW_ACTIVATION_RELU,
  /// `slope` one value for all channels
  SW_ACTIVATION_LEAKY_RELU,
  /// `slopes` one value a channel
  SW_ACTIVATION_PRELU,
  SW_ACTIVATION_CLIP,
  SW_ACTIVATION_SIGMOID,
  SW_ACTIVATION_TANH,
  /// min(max(a · x + b, 0), 1)
  SW_ACTIVATION_HARD_SIGMOID,
  SW_ACTIVATION_HARD_SWISH,
  SW_ACTIVATION_GELU,
  SW_ACTIVATION_GELU_TANH,
  SW_ACTIVATION_SILU,
  SW_ACTIVATION_SOFTPLUS,
  /// v > 0 ? v : a · (exp(b · v) - 1)
  SW_ACTIVATION_ELU,
  /// v > a ? v : 0
  SW_ACTIVATION_THRESHOLDED_RELU,
  SW_ACTIVATION_SOFTSIGN,
  SW_ACTIVATION_ERROR_FUNCTION,
  SW_ACTIVATION_EXPONENTIAL,
  SW_ACTIVATION_LOGARITHM,
  SW_ACTIVATION_SQUARE_ROOT,
  SW_ACTIVATION_RECIPROCAL,
  /// v to the power a
  SW_ACTIVATION_POWER,
  SW_ACTIVATION_FLOOR,
  SW_ACTIVATION_CEILING,
  SW_ACTIVATION_ROUND,
  SW_ACTIVATION_SIGN,
  SW_ACTIVATION_SINE,
  SW_ACTIVATION_COSINE,
} sw_activation_kind;

typedef struct {
  sw_activation_kind kind;
  /// The slope of a leaky ReLU; the minimum of a clip; the slope of a hard sigmoid; an exponent; see above.
  float a;
  /// The maximum of a clip; the offset of a hard sigmoid.
  float b;
  /// The slopes of a PReLU, one a channel, padded to SW_CHANNEL_BLOCK.
  const float *slopes;
} sw_activation;

/// What is done to an output value v of channel c before it is stored, in this order:
/// `v += bias[c]`, `v = before(v)`, `v *= scale`, `v += residual`, `v = after(v)`.
typedef struct {
  /// One a channel, padded to SW_CHANNEL_BLOCK; null for none.
  const float *bias;
  sw_activation before;
  float scale;
  sw_activation after;
  /// What is done to sums of integers before that, in the place of the bias, and what is stored of the result.
  sw_integers integers;
} sw_epilogue;

/// Where an interleaved value is stored: pixel (y, x), block b begins at `base + y * row + x * pixel + block[b]`, in bytes.
/// Plain float32 tensors have `pixel` = 4 · channels and `block[b]` = 64 b; a pixel shuffle and a slice of a concatenation are
/// other numbers.
typedef struct {
  void *base;
  ptrdiff_t row;
  ptrdiff_t pixel;
  const ptrdiff_t *block;
} sw_destination;

/// An interleaved tensor read alongside (the residual), of the elements that are stored; a null base means none. Blocks follow
/// each other.
typedef struct {
  const void *base;
  ptrdiff_t row;
  ptrdiff_t pixel;
} sw_source;

/// Cache lines that follow each other.
typedef struct {
  const char *next;
  ptrdiff_t lines;
} sw_span;

/// Memory to be fetched into the cache meanwhile, a few lines at a time: what a core will read next. Never read here.
typedef struct {
  /// The spans that are left; kernels move them on.
  sw_span *spans;
  ptrdiff_t count;
  /// For each register tile, and in it for each tap.
  ptrdiff_t lines_per_tile;
} sw_ahead;

/// A row of the kernel table.
typedef struct {
  const char *name;
  sw_isa isa;
  /// What it reads, what it multiplies that with, what sums are, and what it stores.
  sw_element left, right, sum, stored;
  sw_family family;
  /// Rows of the register tile (pixels, or Winograd tiles); the size m for the Winograd transforms; output channels for the
  /// tail and the planes; the side of a depthwise kernel (0: any).
  int32_t rows;
  /// Columns of the register tile in vectors, 0 where the kernel has none; the stride of a depthwise kernel (0: any).
  int32_t vectors;
  void (*function)(void);
} sw_kernel;

/// Row `index` of the table, 0 ..< sw_kernel_count().
const sw_kernel *sw_kernel_at(int32_t index);
int32_t sw_kernel_count(void);

#include "CKernelsConvolution.h"
#include "CKernelsMachine.h"
#include "CKernelsPasses.h"
#include "CKernelsTraining.h"

#endif
