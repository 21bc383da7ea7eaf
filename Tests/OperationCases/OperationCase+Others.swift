import Networks
import Tensors

extension OperationCaseList {
  private static let activations: [(String, ActivationFunction)] = [
    ("relu", .relu), ("leakyReLU", .leakyReLU(slope: 0.2)), ("clip", .clip(minimum: -0.25, maximum: 0.5)),
    ("sigmoid", .sigmoid), ("tanh", .tanh), ("shared prelu", .prelu(channels: 1)),
  ]

  mutating func addEpilogues() {
    let relu = Epilogue.Step.activation(.relu)
    var epilogues: [(String, [Epilogue.Step])] = [
      ("scale", [.scale(0.1)]),
      ("add", [.add]),
      ("scale, add", [.scale(-0.1), .add]),
      ("add, relu", [.add, relu]),
      ("relu, add", [relu, .add]),
      ("relu, scale, add, relu", [relu, .scale(0.5), .add, relu]),
      (
        "leakyReLU, scale, add, clip",
        [.activation(.leakyReLU(slope: 0.1)), .scale(2), .add, .activation(ActivationFunction.clip(minimum: 0, maximum: 1))]
      ),
      ("pixelShuffle", [.pixelShuffle(2)]),
      ("relu, pixelShuffle", [relu, .pixelShuffle(2)]),
      ("relu, scale, add, relu, pixelShuffle", [relu, .scale(0.1), .add, relu, .pixelShuffle(2)]),
      ("pixelShuffle 4", [.pixelShuffle(4)]),
    ]
    for (name, function) in Self.activations { epilogues.append((name, [.activation(function)])) }
    for (name, steps) in epilogues {
      for (inChannels, outChannels) in [(16, 16), (3, 64), (64, 48), (48, 64)] {
        let squared = Epilogue(steps).pixelShuffleFactor * Epilogue(steps).pixelShuffleFactor
        guard outChannels % squared == 0 else { continue }
        var all = steps
        if name == "shared prelu", outChannels != 16 { all = [.activation(.prelu(channels: outChannels))] }
        let payload = Convolution(
          inChannels: inChannels, outChannels: outChannels, kernel: 3, padding: 1, hasBias: outChannels != 48,
          epilogue: Epilogue(all))
        let shape = Shape(batch: inChannels == 16 ? 2 : 1, channels: inChannels, height: 13, width: 9)
        addConvolution("3x3 \(inChannels) to \(outChannels) with \(name)", payload, shape)
      }
    }
    let residual = Epilogue([relu, .scale(0.1), .add])
    for (name, payload) in [
      ("64 to 1 with add", Convolution(inChannels: 64, outChannels: 1, kernel: 3, padding: 1, epilogue: Epilogue([.add]))),
      ("5 to 7 with all", Convolution(inChannels: 5, outChannels: 7, kernel: 3, padding: 1, epilogue: residual)),
      ("52 to 52 with all", Convolution(inChannels: 52, outChannels: 52, kernel: 3, padding: 1, epilogue: residual)),
      ("16 to 5 1x1 with all", Convolution(inChannels: 16, outChannels: 5, kernel: 1, epilogue: residual)),
      ("16 to 5 stride 2 with all", Convolution(inChannels: 16, outChannels: 5, kernel: 3, stride: 2, epilogue: residual)),
      (
        "5 to 20 shuffle",
        Convolution(inChannels: 5, outChannels: 20, kernel: 3, padding: 1, epilogue: Epilogue([.pixelShuffle(2)]))
      ),
      (
        "48 to 432 shuffle 3",
        Convolution(inChannels: 48, outChannels: 432, kernel: 3, padding: 1, epilogue: Epilogue([.pixelShuffle(3)]))
      ),
      (
        "depthwise 16 with all",
        Convolution(inChannels: 16, outChannels: 16, kernel: 3, padding: 1, groups: 16, epilogue: residual)
      ),
    ] {
      for (height, width) in [(1, 1), (5, 7), (9, 10)] where payload.stride == 1 || height > 1 {
        let shape = Shape(channels: payload.inChannels, height: height, width: width)
        addConvolution("\(name) at \(shape)", payload, shape)
      }
    }
  }

  mutating func addElementwise() {
    let functions: [(String, ActivationFunction)] = Self.activations + [("prelu", .prelu(channels: 5))]
    for (name, function) in functions {
      add(name, [[2, 5, 5, 7]]) { builder, x in builder.activation("y", x[0], function) }
    }
    add("activation of features", [[3, 5, 1, 1]]) { builder, x in
      builder.activation("y", builder.flatten("flat", x[0]), .prelu(channels: 5))
    }
    for channels in [1, 3, 16, 52] {
      let shape = Shape(batch: 2, channels: channels, height: 5, width: 7)
      add("scale of \(shape)", [shape]) { builder, x in builder.scale("y", x[0], by: -1.5) }
      add("channel affine of \(shape)", [shape]) { builder, x in builder.channelAffine("y", x[0]) }
      add("batch norm of \(shape)", [shape]) { builder, x in builder.batchNorm("y", x[0]) }
      add("add of \(shape)", [shape, shape]) { builder, x in builder.add("y", x[0], x[1]) }
      add("concatenation of \(shape)", [shape, [2, 4, 5, 7], [2, 1, 5, 7]]) { builder, x in builder.concatenation("y", x) }
    }
    add("add of a value to itself", [[1, 3, 1, 1]]) { builder, x in builder.add("y", x[0], x[0]) }
    for (factor, channels) in [(1, 3), (2, 4), (2, 12), (2, 256), (3, 27), (4, 16)] {
      add("pixel shuffle \(channels) by \(factor)", [[2, channels, 5, 7]]) { builder, x in
        builder.pixelShuffle("y", x[0], factor: factor)
      }
      add("pixel unshuffle \(channels) by \(factor)", [[2, channels, 5 * factor, 7 * factor]]) { builder, x in
        builder.pixelUnshuffle("y", x[0], factor: factor)
      }
    }
    add("flatten", [[3, 5, 4, 2]]) { builder, x in builder.flatten("y", x[0]) }
  }

