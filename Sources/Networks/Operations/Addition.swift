import Tensors

/// Elementwise sum of two values of the same shape: `y = a + b`. No broadcasting; no MACs.
struct Addition: OperationDefinition {
  var typeName: String { "add" }
  var inputCount: ClosedRange<Int> { 2...2 }

  func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    guard inputs[0] == inputs[1] else { throw ShapeMismatch("\(inputs[0]) and \(inputs[1]) are not of the same shape") }
    return inputs[0]
  }
}
