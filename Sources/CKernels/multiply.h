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
  UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = splat(0);
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

#undef ROWS
#undef VECTORS
#undef MULTIPLY_NAME
#undef GATHER_NAME
#undef HEAD_NAME
