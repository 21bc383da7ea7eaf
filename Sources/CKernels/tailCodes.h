// Few output channels of codes: vectors run over the input channels in fours, and lanes are summed at the end, a vector of pixels at once. PIXELS is at
// most LANES. Included once for each number of outputs, which defines OUTPUTS, PIXELS and TAIL_NAME.

#define STRIP_NAME SW_PASTE(TAIL_NAME, _strip)

// One strip: rows[ky] points at the leftmost tap of the strip's first pixel. `channels` are whole vectors.
INLINE void STRIP_NAME(
  const sw_tail_arguments *g, const void *const *rows, ptrdiff_t pixel, ptrdiff_t channels, unsigned_vector sums[OUTPUTS]) {
  integer_vector sum[OUTPUTS][PIXELS];
  UNROLL for (int o = 0; o < OUTPUTS; o++) UNROLL for (int p = 0; p < PIXELS; p++) sum[o][p] = 0;
  for (ptrdiff_t ky = 0; ky < g->kernel_height; ky++)
    for (ptrdiff_t kx = 0; kx < g->kernel_width; kx++) {
      const char *in = AT(char, rows[ky], kx * pixel);
      const char *weight = (const char *)g->weight + (ky * g->kernel_width + kx) * OUTPUTS * channels;
      for (ptrdiff_t c = 0; c < channels; c += 4 * LANES) {
        integer_vector w[OUTPUTS];
        UNROLL for (int o = 0; o < OUTPUTS; o++) w[o] = load_integers(weight + o * channels + c);
        UNROLL for (int p = 0; p < PIXELS; p++) {
          integer_vector x = load_integers(in + p * pixel + c);
          UNROLL for (int o = 0; o < OUTPUTS; o++) sum[o][p] = add_products(sum[o][p], x, w[o]);
        }
      }
    }
  UNROLL for (int o = 0; o < OUTPUTS; o++) {
    unsigned_vector lanes[LANES];
    UNROLL for (int p = 0; p < LANES; p++) lanes[p] = p < PIXELS ? (unsigned_vector)sum[o][p < PIXELS ? p : 0] : (unsigned_vector)(0);
    sums[o] = sums_of_integer_lanes(lanes);
  }
}

SW_DECLARE_TAIL(TAIL_NAME) {
  const sw_tail_arguments *g = arguments;
  // Weights past the last channel are 0; what they meet is of the next pixel, which there must be.
  ptrdiff_t channels = (g->channels + 4 * LANES - 1) / (4 * LANES) * (4 * LANES), spare = channels > g->channels;
  for (ptrdiff_t x = 0; x < g->width; x += PIXELS) {
    ptrdiff_t count = g->width - x < PIXELS ? g->width - x : PIXELS;
    ptrdiff_t first = x - g->left, taps = PIXELS + g->kernel_width - 1, pixel = g->pixel;
    const void *rows[SW_TAIL_KERNEL_HEIGHT];
    int inside = first >= 0 && first + taps + spare <= g->in_width;
    if (!inside) pixel = channels;
    for (ptrdiff_t ky = 0; ky < g->kernel_height; ky++) {
      const char *row = g->rows[ky];
      if (inside && row) {
        rows[ky] = row + first * g->pixel;
        continue;
      }
      // At the edges of the image the strip's input is copied between codes of 0.
      char *copy = (char *)g->scratch + ky * taps * channels;
      for (ptrdiff_t t = 0; t < taps; t++) {
        ptrdiff_t at = first + t;
        if (row && at >= 0 && at < g->in_width) __builtin_memcpy(copy + t * pixel, row + at * g->pixel, (size_t)g->channels);
        else __builtin_memset(copy + t * pixel, g->outside, (size_t)g->channels);
      }
      rows[ky] = copy;
    }
    unsigned_vector sums[OUTPUTS];
    STRIP_NAME(g, rows, pixel, channels, sums);
    for (int o = 0; o < OUTPUTS; o++) {
      const float *added = g->residual ? g->residual + o * g->residual_plane + x : 0;
      float *out = g->out + o * g->out_plane + x, residual[LANES] = {0}, result[LANES];
      if (x + LANES <= g->width) {
        // What lies past the strip is overwritten by the next.
        store(out, finish_plane_of_sums((integer_vector)sums[o], g->epilogue, o, added));
        continue;
      }
      if (added) copy_some(residual, added, count);
      store(result, finish_plane_of_sums((integer_vector)sums[o], g->epilogue, o, added ? residual : 0));
      copy_some(out, result, count);
    }
  }
}

#undef OUTPUTS
#undef PIXELS
#undef TAIL_NAME
#undef STRIP_NAME
