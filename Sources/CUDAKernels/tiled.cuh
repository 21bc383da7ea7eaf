// 3x3 of any number of channels with shared memory and no tensor cores: what a tile's 16 x 16 outputs read is brought there once,
// eight channels at a time, and each thread sums 16 output channels of one pixel. Any layout, every epilogue of `Direct`.
#pragma once

#include "element.cuh"

struct Tiled {
  static constexpr int width = 16, height = 16, haloWidth = width + 2, haloPixels = haloWidth * (height + 2);
  static constexpr int inputsAtOnce = 8, outputsAtOnce = 16;
  static constexpr uint32_t haloBytes = inputsAtOnce * haloPixels * 4, weightBytes = 9 * inputsAtOnce * outputsAtOnce * 4;
  static constexpr int sharedBytes = width * height * outputsAtOnce * 4;
  static_assert(haloBytes + weightBytes <= sharedBytes, "sums go where the tile was");

  static DEVICE void run(const DirectArguments &a) {
    const int thread = threadIdx.x, parts = (a.element.lanes + outputsAtOnce - 1) / outputsAtOnce, image = blockIdx.z / parts,
              first = blockIdx.z % parts * outputsAtOnce, x0 = blockIdx.x * width, y0 = blockIdx.y * height,
              x = x0 + thread % width, y = y0 + thread / width, outputs = a.element.channels;
    const uint32_t halo = sharedBase(), weights = halo + haloBytes;
    waitForEarlierKernels();
    float sums[outputsAtOnce];
#pragma unroll
    for (int o = 0; o < outputsAtOnce; o++)
      sums[o] = a.bias && first + o < outputs ? readConstant(a.bias + first + o) : 0.0f;
#pragma unroll 1
    for (int c0 = 0; c0 < a.inputChannels; c0 += inputsAtOnce) {
      synchronizeBlock();
      // Neighbouring threads take neighbouring channels, which lie together in pixels.
      for (int i = thread; i < inputsAtOnce * haloPixels; i += width * height) {
        const int c = i % inputsAtOnce, pixel = i / inputsAtOnce, u = x0 - 1 + pixel % haloWidth, v = y0 - 1 + pixel / haloWidth;
        const bool inside = u >= 0 && v >= 0 && u < a.width && v < a.height && c0 + c < a.inputChannels;
        writeShared<float>(halo + static_cast<uint32_t>(c * haloPixels + pixel) * 4,
                           inside ? readElement(a.input, image, c0 + c, v, u) : 0.0f);
      }
      for (int i = thread; i < 9 * inputsAtOnce * outputsAtOnce; i += width * height) {
        const int o = i % outputsAtOnce, c = i / outputsAtOnce % inputsAtOnce, tap = i / (outputsAtOnce * inputsAtOnce);
        const bool isThere = first + o < outputs && c0 + c < a.inputChannels;
        writeShared<float>(
            weights + static_cast<uint32_t>(i) * 4,
            isThere ? readConstant(a.weights + (static_cast<long long>(tap) * a.inputChannels + c0 + c) * outputs + first + o)
                    : 0.0f);
      }
      synchronizeBlock();
      const uint32_t own = halo + static_cast<uint32_t>(thread / width * haloWidth + thread % width) * 4;
#pragma unroll 1
      for (int c = 0; c < inputsAtOnce; c++)
#pragma unroll
        for (int tap = 0; tap < 9; tap++) {
          const float v = readShared<float>(own + static_cast<uint32_t>(c * haloPixels + tap / 3 * haloWidth + tap % 3) * 4);
#pragma unroll
          for (int o = 0; o < outputsAtOnce; o += 4) {
            const float4 w = readShared<float4>(weights + static_cast<uint32_t>((tap * inputsAtOnce + c) * outputsAtOnce + o) * 4);
            sums[o] += v * w.x;
            sums[o + 1] += v * w.y;
            sums[o + 2] += v * w.z;
            sums[o + 3] += v * w.w;
          }
        }
    }
    letLaterKernelsStart();
    // The functions that end a layer are long: one copy of them, for sums that are not in registers.
    synchronizeBlock();
    const uint32_t sum = sharedBase() + static_cast<uint32_t>(thread) * 4;
#pragma unroll
    for (int o = 0; o < outputsAtOnce; o++) writeShared<float>(sum + static_cast<uint32_t>(o) * (width * height * 4), sums[o]);
    if (x >= a.element.width || y >= a.element.height) return;
#pragma unroll 1
    for (int o = 0; o < outputsAtOnce; o++) {
      const int channel = first + o;
      if (channel >= a.element.lanes) break;
      float v = 0;
      if (channel < outputs) {
        v = activate(a.before, readShared<float>(sum + static_cast<uint32_t>(o) * (width * height * 4)), channel) * a.scale;
        if (a.residual.base) v += readElement(a.residual, image, channel, y, x);
        v = activate(a.after, v, channel);
      }
      writeElement(a.output, image, channel, y, x, v);
    }
  }
};
