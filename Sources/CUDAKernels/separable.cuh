// Depthwise 3x3, then pointwise, in one kernel; the middle never leaves the registers.
//
// The depthwise part runs on the tensor cores, too: a tap is a diagonal matrix, so that eight channels of a tap are one product
// of depth 8, and its sums lie just where the pointwise product wants its left operand. A row of the halo is read from shared
// memory once for the three rows of taps, and what is read is what the product takes: no register is moved.
//
// Weights of a group of 64 output channels, one unit of 16 input channels after the other:
//   9 x 8 words: for tap and g, the weights of channels g (low half) and g + 8 (high half) of the unit;
//   4 x 32 x 4 words: for 16 output channels and lane, the right operands of two products of m16n8k16.
// A bias of the depthwise part is folded into the pointwise one's.
#pragma once

#include "tile.cuh"

/// The 3x3 weights of 16 channels in registers, and the products with them.
template <class E> struct DepthwiseUnit {
  static constexpr int bytes = 9 * 8 * 4;
  uint32_t taps[9][2];

  DEVICE explicit DepthwiseUnit(uint32_t weights) {
    const int lane = threadIdx.x & 31;
    // A weight becomes the word of a diagonal matrix in this lane: its place in the pair, or nothing.
    const uint32_t diagonal = lane >> 3 == (lane & 3) ? (lane & 4 ? 0x1044u : 0x4410u) : 0x4444u;
    const uint32_t other = lane >> 3 == (lane & 3) ? (lane & 4 ? 0x3244u : 0x4432u) : 0x4444u;
#pragma unroll
    for (int tap = 0; tap < 9; tap++) {
      uint32_t both = readShared<uint32_t>(weights + tap * 32 + (lane >> 2) * 4);
      taps[tap][0] = permuteBytes(both, 0, diagonal);
      taps[tap][1] = permuteBytes(both, 0, other);
    }
  }

  /// Rows of 16 pixels; their window begins `Row` rows and `Column` columns after `first`. `finish` gets each row's sums of the
  /// first and the last eight channels.
  template <int Width, int Row, int Column, int Rows, class Finish>
  DEVICE void forRows(const HaloRows<> &rows, uint32_t first, Finish finish) const {
    float middle[3][2][4];
#pragma unroll
    for (int row = 0; row < Rows + 2; row++) {
      uint32_t now[3][4];
#pragma unroll
      for (int dx = 0; dx < 3; dx++) loadMatrices(now[dx], rows.template address<Width>(first, row + Row, dx + Column));
#pragma unroll
      for (int dx = 0; dx < 3; dx++)
#pragma unroll
        for (int dy = 2; dy >= 0; dy--)
#pragma unroll
          for (int e = 0; e < 2; e++) {
            if (row < dy || row - dy >= Rows) continue;
            float (&m)[4] = middle[(row - dy) % 3][e];
            if (dx == 0 && dy == 0) Product<E>::set8(m, now[dx][e * 2], now[dx][e * 2 + 1], taps[0][e]);
            else Product<E>::add8(m, now[dx][e * 2], now[dx][e * 2 + 1], taps[dy * 3 + dx][e]);
          }
      if (row >= 2) finish(row - 2, middle[(row - 2) % 3]);
    }
  }
};

