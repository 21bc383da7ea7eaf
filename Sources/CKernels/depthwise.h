// Depthwise convolution with epilogue, a row at a time. DEPTHWISE_PIXELS sums of one vector of channels stay in registers; each
// input column is loaded once for all the outputs it meets, so that multiply-adds and not loads set the pace. Included once for
// each type of element, with DEPTHWISE_PIXELS defined.

// Output pixels x ..< x + pixels of channels c ..< c + LANES, of which `stored` are stored. `side`, `step`, `pixels`, `checked` and
// `mode` are constants where this is inlined; `checked` means that columns may lie outside the row.
INLINE void VALUE_NAME(depthwise_tile)(
  const sw_depthwise_arguments *g, const sw_epilogue *e, int side, int step, int pixels, int checked, finish_mode mode, ptrdiff_t x,
  ptrdiff_t stored, ptrdiff_t c) {
  vector sum[DEPTHWISE_PIXELS];
  UNROLL for (int p = 0; p < DEPTHWISE_PIXELS; p++) sum[p] = splat(0);
  ptrdiff_t first = g->left + x * step;
  // Once a cache line.
  if (g->ahead && c * sizeof(ELEMENT) % 64 == 0)
    UNROLL for (int p = 0; p < DEPTHWISE_PIXELS; p++)
      __builtin_prefetch((const ELEMENT *)(g->ahead + (x + p) * step * g->in_pixel) + c);
  for (int u = 0; u < side; u++) {
    if (!g->rows[u]) continue;
    const ELEMENT *in = (const ELEMENT *)(g->rows[u] + first * g->in_pixel) + c;
    const float *weight = g->weight + u * side * g->channel_stride + c;
    vector w[7];
    UNROLL for (int v = 0; v < 7; v++) if (v < side) w[v] = load(weight + v * g->channel_stride);
    UNROLL for (int column = 0; column < (DEPTHWISE_PIXELS - 1) * 2 + 7; column++) {
      if (column >= (pixels - 1) * step + side) continue;
      vector value = checked && (first + column < 0 || first + column >= g->in_width) ? splat(0) : load_value(in + column * g->in_pixel * PER_SLOT);
      UNROLL for (int v = 0; v < 7; v++) {
        if (v < side && column >= v && (column - v) % step == 0 && (column - v) / step < pixels)
          sum[(column - v) / step] += value * w[v];
      }
    }
  }
  vector bias = bias_of(e, c);
  UNROLL for (int p = 0; p < DEPTHWISE_PIXELS; p++) {
    if (p >= pixels || (checked && p >= stored)) continue;
    const ELEMENT *residual = g->residual ? (const ELEMENT *)(g->residual + (x + p) * g->residual_pixel) + c : 0;
    store_value((ELEMENT *)(g->out + (x + p) * g->out_pixel) + c, finish(sum[p], mode, bias, e, c, residual));
  }
}

#define DEPTHWISE_ROW(mode)                                                                                                       \
  for (ptrdiff_t c = 0; c < g->channels; c += LANES) {                                                                            \
    ptrdiff_t x = 0;                                                                                                              \
    while (x < g->count) {                                                                                                        \
      ptrdiff_t first = g->left + x * step, stored = g->count - x;                                                                \
      int inside = first >= 0 && first + (DEPTHWISE_PIXELS - 1) * step + side <= g->in_width;                                     \
      if (inside && stored >= DEPTHWISE_PIXELS)                                                                                   \
        VALUE_NAME(depthwise_tile)(g, e, side, step, DEPTHWISE_PIXELS, 0, mode, x, DEPTHWISE_PIXELS, c);                          \
      else                                                                                                                        \
        VALUE_NAME(depthwise_tile)(g, e, side, step, DEPTHWISE_PIXELS, 1, mode, x, stored, c);                                    \
      x += DEPTHWISE_PIXELS;                                                                                                      \
    }                                                                                                                             \
  }

#define DEPTHWISE(SIDE, STEP)                                                                                                     \
  SW_DECLARE_DEPTHWISE(VALUE_NAME(depthwise_##SIDE##x##SIDE##_##STEP)) {                                                          \
    const sw_depthwise_arguments *g = arguments;                                                                                  \
    const sw_epilogue *e = g->epilogue;                                                                                           \
    enum { side = SIDE, step = STEP };                                                                                            \
    SW_WITH_FINISH_MODE(finish_mode_of(e, g->residual != 0), DEPTHWISE_ROW)                                                       \
  }

DEPTHWISE(3, 1)
DEPTHWISE(3, 2)
DEPTHWISE(5, 1)
DEPTHWISE(5, 2)
DEPTHWISE(7, 1)
DEPTHWISE(7, 2)

// Any kernel, stride and dilation, a pixel at a time.
SW_DECLARE_DEPTHWISE(VALUE_NAME(depthwise_any)) {
  const sw_depthwise_arguments *g = arguments;
  finish_mode mode = finish_mode_of(g->epilogue, g->residual != 0);
  for (ptrdiff_t x = 0; x < g->count; x++)
    for (ptrdiff_t c = 0; c < g->channels; c += LANES) {
      vector sum = splat(0);
      for (ptrdiff_t u = 0; u < g->kernel_height; u++) {
        if (!g->rows[u]) continue;
        for (ptrdiff_t v = 0; v < g->kernel_width; v++) {
          ptrdiff_t column = g->left + x * g->stride + v * g->dilation;
          if (column < 0 || column >= g->in_width) continue;
          sum += load_value((const ELEMENT *)(g->rows[u] + column * g->in_pixel) + c) *
                 load(g->weight + (u * g->kernel_width + v) * g->channel_stride + c);
        }
      }
      const ELEMENT *residual = g->residual ? (const ELEMENT *)(g->residual + x * g->residual_pixel) + c : 0;
      vector result = finish(sum, mode, bias_of(g->epilogue, c), g->epilogue, c, residual);
      store_value((ELEMENT *)(g->out + x * g->out_pixel) + c, result);
    }
}
