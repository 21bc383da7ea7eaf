// Weights as the kernels want them; each packing is described where its kernel is.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

namespace packing {

using Words = std::vector<uint16_t>;
using Weights = std::vector<float>;
using Round = uint16_t (*)(float);

/// The right operands of two products of m16n8k16: weight(depth, output) for 16 of each.
template <class Weight> void appendRight(Words &to, Round round, Weight weight) {
  for (int lane = 0; lane < 32; lane++)
    for (int eight = 0; eight < 2; eight++)
      for (int half = 0; half < 2; half++)
        for (int e = 0; e < 2; e++) to.push_back(round(weight(lane % 4 * 2 + e + half * 8, eight * 8 + lane / 4)));
}

inline void appendDepthwise(Words &to, Round round, const Weights &weights, int channel) {
  for (int tap = 0; tap < 9; tap++)
    for (int g = 0; g < 8; g++)
      for (int half = 0; half < 2; half++) to.push_back(round(weights[size_t(channel + g + half * 8) * 9 + tap]));
}

/// Weights lie by output, input, row and column.
inline Words dense(const Weights &weights, int outputs, int inputs, int size, Round round) {
  Words to;
  for (int o = 0; o < outputs; o += 64)
    for (int i = 0; i < inputs; i += 16)
      for (int dx = 0; dx < size; dx++)
        for (int dy = 0; dy < size; dy++)
          for (int j = 0; j < 64; j += 16)
            appendRight(to, round, [&](int k, int n) {
              return weights[(size_t(o + j + n) * inputs + i + k) * size * size + dy * size + dx];
            });
  return to;
}

/// Inputs that are missing of the last ones at once weigh nothing.
inline Words denseHopper(const Weights &weights, int outputs, int inputs, int inputsAtOnce, int outputsAtOnce, Round round,
                         int taps = 9) {
  Words to;
  for (int o = 0; o < outputs; o += outputsAtOnce)
    for (int unit = 0; unit < inputs; unit += inputsAtOnce)
      for (int tap = 0; tap < taps; tap++)
        for (int i = unit; i < unit + inputsAtOnce; i += 8)
          for (int n = 0; n < outputsAtOnce; n++)
            for (int k = 0; k < 8; k++)
              to.push_back(round(i + k < inputs ? weights[(size_t(o + n) * inputs + i + k) * size_t(taps) + size_t(tap)] : 0));
  return to;
}

/// With pointwise weights for products of a warp, or of four.
inline Words separable(const Weights &depthwise, const Weights &pointwise, int outputs, int inputs, bool isForHopper, Round round) {
  Words to;
  for (int o = 0; o < outputs; o += 64)
    for (int i = 0; i < inputs; i += 16) {
      appendDepthwise(to, round, depthwise, i);
      auto weight = [&](int k, int n) { return pointwise[size_t(o + n) * inputs + i + k]; };
      if (isForHopper)
        for (int k = 0; k < 16; k += 8)
          for (int n = 0; n < 64; n++)
            for (int e = 0; e < 8; e++) to.push_back(round(weight(k + e, n)));
      else
        for (int j = 0; j < 64; j += 16) appendRight(to, round, [&](int k, int n) { return weight(k, j + n); });
    }
  return to;
}

inline Words selection(const Weights &pointwise, const Weights &depthwise, int outputs, int inputs, Round round) {
  Words to;
  for (int o = 0; o < outputs; o += 64) {
    for (int i = 0; i < inputs; i += 16)
      for (int j = 0; j < 64; j += 16)
        appendRight(to, round, [&](int k, int n) { return pointwise[size_t(o + j + n) * inputs + i + k]; });
    for (int j = 0; j < 64; j += 16) appendDepthwise(to, round, depthwise, o + j);
  }
  return to;
}

inline Words head(const Weights &weights, int outputs, int planes, int size, Round round) {
  Words to;
  for (int o = 0; o < outputs; o += 64)
    for (int dy = 0; dy < size; dy++)
      for (int left = 0; left < size; left += 4)
        for (int j = 0; j < 64; j += 16)
          appendRight(to, round, [&](int k, int n) {
            const int dx = left + k / 4, plane = k % 4;
            return dx < size && plane < planes ? weights[((size_t(o + j + n) * planes + plane) * size + dy) * size + dx] : 0.0f;
          });
  return to;
}

/// Of `rows` x `columns` numbers, column by column.
inline Weights transposed(const Weights &weights, int rows, int columns) {
  Weights to;
  for (int column = 0; column < columns; column++)
    for (int row = 0; row < rows; row++) to.push_back(weights[size_t(row * columns + column)]);
  return to;
}

inline Words tail(const Weights &weights, int outputs, int inputs, Round round) {
  Words to;
  for (int i = 0; i < inputs; i += 16)
    for (int dx = 0; dx < 3; dx++)
      for (int dy = 0; dy < 3; dy++)
        for (int lane = 0; lane < 32; lane++)
          for (int half = 0; half < 2; half++)
            for (int e = 0; e < 2; e++) {
              int n = lane / 4, k = lane % 4 * 2 + e + half * 8;
              to.push_back(round(n < outputs ? weights[(size_t(n) * inputs + i + k) * 9 + dy * 3 + dx] : 0.0f));
            }
  return to;
}

/// The first 19 bits of a number.
inline float firstPart(float v) {
  uint32_t bits;
  memcpy(&bits, &v, 4);
  bits &= 0xffffe000;
  memcpy(&v, &bits, 4);
  return v;
}

/// The right operands of m16n8k8 for both parts of the weights, or for what they are rounded to: weight(depth, output) for 8 of each.
template <class Weight> void appendRightFloat(Weights &to, Weight weight, bool rounds = false) {
  for (int lane = 0; lane < 32; lane++) {
    float v[2];
    for (int half = 0; half < 2; half++) v[half] = weight(lane % 4 + half * 4, lane / 4);
    for (float w : v) to.push_back(rounds ? roundedToTensorFloat(w) : firstPart(w));
    if (rounds) continue;
    for (float w : v) to.push_back(w - firstPart(w));
  }
}

inline Weights separableFloat(const Weights &depthwise, const Weights &pointwise, int outputs, int inputs, bool rounds) {
  Weights to;
  for (int o = 0; o < outputs; o += 64)
    for (int i = 0; i < inputs; i += 8) {
      for (int tap = 0; tap < 9; tap++)
        for (int c = 0; c < 4; c++)
          for (int half = 0; half < 2; half++) to.push_back(depthwise[size_t(i + c + half * 4) * 9 + tap]);
      for (int j = 0; j < 64; j += 8)
        appendRightFloat(to, [&](int k, int n) { return pointwise[size_t(o + j + n) * inputs + i + k]; }, rounds);
    }
  return to;
}

inline Weights headFloat(const Weights &weights, int outputs, int planes) {
  Weights to;
  for (int o = 0; o < outputs; o += 64)
    for (int step = 0; step < (9 * planes + 7) / 8; step++)
      for (int j = 0; j < 64; j += 8)
        appendRightFloat(to, [&](int k, int n) {
          int depth = step * 8 + k;
          return depth < 9 * planes ? weights[(size_t(o + j + n) * planes + depth % planes) * 9 + depth / planes] : 0.0f;
        });
  return to;
}

inline Weights tailFloat(const Weights &weights, int outputs, int inputs) {
  Weights to;
  for (int i = 0; i < inputs; i += 8)
    for (int dx = 0; dx < 3; dx++)
      for (int dy = 0; dy < 3; dy++)
        appendRightFloat(to, [&](int k, int n) {
          return n < outputs ? weights[(size_t(n) * inputs + i + k) * 9 + dy * 3 + dx] : 0.0f;
        });
  return to;
}

inline Weights denseFloat(const Weights &weights, int outputs, int inputs, int size, bool rounds) {
  Weights to;
  for (int o = 0; o < outputs; o += 64)
    for (int i = 0; i < inputs; i += 8)
      for (int dx = 0; dx < size; dx++)
        for (int dy = 0; dy < size; dy++)
          for (int j = 0; j < 64; j += 8)
            appendRightFloat(
                to,
                [&](int k, int n) { return weights[(size_t(o + j + n) * inputs + i + k) * size * size + dy * size + dx]; },
                rounds);
  return to;
}

inline Weights denseWideFloat(const Weights &weights, int outputs, int inputs, int outputsAtOnce, bool rounds) {
  Weights to;
  for (int o = 0; o < outputs; o += outputsAtOnce)
    for (int unit = 0; unit < inputs; unit += 8)
      for (int tap = 0; tap < 9; tap++)
        for (int part = 0; part < (rounds ? 1 : 2); part++)
          for (int i = unit; i < unit + 8; i += 4)
            for (int n = 0; n < outputsAtOnce; n++)
              for (int k = 0; k < 4; k++) {
                const float v = weights[(size_t(o + n) * inputs + i + k) * 9 + tap];
                to.push_back(rounds ? roundedToTensorFloat(v) : part == 0 ? firstPart(v) : v - firstPart(v));
              }
  return to;
}

}  // namespace packing
