import Tensors

/// The place of the largest element along one axis, the first of those that are as large.
///
///     y[…] = the smallest k with x[…, k, …] ≥ x[…, l, …] for all l
///
/// A whole number as float32, counted from 0: the class of each pixel where the axis is that of the channels. Some place along the axis
/// where elements are NaN.
/// - Input: any shape with that axis, of at most 2^24 elements along it, which float32 counts exactly. Output: an extent of 1 there, or
///   without the axis where `keepsAxis` is false.
/// - Cost: no MACs.
/// - Source: `torch.argmax`, ONNX `ArgMax`; `ArgMin` is that of the negated input.
public struct MaximumIndex: Hashable, Codable, Sendable {
  /// Counted from 0.
  public var axis: Int
  public var keepsAxis: Bool

  public init(axis: Int, keepsAxis: Bool = true) {
    self.axis = axis
    self.keepsAxis = keepsAxis
  }

  enum CodingKeys: String, CodingKey, CaseIterable { case axis, keepsAxis }
}

extension MaximumIndex: WithoutParameters, WithoutProducts, WithoutSizes, OnFloat32 {
  package var type: OperationType { .maximumIndex }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { "axis \(axis)" + (keepsAxis ? "" : ", not kept") }
  package var attributeFault: String? { axisFault(axis) }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let extent = try inputs[0].extent(along: axis)
    guard extent <= 1 << 24 else {
      throw TypeMismatch("the \(extent) elements along axis \(axis) are more than float32 counts")
    }
    var output = inputs[0].extents
    if keepsAxis { output[axis] = 1 } else { output.remove(at: axis) }
    return Shape(output)
  }

  package var window: SpatialWindow? { axis == 1 && keepsAxis ? .pixel : nil }
  package func channelFlow(of operand: Int) -> ChannelFlow { axis == 1 || (axis == 0 && !keepsAxis) ? .mixed : .kept }
}
