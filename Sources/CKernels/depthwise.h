// Depthwise convolution with epilogue. The sums of one vector of channels of DEPTHWISE_PIXELS pixels stay in registers; each
// input column is loaded once for all the outputs it meets, so that multiply-adds and not loads set the pace. Included once for
// each type of element, with DEPTHWISE_PIXELS and DEPTHWISE_PAIR_PIXELS defined.

// Stores one vector of channels of row r and pixel x.
INLINE void VALUE_NAME(depthwise_store)(
  const sw_depthwise_arguments *g, vector sum, finish_mode mode, vector bias, ptrdiff_t r, ptrdiff_t x, ptrdiff_t c) {
  const STORED *residual = 0;
  if (g->residual) residual = AT(STORED, g->residual, r * g->residual_row + x * g->residual_pixel) + c;
  STORED *out = (STORED *)((char *)g->out + r * g->out_row + x * g->out_pixel) + c;
  store_value(out, finish(sum, mode, bias, g->epilogue, c, residual));
}

#ifndef SW_HELPERS_INCLUDED
// The bias and the function of the epilogue, through memory: the sums themselves stay in registers.
INLINE void depthwise_many(vector *sum, int count, vector bias, const sw_epilogue *e) {
  vector all[DEPTHWISE_PIXELS];
  UNROLL for (int p = 0; p < DEPTHWISE_PIXELS; p++) if (p < count) all[p] = sum[p] + bias;
  finish_many(all, count, &e->before);
  UNROLL for (int p = 0; p < DEPTHWISE_PIXELS; p++) if (p < count) sum[p] = all[p];
}
#endif

// Output pixels x ..< x + pixels of row r, channels c ..< c + LANES, of which `stored` pixels are stored. `side`, `step`,
// `pixels` and `checked` are constants where this is inlined; `checked` means that columns may lie outside the row.
INLINE void VALUE_NAME(depthwise_tile)(
  const sw_depthwise_arguments *g, int side, int step, int pixels, int checked, finish_mode mode, ptrdiff_t r, ptrdiff_t x,
  ptrdiff_t stored, ptrdiff_t c) {
  vector sum[DEPTHWISE_PIXELS];
  UNROLL for (int p = 0; p < DEPTHWISE_PIXELS; p++) sum[p] = splat(0);
  ptrdiff_t first = g->left + x * step;
  for (int u = 0; u < side; u++) {
    const void *row = g->rows[r * step + u];
    if (!row) continue;
    const ELEMENT *in = AT(ELEMENT, row, first * g->in_pixel) + c;
    const float *weight = (const float *)g->weight + u * side * g->channel_stride + c;
    vector w[7];
    UNROLL for (int v = 0; v < 7; v++) if (v < side) w[v] = load(weight + v * g->channel_stride);
    UNROLL for (int column = 0; column < (DEPTHWISE_PIXELS - 1) * 2 + 7; column++) {
      if (column >= (pixels - 1) * step + side) continue;
      int outside = checked && (first + column < 0 || first + column >= g->in_width);
      vector value = outside ? splat(0) : load_value(AT(ELEMENT, in, column * g->in_pixel));
      UNROLL for (int v = 0; v < 7; v++) {
        if (v < side && column >= v && (column - v) % step == 0 && (column - v) / step < pixels)
          sum[(column - v) / step] += value * w[v];
      }
    }
  }
  vector bias = bias_of(g->epilogue, c);
  if (mode == FINISH_MANY) depthwise_many(sum, pixels, bias, g->epilogue);
#define DEPTHWISE_STORE(mode)                                                              \
  UNROLL for (int p = 0; p < DEPTHWISE_PIXELS; p++) {                                      \
    if (p >= pixels || (checked && p >= stored)) continue;                                 \
    VALUE_NAME(depthwise_store)(g, sum[p], mode, bias, r, x + p, c);                       \
  }
  SW_WITH_TILE_FINISH_MODE(mode, DEPTHWISE_STORE)
#undef DEPTHWISE_STORE
}

