// Gradients of the weights of convolutions: for each weight the sum of x * g over all pixels of the output. The pixels are cut into runs by
// shapes alone; a block sums a run, and another kernel adds the runs in their order: the same bits in each run of the network.
#pragma once

#include "element.cuh"

/// Where a pixel of the output lies, and the first that it reads.
struct GradientPixel {
  int image, outputRow, outputColumn;

  DEVICE GradientPixel(const WeightGradientArguments &a, int pixel) {
    const int plane = a.outputHeight * a.outputWidth, at = pixel % plane;
    image = pixel / plane;
    outputRow = at / a.outputWidth;
    outputColumn = at % a.outputWidth;
  }
  DEVICE long long gradientPlace(const ValueView &v) const {
    return image * v.imageStep + outputRow * v.rowStep + outputColumn * v.columnStep;
  }
};

/// One group, without tensor cores: a product of matrices whose depth are the pixels of a run. A block makes 64 output channels of 64
/// columns, a thread four of four; 32 pixels at a time are brought to shared memory.
struct WeightGradient {
  static constexpr int width = 64, height = 64, depth = 32;
  static constexpr uint32_t tileBytes = depth * 64 * 4, placeBytes = 24;
  static constexpr int sharedBytes = 2 * tileBytes + depth * placeBytes;

