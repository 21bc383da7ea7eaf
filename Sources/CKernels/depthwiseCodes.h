// 3x3 depthwise products of codes by sums of four products: what lies one below the other in three rows, and in the row below them for a second row
// of output, is brought together in 4 bytes a channel, once for the three columns of outputs that it meets. Included behind codes.h by
// instruction sets that have these products.

// Four rows of pixels: where pixel 0 of each lies, and the bytes from one to the next; 0 for a row that is all outside.
typedef struct {
  const uint8_t *row[4];
  ptrdiff_t pixel[4];
  const uint8_t *outside;
  ptrdiff_t width;
} code_rows;

INLINE code_rows code_rows_of(const sw_depthwise_arguments *g, ptrdiff_t first, int count, ptrdiff_t c) {
  code_rows result;
  result.outside = (const uint8_t *)g->outside + c;
  result.width = g->in_width;
  UNROLL for (int u = 0; u < 4; u++) {
    const uint8_t *row = u < count ? g->rows[first + u] : 0;
    result.row[u] = row ? row + c : result.outside;
    result.pixel[u] = row ? g->in_pixel : 0;
  }
  return result;
}

INLINE const uint8_t *code_pixel(const code_rows *rows, int u, ptrdiff_t x) {
  return x < 0 || x >= rows->width ? rows->outside : rows->row[u] + x * rows->pixel[u];
}

