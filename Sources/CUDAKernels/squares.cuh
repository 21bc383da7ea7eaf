// What groups of four warps make by their products (wgmma): squares of 8 x 8 pixels and 64 channels.
#pragma once

#include "tile.cuh"

/// What four warps store of a square: a warp two rows, whose residual its own lanes copy.
template <class E> struct SquareOutput {
  /// Of 16 bytes, in 64 channels; pixels that a warp takes at once, and how often it does.
  static constexpr int pieces = 4 * sizeof(E), pixels = 32 / pieces, times = 16 / pixels;
  static constexpr uint32_t pixelBytes = 64 * sizeof(E), bytes = 64 * pixelBytes;

  uint32_t stage;
  int lane, warp, x, y;  // of the first of the lane's pixels
  int acrossStep, downStep;
  long long at;  // of its elements

  DEVICE SquareOutput(const ConvolutionArguments &a, uint32_t stage, int image, int x0, int y0, int group, int thread)
      : stage(stage), lane(thread & 31), warp(thread >> 5) {
    x = x0 + lane / pieces;
    y = y0 + warp * 2;
    acrossStep = pixels * a.outputStride * a.shuffle;
    downStep = a.outputWidth * a.outputStride * a.shuffle * a.shuffle;
    at = outputOffset(a, image, x, y, group) + lane % pieces * (64 / pieces);
  }

  /// Neighbouring pixels lie in different banks.
  static DEVICE uint32_t turn(int pixel) { return (pixel & 7) * (pieces / 8); }
  /// Of the lane's piece of one of its pixels.
  DEVICE uint32_t place(int i) const {
    const int pixel = warp * 16 + i * pixels + lane / pieces;
    return stage + pixel * pixelBytes + ((lane % pieces ^ turn(pixel)) << 4);
  }
  static constexpr int perRow = 8 / pixels;
  DEVICE bool isInside(const ConvolutionArguments &a, int i) const {
    return x + i % perRow * pixels < a.outputWidth && y + i / perRow < a.outputHeight;
  }
  DEVICE long long offset(int i) const { return at + i % perRow * acrossStep + i / perRow * downStep; }

  DEVICE void copyResidual(const ConvolutionArguments &a) const {
    const E *residual = static_cast<const E *>(a.residual);
#pragma unroll
    for (int i = 0; i < times; i++) {
      const bool inside = isInside(a, i);
      copyAsync(place(i), inside ? residual + offset(i) : residual, inside);
    }
  }

  /// The residual's copies are waited for, by the warp.
  DEVICE void store(const ConvolutionArguments &a, const float (&sums)[32]) const {
    using Pair = typename Numbers<E>::Pair;
    const bool adds = a.residual != nullptr;
    const float above = a.scale, below = a.slope * a.scale;
    // Two channels of four lanes are 16 bytes, or 32: a piece, or two.
    const int wide = sizeof(Pair) / 4, row = lane >> 2;
    const uint32_t first = stage + (warp * 16 + row) * pixelBytes + (lane & 3) * sizeof(Pair) % 16,
                   own = (lane & 3) * sizeof(Pair) / 16;
#pragma unroll
    for (int j = 0; j < 8; j++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const uint32_t to = first + half * (8 * pixelBytes) + (((j * wide + own) ^ turn(row)) << 4);
        float2 r = {0, 0};
        if (adds) r = Numbers<E>::unpack(readShared<Pair>(to));
        writeShared<Pair>(to, Numbers<E>::pack(activated(sums[j * 4 + half * 2], above, below, r.x),
                                               activated(sums[j * 4 + half * 2 + 1], above, below, r.y)));
      }
    synchronizeWarp();
    E *output = static_cast<E *>(a.output);
    const E *second = static_cast<const E *>(a.second);
#pragma unroll
    for (int i = 0; i < times; i++)
      if (isInside(a, i)) {
        const long long to = offset(i);
        uint4 v = readShared<uint4>(place(i));
        if (second) v = addElements<E>(v, readGlobal(reinterpret_cast<const uint4 *>(second + to)));
        if (a.rectifies) v = rectifyElements<E>(v);
        writeGlobal(reinterpret_cast<uint4 *>(output + to), v);
      }
  }
};

/// A tile of 16 x 16 pixels, its halo in shared memory, and the sums that a group of four warps has of it: two squares beside
/// each other, of `Groups` groups of 64 channels. A unit of 32 bytes a pixel lies as two planes of 16-byte pixels, so that
/// eight neighbours are one piece of an operand wherever they begin, and a window is shifted by its start address alone.
template <int Groups> struct SquareSums {
  using Shape = Tile<8, 3, 1, 2>;
  static constexpr uint32_t plane = Shape::haloPixels * 16, haloBytes = 2 * plane;

  const Shape &tile;
  int thread, warpGroup, y0;
  bool inside[2];  // squares outside the image are left out
  float sums[2][Groups][32];

  /// They begin with the bias, but for those of later splits.
  DEVICE SquareSums(const ConvolutionArguments &a, const Shape &tile)
      : tile(tile), thread(threadIdx.x & 127), warpGroup(uniform(threadIdx.x >> 7)), y0(tile.y0 + warpGroup * 8) {
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
  }

  /// Where piece i of a thread's lies in a halo.
  static DEVICE uint32_t place(int at) { return (at & 1) * plane + (at >> 1) * 16; }

  static DEVICE void copyHalo(uint32_t target, const Shape &tile, const void *input, int unit) {
#pragma unroll
    for (int i = 0; i < Shape::pieces; i++) {
      const int at = threadIdx.x + i * Shape::threads;
      if (at < Shape::haloPixels * 2) {
        const int offset = tile.offsets[i];
        copyAsync(target + place(at), static_cast<const uint4 *>(input) + (offset < 0 ? 0 : offset + unit * 2), offset >= 0);
      }
    }
  }

  /// The windows of this group's squares, by one pixel a step.
  DEVICE uint64_t windows(uint32_t halo) const {
    return matrixDescriptor(halo + warpGroup * (8 * Shape::haloWidth * 16), Shape::haloWidth * 16, plane);
  }
  /// The window of a tap, which begins so many steps after those.
  static DEVICE int window(int square, int tap) { return tap / 3 * Shape::haloWidth + tap % 3 + square * 8; }

  /// Leaves them for `SumParts`.
  DEVICE void storeParts(const ConvolutionArguments &a) const {
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
  }

  /// Ends the layer. They wait to be stored where the block's shared memory was, which nobody reads any more.
  template <class E> static constexpr uint32_t stageBytes = 4 * Groups * SquareOutput<E>::bytes;
  template <class E> DEVICE void store(const ConvolutionArguments &a, uint32_t shared) const {
    waitForCopies<0>();
    synchronizeBlock();
    const uint32_t stage = shared + warpGroup * (2 * Groups * SquareOutput<E>::bytes);
    auto output = [&](int square, int g) {
      return SquareOutput<E>(a, stage + (square * Groups + g) * SquareOutput<E>::bytes, tile.image, tile.x0 + square * 8, y0,
                             tile.group + g, thread);
    };
    if (a.residual) {
#pragma unroll
      for (int square = 0; square < 2; square++)
#pragma unroll
        for (int g = 0; g < Groups; g++) output(square, g).copyResidual(a);
    }
    commitCopies();
    waitForCopies<0>();
    synchronizeWarp();
#pragma unroll
    for (int square = 0; square < 2; square++)
#pragma unroll
      for (int g = 0; g < Groups; g++) output(square, g).store(a, sums[square][g]);
  }
};
