import Networks
import Tensors

extension OperationCaseList {
  /// What only networks hold that are trained.
  mutating func addTraining() {
    addConvolutionProducts()
    addGradientsOfFunctions()
    addBatchNormalization()
    addPoolGradients()
    addAdjoints()
    for channels in [3, 16, 21] {
      let shape: Shape = [2, channels, 5, 7]
      addOperation("channelSum of \(channels) channels", .training(.channelSum), [shape])
      addOperation("channelProduct of \(channels) channels", .training(.channelProduct), [shape, [channels]])
    }
    addOperation("channelSum of features", .training(.channelSum), [[3, 37]])
    addOperation("channelProduct of features", .training(.channelProduct), [[3, 37], [37]])
    for shape in [[20, 17, 3, 3], [5, 3, 2, 1], [3000], [7, 9]] as [Shape] {
      addOperation(
        "moving average of \(shape)", .training(.movingAverage(MovingAverage(keep: 0.9, add: 0.25))), [shape, shape])
      addOperation(
        "moving average of squares of \(shape)", .training(.movingAverage(MovingAverage(keep: 0.9, add: 0.25, squares: true))),
        [shape, shape])
      addOperation("plain step of \(shape)", .training(.parameterStep(ParameterStep(decay: 0.1))), [shape, shape, [4]])
      add("adaptive step of \(shape)", inputs: [shape, shape, shape, [4]]) { builder, inputs in
        let square = builder.activation("square", inputs[2], .clip(minimum: 0.25, maximum: 1))
        return builder.node(
          "y", .training(.parameterStep(ParameterStep(decay: 0.01, epsilon: 0.125))),
          [inputs[0], inputs[1], square, inputs[3]],
          channels: 1)
      }
    }
    for rate in [0, 0.5, 0.9] as [Float] {
      addOperation("dropout of \(rate)", .training(.dropout(Dropout(rate: rate, seed: 7))), [[2, 9, 4, 5], [1]])
    }
    for (minimum, maximum) in [(0, 255), (-128, 127), (-7, 7), (-3, 0), (5, 9), (0, 0)] {
      for shape in [[2, 21, 5, 7], [1, 3, 4, 9], [3, 37], [5]] as [Shape] {
        // Many lie in the middle between two whole numbers.
        add("fake quantisation to \(minimum)...\(maximum) of \(shape)", inputs: [shape]) { builder, inputs in
          let halves = builder.activation("halves", builder.scale("larger", inputs[0], by: 30), .round)
          return builder.node(
            "y", .training(.fakeQuantize(FakeQuantize(minimum: minimum, maximum: maximum))),
            [builder.scale("x", halves, by: 0.5)], channels: 1)
        }
      }
    }
    addOperation(
      "fake quantisation of any numbers", .training(.fakeQuantize(FakeQuantize(minimum: -1, maximum: 1))), [[2, 9, 4, 5]])
    addOperation("dropout of features", .training(.dropout(Dropout(rate: 0.25, seed: 1 << 50))), [[5, 19], [1]])
  }

  /// Adds one operation on inputs of any shapes.
  private mutating func addOperation(_ name: String, _ operation: Operation, _ shapes: [Shape]) {
    add(name, inputs: shapes) { builder, inputs in builder.node("y", operation, inputs, channels: 1) }
  }

