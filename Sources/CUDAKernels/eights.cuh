// Eight elements that lie together, as float32.
#pragma once

#include "arguments.h"
#include "device.cuh"

template <class E> struct Eight {
  float v[8];

  static DEVICE Eight unpacked(uint4 p) {
    const uint32_t words[4] = {p.x, p.y, p.z, p.w};
    Eight e;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float2 w = Numbers<E>::unpack(words[i]);
      e.v[i * 2] = w.x;
      e.v[i * 2 + 1] = w.y;
    }
    return e;
  }
  DEVICE uint4 packed() const {
    return {Numbers<E>::pack(v[0], v[1]), Numbers<E>::pack(v[2], v[3]), Numbers<E>::pack(v[4], v[5]),
            Numbers<E>::pack(v[6], v[7])};
  }
  static DEVICE Eight read(const void *base, long long at) {
    return unpacked(readGlobal(reinterpret_cast<const uint4 *>(static_cast<const E *>(base) + at)));
  }
  static DEVICE Eight readWeights(const void *base, long long at) {
    return unpacked(readConstant(reinterpret_cast<const uint4 *>(static_cast<const E *>(base) + at)));
  }
  DEVICE void write(void *base, long long at) const {
    writeGlobal(reinterpret_cast<uint4 *>(static_cast<E *>(base) + at), packed());
  }
  DEVICE Eight rounded() const { return unpacked(packed()); }
};

template <> struct Eight<float> {
  float v[8];

  static DEVICE Eight joined(float4 a, float4 b) { return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}}; }
  static DEVICE Eight read(const void *base, long long at) {
    const float4 *from = reinterpret_cast<const float4 *>(static_cast<const float *>(base) + at);
    return joined(readGlobal(from), readGlobal(from + 1));
  }
  static DEVICE Eight readWeights(const void *base, long long at) {
    const float4 *from = reinterpret_cast<const float4 *>(static_cast<const float *>(base) + at);
    return joined(readConstant(from), readConstant(from + 1));
  }
  DEVICE void write(void *base, long long at) const {
    float4 *to = reinterpret_cast<float4 *>(static_cast<float *>(base) + at);
    writeGlobal(to, float4{v[0], v[1], v[2], v[3]});
    writeGlobal(to + 1, float4{v[4], v[5], v[6], v[7]});
  }
  DEVICE Eight rounded() const { return *this; }
};
