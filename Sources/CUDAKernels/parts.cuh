// The output of a layer whose input channels several blocks share: their sums, added in the order of the splits, whoever was
// first, then what ends a layer. A thread makes four channels of a pixel.
#pragma once

#include "tile.cuh"

/// Four elements that lie together.
template <class E> struct Four {
  static DEVICE float4 unpacked(uint2 v) {
    const float2 low = Numbers<E>::unpack(v.x), high = Numbers<E>::unpack(v.y);
    return {low.x, low.y, high.x, high.y};
  }
  static DEVICE uint2 packed(float4 v) { return {Numbers<E>::pack(v.x, v.y), Numbers<E>::pack(v.z, v.w)}; }
  static DEVICE float4 rounded(float4 v) { return unpacked(packed(v)); }
  static DEVICE float4 read(const void *base, long long at) {
    return unpacked(readGlobal(reinterpret_cast<const uint2 *>(static_cast<const E *>(base) + at)));
  }
  static DEVICE void write(void *base, long long at, float4 v) {
    writeGlobal(reinterpret_cast<uint2 *>(static_cast<E *>(base) + at), packed(v));
  }
};
template <> struct Four<float> {
  static DEVICE float4 rounded(float4 v) { return v; }
  static DEVICE float4 read(const void *base, long long at) {
    return readGlobal(reinterpret_cast<const float4 *>(static_cast<const float *>(base) + at));
  }
  static DEVICE void write(void *base, long long at, float4 v) {
    writeGlobal(reinterpret_cast<float4 *>(static_cast<float *>(base) + at), v);
  }
};

DEVICE float4 sum(float4 a, float4 b) { return {a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w}; }

template <class E> struct SumParts : Untiled {
  static DEVICE void run(const ConvolutionArguments &a) {
    const long long at = static_cast<long long>(blockIdx.x) * 256 + static_cast<unsigned>(threadIdx.x);
    const int pieces = a.groups * 16, piece = static_cast<int>(at % pieces), group = piece / 16, channel = piece % 16 * 4;
    const long long pixel = at / pieces;
    const int image = blockIdx.y, x = static_cast<int>(pixel % a.outputWidth), y = static_cast<int>(pixel / a.outputWidth);
    waitForEarlierKernels();
    if (pixel / a.outputWidth >= a.outputHeight || channel >= channelsFrom(a, group)) return;
    const float *parts = static_cast<const float *>(a.input) + partOffset(a, 0, image, x, y, group) + channel;
    const long long step = static_cast<long long>(a.images) * a.outputHeight * a.outputWidth * (a.groups * 64);
    float4 v = Four<float>::read(parts, 0);
#pragma unroll 4
    for (int split = 1; split < a.splits; split++) v = sum(v, Four<float>::read(parts, split * step));

    const long long to = outputOffset(a, image, x, y, group) + channel;
    const float above = a.scale, below = a.slope * a.scale;
    float4 r = {0, 0, 0, 0};
    if (a.residual) r = Four<E>::read(a.residual, to);
    v = {activated(v.x, above, below, r.x), activated(v.y, above, below, r.y), activated(v.z, above, below, r.z),
         activated(v.w, above, below, r.w)};
    if (a.second) v = sum(Four<E>::rounded(v), Four<E>::read(a.second, to));
    if (a.rectifies) v = {v.x < 0 ? 0 : v.x, v.y < 0 ? 0 : v.y, v.z < 0 ? 0 : v.z, v.w < 0 ? 0 : v.w};
    letLaterKernelsStart();
    Four<E>::write(a.output, to, v);
  }
};
