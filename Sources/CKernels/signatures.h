// The C prototype of each kernel family, and the declarations of all rows of the table.
#ifndef SW_SIGNATURES_H
#define SW_SIGNATURES_H
#include "CKernels.h"
#include <math.h>

#if defined(__x86_64__)
#define SW_HAVE_X86 1
#endif

#define SW_DECLARE_MULTIPLY(name)                                                                                              \
  void name(const void *left, ptrdiff_t left_stride, const void *right, ptrdiff_t depth, float *product,                       \
            ptrdiff_t product_stride, sw_ahead *ahead)
#define SW_DECLARE_GATHER(name)                                                                                                \
  void name(const void *const *left, ptrdiff_t offset, ptrdiff_t taps, const void *right, ptrdiff_t depth, int continues,         \
            float *product, ptrdiff_t product_stride, sw_ahead *ahead)
#define SW_DECLARE_HEAD(name) void name(const sw_head_arguments *arguments)
#define SW_DECLARE_TAIL(name) void name(const sw_tail_arguments *arguments)
#define SW_DECLARE_DEPTHWISE(name) void name(const sw_depthwise_arguments *arguments)
#define SW_DECLARE_DEPTHWISE_TRANSPOSED(name) void name(const sw_depthwise_arguments *arguments)
#define SW_DECLARE_POINTWISE(name) void name(const sw_pointwise_arguments *arguments)
#define SW_DECLARE_WINOGRAD_INPUT(name)                                                                                        \
  void name(const void *const *rows, ptrdiff_t pixel, ptrdiff_t left, ptrdiff_t in_width, ptrdiff_t tiles, ptrdiff_t vectors,  \
            float *v, ptrdiff_t tile_stride, ptrdiff_t position_stride, float *scratch)
#define SW_DECLARE_WINOGRAD_OUTPUT(name)                                                                                       \
  void name(const float *product, ptrdiff_t position_stride, ptrdiff_t first_block, ptrdiff_t blocks, ptrdiff_t y,             \
            ptrdiff_t x, ptrdiff_t height, ptrdiff_t width, const sw_destination *destination, const sw_source *residual,      \
            const sw_epilogue *epilogue)
#define SW_DECLARE_STORE(name)                                                                                                 \
  void name(const float *product, ptrdiff_t product_stride, ptrdiff_t count, ptrdiff_t first_block, ptrdiff_t blocks,          \
            ptrdiff_t y, ptrdiff_t x, const sw_destination *destination, const sw_source *residual, const sw_epilogue *epilogue)
#define SW_DECLARE_ELEMENTWISE(name)                                                                                           \
  void name(const void *in, ptrdiff_t in_pixel, const float *multiplier, const void *residual, ptrdiff_t residual_pixel,       \
            void *out, ptrdiff_t out_pixel, ptrdiff_t pixels, ptrdiff_t channels, const sw_epilogue *epilogue)
#define SW_DECLARE_MAXIMUM_POOL(name) void name(const sw_pool_arguments *arguments)
#define SW_DECLARE_AVERAGE_POOL(name) void name(const sw_pool_arguments *arguments)
#define SW_DECLARE_SUM(name) void name(const void *in, ptrdiff_t pixel, ptrdiff_t count, ptrdiff_t channels, float *sums)
#define SW_DECLARE_BINARY(name)                                                                                                \
  void name(sw_binary_kind kind, const sw_operand *a, const sw_operand *b, ptrdiff_t pixels, ptrdiff_t channels, void *out,    \
            ptrdiff_t out_pixel)
#define SW_DECLARE_REDUCE_ALONG(name) float name(sw_reduction_kind kind, const float *in, ptrdiff_t count)
#define SW_DECLARE_REDUCE_ACROSS(name)                                                                                         \
  void name(sw_reduction_kind kind, const float *in, ptrdiff_t step, ptrdiff_t count, ptrdiff_t lanes, float *result)
#define SW_DECLARE_MIX(name)                                                                                                   \
  void name(const float *const *rows, const float *weights, ptrdiff_t taps, ptrdiff_t count, float *out)
#define SW_DECLARE_MIX_PIXELS(name)                                                                                            \
  void name(const float *in, const int32_t *positions, const float *weights, ptrdiff_t taps, ptrdiff_t count,                  \
            ptrdiff_t channels, float *out, ptrdiff_t out_pixel)
#define SW_DECLARE_SOFTMAX_ALONG(name) void name(const float *in, ptrdiff_t count, float *out)
#define SW_DECLARE_SOFTMAX_ACROSS(name)                                                                                        \
  void name(const float *in, ptrdiff_t step, ptrdiff_t count, ptrdiff_t lanes, float *out, ptrdiff_t out_step)
#define SW_DECLARE_INTERLEAVE(name)                                                                                            \
  void name(const float *in, ptrdiff_t plane, ptrdiff_t channels, void *out, ptrdiff_t out_pixel, ptrdiff_t count)
