// Integers of 8 bits: what every kernel of codes is made of. Included once by each instruction set's file, behind vector.h.
//
// What becomes of a sum is a row of single operations of float32, each rounded: no compiler may contract a product and a sum.

#include "lanes.h"

typedef uint8_t code_vector __attribute__((ext_vector_type(LANES)));
typedef uint8_t unaligned_code_vector __attribute__((ext_vector_type(LANES), aligned(1), may_alias));
typedef int8_t weight_vector __attribute__((ext_vector_type(LANES)));
typedef int8_t unaligned_weight_vector __attribute__((ext_vector_type(LANES), aligned(1), may_alias));
typedef int32_t four_codes __attribute__((may_alias, aligned(1)));

INLINE integer_vector load_integers(const void *p) { return *(const integer_vector_in_memory *)p; }
INLINE void store_integers(void *p, integer_vector v) { *(integer_vector_in_memory *)p = v; }
INLINE integer_vector load_codes(const uint8_t *p) { return __builtin_convertvector(*(const unaligned_code_vector *)p, integer_vector); }
INLINE integer_vector load_code_weights(const int8_t *p) {
  return __builtin_convertvector(*(const unaligned_weight_vector *)p, integer_vector);
}
// The low byte of each lane.
INLINE void store_codes(uint8_t *p, integer_vector v) { *(unaligned_code_vector *)p = __builtin_convertvector(v, code_vector); }
INLINE vector numbers_of(integer_vector v) { return __builtin_convertvector(v, vector); }

// sum + the four products of the codes a and the weights b in each lane, exact modulo 2^32. Without an instruction for it the codes of even and
// odd bytes are widened to 16 bits apart: two products of 255 · 128 fit 32 bits. What is the same for many sums the compiler makes once.
INLINE integer_vector add_products(integer_vector sum, integer_vector a, integer_vector b) {
#if defined(SW_HAVE_VNNI)
  return (integer_vector)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif LANES == 16
  __m512i even = _mm512_madd_epi16((__m512i)(a & 0xff00ff), _mm512_srai_epi16(_mm512_slli_epi16((__m512i)b, 8), 8));
  __m512i odd = _mm512_madd_epi16((__m512i)(((unsigned_vector)a >> 8) & 0xff00ff), _mm512_srai_epi16((__m512i)b, 8));
  return sum + (integer_vector)even + (integer_vector)odd;
#elif LANES == 8
  __m256i even = _mm256_madd_epi16((__m256i)(a & 0xff00ff), _mm256_srai_epi16(_mm256_slli_epi16((__m256i)b, 8), 8));
  __m256i odd = _mm256_madd_epi16((__m256i)(((unsigned_vector)a >> 8) & 0xff00ff), _mm256_srai_epi16((__m256i)b, 8));
  return sum + (integer_vector)even + (integer_vector)odd;
#else
  UNROLL for (int byte = 0; byte < 4; byte++) {
    integer_vector code = (integer_vector)(((unsigned_vector)a >> (8 * byte)) & 0xff);
    integer_vector weight = (integer_vector)((unsigned_vector)b << (24 - 8 * byte)) >> 24;
    sum = (integer_vector)((unsigned_vector)sum + (unsigned_vector)(code * weight));
  }
  return sum;
#endif
}

// The nearest integer, ties to even, of what lies within ±2^22: the sum with 1.5 · 2^23 has it in its low bits.
INLINE integer_vector nearest_integers(vector v) {
#pragma clang fp contract(off)
  vector shifted = v + 12582912.0f;
  return (integer_vector)shifted - 0x4b400000;
}

// What is stored of numbers.
INLINE integer_vector codes_of(vector v, vector least, vector most, integer_vector zero) {
  v = v > least ? v : least;
  v = v < most ? v : most;
  return nearest_integers(v) + zero;
}

// What a column of sums has in common, in registers.
typedef struct {
  integer_vector start;
  vector multiplier, least, most;
  integer_vector zero;
} code_constants;

INLINE code_constants code_constants_of(const sw_epilogue *e, ptrdiff_t channel) {
  const sw_integers *i = &e->integers;
  return (code_constants){
    load_integers(i->start + channel), load(i->multiplier + channel), splat(i->stored.least), splat(i->stored.most),
    (integer_vector)(i->stored.zero)};
}

INLINE vector rescaled(integer_vector sum, code_constants c) {
#pragma clang fp contract(off)
  integer_vector whole = (integer_vector)((unsigned_vector)sum + (unsigned_vector)c.start);
  vector number = numbers_of(whole);
  return number * c.multiplier;
}

// The activations that integers know. The others are tables.
INLINE vector activate_rescaled(vector v, const sw_activation *activation, ptrdiff_t channel) {
  switch (activation->kind) {
    case SW_ACTIVATION_RELU: return v < 0.0f ? splat(0) : v;
    case SW_ACTIVATION_LEAKY_RELU: return v < 0.0f ? v * activation->a : v;
    case SW_ACTIVATION_PRELU: return v < 0.0f ? v * load(activation->slopes + channel) : v;
    default: return v;
  }
}

