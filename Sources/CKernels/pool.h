// Pooling: vectors run over the channels. Included once for each type of element.

#ifndef SW_HELPERS_INCLUDED
// A NaN wins whichever operand it is: a pool must not hide a broken network.
INLINE vector maximum_with_nan(vector a, vector b) {
  vector m = b > a ? b : a;
  return b == b ? m : b;
}
#endif

// The maximum of a window of `side` columns from `low` on, of as many rows; `side` is a constant where this is inlined.
INLINE void VALUE_NAME(maximum_of_square)(const sw_pool_arguments *g, int side, ptrdiff_t low, STORED *out) {
  for (ptrdiff_t c = 0; c < g->channels; c += LANES) {
    vector most = splat(-__builtin_inff());
    UNROLL for (int row = 0; row < 3; row++) {
      if (row >= side) continue;
      const ELEMENT *in = AT(ELEMENT, g->rows[row], low * g->pixel) + c;
      UNROLL for (int at = 0; at < 3; at++) {
        if (at < side) most = maximum_with_nan(most, load_value(AT(ELEMENT, in, at * g->pixel)));
      }
    }
    store_value(out + c, most);
  }
}

SW_DECLARE_MAXIMUM_POOL(VALUE_NAME(maximum_pool)) {
  const sw_pool_arguments *g = arguments;
  for (ptrdiff_t x = 0; x < g->width; x++) {
    ptrdiff_t first = x * g->stride - g->left, end = first + g->kernel_width;
    ptrdiff_t low = first < 0 ? 0 : first, high = end > g->in_width ? g->in_width : end;
    STORED *out = (STORED *)((char *)g->out + x * g->out_pixel);
    // The usual windows without loops.
    if (g->row_count == 2 && high - low == 2) {
      VALUE_NAME(maximum_of_square)(g, 2, low, out);
      continue;
    }
    if (g->row_count == 3 && high - low == 3) {
      VALUE_NAME(maximum_of_square)(g, 3, low, out);
      continue;
    }
    for (ptrdiff_t c = 0; c < g->channels; c += LANES) {
      vector most = splat(-__builtin_inff());
      for (ptrdiff_t row = 0; row < g->row_count; row++) {
        const ELEMENT *in = (const ELEMENT *)g->rows[row] + c;
        for (ptrdiff_t at = low; at < high; at++) most = maximum_with_nan(most, load_value(AT(ELEMENT, in, at * g->pixel)));
      }
      store_value(out + c, most);
    }
  }
}

SW_DECLARE_AVERAGE_POOL(VALUE_NAME(average_pool)) {
  const sw_pool_arguments *g = arguments;
  for (ptrdiff_t x = 0; x < g->width; x++) {
    ptrdiff_t first = x * g->stride - g->left, end = first + g->kernel_width;
    ptrdiff_t low = first < 0 ? 0 : first, high = end > g->in_width ? g->in_width : end;
    // The columns that count: those of the image, or those of the image and its padding.
    ptrdiff_t columns = high - low;
    if (g->counts_padding) columns = (end > g->in_width + g->right ? g->in_width + g->right : end) - first;
    float count = (float)(columns * g->counted_rows);
    STORED *out = (STORED *)((char *)g->out + x * g->out_pixel);
    for (ptrdiff_t c = 0; c < g->channels; c += LANES) {
      vector sum = splat(0);
      for (ptrdiff_t row = 0; row < g->row_count; row++) {
        const ELEMENT *in = (const ELEMENT *)g->rows[row] + c;
        for (ptrdiff_t at = low; at < high; at++) sum += load_value(AT(ELEMENT, in, at * g->pixel));
      }
      store_value(out + c, sum / count);
    }
  }
}

// Four sums side by side hide the latency of the additions and lose fewer bits than one.
SW_DECLARE_SUM(VALUE_NAME(sum)) {
  for (ptrdiff_t c = 0; c < channels; c += LANES) {
    vector part[4];
    UNROLL for (int i = 0; i < 4; i++) part[i] = splat(0);
    ptrdiff_t at = 0;
    for (; at + 4 <= count; at += 4) {
      UNROLL for (int i = 0; i < 4; i++) part[i] += load_value(AT(ELEMENT, in, (at + i) * pixel) + c);
    }
    for (; at < count; at++) part[0] += load_value(AT(ELEMENT, in, at * pixel) + c);
    store(sums + c, load(sums + c) + ((part[0] + part[1]) + (part[2] + part[3])));
  }
}
