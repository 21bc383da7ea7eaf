// Register-tiled products. ROWS x VECTORS sums stay in registers over the whole depth: per step VECTORS loads of weights, ROWS
// broadcasts, ROWS · VECTORS multiply-adds. Included once for each tile shape, which defines ROWS, VECTORS and the names.
//
// A step takes one value of the depth, or, where SW_DOT_PRODUCTS is defined, a pair of bfloat16 values that lie together in 4 bytes on
// both sides: their two products are one instruction. Elsewhere bfloat16 values are widened: one by one, as each is broadcast, or, where
// SW_WIDENS_AHEAD is defined, vectors at a time, into a buffer that stays in the level-1 cache.
//
// Sums of codes (SW_VALUES_UINT8) take four values of the depth in 4 bytes. Their sums are integers, whose memory is as large as that of floats.
#ifdef SW_VALUES_UINT8
#define STEPS(depth) (((depth) + SW_CODE_GROUP - 1) / SW_CODE_GROUP)
#define LEFT_ELEMENT four_codes
#define HEAD_ELEMENT four_codes
#define SUM integer_vector
#define NO_SUM ((integer_vector)(0))
#define LOAD_SUM(p) load_integers(p)
#define STORE_SUM(p, v) store_integers(p, v)
#define LOAD_RIGHT(p) load_integers(p)
#define SPLAT_LEFT(x) ((integer_vector)(x))
#define SPLAT_HEAD(x) ((integer_vector)(x))
#define MULTIPLY_ADD(sum, a, b) sum = add_products(sum, a, b)
#define HEAD_MULTIPLY_ADD(sum, a, b) sum = add_products(sum, a, b)
#define CONSTANTS code_constants
#define CONSTANTS_OF(e, channel) code_constants_of(e, channel)
#ifdef SW_STORES_NUMBERS
#define TILE_STORED float
#define FINISH(sum, mode, constants, e, channel, residual) finish_numbers(sum, mode, constants, e, channel, residual)
#define STORE_FINISHED(p, v) store(p, v)
#define TILE_FINISH_MODE(e, has_residual) number_finish_mode_of(e, has_residual)
#define WITH_FINISH_MODE(mode, body) SW_WITH_NUMBER_FINISH_MODE(mode, body)
#else
#define TILE_STORED STORED
#define FINISH(sum, mode, constants, e, channel, residual) finish_codes(sum, mode, constants, e, channel, residual)
#define STORE_FINISHED(p, v) store_value(p, v)
#define TILE_FINISH_MODE(e, has_residual) code_finish_mode_of(e, has_residual)
#define WITH_FINISH_MODE(mode, body) SW_WITH_CODE_FINISH_MODE(mode, body)
#endif
#else
#define HEAD_ELEMENT float
#define SUM vector
#define NO_SUM splat(0)
#define LOAD_SUM(p) load(p)
#define STORE_SUM(p, v) store(p, v)
#define LOAD_RIGHT(p) load(p)
#define SPLAT_HEAD(x) splat(x)
#define HEAD_MULTIPLY_ADD(sum, a, b) sum += a * b
#define TILE_STORED STORED
#define FINISH(sum, mode, constants, e, channel, residual) finish(sum, mode, constants, e, channel, residual)
#define STORE_FINISHED(p, v) store_value(p, v)
#define CONSTANTS vector
#define CONSTANTS_OF(e, channel) bias_of(e, channel)
#define TILE_FINISH_MODE(e, has_residual) tile_finish_mode_of(e, has_residual)
#define WITH_FINISH_MODE(mode, body) SW_WITH_TILE_FINISH_MODE(mode, body)
#ifdef SW_DOT_PRODUCTS
#define STEPS(depth) (((depth) + 1) / 2)
#define LEFT_ELEMENT float
#define SPLAT_LEFT(x) splat(x)
#define MULTIPLY_ADD(sum, a, b) sum = (vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b)
#else
#define STEPS(depth) (depth)
#define MULTIPLY_ADD(sum, a, b) sum += a * b
#if defined(SW_VALUES_BFLOAT16) && defined(SW_WIDENS_AHEAD)
#define SW_WIDENS
// Values of each row that are widened at once.
#define WIDENED 128
#define LEFT_ELEMENT float
#define SPLAT_LEFT(x) splat(x)
#else
#define LEFT_ELEMENT ELEMENT
#define SPLAT_LEFT(x) splat_value(x)
#endif
#endif
#endif

