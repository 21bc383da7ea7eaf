import Tensors

/// The gradient of a maximum pool's input: each output's gradient goes to the pixel that was the largest of its window, to the first of
/// those that are as large, row by row.
///
/// - Input: g of the pool's output's shape, and x, the pool's input. Output: x's shape.
/// - Cost: no MACs.
/// - Source: `torch.nn.functional.max_pool2d`.
public struct MaximumPoolGradient: Hashable, Sendable {
  public var pool: Pool

  public init(_ pool: Pool) { self.pool = pool }
}

extension MaximumPoolGradient: WithoutParameters, WithoutProducts, WithoutSizes, WithoutPlaces, OnFloat32 {
  package var type: OperationType { .maximumPoolGradient }
  package var attributeNames: [String] { Pool.CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 2...2 }
  package func summary(of operands: [String]) -> String { pool.summary }
  package var attributeFault: String? { pool.attributeFault }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let output = try pool.outputShape(inputs[1])
    guard output == inputs[0] else { throw TypeMismatch("the gradient \(inputs[0]) is not \(output), that of \(inputs[1])") }
    return inputs[1]
  }
}

extension MaximumPoolGradient: Codable {
  public init(from decoder: any Decoder) throws { self.init(try Pool(from: decoder)) }
  public func encode(to encoder: any Encoder) throws { try pool.encode(to: encoder) }
}
