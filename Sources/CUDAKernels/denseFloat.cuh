// Convolutions of float32 as three products of TF32, or as one. Everything else is as in `Dense`.
//
// Weights of a group of 64 output channels, one unit of 8 input channels after the other: for column of taps, row of taps, 8
// output channels and lane, the right operand of m16n8k8 for the weights' first parts (two words), then for their second, if there are any.
#pragma once

#include "floatProducts.cuh"
#include "tile.cuh"

template <int Warps, int Stages, int Size = 3, int Stride = 1, class Products = ThreeProducts> struct DenseFloat {
  using Shape = Tile<Warps, Size, Stride>;
  using Right = typename Products::Right;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int weightBytes = Size * Size * 8 * 32 * sizeof(typename Products::Right), slotBytes = Shape::unitBytes + weightBytes;
  static constexpr int sharedBytes = Stages * slotBytes;

  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a, 4);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const uint32_t ring = sharedBase();
    const Units part(a, tile.split, 8);
    const int units = part.count;
    const float *input = static_cast<const float *>(a.input) + part.first * 8;
    const char *weights = static_cast<const char *>(a.weights) +
                          (static_cast<long long>(tile.group) * (a.inputChannels / 8) + part.first) * weightBytes;

    Shape::copyBytes(ring + Shape::unitBytes, weights, weightBytes);
    waitForEarlierKernels();
    for (int unit = 0; unit < Stages - 1; unit++) {
      if (unit < units) {
        tile.copyUnit(ring + unit * slotBytes, input, unit);
        if (unit > 0) Shape::copyBytes(ring + unit * slotBytes + Shape::unitBytes, weights + unit * weightBytes, weightBytes);
      }
      commitCopies();
    }
    float sums[4][8][4];
    startSums(a, tile, sums);

    const HaloRows<Stride> rows;
    int slot = 0, nextSlot = Stages - 1;
#pragma unroll 1
    for (int unit = 0; unit < units; unit++) {
      waitForCopies<Stages - 2>();
      synchronizeBlock();
      if (unit + Stages - 1 < units) {
        tile.copyUnit(ring + nextSlot * slotBytes, input, unit + Stages - 1);
        Shape::copyBytes(ring + nextSlot * slotBytes + Shape::unitBytes, weights + (unit + Stages - 1) * weightBytes,
                         weightBytes);
      }
      commitCopies();
      const uint32_t here = ring + slot * slotBytes, first = here + warp * (4 * Stride * Shape::haloWidth * 32),
                     right = here + Shape::unitBytes + lane * sizeof(Right);
#pragma unroll
      for (int dx = 0; dx < Size; dx++) {
        constexpr int haloRows = 3 * Stride + Size;
        typename Products::Left left[haloRows];
#pragma unroll
        for (int row = 0; row < haloRows; row++) {
          uint32_t taken[4];
          loadMatrices(taken, rows.template address<Shape::haloWidth>(first, row, dx));
          left[row].set(taken);
        }
#pragma unroll
        for (int dy = 0; dy < Size; dy++)
#pragma unroll
          for (int j = 0; j < 8; j++)
            Products::add([&](int row) -> float (&)[4] { return sums[row][j]; },
                          [&](int row) -> const typename Products::Left & { return left[row * Stride + dy]; },
                          readShared<Right>(right + ((dx * Size + dy) * 8 + j) * (32 * sizeof(Right))));
      }
      if (++slot == Stages) slot = 0;
      if (++nextSlot == Stages) nextSlot = 0;
    }
    letLaterKernelsStart();
    waitForCopies<0>();
    if (a.splits > 1) {
      storeParts(a, tile, sums);
      return;
    }

    // Four lanes store 32 bytes that lie together.
    const int channels = channelsFrom(a, tile.group);
    const float above = a.scale, below = a.slope * a.scale;
    float *output = static_cast<float *>(a.output);
    const float *residual = static_cast<const float *>(a.residual), *second = static_cast<const float *>(a.second);
#pragma unroll
    for (int row = 0; row < 4; row++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const int x = tile.x0 + half * 8 + (lane >> 2), y = tile.y0 + warp * 4 + row;
        if (x >= a.outputWidth || y >= a.outputHeight) continue;
        const long long at = outputOffset(a, tile.image, x, y, tile.group) + (lane & 3) * 2;
#pragma unroll
        for (int j = 0; j < 8; j++) {
          if (j * 8 >= channels) continue;
          float2 r = {0, 0};
          if (residual) r = readGlobal(reinterpret_cast<const float2 *>(residual + at + j * 8));
          float2 v = {activated(sums[row][j][half * 2], above, below, r.x),
                      activated(sums[row][j][half * 2 + 1], above, below, r.y)};
          if (second) {
            float2 s = readGlobal(reinterpret_cast<const float2 *>(second + at + j * 8));
            v.x += s.x;
            v.y += s.y;
          }
          if (a.rectifies) v = {v.x < 0 ? 0 : v.x, v.y < 0 ? 0 : v.y};
          writeGlobal(reinterpret_cast<float2 *>(output + at + j * 8), v);
        }
      }
  }
};
