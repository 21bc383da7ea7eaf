// Tiles of pixels in shared memory, and what happens to sums before they are stored.
//
// A tile is 16 outputs wide and a few rows a warp. Channels come in units of 32 bytes a pixel (16 channels of 16 bits, 8 of
// float32): a ring of units lets copies run ahead of products, whatever the number of channels. The two halves of a pixel's
// unit change places every four pixels, so that eight neighbours lie in different banks wherever they begin.
#pragma once

#include "arguments.h"
#include "device.cuh"

template <int Warps, int Size = 3, int Stride = 1, int Rows = 4> struct Tile {
  static constexpr int rowsOfWarp = Rows, width = 16, height = Warps * rowsOfWarp, threads = Warps * 32;
  static constexpr int haloWidth = (width - 1) * Stride + Size, haloHeight = (height - 1) * Stride + Size,
                       haloPixels = haloWidth * haloHeight;
  static constexpr int unitBytes = haloPixels * 32;
  static constexpr int pieces = (haloPixels * 2 + threads - 1) / threads;
  /// Of sums that wait to be stored: 64 channels a pixel, of 16 bits or of float32.
  static constexpr int stageBytes = width * height * 128, stageBytesOfFloat = 2 * stageBytes;

  int x0, y0, image, group, split;
  int offsets[pieces];  // of this thread's pieces in the input's first unit, in 16 bytes; -1 outside the image

  /// `elements` are those of 16 bytes; a block makes `groups` groups of output channels.
  DEVICE explicit Tile(const ConvolutionArguments &a, int elements = 8, int groups = 1) {
    x0 = blockIdx.x * width;
    y0 = blockIdx.y * height;
    const int rest = blockIdx.z / a.splits, blocks = a.groups / groups;
    split = blockIdx.z % a.splits;
    image = rest / blocks;
    group = rest % blocks * groups;
#pragma unroll
    for (int i = 0; i < pieces; i++) {
      int pixel = (threadIdx.x + i * threads) >> 1, x = x0 * Stride - Size / 2 + pixel % haloWidth,
          y = y0 * Stride - Size / 2 + pixel / haloWidth;
      bool inside = x >= 0 && x < a.width && y >= 0 && y < a.height;
      offsets[i] =
          inside ? ((image * a.height + y) * a.width + x) * (a.inputStride / elements) + static_cast<int>(threadIdx.x & 1)
                 : -1;
    }
  }

  /// Copies one unit of the halo to `target`.
  DEVICE void copyUnit(uint32_t target, const void *input, int unit) const {
#pragma unroll
    for (int i = 0; i < pieces; i++) {
      int at = threadIdx.x + i * threads, pixel = at >> 1;
      if (at < haloPixels * 2) {
        copyAsync(target + pixel * 32 + (((at & 1) ^ (pixel >> 2 & 1)) << 4),
                  static_cast<const uint4 *>(input) + (offsets[i] < 0 ? 0 : offsets[i] + unit * 2), offsets[i] >= 0);
      }
    }
  }

  /// Copies `bytes` that lie one after the other.
  static DEVICE void copyBytes(uint32_t target, const void *source, int bytes) {
#pragma unroll 1
    for (int at = threadIdx.x * 16; at < bytes; at += threads * 16)
      copyAsync(target + at, static_cast<const char *>(source) + at, true);
  }
};

/// The units of input channels that a block of a split reads.
struct Units {
  int first, count;
  DEVICE Units(const ConvolutionArguments &a, int split, int channels) {
    const int all = a.inputChannels / channels, most = (all + a.splits - 1) / a.splits;
    first = split * most;
    count = min(all - first, most);
  }
};

/// Groups of 64 channels of a pixel of the output; the last one may have fewer.
DEVICE int groupsOfPixel(const ConvolutionArguments &a) { return (a.outputChannels + 63) / 64; }

/// How many channels the output has from the group's first on: 64 or more, or what the last group has.
DEVICE int channelsFrom(const ConvolutionArguments &a, int group) {
  return a.outputChannels - (a.shuffle == 2 ? group % groupsOfPixel(a) : group) * 64;
}

/// Of the first of the group's 64 channels of what is computed at (x, y).
DEVICE long long outputOffset(const ConvolutionArguments &a, int image, int x, int y, int group) {
  int run = 0;
  if (a.shuffle == 2) {
    const int groups = groupsOfPixel(a);
    run = group / groups;
    group %= groups;
  }
  return (((static_cast<long long>(image) * a.outputHeight + y) * a.shuffle + (run >> 1)) * (a.outputWidth * a.shuffle) +
          x * a.shuffle + (run & 1)) *
             a.outputStride +
         group * 64;
}

