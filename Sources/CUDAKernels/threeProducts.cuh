// Float32 on the tensor cores: a number is the sum of two of 19 bits (TF32), and the product of two numbers three products of
// those; what is left out is below 2^-21 of it. The tensor cores look at the first 19 bits alone, so that a number is its own
// first part.
#pragma once

#include "device.cuh"

/// The second part of a number.
DEVICE float secondPart(float v) { return v - asFloat(asBits(v) & 0xffffe000); }

/// A left operand of m16n8k8: in this lane row lane / 4 and that + 8 of column lane % 4, then of that + 4.
struct FloatOperand {
  uint32_t first[4], second[4];

  DEVICE void set(const uint32_t (&v)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      first[i] = v[i];
      second[i] = asBits(secondPart(asFloat(v[i])));
    }
  }
};

/// Adds the products of four rows, `left(row)` each, with 8 channels, whose weights' first parts (two words) and second parts
/// `right` holds, to `sums(row)`. The small ones first; between products of the same sums lie others.
template <class Sums, class Left> DEVICE void addThreeProducts(Sums sums, Left left, uint4 right) {
  auto add = [](float (&d)[4], const uint32_t (&l)[4], uint32_t b0, uint32_t b1) {
    Product<float>::add8(d, l[0], l[1], l[2], l[3], b0, b1);
  };
#pragma unroll
  for (int row = 0; row < 4; row++) add(sums(row), left(row).second, right.x, right.y);
#pragma unroll
  for (int row = 0; row < 4; row++) add(sums(row), left(row).first, right.z, right.w);
#pragma unroll
  for (int row = 0; row < 4; row++) add(sums(row), left(row).first, right.x, right.y);
}
