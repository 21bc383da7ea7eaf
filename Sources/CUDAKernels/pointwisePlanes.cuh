// 1x1 from pixels to a few planes of float32: what pixels bring is read once, and nothing lies in shared memory.
//
// The order of a product's depth is free: lane q of four brings the eight channels that begin at 8 q of 32, two steps of
// m16n8k16, and its weights are likewise. Weights: outputs (8 for each of `Parts`), then channels, a multiple of 8.
#pragma once

#include "arguments.h"
#include "device.cuh"

/// With shuffled pixels `outputChannels` are four for each plane, which go to places (0, 0), (0, 1), (1, 0), (1, 1).
template <class E, int Parts> struct PointwisePlanes : Untiled {
  /// A warp makes 32 pixels.
  static DEVICE void run(const ConvolutionArguments &a) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, quarter = lane & 3, of = lane >> 2;
    const long long plane = static_cast<long long>(a.height) * a.width, count = plane * a.images,
                    first = (static_cast<long long>(blockIdx.x) * 8 + warp) * 32 + of;
    float sums[2][Parts][4];
#pragma unroll
    for (int part = 0; part < Parts; part++) {
      const float2 bias = readConstant(reinterpret_cast<const float2 *>(a.bias) + part * 4 + quarter);
#pragma unroll
      for (int i = 0; i < 2; i++) {
        sums[i][part][0] = sums[i][part][2] = bias.x;
        sums[i][part][1] = sums[i][part][3] = bias.y;
      }
    }
    letLaterKernelsStart();
    waitForEarlierKernels();
#pragma unroll 2
    for (int unit = 0; unit < a.inputChannels; unit += 32) {
      const int channel = unit + quarter * 8;
      const bool isThere = channel < a.inputChannels;
      uint4 left[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const long long pixel = first + i * 8;
        left[i] = {0, 0, 0, 0};
        if (isThere && pixel < count)
          left[i] = readGlobal(reinterpret_cast<const uint4 *>(static_cast<const E *>(a.input) + pixel * a.inputStride + channel));
      }
#pragma unroll
      for (int part = 0; part < Parts; part++) {
        uint4 right = {0, 0, 0, 0};
        if (isThere)
          right = readConstant(
              reinterpret_cast<const uint4 *>(static_cast<const E *>(a.weights) + (part * 8 + of) * a.inputChannels + channel));
#pragma unroll
        for (int i = 0; i < 2; i++) {
          const uint4 upper = left[i * 2], lower = left[i * 2 + 1];
          Product<E>::add16(sums[i][part], upper.x, lower.x, upper.y, lower.y, right.x, right.y);
          Product<E>::add16(sums[i][part], upper.z, lower.z, upper.w, lower.w, right.z, right.w);
        }
      }
    }
    float *output = static_cast<float *>(a.output);
    const float *residual = static_cast<const float *>(a.residual);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const long long pixel = first + i * 8, image = pixel / plane, at = pixel % plane;
      if (pixel >= count) break;
#pragma unroll
      for (int part = 0; part < Parts; part++)
#pragma unroll
        for (int e = 0; e < 2; e++) {
          const int channel = part * 8 + quarter * 2 + e;
          if (channel >= a.outputChannels) continue;
          long long to = (image * a.outputChannels + channel) * plane + at;
          if (a.shuffle == 2)
            to = (((image * (a.outputChannels / 4) + channel / 4) * a.height + at / a.width) * 2 + channel % 4 / 2) *
                     (a.width * 2) +
                 at % a.width * 2 + channel % 2;
          float v = sums[i >> 1][part][(i & 1) * 2 + e];
          v = (fmaxf(v, 0.0f) + a.slope * fminf(v, 0.0f)) * a.scale;
          if (residual) v += readGlobal(residual + to);
          writeGlobal(output + to, a.rectifies && v < 0 ? 0.0f : v);
        }
    }
  }
};
