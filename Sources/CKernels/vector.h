// A vector of LANES floats and what the kernels do with it. Included by each instruction set's file, which defines LANES and
// SW_NAME(stem), the name with the instruction set's suffix.
typedef float vector __attribute__((ext_vector_type(LANES)));
typedef float unaligned_vector __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef int32_t integer_vector __attribute__((ext_vector_type(LANES)));
typedef int32_t integer_vector_in_memory __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef uint32_t unsigned_vector __attribute__((ext_vector_type(LANES)));
// The same number of bfloat16 values, and twice as many.
typedef uint16_t half_vector __attribute__((ext_vector_type(LANES)));
typedef uint16_t unaligned_half_vector __attribute__((ext_vector_type(LANES), aligned(2), may_alias));
typedef uint16_t pair_vector __attribute__((ext_vector_type(2 * LANES)));
typedef uint16_t bfloat16 __attribute__((may_alias));

#define SW_PASTE_(a, b) a##b
#define SW_PASTE(a, b) SW_PASTE_(a, b)
#define INLINE static inline __attribute__((always_inline))
// An element of a value: `p` plus so many bytes.
#define AT(type, p, bytes) ((const type *)((const char *)(p) + (bytes)))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE vector splat(float x) { return (vector)(x); }
// Unaligned loads and stores cost the same as aligned ones on aligned addresses, and tensors of odd widths need them.
INLINE vector load(const float *p) { return *(const unaligned_vector *)p; }
INLINE void store(float *p, vector v) { *(unaligned_vector *)p = v; }

// bfloat16 is the upper half of a float32: widening shifts and is exact.
INLINE vector load_bfloat16(const bfloat16 *p) {
  return (vector)(__builtin_convertvector(*(const unaligned_half_vector *)p, unsigned_vector) << 16);
}
// One value in every lane. The lower half of each lane is cleared of the value's copy.
INLINE vector splat_bfloat16(bfloat16 x) { return (vector)((unsigned_vector)(pair_vector)(x) & 0xffff0000u); }
// `count` numbers one after another.
INLINE void widen(float *to, const bfloat16 *from, ptrdiff_t count) {
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES) store(to + i, load_bfloat16(from + i));
  for (; i < count; i++) {
    union { uint32_t bits; float value; } one = {(uint32_t)from[i] << 16};
    to[i] = one.value;
  }
}
// Rounds to the nearest, ties to even; a NaN stays one, quiet. Where the instruction set converts by itself, numbers below the
// normal range become 0, as they do in its products.
INLINE void store_bfloat16(bfloat16 *p, vector v) {
#ifdef SW_HAVE_BFLOAT16
  *(unaligned_half_vector *)p = (half_vector)_mm512_cvtneps_pbh((__m512)v);
#else
  unsigned_vector bits = (unsigned_vector)v;
  unsigned_vector rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, quiet = (bits >> 16) | 0x40;
  unsigned_vector result = v == v ? rounded : quiet;
  *(unaligned_half_vector *)p = __builtin_convertvector(result, half_vector);
#endif
}
// The second operand wins where one is NaN, so that larger(0, NaN) is NaN: an activation must not hide a broken network.
INLINE vector larger(vector a, vector b) { return a > b ? a : b; }
INLINE vector smaller(vector a, vector b) { return a < b ? a : b; }

// exp(x) to about 2 ulp: x = n ln 2 + r, a degree-6 polynomial on |r| <= ln 2 / 2 (coefficients of Cephes expf), 2ⁿ by the
// exponent bits. Clamped to the finite range; NaN stays NaN.
INLINE vector exponential(vector x) {
  vector clamped = smaller(splat(88.0f), larger(splat(-87.0f), x));
  // Adding 1.5 · 2²³ rounds to the nearest integer and leaves it in the low bits.
  vector shifted = clamped * 1.44269504088896341f + 12582912.0f;
  vector n = shifted - 12582912.0f;
  vector r = clamped - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  vector p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  integer_vector bits = (integer_vector)shifted << 23;
  integer_vector result = (integer_vector)p + bits;
  vector value = (vector)result;
  return x == x ? value : x;
}

