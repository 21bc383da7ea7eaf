// Where a network begins: from up to four planes of float32 to pixels.
//
// A tile's halo is rounded once and laid in shared memory as pixels of four planes, those that are not there zeros: eight bytes.
// Two neighbours are a row of `loadMatrices`, so that a row of taps is one product (four columns) or two (eight), the columns
// beyond the kernel's weighing nothing. Where outputs are a pixel apart every other one would begin in the middle of such a row:
// these read a second copy, one pixel ahead.
//
// Weights: for row of taps, four columns of taps, 16 output channels and lane, the right operands of two products of m16n8k16;
// depth is column, then plane.
#pragma once

#include "tile.cuh"

template <class E, int Warps, int Size, int Stride> struct Head {
  using Shape = Tile<Warps, Size, Stride>;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int steps = (Size + 3) / 4, copies = Stride == 1 ? 2 : 1;  // products of a row of taps
  static constexpr int haloWidth = (15 * Stride + steps * 4 + 1) / 2 * 2, haloPixels = haloWidth * Shape::haloHeight;
  /// The second copy begins in the other half of the banks.
  static constexpr int copyBytes = (haloPixels * 8 + 127) / 128 * 128 + 64;
  static constexpr int weightBytes = Size * steps * 4 * 512;
  static constexpr int haloBytes = (copies * copyBytes + 127) / 128 * 128;
  static constexpr int sharedBytes = haloBytes + weightBytes + Shape::stageBytes;

  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const uint32_t halo = sharedBase(), weights = halo + haloBytes;
    const WarpOutput<E> out(a, weights + weightBytes, tile);

    Shape::copyBytes(weights, static_cast<const char *>(a.weights) + tile.group * weightBytes, weightBytes);
    float sums[4][8][4];
    startSums(a, tile, sums);
    waitForEarlierKernels();
    if (a.residual) out.copyResidual(a);
    commitCopies();
    const int plane = a.height * a.width;
    const float *input = static_cast<const float *>(a.input) + static_cast<long long>(tile.image) * a.inputChannels * plane;
#pragma unroll 4
    for (int i = threadIdx.x; i < haloPixels; i += Shape::threads) {
      const int x = tile.x0 * Stride - Size / 2 + i % haloWidth, y = tile.y0 * Stride - Size / 2 + i / haloWidth;
      float v[4] = {0, 0, 0, 0};
      if (x >= 0 && x < a.width && y >= 0 && y < a.height) {
        const float *at = input + y * a.width + x;
#pragma unroll
        for (int p = 0; p < 4; p++)
          if (p < a.inputChannels) v[p] = readGlobal(at + static_cast<long long>(p) * plane);
      }
      const uint2 pixel = {Numbers<E>::pack(v[0], v[1]), Numbers<E>::pack(v[2], v[3])};
      writeShared<uint2>(halo + i * 8, pixel);
      if (copies == 2 && i > 0) writeShared<uint2>(halo + copyBytes + (i - 1) * 8, pixel);
    }
    waitForCopies<0>();
    synchronizeBlock();

    // Four matrices: the left and the right eight pixels of the first two columns of taps, then of the next two.
    const int column = (lane & 15) * Stride, odd = column & 1;
    const uint32_t first = halo + odd * copyBytes + (warp * 4 * Stride * haloWidth + column - odd) * 8 + (lane >> 4) * 16,
                   rights = weights + lane * 16;
#pragma unroll 1
    for (int dy = 0; dy < Size; dy++)
#pragma unroll
      for (int step = 0; step < steps; step++) {
        uint4 right[4];
#pragma unroll
        for (int j = 0; j < 4; j++) right[j] = readShared<uint4>(rights + ((dy * steps + step) * 4 + j) * 512);
#pragma unroll
        for (int row = 0; row < 4; row++) {
          uint32_t left[4];
          loadMatrices(left, first + ((row * Stride + dy) * haloWidth + step * 4) * 8);
#pragma unroll
          for (int j = 0; j < 4; j++) {
            Product<E>::add16(sums[row][j * 2], left[0], left[1], left[2], left[3], right[j].x, right[j].y);
            Product<E>::add16(sums[row][j * 2 + 1], left[0], left[1], left[2], left[3], right[j].z, right[j].w);
          }
        }
      }
    letLaterKernelsStart();
    out.store(a, sums);
  }
};