#ifdef SW_TILES
#include "tileProducts.h"
#else
// The products of `rows` values that lie `distance` apart with one row of weights; `rows` is a constant where this is inlined.
INLINE void SW_PASTE(MULTIPLY_NAME, _step)(
  const LEFT_ELEMENT *from, ptrdiff_t distance, const float *right, int rows, SUM sum[ROWS][VECTORS]) {
  SUM b[VECTORS];
  UNROLL for (int j = 0; j < VECTORS; j++) b[j] = LOAD_RIGHT(right + j * LANES);
  UNROLL for (int i = 0; i < ROWS; i++) {
    if (i >= rows) continue;
    SUM a = SPLAT_LEFT(from[i * distance]);
    UNROLL for (int j = 0; j < VECTORS; j++) MULTIPLY_ADD(sum[i][j], a, b[j]);
  }
}

// Adds the products of a depth of `rows` rows that lie `distance` bytes apart, while `lines` cache lines are fetched: one a step, because more
// at once would wait for each other and hold up the loads behind them. `later` says that they will be read after many others.
INLINE void SW_PASTE(MULTIPLY_NAME, _sums)(
  const void *left, ptrdiff_t distance, const float *right, ptrdiff_t depth, int rows, const char *ahead, ptrdiff_t lines, int later,
  SUM sum[ROWS][VECTORS]) {
#ifdef SW_WIDENS
  float wide[ROWS * WIDENED];
  for (ptrdiff_t first = 0; first < depth; first += WIDENED) {
    ptrdiff_t count = depth - first < WIDENED ? depth - first : WIDENED, k = 0;
    UNROLL for (int i = 0; i < ROWS; i++) if (i < rows) widen(wide + i * WIDENED, AT(ELEMENT, left, i * distance) + first, count);
    const float *from = wide, *weights = right + first * VECTORS * LANES;
    ptrdiff_t apart = WIDENED, fetched = lines - first < count ? lines - first : count;
#else
  {
    ptrdiff_t count = STEPS(depth), k = 0;
    const LEFT_ELEMENT *from = left;
    const float *weights = right;
    // A whole number of elements: a shift will do.
    ptrdiff_t apart = distance >> (sizeof(LEFT_ELEMENT) == 4 ? 2 : 1), fetched = lines, first = 0;
#endif
    for (; k < fetched; k++) {
      if (later) fetch_for_later(ahead + (first + k) * 64);
      else __builtin_prefetch(ahead + (first + k) * 64);
      SW_PASTE(MULTIPLY_NAME, _step)(from + k, apart, weights + k * VECTORS * LANES, rows, sum);
    }
    for (; k < count; k++) SW_PASTE(MULTIPLY_NAME, _step)(from + k, apart, weights + k * VECTORS * LANES, rows, sum);
  }
}

#endif

#ifndef SW_VALUES_UINT8
__attribute__((noinline)) SW_DECLARE_MULTIPLY(MULTIPLY_NAME) {
  SUM sum[ROWS][VECTORS];
  UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = NO_SUM;
  const char *next = 0;
  ptrdiff_t lines = take_ahead(ahead, STEPS(depth), &next);
  SW_PASTE(MULTIPLY_NAME, _sums)(left, left_stride, right, depth, ROWS, next, lines, 1, sum);
  UNROLL for (int i = 0; i < ROWS; i++)
    UNROLL for (int j = 0; j < VECTORS; j++) STORE_SUM(product + i * product_stride + j * LANES, sum[i][j]);
}
#endif

#ifdef SW_VALUES_UINT8
#define FINISH_WHOLE_TILE(mode, sum, e, channel, rows)
#else
#define FINISH_WHOLE_TILE(mode, sum, e, channel, rows) \
  if (mode == FINISH_MANY) SW_PASTE(MULTIPLY_NAME, _many)(sum, e, channel, rows);
// The bias and the function of the epilogue for `rows` rows of sums, through memory: the sums themselves stay in registers.
INLINE void SW_PASTE(MULTIPLY_NAME, _many)(SUM sum[ROWS][VECTORS], const sw_epilogue *e, ptrdiff_t channel, ptrdiff_t rows) {
  vector all[ROWS * VECTORS];
  UNROLL for (int j = 0; j < VECTORS; j++) {
    vector bias = bias_of(e, channel + j * LANES);
    UNROLL for (int r = 0; r < ROWS; r++) all[r * VECTORS + j] = sum[r][j] + bias;
  }
  finish_many(all, rows * VECTORS, &e->before);
  UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int j = 0; j < VECTORS; j++) sum[r][j] = all[r * VECTORS + j];
}
#endif

