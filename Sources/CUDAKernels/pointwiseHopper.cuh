// 1x1 of any number of channels as products of four warps (wgmma, sm_90a), and the transposed convolution of 2x2 with stride 2
// that is one. No pixel needs a neighbour, so that there are no tiles: the pixels of all images are one list, of which a block
// takes 128 or 256, and small images waste nothing.
//
// A block makes 64 or 128 channels; each of its two groups of four warps one or two runs of 64 pixels. The ring is that of
// `DenseWideHopper`. Eight channels of a pixel are a piece of 16 bytes, and pieces of 32 channels are four planes of pixels.
//
// Blocks lie along x, those of one run of pixels together, and splits along y.
//
// Weights of a block's output channels, the input channels rounded up to units of 32 of them: for eight input channels and
// output channel, the eight weights.
#pragma once

#include "tile.cuh"

/// What four warps store of 64 pixels that lie one after the other, and 64 channels: a warp 16 pixels, whose residual its own
/// lanes copy.
template <class E> struct RunOutput {
  uint32_t stage;
  int lane, warp, pixels;
  long long at[4];  // of the lane's eight channels of its pixels; below 0 behind the last one, or where the output has no such channels

  DEVICE RunOutput(const ConvolutionArguments &a, uint32_t stage, int pixel, int pixels, int group, int thread)
      : stage(stage), lane(thread & 31), warp(thread >> 5), pixels(pixels) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int p = pixel + warp * 16 + i * 4 + (lane >> 3);
      // Rows of all images are rows of one.
      const int row = a.shuffle == 2 ? p / a.outputWidth : 0;
      at[i] = p >= pixels || (lane & 7) * 8 >= channelsFrom(a, group) ? -1
              : a.shuffle == 2
                  ? outputOffset(a, 0, p - row * a.outputWidth, row, group) + (lane & 7) * 8
                  : static_cast<long long>(p) * a.outputStride + group * 64 + (lane & 7) * 8;
    }
  }

  DEVICE uint32_t place(int pixel, int piece) const { return stage + pixel * 128 + ((piece ^ (pixel & 7)) << 4); }

  DEVICE void copyResidual(const ConvolutionArguments &a) const {
    const E *residual = static_cast<const E *>(a.residual);
#pragma unroll
    for (int i = 0; i < 4; i++)
      copyAsync(place(warp * 16 + i * 4 + (lane >> 3), lane & 7), at[i] < 0 ? residual : residual + at[i], at[i] >= 0);
  }

  /// The residual's copies are waited for, by the warp.
  DEVICE void store(const ConvolutionArguments &a, const float (&sums)[32]) const {
    const bool adds = a.residual != nullptr;
    const float above = a.scale, below = a.slope * a.scale;
    const uint32_t first = stage + (warp * 16 + (lane >> 2)) * 128 + (lane & 3) * 4, turn = (lane >> 2) << 4;
#pragma unroll
    for (int j = 0; j < 8; j++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const uint32_t to = first + half * 1024 + (turn ^ (j << 4));
        float2 r = {0, 0};
        if (adds) r = Numbers<E>::unpack(readShared<uint32_t>(to));
        writeShared<uint32_t>(to, Numbers<E>::pack(activated(sums[j * 4 + half * 2], above, below, r.x),
                                                   activated(sums[j * 4 + half * 2 + 1], above, below, r.y)));
      }
    synchronizeWarp();
    E *output = static_cast<E *>(a.output);
    const E *second = static_cast<const E *>(a.second);
#pragma unroll
    for (int i = 0; i < 4; i++)
      if (at[i] >= 0) {
        uint4 v = readShared<uint4>(place(warp * 16 + i * 4 + (lane >> 3), lane & 7));
        if (second) v = addElements<E>(v, readGlobal(reinterpret_cast<const uint4 *>(second + at[i])));
        if (a.rectifies) v = rectifyElements<E>(v);
        writeGlobal(reinterpret_cast<uint4 *>(output + at[i]), v);
      }
  }
};