// The fours of 16 channels of a column.
INLINE __m512i column_of_16(const code_rows *rows, ptrdiff_t x) {
  __m128i a = _mm_loadu_si128((const __m128i *)code_pixel(rows, 0, x)), b = _mm_loadu_si128((const __m128i *)code_pixel(rows, 1, x));
  __m128i c = _mm_loadu_si128((const __m128i *)code_pixel(rows, 2, x)), d = _mm_loadu_si128((const __m128i *)code_pixel(rows, 3, x));
  __m256i upper = _mm256_set_m128i(_mm_unpackhi_epi8(a, b), _mm_unpacklo_epi8(a, b));
  __m256i lower = _mm256_set_m128i(_mm_unpackhi_epi8(c, d), _mm_unpacklo_epi8(c, d));
  const __m512i places = _mm512_set_epi16(
    47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
  return _mm512_permutex2var_epi16(_mm512_castsi256_si512(upper), places, _mm512_castsi256_si512(lower));
}

// Of 64 channels: those of quarter k and lane l · 4 + i are of channel l · 16 + k · 4 + i.
INLINE void column_of_64(const code_rows *rows, ptrdiff_t x, __m512i column[4]) {
  __m512i a = _mm512_loadu_si512(code_pixel(rows, 0, x)), b = _mm512_loadu_si512(code_pixel(rows, 1, x));
  __m512i c = _mm512_loadu_si512(code_pixel(rows, 2, x)), d = _mm512_loadu_si512(code_pixel(rows, 3, x));
  __m512i low = _mm512_unpacklo_epi8(a, b), high = _mm512_unpackhi_epi8(a, b);
  __m512i low2 = _mm512_unpacklo_epi8(c, d), high2 = _mm512_unpackhi_epi8(c, d);
  column[0] = _mm512_unpacklo_epi16(low, low2);
  column[1] = _mm512_unpackhi_epi16(low, low2);
  column[2] = _mm512_unpacklo_epi16(high, high2);
  column[3] = _mm512_unpackhi_epi16(high, high2);
}

// Four vectors of 64 channels in their order as quarters, and back.
INLINE void exchange_quarters(__m512i v[4]) {
  __m512i a = _mm512_shuffle_i32x4(v[0], v[1], 0x44), b = _mm512_shuffle_i32x4(v[0], v[1], 0xee);
  __m512i c = _mm512_shuffle_i32x4(v[2], v[3], 0x44), d = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
  v[0] = _mm512_shuffle_i32x4(a, c, 0x88);
  v[1] = _mm512_shuffle_i32x4(a, c, 0xdd);
  v[2] = _mm512_shuffle_i32x4(b, d, 0x88);
  v[3] = _mm512_shuffle_i32x4(b, d, 0xdd);
}

typedef struct {
  // Of the columns of taps, by quarter; those of the second row of output are a byte further on.
  __m512i weights[3][4];
  __m512i start[4];
  __m512 multiplier[4];
  __m512 most;
  __m512i zero, least;
} code_line;

INLINE void load_quarters(const void *p, __m512i v[4]) {
  UNROLL for (int k = 0; k < 4; k++) v[k] = _mm512_loadu_si512((const char *)p + 64 * k);
  exchange_quarters(v);
}

INLINE code_line code_line_of(const sw_depthwise_arguments *g, ptrdiff_t c) {
  const sw_integers *i = &g->epilogue->integers;
  code_line line;
  UNROLL for (int v = 0; v < 3; v++) load_quarters((const int32_t *)g->weight + v * g->channel_stride + c, line.weights[v]);
  load_quarters(i->start + c, line.start);
  __m512i multiplier[4];
  load_quarters(i->multiplier + c, multiplier);
  UNROLL for (int k = 0; k < 4; k++) line.multiplier[k] = _mm512_castsi512_ps(multiplier[k]);
  line.most = _mm512_set1_ps(i->stored.most);
  line.zero = _mm512_set1_epi16((int16_t)i->stored.zero);
  line.least = _mm512_set1_epi8((int8_t)((int)i->stored.least + i->stored.zero));
  return line;
}

// 64 codes of the sums of three columns, `second` for the second row of output.
INLINE void store_line(
  const code_line *line, const __m512i *a, const __m512i *b, const __m512i *c, int second, uint8_t *out) {
  vector t[4];
  UNROLL for (int k = 0; k < 4; k++) {
    __m512i w[3];
    UNROLL for (int v = 0; v < 3; v++) w[v] = second ? _mm512_slli_epi32(line->weights[v][k], 8) : line->weights[v][k];
    __m512i sum = _mm512_dpbusd_epi32(line->start[k], a[k], w[0]);
    sum = _mm512_dpbusd_epi32(sum, b[k], w[1]);
    sum = _mm512_dpbusd_epi32(sum, c[k], w[2]);
    t[k] = numbers_of((integer_vector)sum) * (vector)line->multiplier[k];
  }
  // Packing puts the quarters of each lane one behind the other: the channels are in order again.
  _mm512_storeu_si512(out, packed_codes(t, (vector)line->most, line->zero, line->least));
}

// One vector of 16 channels of row r and pixel x.
INLINE void store_16(
  const sw_depthwise_arguments *g, finish_mode mode, const code_constants *constants, __m512i sum, ptrdiff_t r, ptrdiff_t x, ptrdiff_t c) {
  const uint8_t *residual = g->residual ? AT(uint8_t, g->residual, r * g->residual_row + x * g->residual_pixel) + c : 0;
  store_codes(
    (uint8_t *)g->out + r * g->out_row + x * g->out_pixel + c,
    finish_codes((integer_vector)sum, mode, *constants, g->epilogue, c, residual));
}

INLINE __m512i sum_of_columns(const __m512i w[3], __m512i a, __m512i b, __m512i c) {
  return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), a, w[0]), b, w[1]), c, w[2]);
}

