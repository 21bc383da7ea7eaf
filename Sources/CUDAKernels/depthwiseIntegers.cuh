// Convolutions of each channel by itself, of integers of 8 bits: bound by bytes, so that a thread makes 16 channels of a pixel without
// shared memory. What lies outside the image stands for 0 and is left out.
//
// Weights: for row and column of taps, one byte a channel.
#pragma once

#include "denseIntegers.cuh"

template <int Size, int Stride> struct DepthwiseIntegers : Untiled {
  static DEVICE void run(const IntegerLayerArguments &a) {
    const ConvolutionArguments &c = a.layer;
    const int pieces = c.outputChannels / 16;
    const long long thread = static_cast<long long>(blockIdx.x) * 256 + static_cast<unsigned>(threadIdx.x);
    const int piece = static_cast<int>(thread % pieces), image = blockIdx.y;
    const long long pixel = thread / pieces;
    const int x = static_cast<int>(pixel % c.outputWidth), y = static_cast<int>(pixel / c.outputWidth);
    waitForEarlierKernels();
    if (pixel / c.outputWidth >= c.outputHeight) return;
    const IntegerEnd end(a, 0);
    const char *input = static_cast<const char *>(c.input), *weights = static_cast<const char *>(c.weights);
    const int *bias = reinterpret_cast<const int *>(c.bias) + piece * 16;
    const int zero = static_cast<signed char>((a.border ^ a.sign) & 255);
    int sums[16];
#pragma unroll
    for (int i = 0; i < 16; i++) sums[i] = readConstant(bias + i);
#pragma unroll
    for (int dy = 0; dy < Size; dy++) {
      const int row = y * Stride - Size / 2 + dy;
      if (row < 0 || row >= c.height) continue;
#pragma unroll
      for (int dx = 0; dx < Size; dx++) {
        const int column = x * Stride - Size / 2 + dx;
        if (column < 0 || column >= c.width) continue;
        const uint4 v = readGlobal(reinterpret_cast<const uint4 *>(
            input + (static_cast<long long>(image * c.height + row) * c.width + column) * c.inputStride + piece * 16));
        const uint4 w =
            readConstant(reinterpret_cast<const uint4 *>(weights + (dy * Size + dx) * c.outputChannels + piece * 16));
        const unsigned vs[4] = {v.x ^ a.sign, v.y ^ a.sign, v.z ^ a.sign, v.w ^ a.sign}, ws[4] = {w.x, w.y, w.z, w.w};
#pragma unroll
        for (int i = 0; i < 16; i++)
          sums[i] += (static_cast<signed char>(vs[i / 4] >> i % 4 * 8) - zero) * static_cast<signed char>(ws[i / 4] >> i % 4 * 8);
      }
    }
    const long long at = (static_cast<long long>(image * c.outputHeight + y) * c.outputWidth + x) * c.outputStride + piece * 16;
    letLaterKernelsStart();
    end.end(sums, piece * 16, at);
  }
};