  static DEVICE void run(const WeightGradientArguments &a) {
    const int thread = threadIdx.x, loadLane = thread % 64, loadRow = thread / 64, columns = a.inputs * a.kernelHeight * a.kernelWidth,
              output = static_cast<int>(blockIdx.x) * 64 + loadLane, column = static_cast<int>(blockIdx.y) * 64 + loadLane,
              tap = column / a.inputs, channel = column % a.inputs, run = blockIdx.z;
    const int dy = tap / a.kernelWidth * a.dilationHeight - a.top, dx = tap % a.kernelWidth * a.dilationWidth - a.left;
    const bool hasOutput = output < a.outputs, hasColumn = column < columns;
    const int first = run * a.runPixels, last = first + min(a.pixels - first, a.runPixels);
    const uint32_t gradients = sharedBase(), inputs = gradients + tileBytes, places = inputs + tileBytes;
    const uint32_t mine = static_cast<uint32_t>(thread / 16) * 16, theirs = static_cast<uint32_t>(thread % 16) * 16;
    float sums[4][4] = {};
    waitForEarlierKernels();
#pragma unroll 1
    for (int p = first; p < last; p += depth) {
      // What was brought is read by all.
      synchronizeBlock();
      if (thread < depth) {
        const GradientPixel pixel(a, min(p + thread, last - 1));
        const uint32_t place = places + static_cast<uint32_t>(thread) * placeBytes;
        writeShared<long long>(place, p + thread < last ? pixel.gradientPlace(a.gradient) : -1);
        writeShared<long long>(place + 8, pixel.image * a.input.imageStep);
        writeShared<int>(place + 16, pixel.outputRow * a.strideHeight);
        writeShared<int>(place + 20, pixel.outputColumn * a.strideWidth);
      }
      synchronizeBlock();
#pragma unroll
      for (int i = 0; i < depth / 4; i++) {
        const int row = loadRow + i * 4;
        const uint32_t place = places + static_cast<uint32_t>(row) * placeBytes, at = static_cast<uint32_t>(row * 64 + loadLane) * 4;
        const long long gradient = readShared<long long>(place), image = readShared<long long>(place + 8);
        const int y = readShared<int>(place + 16) + dy, x = readShared<int>(place + 20) + dx;
        const bool isInside = y >= 0 && x >= 0 && y < a.height && x < a.width;
        float g = 0, v = 0;
        if (gradient >= 0 && hasOutput) g = readPlace(a.gradient, gradient + output * a.gradient.channelStep);
        if (gradient >= 0 && hasColumn && isInside)
          v = readPlace(a.input, image + channel * a.input.channelStep + y * a.input.rowStep + x * a.input.columnStep);
        writeShared<float>(gradients + at, g);
        writeShared<float>(inputs + at, v);
      }
      synchronizeBlock();
#pragma unroll 8
      for (int k = 0; k < depth; k++) {
        const float4 g = readShared<float4>(gradients + static_cast<uint32_t>(k) * 256 + mine),
                     v = readShared<float4>(inputs + static_cast<uint32_t>(k) * 256 + theirs);
        const float left[4] = {g.x, g.y, g.z, g.w}, right[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
          for (int j = 0; j < 4; j++) sums[i][j] += left[i] * right[j];
      }
    }
    letLaterKernelsStart();
    const int firstOutput = static_cast<int>(blockIdx.x) * 64 + thread / 16 * 4,
              firstColumn = static_cast<int>(blockIdx.y) * 64 + thread % 16 * 4;
#pragma unroll
    for (int j = 0; j < 4; j++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        if (firstOutput + i < a.outputs && firstColumn + j < columns)
          writeGlobal(a.sums + (static_cast<long long>(run) * columns + firstColumn + j) * a.outputs + firstOutput + i, sums[i][j]);
  }
};

/// Several groups, such as a kernel a channel: 32 output channels of one column a block, eight threads for each.
struct WeightGradientOfGroups {
  static constexpr int width = 0, height = 0, sharedBytes = 256 * 4;

  static DEVICE void run(const WeightGradientArguments &a) {
    const int thread = threadIdx.x, lane = thread / 32, output = static_cast<int>(blockIdx.x) * 32 + thread % 32, column = blockIdx.y,
              run = blockIdx.z, tap = column / a.inputs, channel = output / (a.outputs / a.groups) * a.inputs + column % a.inputs;
    const int dy = tap / a.kernelWidth * a.dilationHeight - a.top, dx = tap % a.kernelWidth * a.dilationWidth - a.left;
    const int first = run * a.runPixels, last = first + min(a.pixels - first, a.runPixels);
    waitForEarlierKernels();
    float sum = 0;
    if (output < a.outputs)
#pragma unroll 4
      for (int p = first + lane; p < last; p += 8) {
        const GradientPixel pixel(a, p);
        const int y = pixel.outputRow * a.strideHeight + dy, x = pixel.outputColumn * a.strideWidth + dx;
        if (y < 0 || x < 0 || y >= a.height || x >= a.width) continue;
        sum += readElement(a.input, pixel.image, channel, y, x) *
               readPlace(a.gradient, pixel.gradientPlace(a.gradient) + output * a.gradient.channelStep);
      }
    const uint32_t own = sharedBase() + static_cast<uint32_t>(thread) * 4;
    writeShared<float>(own, sum);
    for (int step = 4; step > 0; step /= 2) {
      synchronizeBlock();
      if (lane < step) {
        sum += readShared<float>(own + static_cast<uint32_t>(step) * 128);
        writeShared<float>(own, sum);
      }
    }
    letLaterKernelsStart();
    if (output >= a.outputs || lane > 0) return;
    const int columns = a.inputs * a.kernelHeight * a.kernelWidth;
    writeGlobal(a.sums + (static_cast<long long>(run) * columns + column) * a.outputs + output, sum);
  }
};

/// A kernel of 3x3 a channel, one pixel apart: 32 channels a block, each of its eight warps a row at a time, of which a window is kept. In
/// `WeightGradientArguments` runs are of rows: `pixels` of all images, `runPixels` a run.
struct WeightGradientOfChannels {
  static constexpr int width = 0, height = 0, sharedBytes = 256 * 4;

  static DEVICE void run(const WeightGradientArguments &a) {
    const int thread = threadIdx.x, lane = thread / 32, channel = static_cast<int>(blockIdx.x) * 32 + thread % 32, run = blockIdx.z;
    const int first = run * a.runPixels, last = first + min(a.pixels - first, a.runPixels);
    float sums[9] = {};
    waitForEarlierKernels();
    if (channel < a.outputs)
#pragma unroll 1
      for (int at = first + lane; at < last; at += 8) {
        const int image = at / a.outputHeight, y = at % a.outputHeight;
        auto read = [&](int row, int x) {
          const int v = y - a.top + row, u = x - a.left;
          return v >= 0 && u >= 0 && v < a.height && u < a.width ? readElement(a.input, image, channel, v, u) : 0.0f;
        };
        float window[3][3];
#pragma unroll
        for (int row = 0; row < 3; row++) {
          window[row][1] = read(row, 0);
          window[row][2] = read(row, 1);
        }
#pragma unroll 3
        for (int x = 0; x < a.outputWidth; x++) {
          const float g = readElement(a.gradient, image, channel, y, x);
#pragma unroll
          for (int row = 0; row < 3; row++) {
            window[row][0] = window[row][1];
            window[row][1] = window[row][2];
            window[row][2] = read(row, x + 2);
#pragma unroll
            for (int column = 0; column < 3; column++) sums[row * 3 + column] += window[row][column] * g;
          }
        }
      }
    letLaterKernelsStart();
    const uint32_t own = sharedBase() + static_cast<uint32_t>(thread) * 4;
#pragma unroll
    for (int tap = 0; tap < 9; tap++) {
      float sum = sums[tap];
      // What was found of the tap before is read by all.
      synchronizeBlock();
      writeShared<float>(own, sum);
      for (int step = 4; step > 0; step /= 2) {
        synchronizeBlock();
        if (lane < step) {
          sum += readShared<float>(own + static_cast<uint32_t>(step) * 128);
          writeShared<float>(own, sum);
        }
      }
      if (channel < a.outputs && lane == 0) writeGlobal(a.sums + (static_cast<long long>(run) * 9 + tap) * a.outputs + channel, sum);
    }
  }
};

/// A thread adds the runs of one weight.
struct WeightTotals : Untiled {
  static DEVICE void run(const WeightTotalsArguments &a) {
    const int columns = a.inputs * a.kernelHeight * a.kernelWidth;
    const long long at = static_cast<long long>(blockIdx.x) * 256 + static_cast<unsigned>(threadIdx.x),
                    count = static_cast<long long>(columns) * a.outputs;
    waitForEarlierKernels();
    if (at >= count) return;
    float sum = 0;
#pragma unroll 4
    for (int run = 0; run < a.runs; run++) sum += readGlobal(a.sums + run * count + at);
    letLaterKernelsStart();
    const int output = static_cast<int>(at % a.outputs), column = static_cast<int>(at / a.outputs), tap = column / a.inputs;
    writeElement(a.output, output, column % a.inputs, tap / a.kernelWidth, tap % a.kernelWidth, sum);
  }
};
