/// Integers of 8 bits, and what kernels make of sums of them.
///
/// **Codes.** Whatever a network calls its integers, they lie in memory as unsigned bytes: an int8 q as q + 128, and so its zero point. A
/// pixel of codes has SW_CHANNEL_BLOCK bytes for each block. Weights are int8. Sums are int32, exact modulo 2^32 in any order.
///
/// **Fours.** Weights of a product lie in fours of its depth: for four values of the depth and each column 4 bytes, one behind the other; the depth
/// is rounded up with zeros. So what is read for one step is 4 bytes of each pixel.
#ifndef SWIFTLET_CKERNELS_INTEGERS_H
#define SWIFTLET_CKERNELS_INTEGERS_H

#include <stddef.h>
#include <stdint.h>

/// Values of the depth that one step of an integer product takes.
#define SW_CODE_GROUP 4

/// What codes stand for in units of what is stored: (code - zero) · ratio.
typedef struct {
  int32_t zero;
  float ratio;
} sw_scaled_codes;

/// What codes a number t becomes: roundToNearestEven(clamp(t, least, most)) + zero, each operation rounded to float32. A NaN becomes the least.
typedef struct {
  float least, most;
  int32_t zero;
} sw_stored_codes;

/// What is done to a sum of integers of channel c: t = Float(sum + start[c]) · multiplier[c], then the rest of the epilogue, then codes where
/// codes are stored. Codes that are added count as `added` says. Products and sums of float32 are rounded apart.
typedef struct {
  /// One a channel, padded to SW_CHANNEL_BLOCK: the bias less what the zero point of the input adds to each sum. Null where sums are float32.
  const int32_t *start;
  const float *multiplier;
  sw_scaled_codes added;
  sw_stored_codes stored;
} sw_integers;

/// out = codes of in / scale, over `pixels` pixels of `count` elements each.
typedef void (*sw_quantize_function)(
  const void *in, ptrdiff_t in_pixel, float scale, const sw_stored_codes *stored, void *out, ptrdiff_t out_pixel, ptrdiff_t pixels,
  ptrdiff_t count);

/// out = (in - zero) · ratio, the product rounded to float32.
typedef void (*sw_dequantize_function)(
  const void *in, ptrdiff_t in_pixel, const sw_scaled_codes *scaled, void *out, ptrdiff_t out_pixel, ptrdiff_t pixels, ptrdiff_t count);

/// out = table[in], of 256 bytes.
typedef void (*sw_lookup_function)(
  const void *in, ptrdiff_t in_pixel, const uint8_t *table, void *out, ptrdiff_t out_pixel, ptrdiff_t pixels, ptrdiff_t count);

/// out = codes of (a - a_zero) · a_ratio + (b - b_zero) · b_ratio, products and sum rounded apart.
typedef void (*sw_code_sum_function)(
  const void *a, ptrdiff_t a_pixel, const sw_scaled_codes *a_scaled, const void *b, ptrdiff_t b_pixel, const sw_scaled_codes *b_scaled,
  const sw_stored_codes *stored, void *out, ptrdiff_t out_pixel, ptrdiff_t pixels, ptrdiff_t count);

#endif