  private mutating func addConvolutionProducts() {
    let forms: [(String, Convolution, Shape)] = [
      ("3x3 of 16", Convolution(inChannels: 16, outChannels: 16, kernel: 3, padding: 1), [2, 16, 9, 11]),
      ("3x3 of 3 to 20", Convolution(inChannels: 3, outChannels: 20, kernel: 3, padding: 1), [2, 3, 8, 7]),
      ("3x3 of 20 to 3", Convolution(inChannels: 20, outChannels: 3, kernel: 3, padding: 1), [1, 20, 8, 7]),
      ("1x1 of 17 to 33", Convolution(inChannels: 17, outChannels: 33, kernel: 1), [3, 17, 5, 6]),
      ("3x3 without padding", Convolution(inChannels: 16, outChannels: 32, kernel: 3), [1, 16, 6, 9]),
      ("3x3 stride 2", Convolution(inChannels: 16, outChannels: 20, kernel: 3, stride: 2, padding: 1), [2, 16, 9, 12]),
      ("1x1 stride 2", Convolution(inChannels: 16, outChannels: 32, kernel: 1, stride: 2), [2, 16, 9, 12]),
      ("2x2 stride 2", Convolution(inChannels: 5, outChannels: 7, kernel: 2, stride: 2), [2, 5, 9, 6]),
      (
        "3x5 in groups",
        Convolution(
          inChannels: 8, outChannels: 12, kernel: Pair(height: 3, width: 5),
          padding: Padding(top: 1, left: 0, bottom: 2, right: 3), groups: 4), [2, 8, 7, 9]
      ),
      ("depthwise 3x3 of 21", Convolution(inChannels: 21, outChannels: 21, kernel: 3, padding: 1, groups: 21), [2, 21, 8, 7]),
      ("depthwise 3x3 of 3", Convolution(inChannels: 3, outChannels: 3, kernel: 3, padding: 1, groups: 3), [2, 3, 8, 7]),
      (
        "depthwise 3x3 stride 2",
        Convolution(inChannels: 16, outChannels: 16, kernel: 3, stride: 2, padding: 1, groups: 16), [2, 16, 8, 7]
      ),
      (
        "depthwise 5x5 to twice the channels",
        Convolution(inChannels: 6, outChannels: 12, kernel: 5, padding: 2, groups: 6), [1, 6, 8, 7]
      ),
      ("3x3 dilation 2", Convolution(inChannels: 16, outChannels: 16, kernel: 3, padding: 2, dilation: 2), [1, 16, 9, 11]),
      ("3x3 of 40 to 72", Convolution(inChannels: 40, outChannels: 72, kernel: 3, padding: 1), [2, 40, 21, 37]),
      ("3x3 of a long row", Convolution(inChannels: 16, outChannels: 16, kernel: 3, padding: 1), [1, 16, 2, 300]),
      ("7x7 stride 2", Convolution(inChannels: 3, outChannels: 16, kernel: 7, stride: 2, padding: 3), [1, 3, 21, 17]),
      ("1x1 of 3 to 16", Convolution(inChannels: 3, outChannels: 16, kernel: 1), [2, 3, 5, 6]),
      (
        "3x5 of 2 to 70 by uneven steps",
        Convolution(
          inChannels: 2, outChannels: 70, kernel: Pair(height: 3, width: 5), stride: Pair(height: 1, width: 2),
          padding: Padding(top: 2, left: 4, bottom: 0, right: 1), dilation: Pair(height: 2, width: 1)), [2, 2, 13, 9]
      ),
      (
        "5x3 of 20 to 4, unevenly padded",
        Convolution(
          inChannels: 20, outChannels: 4, kernel: Pair(height: 5, width: 3),
          padding: Padding(top: 4, left: 0, bottom: 1, right: 2)), [2, 20, 7, 9]
      ),
      ("3x3 of 1 to 1", Convolution(inChannels: 1, outChannels: 1, kernel: 3, padding: 1), [3, 1, 40, 3]),
    ]
    for (name, convolution, x) in forms {
      guard let y = try? convolution.shapeBeforeShuffle(x) else { preconditionFailure("\(name) does not fit \(x)") }
      var unbiased = convolution
      unbiased.hasBias = false
      addProduct("convolution output without bias, \(name)", ConvolutionProduct(.output, of: unbiased), [x])
      let output = ConvolutionProduct(.output, of: convolution)
      addProduct("convolution output, \(name)", output, [x])
      var gradient = ConvolutionProduct(.inputGradient, of: convolution)
      addProduct("convolution input gradient, \(name)", gradient, [y, x])
      gradient.convolution.epilogue = Epilogue([.add])
      addProduct("convolution input gradient and a sum, \(name)", gradient, [y, x, x])
      gradient.convolution.epilogue = Epilogue([.scale(0.25)])
      addProduct("convolution input gradient and a factor, \(name)", gradient, [y, x])
      gradient.convolution.epilogue = Epilogue([.scale(-2), .add])
      addProduct("convolution input gradient, a factor and a sum, \(name)", gradient, [y, x, x])
      addOperation(
        "convolution weight gradient, \(name)",
        .training(.convolutionProduct(ConvolutionProduct(.weightGradient, of: convolution))), [x, y])
    }
    let sized = ConvolutionProduct(
      .inputGradient, of: Convolution(inChannels: 4, outChannels: 6, kernel: 3, stride: 2), size: Pair(height: 8, width: 9))
    addProduct("convolution input gradient of a stated size", sized, [[1, 6, 3, 4]])
    // The weight is a parameter: of the convolution that it is the gradient of.
    add("convolution input gradient by a parameter", [[2, 16, 9, 10]]) { builder, x in
      let y = builder.convolution("y", x[0], outChannels: 20, kernel: 3, padding: 1)
      let product = ConvolutionProduct(.inputGradient, of: Convolution(inChannels: 16, outChannels: 20, kernel: 3, padding: 1))
      return builder.node(
        "gradient", .training(.convolutionProduct(product)), [y, builder.parameter("y.weight"), x[0]], channels: 16)
    }
  }

