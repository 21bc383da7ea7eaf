// Every kernel of one instruction set for one type of element, float32 first and then bfloat16 (see values.h).
// The including file defines LANES, SW_NAME, TAIL_PIXELS_1 ... 4 and the tile shapes
// (by including multiply.h itself), inside its target attribute.
#include "values.h"

#ifndef SW_HELPERS_INCLUDED
#define SW_PASTE_(a, b) a##b
#define SW_PASTE(a, b) SW_PASTE_(a, b)

// Lane i of the result is the sum of the lanes of v[i]: halves are folded until one lane is left, two vectors at a time.
#define EACH(...) __VA_ARGS__

INLINE vector sums_of_lanes(vector v[LANES]) {
#define FOLD_WITH(low, high)                                                                              \
  UNROLL for (int i = 0; i < LANES / 2; i++) {                                                            \
    if (i < count / 2)                                                                                    \
      v[i] = __builtin_shufflevector(v[2 * i], v[2 * i + 1], EACH low) +                                  \
             __builtin_shufflevector(v[2 * i], v[2 * i + 1], EACH high);                                  \
  }                                                                                                       \
  count /= 2;
  int count = LANES;
#if LANES == 16
  FOLD_WITH(
    (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
    (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
  FOLD_WITH(
    (0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),
    (4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
  FOLD_WITH(
    (0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29),
    (2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31))
  FOLD_WITH(
    (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
    (1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31))
#elif LANES == 8
  FOLD_WITH((0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15))
  FOLD_WITH((0, 1, 4, 5, 8, 9, 12, 13), (2, 3, 6, 7, 10, 11, 14, 15))
  FOLD_WITH((0, 2, 4, 6, 8, 10, 12, 14), (1, 3, 5, 7, 9, 11, 13, 15))
#else
  FOLD_WITH((0, 1, 4, 5), (2, 3, 6, 7))
  FOLD_WITH((0, 2, 4, 6), (1, 3, 5, 7))
#endif
#undef FOLD_WITH
  return v[0];
}
#endif

#include "finish.h"
#include "winograd.h"
#include "store.h"
#include "depthwise.h"
#include "pool.h"
#include "arithmetic.h"
#include "rearrange.h"

#define OUTPUTS 1
#define PIXELS TAIL_PIXELS_1
#define TAIL_NAME VALUE_NAME(tail_1)
#include "tail.h"
#define OUTPUTS 2
#define PIXELS TAIL_PIXELS_2
#define TAIL_NAME VALUE_NAME(tail_2)
#include "tail.h"
#define OUTPUTS 3
#define PIXELS TAIL_PIXELS_3
#define TAIL_NAME VALUE_NAME(tail_3)
#include "tail.h"
#define OUTPUTS 4
#define PIXELS TAIL_PIXELS_4
#define TAIL_NAME VALUE_NAME(tail_4)
#include "tail.h"

#define SW_HELPERS_INCLUDED