/// Of the same in the sums of a split.
DEVICE long long partOffset(const ConvolutionArguments &a, int split, int image, int x, int y, int group) {
  return ((static_cast<long long>(split * a.images + image) * a.outputHeight + y) * a.outputWidth + x) * (a.groups * 64) +
         group * 64;
}

/// The sums of a warp's four rows of 16 pixels and 64 channels begin with the bias, but for those of later splits.
template <class Shape>
DEVICE void startSums(const ConvolutionArguments &a, const Shape &tile, float (&sums)[4][8][4]) {
  const float2 *bias = reinterpret_cast<const float2 *>(a.bias + tile.group * 64) + (threadIdx.x & 3);
#pragma unroll
  for (int j = 0; j < 8; j++) {
    float2 b = {0, 0};
    if (tile.split == 0) b = readConstant(bias + j * 4);
#pragma unroll
    for (int row = 0; row < 4; row++) {
      sums[row][j][0] = sums[row][j][2] = b.x;
      sums[row][j][1] = sums[row][j][3] = b.y;
    }
  }
}

/// Leaves them for `SumParts`: four lanes store 32 bytes that lie together.
template <class Shape>
DEVICE void storeParts(const ConvolutionArguments &a, const Shape &tile, float (&sums)[4][8][4]) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
#pragma unroll
  for (int row = 0; row < 4; row++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int x = tile.x0 + half * 8 + (lane >> 2), y = tile.y0 + warp * 4 + row;
      if (x >= a.outputWidth || y >= a.outputHeight) continue;
      float *to = static_cast<float *>(a.output) + partOffset(a, tile.split, tile.image, x, y, tile.group) + (lane & 3) * 2;
#pragma unroll
      for (int j = 0; j < 8; j++)
        writeGlobal(reinterpret_cast<float2 *>(to + j * 8), float2{sums[row][j][half * 2], sums[row][j][half * 2 + 1]});
    }
}

/// Where the pixels of 16 columns of halo lie for this lane: rows for `loadMatrices`, whose four matrices are the left and the
/// right eight pixels of the unit's first eight channels, then of its last eight.
template <int Stride = 1> struct HaloRows {
  uint32_t place[8];  // by the window's place % 8
  /// `unit` below is `ahead` pixels more than a multiple of eight after the unit's first.
  DEVICE explicit HaloRows(int ahead = 0) {
    int lane = threadIdx.x & 31, column = (lane & 15) * Stride, half = lane >> 4;
#pragma unroll
    for (int shift = 0; shift < 8; shift++) place[shift] = column * 32 + ((half ^ ((column + shift + ahead) >> 2 & 1)) << 4);
  }
  /// `unit` is where the warp's rows begin in the unit, whose rows are `Width` pixels.
  template <int Width> DEVICE uint32_t address(uint32_t unit, int row, int column) const {
    return unit + place[(column + Width * row) & 7] + (row * Width + column) * 32;
  }
};

