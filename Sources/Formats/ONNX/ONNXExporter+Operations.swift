import Networks
import ONNXProto
import Tensors

/// Each operation as operators of ONNX.
extension ONNXExporter {
  mutating func write(_ node: Node) throws(ONNXProblem) {
    let (name, x) = (node.name, node.inputs.first ?? "")
    switch node.operation {
    case .convolution(let payload):
      convolution(payload, node, x, weight: parameter(node, .weight), bias: payload.hasBias ? parameter(node, .bias) : nil)
    case .separableConvolution(let payload): separableConvolution(payload, node)
    case .transposedConvolution(let payload):
      let bias = payload.hasBias ? parameter(node, .bias) : nil
      let value = payload.epilogue.isEmpty ? name : inner(node, "convolution")
      transposedConvolution(payload, x, value, weight: parameter(node, .weight), bias: bias)
      epilogue(payload.epilogue, node, value)
    case .linear(let payload):
      let bias = payload.hasBias ? [parameter(node, .bias)] : []
      add("Gemm", [x, parameter(node, .weight)] + bias, name, [.integer("transB", 1)])
    case .batchNorm(let payload):
      let statistics = [ParameterRole.weight, .bias, .runningMean, .runningVariance].map { parameter(node, $0) }
      add("BatchNormalization", [x] + statistics, name, [.float("epsilon", payload.epsilon)])
    case .activation(let function): activation(function, node, x, name, rank: ranks[x] ?? 4)
    case .scale(let payload): add("Mul", [x, number(node, "factor", payload.factor)], name)
    case .channelAffine(let payload):
      let shape = Self.channelShape(payload.channels, rank: ranks[x] ?? 4)
      let scaled = add("Mul", [x, parameter(node, .scale, shape: shape)], inner(node, "scaled"))
      add("Add", [scaled, parameter(node, .shift, shape: shape)], name)
    case .add: add("Add", node.inputs, name)
    case .binary(let function): binary(function, node)
    case .matrixMultiply: add("MatMul", node.inputs, name)
    case .concatenation(let payload): add("Concat", node.inputs, name, [.integer("axis", payload.axis)])
    case .pixelShuffle(let payload): pixelShuffle(payload, x, name)
    case .pixelUnshuffle(let payload): try pixelUnshuffle(payload, node)
    case .resize(let payload): resize(payload, node)
    case .maximumPool(let payload):
      add(
        "MaxPool", [x], name,
        Self.window(payload.kernel, payload.stride, payload.padding) + [.integer("ceil_mode", payload.ceilMode ? 1 : 0)])
    case .averagePool(let payload):
      add(
        "AveragePool", [x], name,
        Self.window(payload.kernel, payload.stride, payload.padding) + [
          .integer("ceil_mode", payload.ceilMode ? 1 : 0),
          .integer("count_include_pad", payload.countIncludesPadding ? 1 : 0),
        ])
    case .globalAveragePool: add("GlobalAveragePool", [x], name)
    case .flatten: add("Flatten", [x], name, [.integer("axis", 1)])
    case .slice(let payload):
      let spans = payload.spans
      let bounds = [
        sizes(node, "starts", spans.map(\.start)),
        sizes(node, "ends", spans.map { $0.end ?? SizeExpression(1 << 62) }),
        integers(node, "axes", spans.map(\.axis)), integers(node, "steps", spans.map(\.step)),
      ]
      add("Slice", [x] + bounds, name)
    case .pad(let payload):
      let (before, behind) = (payload.channelsBefore, payload.channelsBehind)
      let padding = payload.padding, growth = payload.growth ?? Pad.Growth()
      func side(_ fixed: Int, _ growth: SizeExpression) -> SizeExpression {
        growth.constant.map { SizeExpression(fixed + $0) } ?? (fixed == 0 ? growth : growth + SizeExpression(fixed))
      }
      let pads = sizes(
        node, "pads",
        [
          0, SizeExpression(before), side(padding.top, growth.top), side(padding.left, growth.left), 0, SizeExpression(behind),
          side(padding.bottom, growth.bottom), side(padding.right, growth.right),
        ])
      let value = payload.mode == .constant ? [number(node, "value", payload.value)] : []
      add("Pad", [x, pads] + value, name, [.text("mode", payload.mode.rawValue)])
    case .softmax(let payload): add("Softmax", [x], name, [.integer("axis", payload.axis)])
    case .reshape(let payload): add("Reshape", [x, sizes(node, "shape", payload.extents)], name)
    case .transpose(let payload): add("Transpose", [x], name, [.integers("perm", payload.permutation)])
    case .reduction(let payload): reduction(payload, node, x, name)
    case .maximumIndex(let payload):
      let index = add(
        "ArgMax", [x], inner(node, "index"),
        [.integer("axis", payload.axis), .integer("keepdims", payload.keepsAxis ? 1 : 0)])
      add("Cast", [index], name, [.integer("to", 1)])
    case .normalization(let payload): try normalization(payload, node)
    case .expand(let payload): add("Expand", [x, sizes(node, "shape", payload.extents)], name)
    case .constant: add("Constant", [], name, [constant(node, .value)])
    case .integer: try writeIntegers(node)
    case .training:
      throw .notExportable(
        node: node.name, operation: node.operation.typeName, reason: "it is of training, and ONNX files are of inference")
    }
  }

