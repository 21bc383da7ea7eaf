// Convolutions of integers of 8 bits as products on the tensor cores, with sums in int32: `Dense` with units of 32 channels, which are 32
// bytes a pixel as there. What lies outside an image stands for 0, and what that adds to the sums the bias takes away.
//
// Weights of a group of 64 output channels, one unit of 32 input channels after the other: for column of taps, row of taps, 16 output
// channels and lane, the right operands of two products of m16n8k32.
#pragma once

#include "integers.cuh"
#include "tile.cuh"

/// What 64 channels of a pixel become: numbers of sums, and integers of numbers.
struct IntegerEnd {
  const IntegerLayerArguments &a;
  int group;
  DEVICE IntegerEnd(const IntegerLayerArguments &a, int group) : a(a), group(group) {}

  /// Before anything is added.
  DEVICE float number(int sums, int channel) const {
    const float v = product(asNumber(sums), readConstant(a.multipliers + group * 64 + channel));
    if (v >= 0) return v;
    return a.rectifiesFirst ? 0 : a.slopes ? product(readConstant(a.slopes + group * 64 + channel), v) : v;
  }
  DEVICE float added(float v, float residual) const {
    return sum(v, product(residual - a.residualZero, a.residualScale));
  }
  DEVICE float ended(float v) const { return stored(a.store, a.layer.rectifies && v < 0 ? 0 : v); }
  /// The integer that a residual's byte is.
  DEVICE float residual(unsigned byte) const {
    return a.residualIsSigned ? static_cast<float>(static_cast<signed char>(byte)) : static_cast<float>(byte);
  }

  /// Stores the integers of 16 channels from the group's `channel` on, which lie so many from the output's first.
  DEVICE void end(const int (&sums)[16], int channel, long long at) const {
    unsigned others[4] = {0, 0, 0, 0}, bytes[4] = {0, 0, 0, 0};
    if (a.layer.residual) {
      const uint4 r = readGlobal(reinterpret_cast<const uint4 *>(static_cast<const char *>(a.layer.residual) + at));
      others[0] = r.x, others[1] = r.y, others[2] = r.z, others[3] = r.w;
    }
#pragma unroll
    for (int i = 0; i < 16; i++) {
      float v = number(sums[i], channel + i);
      if (a.layer.residual) v = added(v, residual(others[i / 4] >> i % 4 * 8 & 255));
      bytes[i / 4] |= (static_cast<unsigned>(static_cast<int>(ended(v))) & 255) << i % 4 * 8;
    }
    writeGlobal(reinterpret_cast<uint4 *>(static_cast<char *>(a.layer.output) + at), uint4{bytes[0], bytes[1], bytes[2], bytes[3]});
  }
};

/// The sums of a warp, four rows of 16 pixels and 64 channels, as they wait in shared memory to become outputs: 272 bytes from one pixel
/// to the next, so that eight of them lie in different banks. A lane ends 16 channels of every eighth pixel.
struct WarpSums : IntegerEnd {
  static constexpr uint32_t pixelBytes = 64 * 4 + 16, bytes = 64 * pixelBytes;
  uint32_t stage;
  int lane, x0, y0, image;

  template <class Shape>
  DEVICE WarpSums(const IntegerLayerArguments &a, uint32_t stages, const Shape &tile)
      : IntegerEnd(a, tile.group), stage(stages + (threadIdx.x >> 5) * bytes), lane(threadIdx.x & 31), x0(tile.x0),
        y0(tile.y0 + (threadIdx.x >> 5) * 4), image(tile.image) {}

  DEVICE void store(const int (&sums)[4][8][4]) const {
#pragma unroll
    for (int row = 0; row < 4; row++)
#pragma unroll
      for (int half = 0; half < 2; half++)
#pragma unroll
        for (int j = 0; j < 8; j++)
          writeShared<uint2>(
              stage + (row * 16 + half * 8 + (lane >> 2)) * pixelBytes + j * 32 + (lane & 3) * 8,
              uint2{static_cast<unsigned>(sums[row][j][half * 2]), static_cast<unsigned>(sums[row][j][half * 2 + 1])});
    synchronizeWarp();
    const int channel = (lane & 3) * 16, channels = channelsFrom(a.layer, group) - channel;
    if (channels <= 0) return;
#pragma unroll 1
    for (int i = 0; i < 8; i++) {
      const int x = x0 + (i & 1) * 8 + (lane >> 2), y = y0 + (i >> 1);
      if (x >= a.layer.outputWidth || y >= a.layer.outputHeight) continue;
      int here[16];
#pragma unroll
      for (int piece = 0; piece < 4; piece++) {
        const uint4 v = readShared<uint4>(stage + (i * 8 + (lane >> 2)) * pixelBytes + channel * 4 + piece * 16);
        here[piece * 4] = static_cast<int>(v.x), here[piece * 4 + 1] = static_cast<int>(v.y);
        here[piece * 4 + 2] = static_cast<int>(v.z), here[piece * 4 + 3] = static_cast<int>(v.w);
      }
      if (a.store.isInteger) end(here, channel, outputOffset(a.layer, image, x, y, group) + channel);
      else endNumbers(here, channel, channels, x, y);
    }
  }

