// What training adds: gradients of functions, statistics of channels and what is made of them, gradients of pools and of depthwise weights.
// Included once: all values are float32.

// f'(x) of the functions whose derivative is one; the others are composed (see activation_gradient).
INLINE vector derivative(const sw_activation *f, vector x, const float *slopes) {
  vector zero = splat(0), one = splat(1);
  switch (f->kind) {
    case SW_ACTIVATION_NONE: return one;
    case SW_ACTIVATION_RELU: return x > 0.0f ? one : zero;
    case SW_ACTIVATION_LEAKY_RELU: {
      // The absolute value has no slope at 0.
      vector flat = f->a == -1.0f ? (x == 0.0f ? zero : splat(f->a)) : splat(f->a);
      return x > 0.0f ? one : flat;
    }
    case SW_ACTIVATION_PRELU: return x > 0.0f ? one : load(slopes);
    case SW_ACTIVATION_CLIP: {
      vector above = x >= f->a ? one : zero;
      return x <= f->b ? above : zero;
    }
    case SW_ACTIVATION_SIGMOID: {
      vector y = sigmoid(x);
      return y * (1.0f - y);
    }
    case SW_ACTIVATION_TANH: {
      vector y = hyperbolic_tangent(x);
      return (1.0f - y) * (1.0f + y);
    }
    case SW_ACTIVATION_HARD_SIGMOID: {
      vector line = f->a * x + f->b;
      vector above = line > 0.0f ? splat(f->a) : zero;
      return line < 1.0f ? above : zero;
    }
    case SW_ACTIVATION_HARD_SWISH: {
      vector inner = x < 3.0f ? x * (1.0f / 3) + 0.5f : one;
      return x <= -3.0f ? zero : inner;
    }
    case SW_ACTIVATION_GELU:
      return 0.5f * (1.0f + error_function(x * 0.707106781f)) + x * (0.398942280f * exponential(-0.5f * x * x));
    case SW_ACTIVATION_GELU_TANH: {
      vector s = x * x, y = hyperbolic_tangent(0.797884561f * (x + 0.044715f * x * s));
      return 0.5f * (1.0f + y) + 0.5f * x * ((1.0f - y) * (1.0f + y)) * (0.797884561f * (1.0f + 0.134145f * s));
    }
    case SW_ACTIVATION_SILU: {
      vector y = sigmoid(x);
      return y * (1.0f + x * (1.0f - y));
    }
    case SW_ACTIVATION_SOFTPLUS: return sigmoid(x);
    case SW_ACTIVATION_ELU: return x > 0.0f ? one : f->a * f->b * exponential(f->b * x);
    case SW_ACTIVATION_THRESHOLDED_RELU: return x > f->a ? one : zero;
    case SW_ACTIVATION_SOFTSIGN: {
      vector d = 1.0f + larger(x, -x);
      return 1.0f / (d * d);
    }
    case SW_ACTIVATION_ERROR_FUNCTION: return 1.12837917f * exponential(-x * x);
    case SW_ACTIVATION_EXPONENTIAL: return activate(x, f, slopes);
    case SW_ACTIVATION_LOGARITHM: return 1.0f / x;
    case SW_ACTIVATION_SQUARE_ROOT: {
      return 0.5f / activate(x, f, slopes);
    }
    case SW_ACTIVATION_RECIPROCAL: return -1.0f / (x * x);
    case SW_ACTIVATION_POWER: return f->a == 0.0f ? zero : f->a * power_by_lane(x, splat(f->a - 1.0f));
    case SW_ACTIVATION_SINE: {
      sw_activation other = {SW_ACTIVATION_COSINE, 0, 0, 0};
      return activate(x, &other, slopes);
    }
    case SW_ACTIVATION_COSINE: {
      sw_activation other = {SW_ACTIVATION_SINE, 0, 0, 0};
      return -activate(x, &other, slopes);
    }
    case SW_ACTIVATION_FLOOR:
    case SW_ACTIVATION_CEILING:
    case SW_ACTIVATION_ROUND:
    case SW_ACTIVATION_SIGN: return zero;
  }
  return zero;
}

