// Pointwise, then depthwise 3x3, in one kernel (channel selection); the middle stays in shared memory.
//
// A tile is 16 x 16 outputs and 64 channels. The halo's pixels are made 16 at a time, three times a warp; those outside the
// image are zeros, as the depthwise part's padding. Then a warp makes two rows.
//
// Weights of a group of 64 output channels: for unit of 16 input channels, 16 output channels and lane, the right operands of
// two products of m16n8k16; then for 16 output channels what `DepthwiseUnit` takes. Biases of a group: 64 of the pointwise
// part, then 64.
#pragma once

#include "separable.cuh"

template <class E, int Stages> struct Selection {
  using Shape = Tile<8, 3, 1, 2>;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int weightBytes = 4 * 32 * 16, slotBytes = Shape::unitBytes + weightBytes,
                       depthwiseBytes = 4 * DepthwiseUnit<E>::bytes;
  static constexpr int sharedBytes = Stages * slotBytes + 4 * Shape::unitBytes + depthwiseBytes;
  static_assert(Shape::stageBytes <= Stages * slotBytes, "sums are staged where the ring was");

  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, all = a.inputChannels / 16;
    const Units part(a, tile.split, 16);
    const int units = part.count;
    const E *input = static_cast<const E *>(a.input) + part.first * 16;
    const uint32_t ring = sharedBase(), middle = ring + Stages * slotBytes, depthwise = middle + 4 * Shape::unitBytes;
    const uint32_t stage = ring + warp * 32 * 128;
    const char *weightsOfGroup =
                   static_cast<const char *>(a.weights) + static_cast<long long>(tile.group) * (all * weightBytes + depthwiseBytes),
               *weights = weightsOfGroup + part.first * weightBytes;

    Shape::copyBytes(depthwise, weightsOfGroup + all * weightBytes, depthwiseBytes);
#pragma unroll 1
    for (int unit = 0; unit < Stages - 1 && unit < units; unit++)
      Shape::copyBytes(ring + unit * slotBytes + Shape::unitBytes, weights + unit * weightBytes, weightBytes);
    waitForEarlierKernels();
#pragma unroll
    for (int unit = 0; unit < Stages - 1; unit++) {
      if (unit < units) tile.copyUnit(ring + unit * slotBytes, input, unit);
      commitCopies();
    }
    const float2 *bias = reinterpret_cast<const float2 *>(a.bias + tile.group * 128) + (lane & 3);
    float sums[3][8][4];
#pragma unroll
    for (int j = 0; j < 8; j++) {
      float2 b = {0, 0};
      if (tile.split == 0) b = readConstant(bias + j * 4);
#pragma unroll
      for (int m = 0; m < 3; m++) {
        sums[m][j][0] = sums[m][j][2] = b.x;
        sums[m][j][1] = sums[m][j][3] = b.y;
      }
    }

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
      const uint32_t here = ring + slot * slotBytes;
      uint32_t left[3][4];
#pragma unroll
      for (int m = 0; m < 3; m++) {
        const int pixel = min((warp + m * 8) * 16 + (lane & 15), Shape::haloPixels - 1);
        loadMatrices(left[m], here + pixel * 32 + ((lane >> 4 ^ (pixel >> 2 & 1)) << 4));
      }
#pragma unroll
      for (int j = 0; j < 4; j++) {
        uint4 v = readShared<uint4>(here + Shape::unitBytes + j * 512 + lane * 16);
#pragma unroll
        for (int m = 0; m < 3; m++) {
          Product<E>::add16(sums[m][j * 2], left[m][0], left[m][1], left[m][2], left[m][3], v.x, v.y);
          Product<E>::add16(sums[m][j * 2 + 1], left[m][0], left[m][1], left[m][2], left[m][3], v.z, v.w);
        }
      }
      if (++slot == Stages) slot = 0;
      if (++nextSlot == Stages) nextSlot = 0;
    }
    waitForCopies<0>();
