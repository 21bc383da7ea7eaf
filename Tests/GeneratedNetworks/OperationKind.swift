import Networks

/// The cases of `Operation` without what they carry. A new operation is a compiler error here, and then a row in the generator.
package enum OperationKind: CaseIterable, Hashable, Sendable {
  case convolution, separableConvolution, transposedConvolution, linear, batchNorm, activation, scale, channelAffine, add,
    binary
  case matrixMultiply, concatenation, pixelShuffle, pixelUnshuffle, resize, maximumPool, averagePool, globalAveragePool, flatten
  case slice, pad, softmax, reshape, transpose, reduction, maximumIndex, normalization, expand, constant,
    integer, training

  package init(_ operation: Operation) {
    self =
      switch operation {
      case .convolution: .convolution
      case .separableConvolution: .separableConvolution
      case .transposedConvolution: .transposedConvolution
      case .linear: .linear
      case .batchNorm: .batchNorm
      case .activation: .activation
      case .scale: .scale
      case .channelAffine: .channelAffine
      case .add: .add
      case .binary: .binary
      case .matrixMultiply: .matrixMultiply
      case .concatenation: .concatenation
      case .pixelShuffle: .pixelShuffle
      case .pixelUnshuffle: .pixelUnshuffle
      case .resize: .resize
      case .maximumPool: .maximumPool
      case .averagePool: .averagePool
      case .globalAveragePool: .globalAveragePool
      case .flatten: .flatten
      case .slice: .slice
      case .pad: .pad
      case .softmax: .softmax
      case .reshape: .reshape
      case .transpose: .transpose
      case .reduction: .reduction
      case .maximumIndex: .maximumIndex
      case .normalization: .normalization
      case .expand: .expand
      case .constant: .constant
      case .integer: .integer
      case .training: .training
      }
  }

  /// How often it is tried, in a network of images: what runs in bands most.
  var weight: Int {
    switch self {
    case .convolution: 12
    case .activation, .pad: 5
    case .separableConvolution, .transposedConvolution, .add, .binary, .concatenation, .slice, .resize, .maximumPool: 4
    case .averagePool, .pixelShuffle, .batchNorm: 3
    case .scale, .channelAffine, .pixelUnshuffle, .softmax, .globalAveragePool, .reduction, .normalization: 2
    case .linear, .matrixMultiply, .flatten, .reshape, .transpose, .maximumIndex, .expand, .constant: 1
    case .training: 3
    // Made of float networks by quantisation.
    case .integer: 0
    }
  }

  /// Whether an image stays one whose pixels lie along those of the input: what a tiled network is made of.
  var keepsPixels: Bool {
    switch self {
    case .convolution, .separableConvolution, .transposedConvolution, .batchNorm, .activation, .scale, .channelAffine, .add,
      .binary, .concatenation, .pixelShuffle, .pixelUnshuffle, .resize, .maximumPool, .averagePool, .slice, .pad, .softmax,
      .reduction, .maximumIndex, .normalization, .constant:
      true
    case .linear, .matrixMultiply, .globalAveragePool, .flatten, .reshape, .transpose, .expand, .integer, .training: false
    }
  }
}
