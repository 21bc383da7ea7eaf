// What a launch gives a kernel. Plain C, so that hosts in any language fill it in.
#pragma once

/// A convolution padded by half its size. Pixels lie row by row, the channels of a pixel together (NHWC). An image batch has
/// fewer than 2^31 elements at either end.
struct ConvolutionArguments {
  const void *input;     // inputChannels a pixel
  const void *weights;   // packed for the kernel
  const float *bias;     // 64 for each group of output channels
  const void *residual;  // laid out as the output, or null
  const void *second;    // another residual, or null
  void *output;
  int height, width;              // of the input
  int outputHeight, outputWidth;  // of what is computed, before pixels are shuffled
  int inputChannels;              // of a pixel, a multiple of 16
  int outputChannels;             // of a pixel of the output
  int groups;                     // of 64 output channels
  int shuffle;  // 1; or 2: the groups are four runs of outputChannels; run p goes to pixel (2 y + p / 2, 2 x + p % 2)
  int tilesAcross, tilesDown, images;
  /// y = residual + second + scale * (v < 0 ? slope * v : v), v being the sum with its bias; slope * scale is not more than
  /// scale.
  float slope, scale;
};

/// A pool over images of 16-bit pixels, `channels` (a multiple of 8) each; an image's output has fewer than 2^31 elements.
/// Blocks of 256 threads take eight channels of one output a thread, one row of blocks an image.
struct PoolArguments {
  const void *input;
  void *output;
  int height, width, outputHeight, outputWidth, channels, padding;
};