template <class E, int Runs, int Groups, int Stages> struct PointwiseHopper {
  static constexpr int width = Runs * 128, height = 1, threads = 256, channels = 32, pieces = Runs * 2;
  // Of eight channels; two pixels more, so that what eight threads copy lies in different banks.
  static constexpr uint32_t plane = (width + 2) * 16, pixelBytes = 4 * plane;
  static constexpr uint32_t eightBytes = Groups * 64 * 16, weightBytes = 4 * eightBytes, slotBytes = pixelBytes + weightBytes;
  static constexpr uint32_t runBytes = 64 * 128, sharedBytes = Stages * slotBytes;
  static_assert(2 * Runs * Groups * runBytes <= sharedBytes, "sums are staged where the ring was");

  static DEVICE void run(const ConvolutionArguments &a) {
    const int warpGroup = uniform(threadIdx.x >> 7), thread = threadIdx.x & 127, lane = threadIdx.x & 31;
    const uint32_t ring = sharedBase();
    const int blocks = a.groups / Groups, block = blockIdx.x / blocks, group = (blockIdx.x - block * blocks) * Groups;
    const int split = blockIdx.y, pixels = a.images * a.outputHeight * a.outputWidth, first = block * width;
    const int all = (a.inputChannels + channels - 1) / channels, most = (all + a.splits - 1) / a.splits;
    const int unitBegin = split * most, units = min(all - unitBegin, most);
    const char *weights =
        static_cast<const char *>(a.weights) + (static_cast<long long>(group / Groups) * all + unitBegin) * weightBytes;

    auto copyWeights = [&](int slot, int unit) {
#pragma unroll
      for (uint32_t at = 0; at < weightBytes; at += threads * 16)
        copyAsync(ring + slot * slotBytes + pixelBytes + at + threadIdx.x * 16,
                  weights + unit * weightBytes + at + threadIdx.x * 16, true);
    };
    // A thread copies the same eight channels of every 64th pixel.
    const int piece = threadIdx.x & 3, pixel = threadIdx.x >> 2, channel = unitBegin * channels + piece * 8;
    const E *input = static_cast<const E *>(a.input);
    const E *from = input + static_cast<long long>(first + pixel) * a.inputStride + channel;
    const int step = 64 * a.inputStride;
    const uint32_t target = piece * plane + pixel * 16;
    auto copyPixels = [&](int slot, int unit) {
      const bool isChannel = channel + unit * channels < a.inputChannels;
#pragma unroll
      for (int i = 0; i < pieces; i++) {
        const bool inside = isChannel && first + pixel + i * 64 < pixels;
        copyAsync(ring + slot * slotBytes + target + i * 1024,
                  inside ? from + i * static_cast<long long>(step) + unit * channels : input, inside);
      }
    };
    copyWeights(0, 0);
    waitForEarlierKernels();
#pragma unroll
    for (int unit = 0; unit < Stages - 2; unit++) {
      if (unit < units) {
        copyPixels(unit, unit);
        if (unit > 0) copyWeights(unit, unit);
      }
      commitCopies();
    }
    float sums[Runs][Groups][32];
#pragma unroll
    for (int run = 0; run < Runs; run++)
#pragma unroll
      for (int g = 0; g < Groups; g++)
#pragma unroll
        for (int j = 0; j < 8; j++) {
          float2 b = {0, 0};
          if (split == 0) b = readConstant(reinterpret_cast<const float2 *>(a.bias + (group + g) * 64) + j * 4 + (lane & 3));
          sums[run][g][j * 4] = sums[run][g][j * 4 + 2] = b.x;
          sums[run][g][j * 4 + 1] = sums[run][g][j * 4 + 3] = b.y;
        }

    int slot = 0, nextSlot = Stages - 2;
#pragma unroll 1
    for (int unit = 0; unit < units; unit++) {
      waitForCopies<Stages - 3>();
      publishShared();
      // Also: the products of the unit before the last are done in both groups, so that its slot is free.
      synchronizeBlock();
      const uint32_t here = ring + slot * slotBytes;
      const uint64_t left = matrixDescriptor(here + warpGroup * (Runs * 1024), 128, plane),
                     right = matrixDescriptor(here + pixelBytes, 128, eightBytes);
      beginGroupProducts();
#pragma unroll
      for (int run = 0; run < Runs; run++)
#pragma unroll
        for (int k = 0; k < 2; k++)
          addGroupProduct(sums[run], left + (run * 1024 + k * 2 * plane) / 16, right + k * 2 * eightBytes / 16,
                          static_cast<E *>(nullptr));
      commitGroupProducts();
      if (unit + Stages - 2 < units) {
        copyPixels(nextSlot, unit + Stages - 2);
        copyWeights(nextSlot, unit + Stages - 2);
      }
      commitCopies();
      waitForGroupProducts<1>();
      if (++slot == Stages) slot = 0;
      if (++nextSlot == Stages) nextSlot = 0;
    }
    letLaterKernelsStart();
    waitForGroupProducts<0>();

    if (a.splits > 1) {
      const int row = thread >> 5;
#pragma unroll
      for (int run = 0; run < Runs; run++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
          const int p = first + (warpGroup * Runs + run) * 64 + row * 16 + half * 8 + (lane >> 2);
          if (p >= pixels) continue;
          float *to = static_cast<float *>(a.output) +
                      (static_cast<long long>(split) * pixels + p) * (a.groups * 64) + group * 64 + (lane & 3) * 2;
#pragma unroll
          for (int g = 0; g < Groups; g++)
#pragma unroll
            for (int j = 0; j < 8; j++)
              writeGlobal(reinterpret_cast<float2 *>(to + g * 64 + j * 8),
                          float2{sums[run][g][j * 4 + half * 2], sums[run][g][j * 4 + half * 2 + 1]});
        }
      return;
    }
    // Nobody reads the ring any more: sums wait there to be stored.
    waitForCopies<0>();
    synchronizeBlock();
#pragma unroll
    for (int run = 0; run < Runs; run++) {
      const int place = warpGroup * Runs + run;
      auto output = [&](int g) {
        return RunOutput<E>(a, ring + (place * Groups + g) * runBytes, first + place * 64, pixels, group + g, thread);
      };
      if (a.residual) {
#pragma unroll
        for (int g = 0; g < Groups; g++) output(g).copyResidual(a);
        commitCopies();
        waitForCopies<0>();
        synchronizeWarp();
      }
#pragma unroll
      for (int g = 0; g < Groups; g++) output(g).store(a, sums[run][g]);
    }
  }
};