SW_DECLARE_ACTIVATION_GRADIENT(SW_NAME(activation_gradient)) {
  for (ptrdiff_t i = 0; i < pixels; i++) {
    const float *gradient = AT(float, g, i * g_pixel), *from = AT(float, x, i * x_pixel);
    float *to = (float *)((char *)out + i * out_pixel);
    if (function->kind == SW_ACTIVATION_RELU) {
      for (ptrdiff_t c = 0; c < channels; c += LANES) store(to + c, load(from + c) > 0.0f ? load(gradient + c) : splat(0));
    } else {
      for (ptrdiff_t c = 0; c < channels; c += LANES) {
        vector slope = derivative(function, load(from + c), function->slopes ? function->slopes + c : 0);
        store(to + c, load(gradient + c) * slope);
      }
    }
  }
}

// `v` where what the elementwise kernel makes of b is more than 0: the same bits, so that the mask is that of a ReLU behind it.
INLINE vector masked(vector v, vector b, vector factor, vector shift) {
  vector y = b * factor;
  y += shift;
  return y > 0.0f ? v : splat(0);
}

// The sums of one vector of channels: `masks` and `squares` are constants where this is inlined. Four of each, so that additions overlap.
INLINE void channel_sums(
  const float *a, ptrdiff_t a_pixel, const float *b, ptrdiff_t b_pixel, vector b_shift, int masks, int squares, vector factor, vector shift,
  ptrdiff_t count, float *a_sums, float *sums) {
  vector first[4], second[4];
  UNROLL for (int i = 0; i < 4; i++) first[i] = second[i] = splat(0);
#define CHANNEL_SUM(i, k)                                              \
  {                                                                    \
    vector x = load(AT(float, b, (i) * b_pixel)), d = x - b_shift;     \
    vector g = squares ? d : load(AT(float, a, (i) * a_pixel));        \
    if (masks) g = masked(g, x, factor, shift);                        \
    if (!squares) first[k] += g;                                       \
    second[k] += g * d;                                                \
  }
  ptrdiff_t i = 0;
  for (; i + 4 <= count; i += 4) {
    UNROLL for (int k = 0; k < 4; k++) CHANNEL_SUM(i + k, k)
  }
  for (; i < count; i++) CHANNEL_SUM(i, 0)
#undef CHANNEL_SUM
  if (!squares) store(a_sums, load(a_sums) + ((first[0] + first[1]) + (first[2] + first[3])));
  store(sums, load(sums) + ((second[0] + second[1]) + (second[2] + second[3])));
}

SW_DECLARE_CHANNEL_PRODUCTS(SW_NAME(channel_products)) {
  for (ptrdiff_t c = 0; c < channels; c += LANES) {
    vector b_mean = load(b_shift + c), none = splat(0);
    const float *from = a ? (const float *)a + c : 0, *other = (const float *)b + c;
    if (!a)
      channel_sums(0, 0, other, b_pixel, b_mean, 0, 1, none, none, count, 0, sums + c);
    else if (mask_factor)
      channel_sums(
        from, a_pixel, other, b_pixel, b_mean, 1, 0, load(mask_factor + c), load(mask_shift + c), count, a_sums + c, sums + c);
    else
      channel_sums(from, a_pixel, other, b_pixel, b_mean, 0, 0, none, none, count, a_sums + c, sums + c);
  }
}

SW_DECLARE_CHANNEL_COMBINATION(SW_NAME(channel_combination)) {
  for (ptrdiff_t i = 0; i < pixels; i++) {
    const float *first = AT(float, a, i * a_pixel), *second = b ? AT(float, b, i * b_pixel) : 0;
    float *to = (float *)((char *)out + i * out_pixel);
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
      vector v = load(first + c);
      if (mask_factor) v = masked(v, load(second + c), load(mask_factor + c), load(mask_shift + c));
      v *= load(a_factor + c);
      if (second) v += load(second + c) * load(b_factor + c);
      if (shift) v += load(shift + c);
      store(to + c, v);
    }
  }
}

