import Networks
import Tensors

extension OperationCaseList {
  mutating func addConvolutions() {
    addRegularConvolutions()
    addOddConvolutions()
    addConvolutionsOfFewChannels()
    addTransposedConvolutions()
    for (inputs, outputs, batch) in [(1, 1, 1), (16, 5, 3), (64, 10, 2), (48, 52, 1)] {
      add("linear \(inputs) to \(outputs) batch \(batch)", [[batch, inputs, 1, 1]]) { builder, x in
        let flat = builder.flatten("flatten", x[0])
        return builder.linear("linear", flat, outFeatures: outputs, bias: inputs != 16)
      }
    }
  }

  /// 3x3, stride 1, padding 1 and 1x1: what super-resolution is made of.
  private mutating func addRegularConvolutions() {
    let sizes: [(height: Int, width: Int, batch: Int)] = [
      (1, 1, 1), (5, 7, 1), (13, 9, 2), (1, 17, 1), (6, 1, 1), (16, 16, 1), (33, 29, 1), (2, 3, 3),
    ]
    let channels = [
      (1, 64), (3, 64), (64, 1), (64, 3), (64, 64), (16, 16), (48, 48), (52, 52), (5, 7), (3, 3), (1, 1), (64, 256), (16, 64),
    ]
    for (inChannels, outChannels) in channels {
      for size in sizes {
        // The big sizes once for the main case: the oracle is slow.
        if size.height * size.width > 300, inChannels * outChannels > 64 * 64 { continue }
        let shape = Shape(batch: size.batch, channels: inChannels, height: size.height, width: size.width)
        addConvolution(
          "3x3 \(inChannels) to \(outChannels) at \(shape)",
          Convolution(
            inChannels: inChannels, outChannels: outChannels, kernel: 3, padding: 1,
            hasBias: (size.height + outChannels) % 2 == 0),
          shape)
      }
    }
    for (inChannels, outChannels) in [(64, 64), (16, 64), (5, 3), (48, 52), (1, 16)] {
      for (height, width) in [(1, 1), (5, 7), (13, 9)] {
        let shape = Shape(channels: inChannels, height: height, width: width)
        addConvolution(
          "1x1 \(inChannels) to \(outChannels) at \(shape)",
          Convolution(inChannels: inChannels, outChannels: outChannels, kernel: 1, hasBias: height != 5), shape)
      }
    }
  }

  /// Heads: several blocks of columns, rows narrower than a register tile and just wider, every stride, taps far outside the image.
  private mutating func addConvolutionsOfFewChannels() {
    let residual = Epilogue([.activation(.relu), .scale(0.1), .add])
    for width in [1, 2, 5, 6, 7, 11, 12, 13, 25] {
      let shape = Shape(batch: 2, channels: 3, height: 19, width: width)
      addConvolution(
        "head 7x7 stride 2 to 70 at width \(width)",
        Convolution(inChannels: 3, outChannels: 70, kernel: 7, stride: 2, padding: 3), shape)
      addConvolution(
        "head 3x3 to 112 with all at width \(width)",
        Convolution(inChannels: 3, outChannels: 112, kernel: 3, padding: 1, epilogue: residual), shape)
    }
    let shape = Shape(batch: 3, channels: 4, height: 23, width: 21)
    for (name, payload) in [
      (
        "3x2 stride 3x4 dilation 2",
        Convolution(
          inChannels: 4, outChannels: 33, kernel: Pair(height: 3, width: 2), stride: Pair(height: 3, width: 4), padding: 2,
          dilation: 2, epilogue: residual)
      ),
      ("1x1 stride 5", Convolution(inChannels: 4, outChannels: 16, kernel: 1, stride: 5)),
      (
        "3x3 dilation 9 beyond the image",
        Convolution(inChannels: 4, outChannels: 36, kernel: 3, padding: 12, dilation: Pair(height: 11, width: 13))
      ),
      (
        "2x2 shuffled",
        Convolution(inChannels: 4, outChannels: 80, kernel: 2, epilogue: Epilogue([.pixelShuffle(2)]))
      ),
    ] { addConvolution("head \(name)", payload, shape) }
  }