#define SW_DECLARE_DEINTERLEAVE(name)                                                                                          \
  void name(const void *in, ptrdiff_t in_pixel, ptrdiff_t channels, float *out, ptrdiff_t plane, ptrdiff_t count)
#define SW_DECLARE_PIXEL_SHUFFLE(name)                                                                                         \
  void name(const void *in, ptrdiff_t in_pixel, ptrdiff_t channel, ptrdiff_t step, ptrdiff_t factor, ptrdiff_t count,          \
            float *out)
#define SW_DECLARE_PLANES(name) void name(const sw_planes_arguments *arguments)
#define SW_DECLARE_PICK(name) void name(const sw_pick_arguments *arguments)
#define SW_DECLARE_SPREAD(name) void name(const sw_spread_arguments *arguments)

#define SW_DECLARE_OUTER(name) void name(const sw_outer_arguments *arguments)
#define SW_DECLARE_ACTIVATION_GRADIENT(name)                                                                                   \
  void name(const sw_activation *function, const void *g, ptrdiff_t g_pixel, const void *x, ptrdiff_t x_pixel, void *out,      \
            ptrdiff_t out_pixel, ptrdiff_t pixels, ptrdiff_t channels)
#define SW_DECLARE_CHANNEL_PRODUCTS(name)                                                                                      \
  void name(const void *a, ptrdiff_t a_pixel, const void *b, ptrdiff_t b_pixel, const float *b_shift,                          \
            const float *mask_factor, const float *mask_shift, ptrdiff_t count, ptrdiff_t channels, float *a_sums, float *sums)
#define SW_DECLARE_CHANNEL_COMBINATION(name)                                                                                   \
  void name(const void *a, ptrdiff_t a_pixel, const float *a_factor, const void *b, ptrdiff_t b_pixel, const float *b_factor,  \
            const float *shift, const float *mask_factor, const float *mask_shift, void *out, ptrdiff_t out_pixel,             \
            ptrdiff_t pixels, ptrdiff_t channels)
#define SW_DECLARE_MAXIMUM_POOL_GRADIENT(name) void name(const sw_pool_gradient_arguments *arguments)
#define SW_DECLARE_DEPTHWISE_GRADIENT(name) void name(const sw_depthwise_gradient_arguments *arguments)
#define SW_DECLARE_WINOGRAD_GRADIENT(name)                                                                                     \
  void name(const void *const *rows, ptrdiff_t pixel, ptrdiff_t left, ptrdiff_t width, ptrdiff_t tiles, ptrdiff_t vectors,     \
            float *z, ptrdiff_t tile_stride, ptrdiff_t position_stride)
#define SW_DECLARE_MOVING_AVERAGE(name)                                                                                        \
  void name(const float *old, float keep, const float *g, float add, int squares, ptrdiff_t count, float *out)
#define SW_DECLARE_PARAMETER_STEP(name)                                                                                        \
  void name(const float *w, float kept, const float *direction, const float *square, float rate, float correction,             \
            float epsilon, ptrdiff_t count, float *out)
#define SW_DECLARE_WINOGRAD_WEIGHTS(name)                                                                                      \
  void name(const float *const *kernels, ptrdiff_t kernel_step, ptrdiff_t tap_step, ptrdiff_t depth, float *u,                 \
            ptrdiff_t position_stride, ptrdiff_t depth_stride)
#define SW_DECLARE_WINOGRAD_WEIGHT_GRADIENT(name)                                                                              \
  void name(const float *u, ptrdiff_t position_stride, ptrdiff_t vectors, float *weight, ptrdiff_t tap_stride)

#define SW_DECLARE_QUANTIZE(name)                                                                                               \
  void name(const void *in, ptrdiff_t in_pixel, float scale, const sw_stored_codes *stored, void *out, ptrdiff_t out_pixel,      \
            ptrdiff_t pixels, ptrdiff_t count)
#define SW_DECLARE_DEQUANTIZE(name)                                                                                             \
  void name(const void *in, ptrdiff_t in_pixel, const sw_scaled_codes *scaled, void *out, ptrdiff_t out_pixel,                  \
            ptrdiff_t pixels, ptrdiff_t count)
#define SW_DECLARE_LOOKUP(name)                                                                                                 \
  void name(const void *in, ptrdiff_t in_pixel, const uint8_t *table, void *out, ptrdiff_t out_pixel, ptrdiff_t pixels,          \
            ptrdiff_t count)
#define SW_DECLARE_CODE_SUM(name)                                                                                               \
  void name(const void *a, ptrdiff_t a_pixel, const sw_scaled_codes *a_scaled, const void *b, ptrdiff_t b_pixel,                 \
            const sw_scaled_codes *b_scaled, const sw_stored_codes *stored, void *out, ptrdiff_t out_pixel, ptrdiff_t pixels,    \
            ptrdiff_t count)

#define SW_KERNEL(isa, family, name, left, right, sum, stored, rows, vectors) SW_DECLARE_##family(name);
#include "kernels.def"
#undef SW_KERNEL

#endif
