import Tensors

/// The axes in another order: axis k of the output is axis `permutation[k]` of the input.
///
/// - Input: a shape with as many axes as the permutation. Output: its extents in the new order.
/// - Cost: no MACs.
/// - Source: `torch.permute`, ONNX `Transpose`.
public struct Transpose: Hashable, Codable, Sendable {
  public var permutation: [Int]

  public init(_ permutation: [Int]) { self.permutation = permutation }

  enum CodingKeys: String, CodingKey, CaseIterable { case permutation }
}

extension Transpose: WithoutParameters, WithoutProducts, WithoutSizes, OnAnyElements {
  package var type: OperationType { .transpose }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { "[\(permutation.map(String.init).joined(separator: ", "))]" }

  package var attributeFault: String? {
    guard (1...Limits.rank).contains(permutation.count) else { return "\(permutation.count) axes are not 1 to \(Limits.rank)" }
    return permutation.sorted() == Array(permutation.indices) ? nil : "\(summary) is no permutation"
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let input = inputs[0]
    guard input.rank == permutation.count else { throw TypeMismatch("\(input) does not have \(permutation.count) axes") }
    return Shape(permutation.map { input[$0] })
  }

  package var window: SpatialWindow? { nil }

  package func channelFlow(of operand: Int) -> ChannelFlow {
    permutation.count > 1 && permutation[1] == 1 ? .kept : .mixed
  }
}