#if defined(GATHER_NAME) && !defined(SW_TILES)
// The same for values of rows that lie anywhere.
INLINE void SW_PASTE(GATHER_NAME, _step)(
  const LEFT_ELEMENT *const *row, ptrdiff_t k, const float *right, SUM sum[ROWS][VECTORS]) {
  SUM b[VECTORS];
  UNROLL for (int j = 0; j < VECTORS; j++) b[j] = LOAD_RIGHT(right + j * LANES);
  UNROLL for (int i = 0; i < ROWS; i++) {
    SUM a = SPLAT_LEFT(row[i][k]);
    UNROLL for (int j = 0; j < VECTORS; j++) MULTIPLY_ADD(sum[i][j], a, b[j]);
  }
}

__attribute__((noinline)) SW_DECLARE_GATHER(GATHER_NAME) {
  SUM sum[ROWS][VECTORS];
  if (continues) {
    UNROLL for (int i = 0; i < ROWS; i++)
      UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = LOAD_SUM(product + i * product_stride + j * LANES);
  } else {
    UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = NO_SUM;
  }
  const float *weights = right;
  for (ptrdiff_t t = 0; t < taps; t++) {
    const char *next = 0;
    ptrdiff_t lines = take_ahead(ahead, STEPS(depth), &next);
#ifdef SW_WIDENS
    float wide[ROWS * WIDENED];
    for (ptrdiff_t first = 0; first < depth; first += WIDENED) {
      ptrdiff_t count = depth - first < WIDENED ? depth - first : WIDENED, k = 0;
      ptrdiff_t fetched = lines - first < count ? lines - first : count;
      UNROLL for (int i = 0; i < ROWS; i++) widen(wide + i * WIDENED, AT(ELEMENT, left[t * ROWS + i], offset) + first, count);
      for (; k < fetched; k++) {
        fetch_for_later(next + (first + k) * 64);
        SW_PASTE(MULTIPLY_NAME, _step)(wide + k, WIDENED, weights + (first + k) * VECTORS * LANES, ROWS, sum);
      }
      for (; k < count; k++)
        SW_PASTE(MULTIPLY_NAME, _step)(wide + k, WIDENED, weights + (first + k) * VECTORS * LANES, ROWS, sum);
    }
#else
    const LEFT_ELEMENT *row[ROWS];
    UNROLL for (int i = 0; i < ROWS; i++) row[i] = AT(LEFT_ELEMENT, left[t * ROWS + i], offset);
    ptrdiff_t k = 0;
    for (; k < lines; k++) {
      fetch_for_later(next + k * 64);
      SW_PASTE(GATHER_NAME, _step)(row, k, weights + k * VECTORS * LANES, sum);
    }
    for (; k < STEPS(depth); k++) SW_PASTE(GATHER_NAME, _step)(row, k, weights + k * VECTORS * LANES, sum);
#endif
    weights += STEPS(depth) * VECTORS * LANES;
  }
  UNROLL for (int i = 0; i < ROWS; i++)
    UNROLL for (int j = 0; j < VECTORS; j++) STORE_SUM(product + i * product_stride + j * LANES, sum[i][j]);
}
#endif

