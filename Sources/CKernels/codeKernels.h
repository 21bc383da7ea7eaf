// The kernels of codes that are no products. Included once by each instruction set's file, behind codes.h.

SW_DECLARE_STORE(SW_NAME(store_u8)) {
  const sw_epilogue *e = epilogue;
  finish_mode mode = code_finish_mode_of(e, residual->base != 0);
  const char *base = (const char *)destination->base + y * destination->row + x * destination->pixel;
  const char *added = residual->base ? (const char *)residual->base + y * residual->row + x * residual->pixel : 0;
  ptrdiff_t out_pixel = destination->pixel, added_pixel = residual->pixel, b = 0;
#if LANES == 16
  for (; b + 4 <= blocks && mode != FINISH_ANY; b += 4) {
    ptrdiff_t channel = (first_block + b) * SW_CHANNEL_BLOCK;
    const ptrdiff_t *block = destination->block + first_block + b;
    line_constants c = line_constants_of(e, channel, 4);
    const float *from = product + b * SW_CHANNEL_BLOCK;
#define STORE_LINE(mode)                                                                                                     \
  for (ptrdiff_t i = 0; i < count; i++) {                                                                                    \
    integer_vector sum[4];                                                                                                   \
    const uint8_t *before[4];                                                                                                \
    uint8_t *to[4];                                                                                                          \
    UNROLL for (int k = 0; k < 4; k++) {                                                                                     \
      sum[k] = load_integers(from + i * product_stride + k * LANES);                                                         \
      before[k] = (const uint8_t *)added + i * added_pixel + channel + k * LANES;                                            \
      to[k] = (uint8_t *)base + i * out_pixel + block[k];                                                                    \
    }                                                                                                                        \
    store_line_of_codes(sum, mode, &c, e, before, to, 4);                                                                    \
  }
    if (mode == FINISH_PLAIN) STORE_LINE(FINISH_PLAIN)
    else if (mode == FINISH_LEAKY_RELU) STORE_LINE(FINISH_LEAKY_RELU)
    else STORE_LINE(FINISH_RESIDUAL)
#undef STORE_LINE
  }
#endif
  for (; b < blocks; b++) {
    ptrdiff_t offset = destination->block[first_block + b];
    for (ptrdiff_t l = 0; l < SW_CHANNEL_BLOCK; l += LANES) {
      ptrdiff_t channel = (first_block + b) * SW_CHANNEL_BLOCK + l;
      code_constants c = code_constants_of(e, channel);
      const float *from = product + b * SW_CHANNEL_BLOCK + l;
#define STORE_CODES(mode)                                                                                                    \
  for (ptrdiff_t i = 0; i < count; i++)                                                                                      \
    store_codes(                                                                                                             \
      (uint8_t *)base + i * out_pixel + offset + l,                                                                          \
      finish_codes(                                                                                                          \
        load_integers(from + i * product_stride), mode, c, e, channel,                                                       \
        added ? (const uint8_t *)added + i * added_pixel + channel : 0));
      SW_WITH_CODE_FINISH_MODE(mode, STORE_CODES)
#undef STORE_CODES
    }
  }
}

SW_DECLARE_STORE(SW_NAME(store_sums)) {
  const sw_epilogue *e = epilogue;
  finish_mode mode = number_finish_mode_of(e, residual->base != 0);
  for (ptrdiff_t b = 0; b < blocks; b++)
    for (ptrdiff_t l = 0; l < SW_CHANNEL_BLOCK; l += LANES) {
      ptrdiff_t channel = (first_block + b) * SW_CHANNEL_BLOCK + l;
      code_constants c = code_constants_of(e, channel);
#define STORE_NUMBERS(mode)                                                                                                  \
  for (ptrdiff_t i = 0; i < count; i++) {                                                                                    \
    char *out = (char *)destination->base + y * destination->row + (x + i) * destination->pixel;                             \
    const float *added =                                                                                                     \
      residual->base ? AT(float, residual->base, y * residual->row + (x + i) * residual->pixel) + channel : 0;               \
    store(                                                                                                                   \
      (float *)(out + destination->block[first_block + b]) + l,                                                              \
      finish_numbers(load_integers(product + i * product_stride + b * SW_CHANNEL_BLOCK + l), mode, c, e, channel, added));   \
  }
      SW_WITH_NUMBER_FINISH_MODE(mode, STORE_NUMBERS)
#undef STORE_NUMBERS
    }
}

DEPTHWISE_OF_ANY_CODES(depthwise_any_u8, uint8_t, store_codes(out, finish_codes(sum, mode, constants, e, c, added));)
DEPTHWISE_OF_ANY_CODES(depthwise_any_sums, float, (void)mode; store(out, finish_numbers(sum, FINISH_ANY, constants, e, c, added));)

