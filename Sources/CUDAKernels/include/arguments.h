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
  int inputChannels;              // that are read of a pixel, a multiple of 16
  int inputStride;                // elements from one pixel of the input to the next, a multiple of 16
  int outputChannels;             // that are made of a pixel of the output, a multiple of 16 (of planes up to 8)
  int outputStride;               // elements from one pixel of the output, and of the residuals, to the next
  int groups;                     // of 64 output channels; of the last one of a pixel only those that there are are stored
  int shuffle;  // 1; or 2: the groups are four runs of outputChannels; run p goes to pixel (2 y + p / 2, 2 x + p % 2)
  int tilesAcross, tilesDown, images;
  /// 1; or more: as many blocks share the input channels of a tile, in runs of whole units, and leave sums in float32 where the
  /// output would be, by split, image, row, column and group, for `SumParts`, which then makes the output of them.
  int splits;
  /// y = residual + second + scale * (v < 0 ? slope * v : v), v being the sum with its bias; slope * scale is not more than
  /// scale.
  float slope, scale;
  int rectifies;  // 1: what is below 0 becomes 0 in the end
};

/// A pool over images of 16-bit pixels, `channels` (a multiple of 8) of each; an image's output has fewer than 2^31 elements.
/// Blocks of 256 threads take eight channels of one output a thread, one row of blocks an image.
struct PoolArguments {
  const void *input;
  void *output;
  int height, width, outputHeight, outputWidth, channels, padding;
  int inputStride, outputStride;  // elements from one pixel to the next
};

// MARK: Kernels that take any shape

/// Where the elements of a value lie: steps from one to the next along each axis, in elements.
struct ValueView {
  void *base;  // null: there is no such value
  long long imageStep, channelStep, rowStep, columnStep;
  int element;  // 0: float16, 1: float32, 2: uint8, 3: int8, 4: bfloat16
  int padding;
};

/// The places of `ActivationFunction`; 0 changes nothing.
struct ActivationArguments {
  int function;
  float first, second;  // its numbers
  int slopes;           // how many there are: 1, or one a channel
  const float *slope;   // of a prelu
};

/// What a value is that a kernel of any shape makes: each thread makes one element, of `width` x `height` pixels, the channels
/// innermost; blocks of 256 threads, one row of blocks an image. Channels from `channels` to `lanes` become zeros.
struct ElementArguments {
  int height, width, channels, lanes;
};

/// A convolution, or a transposed one, of any shape: y = after(scale * before(sum + bias) + residual).
struct DirectArguments {
  struct ValueView input, residual, output;
  const float *weights;  // by row of taps, column of taps, channel of the group and output channel
  const float *bias;     // one an output channel, or null
  struct ElementArguments element;
  int height, width, inputChannels, groups;  // of the input
  int kernelHeight, kernelWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, top, left;
  int transposed;
  float scale;
  struct ActivationArguments before, after;
};

/// y = activation(factor[c] * scale * f(first, second) + shift[c]), where a step of 0 repeats an operand along an axis.
struct ElementwiseArguments {
  struct ValueView first, second, output;
  const float *factors, *shifts;  // one a channel, or null
  struct ElementArguments element;
  int function;  // 0: the first operand; then the places of `BinaryFunction`
  float scale;
  struct ActivationArguments activation;
};

/// The greatest or the mean of windows.
struct WindowArguments {
  struct ValueView input, output;
  struct ElementArguments element;
  int height, width, kernelHeight, kernelWidth, strideHeight, strideWidth, top, left, bottom, right;
  int takesMean, countsPadding;
};

/// Elements that only move. `kind` 0: along each axis the place that a table names (null: the same place; -1: `value`);
/// 1, 2: a pixel shuffle by `factor` and its inverse, channel innermost where `channelsInnermost`; 3: the same elements in the
/// same order (NCHW) under another shape.
struct MoveArguments {
  struct ValueView input, output;
  struct ElementArguments element;
  const int *images, *channels, *rows, *columns;
  int kind, factor, channelsInnermost;
  int inputChannels, inputHeight, inputWidth;
  float value;
};

/// Each pixel a weighted sum of `rowTaps` x `columnTaps` others, whose places and weights tables hold.
struct ResampleArguments {
  struct ValueView input, output;
  struct ElementArguments element;
  const int *rows, *columns;
  const float *rowWeights, *columnWeights;
  int rowTaps, columnTaps;
};

// MARK: Integers of 8 bits

/// What is stored of a number in units of the output's scale: the nearest integer within bounds, or the number; see `Requantization`.
struct IntegerStore {
  float least, most;  // of the integer, less the zero point
  float zeroPoint;
  int isInteger;  // 0: the number is stored
};

/// What integers are beside the layers that sum them. `function` 0: the integer of first / firstScale; 1: the number that an integer stands
/// for, firstScale * (first - firstZero); 2: the integer of the sum of two such numbers; 3: the entry of a table of 256 bytes, which begins
/// with that of `firstZero`.
struct IntegerArguments {
  struct ValueView first, second, output;
  const void *table;
  struct ElementArguments element;
  int function, firstZero, secondZero;
  float firstScale, secondScale;
  struct IntegerStore store;
};