// One vector of sums through an epilogue that ends with codes, as they are stored.
INLINE integer_vector finish_codes(
  integer_vector sum, finish_mode mode, code_constants c, const sw_epilogue *e, ptrdiff_t channel, const uint8_t *residual) {
#pragma clang fp contract(off)
  vector v = rescaled(sum, c);
  if (mode == FINISH_LEAKY_RELU) v = v < 0.0f ? v * e->before.a : v;
  if (mode == FINISH_ANY) v = activate_rescaled(v, &e->before, channel);
  if ((mode == FINISH_RESIDUAL || mode == FINISH_ANY) && residual) {
    vector added = numbers_of(load_codes(residual) - e->integers.added.zero);
    added = added * e->integers.added.ratio;
    v = v + added;
  }
  if (mode == FINISH_ANY) v = activate_rescaled(v, &e->after, channel);
  return codes_of(v, c.least, c.most, c.zero);
}

// The same where numbers are stored: any function, and numbers are added.
INLINE vector finish_numbers(
  integer_vector sum, finish_mode mode, code_constants c, const sw_epilogue *e, ptrdiff_t channel, const float *residual) {
#pragma clang fp contract(off)
  vector v = rescaled(sum, c);
  if (mode == FINISH_ANY) v = activate(v, &e->before, e->before.slopes + channel);
  v = v * e->scale;
  if (mode != FINISH_PLAIN && residual) v = v + load(residual);
  if (mode == FINISH_RESIDUAL_RELU) v = larger(splat(0), v);
  if (mode == FINISH_ANY) v = activate(v, &e->after, e->after.slopes + channel);
  return v;
}

#if LANES == 16
// What the vectors of a line have in common: four vectors of columns of one pixel, two of two, or one of four.
typedef struct {
  integer_vector start[4];
  vector multiplier[4], most;
  __m512i zero, least;
} line_constants;

INLINE line_constants line_constants_of(const sw_epilogue *e, ptrdiff_t channel, int vectors) {
  const sw_integers *i = &e->integers;
  line_constants c;
  UNROLL for (int k = 0; k < 4; k++) {
    c.start[k] = load_integers(i->start + channel + k % vectors * LANES);
    c.multiplier[k] = load(i->multiplier + channel + k % vectors * LANES);
  }
  c.most = splat(i->stored.most);
  c.zero = _mm512_set1_epi16((int16_t)i->stored.zero);
  c.least = _mm512_set1_epi8((int8_t)((int)i->stored.least + i->stored.zero));
  return c;
}

// 64 codes of four vectors of numbers, quarter by quarter of each lane. What is too low the narrower integers saturate, as the clamp would; what is
// too high must not reach the conversion, which knows no number past int32.
INLINE __m512i packed_codes(const vector t[4], vector most, __m512i zero, __m512i least) {
  __m512i whole[4];
  UNROLL for (int k = 0; k < 4; k++) whole[k] = _mm512_cvtps_epi32((__m512)(t[k] < most ? t[k] : most));
  __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(whole[0], whole[1]), zero);
  __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(whole[2], whole[3]), zero);
  return _mm512_max_epu8(_mm512_packus_epi16(low, high), least);
}

// Stores the codes of a line of sums by an epilogue that is compiled apart: the first `count` of its blocks, together where all are stored and follow each other.
INLINE void store_line_of_codes(
  const integer_vector sum[4], finish_mode mode, const line_constants *c, const sw_epilogue *e, const uint8_t *const residual[4],
  uint8_t *const block[4], ptrdiff_t count) {
#pragma clang fp contract(off)
  vector t[4];
  UNROLL for (int k = 0; k < 4; k++) {
    integer_vector whole = (integer_vector)((unsigned_vector)sum[k] + (unsigned_vector)c->start[k]);
    vector number = numbers_of(whole);
    t[k] = number * c->multiplier[k];
    if (mode == FINISH_LEAKY_RELU) t[k] = t[k] < 0.0f ? t[k] * e->before.a : t[k];
    if (mode == FINISH_RESIDUAL) {
      vector added = numbers_of(load_codes(residual[k]) - e->integers.added.zero);
      added = added * e->integers.added.ratio;
      t[k] = t[k] + added;
    }
  }
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  __m512i codes = _mm512_permutexvar_epi32(order, packed_codes(t, c->most, c->zero, c->least));
  if (count >= 4 && block[1] == block[0] + 16 && block[2] == block[0] + 32 && block[3] == block[0] + 48) {
    _mm512_storeu_si512(block[0], codes);
    return;
  }
  _mm_storeu_si128((__m128i *)block[0], _mm512_castsi512_si128(codes));
  if (count > 1) _mm_storeu_si128((__m128i *)block[1], _mm512_extracti32x4_epi32(codes, 1));
  if (count > 2) _mm_storeu_si128((__m128i *)block[2], _mm512_extracti32x4_epi32(codes, 2));
  if (count > 3) _mm_storeu_si128((__m128i *)block[3], _mm512_extracti32x4_epi32(codes, 3));
}
#endif