  /// Each attribute away from its usual value.
  private mutating func addOddConvolutions() {
    let wide = Shape(batch: 2, channels: 16, height: 13, width: 9)
    func payload(
      _ kernel: Pair, stride: Pair = 1, padding: Padding = 0, dilation: Pair = 1, groups: Int = 1, outChannels: Int = 16
    ) -> Convolution {
      Convolution(
        inChannels: 16, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
        groups: groups)
    }
    let cases: [(String, Convolution)] = [
      ("3x3 without padding", payload(3)),
      ("3x3 padding 2", payload(3, padding: 2)),
      ("3x3 padding on one side", payload(3, padding: Padding(top: 0, left: 2, bottom: 1, right: 0))),
      ("3x3 stride 2", payload(3, stride: 2, padding: 1)),
      ("3x3 stride 2x3", payload(3, stride: Pair(height: 2, width: 3), padding: 1)),
      ("3x3 dilation 2", payload(3, padding: 2, dilation: 2)),
      ("3x3 dilation 3 beyond the image", payload(3, padding: 9, dilation: Pair(height: 1, width: 8))),
      ("5x5", payload(5, padding: 2)),
      ("7x7 stride 2", payload(7, stride: 2, padding: 3, outChannels: 20)),
      ("1x3", payload(Pair(height: 1, width: 3), padding: Padding(top: 0, left: 1, bottom: 0, right: 1))),
      ("3x1", payload(Pair(height: 3, width: 1), padding: Padding(top: 1, left: 0, bottom: 1, right: 0))),
      ("2x2 stride 2", payload(2, stride: 2)),
      ("1x1 stride 2", payload(1, stride: 2)),
      ("1x1 padding 1", payload(1, padding: 1)),
      ("3x3 in 4 groups", payload(3, padding: 1, groups: 4, outChannels: 8)),
      ("depthwise 3x3", payload(3, padding: 1, groups: 16)),
      ("depthwise 3x3 stride 2", payload(3, stride: 2, padding: 1, groups: 16)),
      ("depthwise 3x3 twice the channels", payload(3, padding: 1, groups: 16, outChannels: 32)),
      ("depthwise 5x5 dilation 2", payload(5, padding: 4, dilation: 2, groups: 16)),
    ]
    for (name, payload) in cases { addConvolution(name, payload, wide) }
    // Phases of different widths and heights, more of them than the image has columns, residuals and shuffles between them.
    for (dilation, steps): (Pair, Epilogue) in [
      (Pair(height: 5, width: 3), Epilogue([.activation(.relu), .add])),
      (Pair(height: 2, width: 11), Epilogue([.pixelShuffle(2)])),
      (4, Epilogue([.scale(0.5), .add, .activation(.relu)])),
    ] {
      addConvolution(
        "3x3 dilation \(dilation.height)x\(dilation.width)",
        Convolution(
          inChannels: 20, outChannels: 36, kernel: 3, padding: Padding(top: 3, left: 5, bottom: 9, right: 2),
          dilation: dilation,
          epilogue: steps), Shape(batch: 2, channels: 20, height: 23, width: 29))
    }
    addConvolution(
      "depthwise 3x3 shuffled",
      Convolution(
        inChannels: 36, outChannels: 36, kernel: 3, padding: 1, groups: 36, epilogue: Epilogue([.pixelShuffle(2)])),
      Shape(channels: 36, height: 5, width: 7))
    // Groups within a block of channels, across blocks, and as wide as several.
    for (inChannels, outChannels, groups) in [(64, 128, 2), (128, 128, 32), (48, 24, 3), (20, 200, 2), (6, 3, 3), (40, 36, 4)] {
      for kernel in [1, 3] {
        let payload = Convolution(
          inChannels: inChannels, outChannels: outChannels, kernel: Pair(kernel), stride: Pair(groups == 3 ? 2 : 1),
          padding: Padding(kernel / 2), groups: groups)
        addConvolution(
          "\(kernel)x\(kernel) \(inChannels) to \(outChannels) in \(groups) groups", payload,
          Shape(channels: inChannels, height: 4, width: 15))
      }
    }
    addConvolution(
      "3x3 in 2 groups, pixelShuffle",
      Convolution(
        inChannels: 24, outChannels: 128, kernel: 3, padding: 1, groups: 2, epilogue: Epilogue([.pixelShuffle(2)])),
      Shape(channels: 24, height: 5, width: 7))
    for channels in [1, 5, 48, 64] {
      let payload = Convolution(inChannels: channels, outChannels: channels, kernel: 3, padding: 1, groups: channels)
      addConvolution("depthwise 3x3 of \(channels)", payload, Shape(channels: channels, height: 5, width: 7))
    }
  }

