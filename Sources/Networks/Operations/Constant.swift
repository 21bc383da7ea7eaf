import Tensors

/// A value that reads nothing: a tensor that the network owns.
///
/// Functions of two values broadcast it (`BinaryFunction`), so that it may be a number, a vector along any axis, a map of pixels or a
/// matrix. A factor or a shift for each channel of an image is a `channelAffine`, which folds into the layers beside it.
/// - Inputs: none. Output: `shape`.
/// - Parameter: `value`, which training leaves alone.
/// - Cost: no MACs; nothing is written when the network runs.
/// - Source: ONNX `Constant` and initializers.
public struct Constant: Hashable, Codable, Sendable {
  public var shape: Shape

  public init(_ shape: Shape) { self.shape = shape }

  enum CodingKeys: String, CodingKey, CaseIterable { case shape }
}

extension Constant: WithoutProducts, WithoutSizes, WithoutPlaces, OnFloat32 {
  package var type: OperationType { .constant }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 0...0 }
  package func summary(of operands: [String]) -> String { "\(shape)" }

  package var attributeFault: String? {
    guard shape.rank <= Limits.rank else { return "\(shape.rank) axes are more than \(Limits.rank)" }
    return shape.valueFault.map { "the shape \(shape) \($0)" }
  }

  package var parameters: [Parameter] { [Parameter(.value, shape, isTrainable: false)] }
  package var linearParts: [LinearPart] { [] }
  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape { shape }
}