  mutating func addResampling() {
    for method in Resize.Method.allCases {
      for (factor, height, width) in [(1, 5, 7), (2, 1, 1), (2, 5, 7), (3, 4, 2), (4, 3, 3)] {
        add("\(method.rawValue) \(height)x\(width) by \(factor)", [[2, 3, height, width]]) { builder, x in
          builder.resize("y", x[0], method, factor: factor)
        }
      }
    }
    let pools: [(String, Pool)] = [
      ("2x2", Pool(kernel: 2)),
      ("3x3 stride 2 padding 1", Pool(kernel: 3, stride: 2, padding: 1)),
      ("3x3 stride 2 padding 1 ceil", Pool(kernel: 3, stride: 2, padding: 1, ceilMode: true)),
      ("2x2 ceil", Pool(kernel: 2, ceilMode: true)),
      ("3x2 stride 2x1", Pool(kernel: Pair(height: 3, width: 2), stride: Pair(height: 2, width: 1))),
      ("3x3 padding on one side", Pool(kernel: 3, stride: 1, padding: Padding(top: 1, left: 0, bottom: 2, right: 1))),
      ("3x3 padding not counted", Pool(kernel: 3, stride: 2, padding: 1, ceilMode: true, countIncludesPadding: false)),
      ("2x2 stride 3 ceil", Pool(kernel: 2, stride: 3, ceilMode: true)),
      ("whole image", Pool(kernel: Pair(height: 5, width: 7))),
    ]
    for (name, pool) in pools {
      add("maximum pool \(name)", [[2, 3, 5, 7]]) { builder, x in builder.maximumPool("y", x[0], pool) }
      add("average pool \(name)", [[2, 3, 5, 7]]) { builder, x in builder.averagePool("y", x[0], pool) }
    }
    for (height, width) in [(1, 1), (5, 7)] {
      add("global average pool \(height)x\(width)", [[2, 16, height, width]]) { builder, x in
        builder.globalAveragePool("y", x[0])
      }
    }
  }

  /// A few nodes that feed one another.
  mutating func addNetworks() {
    add("residual block", [[1, 16, 13, 9]]) { builder, x in
      let a = builder.activation("relu", builder.convolution("a", x[0], outChannels: 16, kernel: 3, padding: 1), .relu)
      let b = builder.scale("scaled", builder.convolution("b", a, outChannels: 16, kernel: 3, padding: 1), by: 0.1)
      return builder.add("sum", b, x[0])
    }
    add("enlargement with a skip", [[2, 3, 6, 5]]) { builder, x in
      let head = builder.convolution("head", x[0], outChannels: 20, kernel: 3, padding: 1)
      let up = builder.pixelShuffle("shuffle", builder.convolution("up", head, outChannels: 48, kernel: 1), factor: 4)
      let tail = builder.convolution("tail", up, outChannels: 3, kernel: 3, padding: 1)
      return builder.add("sum", tail, builder.resize("enlarged", x[0], .bilinear, factor: 4))
    }
    add("down and up", [[1, 4, 8, 12]]) { builder, x in
      let left = builder.activation("left", builder.convolution("down", x[0], outChannels: 6, kernel: 3, padding: 1), .tanh)
      let deep = builder.maximumPool("pool", left, Pool(kernel: 2))
      let up = builder.transposedConvolution("up", deep, outChannels: 5, kernel: 2, stride: 2)
      let merged = builder.concatenation("merged", [up, left])
      return builder.convolution("out", merged, outChannels: 2, kernel: 1)
    }
    add("squeeze and excite", [[2, 8, 6, 5]]) { builder, x in
      let y = builder.activation("swish", builder.convolution("y", x[0], outChannels: 16, kernel: 3, padding: 1), .hardSwish)
      let squeezed = builder.convolution("squeeze", builder.globalAveragePool("pool", y), outChannels: 4, kernel: 1)
      let excited = builder.convolution("excite", builder.activation("relu", squeezed, .relu), outChannels: 16, kernel: 1)
      let weights = builder.activation("weights", excited, .hardSigmoid(alpha: 0.2, beta: 0.5))
      return builder.binary("product", .multiply, y, weights)
    }
    add("depth to space behind a convolution", [[1, 3, 5, 4]]) { builder, x in
      let padded = builder.pad("pad", x[0], Pad(1, mode: .reflect))
      let y = builder.convolution("y", padded, outChannels: 12, kernel: 3)
      return builder.pixelShuffle("shuffle", y, factor: 2, order: .channelsInnermost)
    }
    add("classifier", [[3, 3, 9, 8]]) { builder, x in
      let stem = builder.convolution("stem", x[0], outChannels: 8, kernel: 3, stride: 2, padding: 1, bias: false)
      let normed = builder.activation("relu", builder.batchNorm("norm", stem), .relu)
      return builder.linear("out", builder.flatten("flat", builder.globalAveragePool("pool", normed)), outFeatures: 3)
    }
  }
}
