/// The name of every kind of operation, as the JSON form and users read it.
///
/// An operation says which it is, and `Operation.init(from:)` switches over all of them, so that none can be written that cannot be
/// read.
public enum OperationType: String, Hashable, Sendable, CaseIterable {
  case convolution, separableConvolution, transposedConvolution, linear
  case batchNorm, scale, channelAffine, add, binary, matrixMultiply
  case concatenation, pixelShuffle, pixelUnshuffle, resize, maximumPool, averagePool, globalAveragePool
  case flatten, slice, pad, softmax, reshape, transpose, maximumIndex, normalization, expand, constant
  // On integers.
  case quantize, dequantize, requantizedAdd, lookup
  // Activation functions.
  case relu, leakyReLU, prelu, clip, sigmoid, tanh, hardSigmoid, hardSwish, gelu, geluTanh, silu, softplus, elu, celu
  case thresholdedReLU, softsign, errorFunction, exponential, logarithm, squareRoot, reciprocal, power
  case floor, ceiling, round, sign, sine, cosine
  // Of training.
  case convolutionOutput, convolutionInputGradient, convolutionWeightGradient, activationGradient
  case batchMoments, batchNormalization, batchNormalizationSums, batchNormalizationGradient
  case maximumPoolGradient, adjoint, channelSum, channelProduct, dropout, fakeQuantize, movingAverage, parameterStep
  // Reductions.
  case reduceMean, reduceSum, reduceSumOfMagnitudes, reduceSumOfSquares, reduceProduct, reduceMaximum, reduceMinimum
}
