#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#else
  import Darwin
#endif

extension ActivationFunction {
  /// The function of a number, in Double. NaN stays NaN under every function.
  ///
  /// - Parameter slope: of a prelu, whose slope is a parameter.
  package func function(slope: Double = 0) -> (Double) -> Double {
    /// Within 0 and 1; NaN stays.
    func clamped(_ value: Double) -> Double { value < 0 ? 0 : value > 1 ? 1 : value }
    switch self {
    case .relu: return { $0 < 0 ? 0 : $0 }
    case .leakyReLU(let slope): return { $0 >= 0 ? $0 : Double(slope) * $0 }
    case .prelu: return { $0 >= 0 ? $0 : slope * $0 }
    case .clip(let minimum, let maximum):
      return { $0 < Double(minimum) ? Double(minimum) : $0 > Double(maximum) ? Double(maximum) : $0 }
    case .sigmoid: return { 1 / (1 + exp(-$0)) }
    case .tanh: return hyperbolicTangent
    case .hardSigmoid(let alpha, let beta): return { clamped(Double(alpha) * $0 + Double(beta)) }
    case .hardSwish: return { $0 * clamped($0 / 6 + 0.5) }
    case .gelu: return { $0 / 2 * (1 + erf($0 / 2.0.squareRoot())) }
    case .geluTanh: return { $0 / 2 * (1 + hyperbolicTangent((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
    case .silu: return { $0 / (1 + exp(-$0)) }
    // log1p keeps small results; split so that no exponential overflows.
    case .softplus: return { $0 > 0 ? $0 + log1p(exp(-$0)) : log1p(exp($0)) }
    case .elu(let alpha): return { $0 > 0 ? $0 : Double(alpha) * expm1($0) }
    case .celu(let alpha): return { $0 > 0 ? $0 : Double(alpha) * expm1($0 / Double(alpha)) }
    case .thresholdedReLU(let alpha): return { $0 > Double(alpha) || $0.isNaN ? $0 : 0 }
    case .softsign: return { $0 / (1 + abs($0)) }
    case .errorFunction: return { erf($0) }
    case .exponential: return { exp($0) }
    case .logarithm: return { log($0) }
    case .squareRoot: return { $0.squareRoot() }
    case .reciprocal: return { 1 / $0 }
    case .power(let exponent): return { pow($0, Double(exponent)) }
    case .floor: return { $0.rounded(.down) }
    case .ceiling: return { $0.rounded(.up) }
    case .round: return { $0.rounded(.toNearestOrEven) }
    case .sign: return { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
    case .sine: return { sin($0) }
    case .cosine: return { cos($0) }
    }
  }
}

/// Under a name that no function of ours has.
private func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