// One vector of sums of pixels of one plane, where numbers are stored.
INLINE vector finish_plane_of_sums(integer_vector sum, const sw_epilogue *e, ptrdiff_t channel, const float *residual) {
#pragma clang fp contract(off)
  sw_activation before = e->before, after = e->after;
  if (before.kind == SW_ACTIVATION_PRELU) { before.kind = SW_ACTIVATION_LEAKY_RELU; before.a = before.slopes[channel]; }
  if (after.kind == SW_ACTIVATION_PRELU) { after.kind = SW_ACTIVATION_LEAKY_RELU; after.a = after.slopes[channel]; }
  integer_vector whole = (integer_vector)((unsigned_vector)sum + (uint32_t)e->integers.start[channel]);
  vector number = numbers_of(whole);
  vector v = number * e->integers.multiplier[channel];
  v = activate(v, &before, 0);
  v = v * e->scale;
  if (residual) v = v + load(residual);
  return activate(v, &after, 0);
}

// The epilogues of most layers, compiled apart.
INLINE finish_mode code_finish_mode_of(const sw_epilogue *e, int has_residual) {
  sw_activation_kind before = e->before.kind, after = e->after.kind;
  if (before == SW_ACTIVATION_LEAKY_RELU && after == SW_ACTIVATION_NONE && !has_residual) return FINISH_LEAKY_RELU;
  if (before != SW_ACTIVATION_NONE || after != SW_ACTIVATION_NONE) return FINISH_ANY;
  return has_residual ? FINISH_RESIDUAL : FINISH_PLAIN;
}

#define SW_WITH_CODE_FINISH_MODE(mode, body)                 \
  switch (mode) {                                            \
    case FINISH_PLAIN: body(FINISH_PLAIN); break;            \
    case FINISH_LEAKY_RELU: body(FINISH_LEAKY_RELU); break;  \
    case FINISH_RESIDUAL: body(FINISH_RESIDUAL); break;      \
    default: body(FINISH_ANY);                               \
  }

// The same where numbers are stored: the sums of residual blocks.
INLINE finish_mode number_finish_mode_of(const sw_epilogue *e, int has_residual) {
  sw_activation_kind before = e->before.kind, after = e->after.kind;
  if (before != SW_ACTIVATION_NONE) return FINISH_ANY;
  if (after == SW_ACTIVATION_NONE) return has_residual ? FINISH_RESIDUAL : FINISH_PLAIN;
  return has_residual && after == SW_ACTIVATION_RELU ? FINISH_RESIDUAL_RELU : FINISH_ANY;
}

#define SW_WITH_NUMBER_FINISH_MODE(mode, body)                     \
  switch (mode) {                                                  \
    case FINISH_PLAIN: body(FINISH_PLAIN); break;                  \
    case FINISH_RESIDUAL: body(FINISH_RESIDUAL); break;            \
    case FINISH_RESIDUAL_RELU: body(FINISH_RESIDUAL_RELU); break;  \
    default: body(FINISH_ANY);                                     \
  }

// Any depthwise kernel, a pixel at a time.
#define DEPTHWISE_OF_ANY_CODES(name, STORED_TYPE, STORE_SUM)                                                                        \
  SW_DECLARE_DEPTHWISE(SW_NAME(name)) {                                                                                      \
    const sw_depthwise_arguments *g = arguments;                                                                             \
    const sw_epilogue *e = g->epilogue;                                                                                      \
    finish_mode mode = code_finish_mode_of(e, g->residual != 0);                                                             \
    for (ptrdiff_t r = 0; r < g->row_count; r++)                                                                             \
      for (ptrdiff_t x = 0; x < g->count; x++)                                                                               \
        for (ptrdiff_t c = 0; c < g->channels; c += LANES) {                                                                 \
          integer_vector sum = 0;                                                                                            \
          for (ptrdiff_t u = 0; u < g->kernel_height; u++) {                                                                 \
            const void *row = g->rows[r * g->row_step + u * g->row_dilation];                                                \
            for (ptrdiff_t v = 0; v < g->kernel_width; v++) {                                                                \
              ptrdiff_t column = g->left + x * g->stride + v * g->dilation;                                                  \
              int outside = !row || column < 0 || column >= g->in_width;                                                     \
              const uint8_t *from = outside ? AT(uint8_t, g->outside, c) : AT(uint8_t, row, column * g->in_pixel) + c;       \
              sum += load_codes(from) *                                                                                      \
                     load_code_weights((const int8_t *)g->weight + (u * g->kernel_width + v) * g->channel_stride + c);       \
            }                                                                                                                \
          }                                                                                                                  \
          code_constants constants = code_constants_of(e, c);                                                                \
          const STORED_TYPE *added = g->residual ? AT(STORED_TYPE, g->residual, r * g->residual_row + x * g->residual_pixel) + c : 0; \
          STORED_TYPE *out = (STORED_TYPE *)((char *)g->out + r * g->out_row + x * g->out_pixel) + c;                        \
          STORE_SUM                                                                                                          \
        }                                                                                                                    \
  }