// Out of line: the epilogue is unrolled many times over, and these two are rare.
INLINE vector logistic(vector x) { return 1.0f / (1.0f + exponential(-x)); }
__attribute__((noinline)) static vector sigmoid(vector x) { return logistic(x); }
// tanh(x) = 1 - 2 / (exp(2x) + 1); near 0, where that cancels, the odd polynomial x - x³/3 + 2x⁵/15 - 17x⁷/315 (error < 1 ulp
// below 0.15).
__attribute__((noinline)) static vector hyperbolic_tangent(vector x) {
  vector far = 1.0f - 2.0f / (exponential(2.0f * x) + 1.0f);
  vector s = x * x;
  vector near = x + x * s * (-0.333333333f + s * (0.133333333f + s * (-0.0539682540f + s * 0.0218694885f)));
  vector magnitude = larger(x, -x);
  return magnitude < 0.15f ? near : far;
}

// erf(x) = x P(x²) / Q(x²) for |x| < 4, beyond which it rounds to ±1; the minimax coefficients of Eigen, error < 4 ulp of 1.
__attribute__((noinline)) static vector error_function(vector x) {
  vector c = smaller(splat(4.0f), larger(splat(-4.0f), x)), s = c * c;
  vector p = s * -2.72614225801306e-10f + 2.77068142495902e-08f;
  p = p * s + -2.10102402082508e-06f;
  p = p * s + -5.69250639462346e-05f;
  p = p * s + -7.34990630326855e-04f;
  p = p * s + -2.95459980854025e-03f;
  p = p * s + -1.60960333262415e-02f;
  vector q = s * -1.45660718464996e-05f + -2.13374055278905e-04f;
  q = q * s + -1.68282697438203e-03f;
  q = q * s + -7.37332916720468e-03f;
  q = q * s + -1.42647390514189e-02f;
  vector value = c * p / q;
  value = x >= 4.0f ? splat(1.0f) : value;
  return x <= -4.0f ? splat(-1.0f) : value;
}

// log(1 + u) for 0 <= u <= 1: 2 artanh(u / (2 + u)) by its series, whose argument is at most 1/3.
INLINE vector logarithm_of_one_plus(vector u) {
  vector r = u / (2.0f + u), s = r * r;
  vector p = s * (1.0f / 17) + 1.0f / 15;
  p = p * s + 1.0f / 13;
  p = p * s + 1.0f / 11;
  p = p * s + 1.0f / 9;
  p = p * s + 1.0f / 7;
  p = p * s + 1.0f / 5;
  p = p * s + 1.0f / 3;
  return 2.0f * r + 2.0f * r * (p * s);
}

INLINE vector to_unit(vector v) { return smaller(splat(1.0f), larger(splat(0), v)); }

__attribute__((noinline)) static vector softplus(vector x) {
  return larger(splat(0), x) + logarithm_of_one_plus(exponential(-larger(x, -x)));
}

// exp(x) over its whole range: 0 below, infinite above.
INLINE vector exponential_of_any(vector x) {
  vector clamped = smaller(splat(90.0f), larger(splat(-105.0f), x));
  vector shifted = clamped * 1.44269504088896341f + 12582912.0f;
  vector n = shifted - 12582912.0f;
  vector r = clamped - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  vector p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  // 2ⁿ in two steps, because it may lie outside the range of the exponent where the result does not.
  integer_vector whole = __builtin_convertvector(n, integer_vector), half = whole >> 1;
  vector first = (vector)((half + 127) << 23), second = (vector)((whole - half + 127) << 23);
  vector value = p * first * second;
  return x == x ? value : x;
}

// exp(x) - 1: where x is small the polynomial without its 1, which would take the last bits.
INLINE vector exponential_less_one(vector x) {
  vector p = splat(1.9875691500e-4f);
  p = p * x + 1.3981999507e-3f;
  p = p * x + 8.3334519073e-3f;
  p = p * x + 4.1665795894e-2f;
  p = p * x + 1.6666665459e-1f;
  p = p * x + 5.0000001201e-1f;
  p = p * (x * x) + x;
  return larger(x, -x) < 0.34f ? p : exponential(x) - 1.0f;
}

