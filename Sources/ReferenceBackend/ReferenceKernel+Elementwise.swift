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
    guard case .prelu(let channels) = function else { return mapped(x, function.function()) }
    guard let slopes = parameter(slopeRole)?.floats else { return nil }
    if channels == 1 { return mapped(x, function.function(slope: Double(slopes[0]))) }
    return mapped(x) { value, channel in value >= 0 ? value : Double(slopes[channel]) * value }
  }

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
