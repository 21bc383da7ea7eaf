// Where a network begins and ends: 3x3 from a few planes of float32 to 64 channels (`Head`) and back (`Tail`).
//
// `Head` lays the patches of a few planes out in registers: depth is tap, then plane, padded with zeros to whole products.
// Weights: for 16 of that depth, 16 output channels and lane, the right operands of two products of m16n8k16; in float32 for 8
// of that depth, 8 output channels and lane, the right operand of m16n8k8 for both parts. `Tail` is `Dense` or `DenseFloat`
// with eight output channels. Weights: for unit of input channels, column of taps, row of taps and lane, the right operand of
// m16n8k16, or of m16n8k8 for both parts.
#pragma once

#include "threeProducts.cuh"
#include "tile.cuh"

/// What is multiplied at once of `Head`'s depth, by 64 output channels, and of `Tail`'s rows by 8.
template <class E> struct EdgeProducts {
  static constexpr int depth = 16, places = 4;  // of that depth in a lane
  static constexpr int headPieces = 4 * 32, tailBytes = 32 * 8;

  static DEVICE int place(int i, int lane) { return (lane & 3) * 2 + (i & 1) + (i >> 1) * 8; }

  /// `value` gives a row's element of a place at the lane's pixel, or at that + 8.
  template <class Value> static DEVICE void addHead(float (&sums)[4][8][4], const uint4 *weights, Value value) {
    uint4 right[4];
#pragma unroll
    for (int j = 0; j < 4; j++) right[j] = readConstant(weights + j * 32);
#pragma unroll
    for (int row = 0; row < 4; row++) {
      auto pair = [&](int i, int pixel) { return Numbers<E>::pack(value(row, i, pixel), value(row, i + 1, pixel)); };
      uint32_t left[4] = {pair(0, 0), pair(0, 8), pair(2, 0), pair(2, 8)};
#pragma unroll
      for (int j = 0; j < 4; j++) {
        Product<E>::add16(sums[row][j * 2], left[0], left[1], left[2], left[3], right[j].x, right[j].y);
        Product<E>::add16(sums[row][j * 2 + 1], left[0], left[1], left[2], left[3], right[j].z, right[j].w);
      }
    }
  }

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
  static constexpr int depth = 8, places = 2;
  static constexpr int headPieces = 8 * 32, tailBytes = 32 * 16;

  static DEVICE int place(int i, int lane) { return (lane & 3) + i * 4; }

  template <class Value> static DEVICE void addHead(float (&sums)[4][8][4], const uint4 *weights, Value value) {
    FloatOperand left[4];
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const uint32_t bits[4] = {asBits(value(row, 0, 0)), asBits(value(row, 0, 8)), asBits(value(row, 1, 0)),
                                asBits(value(row, 1, 8))};
      left[row].set(bits);
    }
#pragma unroll
    for (int j = 0; j < 8; j++)
      addThreeProducts([&](int row) -> float (&)[4] { return sums[row][j]; },
                       [&](int row) -> const FloatOperand & { return left[row]; }, readConstant(weights + j * 32));
  }

  template <class Left> static DEVICE void addTail(float (&sums)[4][4], Left left, uint32_t right) {
    FloatOperand rows[6];
#pragma unroll
    for (int row = 0; row < 6; row++) {
      uint32_t taken[4];
      left(taken, row);
      rows[row].set(taken);
    }
#pragma unroll
    for (int dy = 0; dy < 3; dy++)
      addThreeProducts([&](int row) -> float (&)[4] { return sums[row]; },
                       [&](int row) -> const FloatOperand & { return rows[row + dy]; },
                       readShared<uint4>(right + dy * tailBytes));
  }
};

template <class E, int Planes, int Warps> struct Head {
  using Shape = Tile<Warps>;
  using Products = EdgeProducts<E>;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int depth = 9 * Planes, steps = (depth + Products::depth - 1) / Products::depth;
  static constexpr int haloBytes = (Planes * Shape::haloPixels * 4 + 4 + 15) / 16 * 16;  // and a zero
  static constexpr int sharedBytes = haloBytes + (sizeof(E) == 4 ? Shape::stageBytesOfFloat : Shape::stageBytes);

  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const uint32_t halo = sharedBase(), zero = halo + Planes * Shape::haloPixels * 4;
    const WarpOutput<E> out(a, halo + haloBytes, tile);
    const float *input = static_cast<const float *>(a.input);

    float sums[4][8][4];
    startSums(a, tile, sums);
    waitForEarlierKernels();
    for (int i = threadIdx.x; i < Planes * Shape::haloPixels; i += Shape::threads) {
      int plane = i / Shape::haloPixels, pixel = i % Shape::haloPixels;
      int x = tile.x0 - 1 + pixel % Shape::haloWidth, y = tile.y0 - 1 + pixel / Shape::haloWidth;
      bool inside = x >= 0 && x < a.width && y >= 0 && y < a.height;
      writeShared<float>(
          halo + i * 4,
          inside ? readGlobal(input + ((static_cast<long long>(tile.image) * Planes + plane) * a.height + y) * a.width + x)
                 : 0.0f);
    }
    if (threadIdx.x == 0) writeShared<float>(zero, 0.0f);
    if (a.residual) out.copyResidual(a);
    commitCopies();
    synchronizeBlock();
#pragma unroll
    for (int step = 0; step < steps; step++) {
      constexpr int places = Products::places;
      uint32_t at[places], next[places];  // of this lane's depths at its first pixel, and what to add for the next row
#pragma unroll
      for (int i = 0; i < places; i++) {
        int d = step * Products::depth + Products::place(i, lane), tap = d / Planes;
        bool real = d < depth;
        at[i] =
            real ? halo + (d % Planes * Shape::haloPixels + (warp * 4 + tap / 3) * Shape::haloWidth + (lane >> 2) + tap % 3) * 4
                 : zero;
        next[i] = real ? 4 : 0;
      }
      Products::addHead(sums,
                        static_cast<const uint4 *>(a.weights) + (tile.group * steps + step) * Products::headPieces + lane,
                        [&](int row, int i, int pixel) {
                          return readShared<float>(at[i] + next[i] * (row * Shape::haloWidth + pixel));
                        });
    }
    letLaterKernelsStart();
    waitForCopies<0>();
    out.store(a, sums);
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
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, units = a.inputChannels / Products::depth;
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