/// A convolution, or a transposed one, of integers and any shape: with the sum of weight * (x - inputZero) and of the bias,
/// y = store(after(scale * before(multiplier * sum) + residualScale * (residual - residualZero))).
struct DirectIntegersArguments {
  struct ValueView input, residual, output;
  const void *weights;  // int8, by row of taps, column of taps, channel of the group and output channel
  const int *bias;      // one an output channel, or null
  const float *multipliers;
  struct ElementArguments element;
  int height, width, inputChannels, groups;  // of the input
  int kernelHeight, kernelWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, top, left;
  int transposed, inputZero;
  float residualZero, residualScale, scale;
  struct ActivationArguments before, after;
  struct IntegerStore store;
};

/// A convolution padded by half its size of pixels whose channels are integers: with the sum of weight * (x - inputZero) and of the bias,
/// y = store(after(before(multiplier * sum) + residualScale * (residual - residualZero))). Input, residual and an output of integers have
/// 16 channels or a multiple of them a pixel.
struct IntegerLayerArguments {
  struct ConvolutionArguments layer;  // its bias is int32, less what the zero point adds; slope and scale are not looked at
  struct ValueView numbers;           // the output where it is numbers, else none
  const float *multipliers, *slopes;  // 64 for each group of output channels; slopes of what is below 0 first, or null
  int rectifiesFirst;                 // 1: what is below 0 becomes 0 first
  unsigned sign;                      // what makes int8 of four inputs, by exclusive or: 0, or 0x80808080
  unsigned border;                    // four inputs that stand for 0
  int residualIsSigned;
  float residualZero, residualScale;
  struct IntegerStore store;
};

/// The mean of windows of integers.
struct IntegerWindowArguments {
  struct WindowArguments window;
  int zeroPoint;
  struct IntegerStore store;
};

// MARK: Kernels over groups of elements

/// Elements that belong together, along five axes: image, group of channels, channel of the group, row, column. Along each axis the
/// elements differ (`extents`, else 1) or their groups do (`keptExtents`, else 1).
struct GroupsArguments {
  long long steps[5], keptSteps[5];  // in elements of the input
  int extents[5], keptExtents[5];
};

/// One number of each group. `width` threads (a power of two up to 256) look at the elements of a group in turn; what they find is
/// put together in pairs, always the same. The groups are numbered in the order of the output's elements (NCHW).
struct ReduceArguments {
  struct ValueView input, output;
  struct ElementArguments element;  // of the output
  struct GroupsArguments groups;
  const float *means;  // one a group, subtracted first; or null
  /// The places of `Reduction.Function`, from 1; then 8: the sum of exponentials, 9: the place of the largest element.
  int function;
  int size, width;  // elements, and threads, of a group
  float number;     // what the result is divided by
};

/// What each element is among those of its group. `function` 0: exp(v - first) / second; 1: (v - first) / sqrt(second + epsilon),
/// where a first that is null is 0.
struct NormalizeArguments {
  struct ValueView input, output;
  struct ElementArguments element;
  const float *first, *second;  // by number of the group
  long long groupSteps[5];      // from one place along an axis to the next, in groups
  int channelsOfGroup, function;
  float epsilon;
};

/// Products of matrices: for each element of the output the sum over `products` places of both operands, which lie so many elements
/// apart.
struct MatrixArguments {
  struct ValueView left, right, output;
  struct ElementArguments element;
  long long leftStep, rightStep;
  int products;
};

// MARK: Samples of pictures

/// Pixels that a block of 256 threads takes.
enum { samplePixels = 4096 };

/// A plane on the scale 0...255: weights[0] * sample[first] + weights[1] * sample[first + 1] + ... + offset, in this order.
struct SampleMix {
  float weights[3];
  float offset;
  int first, count;  // count: of the weights
};

/// Samples, row by row and `channels` a pixel, to planes. A block notes the least number that it has seen on the scale 0...255, the greatest,
/// and 1 if one was not finite, else 0.
struct SamplesToPlanesArguments {
  const void *samples;
  float *planes;
  float *notes;  // three a block
  int pixels, channels, planeCount;
  int sampleBytes;  // 1 or 2
  struct SampleMix mixes[3];
  float unit;  // what a level is inside the network
};

/// Up to three planes of an image to samples of as many channels, or mixed to one: gain * v + offset on the scale 0...255, clipped and rounded.
/// Notes are as above, of the numbers of the part that is kept.
struct PlanesToSamplesArguments {
  struct ValueView planes;
  void *samples;
  float *notes;
  const int *kept;  // top, bottom, left, right
  int imageHeight, imageWidth, planeCount;
  int sampleBytes;  // 1 or 2
  int mixes;        // 1: a sample is weights[0] * first + weights[1] * second + ...
  float weights[3];
  float gain, offset;
};

#include "trainingArguments.h"
