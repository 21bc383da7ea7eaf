// Few output channels: vectors run over the input channels, PIXELS · OUTPUTS sums stay in registers, and lanes are summed at
// the end, a vector of pixels at once. PIXELS is at most LANES.
// Included once for each type of element and number of outputs, which defines OUTPUTS, PIXELS and TAIL_NAME.

#define STRIP_NAME SW_PASTE(TAIL_NAME, _strip)

// One strip: rows[ky] points at the leftmost tap of the strip's first pixel (null: all zero).
INLINE void STRIP_NAME(const sw_tail_arguments *g, const void *const *rows, ptrdiff_t pixel, vector sums[OUTPUTS]) {
  vector sum[OUTPUTS][PIXELS];
  UNROLL for (int o = 0; o < OUTPUTS; o++) UNROLL for (int p = 0; p < PIXELS; p++) sum[o][p] = splat(0);
  for (ptrdiff_t ky = 0; ky < g->kernel_height; ky++) {
    if (!rows[ky]) continue;
    for (ptrdiff_t kx = 0; kx < g->kernel_width; kx++) {
      const ELEMENT *in = AT(ELEMENT, rows[ky], kx * pixel);
      const float *weight = (const float *)g->weight + (ky * g->kernel_width + kx) * OUTPUTS * g->channels;
      for (ptrdiff_t c = 0; c < g->channels; c += LANES) {
        vector w[OUTPUTS];
        UNROLL for (int o = 0; o < OUTPUTS; o++) w[o] = load(weight + o * g->channels + c);
        UNROLL for (int p = 0; p < PIXELS; p++) {
          vector x = load_value(AT(ELEMENT, in, p * pixel) + c);
          UNROLL for (int o = 0; o < OUTPUTS; o++) sum[o][p] += x * w[o];
        }
      }
    }
  }
  UNROLL for (int o = 0; o < OUTPUTS; o++) {
    vector lanes[LANES];
    UNROLL for (int p = 0; p < LANES; p++) lanes[p] = p < PIXELS ? sum[o][p < PIXELS ? p : 0] : splat(0);
    sums[o] = sums_of_lanes(lanes);
  }
}

SW_DECLARE_TAIL(TAIL_NAME) {
  const sw_tail_arguments *g = arguments;
  for (ptrdiff_t x = 0; x < g->width; x += PIXELS) {
    ptrdiff_t count = g->width - x < PIXELS ? g->width - x : PIXELS;
    ptrdiff_t first = x - g->left, taps = PIXELS + g->kernel_width - 1;
    vector sums[OUTPUTS];
    if (first >= 0 && first + taps <= g->in_width) {
      const void *rows[SW_TAIL_KERNEL_HEIGHT];
      for (ptrdiff_t ky = 0; ky < g->kernel_height; ky++) rows[ky] = g->rows[ky] ? AT(char, g->rows[ky], first * g->pixel) : 0;
      STRIP_NAME(g, rows, g->pixel, sums);
    } else {
      // At the image's edge the strip's input is copied between zeros, one kernel row after another in one scratch each.
      const void *rows[SW_TAIL_KERNEL_HEIGHT];
      for (ptrdiff_t ky = 0; ky < g->kernel_height; ky++) {
        rows[ky] = 0;
        if (!g->rows[ky]) continue;
        ELEMENT *copy = (ELEMENT *)g->scratch + ky * taps * g->channels;
        for (ptrdiff_t t = 0; t < taps; t++) {
          ptrdiff_t at = first + t;
          int inside = at >= 0 && at < g->in_width;
          for (ptrdiff_t c = 0; c < g->channels; c++)
            copy[t * g->channels + c] = inside ? (AT(ELEMENT, g->rows[ky], at * g->pixel))[c] : 0;
        }
        rows[ky] = copy;
      }
      STRIP_NAME(g, rows, g->channels * (ptrdiff_t)sizeof(ELEMENT), sums);
    }
    // A whole vector where the row goes on: what lies past the strip is overwritten by the next.
    int whole = x + LANES <= g->width;
    for (int o = 0; o < OUTPUTS; o++) {
      const float *added = g->residual ? g->residual + o * g->residual_plane + x : 0;
      float *out = g->out + o * g->out_plane + x;
      if (whole) {
        store(out, finish_plane(sums[o], g->epilogue, o, added));
      } else {
        float residual[LANES] = {0}, result[LANES];
        if (added) copy_some(residual, added, count);
        store(result, finish_plane(sums[o], g->epilogue, o, added ? residual : 0));
        copy_some(out, result, count);
      }
    }
  }
}

#undef OUTPUTS
#undef PIXELS
#undef TAIL_NAME
#undef STRIP_NAME