  private mutating func addTransposedConvolutions() {
    let shape = Shape(batch: 2, channels: 6, height: 5, width: 7)
    func add(_ list: inout OperationCaseList, _ name: String, _ payload: TransposedConvolution) {
      guard let extra = try? payload.shapeBeforeShuffle(shape) else { preconditionFailure("\(name): \(shape) does not fit") }
      list.add(name, [shape] + Array(repeating: extra, count: payload.epilogue.extraInputCount)) { builder, x in
        let channels = payload.outChannels / (payload.epilogue.pixelShuffleFactor * payload.epilogue.pixelShuffleFactor)
        return builder.node("transposed", .transposedConvolution(payload), x, channels: channels)
      }
    }
    add(&self, "transposed 2x2 stride 2", TransposedConvolution(inChannels: 6, outChannels: 3, kernel: 2, stride: 2))
    add(
      &self, "transposed 3x3 stride 2 output padding",
      TransposedConvolution(inChannels: 6, outChannels: 4, kernel: 3, stride: 2, padding: 1, outputPadding: 1, hasBias: false))
    add(
      &self, "transposed 4x3 in groups",
      TransposedConvolution(
        inChannels: 6, outChannels: 4, kernel: Pair(height: 4, width: 3), stride: Pair(height: 2, width: 1),
        padding: Padding(top: 1, left: 0, bottom: 0, right: 2), groups: 2))
    add(
      &self, "transposed 3x3 dilation 2",
      TransposedConvolution(inChannels: 6, outChannels: 5, kernel: 3, stride: 3, padding: 2, outputPadding: 1, dilation: 2))
    add(
      &self, "transposed depthwise",
      TransposedConvolution(inChannels: 6, outChannels: 6, kernel: 3, stride: 2, padding: 1, groups: 6)
    )
    let relu = Epilogue.Step.activation(.relu)
    add(
      &self, "transposed depthwise 4x3 dilation 2 with prelu, add",
      TransposedConvolution(
        inChannels: 6, outChannels: 6, kernel: Pair(height: 4, width: 3), stride: Pair(height: 3, width: 2),
        padding: Padding(top: 2, left: 1, bottom: 0, right: 2), outputPadding: 1, dilation: Pair(height: 1, width: 2),
        groups: 6,
        epilogue: Epilogue([.activation(.prelu(channels: 6)), .add])))
    add(
      &self, "transposed depthwise 1x1 stride 2",
      TransposedConvolution(
        inChannels: 6, outChannels: 6, kernel: 1, stride: 2, outputPadding: 1, groups: 6, hasBias: false,
        epilogue: Epilogue([relu])))
    for (name, kernel, padding, steps) in [
      ("2x2 with relu", 2, 0, [relu]),
      ("4x4 with relu, scale, add, leakyReLU", 4, 1, [relu, .scale(0.5), .add, .activation(.leakyReLU(slope: 0.2))]),
      ("2x2 with prelu, pixelShuffle", 2, 0, [.activation(.prelu(channels: 4)), .pixelShuffle(2)]),
    ] as [(String, Int, Int, [Epilogue.Step])] {
      add(
        &self, "transposed \(name)",
        TransposedConvolution(
          inChannels: 6, outChannels: 4, kernel: Pair(kernel), stride: 2, padding: Padding(padding), epilogue: Epilogue(steps)))
    }
  }
}
