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

inline Words separable(const Weights &depthwise, const Weights &pointwise, int outputs, int inputs, Round round) {
  Words to;
  for (int o = 0; o < outputs; o += 64)
    for (int i = 0; i < inputs; i += 16) {
      appendDepthwise(to, round, depthwise, i);
      for (int j = 0; j < 64; j += 16)
        appendRight(to, round, [&](int k, int n) { return pointwise[size_t(o + j + n) * inputs + i + k]; });
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

inline Words head(const Weights &weights, int outputs, int planes, Round round) {
  Words to;
  for (int o = 0; o < outputs; o += 64)
    for (int step = 0; step < (9 * planes + 15) / 16; step++)
      for (int j = 0; j < 64; j += 16)
        appendRight(to, round, [&](int k, int n) {
          int depth = step * 16 + k;
          return depth < 9 * planes ? weights[(size_t(o + j + n) * planes + depth % planes) * 9 + depth / planes] : 0.0f;
        });
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

inline Weights denseFloat(const Weights &weights, int outputs, int inputs, int size) {
  Weights to;
  for (int o = 0; o < outputs; o += 64)
    for (int i = 0; i < inputs; i += 8)
      for (int dx = 0; dx < size; dx++)
        for (int dy = 0; dy < size; dy++)
          for (int j = 0; j < 64; j += 8)
            for (int lane = 0; lane < 32; lane++) {
              float v[2];
              for (int half = 0; half < 2; half++)
                v[half] = weights[(size_t(o + j + lane / 4) * inputs + i + lane % 4 + half * 4) * size * size + dy * size + dx];
              for (float w : v) to.push_back(firstPart(w));
              for (float w : v) to.push_back(w - firstPart(w));
            }
  return to;
}

}  // namespace packing
