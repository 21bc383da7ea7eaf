/// Micro-kernels of the CPU engine. Each row of the kernel table says what its kernel reads, multiplies with, sums in and stores.
///
/// No function here allocates, keeps state, starts threads or chooses an instruction set: the caller passes scratch memory and
/// picks the row of `kernels.def` that the machine can run. Pointers are 64-byte aligned where a comment says so.
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

/// Reads a byte of each cache line in order. What lies in memory is so fetched by the processor itself, several lines ahead; it is not where a kernel
/// goes through some channels of all pixels and then through the next, and fetching line by line is slower. (A depthwise convolution of 64 channels
/// at 48x48, Zen 5: 42 us in place of 117.)
static inline void sw_read_in_order(const void *memory, ptrdiff_t bytes) {
  for (ptrdiff_t i = 0; i < bytes; i += 64) (void)((const volatile char *)memory)[i];
}

/// Interleaved channels are padded to a multiple of this on every instruction set, so that a layout never depends on one.
#define SW_CHANNEL_BLOCK 16

/// The tallest kernel that the tail family takes.
#define SW_TAIL_KERNEL_HEIGHT 11

/// Who made the processor, and its family and model as its maker counts them; empty and 0 where it has no `cpuid`.
typedef struct {
  char vendor[16];
  int32_t family;
  int32_t model;
} sw_processor;

sw_processor sw_processor_here(void);

/// `rounds` rotations of which each waits for the one before: as many cycles of the core. For measurements only. Additions would not do: newer
/// cores add constants to a register without waiting (Golden Cove: 5 a cycle).
int64_t sw_wait_cycles(int64_t rounds);

typedef enum { SW_ISA_PORTABLE = 0, SW_ISA_AVX2 = 1, SW_ISA_AVX512 = 2, SW_ISA_AVX512BF16 = 3 } sw_isa;

/// What elements are; NONE where a kernel has no such operand.
typedef enum { SW_ELEMENT_NONE = 0, SW_ELEMENT_FLOAT32, SW_ELEMENT_BFLOAT16 } sw_element;

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

/// product[i * product_stride + j] = Σ over k < depth of left[i][k] · right[k * n + j], i < rows, j < n of the kernel, where row i
/// of `left` begins `i * left_stride` bytes behind the first. `right` and `product` are aligned; sums run over k in order, fused where the instruction set fuses. `ahead` may be
/// null.
///
/// Where `right` is bfloat16, here and in the next family and in sw_pointwise_function, k is taken in pairs: `right` holds for each
/// pair and column two values, k even and then k odd, in 4 bytes; an odd depth ends with a zero.
typedef void (*sw_multiply_function)(
  const void *left, ptrdiff_t left_stride, const void *right, ptrdiff_t depth, float *product, ptrdiff_t product_stride,
  sw_ahead *ahead);

/// The same for rows that lie anywhere: for each tap t < taps, left row i begins at `left[t * rows + i] + offset`, and the `depth`
/// values of every tap follow each other in `right`: product[i][j] = Σ t Σ k left[t * rows + i][k] · right[(t * depth + k) * n
/// + j].
/// Where `continues` is not 0 the sums go on from what `product` holds, with the same bits as one call over all taps.
typedef void (*sw_gather_function)(
  const void *const *left, ptrdiff_t offset, ptrdiff_t taps, const void *right, ptrdiff_t depth, int continues, float *product,
  ptrdiff_t product_stride, sw_ahead *ahead);

/// `count` pixels of a row of a convolution of few input channels, planar in and interleaved out, with epilogue:
/// column j of pixel i, element j % 16 at `out + i * out_pixel + block[j / 16]`, is epilogue(Σ over t < taps of left[offsets[t] + i *
/// step] · right[t * n + j]), j < n of the kernel, summed over t in order. `right` is aligned. `left` can be read for as many pixels as the kernel has rows,
/// at least.
typedef struct {
  const float *left;
  /// One a tap.
  const ptrdiff_t *offsets;
  ptrdiff_t taps, step, count;
  const float *right;
  void *out;
  ptrdiff_t out_pixel;
  /// Channel 0 of the first pixel's; null for none.
  const void *residual;
  ptrdiff_t residual_pixel;
  /// One offset a block of 16 columns, from the pixel.
  const ptrdiff_t *block;
  /// Of the first column: where bias, slopes and residual are read.
  ptrdiff_t channel;
  const sw_epilogue *epilogue;
} sw_head_arguments;
typedef void (*sw_head_function)(const sw_head_arguments *arguments);

