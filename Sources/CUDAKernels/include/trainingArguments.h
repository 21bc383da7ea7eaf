// What a launch gives the kernels that only training runs.
#pragma once

// MARK: Gradients through operations

/// y = gradient * f'(argument).
struct ActivationGradientArguments {
  struct ValueView gradient, argument, output;
  struct ElementArguments element;
  struct ActivationArguments activation;
};

/// The gradient of a maximum pool's input, to which a value may be added. `window` says what the pool is; its input is the pool's, its
/// output the gradient that is made, the element one of it.
struct MaximumPoolGradientArguments {
  struct WindowArguments window;
  struct ValueView gradient, added;
  int outputHeight, outputWidth;  // of the pool
};

/// For each place along an axis, from `starts[place]` to before `starts[place + 1]`, the places of the gradient that it takes, and how much
/// of each; null: the same place.
struct AxisTaps {
  const int *starts, *places;
  const float *weights;
};

/// Each element a sum, along each of the axes, of elements of the gradient.
struct AdjointArguments {
  struct ValueView gradient, output;
  struct ElementArguments element;
  struct AxisTaps images, channels, rows, columns;
  float scale;
};

/// What is left out at random; see `Dropout`.
struct DropoutArguments {
  struct ValueView input, output;
  const float *step;
  struct ElementArguments element;
  unsigned long long seed;
  unsigned limit;  // of 2^24: numbers below it leave the element out
  float factor;    // of the others
};

/// y = the nearest whole number between two ends.
struct FakeQuantizeArguments {
  struct ValueView input, output;
  struct ElementArguments element;
  float minimum, maximum;
};

// MARK: Statistics of channels

/// Sums of a channel over runs of pixels of all images. `function` 0: of x, 1: of (x - mean)^2, 2: of g, and behind them of g times the
/// normalised x, where g counts, if `rectifies`, only where weight * normalised + bias is above 0.
struct ChannelSumsArguments {
  struct ValueView input, gradient;
  const float *moments, *weights, *biases;
  float *sums;  // by run, sum and channel
  int pixels, runPixels, imagePixels, channels;
  int channelsAtOnce;  // 1 or 32: of a block
  int function, rectifies;
  float epsilon;
};

/// What the sums of all runs come to. `function` 0: the sum, 1: the mean, 2: the variance, and behind it that of a sample, 3: two sums.
struct ChannelTotalsArguments {
  const float *sums;
  float *output;
  int runs, channels, function;
  float count;
};

/// The output of a batch normalization: after(scale * before(weight * normalised + bias) + added); or the gradient of its input.
struct BatchArguments {
  struct ValueView input, other, output;  // other: what is added, or the gradient
  const float *moments, *sums, *weights, *biases;
  struct ElementArguments element;
  float epsilon, count, scale;
  int rectifies;
  struct ActivationArguments before, after;
};

// MARK: Gradients of weights

/// Sums of x * g over runs of pixels of all images, for each weight. A column is a tap and an input channel of the group, the channel
/// innermost.
struct WeightGradientArguments {
  struct ValueView input, gradient;
  float *sums;  // by run, column and output channel
  int height, width, outputHeight, outputWidth, pixels, runPixels;
  int inputs, outputs, groups;  // input channels of a group, output channels of all
  int kernelHeight, kernelWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, top, left;
};

/// What the sums of all runs come to.
struct WeightTotalsArguments {
  const float *sums;
  struct ValueView output;
  int runs, inputs, outputs, kernelHeight, kernelWidth;
};

// MARK: Parameters

/// y = keep * average + add * g, or g^2.
struct MovingAverageArguments {
  struct ValueView average, gradient, output;
  struct ElementArguments element;
  float keep, add;
  int squares;
};

/// A parameter after a step; see `ParameterStep`.
struct ParameterStepArguments {
  struct ValueView weight, direction, square, output;
  const float *numbers;
  struct ElementArguments element;
  float decay, epsilon;
  int isAdaptive;
};

/// Parameters as a kernel wants them, stored as `ValueView` says, or (5) as float32 rounded to 19 bits. An entry of the table is 0, where there is a zero, or 16 times the place in its source, 4 times
/// the source, and which part: 1 the number, 2 the first 19 bits of it, 3 what these leave.
struct GatherArguments {
  const float *sources[4];
  const unsigned *places;
  void *output;
  int count, element;
};

enum { commitEntries = 48, commitCount = 8192 };

struct CommitEntry {
  const float *source;
  float *target;
  float *notes;  // one a block
  long long count;
};

/// New parameters take the places of the old ones, one row of blocks each, `commitCount` numbers a block, which notes 1 for them where one
/// is not finite, else 0.
struct CommitArguments {
  struct CommitEntry entries[commitEntries];
};
