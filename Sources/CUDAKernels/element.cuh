// What kernels of any shape have in common: a thread makes one element, wherever it and those that it reads lie.
#pragma once

#include "arguments.h"
#include "device.cuh"

DEVICE long long place(const ValueView &v, int image, int channel, int y, int x) {
  return image * v.imageStep + channel * v.channelStep + y * v.rowStep + x * v.columnStep;
}

/// The element that lies so many from the first; of an integer its number.
DEVICE float readPlace(const ValueView &v, long long at) {
  switch (v.element) {
    case 1: return readGlobal(static_cast<const float *>(v.base) + at);
    case 2: return readGlobal(static_cast<const unsigned char *>(v.base) + at);
    case 3: return readGlobal(static_cast<const signed char *>(v.base) + at);
    case 4: return Numbers<BFloat16>::unpack(readGlobal(static_cast<const uint16_t *>(v.base) + at)).x;
    default: return Numbers<Half>::unpack(readGlobal(static_cast<const uint16_t *>(v.base) + at)).x;
  }
}

DEVICE float readElement(const ValueView &v, int image, int channel, int y, int x) {
  return readPlace(v, place(v, image, channel, y, x));
}

DEVICE void writePlace(const ValueView &v, long long at, float value) {
  switch (v.element) {
    case 1: writeGlobal(static_cast<float *>(v.base) + at, value); break;
    case 2:
    case 3: writeGlobal(static_cast<unsigned char *>(v.base) + at, static_cast<unsigned char>(static_cast<int>(value))); break;
    case 4: writeGlobal(static_cast<uint16_t *>(v.base) + at, static_cast<uint16_t>(Numbers<BFloat16>::pack(value, 0))); break;
    default: writeGlobal(static_cast<uint16_t *>(v.base) + at, static_cast<uint16_t>(Numbers<Half>::pack(value, 0)));
  }
}

DEVICE void writeElement(const ValueView &v, int image, int channel, int y, int x, float value) {
  writePlace(v, place(v, image, channel, y, x), value);
}

/// This thread's element.
struct Element {
  int image, channel, y, x;
  bool inside;  // whether there is one
  bool isReal;  // whether it is a channel of the value, and no lane beyond
  DEVICE explicit Element(const ElementArguments &a)
      : Element(a, static_cast<long long>(blockIdx.x) * 256 + static_cast<unsigned>(threadIdx.x)) {}
  /// The element of a number.
  DEVICE Element(const ElementArguments &a, long long at) {
    const long long pixel = at / a.lanes;
    image = blockIdx.y;
    channel = static_cast<int>(at % a.lanes);
    x = static_cast<int>(pixel % a.width);
    y = static_cast<int>(pixel / a.width);
    inside = pixel / a.width < a.height;
    isReal = channel < a.channels;
  }
};

/// See `ActivationFunction`.
DEVICE float activate(const ActivationArguments &a, float v, int channel) {
  switch (a.function) {
    case 1: return v < 0 ? 0 : v;
    case 2: return v >= 0 ? v : a.first * v;
    case 3: return v >= 0 ? v : readConstant(a.slope + (a.slopes == 1 ? 0 : channel)) * v;
    case 4: return v < a.first ? a.first : v > a.second ? a.second : v;
    case 5: return 1 / (1 + expf(-v));
    case 6: return tanhf(v);
    case 7: {
      const float line = a.first * v + a.second;
      return line < 0 ? 0 : line > 1 ? 1 : line;
    }
    case 8: {
      const float line = v / 6 + 0.5f;
      return v * (line < 0 ? 0 : line > 1 ? 1 : line);
    }
    case 9: return v / 2 * (1 + erff(v * 0.70710678f));
    case 10: return v / 2 * (1 + tanhf(0.79788456f * (v + 0.044715f * v * v * v)));
    case 11: return v / (1 + expf(-v));
    case 12: return v > 0 ? v + log1pf(expf(-v)) : log1pf(expf(v));
    case 13: return v > 0 ? v : a.first * expm1f(v);
    case 14: return v > 0 ? v : a.first * expm1f(v / a.first);
    case 15: return v > a.first || v != v ? v : 0;
    case 16: return v / (1 + fabsf(v));
    case 17: return erff(v);
    case 18: return expf(v);
    case 19: return logf(v);
    case 20: return sqrtf(v);
    case 21: return 1 / v;
    case 22: return powf(v, a.first);
    case 23: return floorf(v);
    case 24: return ceilf(v);
    case 25: return rintf(v);
    case 26: return v > 0 ? 1 : v < 0 ? -1 : v;
    case 27: return sinf(v);
    case 28: return cosf(v);
    default: return v;
  }
}