// The pixel that is the largest of a window is found as the maximum pool finds it; those behind it that are as large get nothing.
SW_DECLARE_MAXIMUM_POOL_GRADIENT(SW_NAME(maximum_pool_gradient)) {
  const sw_pool_gradient_arguments *p = arguments;
  for (ptrdiff_t c = 0; c < p->channels; c += LANES) {
    for (ptrdiff_t x = 0; x < p->width; x++) {
      ptrdiff_t left = x * p->stride - p->left, first = left < 0 ? 0 : left;
      ptrdiff_t end = left + p->kernel_width < p->in_width ? left + p->kernel_width : p->in_width;
      vector most = load(AT(float, p->rows[0], first * p->pixel) + c);
      integer_vector place = {0};
      int32_t number = 0;
      for (ptrdiff_t r = 0; r < p->row_count; r++) {
        for (ptrdiff_t j = first; j < end; j++, number++) {
          vector v = load(AT(float, p->rows[r], j * p->pixel) + c);
          // Larger, or no number.
          integer_vector is_more = (v > most) | (v != v);
          most = is_more ? v : most;
          place = is_more ? (integer_vector)(number) : place;
        }
      }
      vector g = load(AT(float, p->gradient, x * p->gradient_pixel) + c);
      number = 0;
      for (ptrdiff_t r = 0; r < p->row_count; r++) {
        for (ptrdiff_t j = first; j < end; j++, number++) {
          float *to = (float *)((char *)p->out_rows[r] + j * p->out_pixel) + c;
          vector share = place == number ? g : splat(0);
          if (p->added_rows) share += load(AT(float, p->added_rows[r], j * p->added_pixel) + c);
          store(to, p->adds ? load(to) + share : share);
        }
      }
    }
  }
}

// Some pixels of the gradient: `side`, `step`, `pixels` and `checked` are constants where this is inlined; `checked` means that pixels may lie
// behind the last, or columns outside the row. Each column that is loaded meets all its taps.
INLINE void depthwise_gradient_tile(
  const sw_depthwise_gradient_arguments *a, int side, int step, int pixels, int checked, ptrdiff_t x, ptrdiff_t c, vector *sum) {
  vector g[4];
  UNROLL for (int p = 0; p < 4; p++) {
    if (p < pixels) g[p] = checked && x + p >= a->count ? splat(0) : load(AT(float, a->g, (x + p) * a->g_pixel) + c);
  }
  ptrdiff_t first = a->left + x * step;
  UNROLL for (int u = 0; u < 3; u++) {
    const void *row = a->rows[u];
    if (!row) continue;
    UNROLL for (int column = 0; column < 3 * 2 + 3; column++) {
      if (column >= (pixels - 1) * step + side) continue;
      int outside = checked && (first + column < 0 || first + column >= a->in_width);
      if (outside) continue;
      vector value = load(AT(float, row, (first + column) * a->in_pixel) + c);
      UNROLL for (int v = 0; v < 3; v++) {
        if (column >= v && (column - v) % step == 0 && (column - v) / step < pixels)
          sum[u * 3 + v] += value * g[(column - v) / step];
      }
    }
  }
}