  /// Adds a product with a weight that the network owns: as a rule it is that of the convolution whose gradient this is.
  private mutating func addProduct(_ name: String, _ payload: ConvolutionProduct, _ shapes: [Shape]) {
    add(name, inputs: shapes) { builder, inputs in
      _ = builder.constant("w", Tensor(zeros: payload.weightShape))
      var operands = [inputs[0], builder.parameter("w.value")] + inputs.dropFirst()
      if payload.convolution.hasBias {
        _ = builder.constant("b", Tensor(zeros: [payload.convolution.outChannels]))
        operands.append(builder.parameter("b.value"))
      }
      return builder.node("y", .training(.convolutionProduct(payload)), operands, channels: 1)
    }
  }

  private mutating func addGradientsOfFunctions() {
    let functions: [ActivationFunction] =
      ActivationFunction.plain + [
        .leakyReLU(slope: 0.1), .leakyReLU(slope: -1), .clip(minimum: -0.5, maximum: 0.25), .hardSigmoid(alpha: 0.9, beta: 0.5),
        .elu(alpha: 1.5), .celu(alpha: 0.5), .thresholdedReLU(alpha: 0.25), .power(exponent: 2), .power(exponent: -1.5),
      ]
    for function in functions {
      for channels in [3, 21] {
        let shape: Shape = [2, channels, 5, 7]
        add("gradient of \(ActivationGradient(function).summary), \(channels) channels", inputs: [shape, shape]) {
          builder, inputs in
          let x =
            function.keepsFinite
            ? builder.scale("scaled", inputs[1], by: 4)
            : builder.activation("argument", inputs[1], .clip(minimum: 0.25, maximum: 1))
          return builder.node(
            "y", .training(.activationGradient(ActivationGradient(function))), [inputs[0], x], channels: channels)
        }
      }
    }
    addOperation(
      "gradient of prelu", .training(.activationGradient(ActivationGradient(.prelu(channels: 20)))),
      [[2, 20, 5, 7], [2, 20, 5, 7], [20]])
    addOperation(
      "gradient of prelu of one slope", .training(.activationGradient(ActivationGradient(.prelu(channels: 1)))),
      [[2, 3, 5, 7], [2, 3, 5, 7], [1]])
    addOperation(
      "gradient of relu of features", .training(.activationGradient(ActivationGradient(.relu))), [[3, 19], [3, 19]])
  }

