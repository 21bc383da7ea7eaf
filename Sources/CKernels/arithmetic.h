// Functions of two values, weighted sums of rows, softmax, conversions. Included once for each type of element; planes hold
// float32 in either.

#ifndef SW_HELPERS_INCLUDED
INLINE vector load_some(const float *p, ptrdiff_t count) {
  if (count >= LANES) return load(p);
  float value[LANES] = {0};
  copy_some(value, p, count);
  return load(value);
}

INLINE void store_some(float *p, vector v, ptrdiff_t count) {
  if (count >= LANES) {
    store(p, v);
    return;
  }
  float value[LANES];
  store(value, v);
  copy_some(p, value, count);
}

INLINE vector combined(sw_binary_kind kind, vector a, vector b) {
  switch (kind) {
    case SW_BINARY_ADD: return a + b;
    case SW_BINARY_SUBTRACT: return a - b;
    case SW_BINARY_MULTIPLY: return a * b;
    case SW_BINARY_DIVIDE: return a / b;
    case SW_BINARY_MINIMUM: return -maximum_with_nan(-a, -b);
    case SW_BINARY_MAXIMUM: return maximum_with_nan(a, b);
    case SW_BINARY_POWER: return power_by_lane(a, b);
    case SW_BINARY_MASK: return b != 0.0f ? a : splat(0);
    case SW_BINARY_EQUAL: return a == b ? splat(1) : splat(0);
    case SW_BINARY_LESS: return a < b ? splat(1) : splat(0);
    case SW_BINARY_LESS_OR_EQUAL: return a <= b ? splat(1) : splat(0);
  }
  return a;
}

INLINE vector taken(sw_reduction_kind kind, vector sum, vector v) {
  switch (kind) {
    case SW_REDUCTION_SUM: return sum + v;
    case SW_REDUCTION_SUM_OF_MAGNITUDES: return sum + larger(v, -v);
    case SW_REDUCTION_SUM_OF_SQUARES: return sum + v * v;
    case SW_REDUCTION_PRODUCT: return sum * v;
    case SW_REDUCTION_MAXIMUM: return maximum_with_nan(sum, v);
    case SW_REDUCTION_MINIMUM: return -maximum_with_nan(-sum, -v);
  }
  return sum;
}

// Of two results, not of a result and an element.
INLINE vector taken_together(sw_reduction_kind kind, vector a, vector b) {
  return kind == SW_REDUCTION_SUM_OF_MAGNITUDES || kind == SW_REDUCTION_SUM_OF_SQUARES ? a + b : taken(kind, a, b);
}

INLINE float taken_from_none(sw_reduction_kind kind) {
  switch (kind) {
    case SW_REDUCTION_PRODUCT: return 1;
    case SW_REDUCTION_MAXIMUM: return -__builtin_inff();
    case SW_REDUCTION_MINIMUM: return __builtin_inff();
    default: return 0;
  }
}

