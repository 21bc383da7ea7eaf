// Depthwise convolutions of pixels, padded by half their size: a thread makes eight channels of a few neighbours in a row.
//
// Weights: for row and column of taps, the channels.
#pragma once

#include "eights.cuh"

template <class E, int Size, int Stride> struct Depthwise : Untiled {
  /// Outputs of a thread: they share what they read.
  static constexpr int columns = Size == 3 ? 4 / Stride : 2, reach = (columns - 1) * Stride + Size;

  static DEVICE void run(const ConvolutionArguments &a) {
    const int pieces = a.outputChannels / 8, runs = (a.outputWidth + columns - 1) / columns,
              at = blockIdx.x * 256 + threadIdx.x, channel = at % pieces * 8, x = at / pieces % runs * columns,
              y = at / pieces / runs, image = blockIdx.y;
    waitForEarlierKernels();
    if (y >= a.outputHeight) return;
    const Eight<float> bias = Eight<float>::readWeights(a.bias, channel);
    Eight<float> sums[columns];
#pragma unroll
    for (int i = 0; i < columns; i++) sums[i] = bias;
#pragma unroll(Size == 3 ? 3 : 1)
    for (int dy = 0; dy < Size; dy++) {
      const int v = y * Stride - Size / 2 + dy;
      if (v < 0 || v >= a.height) continue;
      Eight<E> weights[Size];
#pragma unroll
      for (int dx = 0; dx < Size; dx++)
        weights[dx] = Eight<E>::readWeights(a.weights, (dy * Size + dx) * static_cast<long long>(a.outputChannels) + channel);
      const long long row = (static_cast<long long>(image) * a.height + v) * a.width;
#pragma unroll
      for (int i = 0; i < reach; i++) {
        const int u = x * Stride - Size / 2 + i;
        if (u < 0 || u >= a.width) continue;
        const Eight<E> p = Eight<E>::read(a.input, (row + u) * a.inputStride + channel);
#pragma unroll
        for (int column = 0; column < columns; column++) {
          const int dx = i - column * Stride;
          if (dx < 0 || dx >= Size) continue;
#pragma unroll
          for (int c = 0; c < 8; c++) sums[column].v[c] += p.v[c] * weights[dx].v[c];
        }
      }
    }
    letLaterKernelsStart();
    const float above = a.scale, below = a.slope * a.scale;
#pragma unroll
    for (int column = 0; column < columns; column++) {
      if (x + column >= a.outputWidth) break;
      const long long to =
          ((static_cast<long long>(image) * a.outputHeight + y) * a.outputWidth + x + column) * a.outputStride + channel;
      Eight<E> result, residual = {}, second = {};
      if (a.residual) residual = Eight<E>::read(a.residual, to);
#pragma unroll
      for (int c = 0; c < 8; c++) result.v[c] = activated(sums[column].v[c], above, below, residual.v[c]);
      if (a.second) {
        second = Eight<E>::read(a.second, to);
        result = result.rounded();
      }
#pragma unroll
      for (int c = 0; c < 8; c++) {
        const float v = result.v[c] + second.v[c];
        result.v[c] = a.rectifies && v < 0 ? 0 : v;
      }
      result.write(a.output, to);
    }
  }
};