  private mutating func binary(_ function: BinaryFunction, _ node: Node) {
    switch function {
    case .add: add("Add", node.inputs, node.name)
    case .subtract: add("Sub", node.inputs, node.name)
    case .multiply: add("Mul", node.inputs, node.name)
    case .divide: add("Div", node.inputs, node.name)
    case .minimum: add("Min", node.inputs, node.name)
    case .maximum: add("Max", node.inputs, node.name)
    case .power: add("Pow", node.inputs, node.name)
    case .mask:
      let zero = number(node, "zero", 0)
      let isZero = add("Equal", [node.inputs[1], zero], inner(node, "isZero"))
      add("Where", [isZero, zero, node.inputs[0]], node.name)
    case .equal, .less, .lessOrEqual:
      let type = function == .equal ? "Equal" : function == .less ? "Less" : "LessOrEqual"
      add("Cast", [add(type, node.inputs, inner(node, "holds"))], node.name, [.integer("to", 1)])
    }
  }

  private mutating func reduction(_ payload: Reduction, _ node: Node, _ x: String, _ output: String) {
    let keeps = ONNXAttributeProto.integer("keepdims", payload.keepsAxes ? 1 : 0)
    // Of opset 17 the sum alone takes its axes as an input.
    if payload.function == .sum {
      add("ReduceSum", [x, integers(node, "axes", payload.axes)], output, [keeps])
      return
    }
    let type =
      switch payload.function {
      case .mean: "ReduceMean"
      case .sum: "ReduceSum"
      case .sumOfMagnitudes: "ReduceL1"
      case .sumOfSquares: "ReduceSumSquare"
      case .product: "ReduceProd"
      case .maximum: "ReduceMax"
      case .minimum: "ReduceMin"
      }
    add(type, [x], output, [.integers("axes", payload.axes), keeps])
  }

  private mutating func normalization(_ payload: Normalization, _ node: Node) throws(ONNXProblem) {
    let x = node.inputs[0]
    if payload.groups > 1 {
      guard payload.centres, payload.axes == Array(1..<(ranks[x] ?? 4)) else {
        throw .notExportable(
          node: node.name, operation: node.operation.typeName, reason: "its groups are normalised along some axes alone")
      }
      // As PyTorch exports it: each group as a channel.
      let shape = integers(node, "groups", [0, payload.groups, -1])
      let split = add("Reshape", [x, shape], inner(node, "split"))
      let ones = floats(node, "ones", Array(repeating: 1, count: payload.groups))
      let zeros = floats(node, "zeros", Array(repeating: 0, count: payload.groups))
      let normed = add(
        "InstanceNormalization", [split, ones, zeros], inner(node, "normalised"), [.float("epsilon", payload.epsilon)])
      add("Reshape", [normed, add("Shape", [x], inner(node, "shape"))], node.name)
      return
    }
    var centred = x
    if payload.centres {
      let mean = inner(node, "mean")
      reduction(Reduction(.mean, axes: payload.axes), node, x, mean)
      centred = add("Sub", [x, mean], inner(node, "centred"))
    }
    let square = add("Mul", [centred, centred], inner(node, "square")), variance = inner(node, "variance")
    reduction(Reduction(.mean, axes: payload.axes), node, square, variance)
    let shifted = add("Add", [variance, number(node, "epsilon", payload.epsilon)], inner(node, "shifted"))
    add("Div", [centred, add("Sqrt", [shifted], inner(node, "deviation"))], node.name)
  }

  private static func window(_ kernel: Pair, _ stride: Pair, _ padding: Padding) -> [ONNXAttributeProto] {
    [
      .integers("kernel_shape", kernel.list), .integers("strides", stride.list),
      .integers("pads", [padding.top, padding.left, padding.bottom, padding.right]),
    ]
  }

  /// A vector along the channels of a value of that many axes.
  private static func channelShape(_ channels: Int, rank: Int) -> Shape {
    // A longer shape would make another of a scalar.
    rank == 0 ? [] : Shape([channels] + Array(repeating: 1, count: max(rank - 2, 0)))
  }

  // MARK: Convolutions

