// 3x3 from a few planes of float32 to pixels of float32: the patches are laid out in registers, their depth being tap, then plane,
// padded with zeros to a multiple of 8.
//
// Weights: for 8 of that depth, 8 output channels and lane, the right operand of m16n8k8 for both parts.
#pragma once

#include "floatProducts.cuh"

template <int Planes, int Warps> struct HeadFloat {
  using Shape = Tile<Warps>;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int depth = 9 * Planes, steps = (depth + 7) / 8;
  static constexpr int haloBytes = (Planes * Shape::haloPixels * 4 + 4 + 15) / 16 * 16;  // and a zero
  static constexpr int sharedBytes = haloBytes + Shape::stageBytesOfFloat;

  /// `value` gives a row's element of a place at the lane's pixel, or at that + 8.
  template <class Value> static DEVICE void add(float (&sums)[4][8][4], const uint4 *weights, Value value) {
    ThreeProducts::Left left[4];
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const uint32_t bits[4] = {asBits(value(row, 0, 0)), asBits(value(row, 0, 8)), asBits(value(row, 1, 0)),
                                asBits(value(row, 1, 8))};
      left[row].set(bits);
    }
#pragma unroll
    for (int j = 0; j < 8; j++)
      ThreeProducts::add([&](int row) -> float (&)[4] { return sums[row][j]; },
                         [&](int row) -> const ThreeProducts::Left & { return left[row]; }, readConstant(weights + j * 32));
  }

  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const uint32_t halo = sharedBase(), zero = halo + Planes * Shape::haloPixels * 4;
    const WarpOutput<float> out(a, halo + haloBytes, tile);
    const float *input = static_cast<const float *>(a.input);

    float sums[4][8][4];
    startSums(a, tile, sums);
    waitForEarlierKernels();
    for (int i = threadIdx.x; i < Planes * Shape::haloPixels; i += Shape::threads) {
      int plane = i / Shape::haloPixels, pixel = i % Shape::haloPixels;
      int x = tile.x0 - 1 + pixel % Shape::haloWidth, y = tile.y0 - 1 + pixel / Shape::haloWidth;
      bool inside = x >= 0 && x < a.width && y >= 0 && y < a.height;
      writeShared<float>(
          halo + i * 4,
          inside ? readGlobal(input + ((static_cast<long long>(tile.image) * Planes + plane) * a.height + y) * a.width + x)
                 : 0.0f);
    }
    if (threadIdx.x == 0) writeShared<float>(zero, 0.0f);
    if (a.residual) out.copyResidual(a);
    commitCopies();
    synchronizeBlock();
#pragma unroll
    for (int step = 0; step < steps; step++) {
      uint32_t at[2], next[2];  // of this lane's depths at its first pixel, and what to add for the next row
#pragma unroll
      for (int i = 0; i < 2; i++) {
        int d = step * 8 + (lane & 3) + i * 4, tap = d / Planes;
        bool real = d < depth;
        at[i] =
            real ? halo + (d % Planes * Shape::haloPixels + (warp * 4 + tap / 3) * Shape::haloWidth + (lane >> 2) + tap % 3) * 4
                 : zero;
        next[i] = real ? 4 : 0;
      }
      add(sums, static_cast<const uint4 *>(a.weights) + (tile.group * steps + step) * (8 * 32) + lane,
          [&](int row, int i, int pixel) { return readShared<float>(at[i] + next[i] * (row * Shape::haloWidth + pixel)); });
    }
    letLaterKernelsStart();
    waitForCopies<0>();
    out.store(a, sums);
  }
};