// The same for rows r and r + 1 of a 3x3 kernel of stride 1, which have two of their three input rows in common: those are
// loaded once for both. The sums are added up in the same order.
INLINE void VALUE_NAME(depthwise_pair)(
  const sw_depthwise_arguments *g, int checked, finish_mode mode, ptrdiff_t r, ptrdiff_t x, ptrdiff_t stored, ptrdiff_t c) {
  enum { pixels = DEPTHWISE_PAIR_PIXELS };
  vector upper[pixels], lower[pixels], w[9];
  UNROLL for (int p = 0; p < pixels; p++) upper[p] = lower[p] = splat(0);
  UNROLL for (int t = 0; t < 9; t++) w[t] = load((const float *)g->weight + t * g->channel_stride + c);
  ptrdiff_t first = g->left + x;
  UNROLL for (int u = 0; u < 4; u++) {
    const void *row = g->rows[r + u];
    if (!row) continue;
    const ELEMENT *in = AT(ELEMENT, row, first * g->in_pixel) + c;
    UNROLL for (int column = 0; column < pixels + 2; column++) {
      int outside = checked && (first + column < 0 || first + column >= g->in_width);
      vector value = outside ? splat(0) : load_value(AT(ELEMENT, in, column * g->in_pixel));
      UNROLL for (int v = 0; v < 3; v++) {
        if (column < v || column - v >= pixels) continue;
        if (u < 3) upper[column - v] += value * w[u * 3 + v];
        if (u > 0) lower[column - v] += value * w[(u - 1) * 3 + v];
      }
    }
  }
  vector bias = bias_of(g->epilogue, c);
  if (mode == FINISH_MANY) {
    depthwise_many(upper, pixels, bias, g->epilogue);
    depthwise_many(lower, pixels, bias, g->epilogue);
  }
#define DEPTHWISE_STORE(mode)                                                              \
  UNROLL for (int p = 0; p < pixels; p++) {                                                \
    if (checked && p >= stored) continue;                                                  \
    VALUE_NAME(depthwise_store)(g, upper[p], mode, bias, r, x + p, c);                     \
    VALUE_NAME(depthwise_store)(g, lower[p], mode, bias, r + 1, x + p, c);                 \
  }
  SW_WITH_TILE_FINISH_MODE(mode, DEPTHWISE_STORE)
#undef DEPTHWISE_STORE
}

