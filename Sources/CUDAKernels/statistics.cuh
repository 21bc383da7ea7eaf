// Sums of channels over all pixels, and batch normalisation by them. Pixels are cut into runs by shapes alone; a block sums a run, in an
// order that does not depend on others, and another kernel adds the runs: the same bits in each run of the network.
#pragma once

#include "element.cuh"

/// 1 / sqrt(variance + epsilon) of a channel; `moments` has the means, then the variances. Single operations, so that all kernels find the
/// same elements above 0.
DEVICE float inverseDeviation(const float *moments, int channels, int channel, float epsilon) {
  return quotient(1.0f, sqrtf(sum(readGlobal(moments + channels + channel), epsilon)));
}

DEVICE float normalised(float x, float mean, float inverse) { return product(sum(x, -mean), inverse); }

/// What lanes of a block found, added in pairs that are always the same: `lanes` (a power of two) neighbours in steps of `stride` threads. The
/// sums are those of the first lane.
DEVICE void addLanes(float2 &found, int thread, int lane, int lanes, int stride) {
  const uint32_t own = sharedBase() + static_cast<uint32_t>(thread) * 8;
  writeShared<float2>(own, found);
  for (int step = lanes / 2; step > 0; step /= 2) {
    synchronizeBlock();
    if (lane < step) {
      const float2 other = readShared<float2>(own + static_cast<uint32_t>(step * stride) * 8);
      found.x += other.x;
      found.y += other.y;
      writeShared<float2>(own, found);
    }
  }
}

struct ChannelSums {
  static constexpr int width = 0, height = 0, sharedBytes = 256 * 8;

  static DEVICE void run(const ChannelSumsArguments &a) {
    const int thread = threadIdx.x, atOnce = a.channelsAtOnce, lanes = 256 / atOnce, lane = thread / atOnce,
              channel = static_cast<int>(blockIdx.x) * atOnce + thread % atOnce, run = blockIdx.y;
    const int first = run * a.runPixels, last = min(a.pixels - first, a.runPixels) + first;
    waitForEarlierKernels();
    float2 found = {0, 0};
    if (channel < a.channels) {
      const float mean = a.moments ? readGlobal(a.moments + channel) : 0.0f;
      float inverse = 1, weight = 1, bias = 0;
      if (a.function == 2) {
        inverse = inverseDeviation(a.moments, a.channels, channel, a.epsilon);
        if (a.rectifies) {
          weight = readGlobal(a.weights + channel);
          bias = readGlobal(a.biases + channel);
        }
      }
#pragma unroll 4
      for (int pixel = first + lane; pixel < last; pixel += lanes) {
        const int image = pixel / a.imagePixels, at = pixel % a.imagePixels;
        const float x = readPlace(
            a.input, image * a.input.imageStep + channel * a.input.channelStep + at * a.input.columnStep);
        if (a.function == 0) found.x += x;
        else if (a.function == 1) found.x += (x - mean) * (x - mean);
        else {
          const float unit = normalised(x, mean, inverse);
          float g = readPlace(
              a.gradient, image * a.gradient.imageStep + channel * a.gradient.channelStep + at * a.gradient.columnStep);
          if (a.rectifies && !(sum(product(weight, unit), bias) > 0)) g = 0;
          found.x += g;
          found.y += g * unit;
        }
      }
    }
    addLanes(found, thread, lane, lanes, atOnce);
    letLaterKernelsStart();
    if (channel >= a.channels || lane > 0) return;
    const int count = a.function == 2 ? 2 : 1;
    float *to = a.sums + static_cast<long long>(run) * count * a.channels + channel;
    writeGlobal(to, found.x);
    if (count == 2) writeGlobal(to + a.channels, found.y);
  }
};

struct ChannelTotals {
  static constexpr int width = 0, height = 0, sharedBytes = 256 * 8;

  static DEVICE void run(const ChannelTotalsArguments &a) {
    const int thread = threadIdx.x, lane = thread / 32, channel = static_cast<int>(blockIdx.x) * 32 + thread % 32,
              count = a.function == 3 ? 2 : 1;
    waitForEarlierKernels();
    float2 found = {0, 0};
    if (channel < a.channels)
#pragma unroll 4
      for (int run = lane; run < a.runs; run += 8) {
        const float *from = a.sums + static_cast<long long>(run) * count * a.channels + channel;
        found.x += readGlobal(from);
        if (count == 2) found.y += readGlobal(from + a.channels);
      }
    addLanes(found, thread, lane, 8, 32);
    letLaterKernelsStart();
    if (channel >= a.channels || lane > 0) return;
    float *to = a.output + channel;
    switch (a.function) {
      case 1: writeGlobal(to, found.x / a.count); break;
      case 2:
        writeGlobal(to + a.channels, found.x / a.count);
        writeGlobal(to + 2 * a.channels, a.count > 1 ? found.x / (a.count - 1) : found.x);
        break;
      case 3: writeGlobal(to + a.channels, found.y);
      default: writeGlobal(to, found.x);
    }
  }
};

struct NormalizeBatch : Untiled {
  static DEVICE void run(const BatchArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      const float unit =
          normalised(readElement(a.input, e.image, e.channel, e.y, e.x), readGlobal(a.moments + e.channel),
                     inverseDeviation(a.moments, a.element.channels, e.channel, a.epsilon));
      v = sum(product(readGlobal(a.weights + e.channel), unit), readGlobal(a.biases + e.channel));
      v = activate(a.before, v, e.channel) * a.scale;
      if (a.other.base) v += readElement(a.other, e.image, e.channel, e.y, e.x);
      v = activate(a.after, v, e.channel);
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};

struct BatchGradient : Untiled {
  static DEVICE void run(const BatchArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      const int channels = a.element.channels;
      const float inverse = inverseDeviation(a.moments, channels, e.channel, a.epsilon),
                  unit = normalised(readElement(a.input, e.image, e.channel, e.y, e.x),
                                    readGlobal(a.moments + e.channel), inverse),
                  weight = readGlobal(a.weights + e.channel);
      float g = readElement(a.other, e.image, e.channel, e.y, e.x);
      if (a.rectifies && !(sum(product(weight, unit), readGlobal(a.biases + e.channel)) > 0)) g = 0;
      const float shift = (readGlobal(a.sums + e.channel) + unit * readGlobal(a.sums + channels + e.channel)) / a.count;
      v = weight * inverse * (g - shift);
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};