// log(x): the mantissa m within √½ and √2, a polynomial in m - 1 (coefficients of Cephes logf, about 1 ulp), and the exponent times
// ln 2 in two parts.
INLINE vector logarithm(vector x) {
  // Numbers below the normal range are brought into it.
  vector scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
  vector offset = x < 1.17549435e-38f ? splat(23.0f) : splat(0.0f);
  integer_vector bits = (integer_vector)scaled;
  vector exponent = __builtin_convertvector(((bits >> 23) & 0xff) - 126, vector) - offset;
  vector m = (vector)((bits & 0x007fffff) | 0x3f000000);
  exponent = m < 0.707106781186547524f ? exponent - 1.0f : exponent;
  vector f = m < 0.707106781186547524f ? m + m - 1.0f : m - 1.0f;
  vector z = f * f;
  vector p = splat(7.0376836292e-2f);
  p = p * f + -1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f + -1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f + -1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f + -2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  vector y = f * z * p;
  y = y + exponent * -2.12194440e-4f;
  y = y - 0.5f * z;
  vector value = f + y;
  value = value + exponent * 0.693359375f;
  value = x == 0.0f ? splat(-__builtin_inff()) : value;
  value = x == __builtin_inff() ? x : value;
  value = x < 0.0f ? splat(__builtin_nanf("")) : value;
  return x == x ? value : x;
}

// Functions that have no vector form here, lane by lane through the C library.
#define SW_BY_LANE(name, call)                                         \
  __attribute__((noinline)) static vector name(vector x, vector y) {   \
    float a[LANES], b[LANES];                                          \
    store(a, x);                                                       \
    store(b, y);                                                       \
    for (int lane = 0; lane < LANES; lane++) a[lane] = call;           \
    return load(a);                                                    \
  }
SW_BY_LANE(power_by_lane, powf(a[lane], b[lane]))
SW_BY_LANE(sine_by_lane, sinf(a[lane]))
SW_BY_LANE(cosine_by_lane, cosf(a[lane]))

INLINE vector power(vector x, float exponent) {
  if (exponent == 2.0f) return x * x;
  if (exponent == 0.5f) {
    // Unlike the root, the power of -0 is 0 and that of -∞ is ∞.
    vector root = __builtin_elementwise_sqrt(x + 0.0f);
    return x == -__builtin_inff() ? -x : root;
  }
  if (exponent == -0.5f) {
    vector root = 1.0f / __builtin_elementwise_sqrt(x + 0.0f);
    return x == -__builtin_inff() ? splat(0) : root;
  }
  if (exponent == -1.0f) return 1.0f / x;
  return power_by_lane(x, splat(exponent));
}

// Out of line: rare in epilogues, and many.
__attribute__((noinline)) static vector activate_rarely(vector v, const sw_activation *activation) {
  switch (activation->kind) {
    case SW_ACTIVATION_ELU: {
      vector negative = exponential_less_one(smaller(splat(0), v) * activation->b) * activation->a;
      return v > 0.0f ? v : negative;
    }
    case SW_ACTIVATION_THRESHOLDED_RELU: return v <= activation->a ? splat(0) : v;
    case SW_ACTIVATION_SOFTSIGN: return v / (1.0f + larger(v, -v));
    case SW_ACTIVATION_ERROR_FUNCTION: return error_function(v);
    case SW_ACTIVATION_EXPONENTIAL: return exponential_of_any(v);
    case SW_ACTIVATION_LOGARITHM: return logarithm(v);
    case SW_ACTIVATION_SQUARE_ROOT: return __builtin_elementwise_sqrt(v);
    case SW_ACTIVATION_RECIPROCAL: return 1.0f / v;
    case SW_ACTIVATION_POWER: return power(v, activation->a);
    case SW_ACTIVATION_FLOOR: return __builtin_elementwise_floor(v);
    case SW_ACTIVATION_CEILING: return __builtin_elementwise_ceil(v);
    case SW_ACTIVATION_ROUND: return __builtin_elementwise_roundeven(v);
    case SW_ACTIVATION_SIGN: {
      vector negative = v < 0.0f ? splat(-1.0f) : v;
      return v > 0.0f ? splat(1.0f) : negative;
    }
    case SW_ACTIVATION_SINE: return sine_by_lane(v, v);
    case SW_ACTIVATION_COSINE: return cosine_by_lane(v, v);
    default: return v;
  }
}

