// Gradients of the weights of one group on the tensor cores, of pixels of 16 bits: products of matrices whose depth are pixels. A block
// makes 64 output channels, a warp 16 of them, by `Units` units of 16 input channels and all taps; it goes through the tiles of its run,
// 16 x 8 pixels of the gradient at a time, with their halo of the input. Both lie in shared memory as pixels, channels innermost, which
// is the wrong way round for either operand: `loadTransposedMatrices` turns them.
//
// In `WeightGradientArguments` runs are of tiles: `pixels` of all images, `runPixels` a run.
#pragma once

#include "element.cuh"
#include "tile.cuh"

template <class E, int Size, int Stride, int Units> struct WeightGradientTiles {
  static constexpr int width = 16, height = 8, threads = 128, stages = 3;
  /// Of one tap only the pixels are there that are read.
  static constexpr int step = Size == 1 ? Stride : 1, spread = Size == 1 ? 1 : Stride;
  static constexpr int haloWidth = (width - 1) * spread + Size, haloHeight = (height - 1) * spread + Size,
                       haloPixels = haloWidth * haloHeight;
  static constexpr uint32_t gradientBytes = width * height * 128, unitBytes = haloPixels * 32,
                            slotBytes = gradientBytes + Units * unitBytes;
  static constexpr int sharedBytes = stages * slotBytes, taps = Size * Size;

  /// Brings a tile to a slot. What is outside an image, or of channels that are not there, is 0.
  static DEVICE void copy(const WeightGradientArguments &a, uint32_t slot, int tile) {
    const int across = (a.outputWidth + width - 1) / width, down = (a.outputHeight + height - 1) / height,
              image = tile / (across * down), y0 = tile / across % down * height, x0 = tile % across * width;
    const int outputs = (a.outputs + 15) / 16 * 16, inputs = (a.inputs + 15) / 16 * 16;
    const E *gradient = static_cast<const E *>(a.gradient.base) + image * a.gradient.imageStep,
            *input = static_cast<const E *>(a.input.base) + image * a.input.imageStep;
#pragma unroll
    for (int i = 0; i < width * height * 8 / threads; i++) {
      const int at = static_cast<int>(threadIdx.x) + i * threads, piece = at & 7, pixel = at >> 3, x = x0 + pixel % width,
                y = y0 + pixel / width, channel = static_cast<int>(blockIdx.x) * 64 + piece * 8;
      const bool inside = x < a.outputWidth && y < a.outputHeight && channel < outputs;
      copyAsync(slot + static_cast<uint32_t>(pixel * 128 + ((piece ^ (pixel & 7)) << 4)),
                inside ? gradient + y * a.gradient.rowStep + x * a.gradient.columnStep + channel : gradient, inside);
    }
#pragma unroll
    for (int unit = 0; unit < Units; unit++) {
      const uint32_t target = slot + gradientBytes + static_cast<uint32_t>(unit) * unitBytes;
#pragma unroll 4
      for (int at = static_cast<int>(threadIdx.x); at < haloPixels * 2; at += threads) {
        const int half = at & 1, pixel = at >> 1, x = x0 * Stride - a.left + pixel % haloWidth * step,
                  y = y0 * Stride - a.top + pixel / haloWidth * step,
                  channel = (static_cast<int>(blockIdx.y) * Units + unit) * 16 + half * 8;
        const bool inside = x >= 0 && y >= 0 && x < a.width && y < a.height && channel < inputs;
        copyAsync(target + static_cast<uint32_t>(pixel * 32 + ((half ^ (pixel >> 2 & 1)) << 4)),
                  inside ? input + y * a.input.rowStep + x * a.input.columnStep + channel : input, inside);
      }
    }
  }

  static DEVICE void run(const WeightGradientArguments &a) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, run = blockIdx.z;
    const uint32_t ring = sharedBase();
    const int first = run * a.runPixels, count = min(a.pixels - first, a.runPixels);
    // Pixels of 8, then outputs of 8: the row of this lane.
    const int column = (lane >> 4) * 8 + (lane & 7), piece = warp * 2 + (lane >> 3 & 1);
    const uint32_t leftPlace = static_cast<uint32_t>(column * 128 + ((piece ^ (column & 7)) << 4));
    const HaloRows<spread> rows;
    float sums[taps][Units * 2][4] = {};
    waitForEarlierKernels();
#pragma unroll
    for (int tile = 0; tile < stages - 1; tile++) {
      if (tile < count) copy(a, ring + static_cast<uint32_t>(tile) * slotBytes, first + tile);
      commitCopies();
    }
    int slot = 0, nextSlot = stages - 1;
#pragma unroll 1
    for (int tile = 0; tile < count; tile++) {
      waitForCopies<stages - 2>();
      synchronizeBlock();
      if (tile + stages - 1 < count) copy(a, ring + static_cast<uint32_t>(nextSlot) * slotBytes, first + tile + stages - 1);
      commitCopies();
      const uint32_t gradient = ring + static_cast<uint32_t>(slot) * slotBytes + leftPlace,
                     input = ring + static_cast<uint32_t>(slot) * slotBytes + gradientBytes;
      auto add = [&](int tap, int unit, const uint32_t (&l)[4], const uint32_t (&r)[4]) {
        Product<E>::add16(sums[tap][unit * 2], l[0], l[1], l[2], l[3], r[0], r[1]);
        Product<E>::add16(sums[tap][unit * 2 + 1], l[0], l[1], l[2], l[3], r[2], r[3]);
      };
      if constexpr (Size == 3 && Stride == 1 && Units == 1) {
        // A row of the halo is read once for the three rows of taps.
        uint32_t left[3][4];
#pragma unroll
        for (int row = 0; row < haloHeight; row++) {
          uint32_t right[3][4];
#pragma unroll
          for (int dx = 0; dx < 3; dx++) loadTransposedMatrices(right[dx], rows.template address<haloWidth>(input, row, dx));
          if (row < height) loadTransposedMatrices(left[row % 3], gradient + static_cast<uint32_t>(row) * (width * 128));
#pragma unroll
          for (int dy = 0; dy < 3; dy++) {
            if (row < dy || row - dy >= height) continue;
#pragma unroll
            for (int dx = 0; dx < 3; dx++) add(dy * 3 + dx, 0, left[(row - dy) % 3], right[dx]);
          }
        }
      } else {
#pragma unroll
        for (int y = 0; y < height; y++) {
          uint32_t left[4];
          loadTransposedMatrices(left, gradient + static_cast<uint32_t>(y) * (width * 128));
#pragma unroll
          for (int unit = 0; unit < Units; unit++)
#pragma unroll
            for (int tap = 0; tap < taps; tap++) {
              uint32_t right[4];
              loadTransposedMatrices(right, rows.template address<haloWidth>(input + static_cast<uint32_t>(unit) * unitBytes,
                                                                             y * spread + tap / Size, tap % Size));
              add(tap, unit, left, right);
            }
        }
      }
      if (++slot == stages) slot = 0;
      if (++nextSlot == stages) nextSlot = 0;
    }
    letLaterKernelsStart();
    waitForCopies<0>();
    const int columns = a.inputs * taps;
#pragma unroll
    for (int tap = 0; tap < taps; tap++)
#pragma unroll
      for (int eight = 0; eight < Units * 2; eight++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const int output = static_cast<int>(blockIdx.x) * 64 + warp * 16 + (lane >> 2) + (i >> 1) * 8,
                    channel = static_cast<int>(blockIdx.y) * Units * 16 + eight * 8 + (lane & 3) * 2 + (i & 1);
          if (output < a.outputs && channel < a.inputs)
            writeGlobal(a.sums + (static_cast<long long>(run) * columns + tap * a.inputs + channel) * a.outputs + output,
                        sums[tap][eight][i]);
        }
  }
};
