import Tensors

/// What an optimiser remembers of gradients, after one more.
///
///     y = keep · a + add · g      or with `squares`      y = keep · a + add · g²
///
/// - Input: a and g of one shape. Output: that shape. Cost: no MACs.
public struct MovingAverage: Hashable, Codable, Sendable {
  public var keep: Float
  public var add: Float
  public var squares: Bool

  public init(keep: Float, add: Float, squares: Bool = false) {
    self.keep = keep
    self.add = add
    self.squares = squares
  }

  enum CodingKeys: String, CodingKey, CaseIterable { case keep, add, squares }
}

extension MovingAverage: WithoutParameters, WithoutProducts, WithoutSizes, Elementwise, OnFloat32 {
  package var type: OperationType { .movingAverage }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 2...2 }
  package func summary(of operands: [String]) -> String { "\(keep) and \(add)" + (squares ? " of squares" : "") }
  package var attributeFault: String? { keep.isFinite && add.isFinite ? nil : "the factors \(keep) and \(add) are not finite" }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    guard inputs[0] == inputs[1] else { throw TypeMismatch("the gradient \(inputs[1]) is not \(inputs[0])") }
    return inputs[0]
  }
}

/// A parameter after a step of an optimiser.
///
///     y = (1 - s[0] · decay) · w - s[0] · d                                      d a direction
///     y = (1 - s[0] · decay) · w - s[0] · s[1] · m / (√v · s[2] + epsilon)       with an epsilon: m and v averages
///
/// - Input: w and d, or w, m and v, of one shape; then s `[4]`, the numbers of the step (learning rate, corrections). Output: that shape.
/// - Cost: no MACs.
/// - Source: `torch.optim.SGD`; Kingma and Ba 2015; Loshchilov and Hutter 2019.
public struct ParameterStep: Hashable, Codable, Sendable {
  /// What the weight loses of itself, times the learning rate.
  public var decay: Float
  /// Nil for a plain direction.
  public var epsilon: Float?

  public init(decay: Float = 0, epsilon: Float? = nil) {
    self.decay = decay
    self.epsilon = epsilon
  }

  enum CodingKeys: String, CodingKey, CaseIterable { case decay, epsilon }
}

extension ParameterStep: WithoutParameters, WithoutProducts, WithoutSizes, WithoutPlaces, OnFloat32 {
  package var type: OperationType { .parameterStep }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { epsilon == nil ? 3...3 : 4...4 }
  package func summary(of operands: [String]) -> String {
    "decay \(decay)" + (epsilon.map { ", epsilon \($0)" } ?? "")
  }

  package var attributeFault: String? {
    if let epsilon, !epsilon.isFinite || epsilon <= 0 { return "the epsilon \(epsilon) is not above 0 and finite" }
    return decay.isFinite ? nil : "the decay \(decay) is not finite"
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    for input in inputs.dropFirst().dropLast() where input != inputs[0] {
      throw TypeMismatch("\(input) is not \(inputs[0]), as the parameter is")
    }
    guard inputs[inputs.count - 1] == [4] else {
      throw TypeMismatch("the numbers of the step \(inputs[inputs.count - 1]) are not [4]")
    }
    return inputs[0]
  }
}