// `slopes` points at the slopes of this vector's channels (PReLU only).
INLINE vector activate(vector v, const sw_activation *activation, const float *slopes) {
  switch (activation->kind) {
    case SW_ACTIVATION_NONE: return v;
    case SW_ACTIVATION_RELU: return larger(splat(0), v);
    case SW_ACTIVATION_LEAKY_RELU: return v < 0.0f ? v * activation->a : v;
    case SW_ACTIVATION_PRELU: return v < 0.0f ? v * load(slopes) : v;
    case SW_ACTIVATION_CLIP: return smaller(splat(activation->b), larger(splat(activation->a), v));
    case SW_ACTIVATION_SIGMOID: return sigmoid(v);
    case SW_ACTIVATION_TANH: return hyperbolic_tangent(v);
    case SW_ACTIVATION_HARD_SIGMOID: return to_unit(v * activation->a + activation->b);
    case SW_ACTIVATION_HARD_SWISH: return v * to_unit(v / 6.0f + 0.5f);
    case SW_ACTIVATION_GELU: return 0.5f * v * (1.0f + error_function(v * 0.707106781186547524f));
    case SW_ACTIVATION_GELU_TANH:
      return 0.5f * v * (1.0f + hyperbolic_tangent(0.797884560802865356f * (v + 0.044715f * (v * v * v))));
    case SW_ACTIVATION_SILU: return v * sigmoid(v);
    case SW_ACTIVATION_SOFTPLUS: return softplus(v);
    default: return activate_rarely(v, activation);
  }
}

// The epilogues of most layers, told apart once a tile and compiled apart: left to a branch a vector, the tests and the calls
// they might lead to took as long as a Winograd output transform itself (Zen 5).
typedef enum {
  FINISH_PLAIN,
  FINISH_RELU,
  FINISH_LEAKY_RELU,
  FINISH_CLIP,
  FINISH_RESIDUAL,
  FINISH_RESIDUAL_RELU,
  // A function alone that takes long: a tile goes through it as a whole (`finish_many`), after which nothing is left to do.
  FINISH_MANY,
  FINISH_ANY
} finish_mode;

INLINE finish_mode finish_mode_of(const sw_epilogue *e, int has_residual) {
  sw_activation_kind before = e->before.kind, after = e->after.kind;
  if (has_residual && before == SW_ACTIVATION_NONE && after == SW_ACTIVATION_NONE) return FINISH_RESIDUAL;
  if (has_residual && before == SW_ACTIVATION_NONE && after == SW_ACTIVATION_RELU) return FINISH_RESIDUAL_RELU;
  if (has_residual || e->scale != 1.0f || after != SW_ACTIVATION_NONE) return FINISH_ANY;
  if (before == SW_ACTIVATION_NONE) return FINISH_PLAIN;
  if (before == SW_ACTIVATION_LEAKY_RELU) return FINISH_LEAKY_RELU;
  if (before == SW_ACTIVATION_CLIP) return FINISH_CLIP;
  return before == SW_ACTIVATION_RELU ? FINISH_RELU : FINISH_ANY;
}

// The same for kernels that call `finish_many`.
INLINE finish_mode tile_finish_mode_of(const sw_epilogue *e, int has_residual) {
  finish_mode mode = finish_mode_of(e, has_residual);
  sw_activation_kind kind = e->before.kind;
  if (mode != FINISH_ANY || has_residual || e->scale != 1.0f || e->after.kind != SW_ACTIVATION_NONE) return mode;
  return kind == SW_ACTIVATION_SIGMOID || kind == SW_ACTIVATION_SILU || kind == SW_ACTIVATION_HARD_SWISH ? FINISH_MANY : mode;
}