#define DEPTHWISE(SIDE, STEP)                                                                                                 \
  SW_DECLARE_DEPTHWISE(VALUE_NAME(depthwise_##SIDE##x##SIDE##_##STEP)) {                                                      \
    const sw_depthwise_arguments *g = arguments;                                                                              \
    finish_mode mode = tile_finish_mode_of(g->epilogue, g->residual != 0);                                                    \
    for (ptrdiff_t c = 0; c < g->channels; c += LANES) {                                                                      \
      ptrdiff_t r = 0;                                                                                                        \
      if (SIDE == 3 && STEP == 1) {                                                                                           \
        for (; r + 2 <= g->row_count; r += 2)                                                                                 \
          for (ptrdiff_t x = 0; x < g->count; x += DEPTHWISE_PAIR_PIXELS) {                                                   \
            ptrdiff_t first = g->left + x, stored = g->count - x;                                                             \
            if (first >= 0 && first + DEPTHWISE_PAIR_PIXELS + 2 <= g->in_width && stored >= DEPTHWISE_PAIR_PIXELS)            \
              VALUE_NAME(depthwise_pair)(g, 0, mode, r, x, DEPTHWISE_PAIR_PIXELS, c);                                         \
            else                                                                                                              \
              VALUE_NAME(depthwise_pair)(g, 1, mode, r, x, stored, c);                                                        \
          }                                                                                                                   \
      }                                                                                                                       \
      for (; r < g->row_count; r++)                                                                                           \
        for (ptrdiff_t x = 0; x < g->count; x += DEPTHWISE_PIXELS) {                                                          \
          ptrdiff_t first = g->left + x * STEP, stored = g->count - x;                                                        \
          int inside = first >= 0 && first + (DEPTHWISE_PIXELS - 1) * STEP + SIDE <= g->in_width;                             \
          if (inside && stored >= DEPTHWISE_PIXELS)                                                                           \
            VALUE_NAME(depthwise_tile)(g, SIDE, STEP, DEPTHWISE_PIXELS, 0, mode, r, x, DEPTHWISE_PIXELS, c);                  \
          else                                                                                                                \
            VALUE_NAME(depthwise_tile)(g, SIDE, STEP, DEPTHWISE_PIXELS, 1, mode, r, x, stored, c);                            \
        }                                                                                                                     \
    }                                                                                                                         \
  }

DEPTHWISE(3, 1)
DEPTHWISE(3, 2)
DEPTHWISE(5, 1)
DEPTHWISE(5, 2)
DEPTHWISE(7, 1)
DEPTHWISE(7, 2)
#undef DEPTHWISE

// Any kernel, stride and dilation, a pixel at a time.
SW_DECLARE_DEPTHWISE(VALUE_NAME(depthwise_any)) {
  const sw_depthwise_arguments *g = arguments;
  finish_mode mode = finish_mode_of(g->epilogue, g->residual != 0);
  for (ptrdiff_t r = 0; r < g->row_count; r++)
    for (ptrdiff_t x = 0; x < g->count; x++)
      for (ptrdiff_t c = 0; c < g->channels; c += LANES) {
        vector sum = splat(0);
        for (ptrdiff_t u = 0; u < g->kernel_height; u++) {
          const void *row = g->rows[r * g->row_step + u * g->row_dilation];
          if (!row) continue;
          for (ptrdiff_t v = 0; v < g->kernel_width; v++) {
            ptrdiff_t column = g->left + x * g->stride + v * g->dilation;
            if (column < 0 || column >= g->in_width) continue;
            sum += load_value(AT(ELEMENT, row, column * g->in_pixel) + c) *
                   load((const float *)g->weight + (u * g->kernel_width + v) * g->channel_stride + c);
          }
        }
        VALUE_NAME(depthwise_store)(g, sum, mode, bias_of(g->epilogue, c), r, x, c);
      }
}

#ifndef SW_HELPERS_INCLUDED
// A tap that meets the columns of a phase: its row, the columns that it lies behind the first tap, its weights.
typedef struct {
  const char *row;
  ptrdiff_t back;
  const float *weight;
} phase_tap;
enum { PHASE_TAPS = 4 };
#endif

// Columns x, x + stride ... of which all taps lie in the row, as far as they do: `count` is a constant where this is inlined. Returns the column
// behind them.
INLINE ptrdiff_t VALUE_NAME(depthwise_phase)(
  const sw_depthwise_arguments *g, finish_mode mode, int count, const phase_tap *taps, ptrdiff_t x, ptrdiff_t q, ptrdiff_t c) {
  vector weights[PHASE_TAPS], bias = bias_of(g->epilogue, c);
  UNROLL for (int t = 0; t < PHASE_TAPS; t++) if (t < count) weights[t] = load(taps[t].weight + c);
  for (; x < g->count && q < g->in_width; x += g->stride, q++) {
    vector sum = splat(0);
    UNROLL for (int t = 0; t < PHASE_TAPS; t++)
      if (t < count) sum += load_value(AT(ELEMENT, taps[t].row, (q - taps[t].back) * g->in_pixel) + c) * weights[t];
    VALUE_NAME(depthwise_store)(g, sum, mode, bias, 0, x, c);
  }
  return x;
}

// The taps that meet a column of the output are every n-th, the same for every `stride`-th column.
SW_DECLARE_DEPTHWISE_TRANSPOSED(VALUE_NAME(depthwise_transposed)) {
  const sw_depthwise_arguments *g = arguments;
  finish_mode mode = finish_mode_of(g->epilogue, g->residual != 0);
  // How far apart the taps are that a phase meets. Where that is past the kernel, it meets one at most.
  ptrdiff_t step = 1;
  while (step < g->kernel_width && step * g->dilation % g->stride != 0) step++;
  for (ptrdiff_t phase = 0; phase < g->stride && phase < g->count; phase++) {
    ptrdiff_t first = 0;
    while (first < g->kernel_width && (phase + g->left - first * g->dilation) % g->stride != 0) first++;
    ptrdiff_t place = (phase + g->left - first * g->dilation) / g->stride, back = step * g->dilation / g->stride;
    phase_tap taps[PHASE_TAPS];
    ptrdiff_t count = 0, inner = 0;
    for (ptrdiff_t u = 0; u < g->kernel_height; u++) {
      if (!g->rows[u]) continue;
      for (ptrdiff_t v = first, behind = 0; v < g->kernel_width; v += step, behind += back, count++) {
        if (count < PHASE_TAPS)
          taps[count] = (phase_tap){g->rows[u], behind, (const float *)g->weight + (u * g->kernel_width + v) * g->channel_stride};
        if (behind > inner) inner = behind;
      }
    }
    for (ptrdiff_t c = 0; c < g->channels; c += LANES) {
      vector bias = bias_of(g->epilogue, c);
      for (ptrdiff_t x = phase, q = place; x < g->count; x += g->stride, q++) {
        if (q >= inner && q < g->in_width && count <= 4 && count != 3) {
          ptrdiff_t end = x;
          if (count == 0) end = VALUE_NAME(depthwise_phase)(g, mode, 0, taps, x, q, c);
          else if (count == 1) end = VALUE_NAME(depthwise_phase)(g, mode, 1, taps, x, q, c);
          else if (count == 2) end = VALUE_NAME(depthwise_phase)(g, mode, 2, taps, x, q, c);
          else end = VALUE_NAME(depthwise_phase)(g, mode, 4, taps, x, q, c);
          q += (end - x) / g->stride;
          x = end;
          if (x >= g->count) break;
        }
        vector sum = splat(0);
        for (ptrdiff_t u = 0; u < g->kernel_height; u++) {
          const void *row = g->rows[u];
          if (!row) continue;
          ptrdiff_t column = q;
          for (ptrdiff_t v = first; v < g->kernel_width; v += step, column -= back) {
            if (column < 0 || column >= g->in_width) continue;
            sum += load_value(AT(ELEMENT, row, column * g->in_pixel) + c) *
                   load((const float *)g->weight + (u * g->kernel_width + v) * g->channel_stride + c);
          }
        }
        VALUE_NAME(depthwise_store)(g, sum, mode, bias, 0, x, c);
      }
    }
  }
}
