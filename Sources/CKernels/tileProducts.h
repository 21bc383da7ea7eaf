// Products of 16 pixels and VECTORS vectors of columns by tiles of AMX, for the families gather and pointwise; see multiply.h, which has the rest of
// the latter. Included once for each number of vectors.

// Sums of `rows` rows that lie `distance` bytes apart.
INLINE void SW_PASTE(MULTIPLY_NAME, _tiles)(
  int emulated, const void *left, ptrdiff_t distance, const float *right, ptrdiff_t depth, int rows, float *sums) {
  emulated_tiles here, *tiles = &here;
  ptrdiff_t steps = STEPS(depth), part = tile_steps(steps), whole = steps / part * part;
  tiles_begin(tiles, emulated, rows, part);
  for (ptrdiff_t k = 0; k < whole; k += part)
    tiles_add(tiles, emulated, (const char *)left + 4 * k, distance, right + k * VECTORS * LANES, VECTORS);
  tiles_give(tiles, emulated, sums, VECTORS * LANES, VECTORS);
  tiles_end(emulated);
}

// The same of taps whose rows lie anywhere, from what `product` holds on.
INLINE void SW_PASTE(GATHER_NAME, _tiles)(
  int emulated, const void *const *left, ptrdiff_t offset, ptrdiff_t taps, const float *right, ptrdiff_t depth, int continues,
  float *product, ptrdiff_t product_stride, sw_ahead *ahead) {
  emulated_tiles here, *tiles = &here;
  ptrdiff_t steps = STEPS(depth), part = tile_steps(steps), whole = steps / part * part;
  tiles_begin(tiles, emulated, ROWS, part);
  if (continues) tiles_take(tiles, emulated, product, product_stride, VECTORS);
  for (ptrdiff_t t = 0; t < taps; t++, left += ROWS, right += steps * VECTORS * LANES) {
    const char *next = 0;
    ptrdiff_t lines = take_ahead(ahead, steps, &next);
    for (ptrdiff_t k = 0; k < lines; k++) fetch_for_later(next + k * 64);
    // Pixels side by side lie equally far apart, but for those at an edge.
    ptrdiff_t distance = (const char *)left[1] - (const char *)left[0];
    int isEven = 1;
    for (int i = 2; i < ROWS; i++) isEven &= (const char *)left[i] - (const char *)left[i - 1] == distance;
    for (ptrdiff_t k = 0; k < whole; k += part) {
      const char *codes = (const char *)left[0] + offset + 4 * k;
      uint8_t copied[ROWS][64];
      if (!isEven)
        for (int i = 0; i < ROWS; i++)
          _mm512_storeu_si512(
            copied[i], _mm512_maskz_loadu_epi32((__mmask16)((1u << part) - 1), (const char *)left[i] + offset + 4 * k));
      tiles_add(
        tiles, emulated, isEven ? codes : (const char *)copied, isEven ? distance : 64, right + k * VECTORS * LANES, VECTORS);
    }
  }
  tiles_give(tiles, emulated, product, product_stride, VECTORS);
  tiles_end(emulated);
}

// The depth that tiles leave over.
INLINE void SW_PASTE(MULTIPLY_NAME, _rest)(
  const four_codes *left, const float *right, ptrdiff_t first, ptrdiff_t steps, float *sums) {
  SUM sum[VECTORS];
  UNROLL for (int j = 0; j < VECTORS; j++) sum[j] = LOAD_SUM(sums + j * LANES);
  for (ptrdiff_t k = first; k < steps; k++)
    UNROLL for (int j = 0; j < VECTORS; j++)
      sum[j] = add_products(sum[j], (SUM)(left[k]), LOAD_RIGHT(right + (k * VECTORS + j) * LANES));
  UNROLL for (int j = 0; j < VECTORS; j++) STORE_SUM(sums + j * LANES, sum[j]);
}

INLINE ptrdiff_t SW_PASTE(MULTIPLY_NAME, _whole)(ptrdiff_t steps) { return steps / tile_steps(steps) * tile_steps(steps); }

INLINE void SW_PASTE(MULTIPLY_NAME, _sums)(
  const void *left, ptrdiff_t distance, const float *right, ptrdiff_t depth, int rows, const char *ahead, ptrdiff_t lines, int later,
  SUM sum[ROWS][VECTORS]) {
  (void)later;
  for (ptrdiff_t k = 0; k < lines; k++) __builtin_prefetch(ahead + k * 64);
  float *sums = (float *)sum;
  if (sw_emulates_tiles()) SW_PASTE(MULTIPLY_NAME, _tiles)(1, left, distance, right, depth, rows, sums);
  else SW_PASTE(MULTIPLY_NAME, _tiles)(0, left, distance, right, depth, rows, sums);
  ptrdiff_t steps = STEPS(depth), whole = SW_PASTE(MULTIPLY_NAME, _whole)(steps);
  if (whole < steps)
    for (int i = 0; i < rows; i++)
      SW_PASTE(MULTIPLY_NAME, _rest)(AT(four_codes, left, i * distance), right, whole, steps, sums + i * VECTORS * LANES);
}

__attribute__((noinline)) SW_DECLARE_GATHER(GATHER_NAME) {
  if (sw_emulates_tiles())
    SW_PASTE(GATHER_NAME, _tiles)(1, left, offset, taps, right, depth, continues, product, product_stride, ahead);
  else SW_PASTE(GATHER_NAME, _tiles)(0, left, offset, taps, right, depth, continues, product, product_stride, ahead);
  ptrdiff_t steps = STEPS(depth), whole = SW_PASTE(MULTIPLY_NAME, _whole)(steps);
  if (whole == steps) return;
  const float *weights = right;
  for (ptrdiff_t t = 0; t < taps; t++, weights += steps * VECTORS * LANES)
    for (int i = 0; i < ROWS; i++)
      SW_PASTE(MULTIPLY_NAME, _rest)(AT(four_codes, left[t * ROWS + i], offset), weights, whole, steps, product + i * product_stride);
}