// Vectors through a function whose steps wait for each other: eight side by side take half the time of one after another (SiLU, Zen
// 5). The bits are those of `activate`.
__attribute__((noinline, unused)) static void finish_many(vector *v, ptrdiff_t count, const sw_activation *activation) {
#define MANY(function)                                                  \
  for (ptrdiff_t i = 0; i < count; i += 8) {                            \
    if (i + 8 <= count) UNROLL for (int j = 0; j < 8; j++) {            \
      vector x = v[i + j];                                              \
      v[i + j] = function;                                              \
    } else for (ptrdiff_t j = i; j < count; j++) v[j] = activate(v[j], activation, 0); \
  }
  switch (activation->kind) {
    case SW_ACTIVATION_SIGMOID: MANY(logistic(x)) break;
    case SW_ACTIVATION_SILU: MANY(x * logistic(x)) break;
    case SW_ACTIVATION_HARD_SWISH: MANY(x * to_unit(x / 6.0f + 0.5f)) break;
    default:
      for (ptrdiff_t i = 0; i < count; i++) v[i] = activate(v[i], activation, 0);
  }
#undef MANY
}

INLINE vector bias_of(const sw_epilogue *e, ptrdiff_t channel) { return e->bias ? load(e->bias + channel) : splat(0); }

// Fetches a line into the level-2 cache: it will be read after many others.
INLINE void fetch_for_later(const char *line) { __builtin_prefetch(line, 0, 2); }

// The lines that a tile fetches, at most `most`: how many, and where they begin.
INLINE ptrdiff_t take_ahead(sw_ahead *ahead, ptrdiff_t most, const char **first) {
  if (!ahead || ahead->count == 0) return 0;
  sw_span *span = ahead->spans;
  ptrdiff_t lines = ahead->lines_per_tile < most ? ahead->lines_per_tile : most;
  if (lines > span->lines) lines = span->lines;
  *first = span->next;
  span->next += lines * 64;
  span->lines -= lines;
  if (span->lines == 0) {
    ahead->spans++;
    ahead->count--;
  }
  return lines;
}

// Calls body(mode) with the mode as a constant.
#define SW_WITH_FINISH_MODE(mode, body)                  \
  switch (mode) {                                        \
    case FINISH_PLAIN: body(FINISH_PLAIN); break;        \
    case FINISH_RELU: body(FINISH_RELU); break;          \
    case FINISH_LEAKY_RELU: body(FINISH_LEAKY_RELU); break; \
    case FINISH_CLIP: body(FINISH_CLIP); break;          \
    case FINISH_RESIDUAL: body(FINISH_RESIDUAL); break;  \
    case FINISH_RESIDUAL_RELU: body(FINISH_RESIDUAL_RELU); break; \
    case FINISH_MANY: break;                             \
    case FINISH_ANY: body(FINISH_ANY); break;            \
  }

// The same for modes of `tile_finish_mode_of`.
#define SW_WITH_TILE_FINISH_MODE(mode, body) \
  if (mode == FINISH_MANY) {                 \
    body(FINISH_MANY);                       \
  } else {                                   \
    SW_WITH_FINISH_MODE(mode, body)          \
  }

// The same for a vector of pixels of one plane. `residual` points at as many values, or is null.
INLINE vector finish_plane(vector v, const sw_epilogue *e, ptrdiff_t channel, const float *residual) {
  // One slope for all pixels: a PReLU of a plane is a leaky ReLU.
  sw_activation before = e->before, after = e->after;
  if (before.kind == SW_ACTIVATION_PRELU) { before.kind = SW_ACTIVATION_LEAKY_RELU; before.a = before.slopes[channel]; }
  if (after.kind == SW_ACTIVATION_PRELU) { after.kind = SW_ACTIVATION_LEAKY_RELU; after.a = after.slopes[channel]; }
  v += splat(e->bias ? e->bias[channel] : 0.0f);
  v = activate(v, &before, 0);
  if (residual) v = v * e->scale + load(residual);
  else v = v * e->scale;
  return activate(v, &after, 0);
}

// Up to a vector of floats between memory and a vector-sized buffer: the end of a row must be neither read nor written past.
INLINE void copy_some(float *to, const float *from, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) to[i] = from[i];
}
