// Register-tiled sums of outer products: what the gradients of weights are made of. ROWS x VECTORS sums stay in registers over all pixels.
// Included once for each tile shape, which defines ROWS, VECTORS and OUTER_NAME. All values are float32.
__attribute__((noinline)) SW_DECLARE_OUTER(OUTER_NAME) {
  const sw_outer_arguments *g = arguments;
  vector sum[ROWS][VECTORS];
  UNROLL for (int i = 0; i < ROWS; i++)
    UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = load(g->product + i * g->product_stride + j * LANES);
  for (ptrdiff_t l = 0; l < g->lines; l++) {
    const float *left = g->left + l * g->left_line, *right = g->right + l * g->right_line;
    for (ptrdiff_t k = 0; k < g->count; k++) {
      vector b[VECTORS];
      UNROLL for (int j = 0; j < VECTORS; j++) b[j] = load(right + j * LANES);
      UNROLL for (int i = 0; i < ROWS; i++) {
        vector a = splat(left[i]);
        UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] += a * b[j];
      }
      left += g->left_step;
      right += g->right_step;
    }
  }
  UNROLL for (int i = 0; i < ROWS; i++)
    UNROLL for (int j = 0; j < VECTORS; j++) store(g->product + i * g->product_stride + j * LANES, sum[i][j]);
}

#undef ROWS
#undef VECTORS
#undef OUTER_NAME