// Four vectors of codes are stored together: of one pixel, or, where a tile has fewer side by side, of two or four.
#if defined(SW_VALUES_UINT8) && !defined(SW_STORES_NUMBERS) && LANES == 16
#define LINE_VECTORS (VECTORS == 3 ? 1 : VECTORS)
#define STORE_LINES(mode, pixel, added)                                                                                        \
  if (mode != FINISH_ANY) {                                                                                                    \
    UNROLL for (int j = 0; j < VECTORS; j += LINE_VECTORS) {                                                                   \
      line_constants constants = line_constants_of(e, g->channel + j * LANES, LINE_VECTORS);                                   \
      UNROLL for (int first = 0; first < ROWS; first += 4 / LINE_VECTORS) {                                                    \
        if (first >= rows) continue;                                                                                           \
        SUM line[4];                                                                                                           \
        const uint8_t *before[4];                                                                                              \
        uint8_t *to[4];                                                                                                        \
        UNROLL for (int k = 0; k < 4; k++) {                                                                                   \
          int vector = j + k % LINE_VECTORS;                                                                                   \
          line[k] = sum[first + k / LINE_VECTORS][vector];                                                                     \
          ptrdiff_t r = first + k / LINE_VECTORS < rows ? first + k / LINE_VECTORS : rows - 1;                                 \
          before[k] = (const uint8_t *)(added) + g->channel + vector * LANES;                                                  \
          to[k] = (uint8_t *)(pixel) + g->block[vector];                                                                       \
        }                                                                                                                      \
        store_line_of_codes(line, mode, &constants, e, before, to, (rows - first) * LINE_VECTORS);                             \
      }                                                                                                                        \
    }                                                                                                                          \
  } else
#else
#define STORE_LINES(mode, pixel, added)
#endif

#ifdef HEAD_NAME
// The sums of `rows` pixels from the one at `first` on, `step` apart: constants where this is inlined, or the addresses would take registers, and sums would
// not stay in theirs. They are handed on in memory: what an epilogue reads would take registers, too.
INLINE void SW_PASTE(HEAD_NAME, _sums)(
  const sw_head_arguments *g, ptrdiff_t first, ptrdiff_t step, int rows, SUM sums[ROWS][VECTORS]) {
  SUM sum[ROWS][VECTORS];
  UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < VECTORS; j++) sum[i][j] = NO_SUM;
  const float *right = g->right;
  for (ptrdiff_t r = 0; r < g->row_count; r++) {
    const HEAD_ELEMENT *left = (const HEAD_ELEMENT *)g->rows[r] + first;
    for (ptrdiff_t t = 0; t < g->taps; t++) {
      const HEAD_ELEMENT *tap = left + g->offsets[t];
      SUM b[VECTORS];
      UNROLL for (int j = 0; j < VECTORS; j++) b[j] = LOAD_RIGHT(right + j * LANES);
      right += VECTORS * LANES;
      UNROLL for (int i = 0; i < ROWS; i++) {
        if (i >= rows) continue;
        SUM a = SPLAT_HEAD(tap[i * step]);
        UNROLL for (int j = 0; j < VECTORS; j++) HEAD_MULTIPLY_ADD(sum[i][j], a, b[j]);
      }
    }
  }
  UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < VECTORS; j++) if (i < rows) sums[i][j] = sum[i][j];
}

