import Tensors

/// Everything behind the batch as one axis: `[N, C, H, W]` to `[N, C·H·W]`, channels outermost. No MACs.
struct Flatten: WithoutAttributes, WithoutParameters, WithoutProducts, WithoutSizes, OnAnyElements {
  var type: OperationType { .flatten }
  var inputCount: ClosedRange<Int> { 1...1 }

  func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    guard inputs[0].rank >= 1 else { throw TypeMismatch("a scalar has no batch") }
    return [inputs[0][0], inputs[0].count / inputs[0][0]]
  }

  var window: SpatialWindow? { nil }
  func channelFlow(of operand: Int) -> ChannelFlow { .flattened }
}
