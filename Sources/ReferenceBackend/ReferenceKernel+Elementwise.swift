import Networks
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#else
  import Darwin
#endif

extension ReferenceKernel {
  /// `body` of each element, in Double.
  func mapped(_ x: Tensor, _ body: (Double) -> Double) -> Tensor {
    Tensor(filling: x.shape) { y in
      x.withFloats { source in
        for index in 0..<x.count { y[index] = Float(body(Double(source[index]))) }
      }
    }
  }

  /// `body` of each element and the number of its channel (axis 1), in Double.
  func mapped(_ x: Tensor, _ body: (Double, Int) -> Double) -> Tensor {
    let planes = x.shape[0] * x.shape[1]
    let area = x.count / planes
    return Tensor(filling: x.shape) { y in
      x.withFloats { source in
        for plane in 0..<planes {
          for index in plane * area..<(plane + 1) * area {
            y[index] = Float(body(Double(source[index]), plane % x.shape[1]))
          }
        }
      }
    }
  }

  func sum(_ a: Tensor, _ b: Tensor) -> Tensor {
    Tensor(filling: a.shape) { y in
      a.withFloats { first in
        b.withFloats { second in
          for index in 0..<a.count { y[index] = first[index] + second[index] }
        }
      }
    }
  }

  /// NaN stays NaN under every function. Nil where the slopes are missing.
  func activate(_ x: Tensor, _ function: ActivationFunction, slopeRole: ParameterRole = .slope) -> Tensor? {
    switch function {
    case .relu: return mapped(x) { $0 < 0 ? 0 : $0 }
    case .leakyReLU(let slope): return mapped(x) { $0 >= 0 ? $0 : Double(slope) * $0 }
    case .prelu(let channels):
      guard let slopes = parameter(slopeRole)?.floats else { return nil }
      if channels == 1 { return mapped(x) { $0 >= 0 ? $0 : Double(slopes[0]) * $0 } }
      return mapped(x) { value, channel in value >= 0 ? value : Double(slopes[channel]) * value }
    case .clip(let minimum, let maximum):
      return mapped(x) { $0 < Double(minimum) ? Double(minimum) : $0 > Double(maximum) ? Double(maximum) : $0 }
    case .sigmoid: return mapped(x) { 1 / (1 + exp(-$0)) }
    case .tanh: return mapped(x) { tanh($0) }
    case .hardSigmoid(let alpha, let beta): return mapped(x) { clamped(Double(alpha) * $0 + Double(beta)) }
    case .hardSwish: return mapped(x) { $0 * clamped($0 / 6 + 0.5) }
    case .gelu: return mapped(x) { $0 / 2 * (1 + erf($0 / 2.0.squareRoot())) }
    case .geluTanh: return mapped(x) { $0 / 2 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
    case .silu: return mapped(x) { $0 / (1 + exp(-$0)) }
    // log1p keeps small results; split so that no exponential overflows.
    case .softplus: return mapped(x) { $0 > 0 ? $0 + log1p(exp(-$0)) : log1p(exp($0)) }
    case .elu(let alpha): return mapped(x) { $0 > 0 ? $0 : Double(alpha) * expm1($0) }
    case .celu(let alpha): return mapped(x) { $0 > 0 ? $0 : Double(alpha) * expm1($0 / Double(alpha)) }
    case .thresholdedReLU(let alpha): return mapped(x) { $0 > Double(alpha) || $0.isNaN ? $0 : 0 }
    case .softsign: return mapped(x) { $0 / (1 + abs($0)) }
    case .errorFunction: return mapped(x) { erf($0) }
    case .exponential: return mapped(x) { exp($0) }
    case .logarithm: return mapped(x) { log($0) }
    case .squareRoot: return mapped(x) { $0.squareRoot() }
    case .reciprocal: return mapped(x) { 1 / $0 }
    case .power(let exponent): return mapped(x) { pow($0, Double(exponent)) }
    case .floor: return mapped(x) { $0.rounded(.down) }
    case .ceiling: return mapped(x) { $0.rounded(.up) }
    case .round: return mapped(x) { $0.rounded(.toNearestOrEven) }
    case .sign: return mapped(x) { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
    case .sine: return mapped(x) { sin($0) }
    case .cosine: return mapped(x) { cos($0) }
    }
  }

  /// Within 0 and 1; NaN stays.
  private func clamped(_ value: Double) -> Double { value < 0 ? 0 : value > 1 ? 1 : value }

  /// Exponentials that sum to 1 along the axis.
  func softmax(_ x: Tensor, axis: Int) -> Tensor {
    let extent = x.shape[axis], inner = x.shape.extents[(axis + 1)...].reduce(1, *)
    return Tensor(filling: x.shape) { y in
      x.withFloats { source in
        for line in 0..<x.count / extent {
          let first = line / inner * extent * inner + line % inner
          let indices = stride(from: first, to: first + extent * inner, by: inner)
          var largest = -Double.infinity
          for index in indices { largest = max(largest, Double(source[index])) }
          var sum = 0.0
          for index in indices { sum += exp(Double(source[index]) - largest) }
          for index in indices { y[index] = Float(exp(Double(source[index]) - largest) / sum) }
        }
      }
    }
  }

  func batchNorm(_ payload: BatchNorm, _ x: Tensor) -> Tensor? {
    guard let weight = parameter(.weight)?.floats, let bias = parameter(.bias)?.floats,
      let mean = parameter(.runningMean)?.floats, let variance = parameter(.runningVariance)?.floats
    else { return nil }
    return mapped(x) { value, channel in
      let deviation = (Double(variance[channel]) + Double(payload.epsilon)).squareRoot()
      return Double(weight[channel]) * (value - Double(mean[channel])) / deviation + Double(bias[channel])
    }
  }
}