// Bytes, sixteen at a time on every instruction set: pixels are whole blocks.
typedef uint8_t byte_block __attribute__((ext_vector_type(SW_CHANNEL_BLOCK)));
typedef uint8_t unaligned_byte_block __attribute__((ext_vector_type(SW_CHANNEL_BLOCK), aligned(1), may_alias));
typedef uint8_t byte_line __attribute__((ext_vector_type(64)));
typedef uint8_t unaligned_byte_line __attribute__((ext_vector_type(64), aligned(1), may_alias));

#define MAXIMUM_OF_BYTES(type)                                                                                               \
  {                                                                                                                          \
    type most = *(const unaligned_##type *)(AT(char, g->rows[0], low * g->pixel) + c);                                       \
    for (ptrdiff_t row = 0; row < g->row_count; row++)                                                                       \
      for (ptrdiff_t at = low; at < high; at++)                                                                              \
        most = __builtin_elementwise_max(most, (type) * (const unaligned_##type *)(AT(char, g->rows[row], at * g->pixel) + c)); \
    *(unaligned_##type *)(out + c) = most;                                                                                   \
  }

SW_DECLARE_MAXIMUM_POOL(SW_NAME(maximum_pool_u8)) {
  const sw_pool_arguments *g = arguments;
  for (ptrdiff_t x = 0; x < g->width; x++) {
    ptrdiff_t first = x * g->stride - g->left, end = first + g->kernel_width;
    ptrdiff_t low = first < 0 ? 0 : first, high = end > g->in_width ? g->in_width : end, c = 0;
    char *out = (char *)g->out + x * g->out_pixel;
    for (; c + 64 <= g->channels; c += 64) MAXIMUM_OF_BYTES(byte_line)
    for (; c < g->channels; c += SW_CHANNEL_BLOCK) MAXIMUM_OF_BYTES(byte_block)
  }
}
#undef MAXIMUM_OF_BYTES

SW_DECLARE_AVERAGE_POOL(SW_NAME(average_pool_u8)) {
#pragma clang fp contract(off)
  const sw_pool_arguments *g = arguments;
  for (ptrdiff_t x = 0; x < g->width; x++) {
    ptrdiff_t first = x * g->stride - g->left, end = first + g->kernel_width;
    ptrdiff_t low = first < 0 ? 0 : first, high = end > g->in_width ? g->in_width : end;
    ptrdiff_t columns = high - low, inside = (high - low) * g->row_count;
    if (g->counts_padding) columns = (end > g->in_width + g->right ? g->in_width + g->right : end) - first;
    float share = 1.0f / (float)(columns * g->counted_rows);
    for (ptrdiff_t c = 0; c < g->channels; c += LANES) {
      integer_vector sum = (integer_vector)((int32_t)inside * -g->codes.zero);
      for (ptrdiff_t row = 0; row < g->row_count; row++)
        for (ptrdiff_t at = low; at < high; at++) sum += load_codes(AT(uint8_t, g->rows[row], at * g->pixel) + c);
      vector mean = numbers_of(sum) * share;
      store_codes(
        (uint8_t *)g->out + x * g->out_pixel + c,
        codes_of(mean, splat(g->codes.least), splat(g->codes.most), (integer_vector)(g->codes.zero)));
    }
  }
}

SW_DECLARE_SUM(SW_NAME(sum_u8)) {
  for (ptrdiff_t c = 0; c < channels; c += LANES) {
    integer_vector sum = load_integers(sums + c);
    for (ptrdiff_t i = 0; i < count; i++) sum += load_codes(AT(uint8_t, in, i * pixel) + c);
    store_integers(sums + c, sum);
  }
}

// Elements one by one where less than a vector is left: rows of planes end anywhere.
#define EACH_VECTOR(body, rest)                                                                                              \
  for (ptrdiff_t i = 0; i < pixels; i++) {                                                                                   \
    ptrdiff_t c = 0;                                                                                                         \
    for (; c + LANES <= count; c += LANES) body                                                                              \
    for (; c < count; c++) rest                                                                                              \
  }

#if LANES == 16
// 64 codes of numbers by the reciprocal of their scale, which takes half the time of quotients. A product differs from the quotient by at most 3 parts in
// 2^24, of what is stored less than 1e-4: where one lies so near to a tie, or is no number, nothing is stored and the answer is 0.
INLINE int quantize_line(const float *in, float reciprocal, const sw_stored_codes *stored, uint8_t *out) {
  vector t[4], most = splat(stored->most);
  __mmask16 isClear = 0xffff;
  UNROLL for (int k = 0; k < 4; k++) {
    t[k] = load(in + k * LANES) * reciprocal;
    vector rest = t[k] - (vector)_mm512_roundscale_ps((__m512)t[k], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    isClear &= _mm512_cmp_ps_mask(_mm512_abs_ps((__m512)rest), _mm512_set1_ps(0.4999f), _CMP_LE_OQ);
  }
  if (isClear != 0xffff) return 0;
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  __m512i codes = packed_codes(
    t, most, _mm512_set1_epi16((int16_t)stored->zero), _mm512_set1_epi8((int8_t)((int)stored->least + stored->zero)));
  _mm512_storeu_si512(out, _mm512_permutexvar_epi32(order, codes));
  return 1;
}
#endif

SW_DECLARE_QUANTIZE(SW_NAME(quantize)) {
  vector least = splat(stored->least), most = splat(stored->most), unit = splat(scale);
  integer_vector zero = (integer_vector)(stored->zero);
#if LANES == 16
  float reciprocal = 1 / scale;
#define WHOLE_LINE(from, to) (c + 4 * LANES <= count && quantize_line(from, reciprocal, stored, to))
#else
#define WHOLE_LINE(from, to) 0
#endif
  EACH_VECTOR(
    {
      const float *from = AT(float, in, i * in_pixel) + c;
      uint8_t *to = (uint8_t *)out + i * out_pixel + c;
      if (WHOLE_LINE(from, to)) c += 3 * LANES;
      else store_codes(to, codes_of(load(from) / unit, least, most, zero));
    },
    {
      vector v = splat(AT(float, in, i * in_pixel)[c]);
      ((uint8_t *)out)[i * out_pixel + c] = (uint8_t)codes_of(v / unit, least, most, zero)[0];
    })
#undef WHOLE_LINE
}

SW_DECLARE_DEQUANTIZE(SW_NAME(dequantize)) {
  float ratio = scaled->ratio;
  int32_t zero = scaled->zero;
  EACH_VECTOR(
    { store((float *)((char *)out + i * out_pixel) + c, numbers_of(load_codes(AT(uint8_t, in, i * in_pixel) + c) - zero) * ratio); },
    { ((float *)((char *)out + i * out_pixel))[c] = (float)(AT(uint8_t, in, i * in_pixel)[c] - zero) * ratio; })
}

SW_DECLARE_LOOKUP(SW_NAME(lookup)) {
  for (ptrdiff_t i = 0; i < pixels; i++) {
    const uint8_t *from = AT(uint8_t, in, i * in_pixel);
    uint8_t *to = (uint8_t *)out + i * out_pixel;
    for (ptrdiff_t c = 0; c < count; c++) to[c] = table[from[c]];
  }
}

INLINE vector scaled_codes(integer_vector codes, const sw_scaled_codes *scaled) {
#pragma clang fp contract(off)
  vector number = numbers_of(codes - scaled->zero);
  return number * scaled->ratio;
}

SW_DECLARE_CODE_SUM(SW_NAME(code_sum)) {
#pragma clang fp contract(off)
  vector least = splat(stored->least), most = splat(stored->most);
  integer_vector zero = (integer_vector)(stored->zero);
  sw_scaled_codes first = *a_scaled, second = *b_scaled;
  EACH_VECTOR(
    {
      vector x = scaled_codes(load_codes(AT(uint8_t, a, i * a_pixel) + c), &first);
      vector y = scaled_codes(load_codes(AT(uint8_t, b, i * b_pixel) + c), &second);
      vector t = x + y;
      store_codes((uint8_t *)out + i * out_pixel + c, codes_of(t, least, most, zero));
    },
    {
      vector x = scaled_codes((integer_vector)(int32_t)(AT(uint8_t, a, i * a_pixel)[c]), &first);
      vector y = scaled_codes((integer_vector)(int32_t)(AT(uint8_t, b, i * b_pixel)[c]), &second);
      vector t = x + y;
      ((uint8_t *)out)[i * out_pixel + c] = (uint8_t)codes_of(t, least, most, zero)[0];
    })
}
#undef EACH_VECTOR

SW_DECLARE_PICK(SW_NAME(pick_u8)) {
  const sw_pick_arguments *g = arguments;
  for (ptrdiff_t v = 0, first = 0; v < g->vectors; first = g->ends[v], v++)
    for (ptrdiff_t i = 0; i < g->count; i++) {
      vector result = splat(0);
      for (ptrdiff_t p = first; p < g->ends[v]; p++) {
        const sw_pick *pick = g->picks + p;
        result = picked(
          result, pick->lanes, (vector)load_codes(AT(uint8_t, g->in[pick->input], i * g->in_pixel[pick->input]) + pick->first));
      }
      store_codes((uint8_t *)g->out + i * g->out_pixel + v * LANES, (integer_vector)result);
    }
}
