// 3x3 of any number of channels as products of four warps (wgmma, sm_90a): weights are streamed with the units of channels, as
// in `Dense`, and the operands lie as in `DenseHopper`.
//
// A block makes 16 x 16 pixels and 64 or 128 channels; each of its two groups of four warps two squares of 8 x 8 pixels, of
// which those outside the image are left out. The products of a unit run while the next ones are copied and while their threads
// wait, one unit ahead; a slot of the ring is filled again when both groups are done with what was in it.
//
// Weights of a block's output channels, one unit of 16 input channels after the other: for tap, eight input channels and
// output channel, the eight weights.
#pragma once

#include "denseHopper.cuh"

template <class E, int Groups, int Stages> struct DenseWideHopper {
  using Shape = Tile<8, 3, 1, 2>;
  static constexpr int width = Shape::width, height = Shape::height;
  // Of eight channels: pixels of 16 bytes.
  static constexpr uint32_t plane = Shape::haloPixels * 16, haloBytes = 2 * plane;
  static constexpr uint32_t eightBytes = Groups * 64 * 16, tapBytes = 2 * eightBytes, weightBytes = 9 * tapBytes;
  static constexpr uint32_t slotBytes = haloBytes + weightBytes, squareBytes = 64 * 128;
  static constexpr uint32_t sharedBytes = Stages * slotBytes;
  static_assert(4 * Groups * squareBytes <= sharedBytes, "sums are staged where the ring was");

  static DEVICE void copyHalo(uint32_t target, const Shape &tile, const E *input, int unit) {
#pragma unroll
    for (int i = 0; i < Shape::pieces; i++) {
      const int at = threadIdx.x + i * Shape::threads;
      if (at < Shape::haloPixels * 2) {
        const int offset = tile.offsets[i];
        copyAsync(target + (at & 1) * plane + (at >> 1) * 16,
                  reinterpret_cast<const uint4 *>(input) + (offset < 0 ? 0 : offset + unit * 2), offset >= 0);
      }
    }
  }

  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a, 8, Groups);
    const int warpGroup = uniform(threadIdx.x >> 7), thread = threadIdx.x & 127;
    const uint32_t ring = sharedBase();
    const Units part(a, tile.split, 16);
    const int units = part.count;
    const E *input = static_cast<const E *>(a.input) + part.first * 16;
    const char *weights = static_cast<const char *>(a.weights) +
                          (static_cast<long long>(tile.group / Groups) * (a.inputChannels / 16) + part.first) * weightBytes;

    Shape::copyBytes(ring + haloBytes, weights, weightBytes);
    waitForEarlierKernels();
    for (int unit = 0; unit < Stages - 2; unit++) {
      if (unit < units) {
        copyHalo(ring + unit * slotBytes, tile, input, unit);
        if (unit > 0) Shape::copyBytes(ring + unit * slotBytes + haloBytes, weights + unit * weightBytes, weightBytes);
      }
      commitCopies();
    }
    const int y0 = tile.y0 + warpGroup * 8;
    bool inside[2];
    float sums[2][Groups][32];
#pragma unroll
    for (int square = 0; square < 2; square++) {
      inside[square] = y0 < a.outputHeight && tile.x0 + square * 8 < a.outputWidth;
#pragma unroll
      for (int g = 0; g < Groups; g++)
#pragma unroll
        for (int j = 0; j < 8; j++) {
          float2 b = {0, 0};
          if (tile.split == 0)
            b = readConstant(reinterpret_cast<const float2 *>(a.bias + (tile.group + g) * 64) + j * 4 + (threadIdx.x & 3));
          sums[square][g][j * 4] = sums[square][g][j * 4 + 2] = b.x;
          sums[square][g][j * 4 + 1] = sums[square][g][j * 4 + 3] = b.y;
        }
    }

    int slot = 0, nextSlot = Stages - 2;
#pragma unroll 1
    for (int unit = 0; unit < units; unit++) {
      waitForCopies<Stages - 3>();
      publishShared();
      // Also: the products of the unit before the last are done in both groups, so that its slot is free.
      synchronizeBlock();
      const uint32_t here = ring + slot * slotBytes;
      const uint64_t left = matrixDescriptor(here + warpGroup * (8 * Shape::haloWidth * 16), Shape::haloWidth * 16, plane),
                     right = matrixDescriptor(here + haloBytes, 128, eightBytes);
      beginGroupProducts();
#pragma unroll
      for (int square = 0; square < 2; square++)
        if (inside[square]) {
#pragma unroll
          for (int tap = 0; tap < 9; tap++)
            addGroupProduct(sums[square], left + tap / 3 * Shape::haloWidth + tap % 3 + square * 8, right + tap * (tapBytes / 16),
                            static_cast<E *>(nullptr));
        }
      commitGroupProducts();
      if (unit + Stages - 2 < units) {
        copyHalo(ring + nextSlot * slotBytes, tile, input, unit + Stages - 2);
        Shape::copyBytes(ring + nextSlot * slotBytes + haloBytes, weights + (unit + Stages - 2) * weightBytes, weightBytes);
      }
      commitCopies();
      waitForGroupProducts<1>();
      if (++slot == Stages) slot = 0;
      if (++nextSlot == Stages) nextSlot = 0;
    }
    letLaterKernelsStart();
    waitForGroupProducts<0>();

    if (a.splits > 1) {
      const int lane = threadIdx.x & 31, row = thread >> 5;
#pragma unroll
      for (int square = 0; square < 2; square++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
          const int x = tile.x0 + square * 8 + (lane >> 2), y = y0 + row * 2 + half;
          if (x >= a.outputWidth || y >= a.outputHeight) continue;
          float *to = static_cast<float *>(a.output) + partOffset(a, tile.split, tile.image, x, y, tile.group) + (lane & 3) * 2;
#pragma unroll
          for (int g = 0; g < Groups; g++)
#pragma unroll
            for (int j = 0; j < 8; j++)
              writeGlobal(reinterpret_cast<float2 *>(to + g * 64 + j * 8),
                          float2{sums[square][g][j * 4 + half * 2], sums[square][g][j * 4 + half * 2 + 1]});
        }
      return;
    }
    // Nobody reads the ring any more: sums wait there to be stored.
    waitForCopies<0>();
    synchronizeBlock();
    const uint32_t stage = ring + warpGroup * (2 * Groups * squareBytes);
    if (a.residual) {
#pragma unroll
      for (int square = 0; square < 2; square++)
#pragma unroll
        for (int g = 0; g < Groups; g++)
          SquareOutput<E>(a, stage + (square * Groups + g) * squareBytes, tile.image, tile.x0 + square * 8, y0, tile.group + g,
                          thread)
              .copyResidual(a);
    }
    commitCopies();
    waitForCopies<0>();
    synchronizeWarp();
#pragma unroll
    for (int square = 0; square < 2; square++)
#pragma unroll
      for (int g = 0; g < Groups; g++)
        SquareOutput<E>(a, stage + (square * Groups + g) * squareBytes, tile.image, tile.x0 + square * 8, y0, tile.group + g,
                        thread)
            .store(a, sums[square][g]);
  }
};