  private mutating func addBatchNormalization() {
    for (channels, shape) in [(3, [2, 3, 5, 7]), (16, [2, 16, 5, 7]), (21, [3, 21, 4, 1]), (37, [5, 37])] as [(Int, Shape)] {
      add("batch normalisation of \(shape)", inputs: [shape]) { builder, inputs in
        let moments = builder.node(
          "moments", .training(.batchNormalization(BatchNormalization(.moments, channels: channels))), inputs,
          channels: channels)
        return builder.node(
          "y", .training(.batchNormalization(BatchNormalization(.output, channels: channels, epsilon: 0.1))),
          [inputs[0], moments],
          channels: channels)
      }
      let epilogues: [[Epilogue.Step]] = [
        [.activation(.relu)], [.add, .activation(.relu)], [.activation(.silu), .scale(0.5), .add],
        [.activation(.leakyReLU(slope: 0.1))],
      ]
      for steps in epilogues {
        let epilogue = Epilogue(steps), text = steps.map(\.typeName).joined(separator: ", ")
        add("batch normalisation of \(shape), \(text)", inputs: [shape, shape]) { builder, inputs in
          let moments = builder.node(
            "moments", .training(.batchNormalization(BatchNormalization(.moments, channels: channels))), [inputs[0]],
            channels: channels)
          let output = BatchNormalization(.output, channels: channels, epsilon: 0.1, epilogue: epilogue)
          return builder.node(
            "y", .training(.batchNormalization(output)),
            [inputs[0], moments] + (epilogue.extraInputCount > 0 ? [inputs[1]] : []), channels: channels)
        }
      }
      add(
        "batch normalisation's gradient behind a relu, of \(shape)", inputs: [shape, shape, [channels], [channels]]
      ) { builder, inputs in
        let (g, weight, bias) = (inputs[0], inputs[2], inputs[3])
        // Numbers with few bits: none is so near to 0 that rounding decides whether the relu lets it pass.
        let x = builder.activation("round", builder.scale("larger", inputs[1], by: 8), .round)
        func part(_ part: BatchNormalization.Part) -> Operation {
          let epilogue = Epilogue(part == .moments ? [] : [.activation(.relu)])
          return .training(
            .batchNormalization(BatchNormalization(part, channels: channels, epsilon: 0.1, epilogue: epilogue)))
        }
        let moments = builder.node("moments", part(.moments), [x], channels: channels)
        let sums = builder.node("sums", part(.gradientSums), [g, x, moments, weight, bias], channels: channels)
        return builder.node("y", part(.inputGradient), [g, x, moments, sums, weight, bias], channels: channels)
      }
      add("batch normalisation's gradient of \(shape)", inputs: [shape, shape, [channels]]) { builder, inputs in
        let (g, x, weight) = (inputs[0], inputs[1], inputs[2])
        func part(_ part: BatchNormalization.Part) -> Operation {
          .training(.batchNormalization(BatchNormalization(part, channels: channels, epsilon: 0.1)))
        }
        let moments = builder.node("moments", part(.moments), [x], channels: channels)
        let sums = builder.node("sums", part(.gradientSums), [g, x, moments], channels: channels)
        return builder.node("y", part(.inputGradient), [g, x, moments, sums, weight], channels: channels)
      }
    }
  }

