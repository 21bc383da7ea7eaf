// Winograd transforms of F(2x2, 3x3) and F(4x4, 3x3) (Lavin and Gray 2015, arXiv:1509.09308), points 0, ±1 and 0, ±1, ±2.
// A transform is done along the columns and then along the rows. Included once for each type of element.

#ifndef SW_HELPERS_INCLUDED
INLINE void input_4(const vector d[6], vector t[6]) {
  vector a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = d[3] - d[1];
  t[0] = 4.0f * d[0] + (d[4] - 5.0f * d[2]);
  t[1] = a + b;
  t[2] = a - b;
  t[3] = c + 2.0f * e;
  t[4] = c - 2.0f * e;
  t[5] = 4.0f * d[1] + (d[5] - 5.0f * d[3]);
}

INLINE void output_4(const vector m[6], vector y[4]) {
  vector s = m[1] + m[2], d = m[1] - m[2], u = m[3] + m[4], e = m[3] - m[4];
  y[0] = m[0] + (s + u);
  y[1] = d + 2.0f * e;
  y[2] = s + 4.0f * u;
  y[3] = (d + m[5]) + 8.0f * e;
}

INLINE void input_2(const vector d[4], vector t[4]) {
  t[0] = d[0] - d[2];
  t[1] = d[1] + d[2];
  t[2] = d[2] - d[1];
  t[3] = d[3] - d[1];
}

INLINE void output_2(const vector m[4], vector y[2]) {
  y[0] = m[0] + (m[1] + m[2]);
  y[1] = (m[1] - m[2]) + m[3];
}
#endif