  /// The convolution and the steps behind it; the last makes the node's value.
  private mutating func convolution(
    _ payload: Convolution, _ node: Node, _ x: String, weight: String, bias: String?
  ) {
    let value = payload.epilogue.isEmpty ? node.name : inner(node, "convolution")
    convolution(payload, x, value, weight: weight, bias: bias)
    epilogue(payload.epilogue, node, value)
  }

  /// The steps behind a convolution that made `value`; the last makes the node's value.
  private mutating func epilogue(_ epilogue: Epilogue, _ node: Node, _ value: String) {
    steps(epilogue.steps, node, value, output: node.name, extras: node.inputs.dropFirst())
  }

  /// The steps, each as an operator; those that make integers of numbers, or numbers of sums, are others'.
  mutating func steps(
    _ steps: [Epilogue.Step], _ node: Node, _ value: String, output last: String, extras: ArraySlice<String>,
    slope: ParameterRole = .slope, rank: Int = 4
  ) {
    var value = value
    var extras = extras
    for (index, step) in steps.enumerated() {
      let output = index == steps.count - 1 ? last : inner(node, "epilogue")
      switch step {
      case .activation(let function): activation(function, node, value, output, rank: rank, slope: slope)
      case .scale(let factor): add("Mul", [value, number(node, "factor", factor)], output)
      case .add: add("Add", [value, extras.removeFirst()], output)
      case .pixelShuffle(let factor): pixelShuffle(PixelShuffle(factor: factor), value, output)
      case .quantize(let payload): quantize(value, payload, node, output)
      case .rescale, .requantize: add("Identity", [value], output)
      }
      value = output
    }
  }

  mutating func convolution(
    _ payload: Convolution, _ x: String, _ output: String, weight: String, bias: String?
  ) {
    add("Conv", [x, weight] + (bias.map { [$0] } ?? []), output, Self.attributes(payload))
  }

  static func attributes(_ payload: Convolution) -> [ONNXAttributeProto] {
    window(payload.kernel, payload.stride, payload.padding) + [
      .integers("dilations", payload.dilation.list), .integer("group", payload.groups),
    ]
  }

  mutating func transposedConvolution(
    _ payload: TransposedConvolution, _ x: String, _ output: String, weight: String, bias: String?
  ) {
    add(
      "ConvTranspose", [x, weight] + (bias.map { [$0] } ?? []), output,
      Self.window(payload.kernel, payload.stride, payload.padding) + [
        .integers("dilations", payload.dilation.list), .integers("output_padding", payload.outputPadding.list),
        .integer("group", payload.groups),
      ])
  }

  private mutating func separableConvolution(_ payload: SeparableConvolution, _ node: Node) {
    var value = node.inputs[0]
    let (first, second) = payload.parts
    let parts = payload.linearParts
    let middle = inner(node, payload.order == .depthwiseFirst ? "depthwise" : "pointwise")
    convolution(
      first, value, middle, weight: parameter(node, parts[0].weightRole),
      bias: first.hasBias ? parameter(node, parts[0].biasRole) : nil)
    value = middle
    if let function = payload.middle {
      value = inner(node, "middle")
      activation(function, node, middle, value, rank: 4, slope: .middleSlope)
    }
    convolution(
      second, node, value, weight: parameter(node, parts[1].weightRole),
      bias: second.hasBias ? parameter(node, parts[1].biasRole) : nil)
  }

  // MARK: Activations

  private mutating func activation(
    _ function: ActivationFunction, _ node: Node, _ x: String, _ output: String, rank: Int, slope: ParameterRole = .slope
  ) {
    switch function {
    case .relu: add("Relu", [x], output)
    case .leakyReLU(let slope): add("LeakyRelu", [x], output, [.float("alpha", slope)])
    case .prelu(let channels):
      add("PRelu", [x, parameter(node, slope, shape: Self.channelShape(channels, rank: rank))], output)
    case .clip(let minimum, let maximum):
      let bounds = [number(node, "minimum", minimum), number(node, "maximum", maximum)]
      add("Clip", [x] + bounds, output)
    case .sigmoid: add("Sigmoid", [x], output)
    case .tanh: add("Tanh", [x], output)
    case .hardSigmoid(let alpha, let beta): add("HardSigmoid", [x], output, [.float("alpha", alpha), .float("beta", beta)])
    case .hardSwish: add("HardSwish", [x], output)
    case .gelu:
      // Gelu itself came with opset 20.
      let erf = add("Erf", [multiplied(x, by: Float(0.5).squareRoot(), node)], inner(node, "erf"))
      gated(x, erf, node, output)
    case .geluTanh:
      let square = add("Mul", [x, x], inner(node, "square"))
      let cube = add("Mul", [square, x], inner(node, "cube"))
      let sum = add("Add", [x, multiplied(cube, by: 0.044715, node)], inner(node, "sum"))
      let tanh = add("Tanh", [multiplied(sum, by: (2 / Float.pi).squareRoot(), node)], inner(node, "tanh"))
      gated(x, tanh, node, output)
    case .silu:
      let sigmoid = add("Sigmoid", [x], inner(node, "sigmoid"))
      add("Mul", [x, sigmoid], output)
    case .softplus: add("Softplus", [x], output)
    case .elu(let alpha): add("Elu", [x], output, [.float("alpha", alpha)])
    case .celu(let alpha): add("Celu", [x], output, [.float("alpha", alpha)])
    case .thresholdedReLU(let alpha): add("ThresholdedRelu", [x], output, [.float("alpha", alpha)])
    case .softsign: add("Softsign", [x], output)
    case .errorFunction: add("Erf", [x], output)
    case .exponential: add("Exp", [x], output)
    case .logarithm: add("Log", [x], output)
    case .squareRoot: add("Sqrt", [x], output)
    case .reciprocal: add("Reciprocal", [x], output)
    case .power(let exponent): add("Pow", [x, number(node, "exponent", exponent)], output)
    case .floor: add("Floor", [x], output)
    case .ceiling: add("Ceil", [x], output)
    case .round: add("Round", [x], output)
    case .sign: add("Sign", [x], output)
    case .sine: add("Sin", [x], output)
    case .cosine: add("Cos", [x], output)
    }
  }

