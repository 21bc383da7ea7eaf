import Tensors

extension Tolerance {
  /// The bounds of what makes integers or reckons with them; nil of other operations. Of the same integers it has the same bits, and
  /// of others it may have any, but for layers, whose sums are bounded.
  static func ofIntegers(_ node: Node, _ network: Network, _ first: ValueType?, _ operands: [Tolerance]) -> Tolerance? {
    let x = operands[0], isExact = operands.allSatisfy { $0.error == 0 }
    if case .integer(let operation) = node.operation {
      switch operation {
      case .quantize(let payload): return x.quantized(payload)
      case .dequantize:
        let scale = Double(first?.quantization?.scale ?? 1)
        return Tolerance(magnitude: 255 * scale, error: (1 + epsilon) * scale * x.error)
      case .add(let payload): return integers(payload.minimum...payload.maximum, isExact: isExact)
      case .lookup(let payload): return integers(payload.element.integers ?? 0...0, isExact: isExact)
      }
    }
    if let element = first?.element, element.isCode, node.operation.takesMeans {
      return integers(element.integers ?? 0...0, isExact: isExact)
    }
    guard let epilogue = node.operation.epilogue, epilogue.sumsIntegers else { return nil }
    if let payload = epilogue.requantization { return integers(payload.minimum...payload.maximum, isExact: isExact) }
    // Numbers of sums: the steps behind them are float32's.
    let multiplier =
      [ParameterRole.multiplier, .depthwiseMultiplier, .pointwiseMultiplier].compactMap {
        network.parameter($0, of: node)?.largestMagnitude
      }.max() ?? 0
    let sum = Tolerance(magnitude: 0x1p31 * multiplier, error: x.error == 0 ? 0 : 0x1p32 * multiplier)
    let slope = network.parameter(.slope, of: node)?.largestMagnitude ?? 0
    return sum.finished(epilogue, operands.dropFirst(), slope: slope)
  }

  /// Some of these integers, or the right one.
  private static func integers(_ range: ClosedRange<Int>, isExact: Bool) -> Tolerance {
    Tolerance(
      magnitude: Double(max(abs(range.lowerBound), abs(range.upperBound))),
      error: isExact ? 0 : Double(range.upperBound - range.lowerBound))
  }

  /// The integer of a number: that, or as many beside it as its error reaches, and one more where it may be rounded otherwise.
  func quantized(_ payload: Quantize) -> Tolerance {
    let range = payload.element.integers ?? 0...0, all = Double(range.upperBound - range.lowerBound)
    let steps = error == 0 ? 0 : error / Double(payload.quantization.scale) + 1
    return Tolerance(magnitude: Double(max(abs(range.lowerBound), range.upperBound)), error: steps <= all ? steps : all)
  }
}

extension Operation {
  fileprivate var takesMeans: Bool {
    if case .averagePool = self { true } else { self == .globalAveragePool }
  }
}
