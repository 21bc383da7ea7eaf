// Planes to interleaved pixels and back, four pixels of four channels at a time, and pixel shuffles to planes. Included once
// for each type of element; planes hold float32 in either.

#ifndef SW_HELPERS_INCLUDED
typedef float quad __attribute__((ext_vector_type(4)));
typedef float unaligned_quad __attribute__((ext_vector_type(4), aligned(4), may_alias));
typedef float unaligned_pair __attribute__((ext_vector_type(2), aligned(4), may_alias));
typedef uint16_t unaligned_half_quad __attribute__((ext_vector_type(4), aligned(2), may_alias));
typedef uint32_t unsigned_quad __attribute__((ext_vector_type(4)));

// Element j of v[i] becomes element i of v[j].
INLINE void transpose(quad v[4]) {
  quad a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5), b = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
  quad c = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7), d = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
  v[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  v[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  v[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  v[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

// A vector of some quads.
INLINE vector joined(const quad *q) {
#if LANES == 16
  typedef float half __attribute__((ext_vector_type(8)));
  half low = __builtin_shufflevector(q[0], q[1], 0, 1, 2, 3, 4, 5, 6, 7);
  half high = __builtin_shufflevector(q[2], q[3], 0, 1, 2, 3, 4, 5, 6, 7);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif LANES == 8
  return __builtin_shufflevector(q[0], q[1], 0, 1, 2, 3, 4, 5, 6, 7);
#else
  return q[0];
#endif
}

INLINE quad load_quad(const float *p) { return *(const unaligned_quad *)p; }
INLINE quad load_quad_bf16(const bfloat16 *p) {
  return (quad)(__builtin_convertvector(*(const unaligned_half_quad *)p, unsigned_quad) << 16);
}
INLINE float load_one_bf16(const bfloat16 *p) {
  union { uint32_t bits; float value; } one = {(uint32_t)*p << 16};
  return one.value;
}
#endif

#ifdef SW_VALUES_BFLOAT16
#define LOAD_QUAD(p) load_quad_bf16(p)
#define LOAD_ONE(p) load_one_bf16(p)
#else
#define LOAD_QUAD(p) load_quad(p)
#define LOAD_ONE(p) (*(p))
#endif

// Four pixels of one block of channels. `quads`, how many of the four quads have any channel, is a constant where this is
// inlined.
INLINE void VALUE_NAME(interleave_block)(
  const float *in, ptrdiff_t plane, ptrdiff_t channels, int quads, ptrdiff_t pixels, STORED *out, ptrdiff_t out_pixel) {
  quad pixel[4][4];
  UNROLL for (int k = 0; k < 4; k++) {
    quad v[4];
    UNROLL for (int i = 0; i < 4; i++) {
      v[i] = 0;
      if (k < quads && 4 * k + i < channels) {
        const float *from = in + (4 * k + i) * plane;
        if (pixels == 4) v[i] = load_quad(from);
        else for (ptrdiff_t x = 0; x < pixels; x++) v[i][x] = from[x];
      }
    }
    transpose(v);
    UNROLL for (int i = 0; i < 4; i++) pixel[i][k] = v[i];
  }
  UNROLL for (int i = 0; i < 4; i++) {
    if (i >= pixels) continue;
    UNROLL for (int c = 0; c < SW_CHANNEL_BLOCK; c += LANES) store_value((STORED *)((char *)out + i * out_pixel) + c, joined(pixel[i] + c / 4));
  }
}

SW_DECLARE_INTERLEAVE(VALUE_NAME(interleave)) {
  // Block by block: planes are often a power of two apart, and all of them at once would meet in few cache sets.
  for (ptrdiff_t c = 0; c < channels; c += SW_CHANNEL_BLOCK) {
    for (ptrdiff_t x = 0; x < count; x += 4) {
      // The last pixels go back over some already done rather than past the end.
      if (x + 4 > count && count >= 4) x = count - 4;
      ptrdiff_t pixels = count >= 4 ? 4 : count;
      const float *from = in + c * plane + x;
      STORED *to = (STORED *)((char *)out + x * out_pixel) + c;
      if (channels - c <= 4) VALUE_NAME(interleave_block)(from, plane, channels - c, 1, pixels, to, out_pixel);
      else VALUE_NAME(interleave_block)(from, plane, channels - c, 4, pixels, to, out_pixel);
    }
  }
}

SW_DECLARE_DEINTERLEAVE(VALUE_NAME(deinterleave)) {
  // Padding makes whole quads of the last channels.
  for (ptrdiff_t c = 0; c < channels; c += 4) {
    const ELEMENT *from = (const ELEMENT *)in + c;
    ptrdiff_t x = 0;
    for (; x + 4 <= count; x += 4) {
      quad v[4];
      UNROLL for (int i = 0; i < 4; i++) v[i] = LOAD_QUAD(AT(ELEMENT, from, (x + i) * in_pixel));
      transpose(v);
      UNROLL for (int i = 0; i < 4; i++) {
        if (c + i < channels) *(unaligned_quad *)(out + (c + i) * plane + x) = v[i];
      }
    }
    for (; x < count; x++) {
      quad v = LOAD_QUAD(AT(ELEMENT, from, x * in_pixel));
      UNROLL for (int i = 0; i < 4; i++) {
        if (c + i < channels) out[(c + i) * plane + x] = v[i];
      }
    }
  }
}

// `factor` and `step` are constants where this is inlined.
INLINE void VALUE_NAME(spread_pixels)(
  const ELEMENT *in, ptrdiff_t between, ptrdiff_t step, ptrdiff_t factor, ptrdiff_t count, float *out) {
  for (ptrdiff_t i = 0; i < count; i++)
    for (ptrdiff_t d = 0; d < factor; d++) out[i * factor + d] = LOAD_ONE(AT(ELEMENT, in, i * between) + d * step);
}

SW_DECLARE_PIXEL_SHUFFLE(VALUE_NAME(pixel_shuffle)) {
  const ELEMENT *from = (const ELEMENT *)in + channel;
  if (step == 1 && factor == 2) {
#ifdef SW_VALUES_BFLOAT16
    VALUE_NAME(spread_pixels)(from, in_pixel, 1, 2, count, out);
#else
    // Two neighbours in one move; the compiler would move them one by one.
    for (ptrdiff_t i = 0; i < count; i++) *(unaligned_pair *)(out + 2 * i) = *(const unaligned_pair *)AT(float, from, i * in_pixel);
#endif
  } else if (step == 1 && factor == 3) {
    VALUE_NAME(spread_pixels)(from, in_pixel, 1, 3, count, out);
  } else if (step == 1 && factor == 4) {
    for (ptrdiff_t i = 0; i < count; i++) *(unaligned_quad *)(out + 4 * i) = LOAD_QUAD(AT(ELEMENT, from, i * in_pixel));
  } else {
    VALUE_NAME(spread_pixels)(from, in_pixel, step, factor, count, out);
  }
}
// Lane i of the result is lane index[i] of `from`, or that of `old` where the index is negative.
#ifndef SW_HELPERS_INCLUDED
INLINE vector picked(vector old, const int32_t *lanes, vector from) {
  integer_vector index = *(const integer_vector_in_memory *)lanes;
#if LANES == 16
  vector moved = (vector)_mm512_permutexvar_ps((__m512i)index, (__m512)from);
#elif LANES == 8
  vector moved = (vector)_mm256_permutevar8x32_ps((__m256)from, (__m256i)index);
#else
  vector moved;
  for (int i = 0; i < LANES; i++) moved[i] = from[index[i] & (LANES - 1)];
#endif
  return index >= 0 ? moved : old;
}
#endif

// One vector of all pixels. `count`, the picks, is a constant where this is inlined: their indices stay in registers.
INLINE void VALUE_NAME(pick_vector)(const sw_pick_arguments *g, const sw_pick *picks, int count, STORED *out) {
  const ELEMENT *from[4];
  ptrdiff_t between[4];
  UNROLL for (int p = 0; p < 4; p++) {
    if (p >= count) continue;
    from[p] = (const ELEMENT *)g->in[picks[p].input] + picks[p].first;
    between[p] = g->in_pixel[picks[p].input];
  }
  for (ptrdiff_t i = 0; i < g->count; i++) {
    vector result = splat(0);
    UNROLL for (int p = 0; p < 4; p++) {
      if (p >= count) continue;
      result = picked(result, picks[p].lanes, load_value(from[p]));
      from[p] = AT(ELEMENT, from[p], between[p]);
    }
    store_value((STORED *)((char *)out + i * g->out_pixel), result);
  }
}

SW_DECLARE_PICK(VALUE_NAME(pick)) {
  const sw_pick_arguments *g = arguments;
  const sw_pick *pick = g->picks;
  for (ptrdiff_t v = 0; v < g->vectors; v++) {
    const sw_pick *end = g->picks + g->ends[v];
    STORED *out = (STORED *)g->out + v * LANES;
    switch (end - pick) {
      case 0: VALUE_NAME(pick_vector)(g, pick, 0, out); break;
      case 1: VALUE_NAME(pick_vector)(g, pick, 1, out); break;
      case 2: VALUE_NAME(pick_vector)(g, pick, 2, out); break;
      case 3: VALUE_NAME(pick_vector)(g, pick, 3, out); break;
      case 4: VALUE_NAME(pick_vector)(g, pick, 4, out); break;
      default:
        for (ptrdiff_t i = 0; i < g->count; i++) {
          vector result = splat(0);
          for (const sw_pick *p = pick; p < end; p++) {
            const ELEMENT *from = AT(ELEMENT, g->in[p->input], i * g->in_pixel[p->input]) + p->first;
            result = picked(result, p->lanes, load_value(from));
          }
          store_value((STORED *)((char *)out + i * g->out_pixel), result);
        }
    }
    pick = end;
  }
}
#undef LOAD_QUAD
#undef LOAD_ONE
