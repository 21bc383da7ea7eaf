// A residual block of two separable layers of 64 channels, or of one to three units of 16, in one kernel: y = x + scale * second(act(first(x))). Neither what
// lies between the layers nor the residual leaves the multiprocessor: 92 KiB of input, 77 KiB of middle and all weights are in
// shared memory.
//
// Eight warps make 32 x 16 outputs. The middle has a border of one pixel more: each warp makes its four rows of 16 pixels
// within the border as in `Separable`, and up to 16 pixels of the border. Middle pixels outside the image are zeros, as the
// second layer's padding.
//
// Weights: those of `Separable` for the first layer, then for the second, packed for `Unit`; biases likewise.
#pragma once

#include "separable.cuh"

template <class E, class Unit = SeparableUnit<E>> struct SeparableBlock {
  static constexpr int width = 32, height = 16, threads = 256, units = 4;
  static constexpr int middleWidth = width + 2, middlePixels = middleWidth * (height + 2), middleUnit = middlePixels * 32;
  static constexpr int haloWidth = width + 4, haloPixels = haloWidth * (height + 4), haloUnit = haloPixels * 32;
  static constexpr int weightBytes = units * Unit::bytes;
  static constexpr int sharedBytes = units * (haloUnit + middleUnit) + 2 * weightBytes;
  static constexpr int pieces = (haloPixels * 2 + threads - 1) / threads;
  static constexpr int borderPixels = 2 * middleWidth + 2 * height;

  /// Writes two channels of one middle pixel, activated; zeros outside the image.
  static DEVICE void writeMiddle(const ConvolutionArguments &a, uint32_t middle, int x0, int y0, int x, int y, int j, float low,
                                 float high) {
    const int pixel = y * middleWidth + x, lane = threadIdx.x & 31;
    const bool inside = x0 + x - 1 >= 0 && x0 + x - 1 < a.width && y0 + y - 1 >= 0 && y0 + y - 1 < a.height;
    low = fmaxf(low, low * a.slope);
    high = fmaxf(high, high * a.slope);
    writeShared<uint32_t>(middle + (j >> 1) * middleUnit + pixel * 32 + (((j & 1) ^ (pixel >> 2 & 1)) << 4) + (lane & 3) * 4,
                          inside ? Numbers<E>::pack(low, high) : 0u);
  }

  static DEVICE void run(const ConvolutionArguments &a) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, x0 = blockIdx.x * width, y0 = blockIdx.y * height,
              image = blockIdx.z;
    const uint32_t halo = sharedBase(), middle = halo + units * haloUnit, weights = middle + units * middleUnit;
    const E *input = static_cast<const E *>(a.input);
    const int present = a.inputChannels / 16;
#pragma unroll 1
    for (int at = threadIdx.x * 16; at < 2 * weightBytes; at += threads * 16)
      copyAsync(weights + at, static_cast<const char *>(a.weights) + at, true);
    int offsets[pieces];
#pragma unroll
    for (int i = 0; i < pieces; i++) {
      int pixel = (threadIdx.x + i * threads) >> 1, x = x0 - 2 + pixel % haloWidth, y = y0 - 2 + pixel / haloWidth;
      bool inside = x >= 0 && x < a.width && y >= 0 && y < a.height;
      offsets[i] = inside ? ((image * a.height + y) * a.width + x) * a.inputStride + static_cast<int>(threadIdx.x & 1) * 8 : -1;
    }
    waitForEarlierKernels();
#pragma unroll 1
    for (int unit = 0; unit < units; unit++) {
#pragma unroll
      for (int i = 0; i < pieces; i++) {
        int at = threadIdx.x + i * threads, pixel = at >> 1;
        if (unit < present && at < haloPixels * 2)
          copyAsync(halo + unit * haloUnit + pixel * 32 + (((at & 1) ^ (pixel >> 2 & 1)) << 4),
                    input + (offsets[i] < 0 ? 0 : offsets[i] + unit * 16), offsets[i] >= 0);
      }
      commitCopies();
    }

    const HaloRows<> rows;
    const int across = (warp & 1) * 16, down = (warp >> 1) * 4;
    const float2 *bias = reinterpret_cast<const float2 *>(a.bias) + (lane & 3);
    float sums[4][8][4];
    auto start = [&](int layer) {
#pragma unroll
      for (int j = 0; j < 8; j++) {
        float2 b = readConstant(bias + layer * 32 + j * 4);
#pragma unroll
        for (int row = 0; row < 4; row++) {
          sums[row][j][0] = sums[row][j][2] = b.x;
          sums[row][j][1] = sums[row][j][3] = b.y;
        }
      }
    };
    start(0);
#pragma unroll 1
    for (int unit = 0; unit < present; unit++) {
      if (unit == 0) waitForCopies<3>();
      else if (unit == 1) waitForCopies<2>();
      else if (unit == 2) waitForCopies<1>();
      else waitForCopies<0>();
      if (Unit::isGrouped && unit == 0) publishShared();
      synchronizeBlock();
      const Unit w(weights + unit * Unit::bytes);
      w.template addRows<haloWidth, 1, 1>(sums, rows, halo + unit * haloUnit + (down * haloWidth + across) * 32);
    }
#pragma unroll
    for (int row = 0; row < 4; row++)
#pragma unroll
      for (int j = 0; j < 8; j++)
#pragma unroll
        for (int half = 0; half < 2; half++)
          writeMiddle(a, middle, x0, y0, 1 + across + half * 8 + (lane >> 2), 1 + down + row, j, sums[row][j][half * 2],
                      sums[row][j][half * 2 + 1]);

    // Four warps that work together stay together.
    if (Unit::isGrouped || warp * 16 < borderPixels) {
      auto place = [&](int i, int &x, int &y) {
        if (i < middleWidth) {
          x = i;
          y = 0;
        } else if (i < 2 * middleWidth) {
          x = i - middleWidth;
          y = height + 1;
        } else if (i < 2 * middleWidth + height) {
          x = 0;
          y = 1 + i - 2 * middleWidth;
        } else {
          x = middleWidth - 1;
          y = 1 + i - 2 * middleWidth - height;
        }
      };
      int x, y, last = borderPixels - 1;
      place(min(warp * 16 + (lane & 15), last), x, y);
      const int window = y * haloWidth + x;
      float border[8][4];
#pragma unroll
      for (int j = 0; j < 8; j++) {
        float2 b = readConstant(bias + j * 4);
        border[j][0] = border[j][2] = b.x;
        border[j][1] = border[j][3] = b.y;
      }
#pragma unroll 1
      for (int unit = 0; unit < present; unit++) {
        const Unit w(weights + unit * Unit::bytes);
        w.template addPixels<haloWidth>(border, halo + unit * haloUnit, window);
      }
#pragma unroll
      for (int half = 0; half < 2; half++) {
        int i = warp * 16 + half * 8 + (lane >> 2);
        place(min(i, last), x, y);
#pragma unroll
        for (int j = 0; j < 8; j++)
          if (i <= last) writeMiddle(a, middle, x0, y0, x, y, j, border[j][half * 2], border[j][half * 2 + 1]);
      }
    }
    start(1);
    synchronizeBlock();
#pragma unroll 1
    for (int unit = 0; unit < present; unit++) {
      const Unit w(weights + weightBytes + unit * Unit::bytes);
      w.template addRows<middleWidth, 0, 0>(sums, rows, middle + unit * middleUnit + (down * middleWidth + across) * 32);
    }

    letLaterKernelsStart();
    // The sums go where the residual lies: pixels of the halo that are this warp's own.
    auto own = [&](int unit, int x, int y, int half) {
      int pixel = (2 + down + y) * haloWidth + 2 + across + x;
      return halo + unit * haloUnit + pixel * 32 + ((half ^ (pixel >> 2 & 1)) << 4);
    };
#pragma unroll
    for (int row = 0; row < 4; row++)
#pragma unroll
      for (int j = 0; j < 8; j++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
          uint32_t at = own(j >> 1, half * 8 + (lane >> 2), row, j & 1) + (lane & 3) * 4;
          float2 r = Numbers<E>::unpack(readShared<uint32_t>(at));
          writeShared<uint32_t>(
              at, Numbers<E>::pack(r.x + a.scale * sums[row][j][half * 2], r.y + a.scale * sums[row][j][half * 2 + 1]));
        }
    synchronizeWarp();
    E *output = static_cast<E *>(a.output);
    const E *second = static_cast<const E *>(a.second);
    // Eight lanes read four pixels of a unit, so that they find different banks; the warp stores four whole pixels.
    const int unit = lane >> 3, half = lane & 1, column = lane >> 1 & 3;
    long long at =
        ((static_cast<long long>(image) * a.height + y0 + down) * a.width + x0 + across + column) * a.outputStride + unit * 16 +
        half * 8;
    if (unit >= present) return;
    const int acrossStep = 4 * a.outputStride;
#pragma unroll 1
    for (int y = 0; y < 4 && y0 + down + y < a.height; y++, at += static_cast<long long>(a.width) * a.outputStride) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        if (x0 + across + i * 4 + column >= a.width) continue;
        uint4 v = readShared<uint4>(own(unit, i * 4 + column, y, half));
        if (second) v = addElements<E>(v, readGlobal(reinterpret_cast<const uint4 *>(second + at + i * acrossStep)));
        if (a.rectifies) v = rectifyElements<E>(v);
        writeGlobal(reinterpret_cast<uint4 *>(output + at + i * acrossStep), v);
      }
    }
  }
};
