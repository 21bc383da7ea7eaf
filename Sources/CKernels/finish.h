// The epilogue of interleaved values. Included once for each type of element that is stored.

// One vector through the epilogue. `bias` is that of its channels (zero for none); `channel` the first of them, for slopes;
// `residual` null means none. `mode` is a constant where this is inlined.
INLINE vector finish(
  vector v, finish_mode mode, vector bias, const sw_epilogue *e, ptrdiff_t channel, const STORED *residual) {
  if (mode == FINISH_MANY) return v;
  v += bias;
  switch (mode) {
    case FINISH_PLAIN: return v;
    case FINISH_RELU: return larger(splat(0), v);
    case FINISH_LEAKY_RELU: return v < 0.0f ? v * e->before.a : v;
    case FINISH_CLIP: return smaller(splat(e->before.b), larger(splat(e->before.a), v));
    // Residual networks scale and then add: one fused operation.
    case FINISH_RESIDUAL: return v * e->scale + load_stored(residual);
    case FINISH_RESIDUAL_RELU: v = v * e->scale + load_stored(residual); return larger(splat(0), v);
    case FINISH_MANY:
    case FINISH_ANY: break;
  }
  v = activate(v, &e->before, e->before.slopes + channel);
  if (residual) v = v * e->scale + load_stored(residual);
  else v = v * e->scale;
  return activate(v, &e->after, e->after.slopes + channel);
}
