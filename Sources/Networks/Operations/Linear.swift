import Tensors

/// A fully connected layer.
///
///     y[n, o] = bias[o] + Σ over i of weight[o, i] · x[n, i]
///
/// - Input: `[N, inFeatures]`. Output: `[N, outFeatures]`.
/// - Parameters: `weight [outFeatures, inFeatures]`; `bias [outFeatures]` when `hasBias`.
/// - Cost: `N · inFeatures · outFeatures` MACs.
/// - Source: `torch.nn.Linear`.
public struct Linear: Hashable, Codable, Sendable {
  public var inFeatures: Int
  public var outFeatures: Int
  public var hasBias: Bool

  public init(inFeatures: Int, outFeatures: Int, hasBias: Bool = true) {
    self.inFeatures = inFeatures
    self.outFeatures = outFeatures
    self.hasBias = hasBias
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case inFeatures, outFeatures
    case hasBias = "bias"
  }
}

extension Linear: WithoutSizes, OnFloat32 {
  package var type: OperationType { .linear }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { "\(inFeatures) -> \(outFeatures)" + (hasBias ? ", bias" : "") }

  package var attributeFault: String? { firstFault([("inFeatures", inFeatures, 1), ("outFeatures", outFeatures, 1)]) }

  package var parameters: [Parameter] {
    let bound = Parameter.InitialValue.uniform(bound: 1 / Float(inFeatures).squareRoot())
    let weight = Parameter(.weight, [outFeatures, inFeatures], initialValue: bound)
    return hasBias ? [weight, Parameter(.bias, [outFeatures], initialValue: bound)] : [weight]
  }

  package var linearParts: [LinearPart] {
    [LinearPart(hasBias: hasBias, inChannels: inFeatures, outChannels: outFeatures, taps: 1, carriesConstants: true)]
  }

  package var window: SpatialWindow? { nil }
  package func channelFlow(of operand: Int) -> ChannelFlow { .summed(groups: 1) }

  package func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    guard inputs[0].rank == 2, inputs[0][1] == inFeatures else {
      throw ShapeMismatch("the input \(inputs[0]) is not [N, \(inFeatures)]; flatten it first")
    }
    return [inputs[0][0], outFeatures]
  }

  package func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int { output.count * inFeatures }
}
