// Float32 as three products of TF32, or as one, as in `DenseFloat`, by four warps (wgmma, sm_90a), which read 3x3 windows and weights
// where those of `DenseWideHopper` lie: four channels where there were eight.
//
// What the tensor cores see of a number are its first 19 bits, so that the halo as it was copied is the first part. Each thread
// makes the second part of what it copied itself, and puts it beside. That, and the copies, happen while products run: the halo
// is copied two units of 8 channels ahead, its second part made one ahead, and the weights, most of what moves, are copied by
// rows of taps. A step is such a row; there are two steps of products under way, and a barrier says that all are done with the
// one before.
//
// Of one product nothing is put beside: each thread rounds what it copied, where it lies.
//
// Weights of a block's output channels, one unit of 8 input channels after the other: for tap, part, four input channels and
// output channel, the four weights' first parts, or second.
#pragma once

#include "squares.cuh"
#include "floatProducts.cuh"

template <int Groups, int Stages, class Products = ThreeProducts> struct DenseWideFloatHopper {
  using Squares = SquareSums<Groups>;
  using Shape = typename Squares::Shape;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr uint32_t fourBytes = Groups * 64 * 16, partBytes = 2 * fourBytes, rowBytes = 3 * Products::parts * partBytes;
  static constexpr uint32_t halo = Squares::haloBytes, sharedBytes = (Products::parts == 2 ? 5 : 3) * halo + Stages * rowBytes;
  static_assert(Stages >= 5, "the second halo is there in time");
  static_assert(Squares::template stageBytes<float> <= sharedBytes, "sums are staged where everything was");

  /// The second parts of what this thread copied, or what it is rounded to.
  static DEVICE void split(uint32_t target, uint32_t source) {
    auto put = [](float v) { return Products::parts == 2 ? secondPart(v) : roundedToTensorFloat(v); };
#pragma unroll
    for (int i = 0; i < Shape::pieces; i++) {
      const int at = threadIdx.x + i * Shape::threads;
      if (at >= Shape::haloPixels * 2) break;
      const float4 v = readShared<float4>(source + Squares::place(at));
      writeShared<float4>(target + Squares::place(at), float4{put(v.x), put(v.y), put(v.z), put(v.w)});
    }
  }

  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a, 4, Groups);
    // First parts of three units, second parts of two, rows of weights.
    const uint32_t firsts = sharedBase(), seconds = firsts + 3 * halo, ring = seconds + (Products::parts - 1) * 2 * halo;
    const Units part(a, tile.split, 8);
    const int units = part.count, steps = 3 * units;
    const float *input = static_cast<const float *>(a.input) + part.first * 8;
    const char *weights = static_cast<const char *>(a.weights) +
                          (static_cast<long long>(tile.group / Groups) * (a.inputChannels / 8) + part.first) * (3 * rowBytes);
    auto copyWeights = [&](int slot, int step) {
      Shape::copyBytes(ring + slot * rowBytes, weights + static_cast<long long>(step) * rowBytes, rowBytes);
    };

    copyWeights(0, 0);
    waitForEarlierKernels();
    for (int step = 0; step < Stages - 2; step++) {
      if (step < 2 && step < units) Squares::copyHalo(firsts + step * halo, tile, input, step);
      if (step > 0 && step < steps) copyWeights(step, step);
      commitCopies();
    }
    Squares squares(a, tile);
    waitForCopies<Stages - 3>();
    split(Products::parts == 2 ? seconds : firsts, firsts);

    int slot = 0, nextSlot = Stages - 2, first = 0, second = 0;
#pragma unroll 1
    for (int unit = 0; unit < units; unit++) {
      const int nextFirst = first == 2 ? 0 : first + 1, freeFirst = first == 0 ? 2 : first - 1;
      const uint64_t left[2] = {squares.windows(firsts + first * halo), squares.windows(seconds + second * halo)};
#pragma unroll
      for (int row = 0; row < 3; row++) {
        const int step = unit * 3 + row;
        waitForCopies<Stages - 3>();
        publishShared();
        // Also: the products of the step before the last are done in both groups, so that what they read may be written.
        synchronizeBlock();
        if (step + Stages - 2 < steps) copyWeights(nextSlot, step + Stages - 2);
        if (row == 1 && unit + 2 < units) Squares::copyHalo(firsts + freeFirst * halo, tile, input, unit + 2);
        commitCopies();
        // One group before its products and one after them, so that the tensor cores always have some.
        const bool splits = row == 2 && unit + 1 < units;
        const uint32_t next = firsts + nextFirst * halo, target = Products::parts == 2 ? seconds + (second ^ 1) * halo : next;
        if (row == 2) waitForCopies<4>();
        if (splits && squares.warpGroup == 0) split(target, next);

        const uint64_t right = matrixDescriptor(ring + slot * rowBytes, 128, fourBytes);
        beginGroupProducts();
#pragma unroll
        for (int square = 0; square < 2; square++)
          if (squares.inside[square]) {
#pragma unroll
            for (int column = 0; column < 3; column++) {
              const int window = Squares::window(square, row * 3 + column);
              auto add = [&](int leftPart, int rightPart) {
                addGroupProduct(squares.sums[square], left[leftPart] + window,
                                right + (column * Products::parts + rightPart) * (partBytes / 16), static_cast<float *>(nullptr));
              };
              // The small ones first.
              if constexpr (Products::parts == 2) {
                add(1, 0);
                add(0, 1);
              }
              add(0, 0);
            }
          }
        commitGroupProducts();
        if (splits && squares.warpGroup == 1) split(target, next);
        waitForGroupProducts<1>();
        if (++slot == Stages) slot = 0;
        if (++nextSlot == Stages) nextSlot = 0;
      }
      first = nextFirst;
      second ^= 1;
    }
    letLaterKernelsStart();
    waitForGroupProducts<0>();
    if (a.splits > 1) squares.storeParts(a);
    else squares.template store<float>(a, firsts);
  }
};
