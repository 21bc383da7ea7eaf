// Where a network ends: 3x3 from pixels to a few planes of float32.
//
// `Tail` is `Dense` or `DenseFloat` with eight output channels. Weights: for unit of input channels, column of taps, row of taps and
// lane, the right operand of m16n8k16, or of m16n8k8 for both parts.
#pragma once

#include "floatProducts.cuh"

/// What is multiplied at once of `Tail`'s rows by 8 output channels.
template <class E> struct EdgeProducts {
  static constexpr int tailBytes = 32 * 8;

  /// `left` gives six rows of halo, `right` is where the weights of a column of taps lie for this lane.
  template <class Left> static DEVICE void addTail(float (&sums)[4][4], Left left, uint32_t right) {
    uint32_t rows[6][4];
#pragma unroll
    for (int row = 0; row < 6; row++) left(rows[row], row);
#pragma unroll
    for (int dy = 0; dy < 3; dy++) {
      uint2 v = readShared<uint2>(right + dy * tailBytes);
#pragma unroll
      for (int row = 0; row < 4; row++) {
        uint32_t (&l)[4] = rows[row + dy];
        Product<E>::add16(sums[row], l[0], l[1], l[2], l[3], v.x, v.y);
      }
    }
  }
};

template <> struct EdgeProducts<float> {
  static constexpr int tailBytes = 32 * 16;

  template <class Left> static DEVICE void addTail(float (&sums)[4][4], Left left, uint32_t right) {
    ThreeProducts::Left rows[6];
#pragma unroll
    for (int row = 0; row < 6; row++) {
      uint32_t taken[4];
      left(taken, row);
      rows[row].set(taken);
    }
#pragma unroll
    for (int dy = 0; dy < 3; dy++)
      ThreeProducts::add([&](int row) -> float (&)[4] { return sums[row]; },
                         [&](int row) -> const ThreeProducts::Left & { return rows[row + dy]; },
                         readShared<uint4>(right + dy * tailBytes));
  }
};

template <class E, int Warps, int Stages> struct Tail {
  using Shape = Tile<Warps>;
  using Products = EdgeProducts<E>;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int weightBytes = 9 * Products::tailBytes, slotBytes = Shape::unitBytes + weightBytes;
  static constexpr int sharedBytes = Stages * slotBytes;

  /// Output and residual: `outputChannels` (8 or fewer) planes of float32.
  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a, 16 / sizeof(E));
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, units = a.inputChannels / static_cast<int>(32 / sizeof(E));
    const uint32_t ring = sharedBase();
    const E *input = static_cast<const E *>(a.input);
    const char *weights = static_cast<const char *>(a.weights);

    for (int unit = 0; unit < Stages - 1 && unit < units; unit++)
      Shape::copyBytes(ring + unit * slotBytes + Shape::unitBytes, weights + unit * weightBytes, weightBytes);
    float sums[4][4];
    float2 bias = readConstant(reinterpret_cast<const float2 *>(a.bias) + (lane & 3));
#pragma unroll
    for (int row = 0; row < 4; row++) {
      sums[row][0] = sums[row][2] = bias.x;
      sums[row][1] = sums[row][3] = bias.y;
    }
    waitForEarlierKernels();
    for (int unit = 0; unit < Stages - 1; unit++) {
      if (unit < units) tile.copyUnit(ring + unit * slotBytes, input, unit);
      commitCopies();
    }
    const HaloRows<> rows;
    int slot = 0, nextSlot = Stages - 1;
    for (int unit = 0; unit < units; unit++) {
      waitForCopies<Stages - 2>();
      synchronizeBlock();
      if (unit + Stages - 1 < units) {
        tile.copyUnit(ring + nextSlot * slotBytes, input, unit + Stages - 1);
        Shape::copyBytes(ring + nextSlot * slotBytes + Shape::unitBytes, weights + (unit + Stages - 1) * weightBytes,
                         weightBytes);
      }
      commitCopies();
      const uint32_t here = ring + slot * slotBytes, first = here + warp * (4 * 18 * 32),
                     right = here + Shape::unitBytes + lane * (Products::tailBytes / 32);
#pragma unroll
      for (int dx = 0; dx < 3; dx++)
        Products::addTail(
            sums, [&](uint32_t (&to)[4], int row) { loadMatrices(to, rows.template address<18>(first, row, dx)); },
            right + dx * (3 * Products::tailBytes));
      if (++slot == Stages) slot = 0;
      if (++nextSlot == Stages) nextSlot = 0;
    }
    letLaterKernelsStart();
    float *output = static_cast<float *>(a.output);
    const float *residual = static_cast<const float *>(a.residual);
#pragma unroll
    for (int row = 0; row < 4; row++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        int x = tile.x0 + (lane >> 2) + (i >> 1) * 8, y = tile.y0 + warp * 4 + row, channel = (lane & 3) * 2 + (i & 1);
        if (x < a.width && y < a.height && channel < a.outputChannels) {
          long long at = ((static_cast<long long>(tile.image) * a.outputChannels + channel) * a.height + y) * a.width + x;
          float v = sums[row][i];
          v = (fmaxf(v, 0.0f) + a.slope * fminf(v, 0.0f)) * a.scale;
          if (residual) v += readGlobal(residual + at);
          writeGlobal(output + at, a.rectifies && v < 0 ? 0.0f : v);
        }
      }
  }
};
