import Tensors

/// Everything behind the batch as one axis: `[N, C, H, W]` to `[N, C·H·W]`, channels outermost. No MACs.
struct Flatten: OperationDefinition {
  var typeName: String { "flatten" }
  var inputCount: ClosedRange<Int> { 1...1 }

  func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    guard inputs[0].rank >= 1 else { throw ShapeMismatch("a scalar has no batch") }
    return [inputs[0][0], inputs[0].count / inputs[0][0]]
  }
}
