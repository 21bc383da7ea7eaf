import Tensors

/// Elementwise sum of two values of the same shape: `y = a + b`. No MACs.
///
/// No broadcasting, so that a pass, which sees no shapes, may draw any addition into a convolution. Sums that broadcast are
/// `.binary(.add)`.
struct Addition: WithoutAttributes, WithoutParameters, WithoutProducts, WithoutSizes, Elementwise, OnFloat32 {
  var type: OperationType { .add }
  var inputCount: ClosedRange<Int> { 2...2 }

  func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    guard inputs[0] == inputs[1] else { throw TypeMismatch("\(inputs[0]) and \(inputs[1]) are not of the same shape") }
    return inputs[0]
  }
}