  private mutating func addPoolGradients() {
    let pools: [(Pool, Shape)] = [
      (Pool(kernel: 2), [2, 16, 8, 10]), (Pool(kernel: 3, stride: 2, padding: 1), [1, 20, 9, 8]),
      (Pool(kernel: 3, stride: 1, padding: 1), [2, 3, 7, 6]), (Pool(kernel: 2, ceilMode: true), [1, 5, 7, 9]),
      (Pool(kernel: Pair(height: 1, width: 3), stride: 2), [1, 17, 6, 9]),
      (Pool(kernel: 2, stride: 3, padding: 1), [2, 20, 8, 7]), (Pool(kernel: 2), [1, 70, 9, 7]),
    ]
    for (pool, x) in pools {
      guard let y = try? Operation.maximumPool(pool).outputShape([x]) else { preconditionFailure("\(pool) does not fit \(x)") }
      addOperation(
        "maximum pool's gradient, \(pool.kernel) of \(x)", .training(.maximumPoolGradient(MaximumPoolGradient(pool))), [y, x])
      let sum = MaximumPoolGradient(pool, epilogue: Epilogue([.add]))
      addOperation(
        "maximum pool's gradient and a sum, \(pool.kernel) of \(x)", .training(.maximumPoolGradient(sum)), [y, x, x])
      // Equal values: the first takes all.
      add("maximum pool's gradient of equals, \(pool.kernel) of \(x)", inputs: [y, x]) { builder, inputs in
        let round = builder.activation("round", inputs[1], .round)
        return builder.node(
          "y", .training(.maximumPoolGradient(MaximumPoolGradient(pool))), [inputs[0], round], channels: x.channels)
      }
      var counted = pool
      counted.countIncludesPadding = false
      for pool in [pool, counted] {
        addOperation(
          "adjoint of an average pool, \(pool.kernel) of \(x)\(pool.countIncludesPadding ? "" : ", padding not counted")",
          .training(.adjoint(Adjoint(.averagePool(pool)))), [y, x])
      }
    }
  }

  private mutating func addAdjoints() {
    let image: Shape = [2, 20, 6, 7]
    let maps: [(String, Operation)] = [
      ("global average pool", .globalAveragePool),
      ("zero padding", .pad(Pad(Padding(top: 1, left: 2, bottom: 0, right: 3), channelsBefore: 3, channelsBehind: 1))),
      ("reflecting", .pad(Pad(Padding(top: 1, left: 2, bottom: 3, right: 0), mode: .reflect))),
      ("repeating edges", .pad(Pad(Padding(2), mode: .edge))),
      ("channels of a slice", .slice(Slice([Slice.Span(axis: 1, start: 3, end: -2)]))),
      ("slice of rows", .slice(Slice([Slice.Span(axis: 2, start: 1, step: 2), Slice.Span(axis: 3, start: -5, end: -1)]))),
      ("slice of images", .slice(Slice([Slice.Span(axis: 0, start: 1)]))),
      ("nearest by 2", .resize(Resize(method: .nearest, factor: 2))),
      ("bilinear by 2", .resize(Resize(method: .bilinear, factor: 2))),
      ("bicubic by 3", .resize(Resize(method: .bicubic, factor: 3))),
      (
        "bilinear to less",
        .resize(Resize(method: .bilinear, target: .size(Pair(height: 3, width: 5)), coordinates: .alignCorners))
      ),
      ("bicubic by 1.5", .resize(Resize(method: .bicubic, target: .factor(height: 1.5, width: 0.5)))),
      ("mean of channels", .reduction(Reduction(.mean, axes: [1]))),
      ("sum of images", .reduction(Reduction(.sum, axes: [0, 2, 3], keepsAxes: false))),
      ("mean of all", .reduction(Reduction(.mean, axes: [0, 1, 2, 3]))),
    ]
    for (name, operation) in maps {
      guard let map = Adjoint.Map(operation), let y = try? operation.outputShape([image]) else {
        preconditionFailure("\(name) has no adjoint")
      }
      addOperation("adjoint of \(name)", .training(.adjoint(Adjoint(map))), [y, image])
    }
    for x in [[1, 20, 6, 7], [2, 1, 6, 7], [2, 20, 1, 1], [1, 20, 1, 1], [1, 1, 1, 1], image] as [Shape] {
      addOperation("adjoint of \(x) repeated", .training(.adjoint(Adjoint(.repetition))), [image, x])
    }
    addOperation("adjoint of features repeated", .training(.adjoint(Adjoint(.repetition))), [[3, 21], [1, 21]])
    addOperation("adjoint of a reshape", .training(.adjoint(Adjoint(.reshape))), [[2, 840], image])
    addOperation(
      "adjoint of a reshape to stated extents", .training(.adjoint(Adjoint(.reshape, extents: [2, 20, 42]))), [image])
  }
}
