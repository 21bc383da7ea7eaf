// Samples of pictures, as files hold them, to the planes that a network takes, and what it makes back to samples: single operations in the
// order of the host's own conversion, with its bits.
#pragma once

#include "element.cuh"

/// What the threads of a block have seen of numbers: the least and the greatest, and whether one was not finite.
struct NumbersSeen {
  static constexpr int sharedBytes = 256 * 12;
  float low, high;
  int isBad;

  DEVICE NumbersSeen() : low(asFloat(0x7f800000u)), high(asFloat(0xff800000u)), isBad(0) {}

  DEVICE void take(float v) {
    if (v < low) low = v;
    if (v > high) high = v;
    if (!(v - v == 0)) isBad = 1;
  }

  /// Puts together what all threads have seen: three numbers for this block.
  DEVICE void note(float *notes) {
    const int thread = threadIdx.x;
    const uint32_t own = sharedBase() + static_cast<uint32_t>(thread) * 12;
    leave(own);
    for (int step = 128; step > 0; step /= 2) {
      synchronizeBlock();
      if (thread < step) {
        const uint32_t other = own + static_cast<uint32_t>(step) * 12;
        low = fminf(low, readShared<float>(other));
        high = fmaxf(high, readShared<float>(other + 4));
        isBad |= readShared<int>(other + 8);
        leave(own);
      }
    }
    letLaterKernelsStart();
    if (thread != 0) return;
    float *const place = notes + static_cast<long long>(blockIdx.x) * 3;
    writeGlobal(place, low);
    writeGlobal(place + 1, high);
    writeGlobal(place + 2, isBad ? 1.0f : 0.0f);
  }

 private:
  DEVICE void leave(uint32_t own) {
    writeShared<float>(own, low);
    writeShared<float>(own + 4, high);
    writeShared<int>(own + 8, isBad);
  }
};

struct SamplesToPlanes {
  static constexpr int width = 0, height = 0, sharedBytes = NumbersSeen::sharedBytes;

  static DEVICE void run(const SamplesToPlanesArguments &a) {
    const int first = static_cast<int>(blockIdx.x) * samplePixels + static_cast<int>(threadIdx.x);
    waitForEarlierKernels();
    NumbersSeen seen;
    for (int i = 0; i < samplePixels && i < a.pixels - first; i += 256) {
      const int pixel = first + i;
      const long long at = static_cast<long long>(pixel) * a.channels;
      for (int plane = 0; plane < a.planeCount; plane++) {
        const SampleMix &mix = a.mixes[plane];
        float v = product(sample(a, at + mix.first), mix.weights[0]);
        for (int j = 1; j < mix.count; j++) v = sum(v, product(sample(a, at + mix.first + j), mix.weights[j]));
        v = sum(v, mix.offset);
        seen.take(v);
        writeGlobal(a.planes + static_cast<long long>(plane) * a.pixels + pixel, product(v, a.unit));
      }
    }
    seen.note(a.notes);
  }

 private:
  static DEVICE float sample(const SamplesToPlanesArguments &a, long long at) {
    if (a.sampleBytes == 2) return readGlobal(static_cast<const uint16_t *>(a.samples) + at);
    return readGlobal(static_cast<const unsigned char *>(a.samples) + at);
  }
};

struct PlanesToSamples {
  static constexpr int width = 0, height = 0, sharedBytes = NumbersSeen::sharedBytes;

  static DEVICE void run(const PlanesToSamplesArguments &a) {
    const int first = static_cast<int>(blockIdx.x) * samplePixels + static_cast<int>(threadIdx.x),
              pixels = a.imageWidth * a.imageHeight;
    waitForEarlierKernels();
    // What lies around the part that is kept is another tile's.
    const int top = readGlobal(a.kept), bottom = readGlobal(a.kept + 1), left = readGlobal(a.kept + 2),
              right = readGlobal(a.kept + 3);
    NumbersSeen seen;
    for (int i = 0; i < samplePixels && i < pixels - first; i += 256) {
      const int pixel = first + i, y = pixel / a.imageWidth, x = pixel % a.imageWidth;
      const bool isKept = y >= top && y < bottom && x >= left && x < right;
      const long long at = static_cast<long long>(pixel) * (a.mixes ? 1 : a.planeCount);
      float mixed = 0;
      for (int plane = 0; plane < a.planeCount; plane++) {
        const float v = readElement(a.planes, 0, plane, y, x);
        if (isKept) seen.take(v);
        if (!a.mixes) {
          store(a, at + plane, v);
        } else {
          const float part = product(v, a.weights[plane]);
          mixed = plane == 0 ? part : sum(mixed, part);
        }
      }
      if (a.mixes) store(a, at, mixed);
    }
    seen.note(a.notes);
  }

 private:
  /// Clips, and rounds halves to even: beyond 1.5 * 2^23 the low bits of a number are the nearest integer. What is not a number becomes 0.
  static DEVICE void store(const PlanesToSamplesArguments &a, long long at, float v) {
    const float level = sum(product(v, a.gain), a.offset), scaled = a.sampleBytes == 2 ? product(level, 257) : level,
                most = a.sampleBytes == 2 ? 65535.0f : 255.0f, positive = scaled > 0 ? scaled : 0;
    const uint32_t bits = asBits(sum(positive < most ? positive : most, 12582912));
    if (a.sampleBytes == 2) writeGlobal(static_cast<uint16_t *>(a.samples) + at, static_cast<uint16_t>(bits));
    else writeGlobal(static_cast<unsigned char *>(a.samples) + at, static_cast<unsigned char>(bits));
  }
};
