import Tensors

/// The gradient of a maximum pool's input: each output's gradient goes to the pixel that was the largest of its window, to the first of
/// those that are as large, row by row.
///
/// - Input: g of the pool's output's shape, and x, the pool's input. Output: x's shape. What `fusing` draws into it is added: a value of that shape,
///   behind x.
/// - Cost: no MACs.
/// - Source: `torch.nn.functional.max_pool2d`.
public struct MaximumPoolGradient: Hashable, Sendable {
  public var pool: Pool
  /// An addition at most.
  public var epilogue: Epilogue

  public init(_ pool: Pool, epilogue: Epilogue = Epilogue()) {
    self.pool = pool
    self.epilogue = epilogue
  }
}

extension MaximumPoolGradient: WithoutParameters, WithoutProducts, WithoutSizes, WithoutPlaces, OnFloat32 {
  package var type: OperationType { .maximumPoolGradient }
  package var attributeNames: [String] { Pool.CodingKeys.allCases.map(\.rawValue) + CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 2 + epilogue.extraInputCount...2 + epilogue.extraInputCount }
  package func summary(of operands: [String]) -> String {
    ([pool.summary] + epilogue.steps.map(\.text)).joined(separator: " | ")
  }
  package var attributeFault: String? {
    if !epilogue.isEmpty, epilogue.steps != [.add] { return "an addition is all the epilogue there may be" }
    return pool.attributeFault
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let output = try pool.outputShape(inputs[1])
    guard output == inputs[0] else { throw TypeMismatch("the gradient \(inputs[0]) is not \(output), that of \(inputs[1])") }
    return try epilogue.outputShape(of: inputs[1], extras: inputs.dropFirst(2))
  }
}

extension MaximumPoolGradient: Codable {
  fileprivate enum CodingKeys: String, CodingKey, CaseIterable { case epilogue }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try Pool(from: decoder), epilogue: try container.decodeIfPresent(Epilogue.self, forKey: .epilogue) ?? Epilogue())
  }

  /// An empty epilogue is left out.
  public func encode(to encoder: any Encoder) throws {
    try pool.encode(to: encoder)
    guard !epilogue.isEmpty else { return }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(epilogue, forKey: .epilogue)
  }
}
