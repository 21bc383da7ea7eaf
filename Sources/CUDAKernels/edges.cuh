// Where a network begins and ends: 3x3 from a few planes of float32 to 64 channels (`Head`) and back (`Tail`).
//
// `Head` lays the patches of a few planes out in registers: depth is tap, then plane, padded with zeros to a multiple of 16.
// Weights: for 16 of that depth, 16 output channels and lane, the right operands of two products of m16n8k16. `Tail` is `Dense`
// with eight output channels. Weights: for unit of 16 input channels, column of taps, row of taps and lane, the right operand
// of m16n8k16.
#pragma once

#include "tile.cuh"

template <class E, int Planes, int Warps> struct Head {
  using Shape = Tile<Warps>;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int depth = 9 * Planes, steps = (depth + 15) / 16;
  static constexpr int haloBytes = (Planes * Shape::haloPixels * 4 + 4 + 15) / 16 * 16;  // and a zero
  static constexpr int sharedBytes = haloBytes + Shape::stageBytes;

  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const uint32_t halo = sharedBase(), zero = halo + Planes * Shape::haloPixels * 4;
    const WarpOutput<E> out(a, halo + haloBytes, tile);
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
      uint4 right[4];
#pragma unroll
      for (int j = 0; j < 4; j++)
        right[j] = readConstant(static_cast<const uint4 *>(a.weights) + ((tile.group * steps + step) * 4 + j) * 32 + lane);
      uint32_t at[4], next[4];  // of this lane's four depths at its first pixel, and what to add for the next row
#pragma unroll
      for (int i = 0; i < 4; i++) {
        int d = step * 16 + (lane & 3) * 2 + (i & 1) + (i >> 1) * 8, tap = d / Planes;
        bool real = d < depth;
        at[i] =
            real ? halo + (d % Planes * Shape::haloPixels + (warp * 4 + tap / 3) * Shape::haloWidth + (lane >> 2) + tap % 3) * 4
                 : zero;
        next[i] = real ? 4 : 0;
      }
#pragma unroll
      for (int row = 0; row < 4; row++) {
        auto value = [&](int i, int pixel) { return readShared<float>(at[i] + next[i] * (row * Shape::haloWidth + pixel)); };
        uint32_t left[4] = {Numbers<E>::pack(value(0, 0), value(1, 0)), Numbers<E>::pack(value(0, 8), value(1, 8)),
                            Numbers<E>::pack(value(2, 0), value(3, 0)), Numbers<E>::pack(value(2, 8), value(3, 8))};
#pragma unroll
        for (int j = 0; j < 4; j++) {
          Product<E>::add16(sums[row][j * 2], left[0], left[1], left[2], left[3], right[j].x, right[j].y);
          Product<E>::add16(sums[row][j * 2 + 1], left[0], left[1], left[2], left[3], right[j].z, right[j].w);
        }
      }
    }
    letLaterKernelsStart();
    waitForCopies<0>();
    out.store(a, sums);
  }
};

template <class E, int Warps, int Stages> struct Tail {
  using Shape = Tile<Warps>;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int weightBytes = 9 * 32 * 8, slotBytes = Shape::unitBytes + weightBytes;
  static constexpr int sharedBytes = Stages * slotBytes;

  /// Output and residual: `outputChannels` (8 or fewer) planes of float32.
  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, units = a.inputChannels / 16;
    const uint32_t ring = sharedBase();
    const E *input = static_cast<const E *>(a.input);
    const char *weights = static_cast<const char *>(a.weights);

    for (int unit = 0; unit < Stages - 1 && unit < units; unit++)
      Shape::copyBytes(ring + unit * slotBytes + Shape::unitBytes, weights + unit * weightBytes, weightBytes);
    float sums[4][4];
    float2 bias = readConstant(reinterpret_cast<const float2 *>(a.bias) + (lane & 3));
#pragma unroll
    for (int row = 0; row < 4; row++) {
      sums[row][0] = sums[row][2] = bias.x;
      sums[row][1] = sums[row][3] = bias.y;
    }
    waitForEarlierKernels();
    for (int unit = 0; unit < Stages - 1; unit++) {
      if (unit < units) tile.copyUnit(ring + unit * slotBytes, input, unit);
      commitCopies();
    }
    const HaloRows<> rows;
    int slot = 0, nextSlot = Stages - 1;
    for (int unit = 0; unit < units; unit++) {
      waitForCopies<Stages - 2>();
      synchronizeBlock();
      if (unit + Stages - 1 < units) {
        tile.copyUnit(ring + nextSlot * slotBytes, input, unit + Stages - 1);
        Shape::copyBytes(ring + nextSlot * slotBytes + Shape::unitBytes, weights + (unit + Stages - 1) * weightBytes,
                         weightBytes);
      }
      commitCopies();
      const uint32_t here = ring + slot * slotBytes, first = here + warp * (4 * 18 * 32),
                     right = here + Shape::unitBytes + lane * 8;
#pragma unroll
      for (int dx = 0; dx < 3; dx++) {
        uint32_t left[6][4];
#pragma unroll
        for (int row = 0; row < 6; row++) loadMatrices(left[row], rows.template address<18>(first, row, dx));
#pragma unroll
        for (int dy = 0; dy < 3; dy++) {
          uint2 v = readShared<uint2>(right + (dx * 3 + dy) * 256);
#pragma unroll
          for (int row = 0; row < 4; row++) {
            uint32_t (&l)[4] = left[row + dy];
            Product<E>::add16(sums[row], l[0], l[1], l[2], l[3], v.x, v.y);
          }
        }
      }
      if (++slot == Stages) slot = 0;
      if (++nextSlot == Stages) nextSlot = 0;
    }
    letLaterKernelsStart();
    float *output = static_cast<float *>(a.output);
    const float *residual = static_cast<const float *>(a.residual);
#pragma unroll
    for (int row = 0; row < 4; row++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        int x = tile.x0 + (lane >> 2) + (i >> 1) * 8, y = tile.y0 + warp * 4 + row, channel = (lane & 3) * 2 + (i & 1);
        if (x < a.width && y < a.height && channel < a.outputChannels) {
          long long at = ((static_cast<long long>(tile.image) * a.outputChannels + channel) * a.height + y) * a.width + x;
          float v = sums[row][i];
          v = (fmaxf(v, 0.0f) + a.slope * fminf(v, 0.0f)) * a.scale;
          if (residual) v += readGlobal(residual + at);
          writeGlobal(output + at, a.rectifies && v < 0 ? 0.0f : v);
        }
      }
  }
};
