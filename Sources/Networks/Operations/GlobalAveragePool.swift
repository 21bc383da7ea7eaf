import Tensors

/// The mean over all pixels of each channel: `[N, C, H, W]` to `[N, C, 1, 1]`. No MACs. Of integers as an average pool.
struct GlobalAveragePool: WithoutAttributes, WithoutParameters, WithoutProducts, WithoutSizes, OnPooledElements {
  var type: OperationType { .globalAveragePool }
  var inputCount: ClosedRange<Int> { 1...1 }

  func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let input = try image(inputs[0])
    return Shape(batch: input.batch, channels: input.channels, height: 1, width: 1)
  }

  var window: SpatialWindow? { nil }
  func channelFlow(of operand: Int) -> ChannelFlow { .kept }
}