// The column transforms of neighbouring tiles share two columns, so a strip of tiles does each column once.
#define WINOGRAD_INPUT(M)                                                                                                      \
  SW_DECLARE_WINOGRAD_INPUT(VALUE_NAME(winograd_input_##M)) {                                                                  \
    enum { N = M + 2 };                                                                                                        \
    ptrdiff_t columns = M * tiles + 2;                                                                                         \
    for (ptrdiff_t c = 0; c < vectors; c++) {                                                                                  \
      for (ptrdiff_t x = 0; x < columns; x++) {                                                                                \
        vector d[N], t[N];                                                                                                     \
        ptrdiff_t at = left + x;                                                                                               \
        if (at >= 0 && at < in_width) {                                                                                        \
          ptrdiff_t offset = at * pixel + c * LANES * (ptrdiff_t)sizeof(ELEMENT);                                              \
          UNROLL for (int i = 0; i < N; i++) d[i] = rows[i] ? load_value(AT(ELEMENT, rows[i], offset)) : splat(0);             \
          input_##M(d, t);                                                                                                     \
        } else {                                                                                                               \
          UNROLL for (int i = 0; i < N; i++) t[i] = splat(0);                                                                  \
        }                                                                                                                      \
        UNROLL for (int i = 0; i < N; i++) store(scratch + (x * N + i) * LANES, t[i]);                                         \
      }                                                                                                                        \
      for (ptrdiff_t q = 0; q < tiles; q++) {                                                                                  \
        const float *strip = scratch + q * M * N * LANES;                                                                      \
        float *out = v + q * tile_stride + c * LANES;                                                                          \
        UNROLL for (int i = 0; i < N; i++) {                                                                                   \
          vector d[N], t[N];                                                                                                   \
          UNROLL for (int j = 0; j < N; j++) d[j] = load(strip + (j * N + i) * LANES);                                         \
          input_##M(d, t);                                                                                                     \
          UNROLL for (int j = 0; j < N; j++) store(out + (i * N + j) * position_stride, t[j]);                                 \
        }                                                                                                                      \
      }                                                                                                                        \
    }                                                                                                                          \
  }

// One tile and one vector of channels; `mode` and `whole` (all M x M pixels are stored) are constants where this is inlined.
#define WINOGRAD_OUTPUT_TILE(M)                                                                                                \
  INLINE void VALUE_NAME(winograd_output_tile_##M)(                                                                            \
    const float *in, ptrdiff_t position_stride, STORED *base, ptrdiff_t row, ptrdiff_t pixel, const STORED *added,             \
    ptrdiff_t added_row, ptrdiff_t added_pixel, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channel,                          \
    const sw_epilogue *epilogue, finish_mode mode, int whole) {                                                                \
    enum { N = M + 2 };                                                                                                        \
    vector bias = bias_of(epilogue, channel);                                                                                  \
    vector t[N][M];                                                                                                            \
    UNROLL for (int i = 0; i < N; i++) {                                                                                       \
      vector m[N];                                                                                                             \
      UNROLL for (int j = 0; j < N; j++) m[j] = load(in + (i * N + j) * position_stride);                                      \
      output_##M(m, t[i]);                                                                                                     \
    }                                                                                                                          \
    UNROLL for (int j = 0; j < M; j++) {                                                                                       \
      vector m[N], out[M];                                                                                                     \
      UNROLL for (int i = 0; i < N; i++) m[i] = t[i][j];                                                                       \
      output_##M(m, out);                                                                                                      \
      if (!whole && j >= width) continue;                                                                                      \
      UNROLL for (int i = 0; i < M; i++) {                                                                                     \
        if (!whole && i >= height) continue;                                                                                   \
        const STORED *residual = added ? AT(STORED, added, i * added_row + j * added_pixel) : 0;                               \
        STORED *to = (STORED *)((char *)base + i * row + j * pixel);                                                           \
        store_value(to, finish(out[i], mode, bias, epilogue, channel, residual));                                              \
      }                                                                                                                        \
    }                                                                                                                          \
  }

#define WINOGRAD_OUTPUT(M)                                                                                                     \
  SW_DECLARE_WINOGRAD_OUTPUT(VALUE_NAME(winograd_output_##M)) {                                                                \
    finish_mode mode = finish_mode_of(epilogue, residual->base != 0);                                                          \
    for (ptrdiff_t b = 0; b < blocks; b++) {                                                                                   \
      STORED *base = (STORED *)((char *)destination->base + y * destination->row + x * destination->pixel +                    \
                                destination->block[first_block + b]);                                                          \
      for (ptrdiff_t c = 0; c < SW_CHANNEL_BLOCK; c += LANES) {                                                                \
        ptrdiff_t channel = (first_block + b) * SW_CHANNEL_BLOCK + c;                                                          \
        const float *in = product + b * SW_CHANNEL_BLOCK + c;                                                                  \
        const STORED *added =                                                                                                  \
          residual->base ? AT(STORED, residual->base, y * residual->row + x * residual->pixel) + channel : 0;                  \
        if (height == M && width == M) {                                                                                       \
          SW_WITH_FINISH_MODE(mode, WHOLE_TILE_##M)                                                                            \
        } else {                                                                                                               \
          SW_WITH_FINISH_MODE(mode, PART_OF_TILE_##M)                                                                          \
        }                                                                                                                      \
      }                                                                                                                        \
    }                                                                                                                          \
  }

#define TILE_CALL(M, mode, whole)                                                                                              \
  VALUE_NAME(winograd_output_tile_##M)(                                                                                        \
    in, position_stride, base + c, destination->row, destination->pixel, added, residual->row, residual->pixel, height, width, \
    channel, epilogue, mode, whole)
#define WHOLE_TILE_2(mode) TILE_CALL(2, mode, 1)
#define WHOLE_TILE_4(mode) TILE_CALL(4, mode, 1)
#define PART_OF_TILE_2(mode) TILE_CALL(2, mode, 0)
#define PART_OF_TILE_4(mode) TILE_CALL(4, mode, 0)

WINOGRAD_OUTPUT_TILE(2)
WINOGRAD_OUTPUT_TILE(4)
WINOGRAD_INPUT(2)
WINOGRAD_INPUT(4)
WINOGRAD_OUTPUT(2)
WINOGRAD_OUTPUT(4)