// The lanes of a vector as one: the upper half onto the lower, until one is left.
INLINE float folded(sw_reduction_kind kind, vector v) {
#define FOLD(...) v = taken_together(kind, v, __builtin_shufflevector(v, v, __VA_ARGS__))
#if LANES == 16
  FOLD(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  FOLD(4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  FOLD(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  FOLD(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
#elif LANES == 8
  FOLD(4, 5, 6, 7, 0, 1, 2, 3);
  FOLD(2, 3, 0, 1, 6, 7, 4, 5);
  FOLD(1, 0, 3, 2, 5, 4, 7, 6);
#else
  FOLD(2, 3, 0, 1);
  FOLD(1, 0, 3, 2);
#endif
#undef FOLD
  return v[0];
}

// Four results side by side hide the latency of the additions and lose fewer bits than one.
INLINE float reduced_along(sw_reduction_kind kind, const float *in, ptrdiff_t count) {
  vector part[4];
  float none = taken_from_none(kind);
  UNROLL for (int i = 0; i < 4; i++) part[i] = splat(none);
  ptrdiff_t at = 0;
  for (; at + 4 * LANES <= count; at += 4 * LANES) {
    UNROLL for (int i = 0; i < 4; i++) part[i] = taken(kind, part[i], load(in + at + i * LANES));
  }
  for (; at + LANES <= count; at += LANES) part[0] = taken(kind, part[0], load(in + at));
  if (at < count) {
    float rest[LANES];
    store(rest, splat(none));
    copy_some(rest, in + at, count - at);
    part[1] = taken(kind, part[1], load(rest));
  }
  vector all = taken_together(kind, taken_together(kind, part[0], part[1]), taken_together(kind, part[2], part[3]));
  return folded(kind, all);
}

INLINE void reduced_across(
  sw_reduction_kind kind, const float *in, ptrdiff_t step, ptrdiff_t count, ptrdiff_t lanes, float *result) {
  float none = taken_from_none(kind);
  for (ptrdiff_t c = 0; c < lanes; c += LANES) {
    ptrdiff_t width = lanes - c;
    vector part[4];
    UNROLL for (int i = 0; i < 4; i++) part[i] = splat(none);
    ptrdiff_t at = 0;
    for (; at + 4 <= count; at += 4) {
      UNROLL for (int i = 0; i < 4; i++) part[i] = taken(kind, part[i], load_some(in + (at + i) * step + c, width));
    }
    for (; at < count; at++) part[0] = taken(kind, part[0], load_some(in + at * step + c, width));
    vector all = taken_together(kind, taken_together(kind, part[0], part[1]), taken_together(kind, part[2], part[3]));
    store_some(result + c, taken_together(kind, load_some(result + c, width), all), width);
  }
}

// The function as a constant: no branch a vector.
#define SW_WITH_REDUCTION(kind, body)                                                                  \
  switch (kind) {                                                                                      \
    case SW_REDUCTION_SUM: body(SW_REDUCTION_SUM); break;                                              \
    case SW_REDUCTION_SUM_OF_MAGNITUDES: body(SW_REDUCTION_SUM_OF_MAGNITUDES); break;                  \
    case SW_REDUCTION_SUM_OF_SQUARES: body(SW_REDUCTION_SUM_OF_SQUARES); break;                        \
    case SW_REDUCTION_PRODUCT: body(SW_REDUCTION_PRODUCT); break;                                      \
    case SW_REDUCTION_MAXIMUM: body(SW_REDUCTION_MAXIMUM); break;                                      \
    case SW_REDUCTION_MINIMUM: body(SW_REDUCTION_MINIMUM); break;                                      \
  }
#endif

INLINE void VALUE_NAME(combine_row)(
  sw_binary_kind kind, const sw_operand *a, const sw_operand *b, ptrdiff_t pixels, ptrdiff_t channels, void *out,
  ptrdiff_t out_pixel) {
  if (channels) {
    for (ptrdiff_t i = 0; i < pixels; i++) {
      const float *first = AT(float, a->base, i * a->pixel), *second = AT(float, b->base, i * b->pixel);
      for (ptrdiff_t c = 0; c < channels; c += LANES) {
        vector left = a->repeats_channel ? splat(*first) : load_value((const ELEMENT *)first + c);
        vector right = b->repeats_channel ? splat(*second) : load_value((const ELEMENT *)second + c);
        store_value((STORED *)((char *)out + i * out_pixel) + c, combined(kind, left, right));
      }
    }
    return;
  }
  const float *first = a->base, *second = b->base;
  float *to = out;
  for (ptrdiff_t i = 0; i < pixels; i += LANES) {
    vector left = a->pixel ? load_some(first + i, pixels - i) : splat(*first);
    vector right = b->pixel ? load_some(second + i, pixels - i) : splat(*second);
    store_some(to + i, combined(kind, left, right), pixels - i);
  }
}

SW_DECLARE_BINARY(VALUE_NAME(binary)) {
  // The function as a constant: no branch a vector.
  switch (kind) {
    case SW_BINARY_ADD: VALUE_NAME(combine_row)(SW_BINARY_ADD, a, b, pixels, channels, out, out_pixel); break;
    case SW_BINARY_SUBTRACT: VALUE_NAME(combine_row)(SW_BINARY_SUBTRACT, a, b, pixels, channels, out, out_pixel); break;
    case SW_BINARY_MULTIPLY: VALUE_NAME(combine_row)(SW_BINARY_MULTIPLY, a, b, pixels, channels, out, out_pixel); break;
    case SW_BINARY_DIVIDE: VALUE_NAME(combine_row)(SW_BINARY_DIVIDE, a, b, pixels, channels, out, out_pixel); break;
    case SW_BINARY_MINIMUM: VALUE_NAME(combine_row)(SW_BINARY_MINIMUM, a, b, pixels, channels, out, out_pixel); break;
    case SW_BINARY_MAXIMUM: VALUE_NAME(combine_row)(SW_BINARY_MAXIMUM, a, b, pixels, channels, out, out_pixel); break;
    case SW_BINARY_POWER: VALUE_NAME(combine_row)(SW_BINARY_POWER, a, b, pixels, channels, out, out_pixel); break;
    case SW_BINARY_MASK: VALUE_NAME(combine_row)(SW_BINARY_MASK, a, b, pixels, channels, out, out_pixel); break;
    case SW_BINARY_EQUAL: VALUE_NAME(combine_row)(SW_BINARY_EQUAL, a, b, pixels, channels, out, out_pixel); break;
    case SW_BINARY_LESS: VALUE_NAME(combine_row)(SW_BINARY_LESS, a, b, pixels, channels, out, out_pixel); break;
    case SW_BINARY_LESS_OR_EQUAL:
      VALUE_NAME(combine_row)(SW_BINARY_LESS_OR_EQUAL, a, b, pixels, channels, out, out_pixel);
      break;
  }
}

#ifndef SW_VALUES_BFLOAT16
SW_DECLARE_REDUCE_ALONG(SW_NAME(reduce_along)) {
  float result = 0;
#define SW_REDUCE(kind) result = reduced_along(kind, in, count)
  SW_WITH_REDUCTION(kind, SW_REDUCE)
#undef SW_REDUCE
  return result;
}

SW_DECLARE_REDUCE_ACROSS(SW_NAME(reduce_across)) {
#define SW_REDUCE(kind) reduced_across(kind, in, step, count, lanes, result)
  SW_WITH_REDUCTION(kind, SW_REDUCE)
#undef SW_REDUCE
}

SW_DECLARE_MIX(SW_NAME(mix)) {
  for (ptrdiff_t i = 0; i < count; i += LANES) {
    vector sum = splat(0);
    for (ptrdiff_t t = 0; t < taps; t++) sum += load_some(rows[t] + i, count - i) * weights[t];
    store_some(out + i, sum, count - i);
  }
}

SW_DECLARE_MIX_PIXELS(SW_NAME(mix_pixels)) {
  for (ptrdiff_t x = 0; x < count; x++, positions += taps, weights += taps) {
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
      vector sum = splat(0);
      for (ptrdiff_t t = 0; t < taps; t++) sum += load(in + positions[t] * channels + c) * weights[t];
      store(out + x * out_pixel + c, sum);
    }
  }
}

SW_DECLARE_SOFTMAX_ALONG(SW_NAME(softmax_along)) {
  vector most = splat(-__builtin_inff());
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES) most = maximum_with_nan(most, load(in + i));
  float largest = -__builtin_inff();
  for (int lane = 0; lane < LANES; lane++) largest = most[lane] > largest || most[lane] != most[lane] ? most[lane] : largest;
  for (; i < count; i++) largest = in[i] > largest || in[i] != in[i] ? in[i] : largest;
  vector sums = splat(0);
  for (i = 0; i < count; i += LANES) {
    vector e = exponential(load_some(in + i, count - i) - largest);
    store_some(out + i, e, count - i);
    // Lanes past the end are no part of the sum.
    sums += count - i >= LANES ? e : load_some(out + i, count - i);
  }
  float sum = 0;
  for (int lane = 0; lane < LANES; lane++) sum += sums[lane];
  for (i = 0; i < count; i += LANES) store_some(out + i, load_some(out + i, count - i) / sum, count - i);
}

SW_DECLARE_SOFTMAX_ACROSS(SW_NAME(softmax_across)) {
  for (ptrdiff_t c = 0; c < lanes; c += LANES) {
    ptrdiff_t width = lanes - c;
    vector most = splat(-__builtin_inff()), sum = splat(0);
    for (ptrdiff_t k = 0; k < count; k++) most = maximum_with_nan(most, load_some(in + k * step + c, width));
    for (ptrdiff_t k = 0; k < count; k++) {
      vector e = exponential(load_some(in + k * step + c, width) - most);
      store_some(out + k * out_step + c, e, width);
      sum += e;
    }
    for (ptrdiff_t k = 0; k < count; k++)
      store_some(out + k * out_step + c, load_some(out + k * out_step + c, width) / sum, width);
  }
}
#endif