/// Stores `count` pixels of a row from `product` (pixel i at `product + i * product_stride`), blocks first ..< first + blocks.
/// `bias` and PReLU slopes are indexed by block from 0; `y`, `x` say where the first pixel lies.
typedef void (*sw_store_function)(
  const float *product, ptrdiff_t product_stride, ptrdiff_t count, ptrdiff_t first_block, ptrdiff_t blocks, ptrdiff_t y, ptrdiff_t x,
  const sw_destination *destination, const sw_source *residual, const sw_epilogue *epilogue);

/// One row of a convolution with few output channels, interleaved in, planar out, stride and dilation 1.
/// out[o][x] for x < width: Σ over ky, kx, c of element c of pixel x + kx - left of rows[ky], · weight[((ky * kernel_width + kx) *
/// outputs + o) * channels + c] where positions left of 0 or at or right of `in_width` count as zero, and a null row is all
/// zero. `channels` is a multiple of SW_CHANNEL_BLOCK (padding lanes meet zero weights, and must hold finite values).
/// `scratch` holds at least kernel_height * (16 + kernel_width) * channels elements; kernel_height is at most
/// SW_TAIL_KERNEL_HEIGHT.
typedef struct {
  const void *const *rows;
  ptrdiff_t kernel_height, kernel_width, left, in_width, pixel, channels;
  const float *weight;
  ptrdiff_t width;
  float *out;
  ptrdiff_t out_plane;
  const float *residual;
  ptrdiff_t residual_plane;
  const sw_epilogue *epilogue;
  void *scratch;
} sw_tail_arguments;
typedef void (*sw_tail_function)(const sw_tail_arguments *arguments);

/// `count` pixels of each of `row_count` rows of a depthwise convolution with epilogue, interleaved in and out.
/// out[r][i][c] = epilogue(Σ over u, v of element c of pixel left + i * stride + v * dilation of rows[r * row_step + u *
/// row_dilation], · weight[(u * kernel_width + v) * channel_stride + c]), summed over u and then v; columns outside 0 ..< in_width
/// count as zero, and a null row is all zero. The kernels for one size of kernel and stride take that stride and
/// dilation 1.
typedef struct {
  const void *const *rows;
  ptrdiff_t row_count, row_step, row_dilation;
  ptrdiff_t in_pixel, in_width, left, stride, dilation, kernel_height, kernel_width;
  const float *weight;
  /// Floats from one tap's weights to the next's.
  ptrdiff_t channel_stride;
  /// A multiple of SW_CHANNEL_BLOCK.
  ptrdiff_t channels;
  ptrdiff_t count;
  void *out;
  ptrdiff_t out_row, out_pixel;
  /// Null for none.
  const void *residual;
  ptrdiff_t residual_row, residual_pixel;
  const sw_epilogue *epilogue;
} sw_depthwise_arguments;
typedef void (*sw_depthwise_function)(const sw_depthwise_arguments *arguments);

/// A row of a transposed convolution of one kernel a channel, with epilogue. rows[u] is the input row whose tap row u meets it, null where none does;
/// `left` is the padding; out[i][c] = epilogue(Σ over u, v of element c of pixel (i + left - v * dilation) / stride of rows[u], where that is
/// whole and inside 0 ..< in_width, · weight[(u * kernel_width + v) * channel_stride + c]). Row counts and distances are not read.
typedef void (*sw_depthwise_transposed_function)(const sw_depthwise_arguments *arguments);

/// A product of `count` pixels with a register tile's columns, with epilogue, stored where each pixel lies:
/// column j of pixel i, element j % 16 at `out[i] + block[j / 16]`, is epilogue(Σ over k < depth of element k of the pixel at `left + i *
/// left_pixel`, · right[k * n + j]), j < n of the kernel. `right` is aligned; sums run over k in order, fused where the instruction set fuses, whichever tile computes them.
typedef struct {
  const void *left;
  ptrdiff_t left_pixel, count, depth;
  const void *right;
  /// `count` pointers.
  void *const *out;
  /// `count` pointers to the residual's pixels, channel 0; null for none.
  const void *const *residual;
  /// One offset a block of 16 columns, from the pixel's pointer.
  const ptrdiff_t *block;
  /// Of the first column: where bias, slopes and residual are read.
  ptrdiff_t channel;
  const sw_epilogue *epilogue;
  /// Null for none.
  sw_ahead *ahead;
} sw_pointwise_arguments;
typedef void (*sw_pointwise_function)(const sw_pointwise_arguments *arguments);

/// Winograd F(m x m, 3 x 3) input transform of `tiles` horizontally adjacent tiles: V = Bᵀ d B.
/// rows[0 ..< m + 2]: the input rows (null: all zero), pixel x at `rows[i] + x * pixel`; the first tile's left column is x =
/// `left` (which may be negative); columns outside 0 ..< in_width count as zero. Channel vectors 0 ..< vectors are transformed.
/// Tile q, position ξ, channel c goes to `v[ξ * position_stride + q * tile_stride + c]`.
/// `scratch` holds (m * tiles + 2) * (m + 2) vectors, aligned.
typedef void (*sw_winograd_input_function)(
  const void *const *rows, ptrdiff_t pixel, ptrdiff_t left, ptrdiff_t in_width, ptrdiff_t tiles, ptrdiff_t vectors, float *v,
  ptrdiff_t tile_stride, ptrdiff_t position_stride, float *scratch);

