// Parameters that a run changes: averages and steps of optimisers, packing for the kernels that read them, and taking the places of the
// old ones.
#pragma once

#include "element.cuh"

struct MovingAverage : Untiled {
  static DEVICE void run(const MovingAverageArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      const float g = readElement(a.gradient, e.image, e.channel, e.y, e.x);
      v = a.keep * readElement(a.average, e.image, e.channel, e.y, e.x) + a.add * (a.squares ? g * g : g);
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};

struct ParameterStep : Untiled {
  static DEVICE void run(const ParameterStepArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      const float rate = readGlobal(a.numbers), direction = readElement(a.direction, e.image, e.channel, e.y, e.x);
      v = (1 - rate * a.decay) * readElement(a.weight, e.image, e.channel, e.y, e.x);
      if (a.isAdaptive)
        v -= rate * readGlobal(a.numbers + 1) * direction /
             (sqrtf(readElement(a.square, e.image, e.channel, e.y, e.x)) * readGlobal(a.numbers + 2) + a.epsilon);
      else
        v -= rate * direction;
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};

struct Gather : Untiled {
  static DEVICE void run(const GatherArguments &a) {
    const long long at = static_cast<long long>(blockIdx.x) * 256 + static_cast<unsigned>(threadIdx.x);
    waitForEarlierKernels();
    if (at >= a.count) return;
    const uint32_t entry = readConstant(a.places + at);
    float v = 0;
    if (entry) {
      const uint32_t source = entry >> 2 & 3, part = entry & 3;
      v = readGlobal((source == 0 ? a.sources[0] : source == 1 ? a.sources[1] : source == 2 ? a.sources[2] : a.sources[3]) +
                     (entry >> 4));
      const float first = asFloat(asBits(v) & 0xFFFFE000u);
      if (part == 2) v = first;
      if (part == 3) v -= first;
    }
    letLaterKernelsStart();
    ValueView output = {};
    output.base = a.output;
    output.element = a.element == 5 ? 1 : a.element;
    writePlace(output, at, a.element == 5 ? roundedToTensorFloat(v) : v);
  }
};

struct Commit {
  static constexpr int width = 0, height = 0, sharedBytes = 256 * 4;

  static DEVICE void run(const CommitArguments &a) {
    const int thread = threadIdx.x;
    const CommitEntry &entry = a.entries[blockIdx.y];
    const long long first = static_cast<long long>(blockIdx.x) * commitCount;
    waitForEarlierKernels();
    // Rows have as many blocks as the longest needs.
    if (first >= entry.count) return;
    const int count = entry.count - first < commitCount ? static_cast<int>(entry.count - first) : commitCount;
    int isBad = 0;
#pragma unroll 4
    for (int i = thread; i < count; i += 256) {
      const float v = readGlobal(entry.source + first + i);
      writeGlobal(entry.target + first + i, v);
      if (!(v - v == 0)) isBad = 1;
    }
    const uint32_t own = sharedBase() + static_cast<uint32_t>(thread) * 4;
    writeShared<int>(own, isBad);
    for (int step = 128; step > 0; step /= 2) {
      synchronizeBlock();
      if (thread < step) {
        isBad |= readShared<int>(own + static_cast<uint32_t>(step) * 4);
        writeShared<int>(own, isBad);
      }
    }
    letLaterKernelsStart();
    if (thread == 0) writeGlobal(entry.notes + blockIdx.x, isBad ? 1.0f : 0.0f);
  }
};
