import Networks
import Tensors

/// A tensor that follows from parameters of a network, said rather than computed: what a pack is filled from, and filled again from when
/// a parameter has changed.
indirect enum ParameterTensor: Hashable, Sendable {
  case parameter(String)
  /// One element, for all channels.
  case number(Float)
  /// As many elements as the shape has: their number, one less, and so on to 1.
  case countdown(Shape)
  /// The numbers of a precision nearest to these.
  case rounded(ParameterTensor, Precision)
  /// Each element this many times in a row.
  case repeated(ParameterTensor, count: Int)
  /// `[rows, columns…]`, as a matrix, the other way round: `[columns, rows, 1, 1]`.
  case turned(ParameterTensor)
  /// The kernels of a convolution for the gradient of its input: `[outputs, inputs, taps…]` with inputs and outputs exchanged, and the taps of
  /// each kernel in the opposite order. Depthwise kernels keep their place.
  case turnedAround(ParameterTensor, isDepthwise: Bool)
  /// Of (x - mean) / √(variance + ε) · weight + bias as one multiplier and one shift.
  case multiplier(BatchNormParameters)
  case shift(BatchNormParameters)

  /// A batch norm with the names of its parameters.
  struct BatchNormParameters: Hashable, Sendable {
    var weight: String
    var bias: String
    var mean: String
    var variance: String
    var payload: BatchNorm
  }

  /// What a pack may read instead, and whether it then has to read it turned around: with inputs and outputs exchanged and taps from the last to
  /// the first.
  var source: (tensor: ParameterTensor, isTurned: Bool) {
    switch self {
    case .turned(let tensor), .turnedAround(let tensor, false): (tensor, true)
    case .parameter, .number, .countdown, .rounded, .repeated, .turnedAround, .multiplier, .shift: (self, false)
    }
  }

  /// The names that it reads.
  var parameters: Set<String> {
    switch self {
    case .parameter(let name): [name]
    case .number, .countdown: []
    case .rounded(let tensor, _), .repeated(let tensor, _), .turned(let tensor), .turnedAround(let tensor, _): tensor.parameters
    case .multiplier(let norm), .shift(let norm): [norm.weight, norm.bias, norm.mean, norm.variance]
    }
  }

  /// The tensor. Traps where a parameter is missing: a verified network has all.
  func tensor(_ parameters: [String: Tensor]) -> Tensor {
    func named(_ name: String) -> Tensor {
      guard let tensor = parameters[name] else { preconditionFailure("the parameter '\(name)' is missing") }
      return tensor
    }
    switch self {
    case .parameter(let name): return named(name)
    case .number(let number): return Tensor([1], [number])
    case .countdown(let shape): return Tensor(shape, (0..<shape.count).map { Float(shape.count - $0) })
    case .rounded(let source, .float32): return source.tensor(parameters)
    case .rounded(let source, .bfloat16):
      let tensor = source.tensor(parameters)
      // Integers are what they are in any precision.
      guard tensor.dataType == .float32 else { return tensor }
      return tensor.withUnsafeFloats { floats in Tensor(tensor.shape, floats.lazy.map { BFloat16($0).float }) }
    case .repeated(let source, let count):
      let tensor = source.tensor(parameters), size = tensor.dataType.byteCount
      return Tensor(unsafeUninitialized: [tensor.count * count], tensor.dataType) { to in
        tensor.withUnsafeBytes { from in
          for index in 0..<tensor.count * count {
            to[index * size..<(index + 1) * size].copyBytes(from: from[index / count * size..<(index / count + 1) * size])
          }
        }
      }
    case .turned(let source):
      let tensor = source.tensor(parameters), rows = tensor.shape[0], columns = tensor.count / max(rows, 1)
      var result = Tensor(zeros: [columns, rows, 1, 1])
      result.withUnsafeMutableFloats { to in
        tensor.withUnsafeFloats { from in
          for row in 0..<rows {
            for column in 0..<columns { to[column * rows + row] = from[row * columns + column] }
          }
        }
      }
      return result
    case .turnedAround(let source, let isDepthwise):
      let tensor = source.tensor(parameters), (outputs, inputs) = (tensor.shape[0], tensor.shape[1])
      let taps = tensor.shape[2] * tensor.shape[3]
      let shape: Shape = isDepthwise ? tensor.shape : [inputs, outputs, tensor.shape[2], tensor.shape[3]]
      var result = Tensor(zeros: shape)
      result.withUnsafeMutableFloats { to in
        tensor.withUnsafeFloats { from in
          for output in 0..<outputs {
            for input in 0..<inputs {
              let source = (output * inputs + input) * taps
              let place = (isDepthwise ? output * inputs + input : input * outputs + output) * taps
              for tap in 0..<taps { to[place + taps - 1 - tap] = from[source + tap] }
            }
          }
        }
      }
      return result
    case .multiplier(let norm): return Self.tensor(norm.affine(named).scale)
    case .shift(let norm): return Self.tensor(norm.affine(named).shift)
    }
  }

  private static func tensor(_ numbers: [Double]) -> Tensor { Tensor([numbers.count], numbers.map { Float($0) }) }
}

extension ParameterTensor.BatchNormParameters {
  fileprivate func affine(_ named: (String) -> Tensor) -> (scale: [Double], shift: [Double]) {
    payload.affine(weight: named(weight), bias: named(bias), mean: named(mean), variance: named(variance))
  }
}
