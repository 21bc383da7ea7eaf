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

#include "squares.cuh"

template <class E, int Groups, int Stages> struct DenseWideHopper {
  using Squares = SquareSums<Groups>;
  using Shape = typename Squares::Shape;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr uint32_t eightBytes = Groups * 64 * 16, tapBytes = 2 * eightBytes, weightBytes = 9 * tapBytes;
  static constexpr uint32_t slotBytes = Squares::haloBytes + weightBytes, sharedBytes = Stages * slotBytes;
  static_assert(Squares::template stageBytes<E> <= sharedBytes, "sums are staged where the ring was");

  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a, 8, Groups);
    const uint32_t ring = sharedBase();
    const Units part(a, tile.split, 16);
    const int units = part.count;
    const E *input = static_cast<const E *>(a.input) + part.first * 16;
    const char *weights = static_cast<const char *>(a.weights) +
                          (static_cast<long long>(tile.group / Groups) * (a.inputChannels / 16) + part.first) * weightBytes;
    auto copyWeights = [&](int slot, int unit) {
      Shape::copyBytes(ring + slot * slotBytes + Squares::haloBytes, weights + unit * weightBytes, weightBytes);
    };

    copyWeights(0, 0);
    waitForEarlierKernels();
    for (int unit = 0; unit < Stages - 2; unit++) {
      if (unit < units) {
        Squares::copyHalo(ring + unit * slotBytes, tile, input, unit);
        if (unit > 0) copyWeights(unit, unit);
      }
      commitCopies();
    }
    Squares squares(a, tile);

    int slot = 0, nextSlot = Stages - 2;
#pragma unroll 1
    for (int unit = 0; unit < units; unit++) {
      waitForCopies<Stages - 3>();
      publishShared();
      // Also: the products of the unit before the last are done in both groups, so that its slot is free.
      synchronizeBlock();
      const uint32_t here = ring + slot * slotBytes;
      const uint64_t left = squares.windows(here), right = matrixDescriptor(here + Squares::haloBytes, 128, eightBytes);
      beginGroupProducts();
#pragma unroll
      for (int square = 0; square < 2; square++)
        if (squares.inside[square]) {
#pragma unroll
          for (int tap = 0; tap < 9; tap++)
            addGroupProduct(squares.sums[square], left + Squares::window(square, tap), right + tap * (tapBytes / 16),
                            static_cast<E *>(nullptr));
        }
      commitGroupProducts();
      if (unit + Stages - 2 < units) {
        Squares::copyHalo(ring + nextSlot * slotBytes, tile, input, unit + Stages - 2);
        copyWeights(nextSlot, unit + Stages - 2);
      }
      commitCopies();
      waitForGroupProducts<1>();
      if (++slot == Stages) slot = 0;
      if (++nextSlot == Stages) nextSlot = 0;
    }
    letLaterKernelsStart();
    waitForGroupProducts<0>();
    if (a.splits > 1) squares.storeParts(a);
    else squares.template store<E>(a, ring);
  }
};
