// What groups of four warps make by their products (wgmma): squares of 8 x 8 pixels and 64 channels.
#pragma once

#include "tile.cuh"

/// What four warps store of a square: a warp two rows, whose residual its own lanes copy.
template <class E> struct SquareOutput : StagedPixels<E> {
  using Staged = StagedPixels<E>;
  static constexpr uint32_t bytes = 64 * Staged::pixelBytes;
  static constexpr int pixels = Staged::pixelsAtOnce, perRow = 8 / pixels, times = 16 / pixels;

  int x, y;  // of the first of the lane's pixels
  int acrossStep, downStep;
  long long at;  // of its piece
  bool isThere;  // whether the output has its channels

  DEVICE SquareOutput(const ConvolutionArguments &a, uint32_t stage, int image, int x0, int y0, int group, int thread)
      : Staged(stage + (thread >> 5) * 16 * Staged::pixelBytes, thread & 31) {
    x = x0 + Staged::pixel();
    y = y0 + (thread >> 5) * 2;
    acrossStep = pixels * a.outputStride * a.shuffle;
    downStep = a.outputWidth * a.outputStride * a.shuffle * a.shuffle;
    at = outputOffset(a, image, x, y, group) + Staged::channel();
    isThere = Staged::channel() < channelsFrom(a, group);
  }

  DEVICE bool isInside(const ConvolutionArguments &a, int i) const {
    return isThere && x + i % perRow * pixels < a.outputWidth && y + i / perRow < a.outputHeight;
  }
  DEVICE long long offset(int i) const { return at + i % perRow * acrossStep + i / perRow * downStep; }

  DEVICE void copyResidual(const ConvolutionArguments &a) const {
    const E *residual = static_cast<const E *>(a.residual);
#pragma unroll
    for (int i = 0; i < times; i++) {
      const bool inside = isInside(a, i);
      copyAsync(Staged::place(i * pixels + Staged::pixel()), inside ? residual + offset(i) : residual, inside);
    }
  }

  /// The residual's copies are waited for, by the warp.
  DEVICE void store(const ConvolutionArguments &a, const float (&sums)[32]) const {
    Staged::end(a, 0, [&](int j, int half) { return float2{sums[j * 4 + half * 2], sums[j * 4 + half * 2 + 1]}; });
    synchronizeWarp();
#pragma unroll
    for (int i = 0; i < times; i++)
      if (isInside(a, i)) Staged::store(a, i * pixels + Staged::pixel(), offset(i));
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
