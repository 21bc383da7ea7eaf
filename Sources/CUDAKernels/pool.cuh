// Pools of 16-bit pixels: a thread makes eight channels of one output.
#pragma once

#include "arguments.h"
#include "device.cuh"

/// The greatest of `Size` x `Size` pixels, every `Stride`; places outside the image (`padding` before it) are not looked at.
template <class E, int Size, int Stride> struct MaximumPool : Untiled {
  static DEVICE void run(const PoolArguments &a) {
    const int pieces = a.channels / 8, at = blockIdx.x * 256 + threadIdx.x, piece = at % pieces,
              x = at / pieces % a.outputWidth, y = at / pieces / a.outputWidth;
    waitForEarlierKernels();
    if (y >= a.outputHeight) return;
    const long long image = static_cast<long long>(blockIdx.y) * a.height;
    float2 best[4] = {};
    bool none = true;
#pragma unroll
    for (int dy = 0; dy < Size; dy++)
#pragma unroll
      for (int dx = 0; dx < Size; dx++) {
        const int u = x * Stride - a.padding + dx, v = y * Stride - a.padding + dy;
        if (u < 0 || v < 0 || u >= a.width || v >= a.height) continue;
        const uint4 p = readGlobal(reinterpret_cast<const uint4 *>(static_cast<const E *>(a.input) +
                                                                   ((image + v) * a.width + u) * a.inputStride + piece * 8));
        const uint32_t words[4] = {p.x, p.y, p.z, p.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const float2 w = Numbers<E>::unpack(words[i]);
          // What is not a number wins, as on the processor.
          best[i] =
              none ? w
                   : float2{w.x > best[i].x || w.x != w.x ? w.x : best[i].x, w.y > best[i].y || w.y != w.y ? w.y : best[i].y};
        }
        none = false;
      }
    const uint4 result = {Numbers<E>::pack(best[0].x, best[0].y), Numbers<E>::pack(best[1].x, best[1].y),
                          Numbers<E>::pack(best[2].x, best[2].y), Numbers<E>::pack(best[3].x, best[3].y)};
    letLaterKernelsStart();
    writeGlobal(reinterpret_cast<uint4 *>(
                    static_cast<E *>(a.output) +
                    ((static_cast<long long>(blockIdx.y) * a.outputHeight + y) * a.outputWidth + x) * a.outputStride + piece * 8),
                result);
  }
};
