// 3x3 of 64 channels as products of four warps (wgmma, sm_90a). All weights of a group of 64 output channels stay in shared
// memory; blocks stay, too, and each group of four warps walks over its own tiles: while one stores, another multiplies, and
// copies run a tile ahead.
//
// A tile is 8 x 8 pixels. Its halo lies in shared memory by eight channels: a plane of 16-byte pixels each, so that eight
// neighbours are one piece of an operand wherever they begin, and a window is shifted by its start address alone.
//
// Weights of a group: for tap, eight input channels and output channel, the eight weights.
#pragma once

#include "squares.cuh"

template <class E, int WarpGroups> struct DenseHopper {
  static constexpr int width = 8, height = 8, haloWidth = 10, haloPixels = haloWidth * (height + 2), threads = WarpGroups * 128;
  // One pixel more, so that the eight pieces of a pixel lie in different banks.
  static constexpr uint32_t plane = (haloPixels + 1) * 16, haloBytes = plane * 8, stageBytes = width * height * 128;
  static constexpr uint32_t tapBytes = 64 * 64 * 2, weightBytes = 9 * tapBytes;
  static constexpr uint32_t sharedBytes = weightBytes + WarpGroups * (2 * haloBytes + stageBytes);
  static constexpr int pieces = (haloPixels * 8 + 127) / 128;

  /// What a thread copies of every halo: 16 channels a step of 16 pixels, by its place in the tile.
  struct Pieces {
    int offset[pieces];  // elements from the tile's first pixel
    int x[pieces], y[pieces];
    uint32_t target;  // of the first; each next is 16 pixels on
    DEVICE Pieces(const ConvolutionArguments &a, int thread) {
      target = (thread & 7) * plane + (thread >> 3) * 16;
#pragma unroll
      for (int i = 0; i < pieces; i++) {
        const int pixel = (thread >> 3) + i * 16;
        x[i] = pixel % haloWidth - 1;
        y[i] = pixel / haloWidth - 1;
        offset[i] = (y[i] * a.width + x[i]) * a.inputStride + (thread & 7) * 8;
      }
    }
  };

  struct Place {
    int x0, y0, image;
  };
  static DEVICE Place place(const ConvolutionArguments &a, int tile) {
    int perImage = a.tilesAcross * a.tilesDown, image = tile / perImage, rest = tile % perImage;
    return {rest % a.tilesAcross * width, rest / a.tilesAcross * height, image};
  }

  static DEVICE void copyHalo(uint32_t target, const ConvolutionArguments &a, const Pieces &own, Place p, int thread) {
    const E *input = static_cast<const E *>(a.input),
            *first = input + ((static_cast<long long>(p.image) * a.height + p.y0) * a.width + p.x0) * a.inputStride;
    target += own.target;
#pragma unroll
    for (int i = 0; i < pieces; i++) {
      if ((i + 1) * 128 > haloPixels * 8 && thread + i * 128 >= haloPixels * 8) break;
      const bool inside = static_cast<unsigned>(p.x0 + own.x[i]) < static_cast<unsigned>(a.width) &&
                          static_cast<unsigned>(p.y0 + own.y[i]) < static_cast<unsigned>(a.height);
      copyAsync(target + i * 256, inside ? first + own.offset[i] : input, inside);
    }
  }

  static DEVICE void run(const ConvolutionArguments &a) {
    const int warpGroup = uniform(threadIdx.x >> 7), thread = threadIdx.x & 127, lane = threadIdx.x & 31;
    const uint32_t weights = sharedBase(), halos = weights + weightBytes + warpGroup * (2 * haloBytes + stageBytes),
                   stage = halos + 2 * haloBytes;
    const int tiles = a.tilesAcross * a.tilesDown * a.images, step = gridDim.x * WarpGroups;
    const char *packed = static_cast<const char *>(a.weights) + static_cast<long long>(blockIdx.y) * weightBytes;

#pragma unroll 3
    for (uint32_t at = threadIdx.x * 16; at < weightBytes; at += threads * 16) copyAsync(weights + at, packed + at, true);
    const Pieces own(a, thread);
    waitForEarlierKernels();

    // Neighbouring tiles at the same time: their halos overlap.
    int tile = blockIdx.x * WarpGroups + warpGroup, buffer = 0;
    Place here = place(a, tile);
    if (tile < tiles) copyHalo(halos, a, own, here, thread);
    commitCopies();
    float2 bias[8];
#pragma unroll
    for (int j = 0; j < 8; j++)
      bias[j] = readConstant(reinterpret_cast<const float2 *>(a.bias + blockIdx.y * 64) + j * 4 + (lane & 3));
    const uint64_t left = matrixDescriptor(halos, haloWidth * 16, plane), right = matrixDescriptor(weights, 128, 1024);
    waitForCopies<0>();
    publishShared();
    synchronizeBlock();
    for (; tile < tiles; buffer ^= 1) {
      // What this tile's products need is there; the stage is free, and so is the other halo.
      const int next = tile + step;
      const SquareOutput<E> out(a, stage, here.image, here.x0, here.y0, blockIdx.y, thread);
      if (a.residual) out.copyResidual(a);
      commitCopies();
      here = place(a, next);
      if (next < tiles) copyHalo(halos + (buffer ^ 1) * haloBytes, a, own, here, thread);
      commitCopies();

      float sums[32];
#pragma unroll
      for (int i = 0; i < 32; i++) sums[i] = i & 1 ? bias[i >> 2].y : bias[i >> 2].x;
      const uint64_t window = left + buffer * (haloBytes >> 4);
      beginGroupProducts();
#pragma unroll
      for (int tap = 0; tap < 9; tap++)
#pragma unroll
        for (int k = 0; k < 4; k++)
          addGroupProduct(sums, window + (k * 2 * plane + (tap / 3 * haloWidth + tap % 3) * 16) / 16,
                          right + (tap * tapBytes + k * 2048) / 16, static_cast<E *>(nullptr));
      commitGroupProducts();
      if (next >= tiles) letLaterKernelsStart();
      waitForGroupProducts<0>();
      // A warp stages and stores the pixels whose residual its own lanes copied.
      waitForCopies<1>();
      synchronizeWarp();
      out.store(a, sums);
      tile = next;
      waitForCopies<0>();
      publishShared();
      synchronizeSome(warpGroup + 1, 128);  // the next halo is there, and nobody reads this one
    }
  }
};