  private mutating func multiplied(_ x: String, by factor: Float, _ node: Node) -> String {
    add("Mul", [x, number(node, "factor", factor)], inner(node, "scaled"))
  }

  /// `x · (1 + gate) / 2`
  private mutating func gated(_ x: String, _ gate: String, _ node: Node, _ output: String) {
    let one = number(node, "one", 1)
    let sum = add("Add", [gate, one], inner(node, "gate"))
    let product = add("Mul", [x, sum], inner(node, "product"))
    add("Mul", [product, number(node, "half", 0.5)], output)
  }

  // MARK: Moves and sizes

  private mutating func pixelShuffle(_ payload: PixelShuffle, _ x: String, _ output: String) {
    add(
      "DepthToSpace", [x], output,
      [.integer("blocksize", payload.factor), .text("mode", payload.order.onnxName)])
  }

  private mutating func pixelUnshuffle(_ payload: PixelUnshuffle, _ node: Node) throws(ONNXProblem) {
    let factor = payload.factor
    switch payload.order {
    case _ where factor == 1: add("Identity", [node.inputs[0]], node.name)
    case .channelsInnermost: add("SpaceToDepth", [node.inputs[0]], node.name, [.integer("blocksize", factor)])
    case .channelsOutermost:
      // ONNX has the other order alone. A convolution of ones and zeros picks the pixels, exactly.
      guard let channels = extent(of: node.inputs[0], axis: 1) else {
        throw .notExportable(node: node.name, operation: node.operation.typeName, reason: "its channels depend on the size")
      }
      let places = factor * factor
      guard channels * places * places <= Limits.products else {
        throw .notExportable(node: node.name, operation: node.operation.typeName, reason: "the factor \(factor) is too large")
      }
      var weight = [Float](repeating: 0, count: channels * places * places)
      for channel in 0..<channels {
        for place in 0..<places { weight[(channel * places + place) * places + place] = 1 }
      }
      let kernel = floats(node, "places.weight", weight, shape: [channels * places, 1, factor, factor])
      convolution(
        Convolution(
          inChannels: channels, outChannels: channels * places, kernel: Pair(factor), stride: Pair(factor), groups: channels),
        node.inputs[0], node.name, weight: kernel, bias: nil)
    }
  }

  private mutating func resize(_ payload: Resize, _ node: Node) {
    let x = node.inputs[0]
    var inputs = [x, ""]
    switch payload.target {
    case .factor(let height, let width): inputs.append(floats(node, "scales", [1, 1, height, width]))
    case .size, .following:
      let front = add("Shape", [x], inner(node, "front"), [.integer("end", 2)])
      let size: [SizeExpression] =
        switch payload.target {
        case .size(let size): size.list.map { SizeExpression($0) }
        case .following(let height, let width): [height, width]
        case .factor: []
        }
      let back = sizes(node, "size", size)
      inputs += ["", add("Concat", [front, back], inner(node, "sizes"), [.integer("axis", 0)])]
    }
    add(
      "Resize", inputs, node.name,
      [
        .text("mode", payload.method.onnxName), .text("coordinate_transformation_mode", payload.coordinates.onnxName),
        .text("nearest_mode", payload.rounding.onnxName), .float("cubic_coeff_a", payload.cubicCoefficient),
      ])
  }
}

extension Pair {
  fileprivate var list: [Int] { [height, width] }
}