#pragma unroll
    for (int m = 0; m < 3; m++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const int pixel = (warp + m * 8) * 16 + half * 8 + (lane >> 2);
        if (pixel >= Shape::haloPixels) continue;
        const int x = tile.x0 - 1 + pixel % Shape::haloWidth, y = tile.y0 - 1 + pixel / Shape::haloWidth;
        const bool inside = x >= 0 && x < a.width && y >= 0 && y < a.height;
#pragma unroll
        for (int j = 0; j < 8; j++)
          writeShared<uint32_t>(
              middle + (j >> 1) * Shape::unitBytes + pixel * 32 + (((j & 1) ^ (pixel >> 2 & 1)) << 4) + (lane & 3) * 4,
              inside ? Numbers<E>::pack(sums[m][j][half * 2], sums[m][j][half * 2 + 1]) : 0u);
      }
    synchronizeBlock();

    letLaterKernelsStart();
    // 36 pixels lie between the rows of two warps.
    const HaloRows<> rows(warp * 36 & 7);
    const uint32_t first = middle + warp * 36 * 32;
    const float above = a.scale, below = a.slope * a.scale;
#pragma unroll 1
    for (int unit = 0; unit < 4; unit++) {
      const DepthwiseUnit<E> w(depthwise + unit * DepthwiseUnit<E>::bytes);
      float2 b[2];
#pragma unroll
      for (int e = 0; e < 2; e++) {
        b[e] = {0, 0};
        if (tile.split == 0) b[e] = readConstant(bias + 32 + (unit * 2 + e) * 4);
      }
      auto finish = [&](int row, const float (&m)[2][4]) {
#pragma unroll
        for (int e = 0; e < 2; e++)
#pragma unroll
          for (int half = 0; half < 2; half++) {
            if (a.splits > 1) {
              const int x = tile.x0 + half * 8 + (lane >> 2), y = tile.y0 + warp * 2 + row;
              if (x >= a.outputWidth || y >= a.outputHeight) continue;
              float *to = static_cast<float *>(a.output) + partOffset(a, tile.split, tile.image, x, y, tile.group) +
                          (unit * 2 + e) * 8 + (lane & 3) * 2;
              writeGlobal(reinterpret_cast<float2 *>(to), float2{m[e][half * 2] + b[e].x, m[e][half * 2 + 1] + b[e].y});
              continue;
            }
            const int pixel = row * 16 + half * 8 + (lane >> 2);
            writeShared<uint32_t>(stage + pixel * 128 + (((unit * 2 + e) ^ (pixel & 7)) << 4) + (lane & 3) * 4,
                                  Numbers<E>::pack(activated(m[e][half * 2] + b[e].x, above, below, 0),
                                                   activated(m[e][half * 2 + 1] + b[e].y, above, below, 0)));
          }
      };
      w.template forRows<Shape::haloWidth, 0, 0, 2>(rows, first + unit * Shape::unitBytes, finish);
    }
    if (a.splits > 1) return;
    synchronizeWarp();
    if ((lane & 7) * 8 >= channelsFrom(a, tile.group)) return;
    E *output = static_cast<E *>(a.output);
    const E *residual = static_cast<const E *>(a.residual), *second = static_cast<const E *>(a.second);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const int pixel = i * 4 + (lane >> 3), x = tile.x0 + (pixel & 15), y = tile.y0 + warp * 2 + (pixel >> 4);
      if (x >= a.outputWidth || y >= a.outputHeight) continue;
      const long long at = outputOffset(a, tile.image, x, y, tile.group) + (lane & 7) * 8;
      uint4 v = readShared<uint4>(stage + pixel * 128 + (((lane & 7) ^ (pixel & 7)) << 4));
      if (residual) v = addElements<E>(v, readGlobal(reinterpret_cast<const uint4 *>(residual + at)));
      if (second) v = addElements<E>(v, readGlobal(reinterpret_cast<const uint4 *>(second + at)));
      if (a.rectifies) v = rectifyElements<E>(v);
      writeGlobal(reinterpret_cast<uint4 *>(output + at), v);
    }
  }
};