/// And the weights of 16 input and 64 output channels.
template <class E> struct SeparableUnit : DepthwiseUnit<E> {
  static constexpr int bytes = DepthwiseUnit<E>::bytes + 4 * 32 * 16;
  using DepthwiseUnit<E>::taps;
  uint32_t right[4][4];

  DEVICE explicit SeparableUnit(uint32_t weights) : DepthwiseUnit<E>(weights) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      uint4 v = readShared<uint4>(weights + DepthwiseUnit<E>::bytes + j * 512 + (threadIdx.x & 31) * 16);
      right[j][0] = v.x;
      right[j][1] = v.y;
      right[j][2] = v.z;
      right[j][3] = v.w;
    }
  }

  DEVICE void multiply(float (&sums)[8][4], const float (&m)[2][4]) const {
    const uint32_t left[4] = {Numbers<E>::pack(m[0][0], m[0][1]), Numbers<E>::pack(m[0][2], m[0][3]),
                              Numbers<E>::pack(m[1][0], m[1][1]), Numbers<E>::pack(m[1][2], m[1][3])};
#pragma unroll
    for (int j = 0; j < 8; j++)
      Product<E>::add16(sums[j], left[0], left[1], left[2], left[3], right[j >> 1][(j & 1) * 2],
                        right[j >> 1][(j & 1) * 2 + 1]);
  }

  /// Four rows of 16 pixels.
  template <int Width, int Row, int Column>
  DEVICE void addRows(float (&sums)[4][8][4], const HaloRows<> &rows, uint32_t first) const {
    this->template forRows<Width, Row, Column, 4>(rows, first,
                                                  [&](int row, const float (&m)[2][4]) { multiply(sums[row], m); });
  }

  /// 16 pixels anywhere; this lane's is the pixel `window` (of its upper left tap) of a unit whose rows are `Width` pixels.
  template <int Width> DEVICE void addPixels(float (&sums)[8][4], uint32_t unit, int window) const {
    const int half = (threadIdx.x & 31) >> 4;
    float m[2][4];
#pragma unroll
    for (int tap = 0; tap < 9; tap++) {
      uint32_t taken[4];
      int pixel = window + tap / 3 * Width + tap % 3;
      loadMatrices(taken, unit + pixel * 32 + ((half ^ (pixel >> 2 & 1)) << 4));
#pragma unroll
      for (int e = 0; e < 2; e++) {
        if (tap == 0) Product<E>::set8(m[e], taken[e * 2], taken[e * 2 + 1], taps[0][e]);
        else Product<E>::add8(m[e], taken[e * 2], taken[e * 2 + 1], taps[tap][e]);
      }
    }
    multiply(sums, m);
  }
};

template <class E, int Warps, int Stages> struct Separable {
  using Shape = Tile<Warps>;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int weightBytes = SeparableUnit<E>::bytes, slotBytes = Shape::unitBytes + weightBytes;
  static constexpr int sharedBytes = Stages * slotBytes + Shape::stageBytes;

  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a);
    const int warp = threadIdx.x >> 5;
    const uint32_t ring = sharedBase();
    const WarpOutput<E> out(ring + Stages * slotBytes, tile);
    const Units part(a, tile.split, 16);
    const int units = part.count;
    const E *input = static_cast<const E *>(a.input) + part.first * 16;
    const char *weights = static_cast<const char *>(a.weights) +
                          (static_cast<long long>(tile.group) * (a.inputChannels / 16) + part.first) * weightBytes;

    letLaterKernelsStart();
#pragma unroll 1
    for (int unit = 0; unit < Stages - 1 && unit < units; unit++)
      Shape::copyBytes(ring + unit * slotBytes + Shape::unitBytes, weights + unit * weightBytes, weightBytes);
    waitForEarlierKernels();
#pragma unroll
    for (int unit = 0; unit < Stages - 1; unit++) {
      if (unit < units) tile.copyUnit(ring + unit * slotBytes, input, unit);
      commitCopies();
    }
    float sums[4][8][4];
    startSums(a, tile, sums);

    const HaloRows<> rows;
    int slot = 0, nextSlot = Stages - 1;
#pragma unroll 1
    for (int unit = 0; unit < units; unit++) {
      waitForCopies<Stages - 2>();
      synchronizeBlock();
      if (unit + Stages - 1 < units) {
        tile.copyUnit(ring + nextSlot * slotBytes, input, unit + Stages - 1);
        Shape::copyBytes(ring + nextSlot * slotBytes + Shape::unitBytes, weights + (unit + Stages - 1) * weightBytes,
                         weightBytes);
      }
      // Late enough not to hold up the first units, early enough to be there in the end.
      if (unit == (units > 1 ? 1 : 0) && a.residual) out.copyResidual(a);
      commitCopies();
      const uint32_t unitAt = ring + slot * slotBytes;
      SeparableUnit<E> weightsOfUnit(unitAt + Shape::unitBytes);
      weightsOfUnit.template addRows<Shape::haloWidth, 0, 0>(sums, rows, unitAt + warp * (4 * Shape::haloWidth * 32));
      if (++slot == Stages) slot = 0;
      if (++nextSlot == Stages) nextSlot = 0;
    }
    waitForCopies<0>();
    if (a.splits > 1) storeParts(a, tile, sums);
    else out.store(a, sums);
  }
};
