import Tensors

/// The mean along some axes.
///
/// Over height and width with the axes kept it is `globalAveragePool`, which backends know better.
/// - Input: any shape with those axes. Output: extents of 1 there, or without those axes where `keepsAxes` is false.
/// - Cost: no MACs.
/// - Source: `torch.mean(dim:, keepdim:)`, ONNX `ReduceMean`.
public struct ReduceMean: Hashable, Codable, Sendable {
  /// Counted from 0, ascending.
  public var axes: [Int]
  public var keepsAxes: Bool

  public init(axes: [Int], keepsAxes: Bool = true) {
    self.axes = axes
    self.keepsAxes = keepsAxes
  }
}

extension ReduceMean: OperationDefinition {
  package var typeName: String { "reduceMean" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package var summary: String {
    "axes [\(axes.map(String.init).joined(separator: ", "))]" + (keepsAxes ? "" : ", not kept")
  }

  package var attributeFault: String? {
    if axes.isEmpty { return "there is no axis to take the mean of" }
    for axis in axes {
      if let fault = axisFault(axis) { return fault }
    }
    return zip(axes, axes.dropFirst()).allSatisfy(<) ? nil : "the axes \(axes) do not ascend"
  }

  package func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    var output = inputs[0].extents
    for axis in axes.reversed() {
      _ = try inputs[0].extent(along: axis)
      if keepsAxes { output[axis] = 1 } else { output.remove(at: axis) }
    }
    return Shape(output)
  }
}
