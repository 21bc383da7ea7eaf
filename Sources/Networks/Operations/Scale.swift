import Tensors

/// Multiplication by a constant: `y = factor · x`. Any shape; no MACs.
public struct Scale: Hashable, Codable, Sendable {
  public var factor: Float

  public init(factor: Float) { self.factor = factor }
}

extension Scale: OperationDefinition {
  package var typeName: String { "scale" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var summary: String { "\(factor)" }
  package var attributeFault: String? { factor.isFinite ? nil : "the factor \(factor) is not finite" }
  package func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape { inputs[0] }
}
