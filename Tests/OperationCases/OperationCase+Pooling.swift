import Networks
import Tensors

extension OperationCaseList {
  /// Pools, transposed convolutions and linear layers over odd channels, widths and batches: every register tile meets its ends.
  mutating func addPoolingAndEnlarging() {
    let channels = [1, 3, 5, 17, 48, 64], widths = [1, 2, 9, 16, 33]
    let pools: [(String, Pool)] = [
      ("2x2", Pool(kernel: 2, ceilMode: true)), ("3x3 stride 2 padding 1", Pool(kernel: 3, stride: 2, padding: 1)),
    ]
    for (index, count) in channels.enumerated() {
      for (place, width) in widths.enumerated() where (index + place) % 2 == 0 {
        let shape = Shape(batch: place % 2 + 1, channels: count, height: 2 + (index + width) % 5, width: width)
        for (name, pool) in pools where width + pool.padding.left + pool.padding.right >= pool.kernel.width {
          add("maximum pool \(name) of \(shape)", [shape]) { builder, x in builder.maximumPool("y", x[0], pool) }
          add("average pool \(name) of \(shape)", [shape]) { builder, x in builder.averagePool("y", x[0], pool) }
        }
        add("global average pool of \(shape)", [shape]) { builder, x in builder.globalAveragePool("y", x[0]) }
        add("flatten of \(shape)", [shape]) { builder, x in builder.flatten("y", x[0]) }
        addEnlargements(of: shape, outChannels: channels[(index + 2) % channels.count])
      }
    }
    add("global average pool of many rows", [[1, 20, 67, 35]]) { builder, x in builder.globalAveragePool("y", x[0]) }
    for batch in [1, 5, 6, 13, 64] {
      add("linear 83 to 70 batch \(batch)", [[batch, 83, 1, 1]]) { builder, x in
        let first = builder.linear("first", builder.flatten("flat", x[0]), outFeatures: 70)
        return builder.linear("second", builder.activation("relu", first, .relu), outFeatures: 3, bias: batch % 2 == 0)
      }
    }
    add("quotient read by few output channels", [[1, 5, 6, 7], [1, 9, 6, 7]]) { builder, x in
      let positive = builder.activation("positive", x[1], .clip(minimum: 0.5, maximum: 1))
      // Padding lanes are 0 / 0.
      let divisor = builder.slice("divisor", positive, [Slice.Span(axis: 1, end: 5)])
      let quotient = builder.binary("quotient", .divide, x[0], divisor)
      return builder.convolution("y", quotient, outChannels: 2, kernel: 3, padding: 1)
    }
    add("sums of vectors", [[2, 19, 3, 2]]) { builder, x in
      let flat = builder.flatten("flat", x[0])
      let joined = builder.concatenation("joined", [builder.add("sum", flat, flat), builder.scale("scaled", flat, by: 3)])
      return builder.activation("y", joined, .prelu(channels: 228))
    }
  }

  private mutating func addEnlargements(of shape: Shape, outChannels: Int) {
    let inChannels = shape.channels
    let payloads: [(String, TransposedConvolution)] = [
      ("2x2 stride 2", TransposedConvolution(inChannels: inChannels, outChannels: outChannels, kernel: 2, stride: 2)),
      (
        "4x4 stride 2 padding 1",
        TransposedConvolution(
          inChannels: inChannels, outChannels: outChannels, kernel: 4, stride: 2, padding: 1, hasBias: shape.width % 2 == 0)
      ),
      (
        "2x3 stride 3x2 cut",
        TransposedConvolution(
          inChannels: inChannels, outChannels: outChannels, kernel: Pair(height: 2, width: 3),
          stride: Pair(height: 3, width: 2), padding: Padding(top: 0, left: 1, bottom: 1, right: 0))
      ),
    ]
    for (name, payload) in payloads {
      add("transposed \(name) of \(shape) to \(outChannels)", [shape]) { builder, x in
        builder.node("y", .transposedConvolution(payload), x, channels: outChannels)
      }
    }
  }
}
