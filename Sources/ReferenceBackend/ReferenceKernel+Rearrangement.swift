import Networks
import Tensors

extension ReferenceKernel {
  func concatenate(_ inputs: [Tensor], axis: Int, output: Shape) -> Tensor {
    Tensor(moving: inputs, to: output) { copy in
      let outer = output.extents[..<axis].reduce(1, *), item = output.count / outer
      var offset = 0
      for (number, input) in inputs.enumerated() {
        let size = input.count / outer
        for index in 0..<outer { copy(index * item + offset, number, index * size, size) }
        offset += size
      }
    }
  }

  func pixelShuffle(_ x: Tensor, factor: Int, order: PixelShuffleOrder, output: Shape) -> Tensor {
    Tensor(moving: [x], to: output) { copy in
      forEachBlock(output, factor, order) { pixel, channelwise in copy(pixel, 0, channelwise, 1) }
    }
  }

  func pixelUnshuffle(_ x: Tensor, factor: Int, order: PixelShuffleOrder, output: Shape) -> Tensor {
    Tensor(moving: [x], to: output) { copy in
      forEachBlock(x.shape, factor, order) { pixel, channelwise in copy(channelwise, 0, pixel, 1) }
    }
  }

  /// Calls `body` for each pixel of the shuffled image with its index there and in the tensor `[N, C·r², H / r, W / r]`.
  private func forEachBlock(_ large: Shape, _ factor: Int, _ order: PixelShuffleOrder, _ body: (Int, Int) -> Void) {
    let (height, width) = (large.height / factor, large.width / factor)
    var pixel = 0
    for plane in 0..<large.batch * large.channels {
      let first = plane / large.channels * large.channels * factor * factor
      for row in 0..<large.height {
        for column in 0..<large.width {
          let place = row % factor * factor + column % factor
          let channel = first + order.channel(plane % large.channels, of: large.channels, place: place, factor: factor)
          body(pixel, (channel * height + row / factor) * width + column / factor)
          pixel += 1
        }
      }
    }
  }
}
