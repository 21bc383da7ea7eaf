// Gradients through functions, pools and linear maps, and what training does to values at random: any shape, a thread an element.
#pragma once

#include "element.cuh"

/// See `ActivationGradient`.
DEVICE float derivative(const ActivationArguments &a, float v, int channel) {
  switch (a.function) {
    case 1: return v > 0 ? 1 : 0;
    case 2: return v > 0 ? 1 : v == 0 && a.first == -1 ? 0 : a.first;
    case 3: return v > 0 ? 1 : readConstant(a.slope + (a.slopes == 1 ? 0 : channel));
    case 4: return v >= a.first && v <= a.second ? 1 : 0;
    case 5: {
      const float y = 1 / (1 + expf(-v));
      return y * (1 - y);
    }
    case 6: {
      const float y = tanhf(v);
      return 1 - y * y;
    }
    case 7: {
      const float line = a.first * v + a.second;
      return line > 0 && line < 1 ? a.first : 0;
    }
    case 8: return v <= -3 ? 0 : v < 3 ? v / 3 + 0.5f : 1;
    case 9: return 0.5f * (1 + erff(v * 0.70710678f)) + v * 0.39894228f * expf(-v * v / 2);
    case 10: {
      const float inner = tanhf(0.79788456f * (v + 0.044715f * v * v * v));
      return 0.5f * (1 + inner) + 0.5f * v * (1 - inner * inner) * 0.79788456f * (1 + 3 * 0.044715f * v * v);
    }
    case 11: {
      const float y = 1 / (1 + expf(-v));
      return y * (1 + v * (1 - y));
    }
    case 12: return 1 / (1 + expf(-v));
    case 13: return v > 0 ? 1 : a.first * expf(v);
    case 14: return v > 0 ? 1 : expf(v / a.first);
    case 15: return v > a.first ? 1 : 0;
    case 16: return 1 / ((1 + fabsf(v)) * (1 + fabsf(v)));
    case 17: return 1.12837917f * expf(-v * v);
    case 18: return expf(v);
    case 19: return 1 / v;
    case 20: return 0.5f / sqrtf(v);
    case 21: return -1 / (v * v);
    case 22: return a.first == 0 ? 0 : a.first * powf(v, a.first - 1);
    case 27: return cosf(v);
    case 28: return -sinf(v);
    // What is constant on both sides of each step.
    default: return 0;
  }
}

struct ActivationGradient : Untiled {
  static DEVICE void run(const ActivationGradientArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal)
      v = readElement(a.gradient, e.image, e.channel, e.y, e.x) *
          derivative(a.activation, readElement(a.argument, e.image, e.channel, e.y, e.x), e.channel);
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};

/// Each pixel asks all windows that it lies in whether it is their largest.
struct MaximumPoolGradient : Untiled {
  /// The first window along an axis that reaches a place, and the last.
  static DEVICE int firstWindow(int place, int padding, int size, int stride) {
    const int beyond = place + padding - size + 1;
    return beyond <= 0 ? 0 : (beyond + stride - 1) / stride;
  }
  static DEVICE int lastWindow(int place, int padding, int stride, int count) { return min((place + padding) / stride, count - 1); }

  static DEVICE void run(const MaximumPoolGradientArguments &a) {
    const WindowArguments &w = a.window;
    const Element e(w.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float sum = 0;
    if (e.isReal) {
      const int firstRow = firstWindow(e.y, w.top, w.kernelHeight, w.strideHeight),
                lastRow = lastWindow(e.y, w.top, w.strideHeight, a.outputHeight),
                firstColumn = firstWindow(e.x, w.left, w.kernelWidth, w.strideWidth),
                lastColumn = lastWindow(e.x, w.left, w.strideWidth, a.outputWidth);
      for (int i = firstRow; i <= lastRow; i++)
        for (int j = firstColumn; j <= lastColumn; j++) {
          const int top = i * w.strideHeight - w.top, left = j * w.strideWidth - w.left;
          int row = -1, column = -1;
          float most = 0;
          for (int y = max(top, 0); y < min(top + w.kernelHeight, w.height); y++)
            for (int x = max(left, 0); x < min(left + w.kernelWidth, w.width); x++) {
              const float v = readElement(w.input, e.image, e.channel, y, x);
              // The first of those that are as large; what is not a number wins, the last of several.
              if (row < 0 || v > most || v != v) {
                most = v;
                row = y;
                column = x;
              }
            }
          if (row == e.y && column == e.x) sum += readElement(a.gradient, e.image, e.channel, i, j);
        }
      if (a.added.base) sum += readElement(a.added, e.image, e.channel, e.y, e.x);
    }
    letLaterKernelsStart();
    writeElement(w.output, e.image, e.channel, e.y, e.x, sum);
  }
};

struct Adjoint : Untiled {
  struct Range {
    int from, to;
  };
  static DEVICE Range range(const AxisTaps &axis, int place) {
    if (!axis.starts) return {place, place + 1};
    return {readConstant(axis.starts + place), readConstant(axis.starts + place + 1)};
  }
  static DEVICE int placeOf(const AxisTaps &axis, int tap) { return axis.starts ? readConstant(axis.places + tap) : tap; }
  static DEVICE float weightOf(const AxisTaps &axis, int tap) { return axis.starts ? readConstant(axis.weights + tap) : 1.0f; }

  static DEVICE void run(const AdjointArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float sum = 0;
    if (e.isReal) {
      const Range images = range(a.images, e.image), channels = range(a.channels, e.channel), rows = range(a.rows, e.y),
                  columns = range(a.columns, e.x);
      for (int n = images.from; n < images.to; n++)
        for (int c = channels.from; c < channels.to; c++)
          for (int i = rows.from; i < rows.to; i++) {
            float ofRow = 0;
            for (int j = columns.from; j < columns.to; j++)
              ofRow += weightOf(a.columns, j) * readElement(a.gradient, placeOf(a.images, n), placeOf(a.channels, c),
                                                                  placeOf(a.rows, i), placeOf(a.columns, j));
            sum += weightOf(a.images, n) * weightOf(a.channels, c) * weightOf(a.rows, i) * ofRow;
          }
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, sum * a.scale);
  }
};

/// Numbers of a counter: an element's follows from seed, step and its place in NCHW order alone.
struct Dropout : Untiled {
  static DEVICE uint64_t mixed(uint64_t state) {
    uint64_t v = state + 0x9E3779B97F4A7C15ull;
    v = (v ^ v >> 30) * 0xBF58476D1CE4E5B9ull;
    v = (v ^ v >> 27) * 0x94D049BB133111EBull;
    return v ^ v >> 31;
  }

  static DEVICE void run(const DropoutArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      const float step = readGlobal(a.step);
      const uint64_t number = step > 0 ? static_cast<uint64_t>(step < 16777216.0f ? step : 16777216.0f) : 0,
                     key = mixed(a.seed ^ number << 40);
      const long long index =
          ((static_cast<long long>(e.image) * a.element.channels + e.channel) * a.element.height + e.y) * a.element.width + e.x;
      const bool isOut = (mixed(key + static_cast<uint64_t>(index) * 0x9E3779B97F4A7C15ull) >> 40) < a.limit;
      v = readElement(a.input, e.image, e.channel, e.y, e.x) * (isOut ? 0.0f : a.factor);
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};

struct FakeQuantize : Untiled {
  static DEVICE void run(const FakeQuantizeArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      v = readElement(a.input, e.image, e.channel, e.y, e.x);
      if (v == v) v = rintf(v < a.minimum ? a.minimum : v > a.maximum ? a.maximum : v);
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};