/// How pixels of 64 channels wait in shared memory to be stored: by pieces of 16 bytes, which neighbouring pixels have in
/// different banks. A lane stores the same piece of every so many pixels.
template <class E> struct StagedPixels {
  using Pair = typename Numbers<E>::Pair;
  static constexpr int elements = 16 / sizeof(E), pieces = 64 / elements, pixelsAtOnce = 32 / pieces;
  static constexpr uint32_t pixelBytes = 64 * sizeof(E);

  uint32_t stage;
  int lane;
  DEVICE StagedPixels(uint32_t stage, int lane) : stage(stage), lane(lane) {}

  static DEVICE uint32_t turn(int pixel) { return (pixel & 7) * (pieces / 8); }
  /// This lane's pixel of those that the warp stores at once, and the first channel of its piece.
  DEVICE int pixel() const { return lane / pieces; }
  DEVICE int channel() const { return lane % pieces * elements; }
  /// Where the lane's piece lies of the pixel that many after the stage's first.
  DEVICE uint32_t place(int pixel) const { return stage + pixel * pixelBytes + ((lane % pieces ^ turn(pixel)) << 4); }

  /// Puts this lane's sums of two pixels, eight apart from `pixel` + lane / 4 on, where what is added to them waits: two
  /// channels each of every eight, as products leave them. Places of a pixel differ in few bits: one address, the rest by
  /// exclusive or.
  template <class Sum>
  DEVICE void end(const ConvolutionArguments &a, int pixel, Sum sum) const {
    const bool adds = a.residual != nullptr;
    const float above = a.scale, below = a.slope * a.scale;
    // Eight channels are one piece, or two.
    constexpr int piecesOfEight = pieces / 8;
    const int column = lane >> 2, byte = (lane & 3) * sizeof(Pair);
    const uint32_t first = stage + (pixel + column) * pixelBytes + byte % 16, turned = turn(column) ^ byte / 16;
#pragma unroll
    for (int j = 0; j < 8; j++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const uint32_t at = first + half * (8 * pixelBytes) + ((turned ^ j * piecesOfEight) << 4);
        float2 r = {0, 0};
        if (adds) r = Numbers<E>::unpack(readShared<Pair>(at));
        const float2 v = sum(j, half);
        writeShared<Pair>(at, Numbers<E>::pack(activated(v.x, above, below, r.x), activated(v.y, above, below, r.y)));
      }
  }

  /// Stores the lane's piece of a pixel at an offset of the output.
  DEVICE void store(const ConvolutionArguments &a, int pixel, long long at) const {
    uint4 v = readShared<uint4>(place(pixel));
    if (a.second) v = addElements<E>(v, readGlobal(reinterpret_cast<const uint4 *>(static_cast<const E *>(a.second) + at)));
    if (a.rectifies) v = rectifyElements<E>(v);
    writeGlobal(reinterpret_cast<uint4 *>(static_cast<E *>(a.output) + at), v);
  }
};

/// The outputs of a warp: four rows of 16 pixels and 64 channels, one row of products a row of pixels.
template <class E> struct WarpOutput : StagedPixels<E> {
  using Staged = StagedPixels<E>;
  using Staged::lane;
  static constexpr int pixels = Staged::pixelsAtOnce;
  int x0, y0, image, group;
  bool isThere;  // whether the output has the channels of this lane's piece

  template <class Shape>
  DEVICE WarpOutput(const ConvolutionArguments &a, uint32_t stages, const Shape &tile)
      : Staged(stages + (threadIdx.x >> 5) * 64 * Staged::pixelBytes, threadIdx.x & 31) {
    x0 = tile.x0;
    y0 = tile.y0 + (threadIdx.x >> 5) * 4;
    image = tile.image;
    group = tile.group;
    isThere = Staged::channel() < channelsFrom(a, group);
  }

  /// Elements from one pixel of the tile to the next, and from one row to the next.
  DEVICE int acrossStep(const ConvolutionArguments &a) const { return a.outputStride * a.shuffle; }
  DEVICE int downStep(const ConvolutionArguments &a) const { return a.outputWidth * a.outputStride * a.shuffle * a.shuffle; }
  /// Of this lane's piece of the pixel it stores first.
  DEVICE long long offset(const ConvolutionArguments &a) const {
    return outputOffset(a, image, x0 + Staged::pixel(), y0, group) + Staged::channel();
  }

  DEVICE void copyResidual(const ConvolutionArguments &a) const {
    const E *from = static_cast<const E *>(a.residual) + offset(a);
    const int across = pixels * acrossStep(a), down = downStep(a);
#pragma unroll 1
    for (int row = 0; row < 4; row++, from += down)
#pragma unroll
      for (int i = 0; i < 16 / pixels; i++) {
        const int x = Staged::pixel() + i * pixels;
        const bool inside = isThere && x0 + x < a.outputWidth && y0 + row < a.outputHeight;
        copyAsync(Staged::place(row * 16 + x), inside ? from + i * across : static_cast<const E *>(a.residual), inside);
      }
  }

  /// The residual's copies are waited for.
  DEVICE void store(const ConvolutionArguments &a, float (&sums)[4][8][4]) const {
    synchronizeWarp();
#pragma unroll
    for (int row = 0; row < 4; row++)
      Staged::end(a, row * 16,
                  [&](int j, int half) { return float2{sums[row][j][half * 2], sums[row][j][half * 2 + 1]}; });
    synchronizeWarp();
    if (!isThere) return;
    long long at = offset(a);
    const int across = pixels * acrossStep(a), down = downStep(a);
#pragma unroll 1
    for (int row = 0; row < 4; row++, at += down) {
      if (y0 + row >= a.outputHeight) break;
#pragma unroll
      for (int i = 0; i < 16 / pixels; i++) {
        const int x = Staged::pixel() + i * pixels;
        if (x0 + x < a.outputWidth) Staged::store(a, row * 16 + x, at + i * across);
      }
    }
  }
};
