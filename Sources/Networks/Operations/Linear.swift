import Tensors

/// A fully connected layer.
///
///     y[n, o] = bias[o] + Σ over i of weight[o, i] · x[n, i]
///
/// - Input: `[N, inFeatures]`. Output: `[N, outFeatures]`.
/// - Parameters: `weight [outFeatures, inFeatures]`; `bias [outFeatures]` when `hasBias`. All of float32, or of integers where its
///   epilogue begins with `rescale` (`Requantization`).
/// - Cost: `N · inFeatures · outFeatures` MACs.
/// - Source: `torch.nn.Linear`.
public struct Linear: Hashable, Sendable {
  public var inFeatures: Int
  public var outFeatures: Int
  public var hasBias: Bool
  /// Nothing, or a `.rescale`, alone or with a `.requantize` behind it.
  public var epilogue: Epilogue

  public init(inFeatures: Int, outFeatures: Int, hasBias: Bool = true, epilogue: Epilogue = Epilogue()) {
    self.inFeatures = inFeatures
    self.outFeatures = outFeatures
    self.hasBias = hasBias
    self.epilogue = epilogue
  }
}

extension Linear: WithoutSizes {
  package var type: OperationType { .linear }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String {
    (["\(inFeatures) -> \(outFeatures)" + (hasBias ? ", bias" : "")] + epilogue.steps.map(\.text)).joined(separator: " | ")
  }

  package var attributeFault: String? {
    if let fault = firstFault([("inFeatures", inFeatures, 1), ("outFeatures", outFeatures, 1)])
      ?? epilogue.fault(channels: outFeatures, terms: inFeatures)
    {
      return fault
    }
    for step in epilogue.steps {
      switch step {
      case .rescale, .requantize: continue
      case .activation, .scale, .add, .quantize, .pixelShuffle: return "a linear layer takes no step \(step.typeName)"
      }
    }
    return nil
  }

  package var parameters: [Parameter] {
    epilogue.parameters(
      weight: [outFeatures, inFeatures], hasBias: hasBias, channels: outFeatures, fanIn: inFeatures, terms: inFeatures)
  }

  package var elements: ElementRule { .products(epilogue) }

  package var linearParts: [LinearPart] {
    [LinearPart(hasBias: hasBias, inChannels: inFeatures, outChannels: outFeatures, taps: 1, carriesConstants: true)]
  }

  package var window: SpatialWindow? { nil }
  package func channelFlow(of operand: Int) -> ChannelFlow { .summed(groups: 1) }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    guard inputs[0].rank == 2, inputs[0][1] == inFeatures else {
      throw TypeMismatch("the input \(inputs[0]) is not [N, \(inFeatures)]; flatten it first")
    }
    return [inputs[0][0], outFeatures]
  }

  package func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int { output.count * inFeatures }
}

extension Linear: Codable {
  private enum CodingKeys: String, CodingKey, CaseIterable {
    case inFeatures, outFeatures
    case hasBias = "bias"
    case epilogue
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      inFeatures: try container.decode(Int.self, forKey: .inFeatures),
      outFeatures: try container.decode(Int.self, forKey: .outFeatures),
      hasBias: try container.decode(Bool.self, forKey: .hasBias),
      epilogue: try container.decodeIfPresent(Epilogue.self, forKey: .epilogue) ?? Epilogue())
  }

  /// An empty epilogue is left out.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(inFeatures, forKey: .inFeatures)
    try container.encode(outFeatures, forKey: .outFeatures)
    try container.encode(hasBias, forKey: .hasBias)
    if !epilogue.isEmpty { try container.encode(epilogue, forKey: .epilogue) }
  }
}
