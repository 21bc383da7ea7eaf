// Every kernel of one instruction set for one type of element, float32 first and then bfloat16 (see values.h).
// The including file defines LANES, SW_NAME, TAIL_PIXELS_1 ... 4 and the tile shapes
// (by including multiply.h itself), inside its target attribute.
#include "values.h"
#include "lanes.h"

#ifndef SW_HELPERS_INCLUDED
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
