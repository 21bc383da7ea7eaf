// Convolutions as products on the tensor cores: no patches are laid out; the shifted windows of a halo in shared memory are the
// left operands. `Dense` uses mma.sync (Ampere and later) and streams weights with the units of channels, any number of them. A
// transposed convolution of 2x2 with stride 2 is one of 1x1 whose groups go to four pixels.
//
// Weights of a group of 64 output channels, one unit of 16 input channels after the other: for column of taps, row of taps, 16
// output channels and lane, the right operands of two products of m16n8k16.
#pragma once

#include "tile.cuh"

template <class E, int Warps, int Stages, int Size = 3, int Stride = 1> struct Dense {
  using Shape = Tile<Warps, Size, Stride>;
  static constexpr int width = Shape::width, height = Shape::height;
  static constexpr int weightBytes = Size * Size * 4 * 32 * 16, slotBytes = Shape::unitBytes + weightBytes;
  static constexpr int sharedBytes = Stages * slotBytes + Shape::stageBytes;

  static DEVICE void run(const ConvolutionArguments &a) {
    const Shape tile(a);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const uint32_t ring = sharedBase();
    const WarpOutput<E> out(a, ring + Stages * slotBytes, tile);
    const Units part(a, tile.split, 16);
    const int units = part.count;
    const E *input = static_cast<const E *>(a.input) + part.first * 16;
    const char *weights = static_cast<const char *>(a.weights) +
                          (static_cast<long long>(tile.group) * (a.inputChannels / 16) + part.first) * weightBytes;

    Shape::copyBytes(ring + Shape::unitBytes, weights, weightBytes);
    waitForEarlierKernels();
    for (int unit = 0; unit < Stages - 1; unit++) {
      if (unit < units) {
        tile.copyUnit(ring + unit * slotBytes, input, unit);
        if (unit > 0) Shape::copyBytes(ring + unit * slotBytes + Shape::unitBytes, weights + unit * weightBytes, weightBytes);
      }
      commitCopies();
    }
    float sums[4][8][4];
    startSums(a, tile, sums);

    const HaloRows<Stride> rows;
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
      if (unit == (units > 1 ? 1 : 0) && a.residual) out.copyResidual(a);
      commitCopies();
      const uint32_t here = ring + slot * slotBytes, first = here + warp * (4 * Stride * Shape::haloWidth * 32),
                     right = here + Shape::unitBytes + lane * 16;
#pragma unroll
      for (int dx = 0; dx < Size; dx++) {
        constexpr int haloRows = 3 * Stride + Size;
        uint32_t left[haloRows][4];
#pragma unroll
        for (int row = 0; row < haloRows; row++)
          loadMatrices(left[row], rows.template address<Shape::haloWidth>(first, row, dx));
#pragma unroll
        for (int dy = 0; dy < Size; dy++)
#pragma unroll
          for (int j = 0; j < 4; j++) {
            uint4 v = readShared<uint4>(right + ((dx * Size + dy) * 4 + j) * 512);
#pragma unroll
            for (int row = 0; row < 4; row++) {
              uint32_t (&l)[4] = left[row * Stride + dy];
              Product<E>::add16(sums[row][j * 2], l[0], l[1], l[2], l[3], v.x, v.y);
              Product<E>::add16(sums[row][j * 2 + 1], l[0], l[1], l[2], l[3], v.z, v.w);
            }
          }
      }
      if (++slot == Stages) slot = 0;
      if (++nextSlot == Stages) nextSlot = 0;
    }
    letLaterKernelsStart();
    waitForCopies<0>();
    if (a.splits > 1) storeParts(a, tile, sums);
    else out.store(a, sums);
  }
};