// The pixels of a smaller tile, for the end of a row: 32 pixels are 12, 12 and 8, and 16 are 8 and 8.
#define SMALL_ROWS (ROWS == 12 ? 8 : ROWS > 4 ? 4 : ROWS)
#ifdef SW_VALUES_UINT8
// The pixels that the next tile reads of the last row: of the rows above all have been read for the row of output before.
#define FETCH_NEXT_PIXELS(g, first)                                                                                            \
  {                                                                                                                            \
    const char *next = (const char *)((const HEAD_ELEMENT *)g->rows[g->row_count - 1] + first + ROWS * g->step);               \
    for (ptrdiff_t byte = 0; byte < ROWS * g->step * 4; byte += 64) __builtin_prefetch(next + byte);                           \
  }
// Pixels of up to 64 channels of codes, of stride 1 and 2.
#define HEAD_SUMS(rows)                                                                                                        \
  switch (g->step) {                                                                                                           \
    case 1: SW_PASTE(HEAD_NAME, _sums)(g, first, 1, rows, sum); break;                                                          \
    case 2: SW_PASTE(HEAD_NAME, _sums)(g, first, 2, rows, sum); break;                                                          \
    case 4: SW_PASTE(HEAD_NAME, _sums)(g, first, 4, rows, sum); break;                                                          \
    case 8: SW_PASTE(HEAD_NAME, _sums)(g, first, 8, rows, sum); break;                                                          \
    case 12: SW_PASTE(HEAD_NAME, _sums)(g, first, 12, rows, sum); break;                                                        \
    case 16: SW_PASTE(HEAD_NAME, _sums)(g, first, 16, rows, sum); break;                                                        \
    case 32: SW_PASTE(HEAD_NAME, _sums)(g, first, 32, rows, sum); break;                                                        \
    default: SW_PASTE(HEAD_NAME, _sums)(g, first, g->step, rows, sum);                                                          \
  }
#else
#define FETCH_NEXT_PIXELS(g, first)
#define HEAD_SUMS(rows)                                                                                                        \
  switch (g->step) {                                                                                                           \
    case 1: SW_PASTE(HEAD_NAME, _sums)(g, first, 1, rows, sum); break;                                                          \
    case 2: SW_PASTE(HEAD_NAME, _sums)(g, first, 2, rows, sum); break;                                                          \
    default: SW_PASTE(HEAD_NAME, _sums)(g, first, g->step, rows, sum);                                                          \
  }
#endif

SW_DECLARE_HEAD(HEAD_NAME) {
  const sw_head_arguments *g = arguments;
  const sw_epilogue *e = g->epilogue;
  finish_mode mode = TILE_FINISH_MODE(e, g->residual != 0);
  for (ptrdiff_t i = 0, rows = 0; i < g->count; i += rows) {
    ptrdiff_t remaining = g->count - i;
    int isSmall = remaining <= SMALL_ROWS || (remaining > ROWS && remaining <= 2 * SMALL_ROWS);
    rows = isSmall ? SMALL_ROWS : ROWS;
    // The last tile goes back over pixels already done; their sums come out the same.
    if (rows > remaining && g->count >= rows) i = g->count - rows;
    if (rows > g->count) rows = g->count;
    ptrdiff_t first = i * g->step;
    FETCH_NEXT_PIXELS(g, first)
    SUM sum[ROWS][VECTORS];
    if (isSmall) HEAD_SUMS(SMALL_ROWS)
    else HEAD_SUMS(ROWS)
    __asm__ volatile("" : "+m"(sum));
    FINISH_WHOLE_TILE(mode, sum, e, g->channel, rows)
#define HEAD_STORE(mode)                                                                                                       \
  STORE_LINES(                                                                                                                 \
    mode, (uint8_t *)g->out + (i + r) * g->out_pixel, (const uint8_t *)g->residual + (i + r) * g->residual_pixel)              \
  UNROLL for (int j = 0; j < VECTORS; j++) {                                                                                   \
    ptrdiff_t channel = g->channel + j * LANES, block = g->block[j * LANES / SW_CHANNEL_BLOCK];                                \
    CONSTANTS constants = CONSTANTS_OF(e, channel);                                                                            \
    UNROLL for (int r = 0; r < ROWS; r++) {                                                                                    \
      if (r >= rows) continue;                                                                                                 \
      TILE_STORED *out = (TILE_STORED *)((char *)g->out + (i + r) * g->out_pixel + block) + j * LANES % SW_CHANNEL_BLOCK;                \
      const TILE_STORED *residual = g->residual ? AT(TILE_STORED, g->residual, (i + r) * g->residual_pixel) + channel : 0;               \
      STORE_FINISHED(out, FINISH(sum[r][j], mode, constants, e, channel, residual));                                              \
    }                                                                                                                          \
  }
    WITH_FINISH_MODE(mode, HEAD_STORE)
#undef HEAD_STORE
  }
}
#undef HEAD_SUMS
#undef FETCH_NEXT_PIXELS
#undef SMALL_ROWS
#endif

