// Every kernel of one instruction set. The including file defines LANES, SW_NAME, TAIL_PIXELS_1 ... 4 and the tile shapes
// (by including multiply.h itself), inside its target attribute.
#define SW_PASTE_(a, b) a##b
#define SW_PASTE(a, b) SW_PASTE_(a, b)

// Halves are folded until one lane is left: the same order on every call.
INLINE float sum_of_lanes(vector v) {
  float lane[LANES];
  store(lane, v);
  UNROLL for (int half = LANES / 2; half > 0; half /= 2) UNROLL for (int i = 0; i < LANES / 2; i++) if (i < half) lane[i] += lane[i + half];
  return lane[0];
}

#include "winograd.h"
#include "store.h"

#define OUTPUTS 1
#define PIXELS TAIL_PIXELS_1
#define TAIL_NAME SW_NAME(tail_1)
#include "tail.h"
#define OUTPUTS 2
#define PIXELS TAIL_PIXELS_2
#define TAIL_NAME SW_NAME(tail_2)
#include "tail.h"
#define OUTPUTS 3
#define PIXELS TAIL_PIXELS_3
#define TAIL_NAME SW_NAME(tail_3)
#include "tail.h"
#define OUTPUTS 4
#define PIXELS TAIL_PIXELS_4
#define TAIL_NAME SW_NAME(tail_4)
#include "tail.h"
