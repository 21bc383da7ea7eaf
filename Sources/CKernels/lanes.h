// Sums of the lanes of vectors. Included once.
#ifndef SW_LANES_INCLUDED
#define SW_LANES_INCLUDED
#define EACH(...) __VA_ARGS__

#define FOLD_WITH(low, high)                                                   \
  UNROLL for (int i = 0; i < LANES / 2; i++) {                                 \
    if (i < count / 2)                                                         \
      v[i] = __builtin_shufflevector(v[2 * i], v[2 * i + 1], EACH low) +       \
             __builtin_shufflevector(v[2 * i], v[2 * i + 1], EACH high);       \
  }                                                                            \
  count /= 2;

#if LANES == 16
#define FOLD                                                                   \
  FOLD_WITH(                                                                   \
    (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),                  \
    (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))            \
  FOLD_WITH(                                                                   \
    (0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),                \
    (4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))              \
  FOLD_WITH(                                                                   \
    (0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29),                \
    (2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31))              \
  FOLD_WITH(                                                                   \
    (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),               \
    (1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31))
#elif LANES == 8
#define FOLD                                                                   \
  FOLD_WITH((0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15))          \
  FOLD_WITH((0, 1, 4, 5, 8, 9, 12, 13), (2, 3, 6, 7, 10, 11, 14, 15))          \
  FOLD_WITH((0, 2, 4, 6, 8, 10, 12, 14), (1, 3, 5, 7, 9, 11, 13, 15))
#else
#define FOLD                                                                   \
  FOLD_WITH((0, 1, 4, 5), (2, 3, 6, 7))                                        \
  FOLD_WITH((0, 2, 4, 6), (1, 3, 5, 7))
#endif

// Lane i of the result is the sum of the lanes of v[i]: halves are folded until one lane is left, two vectors at a time.
INLINE vector sums_of_lanes(vector v[LANES]) {
  int count = LANES;
  FOLD
  return v[0];
}

// The same modulo 2^32.
INLINE unsigned_vector sums_of_integer_lanes(unsigned_vector v[LANES]) {
  int count = LANES;
  FOLD
  return v[0];
}
#undef FOLD
#undef FOLD_WITH
#endif
