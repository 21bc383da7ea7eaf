import Tensors

/// Multiplication by a constant: `y = factor · x`. Any shape; no MACs.
public struct Scale: Hashable, Codable, Sendable {
  public var factor: Float

  public init(factor: Float) { self.factor = factor }

  enum CodingKeys: String, CodingKey, CaseIterable { case factor }
}

extension Scale: WithoutParameters, WithoutProducts, WithoutSizes, Elementwise, OnFloat32 {
  package var type: OperationType { .scale }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { "\(factor)" }
  package var attributeFault: String? { factor.isFinite ? nil : "the factor \(factor) is not finite" }
  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape { inputs[0] }
}