// One row of output or, where `pair`, two of stride 1; `step`, the stride, and `pair` are constants where this is inlined.
INLINE void depthwise_codes(const sw_depthwise_arguments *g, int step, int pair, ptrdiff_t r, finish_mode mode) {
  ptrdiff_t c = 0, count = g->count, first = r * g->row_step;
  if (mode == FINISH_PLAIN) {
    for (; c + 64 <= g->channels; c += 64) {
      code_rows rows = code_rows_of(g, first, pair ? 4 : 3, c);
      code_line line = code_line_of(g, c);
      uint8_t *out = (uint8_t *)g->out + r * g->out_row + c, *below = out + g->out_row;
      ptrdiff_t out_pixel = g->out_pixel;
      __m512i columns[3][4];
      column_of_64(&rows, g->left, columns[0]);
      if (step == 1) column_of_64(&rows, g->left + 1, columns[1]);
// Columns take turns, so that none is moved.
#define NEXT_PIXEL(a, b, d)                                                          \
  {                                                                                  \
    if (step == 2) column_of_64(&rows, g->left + x * 2 + 1, columns[b]);             \
    column_of_64(&rows, g->left + x * step + 2, columns[d]);                         \
    store_line(&line, columns[a], columns[b], columns[d], 0, out + x * out_pixel);   \
    if (pair) store_line(&line, columns[a], columns[b], columns[d], 1, below + x * out_pixel); \
    x++;                                                                             \
  }
      ptrdiff_t x = 0;
      if (step == 1) {
        while (x + 3 <= count) {
          NEXT_PIXEL(0, 1, 2)
          NEXT_PIXEL(1, 2, 0)
          NEXT_PIXEL(2, 0, 1)
        }
        if (x < count) NEXT_PIXEL(0, 1, 2)
        if (x < count) NEXT_PIXEL(1, 2, 0)
      } else {
        while (x + 2 <= count) {
          NEXT_PIXEL(0, 1, 2)
          NEXT_PIXEL(2, 1, 0)
        }
        if (x < count) NEXT_PIXEL(0, 1, 2)
      }
#undef NEXT_PIXEL
    }
  }
  for (; c < g->channels; c += 16) {
    code_rows rows = code_rows_of(g, first, pair ? 4 : 3, c);
    code_constants constants = code_constants_of(g->epilogue, c);
    __m512i upper[3], lower[3];
    UNROLL for (int v = 0; v < 3; v++) {
      upper[v] = _mm512_loadu_si512((const int32_t *)g->weight + v * g->channel_stride + c);
      lower[v] = _mm512_slli_epi32(upper[v], 8);
    }
    __m512i a = column_of_16(&rows, g->left), b = step == 1 ? column_of_16(&rows, g->left + 1) : a;
    for (ptrdiff_t x = 0; x < count; x++) {
      if (step == 2) b = column_of_16(&rows, g->left + x * 2 + 1);
      __m512i d = column_of_16(&rows, g->left + x * step + 2);
      store_16(g, mode, &constants, sum_of_columns(upper, a, b, d), r, x, c);
      if (pair) store_16(g, mode, &constants, sum_of_columns(lower, a, b, d), r + 1, x, c);
      a = step == 1 ? b : d;
      b = d;
    }
  }
}

#define DEPTHWISE_OF_CODES(STEP)                                                                       \
  SW_DECLARE_DEPTHWISE(SW_NAME(depthwise_3x3_##STEP##_u8)) {                                           \
    finish_mode mode = code_finish_mode_of(arguments->epilogue, arguments->residual != 0);             \
    ptrdiff_t r = 0;                                                                                   \
    if (mode == FINISH_PLAIN) {                                                                        \
      for (; STEP == 1 && r + 2 <= arguments->row_count; r += 2) depthwise_codes(arguments, STEP, 1, r, FINISH_PLAIN); \
      for (; r < arguments->row_count; r++) depthwise_codes(arguments, STEP, 0, r, FINISH_PLAIN);      \
    } else {                                                                                           \
      for (; STEP == 1 && r + 2 <= arguments->row_count; r += 2) depthwise_codes(arguments, STEP, 1, r, FINISH_ANY);   \
      for (; r < arguments->row_count; r++) depthwise_codes(arguments, STEP, 0, r, FINISH_ANY);        \
    }                                                                                                  \
  }

DEPTHWISE_OF_CODES(1)
DEPTHWISE_OF_CODES(2)
#undef DEPTHWISE_OF_CODES

DEPTHWISE_OF_ANY_CODES(depthwise_any_u8, uint8_t, store_codes(out, finish_codes(sum, mode, constants, e, c, added));)