/// Winograd output transform of one tile, Y = Aᵀ m A, with epilogue, for blocks first ..< first + blocks: the tile's top left
/// output pixel is (y, x), of which `height` x `width` (at most m x m) are stored. Position ξ of block b at `product + ξ *
/// position_stride + 16 (b - first)`.
typedef void (*sw_winograd_output_function)(
  const float *product, ptrdiff_t position_stride, ptrdiff_t first_block, ptrdiff_t blocks, ptrdiff_t y, ptrdiff_t x,
  ptrdiff_t height, ptrdiff_t width, const sw_destination *destination, const sw_source *residual, const sw_epilogue *epilogue);

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

/// Sums of outer products: product[i * product_stride + j] += Σ over l < lines, k < count of left[l * left_line + k * left_step + i] ·
/// right[l * right_line + k * right_step + j], i < rows, j < n of the kernel, summed over l and then k. Distances count floats.
typedef struct {
  const float *left;
  ptrdiff_t left_line, left_step;
  const float *right;
  ptrdiff_t right_line, right_step;
  ptrdiff_t lines, count;
  float *product;
  ptrdiff_t product_stride;
} sw_outer_arguments;
typedef void (*sw_outer_function)(const sw_outer_arguments *arguments);

/// out = g · f'(x) over `pixels` pixels of `channels` float32 channels (a multiple of SW_CHANNEL_BLOCK).
typedef void (*sw_activation_gradient_function)(
  const sw_activation *function, const void *g, ptrdiff_t g_pixel, const void *x, ptrdiff_t x_pixel, void *out, ptrdiff_t out_pixel,
  ptrdiff_t pixels, ptrdiff_t channels);

/// a_sums[c] += Σ over i < count of a[i][c] and sums[c] += Σ of a[i][c] · (b[i][c] - b_shift[c]), c < channels (a multiple of SW_CHANNEL_BLOCK);
/// with a mask a[i][c] counts where b[i][c] · mask_factor[c] + mask_shift[c] is more than 0. Where `a` is null only sums[c] += Σ (b[i][c] -
/// b_shift[c])². Pixel i of a value at its pointer + i · pixel bytes; no mask where its pointers are null.
typedef void (*sw_channel_products_function)(
  const void *a, ptrdiff_t a_pixel, const void *b, ptrdiff_t b_pixel, const float *b_shift, const float *mask_factor,
  const float *mask_shift, ptrdiff_t count, ptrdiff_t channels, float *a_sums, float *sums);

/// out = a · a_factor[c] + b · b_factor[c] + shift[c] over pixels; without b where it is null, without shift where that is. With a mask, as above, a
/// counts as 0 elsewhere.
typedef void (*sw_channel_combination_function)(
  const void *a, ptrdiff_t a_pixel, const float *a_factor, const void *b, ptrdiff_t b_pixel, const float *b_factor, const float *shift,
  const float *mask_factor, const float *mask_shift, void *out, ptrdiff_t out_pixel, ptrdiff_t pixels, ptrdiff_t channels);

/// One row of a maximum pool's gradient: what `gradient` holds goes to the pixel of `out_rows` that lies where the first of the largest of its
/// window does in `rows`, which see sw_pool_arguments.
typedef struct {
  const void *const *rows;
  ptrdiff_t row_count, pixel, in_width;
  ptrdiff_t kernel_width, stride, left;
  ptrdiff_t width, channels;
  const void *gradient;
  ptrdiff_t gradient_pixel;
  void *const *out_rows;
  ptrdiff_t out_pixel;
  /// Not 0 where windows share pixels, which then hold the sum of what was there and theirs; else each is written.
  int adds;
} sw_pool_gradient_arguments;
typedef void (*sw_pool_gradient_function)(const sw_pool_gradient_arguments *arguments);

/// What a row of `count` pixels of an output's gradient adds to that of a depthwise weight: sums[(u * kernel_width + v) * channels + c] +=
/// Σ over i < count of g[i][c] · rows[u][left + i * stride + v * dilation][c], where columns outside 0 ..< in_width and null rows count as zero.
typedef struct {
  const void *g;
  ptrdiff_t g_pixel;
  const void *const *rows;
  ptrdiff_t in_pixel, in_width;
  ptrdiff_t left, stride, dilation;
  ptrdiff_t kernel_height, kernel_width;
  ptrdiff_t count, channels;
  float *sums;
} sw_depthwise_gradient_arguments;
typedef void (*sw_depthwise_gradient_function)(const sw_depthwise_gradient_arguments *arguments);

