// A few output planes from many input planes: vectors run over the pixels of a row, a tap is an address, and OUTPUTS ·
// PLANES_VECTORS sums stay in registers over all taps and channels. Included once by each instruction set, which defines
// PLANES_VECTORS: planes are float32 in either precision.

// `outputs` and `vectors` are constants where this is inlined.
INLINE void SW_NAME(planes_tile)(const sw_planes_arguments *g, int outputs, int vectors, ptrdiff_t x) {
  vector sum[4][PLANES_VECTORS];
  UNROLL for (int o = 0; o < 4; o++) UNROLL for (int v = 0; v < PLANES_VECTORS; v++) sum[o][v] = splat(0);
  const float *weight = g->right;
  for (ptrdiff_t t = 0; t < g->taps; t++) {
    const float *in = g->left[t];
    if (in) {
      in += x;
      for (ptrdiff_t k = 0; k < g->depth; k++, in += g->plane) {
        vector value[PLANES_VECTORS];
        UNROLL for (int v = 0; v < PLANES_VECTORS; v++) if (v < vectors) value[v] = load(in + v * LANES);
        UNROLL for (int o = 0; o < 4; o++) {
          if (o >= outputs) continue;
          vector w = splat(weight[k * outputs + o]);
          UNROLL for (int v = 0; v < PLANES_VECTORS; v++) if (v < vectors) sum[o][v] += w * value[v];
        }
      }
    }
    weight += g->depth * outputs;
  }
  UNROLL for (int o = 0; o < 4; o++) {
    if (o >= outputs) continue;
    UNROLL for (int v = 0; v < PLANES_VECTORS; v++) if (v < vectors) store(g->out[o] + x + v * LANES, sum[o][v]);
  }
}

// Few vectors are done with a little too many rather than one by one: a single one waits for its own sums.
#define PLANES(outputs)                                                                             \
  SW_DECLARE_PLANES(SW_NAME(planes_##outputs)) {                                                    \
    const sw_planes_arguments *g = arguments;                                                       \
    ptrdiff_t x = 0, end = (g->count + LANES - 1) / LANES * LANES;                                  \
    for (; end - x >= PLANES_VECTORS * LANES; x += PLANES_VECTORS * LANES)                          \
      SW_NAME(planes_tile)(g, outputs, PLANES_VECTORS, x);                                          \
    if (PLANES_VECTORS > 4 && end - x > 4 * LANES) SW_NAME(planes_tile)(g, outputs, PLANES_VECTORS, x); \
    else if (PLANES_VECTORS > 4 && end - x > 2 * LANES) SW_NAME(planes_tile)(g, outputs, 4, x);     \
    else if (end - x > 0) SW_NAME(planes_tile)(g, outputs, 2, x);                                   \
  }
PLANES(1)
PLANES(2)
PLANES(3)
PLANES(4)
#undef PLANES

// `factor` is a constant where this is inlined.
INLINE void SW_NAME(spread_some)(const float *const *in, ptrdiff_t factor, ptrdiff_t x, float *row) {
  for (ptrdiff_t i = 0; i < LANES; i++)
    for (ptrdiff_t d = 0; d < factor; d++) row[i * factor + d] = in[d][x + i];
}

SW_DECLARE_SPREAD(SW_NAME(spread)) {
  const sw_spread_arguments *g = arguments;
  float row[SW_SPREAD_FACTOR * LANES];
  for (ptrdiff_t x = 0; x * g->factor < g->count; x += LANES) {
    switch (g->factor) {
      case 1: SW_NAME(spread_some)(g->in, 1, x, row); break;
      case 2: SW_NAME(spread_some)(g->in, 2, x, row); break;
      case 3: SW_NAME(spread_some)(g->in, 3, x, row); break;
      case 4: SW_NAME(spread_some)(g->in, 4, x, row); break;
      default: SW_NAME(spread_some)(g->in, g->factor, x, row);
    }
    for (ptrdiff_t i = 0; i < g->factor * LANES; i += LANES) {
      ptrdiff_t at = x * g->factor + i, left = g->count - at;
      const float *added = g->residual ? g->residual + at : 0;
      if (left >= LANES) {
        store(g->out + at, finish_plane(load(row + i), g->epilogue, g->channel, added));
      } else if (left > 0) {
        float residual[LANES] = {0}, result[LANES];
        if (added) copy_some(residual, added, left);
        store(result, finish_plane(load(row + i), g->epilogue, g->channel, added ? residual : 0));
        copy_some(g->out + at, result, left);
      }
    }
  }
}