#ifdef POINTWISE_NAME
SW_DECLARE_POINTWISE(POINTWISE_NAME) {
  const sw_pointwise_arguments *g = arguments;
  const sw_epilogue *e = g->epilogue;
  finish_mode mode = TILE_FINISH_MODE(e, g->residual != 0);
  ptrdiff_t i = 0;
  while (i < g->count) {
    // The last tile goes back over pixels already done rather than past the end; their sums come out the same.
    if (i + ROWS > g->count && g->count >= ROWS) i = g->count - ROWS;
    SUM sum[ROWS][VECTORS];
    UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int j = 0; j < VECTORS; j++) sum[r][j] = NO_SUM;
    int rows = g->count >= ROWS ? ROWS : 1;
    const void *left = AT(char, g->left, i * g->left_pixel);
    const char *ahead = 0;
    ptrdiff_t lines = take_ahead(g->ahead, STEPS(g->depth), &ahead);
    if (rows == ROWS) SW_PASTE(MULTIPLY_NAME, _sums)(left, g->left_pixel, g->right, g->depth, ROWS, ahead, lines, 0, sum);
    else SW_PASTE(MULTIPLY_NAME, _sums)(left, g->left_pixel, g->right, g->depth, 1, ahead, lines, 0, sum);
    FINISH_WHOLE_TILE(mode, sum, e, g->channel, rows)
#define POINTWISE_STORE(mode)                                                                                                  \
  STORE_LINES(mode, g->out[i + r], mode == FINISH_RESIDUAL ? g->residual[i + r] : 0)                                           \
  UNROLL for (int j = 0; j < VECTORS; j++) {                                                                                   \
    ptrdiff_t channel = g->channel + j * LANES, block = g->block[j * LANES / SW_CHANNEL_BLOCK];                                \
    CONSTANTS constants = CONSTANTS_OF(e, channel);                                                                            \
    UNROLL for (int r = 0; r < ROWS; r++) {                                                                                    \
      if (r >= rows) continue;                                                                                                 \
      TILE_STORED *out = (TILE_STORED *)((char *)g->out[i + r] + block) + j * LANES % SW_CHANNEL_BLOCK;                        \
      const TILE_STORED *residual = g->residual ? (const TILE_STORED *)g->residual[i + r] + channel : 0;                       \
      STORE_FINISHED(out, FINISH(sum[r][j], mode, constants, e, channel, residual));                                           \
    }                                                                                                                          \
  }
    WITH_FINISH_MODE(mode, POINTWISE_STORE)
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
#undef STEPS
#undef LEFT_ELEMENT
#undef SPLAT_LEFT
#undef SW_WIDENS
#undef WIDENED
#undef MULTIPLY_ADD
#undef HEAD_MULTIPLY_ADD
#undef HEAD_ELEMENT
#undef SPLAT_HEAD
#undef SUM
#undef NO_SUM
#undef LOAD_SUM
#undef STORE_SUM
#undef LOAD_RIGHT
#undef CONSTANTS
#undef CONSTANTS_OF
#undef TILE_FINISH_MODE
#undef WITH_FINISH_MODE
#undef FINISH_WHOLE_TILE
#undef TILE_STORED
#undef STORE_LINES
#undef LINE_VECTORS
#undef FINISH
#undef STORE_FINISHED