  /// As numbers, wherever they lie; what is added lies likewise.
  DEVICE void endNumbers(const int (&sums)[16], int channel, int channels, int x, int y) const {
    const int groups = groupsOfPixel(a.layer), s = a.layer.shuffle, run = s == 2 ? group / groups : 0;
    long long at = place(a.numbers, image, (s == 2 ? group % groups : group) * 64 + channel, y * s + (run >> 1), x * s + (run & 1));
    ValueView other = a.numbers;
    other.base = const_cast<void *>(a.layer.residual);
#pragma unroll
    for (int i = 0; i < 16; i++, at += a.numbers.channelStep) {
      if (i >= channels) break;
      float v = number(sums[i], channel + i);
      if (other.base) v = added(v, readPlace(other, at));
      writePlace(a.numbers, at, ended(v));
    }
  }
};

template <int Warps, int Stages, int Size = 3, int Stride = 1> struct DenseIntegers {
  using Shape = Tile<Warps, Size, Stride>;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int weightBytes = Size * Size * 4 * 32 * 16, slotBytes = Shape::unitBytes + weightBytes;
  // Sums wait where the units were.
  static constexpr int sumBytes = Warps * static_cast<int>(WarpSums::bytes);
  static constexpr int sharedBytes = Stages * slotBytes > sumBytes ? Stages * slotBytes : sumBytes;

  /// Copies one unit of the halo: 16 bytes of each pixel where its channels end there.
  static DEVICE void copyUnit(const IntegerLayerArguments &a, const Shape &tile, uint32_t target, int unit) {
    const uint4 *input = static_cast<const uint4 *>(a.layer.input);
#pragma unroll
    for (int i = 0; i < Shape::pieces; i++) {
      const int at = threadIdx.x + i * Shape::threads, pixel = at >> 1, offset = tile.offsets[i];
      if (at >= Shape::haloPixels * 2) continue;
      const uint32_t to = target + pixel * 32 + (((at & 1) ^ (pixel >> 2 & 1)) << 4);
      if (offset < 0) {
        writeShared<uint4>(to, uint4{a.border, a.border, a.border, a.border});
      } else {
        const bool isThere = unit * 32 + (at & 1) * 16 < a.layer.inputChannels;
        copyAsync(to, input + (isThere ? offset + unit * 2 : 0), isThere);
      }
    }
  }

  static DEVICE void run(const IntegerLayerArguments &a) {
    const Shape tile(a.layer, 16);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const uint32_t ring = sharedBase();
    const int units = (a.layer.inputChannels + 31) / 32;
    const char *weights =
        static_cast<const char *>(a.layer.weights) + static_cast<long long>(tile.group) * units * weightBytes;

    Shape::copyBytes(ring + Shape::unitBytes, weights, weightBytes);
    waitForEarlierKernels();
    for (int unit = 0; unit < Stages - 1; unit++) {
      if (unit < units) {
        copyUnit(a, tile, ring + unit * slotBytes, unit);
        if (unit > 0) Shape::copyBytes(ring + unit * slotBytes + Shape::unitBytes, weights + unit * weightBytes, weightBytes);
      }
      commitCopies();
    }
    int sums[4][8][4];
    const int *bias = reinterpret_cast<const int *>(a.layer.bias) + tile.group * 64 + (lane & 3) * 2;
#pragma unroll
    for (int j = 0; j < 8; j++) {
      const int low = readConstant(bias + j * 8), high = readConstant(bias + j * 8 + 1);
#pragma unroll
      for (int row = 0; row < 4; row++) {
        sums[row][j][0] = sums[row][j][2] = low;
        sums[row][j][1] = sums[row][j][3] = high;
      }
    }

    const HaloRows<Stride> rows;
    int slot = 0, nextSlot = Stages - 1;
#pragma unroll 1
    for (int unit = 0; unit < units; unit++) {
      waitForCopies<Stages - 2>();
      synchronizeBlock();
      if (unit + Stages - 1 < units) {
        copyUnit(a, tile, ring + nextSlot * slotBytes, unit + Stages - 1);
        Shape::copyBytes(ring + nextSlot * slotBytes + Shape::unitBytes, weights + (unit + Stages - 1) * weightBytes,
                         weightBytes);
      }
      commitCopies();
      const uint32_t here = ring + slot * slotBytes, first = here + warp * (4 * Stride * Shape::haloWidth * 32),
                     right = here + Shape::unitBytes + lane * 16;
#pragma unroll
      for (int dx = 0; dx < Size; dx++) {
        constexpr int haloRows = 3 * Stride + Size;
        uint32_t left[haloRows][4];
#pragma unroll
        for (int row = 0; row < haloRows; row++) {
          loadMatrices(left[row], rows.template address<Shape::haloWidth>(first, row, dx));
#pragma unroll
          for (int i = 0; i < 4; i++) left[row][i] ^= a.sign;
        }
#pragma unroll
        for (int dy = 0; dy < Size; dy++)
#pragma unroll
          for (int j = 0; j < 4; j++) {
            const uint4 v = readShared<uint4>(right + ((dx * Size + dy) * 4 + j) * 512);
#pragma unroll
            for (int row = 0; row < 4; row++) {
              const uint32_t(&l)[4] = left[row * Stride + dy];
              addIntegerProduct(sums[row][j * 2], l[0], l[1], l[2], l[3], v.x, v.y);
              addIntegerProduct(sums[row][j * 2 + 1], l[0], l[1], l[2], l[3], v.z, v.w);
            }
          }
      }
      if (++slot == Stages) slot = 0;
      if (++nextSlot == Stages) nextSlot = 0;
    }
    letLaterKernelsStart();
    waitForCopies<0>();
    synchronizeBlock();
    WarpSums(a, ring, tile).store(sums);
  }
};
