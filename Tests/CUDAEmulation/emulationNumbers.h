// Numbers of 16 bits, and what they are as float32; see emulation.h, which includes this.
#pragma once

#include <cstdint>
#include <cstring>

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

namespace emulation {

// By bits: a machine without instructions for these types would call a function for each number.
inline float toFloat(Half h) {
  uint32_t bits = static_cast<uint32_t>(h.bits & 0x7fff) << 13;
  float v;
  memcpy(&v, &bits, 4);
  // The exponents differ by 112. The product is exact, of numbers below the smallest normal one, too.
  v *= 0x1p112f;
  memcpy(&bits, &v, 4);
  if ((h.bits & 0x7c00) == 0x7c00) bits |= 0x7f800000;
  bits |= static_cast<uint32_t>(h.bits & 0x8000) << 16;
  memcpy(&v, &bits, 4);
  return v;
}
inline float toFloat(BFloat16 h) {
  uint32_t bits = static_cast<uint32_t>(h.bits) << 16;
  float v;
  memcpy(&v, &bits, 4);
  return v;
}
template <class E> E fromFloat(float v);
template <> inline Half fromFloat<Half>(float v) {
  uint32_t bits;
  memcpy(&bits, &v, 4);
  const uint32_t sign = bits >> 16 & 0x8000;
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) {
    bits = 0x7e00 | (bits >> 13 & 0x3ff);
  } else if (bits >= 0x477ff000) {
    bits = 0x7c00;
  } else if (bits < 0x38800000) {
    // Below the smallest normal number: the sum has the step of 2^-24 that is wanted.
    float small;
    memcpy(&small, &bits, 4);
    small += 0.5f;
    memcpy(&bits, &small, 4);
    bits -= 0x3f000000;
  } else {
    bits = (bits + 0xfff + (bits >> 13 & 1) - 0x38000000) >> 13;
  }
  return {static_cast<uint16_t>(sign | bits)};
}
template <> inline BFloat16 fromFloat<BFloat16>(float v) {
  uint32_t bits;
  memcpy(&bits, &v, 4);
  if (v != v) return {static_cast<uint16_t>(bits >> 16 | 64)};
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
template <class E> uint32_t pack(float low, float high) {
  return fromFloat<E>(low).bits | static_cast<uint32_t>(fromFloat<E>(high).bits) << 16;
}
template <class E> float2 unpack(uint32_t pair) {
  return {toFloat(E{static_cast<uint16_t>(pair)}), toFloat(E{static_cast<uint16_t>(pair >> 16)})};
}

}  // namespace emulation