/// out[i] = keep · old[i] + add · g[i], or of g[i]² where `squares` is not 0, i < count.
typedef void (*sw_moving_average_function)(
  const float *old, float keep, const float *g, float add, int squares, ptrdiff_t count, float *out);

/// out[i] = kept · w[i] - rate · direction[i], i < count; where `square` is not null the direction is by √square[i] · correction + epsilon.
typedef void (*sw_parameter_step_function)(
  const float *w, float kept, const float *direction, const float *square, float rate, float correction, float epsilon, ptrdiff_t count,
  float *out);

/// The adjoint of the output transform, Z = A g Aᵀ, of `tiles` horizontally adjacent tiles: rows[0 ..< m] are the rows of the gradient
/// (null: all zero), the first tile's left column is x = `left`, columns at or right of `width` count as zero. Tile q, position ξ, channel c goes to
/// `z[ξ * position_stride + q * tile_stride + c]`.
typedef void (*sw_winograd_gradient_function)(
  const void *const *rows, ptrdiff_t pixel, ptrdiff_t left, ptrdiff_t width, ptrdiff_t tiles, ptrdiff_t vectors, float *z,
  ptrdiff_t tile_stride, ptrdiff_t position_stride);

/// The weights' transform, U = G g Gᵀ, of SW_WINOGRAD_COLUMNS kernels side by side, for `depth` input channels: the nine taps of column l and channel
/// k at `kernels[l] + k * kernel_step + t * tap_step` (null: all zero), position ξ of it at `u[ξ * position_stride + k * depth_stride + l]`. In double, rounded once.
#define SW_WINOGRAD_COLUMNS 8
typedef void (*sw_winograd_weights_function)(
  const float *const *kernels, ptrdiff_t kernel_step, ptrdiff_t tap_step, ptrdiff_t depth, float *u, ptrdiff_t position_stride,
  ptrdiff_t depth_stride);

/// The adjoint of the weights' transform, Gᵀ u G: position ξ of channel c at `u[ξ * position_stride + c]`, tap t to `weight[t * tap_stride + c]`.
typedef void (*sw_winograd_weight_gradient_function)(
  const float *u, ptrdiff_t position_stride, ptrdiff_t vectors, float *weight, ptrdiff_t tap_stride);

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

/// Sums for a run of pixels of a few output planes, read from planes: out[o][x] = Σ over t < taps, k < depth of
/// left[t][k * plane + x] · right[(t * depth + k) * outputs + o], x < count, summed over t and then k; a null tap is all zero.
/// Up to 2 vectors of pixels past the last are read and written.
typedef struct {
  const float *const *left;
  ptrdiff_t taps, depth, plane;
  const float *right;
  ptrdiff_t count;
  /// One an output.
  float *const *out;
} sw_planes_arguments;
typedef void (*sw_planes_function)(const sw_planes_arguments *arguments);

/// The widest spread.
#define SW_SPREAD_FACTOR 64

/// A row of a plane from the pixels of `factor` rows in turn, with epilogue: out[i * factor + d] = epilogue(in[d][i]) for the
/// first `count` pixels of `out`. Up to a vector past the last pixel of `in` is read.
typedef struct {
  /// At most SW_SPREAD_FACTOR rows.
  const float *const *in;
  ptrdiff_t factor, count;
  float *out;
  /// As many pixels as `out`; null for none.
  const float *residual;
  /// Where bias and slopes are read.
  ptrdiff_t channel;
  const sw_epilogue *epilogue;
} sw_spread_arguments;
typedef void (*sw_spread_function)(const sw_spread_arguments *arguments);

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

/// Whether this machine and its operating system can run the instruction set.
int sw_isa_available(sw_isa isa);

/// `rounds` of independent multiply-adds in registers, as many as hide their latency, on one core: what arithmetic can do at
/// most. `factor` below 1. The result means nothing; it is returned so that the sums are made. For bfloat16 elements the
/// instruction set's own products where it has them.
float sw_peak(sw_isa isa, sw_element element, ptrdiff_t rounds, float factor, float term);
/// The operations that `sw_peak` does: two for each multiply-add.
int64_t sw_peak_operations(sw_isa isa, sw_element element, ptrdiff_t rounds);
/// The sum of the values, read once in order; `count` rounded down to a multiple of 64.
float sw_read(const float *values, ptrdiff_t count);

/// Row `index` of the table, 0 ..< sw_kernel_count().
const sw_kernel *sw_kernel_at(int32_t index);
int32_t sw_kernel_count(void);

#endif
