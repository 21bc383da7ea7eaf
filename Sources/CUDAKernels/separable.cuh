// Depthwise 3x3, then pointwise, in one kernel; the middle never leaves the registers.
//
// The depthwise part runs on the tensor cores, too: a tap is a diagonal matrix, so that eight channels of two taps are one product
// of depth 16, and its sums lie just where the pointwise product wants its left operand. A row of the halo is read from shared
// memory once for the three rows of taps, and what is read is what the product takes: no register is moved. Of the nine taps the
// two to the left in each row are a pair, the upper two of those to the right another.
//
// Weights of a group of 64 output channels, one unit of 16 input channels after the other:
//   9 x 8 words: for tap and g, the weights of channels g (low half) and g + 8 (high half) of the unit;
//   4 x 32 x 4 words: for 16 output channels and lane, the right operands of two products of m16n8k16.
// A bias of the depthwise part is folded into the pointwise one's.
#pragma once

#include "floatProducts.cuh"
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
    uint32_t now[3][4], before[4];
#pragma unroll
    for (int row = 0; row < Rows + 2; row++) {
#pragma unroll
      for (int dx = 0; dx < 3; dx++) loadMatrices(now[dx], rows.template address<Width>(first, row + Row, dx + Column));
#pragma unroll
      for (int dy = 2; dy >= 0; dy--)
#pragma unroll
        for (int e = 0; e < 2; e++) {
          if (row < dy || row - dy >= Rows) continue;
          float (&m)[4] = middle[(row - dy) % 3][e];
          const uint32_t (&left)[4] = now[0], (&centre)[4] = now[1];
          if (dy == 0)
            Product<E>::set16(m, left[e * 2], left[e * 2 + 1], centre[e * 2], centre[e * 2 + 1], taps[0][e], taps[1][e]);
          else
            Product<E>::add16(m, left[e * 2], left[e * 2 + 1], centre[e * 2], centre[e * 2 + 1], taps[dy * 3][e],
                              taps[dy * 3 + 1][e]);
        }
#pragma unroll
      for (int dy = 2; dy >= 1; dy--)
#pragma unroll
        for (int e = 0; e < 2; e++) {
          if (row < dy || row - dy >= Rows) continue;
          float (&m)[4] = middle[(row - dy) % 3][e];
          const uint32_t (&right)[4] = now[2];
          if (dy == 1)
            Product<E>::add16(m, before[e * 2], before[e * 2 + 1], right[e * 2], right[e * 2 + 1], taps[2][e], taps[5][e]);
          else Product<E>::add8(m, right[e * 2], right[e * 2 + 1], taps[8][e]);
        }
#pragma unroll
      for (int i = 0; i < 4; i++) before[i] = now[2][i];
      if (row >= 2) finish(row - 2, middle[(row - 2) % 3]);
    }
  }

  /// 16 pixels anywhere; this lane's is the pixel `window` (of its upper left tap) of a unit whose rows are `Width` pixels.
  template <int Width> DEVICE void pixels(float (&m)[2][4], uint32_t unit, int window) const {
    const int half = (threadIdx.x & 31) >> 4;
    auto take = [&](uint32_t (&taken)[4], int tap) {
      const int pixel = window + tap / 3 * Width + tap % 3;
      loadMatrices(taken, unit + pixel * 32 + ((half ^ (pixel >> 2 & 1)) << 4));
    };
#pragma unroll
    for (int tap = 0; tap < 9; tap += 2) {
      uint32_t one[4], two[4];
      take(one, tap);
      if (tap < 8) take(two, tap + 1);
#pragma unroll
      for (int e = 0; e < 2; e++) {
        if (tap == 0) Product<E>::set16(m[e], one[e * 2], one[e * 2 + 1], two[e * 2], two[e * 2 + 1], taps[0][e], taps[1][e]);
        else if (tap < 8)
          Product<E>::add16(m[e], one[e * 2], one[e * 2 + 1], two[e * 2], two[e * 2 + 1], taps[tap][e], taps[tap + 1][e]);
        else Product<E>::add8(m[e], one[e * 2], one[e * 2 + 1], taps[8][e]);
      }
    }
  }
};

/// And the weights of 16 input and 64 output channels.
template <class E> struct SeparableUnit : DepthwiseUnit<E> {
  /// Whether four warps work together.
  static constexpr bool isGrouped = false;
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

  /// 16 pixels anywhere; see `DepthwiseUnit`.
  template <int Width> DEVICE void addPixels(float (&sums)[8][4], uint32_t unit, int window) const {
    float m[2][4];
    this->template pixels<Width>(m, unit, window);
    multiply(sums, m);
  }
};

