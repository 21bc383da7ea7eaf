// One number of many elements, what an element is among others, and products of matrices: any shape, whatever lies where.
#pragma once

#include "elementwise.cuh"

/// The place of an element by its number, the last axis first.
DEVICE long long placeOf(int number, const int (&extents)[5], const long long (&steps)[5]) {
  long long at = 0;
#pragma unroll
  for (int axis = 4; axis >= 0; axis--)
    if (extents[axis] > 1) {
      at += number % extents[axis] * steps[axis];
      number /= extents[axis];
    }
  return at;
}

struct Reduce {
  static constexpr int width = 0, height = 0, sharedBytes = 256 * 8;

  /// The places of `Reduction.Function`, from 1; more in `ReduceArguments`.
  enum { mean = 1, sum, sumOfMagnitudes, sumOfSquares, product, maximum, minimum, sumOfExponentials, maximumPlace };

  struct Found {
    float value;
    int place;
  };

  static DEVICE Found nothing(int function) {
    const float infinity = asFloat(0x7f800000);
    const float value = function == product ? 1.0f : function == minimum ? infinity
                        : function == maximum || function == maximumPlace ? -infinity : 0.0f;
    return {value, 0x7fffffff};
  }

  static DEVICE Found together(int function, Found a, Found b) {
    switch (function) {
      case product: return {a.value * b.value, 0};
      case maximum: return {combined(6, a.value, b.value), 0};
      case minimum: return {combined(5, a.value, b.value), 0};
      // The first of those that are as large.
      case maximumPlace: return b.value > a.value || (b.value == a.value && b.place < a.place) ? b : a;
      default: return {a.value + b.value, 0};
    }
  }

  static DEVICE void run(const ReduceArguments &a) {
    const int thread = threadIdx.x, lane = thread % a.width;
    const Element e(a.element, (static_cast<long long>(blockIdx.x) * 256 + thread) / a.width);
    waitForEarlierKernels();
    Found found = nothing(a.function);
    if (e.inside && e.isReal) {
      const long long group =
          ((static_cast<long long>(e.image) * a.element.channels + e.channel) * a.element.height + e.y) * a.element.width + e.x;
      const long long first = placeOf(static_cast<int>(group), a.groups.keptExtents, a.groups.keptSteps);
      const float mean = a.means ? readGlobal(a.means + group) : 0.0f;
      for (int i = lane; i < a.size; i += a.width) {
        float v = readPlace(a.input, first + placeOf(i, a.groups.extents, a.groups.steps)) - mean;
        if (a.function == sumOfMagnitudes) v = fabsf(v);
        else if (a.function == sumOfSquares) v *= v;
        else if (a.function == sumOfExponentials) v = expf(v);
        found = together(a.function, found, Found{v, i});
      }
    }
    const uint32_t own = sharedBase() + static_cast<uint32_t>(thread) * 8;
    writeShared<Found>(own, found);
    for (int step = a.width / 2; step > 0; step /= 2) {
      synchronizeBlock();
      if (lane < step) {
        found = together(a.function, found, readShared<Found>(own + static_cast<uint32_t>(step) * 8));
        writeShared<Found>(own, found);
      }
    }
    if (!e.inside || lane > 0) return;
    float v = 0;
    if (e.isReal) {
      v = found.value / a.number;
      // Where no element is a number, any place will do.
      if (a.function == maximumPlace) v = found.place < a.size ? static_cast<float>(found.place) : 0.0f;
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};

struct Normalize : Untiled {
  static DEVICE void run(const NormalizeArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      const long long group = e.image * a.groupSteps[0] + e.channel / a.channelsOfGroup * a.groupSteps[1] +
                              e.channel % a.channelsOfGroup * a.groupSteps[2] + e.y * a.groupSteps[3] + e.x * a.groupSteps[4];
      v = readElement(a.input, e.image, e.channel, e.y, e.x) - (a.first ? readGlobal(a.first + group) : 0.0f);
      const float second = readGlobal(a.second + group);
      v = a.function ? v / sqrtf(second + a.epsilon) : expf(v) / second;
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};

struct MultiplyMatrices : Untiled {
  static DEVICE void run(const MatrixArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float sum = 0;
    if (e.isReal) {
      long long left = place(a.left, e.image, e.channel, e.y, e.x), right = place(a.right, e.image, e.channel, e.y, e.x);
      for (int k = 0; k < a.products; k++, left += a.leftStep, right += a.rightStep)
        sum += readPlace(a.left, left) * readPlace(a.right, right);
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, sum);
  }
};
