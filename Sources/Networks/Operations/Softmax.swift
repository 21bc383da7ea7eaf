import Tensors

/// Exponentials that sum to 1 along one axis.
///
///     y[k] = exp(x[k] - m) / Σ over l of exp(x[l] - m)      m = max x along the axis
///
/// - Input: any shape with that axis; 1 is that of the channels. Output: the same shape.
/// - Cost: no MACs.
/// - Source: `torch.nn.Softmax`, ONNX `Softmax` since opset 13.
public struct Softmax: Hashable, Codable, Sendable {
  /// Counted from 0.
  public var axis: Int

  public init(axis: Int) { self.axis = axis }

  enum CodingKeys: String, CodingKey, CaseIterable { case axis }
}

extension Softmax: WithoutParameters, WithoutProducts, WithoutSizes, OnFloat32 {
  package var type: OperationType { .softmax }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { "axis \(axis)" }
  package var attributeFault: String? { axisFault(axis) }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    _ = try inputs[0].extent(along: axis)
    return inputs[0]
  }

  package var window: SpatialWindow? { axis == 1 ? .pixel : nil }
  package func channelFlow(of operand: Int) -> ChannelFlow { axis == 1 ? .mixed : .kept }
}
