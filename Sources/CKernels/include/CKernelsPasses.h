/// Passes over values: functions, pools, reductions, interpolation, softmax, and moves.
#ifndef SWIFTLET_CKERNELS_PASSES
#define SWIFTLET_CKERNELS_PASSES

#include "CKernels.h"

/// out[i] = epilogue(multiplier[c] · in[i] , residual[i]) over `pixels` pixels of `channels` interleaved channels (a multiple
/// of SW_CHANNEL_BLOCK), or over a plane: then `channels` is 0, and multiplier, bias and slopes point at one value.
/// Pixels lie `in_pixel`, `residual_pixel` and `out_pixel` bytes apart; those of a plane are float32 and follow each other. Multiplier
/// null: 1.
typedef void (*sw_elementwise_function)(
  const void *in, ptrdiff_t in_pixel, const float *multiplier, const void *residual, ptrdiff_t residual_pixel, void *out,
  ptrdiff_t out_pixel, ptrdiff_t pixels, ptrdiff_t channels, const sw_epilogue *epilogue);

/// One output row of a pool, interleaved in and out: pixel x looks at columns x · stride - left ..< … + kernel_width of every
/// row. `rows` are the rows of the window that lie inside the image, at least one; columns outside 0 ..< in_width are left out,
/// and at least one is inside.
typedef struct {
  const void *const *rows;
  ptrdiff_t row_count, pixel, in_width;
  ptrdiff_t kernel_width, stride, left;
  ptrdiff_t width, channels;
  void *out;
  ptrdiff_t out_pixel;
  /// Average only. The sum is divided by counted_rows times the number of columns: those inside the image, or, where padding
  /// counts, those below in_width + right.
  ptrdiff_t counted_rows, counts_padding, right;
  /// Average of codes only: what the mean becomes, and what counts as 0.
  sw_stored_codes codes;
} sw_pool_arguments;
typedef void (*sw_pool_function)(const sw_pool_arguments *arguments);

/// sums[c] += Σ over i < count of element c of the pixel at `in + i * pixel`, c < channels (a multiple of SW_CHANNEL_BLOCK).
typedef void (*sw_sum_function)(const void *in, ptrdiff_t pixel, ptrdiff_t count, ptrdiff_t channels, float *sums);

typedef enum {
  SW_BINARY_ADD = 0,
  SW_BINARY_SUBTRACT,
  SW_BINARY_MULTIPLY,
  SW_BINARY_DIVIDE,
  SW_BINARY_MINIMUM,
  SW_BINARY_MAXIMUM,
  SW_BINARY_POWER,
  /// a where b is not 0, else 0
  SW_BINARY_MASK,
  /// 1 or 0
  SW_BINARY_EQUAL,
  SW_BINARY_LESS,
  SW_BINARY_LESS_OR_EQUAL,
} sw_binary_kind;

/// A row of an operand: pixel i at `base + i * pixel`; 0 repeats one pixel. Where `repeats_channel`, a pixel is one float32 number.
typedef struct {
  const void *base;
  ptrdiff_t pixel;
  ptrdiff_t repeats_channel;
} sw_operand;

/// out = kind(a, b) over a row of `pixels` pixels of `channels` interleaved channels (a multiple of SW_CHANNEL_BLOCK), or of a
/// float32 plane: then `channels` is 0 and operands have a `pixel` of 4 or 0.
typedef void (*sw_binary_function)(
  sw_binary_kind kind, const sw_operand *a, const sw_operand *b, ptrdiff_t pixels, ptrdiff_t channels, void *out,
  ptrdiff_t out_pixel);

typedef enum {
  SW_REDUCTION_SUM = 0,
  SW_REDUCTION_SUM_OF_MAGNITUDES,
  SW_REDUCTION_SUM_OF_SQUARES,
  SW_REDUCTION_PRODUCT,
  SW_REDUCTION_MAXIMUM,
  SW_REDUCTION_MINIMUM,
} sw_reduction_kind;

