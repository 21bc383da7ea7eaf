// What has one pixel an image: linear layers, and the mean of all pixels.
#pragma once

#include "arguments.h"
#include "eights.cuh"

DEVICE void writeResult(float *to, float v) { writeGlobal(to, v); }
template <class E> DEVICE void writeResult(E *to, float v) {
  writeGlobal(reinterpret_cast<uint16_t *>(to), static_cast<uint16_t>(Numbers<E>::pack(v, 0)));
}

/// A warp makes an output of up to four images: lanes take eight inputs in turn, and what they find is put together in pairs,
/// always the same. Images are `inputStride` and `outputStride` elements apart. Weights: outputs, then inputs, a multiple of 8.
template <class E, class Result> struct Linear : Untiled {
  static constexpr int images = 4;

  static DEVICE void run(const ConvolutionArguments &a) {
    const int lane = threadIdx.x & 31, output = static_cast<int>(blockIdx.x * 8 + (threadIdx.x >> 5)),
              first = static_cast<int>(blockIdx.y) * images;
    letLaterKernelsStart();
    waitForEarlierKernels();
    if (output >= a.outputChannels) return;
    float sums[images] = {};
#pragma unroll 2
    for (int input = lane * 8; input < a.inputChannels; input += 256) {
      const Eight<E> weights = Eight<E>::readWeights(a.weights, static_cast<long long>(output) * a.inputChannels + input);
#pragma unroll
      for (int i = 0; i < images; i++) {
        if (first + i >= a.images) break;
        const Eight<E> p = Eight<E>::read(a.input, static_cast<long long>(first + i) * a.inputStride + input);
#pragma unroll
        for (int c = 0; c < 8; c++) sums[i] += p.v[c] * weights.v[c];
      }
    }
#pragma unroll
    for (int i = 0; i < images; i++)
#pragma unroll
      for (int mask = 16; mask > 0; mask /= 2) sums[i] += exchanged(sums[i], mask);
    if (lane > 0) return;
    const float bias = readConstant(a.bias + output);
#pragma unroll
    for (int i = 0; i < images; i++) {
      if (first + i >= a.images) break;
      float v = activated(sums[i] + bias, a.scale, a.slope * a.scale, 0);
      if (a.rectifies && v < 0) v = 0;
      writeResult(static_cast<Result *>(a.output) + static_cast<long long>(first + i) * a.outputStride + output, v);
    }
  }
};

/// The mean of all pixels of an image: a block takes 64 channels, each of its threads eight of them of every 32nd pixel. The output
/// is of one pixel, `outputStride` elements from one image to the next.
template <class E> struct MeanOfPixels {
  static constexpr int width = 0, height = 0, sharedBytes = 8 * 64 * 4;

  static DEVICE void run(const PoolArguments &a) {
    const int thread = threadIdx.x, piece = thread & 7, pixels = a.height * a.width, channel = blockIdx.x * 64 + piece * 8;
    const long long image = blockIdx.y;
    letLaterKernelsStart();
    waitForEarlierKernels();
    float sums[8] = {};
    if (channel < a.channels)
#pragma unroll 2
      for (int pixel = thread >> 3; pixel < pixels; pixel += 32) {
        const Eight<E> p = Eight<E>::read(a.input, (image * pixels + pixel) * a.inputStride + channel);
#pragma unroll
        for (int c = 0; c < 8; c++) sums[c] += p.v[c];
      }
    const uint32_t own = sharedBase() + static_cast<uint32_t>((thread >> 5) * 256 + piece * 32);
#pragma unroll
    for (int c = 0; c < 8; c++) {
      sums[c] += exchanged(sums[c], 8);
      sums[c] += exchanged(sums[c], 16);
      if ((thread & 31) < 8) writeShared<float>(own + static_cast<uint32_t>(c) * 4, sums[c]);
    }
    synchronizeBlock();
    const int mine = static_cast<int>(blockIdx.x) * 64 + thread;
    if (thread >= 64 || mine >= a.channels) return;
    float v = 0;
#pragma unroll
    for (int warp = 0; warp < 8; warp++) v += readShared<float>(sharedBase() + static_cast<uint32_t>(warp * 256 + thread * 4));
    writeResult(static_cast<E *>(a.output) + image * a.outputStride + mine, v / static_cast<float>(pixels));
  }
};
