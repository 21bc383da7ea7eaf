import CUDAKernels
import Networks

extension ActivationArguments {
  /// What kernels of any shape do for a function; `slope` is that of a prelu, on the device.
  init(_ function: ActivationFunction?, slope: UnsafePointer<Float>? = nil) {
    self.init()
    guard let function else { return }
    switch function {
    case .relu: self.function = 1
    case .leakyReLU(let slope): (self.function, first) = (2, slope)
    case .prelu(let channels): (self.function, slopes, self.slope) = (3, Int32(channels), slope)
    case .clip(let minimum, let maximum): (self.function, first, second) = (4, minimum, maximum)
    case .sigmoid: self.function = 5
    case .tanh: self.function = 6
    case .hardSigmoid(let alpha, let beta): (self.function, first, second) = (7, alpha, beta)
    case .hardSwish: self.function = 8
    case .gelu: self.function = 9
    case .geluTanh: self.function = 10
    case .silu: self.function = 11
    case .softplus: self.function = 12
    case .elu(let alpha): (self.function, first) = (13, alpha)
    case .celu(let alpha): (self.function, first) = (14, alpha)
    case .thresholdedReLU(let alpha): (self.function, first) = (15, alpha)
    case .softsign: self.function = 16
    case .errorFunction: self.function = 17
    case .exponential: self.function = 18
    case .logarithm: self.function = 19
    case .squareRoot: self.function = 20
    case .reciprocal: self.function = 21
    case .power(let exponent): (self.function, first) = (22, exponent)
    case .floor: self.function = 23
    case .ceiling: self.function = 24
    case .round: self.function = 25
    case .sign: self.function = 26
    case .sine: self.function = 27
    case .cosine: self.function = 28
    }
  }
}

extension BinaryFunction {
  /// What kernels know it by.
  var deviceNumber: Int32 {
    switch self {
    case .add: 1
    case .subtract: 2
    case .multiply: 3
    case .divide: 4
    case .minimum: 5
    case .maximum: 6
    case .power: 7
    case .mask: 8
    case .equal: 9
    case .less: 10
    case .lessOrEqual: 11
    }
  }
}