/// All of in[0 ..< count] as one number; of none 0, 1 for a product, -∞ and ∞ for a maximum and a minimum.
typedef float (*sw_reduce_along_function)(sw_reduction_kind kind, const float *in, ptrdiff_t count);

/// The same for `lanes` (any) neighbours at once, each over the elements i < count at `in + i * step`, taken together with what
/// `result` holds: results that are there already, not elements.
typedef void (*sw_reduce_across_function)(
  sw_reduction_kind kind, const float *in, ptrdiff_t step, ptrdiff_t count, ptrdiff_t lanes, float *result);

/// out[i] = Σ over t < taps of weights[t] · rows[t][i], i < count (any).
typedef void (*sw_mix_function)(const float *const *rows, const float *weights, ptrdiff_t taps, ptrdiff_t count, float *out);

/// The same for pixels of a row, each with its own taps: pixel x of `count` is Σ over t < taps of weights[x * taps + t] · pixel
/// positions[x * taps + t] of `in`, whose pixels have `channels` floats (a multiple of SW_CHANNEL_BLOCK) and follow each other.
typedef void (*sw_mix_pixels_function)(
  const float *in, const int32_t *positions, const float *weights, ptrdiff_t taps, ptrdiff_t count, ptrdiff_t channels, float *out,
  ptrdiff_t out_pixel);

/// out[k] = exp(in[k]) / Σ exp(in), k < count, less the largest first. In and out may be the same.
typedef void (*sw_softmax_along_function)(const float *in, ptrdiff_t count, float *out);

/// The same for `lanes` neighbours at once, each over the elements k < count at `in + k * step`.
typedef void (*sw_softmax_across_function)(
  const float *in, ptrdiff_t step, ptrdiff_t count, ptrdiff_t lanes, float *out, ptrdiff_t out_step);

/// `count` pixels from planes: element c of the pixel at `out + i * out_pixel` becomes in[c * plane + i], c < channels, and the
/// padding after the last channel, up to a multiple of SW_CHANNEL_BLOCK, becomes 0.
typedef void (*sw_interleave_function)(
  const float *in, ptrdiff_t plane, ptrdiff_t channels, void *out, ptrdiff_t out_pixel, ptrdiff_t count);

/// The way back: out[c * plane + i] = element c of the pixel at `in + i * in_pixel`. Padding is read.
typedef void (*sw_deinterleave_function)(
  const void *in, ptrdiff_t in_pixel, ptrdiff_t channels, float *out, ptrdiff_t plane, ptrdiff_t count);

/// A row of one plane of a pixel shuffle from interleaved values: out[i * factor + d] = element channel + d * step of pixel i,
/// d < factor, i < count.
typedef void (*sw_pixel_shuffle_function)(
  const void *in, ptrdiff_t in_pixel, ptrdiff_t channel, ptrdiff_t step, ptrdiff_t factor, ptrdiff_t count, float *out);

/// Some lanes of a vector of output channels, taken from as many channels of an input that follow each other.
typedef struct {
  int32_t input;
  /// The first of those channels.
  int32_t first;
  /// For each lane of the output which of them, or -1 where it is taken from elsewhere.
  int32_t lanes[SW_CHANNEL_BLOCK];
} sw_pick;

/// `count` pixels of `vectors` vectors of channels: each vector by the picks from where those of the vector before end; lanes that
/// no pick fills are zero.
typedef struct {
  /// The first pixel of each input, and the bytes from one pixel to the next.
  const void *const *in;
  const ptrdiff_t *in_pixel;
  const sw_pick *picks;
  /// One a vector.
  const int32_t *ends;
  ptrdiff_t vectors, count;
  void *out;
  ptrdiff_t out_pixel;
} sw_pick_arguments;
typedef void (*sw_pick_function)(const sw_pick_arguments *arguments);

#endif
