/// What training does besides: gradients, statistics, optimisers.
#ifndef SWIFTLET_CKERNELS_TRAINING
#define SWIFTLET_CKERNELS_TRAINING

#include "CKernels.h"

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
  /// What is added to each pixel of `out_rows` that is written, in rows of the same numbers; null for nothing. Not where `adds`.
  const void *const *added_rows;
  ptrdiff_t added_pixel;
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

#endif