/// A unit of 8 channels of float32. The depthwise part is summed as it is, where the pointwise product wants its left operand;
/// that one is three products of TF32, or one, as in `DenseFloat`.
///
/// Weights: for tap and c, those of channels c and c + 4; for 8 output channels and lane, the right operand of m16n8k8 for the
/// weights' first parts (two words), then for their second, if there are any.
template <class Products> struct SeparableUnitFloat {
  using Right = typename Products::Right;
  static constexpr bool isGrouped = false;
  static constexpr int bytes = 9 * 4 * 8 + 8 * 32 * sizeof(Right);
  uint32_t right;
  float2 taps[9];

  DEVICE explicit SeparableUnitFloat(uint32_t weights) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int tap = 0; tap < 9; tap++) taps[tap] = readShared<float2>(weights + tap * 32 + (lane & 3) * 8);
    right = weights + 9 * 4 * 8 + lane * sizeof(Right);
  }

  template <int Width, int Row, int Column>
  DEVICE void addRows(float (&sums)[4][8][4], const HaloRows<> &rows, uint32_t first) const {
    // Pixels lane / 4 and that + 8 of channel lane % 4, then of that + 4.
    float middle[4][4];
#pragma unroll
    for (int row = 0; row < 6; row++)
#pragma unroll
      for (int dx = 0; dx < 3; dx++) {
        uint32_t now[4];
        loadMatrices(now, rows.template address<Width>(first, row + Row, dx + Column));
#pragma unroll
        for (int dy = 0; dy < 3; dy++) {
          if (row < dy || row - dy >= 4) continue;
          float (&m)[4] = middle[row - dy];
          const float2 w = taps[dy * 3 + dx];
#pragma unroll
          for (int i = 0; i < 4; i++) {
            const float v = asFloat(now[i]), weight = i < 2 ? w.x : w.y;
            m[i] = dx == 0 && dy == 0 ? v * weight : m[i] + v * weight;
          }
        }
      }
    typename Products::Left left[4];
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const uint32_t bits[4] = {asBits(middle[row][0]), asBits(middle[row][1]), asBits(middle[row][2]), asBits(middle[row][3])};
      left[row].set(bits);
    }
#pragma unroll
    for (int j = 0; j < 8; j++)
      Products::add([&](int row) -> float (&)[4] { return sums[row][j]; },
                    [&](int row) -> const typename Products::Left & { return left[row]; },
                    readShared<Right>(right + j * (32 * sizeof(Right))));
  }
};
template <> struct SeparableUnit<float> : SeparableUnitFloat<ThreeProducts> {
  using SeparableUnitFloat::SeparableUnitFloat;
};

/// The same by products of four warps (wgmma, sm_90a), whose left operands are the registers that the depthwise part ends in: a row's
/// product runs while the next row's depthwise part does. The pointwise weights lie, after those of the depthwise part, by eight input
/// channels, output channel, the eight weights. Shared memory is published before.
template <class E> struct SeparableUnitHopper : DepthwiseUnit<E> {
  static constexpr bool isGrouped = true;
  static constexpr int bytes = DepthwiseUnit<E>::bytes + 64 * 16 * 2;
  uint64_t right;

  DEVICE explicit SeparableUnitHopper(uint32_t weights)
      : DepthwiseUnit<E>(weights), right(matrixDescriptor(weights + DepthwiseUnit<E>::bytes, 128, 1024)) {}

  /// The product of before the last one is done.
  DEVICE void multiply(float (&sums)[8][4], const float (&m)[2][4], uint32_t (&left)[4]) const {
    left[0] = Numbers<E>::pack(m[0][0], m[0][1]);
    left[1] = Numbers<E>::pack(m[0][2], m[0][3]);
    left[2] = Numbers<E>::pack(m[1][0], m[1][1]);
    left[3] = Numbers<E>::pack(m[1][2], m[1][3]);
    beginGroupProducts();
    addGroupProduct(sums, left, right, static_cast<E *>(nullptr));
    commitGroupProducts();
    waitForGroupProducts<1>();
  }

  template <int Width, int Row, int Column>
  DEVICE void addRows(float (&sums)[4][8][4], const HaloRows<> &rows, uint32_t first) const {
    uint32_t left[2][4];
    this->template forRows<Width, Row, Column, 4>(
        rows, first, [&](int row, const float (&m)[2][4]) { multiply(sums[row], m, left[row & 1]); });
    waitForGroupProducts<0>();
  }

  template <int Width> DEVICE void addPixels(float (&sums)[8][4], uint32_t unit, int window) const {
    float m[2][4];
    this->template pixels<Width>(m, unit, window);
    uint32_t left[4];
    multiply(sums, m, left);
    waitForGroupProducts<0>();
  }
};

template <class E, int Warps, int Stages, class Unit = SeparableUnit<E>> struct Separable {
  using Shape = Tile<Warps>;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int weightBytes = Unit::bytes, slotBytes = Shape::unitBytes + weightBytes;
  static constexpr int sharedBytes =
      Stages * slotBytes + (sizeof(E) == 4 ? Shape::stageBytesOfFloat : Shape::stageBytes);

  static DEVICE void run(const ConvolutionArguments &a) {
    constexpr int channels = 32 / sizeof(E);
    const Shape tile(a, channels / 2);
    const int warp = threadIdx.x >> 5;
    const uint32_t ring = sharedBase();
    const WarpOutput<E> out(a, ring + Stages * slotBytes, tile);
    const Units part(a, tile.split, channels);
    const int units = part.count;
    const E *input = static_cast<const E *>(a.input) + part.first * channels;
    const char *weights = static_cast<const char *>(a.weights) +
                          (static_cast<long long>(tile.group) * (a.inputChannels / channels) + part.first) * weightBytes;

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
      if (Unit::isGrouped) publishShared();
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
      const Unit weightsOfUnit(unitAt + Shape::unitBytes);
      weightsOfUnit.template addRows<Shape::haloWidth, 0, 0>(sums, rows, unitAt + warp * (4 * Shape::haloWidth * 32));
      if (++slot == Stages) slot = 0;
      if (++nextSlot == Stages) nextSlot = 0;
    }
    letLaterKernelsStart();
    waitForCopies<0>();
    if (a.splits > 1) storeParts(a, tile, sums);
    else out.store(a, sums);
  }
};
