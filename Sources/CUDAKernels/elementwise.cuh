// Functions of one value or two, element by element.
#pragma once

#include "element.cuh"

/// See `BinaryFunction`.
DEVICE float combined(int function, float a, float b) {
  switch (function) {
    case 1: return a + b;
    case 2: return a - b;
    case 3: return a * b;
    case 4: return a / b;
    case 5: return a != a || a < b ? a : b;
    case 6: return a != a || a > b ? a : b;
    case 7: return powf(a, b);
    case 8: return b != 0 ? a : 0;
    case 9: return a == b ? 1 : 0;
    case 10: return a < b ? 1 : 0;
    case 11: return a <= b ? 1 : 0;
    default: return a;
  }
}

struct ElementByElement : Untiled {
  static DEVICE void run(const ElementwiseArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      v = readElement(a.first, e.image, e.channel, e.y, e.x);
      if (a.function) v = combined(a.function, v, readElement(a.second, e.image, e.channel, e.y, e.x));
      v *= a.scale;
      if (a.factors) v = v * readConstant(a.factors + e.channel) + readConstant(a.shifts + e.channel);
      v = activate(a.activation, v, e.channel);
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};
