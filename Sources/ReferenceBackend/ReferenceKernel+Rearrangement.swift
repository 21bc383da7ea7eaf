import Networks
import Tensors

extension ReferenceKernel {
  func concatenate(_ inputs: [Tensor], axis: Int, output: Shape) -> Tensor {
    Tensor(filling: output) { y in
      let outer = output.extents[..<axis].reduce(1, *), item = output.count / outer
      var offset = 0
      for input in inputs {
        let size = input.count / outer
        input.withFloats { source in
          for index in 0..<outer {
            (y + index * item + offset).update(from: source + index * size, count: size)
          }
        }
        offset += size
      }
    }
  }

  func pixelShuffle(_ x: Tensor, factor: Int, order: PixelShuffleOrder, output: Shape) -> Tensor {
    Tensor(filling: output) { y in
      x.withFloats { x in
        forEachBlock(output, factor, order) { pixel, channelwise in y[pixel] = x[channelwise] }
      }
    }
  }

  func pixelUnshuffle(_ x: Tensor, factor: Int, order: PixelShuffleOrder, output: Shape) -> Tensor {
    Tensor(filling: output) { y in
      x.withFloats { source in
        forEachBlock(x.shape, factor, order) { pixel, channelwise in y[channelwise] = source[pixel] }
      }
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
