/// Convolutions: products, heads and tails, one kernel a channel, Winograd transforms, and how their results are stored.
#ifndef SWIFTLET_CKERNELS_CONVOLUTION
#define SWIFTLET_CKERNELS_CONVOLUTION

#include "CKernels.h"

/// The tallest kernel that the tail family takes.
#define SW_TAIL_KERNEL_HEIGHT 11

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

/// `count` pixels of a row of a convolution whose taps lie at the same places from every pixel, interleaved out, with epilogue: column j of pixel i,
/// element j % 16 at `out + i * out_pixel + block[j / 16]`, is epilogue(Σ over r < row_count, t < taps of rows[r][offsets[t] + i * step] ·
/// right[(r * taps + t) * n + j]), j < n of the kernel, summed in order. Places are counted in floats, and in fours of codes. `right` is aligned.
/// Rows can be read for as many pixels as the kernel has rows, at least.
typedef struct {
  const void *const *rows;
  ptrdiff_t row_count;
  /// One a tap of a row.
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
  /// float32, or int8 in fours of the channels rounded up to whole vectors, where codes are read.
  const void *weight;
  ptrdiff_t width;
  float *out;
  ptrdiff_t out_plane;
  const float *residual;
  ptrdiff_t residual_plane;
  const sw_epilogue *epilogue;
  void *scratch;
  /// The code that lies outside, where codes are read.
  int32_t outside;
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
  /// float32; of codes int8, or for the kernels of three rows the fours of each column of taps, the last of each 0.
  const void *weight;
  /// Weights from one tap's to the next's.
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
  /// A pixel of what lies outside, where values are codes.
  const void *outside;
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

#endif
