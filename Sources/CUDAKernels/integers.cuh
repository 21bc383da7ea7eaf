// Integers of 8 bits that stand for numbers: what makes them, what reads them, and layers of any shape that sum them, one element a thread.
// Each step is exact or one correctly rounded operation of float32, as `Requantization` says: the bits are those of a processor.
#pragma once

#include "element.cuh"

/// The integer that is stored of a number, as a float; or the number.
DEVICE float stored(const IntegerStore &s, float number) {
  if (!s.isInteger) return number;
  // What is no number is the least.
  return rintf(number > s.least ? fminf(number, s.most) : s.least) + s.zeroPoint;
}

/// As `activate`; where that is one product, it is rounded before anything is added.
DEVICE float activateExactly(const ActivationArguments &a, float v, int channel) {
  switch (a.function) {
    case 0: return v;
    case 2: return v >= 0 ? v : product(a.first, v);
    case 3: return v >= 0 ? v : product(readConstant(a.slope + (a.slopes == 1 ? 0 : channel)), v);
    default: return activate(a, v, channel);
  }
}

struct Integers : Untiled {
  static DEVICE void run(const IntegerArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      v = readElement(a.first, e.image, e.channel, e.y, e.x);
      switch (a.function) {
        case 0: v = stored(a.store, quotient(v, a.firstScale)); break;
        case 1: v = product(v - a.firstZero, a.firstScale); break;
        case 2: {
          const float other = readElement(a.second, e.image, e.channel, e.y, e.x);
          v = stored(a.store, sum(product(v - a.firstZero, a.firstScale), product(other - a.secondZero, a.secondScale)));
          break;
        }
        default: {
          const int at = static_cast<int>(v) - a.firstZero;
          v = a.output.element == 2 ? static_cast<float>(readConstant(static_cast<const unsigned char *>(a.table) + at))
                                    : static_cast<float>(readConstant(static_cast<const signed char *>(a.table) + at));
        }
      }
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};

struct DirectIntegers : Untiled {
  static DEVICE void run(const DirectIntegersArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      const int outputs = a.element.channels, inputsOfGroup = a.inputChannels / a.groups,
                group = e.channel / (outputs / a.groups);
      int sums = a.bias ? readConstant(a.bias + e.channel) : 0;
      for (int row = 0; row < a.kernelHeight; row++) {
        int y = a.transposed ? e.y + a.top - row * a.dilationHeight : e.y * a.strideHeight - a.top + row * a.dilationHeight;
        if (a.transposed) {
          if (y < 0 || y % a.strideHeight) continue;
          y /= a.strideHeight;
        }
        if (y < 0 || y >= a.height) continue;
        for (int column = 0; column < a.kernelWidth; column++) {
          int x = a.transposed ? e.x + a.left - column * a.dilationWidth : e.x * a.strideWidth - a.left + column * a.dilationWidth;
          if (a.transposed) {
            if (x < 0 || x % a.strideWidth) continue;
            x /= a.strideWidth;
          }
          if (x < 0 || x >= a.width) continue;
          const signed char *weights = static_cast<const signed char *>(a.weights) +
                                       static_cast<long long>(row * a.kernelWidth + column) * inputsOfGroup * outputs + e.channel;
          for (int c = 0; c < inputsOfGroup; c++)
            sums += (static_cast<int>(readElement(a.input, e.image, group * inputsOfGroup + c, y, x)) - a.inputZero) *
                    readConstant(weights + static_cast<long long>(c) * outputs);
        }
      }
      v = product(asNumber(sums), readConstant(a.multipliers + e.channel));
      v = product(activateExactly(a.before, v, e.channel), a.scale);
      if (a.residual.base) {
        const float other = readElement(a.residual, e.image, e.channel, e.y, e.x);
        v = sum(v, product(other - a.residualZero, a.residualScale));
      }
      v = stored(a.store, activateExactly(a.after, v, e.channel));
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};

struct MeanOfIntegers : Untiled {
  static DEVICE void run(const IntegerWindowArguments &all) {
    const WindowArguments &a = all.window;
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      const int top = e.y * a.strideHeight - a.top, left = e.x * a.strideWidth - a.left,
                bottom = min(top + a.kernelHeight, a.height + a.bottom), right = min(left + a.kernelWidth, a.width + a.right);
      int count = 0, sums = 0;
      for (int y = max(top, 0); y < min(bottom, a.height); y++)
        for (int x = max(left, 0); x < min(right, a.width); x++, count++)
          sums += static_cast<int>(readElement(a.input, e.image, e.channel, y, x)) - all.zeroPoint;
      const float share = quotient(1, asNumber(a.countsPadding ? (bottom - top) * (right - left) : count));
      v = stored(all.store, product(asNumber(sums), share));
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};
