// Float32 on the tensor cores, which take numbers of 19 bits (TF32). A number is the sum of two of those, and the product of two numbers
// three products; what is left out is below 2^-21 of it. Or it is rounded to the nearest of those, and one product is enough: 2^-11 of a
// number are lost.
//
// The tensor cores look at the first 19 bits alone, so that a number is its own first part.
#pragma once

#include "device.cuh"

/// The second part of a number.
DEVICE float secondPart(float v) { return v - asFloat(asBits(v) & 0xffffe000); }

struct ThreeProducts {
  static constexpr int parts = 2;
  /// Of weights: two words of first parts, then two of second ones.
  using Right = uint4;

  /// A left operand of m16n8k8: in this lane row lane / 4 and that + 8 of column lane % 4, then of that + 4.
  struct Left {
    uint32_t first[4], second[4];

    DEVICE void set(const uint32_t (&v)[4]) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        first[i] = v[i];
        second[i] = asBits(secondPart(asFloat(v[i])));
      }
    }
  };

  /// Adds the products of four rows, `left(row)` each, with 8 channels to `sums(row)`. The small ones first; between products of the same
  /// sums lie others.
  template <class Sums, class Row> static DEVICE void add(Sums sums, Row left, Right right) {
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
};

/// Weights are rounded where they are packed.
struct OneProduct {
  static constexpr int parts = 1;
  using Right = uint2;

  struct Left {
    uint32_t first[4];

    DEVICE void set(const uint32_t (&v)[4]) {
#pragma unroll
      for (int i = 0; i < 4; i++) first[i] = asBits(roundedToTensorFloat(asFloat(v[i])));
    }
  };

  template <class Sums, class Row> static DEVICE void add(Sums sums, Row left, Right right) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const uint32_t (&l)[4] = left(row).first;
      Product<float>::add8(sums(row), l[0], l[1], l[2], l[3], right.x, right.y);
    }
  }
};