#define DEPTHWISE_GRADIENT(STEP)                                                                                               \
  SW_DECLARE_DEPTHWISE_GRADIENT(SW_NAME(depthwise_gradient_3x3_##STEP)) {                                                      \
    const sw_depthwise_gradient_arguments *a = arguments;                                                                      \
    for (ptrdiff_t c = 0; c < a->channels; c += LANES) {                                                                       \
      vector sum[9];                                                                                                           \
      UNROLL for (int t = 0; t < 9; t++) sum[t] = load(a->sums + t * a->channels + c);                                         \
      for (ptrdiff_t x = 0; x < a->count; x += 4) {                                                                            \
        ptrdiff_t first = a->left + x * STEP;                                                                                  \
        if (first >= 0 && first + 3 * STEP + 3 <= a->in_width && x + 4 <= a->count)                                            \
          depthwise_gradient_tile(a, 3, STEP, 4, 0, x, c, sum);                                                                \
        else                                                                                                                   \
          depthwise_gradient_tile(a, 3, STEP, 4, 1, x, c, sum);                                                                \
      }                                                                                                                        \
      UNROLL for (int t = 0; t < 9; t++) store(a->sums + t * a->channels + c, sum[t]);                                         \
    }                                                                                                                          \
  }
DEPTHWISE_GRADIENT(1)
DEPTHWISE_GRADIENT(2)
#undef DEPTHWISE_GRADIENT

// Any kernel, stride and dilation, a tap at a time.
SW_DECLARE_DEPTHWISE_GRADIENT(SW_NAME(depthwise_gradient_any)) {
  const sw_depthwise_gradient_arguments *a = arguments;
  for (ptrdiff_t u = 0; u < a->kernel_height; u++) {
    const void *row = a->rows[u];
    if (!row) continue;
    for (ptrdiff_t v = 0; v < a->kernel_width; v++) {
      ptrdiff_t left = a->left + v * a->dilation, first = left < 0 ? (a->stride - 1 - left) / a->stride : 0;
      ptrdiff_t end = left >= a->in_width ? 0 : (a->in_width - 1 - left) / a->stride + 1;
      if (end > a->count) end = a->count;
      float *sums = a->sums + (u * a->kernel_width + v) * a->channels;
      for (ptrdiff_t c = 0; c < a->channels; c += LANES) {
        vector sum[4];
        UNROLL for (int i = 0; i < 4; i++) sum[i] = splat(0);
        ptrdiff_t i = first;
        for (; i + 4 <= end; i += 4) {
          UNROLL for (int k = 0; k < 4; k++)
            sum[k] += load(AT(float, a->g, (i + k) * a->g_pixel) + c) * load(AT(float, row, (left + (i + k) * a->stride) * a->in_pixel) + c);
        }
        for (; i < end; i++)
          sum[0] += load(AT(float, a->g, i * a->g_pixel) + c) * load(AT(float, row, (left + i * a->stride) * a->in_pixel) + c);
        store(sums + c, load(sums + c) + ((sum[0] + sum[1]) + (sum[2] + sum[3])));
      }
    }
  }
}

// The adjoints of Winograd's output transform, which the gradient of an output goes through, and of the transform of the weights.
INLINE void gradient_4(const vector g[4], vector z[6]) {
  vector s = g[0] + g[2], d = g[1] + g[3], e = g[0] + 4.0f * g[2], f = 2.0f * g[1] + 8.0f * g[3];
  z[0] = g[0];
  z[1] = s + d;
  z[2] = s - d;
  z[3] = e + f;
  z[4] = e - f;
  z[5] = g[3];
}

INLINE void gradient_2(const vector g[2], vector z[4]) {
  z[0] = g[0];
  z[1] = g[0] + g[1];
  z[2] = g[0] - g[1];
  z[3] = g[1];
}

INLINE void weight_4(const vector u[6], vector w[3]) {
  vector s = u[1] + u[2], d = u[2] - u[1], p = u[3] + u[4], m = u[3] - u[4];
  w[0] = 0.25f * u[0] - (1.0f / 6) * s + (1.0f / 24) * p;
  w[1] = (1.0f / 6) * d + (1.0f / 12) * m;
  w[2] = (1.0f / 6) * (p - s) + u[5];
}

INLINE void weight_2(const vector u[4], vector w[3]) {
  vector s = 0.5f * (u[1] + u[2]);
  w[0] = u[0] + s;
  w[1] = 0.5f * (u[1] - u[2]);
  w[2] = s + u[3];
}

#define WINOGRAD_GRADIENT(M)                                                                                                   \
  SW_DECLARE_WINOGRAD_GRADIENT(SW_NAME(winograd_gradient_##M)) {                                                               \
    enum { N = M + 2 };                                                                                                        \
    for (ptrdiff_t q = 0; q < tiles; q++) {                                                                                    \
      for (ptrdiff_t c = 0; c < vectors; c++) {                                                                                \
        vector t[M][N];                                                                                                        \
        UNROLL for (int x = 0; x < M; x++) {                                                                                   \
          ptrdiff_t at = left + q * M + x, offset = at * pixel + c * LANES * 4;                                                \
          vector g[M];                                                                                                         \
          UNROLL for (int i = 0; i < M; i++) g[i] = rows[i] && at < width ? load(AT(float, rows[i], offset)) : splat(0);       \
          gradient_##M(g, t[x]);                                                                                               \
        }                                                                                                                      \
        float *out = z + q * tile_stride + c * LANES;                                                                          \
        UNROLL for (int i = 0; i < N; i++) {                                                                                   \
          vector g[M], row[N];                                                                                                 \
          UNROLL for (int x = 0; x < M; x++) g[x] = t[x][i];                                                                   \
          gradient_##M(g, row);                                                                                                \
          UNROLL for (int j = 0; j < N; j++) store(out + (i * N + j) * position_stride, row[j]);                               \
        }                                                                                                                      \
      }                                                                                                                        \
    }                                                                                                                          \
  }
WINOGRAD_GRADIENT(2)
WINOGRAD_GRADIENT(4)

#define WINOGRAD_WEIGHT_GRADIENT(M)                                                                                            \
  SW_DECLARE_WINOGRAD_WEIGHT_GRADIENT(SW_NAME(winograd_weight_gradient_##M)) {                                                 \
    enum { N = M + 2 };                                                                                                        \
    for (ptrdiff_t c = 0; c < vectors; c++) {                                                                                  \
      vector t[N][3];                                                                                                          \
      UNROLL for (int i = 0; i < N; i++) {                                                                                     \
        vector row[N];                                                                                                         \
        UNROLL for (int j = 0; j < N; j++) row[j] = load(u + (i * N + j) * position_stride + c * LANES);                       \
        weight_##M(row, t[i]);                                                                                                 \
      }                                                                                                                        \
      UNROLL for (int v = 0; v < 3; v++) {                                                                                     \
        vector column[N], w[3];                                                                                                \
        UNROLL for (int i = 0; i < N; i++) column[i] = t[i][v];                                                                \
        weight_##M(column, w);                                                                                                 \
        UNROLL for (int k = 0; k < 3; k++) store(weight + (k * 3 + v) * tap_stride + c * LANES, w[k]);                         \
      }                                                                                                                        \
    }                                                                                                                          \
  }
WINOGRAD_WEIGHT_GRADIENT(2)
WINOGRAD_WEIGHT_GRADIENT(4)

// The transform of the weights, in double: packs must have the same bits on every instruction set, so nothing is fused.
typedef double doubles __attribute__((ext_vector_type(SW_WINOGRAD_COLUMNS)));
typedef float column_vector __attribute__((ext_vector_type(SW_WINOGRAD_COLUMNS)));
typedef float column_vector_in_memory __attribute__((ext_vector_type(SW_WINOGRAD_COLUMNS), aligned(4), may_alias));

static const double weights_4[6][3] = {
  {6.0 / 24, 0, 0}, {-4.0 / 24, -4.0 / 24, -4.0 / 24}, {-4.0 / 24, 4.0 / 24, -4.0 / 24},
  {1.0 / 24, 2.0 / 24, 4.0 / 24}, {1.0 / 24, -2.0 / 24, 4.0 / 24}, {0, 0, 24.0 / 24}};
static const double weights_2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

#define WINOGRAD_WEIGHTS(M)                                                                                                    \
  SW_DECLARE_WINOGRAD_WEIGHTS(SW_NAME(winograd_weights_##M)) {                                                                 \
    _Pragma("clang fp contract(off)") enum { N = M + 2 };                                                                      \
    for (ptrdiff_t k = 0; k < depth; k++) {                                                                                    \
      doubles taps[9], half[N][3];                                                                                             \
      for (int t = 0; t < 9; t++) {                                                                                            \
        UNROLL for (int l = 0; l < SW_WINOGRAD_COLUMNS; l++) taps[t][l] = kernels[l] ? kernels[l][k * kernel_step + t * tap_step] : 0;  \
      }                                                                                                                        \
      UNROLL for (int i = 0; i < N; i++)                                                                                       \
        UNROLL for (int v = 0; v < 3; v++)                                                                                     \
          half[i][v] = 0.0 + weights_##M[i][0] * taps[v] + weights_##M[i][1] * taps[3 + v] + weights_##M[i][2] * taps[6 + v];  \
      UNROLL for (int i = 0; i < N; i++) {                                                                                     \
        UNROLL for (int j = 0; j < N; j++) {                                                                                   \
          doubles value =                                                                                                      \
            half[i][0] * weights_##M[j][0] + half[i][1] * weights_##M[j][1] + half[i][2] * weights_##M[j][2];                  \
          *(column_vector_in_memory *)(u + (i * N + j) * position_stride + k * depth_stride) =                                 \
            __builtin_convertvector(value, column_vector);                                                                     \
        }                                                                                                                      \
      }                                                                                                                        \
    }                                                                                                                          \
  }
WINOGRAD_WEIGHTS(2)
WINOGRAD_WEIGHTS(4)

SW_DECLARE_MOVING_AVERAGE(SW_NAME(moving_average)) {
  for (ptrdiff_t i = 0; i < count; i += LANES) {
    vector v = load_some(g + i, count - i);
    if (squares) v *= v;
    store_some(out + i, keep * load_some(old + i, count - i) + add * v, count - i);
  }
}

INLINE vector square_root_of(vector x) {
  sw_activation root = {SW_ACTIVATION_SQUARE_ROOT, 0, 0, 0};
  return activate(x, &root, 0);
}

SW_DECLARE_PARAMETER_STEP(SW_NAME(parameter_step)) {
  for (ptrdiff_t i = 0; i < count; i += LANES) {
    vector d = load_some(direction + i, count - i);
    if (square) d /= square_root_of(load_some(square + i, count - i)) * correction + epsilon;
    store_some(out + i, kept * load_some(w + i, count - i) - rate * d, count - i);
  }
}
