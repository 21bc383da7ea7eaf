// Register-tiled products. ROWS x VECTORS sums stay in registers over the whole depth: per step VECTORS loads of weights, ROWS
// broadcasts, ROWS · VECTORS multiply-adds. Included once for each tile shape, which defines ROWS, VECTORS and the three names.

__attribute__((noinline)) SW_DECLARE_MULTIPLY(MULTIPLY_NAME) {
  vector sum[ROWS][VECTORS];
  UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = splat(0);
  for (ptrdiff_t k = 0; k < depth; k++) {
    vector b[VECTORS];
    UNROLL for (int j = 0; j < VECTORS; j++) b[j] = load(right + j * LANES);
    right += VECTORS * LANES;
    UNROLL for (int i = 0; i < ROWS; i++) {
      vector a = splat(left[i * left_stride + k]);
      UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] += a * b[j];
    }
  }
  UNROLL for (int i = 0; i < ROWS; i++)
    UNROLL for (int j = 0; j < VECTORS; j++) store(product + i * product_stride + j * LANES, sum[i][j]);
}

#ifdef GATHER_NAME
__attribute__((noinline)) SW_DECLARE_GATHER(GATHER_NAME) {
  vector sum[ROWS][VECTORS];
  if (continues) {
    UNROLL for (int i = 0; i < ROWS; i++)
      UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = load(product + i * product_stride + j * LANES);
  } else {
    UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = splat(0);
  }
  for (ptrdiff_t t = 0; t < taps; t++) {
    const float *row[ROWS];
    UNROLL for (int i = 0; i < ROWS; i++) row[i] = left[t * ROWS + i];
    for (ptrdiff_t k = 0; k < depth; k++) {
      vector b[VECTORS];
      UNROLL for (int j = 0; j < VECTORS; j++) b[j] = load(right + j * LANES);
      right += VECTORS * LANES;
      UNROLL for (int i = 0; i < ROWS; i++) {
        vector a = splat(row[i][k]);
        UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] += a * b[j];
      }
    }
  }
  UNROLL for (int i = 0; i < ROWS; i++)
    UNROLL for (int j = 0; j < VECTORS; j++) store(product + i * product_stride + j * LANES, sum[i][j]);
}

__attribute__((noinline)) SW_DECLARE_HEAD(HEAD_NAME) {
  vector sum[ROWS][VECTORS];
  UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = splat(0);
  for (ptrdiff_t t = 0; t < taps; t++) {
    const float *row = left[t];
    vector b[VECTORS];
    UNROLL for (int j = 0; j < VECTORS; j++) b[j] = load(right + j * LANES);
    right += VECTORS * LANES;
    UNROLL for (int i = 0; i < ROWS; i++) {
      vector a = splat(row[i * left_step]);
      UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] += a * b[j];
    }
  }
  UNROLL for (int i = 0; i < ROWS; i++)
    UNROLL for (int j = 0; j < VECTORS; j++) store(product + i * product_stride + j * LANES, sum[i][j]);
}
#endif

#ifdef POINTWISE_NAME
// The sums of `rows` pixels from `left` on; `rows` is a constant where this is inlined.
INLINE void SW_PASTE(POINTWISE_NAME, _sums)(
  const float *left, ptrdiff_t left_pixel, const float *right, ptrdiff_t depth, int rows, vector sum[ROWS][VECTORS]) {
  UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = splat(0);
  for (ptrdiff_t k = 0; k < depth; k++) {
    vector b[VECTORS];
    UNROLL for (int j = 0; j < VECTORS; j++) b[j] = load(right + j * LANES);
    right += VECTORS * LANES;
    UNROLL for (int i = 0; i < ROWS; i++) {
      if (i >= rows) continue;
      vector a = splat(left[i * left_pixel + k]);
      UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] += a * b[j];
    }
  }
}

SW_DECLARE_POINTWISE(POINTWISE_NAME) {
  const sw_pointwise_arguments *g = arguments;
  const sw_epilogue *e = g->epilogue;
  finish_mode mode = finish_mode_of(e, g->residual != 0);
  ptrdiff_t i = 0;
  while (i < g->count) {
    // The last tile goes back over pixels already done rather than past the end; their sums come out the same.
    if (i + ROWS > g->count && g->count >= ROWS) i = g->count - ROWS;
    vector sum[ROWS][VECTORS];
    int rows = g->count >= ROWS ? ROWS : 1;
    const float *left = g->left + i * g->left_pixel;
    if (rows == ROWS) SW_PASTE(POINTWISE_NAME, _sums)(left, g->left_pixel, g->right, g->depth, ROWS, sum);
    else SW_PASTE(POINTWISE_NAME, _sums)(left, g->left_pixel, g->right, g->depth, 1, sum);
#define POINTWISE_STORE(mode)                                                                                                      \
  UNROLL for (int j = 0; j < VECTORS; j++) {                                                                                       \
    ptrdiff_t channel = g->channel + j * LANES, offset = g->block[j * LANES / SW_CHANNEL_BLOCK] + j * LANES % SW_CHANNEL_BLOCK;    \
    vector bias = bias_of(e, channel);                                                                                             \
    UNROLL for (int r = 0; r < ROWS; r++) {                                                                                        \
      if (r >= rows) continue;                                                                                                     \
      store(g->out[i + r] + offset, finish(sum[r][j], mode, bias, e, channel, g->residual ? g->residual[i + r] + channel : 0));    \
    }                                                                                                                              \
  }
    SW_WITH_FINISH_MODE(mode, POINTWISE_STORE)
#undef POINTWISE_STORE
    i += rows;
  }
}
#endif

#undef POINTWISE_NAME
#undef ROWS
#undef VECTORS
#undef MULTIPLY_NAME
#undef GATHER_NAME
#undef HEAD_NAME
