import Tensors

/// The inputs behind one another along an axis, by default that of the channels, in order.
///
/// - Input: two or more values that differ in their extent along that axis only. Output: `[N, Σ C_k, H, W]` for the channels.
/// - Cost: no MACs.
/// - Source: `torch.cat`, ONNX `Concat`.
public struct Concatenation: Hashable, Sendable {
  /// Counted from 0.
  public var axis: Int

  public init(axis: Int = 1) { self.axis = axis }
}

extension Concatenation: WithoutParameters, WithoutProducts, WithoutSizes, OnAnyElements {
  package var type: OperationType { .concatenation }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 2...4096 }
  package func summary(of operands: [String]) -> String { axis == 1 ? "" : "axis \(axis)" }
  package var attributeFault: String? { axisFault(axis) }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    var output = inputs[0]
    guard axis < output.rank else {
      throw TypeMismatch(axis == 1 ? "the input \(output) has no channels" : "the input \(output) has no axis \(axis)")
    }
    for input in inputs.dropFirst() {
      // Sums of legal extents: 4096 · 2^36 fits.
      var expected = input
      if input.rank == output.rank { expected[axis] = output[axis] }
      guard expected == output else {
        throw TypeMismatch("\(inputs[0]) and \(input) differ in more than \(axis == 1 ? "their channels" : "axis \(axis)")")
      }
      output[axis] += input[axis]
    }
    return output
  }

  package var window: SpatialWindow? { axis == 1 ? .pixel : nil }
  package func channelFlow(of operand: Int) -> ChannelFlow { axis == 1 ? .joined : .kept }
}

extension Concatenation: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case axis }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(axis: try container.decodeIfPresent(Int.self, forKey: .axis) ?? 1)
  }

  /// The usual axis is left out.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    if axis != 1 { try container.encode(axis, forKey: .axis) }
  }
}
