import Networks
import Tensors

/// Convolutions, transposed convolutions and products with matrices.
extension ONNXImporter {
  /// The window of a convolution or pool along height and width.
  struct Window {
    var kernel: Pair
    var stride: Pair
    var dilation: Pair
    /// In ONNX's order: top, left, bottom, right.
    var padding: [Int]
    /// What automatic padding puts around beyond that and depends on the size of the image, in the same order.
    var growth: [Extent]?
  }

  /// Attributes that convolutions and pools share. `extents` are height and width of the input, for automatic padding.
  mutating func window(_ node: ONNXNode, kernel: [Int], extents: [Extent]) throws(ONNXProblem) -> Window {
    let stride = try node.integers("strides", count: 2, default: 1)
    let dilation = try node.integers("dilations", count: 2, default: 1)
    var padding = try node.integers("pads", count: 4, default: 0)
    var growth: [Extent]?
    guard (kernel + stride + dilation).allSatisfy({ (1...1 << 20).contains($0) }) else {
      throw node.invalid("a kernel, stride or dilation is not in 1...\(1 << 20)")
    }
    switch node.text("auto_pad", default: "NOTSET") {
    case "NOTSET": break
    case "VALID": padding = [0, 0, 0, 0]
    case "SAME_UPPER", "SAME_LOWER":
      for axis in 0..<2 {
        let reach = dilation[axis] * (kernel[axis] - 1) + 1
        var total = reach - 1
        let isUpper = node.text("auto_pad", default: "") == "SAME_UPPER"
        if stride[axis] > 1 {
          guard let extent = extents[axis].integer else {
            let (before, behind) = try automaticPadding(
              extents[axis], reach: reach, stride: stride[axis], isUpper: isUpper, node)
            // Of an extent that is always even, say, it is a number.
            (padding[axis], padding[2 + axis]) = (before.integer ?? 0, behind.integer ?? 0)
            if before.constant == nil || behind.constant == nil {
              var sides = growth ?? Array(repeating: Extent(0), count: 4)
              (sides[axis], sides[2 + axis]) = (before, behind)
              growth = sides
              (padding[axis], padding[2 + axis]) = (0, 0)
            }
            continue
          }
          total = max(0, ((extent + stride[axis] - 1) / stride[axis] - 1) * stride[axis] + reach - extent)
        }
        let less = total / 2
        padding[axis] = isUpper ? less : total - less
        padding[2 + axis] = isUpper ? total - less : less
      }
    default: throw node.invalid("the auto_pad '\(node.text("auto_pad", default: ""))' is unknown")
    }
    guard padding.allSatisfy({ $0 >= 0 }) else { throw node.unsupported("it has a negative padding") }
    return Window(
      kernel: Pair(height: kernel[0], width: kernel[1]), stride: Pair(height: stride[0], width: stride[1]),
      dilation: Pair(height: dilation[0], width: dilation[1]), padding: padding, growth: growth)
  }

  /// What `SAME` puts before and behind an axis, so that as many windows fit as there are strides, rounded up.
  private mutating func automaticPadding(
    _ extent: Extent, reach: Int, stride: Int, isUpper: Bool, _ node: ONNXNode
  ) throws(ONNXProblem) -> (before: Extent, behind: Extent) {
    guard let raised = extent + Extent(stride - 1), let quotient = raised.over(stride), let count = symbols.floor(quotient),
      let covered = count.scaled(by: stride), let reached = covered + Extent(reach - stride), let missing = reached + -extent
    else { throw node.tooLong() }
    let total = reach >= stride ? missing : symbols.maximum(missing, Extent(0))
    guard let half = total.over(2), let less = symbols.floor(half), let more = total + -less else {
      throw node.tooLong()
    }
    return isUpper ? (less, more) : (more, less)
  }

  /// The value with what automatic padding puts around it beyond what a window states.
  mutating func padded(_ x: ONNXView, _ window: Window, value: Float, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    guard let growth = window.growth else { return x }
    return try padded(x, Padding(0), growth, mode: .constant, value: value, node)
  }

  /// The extent that windows leave of an axis: `⌊(extent + padding - reach) / stride⌋ + 1`.
  ///
  /// With `ceil` it is rounded up, without windows that would begin behind the axis and what lies before it.
  mutating func windows(
    _ extent: Extent, padding: (before: Int, behind: Int), reach: Int, stride: Int, _ node: ONNXNode, ceil: Bool = false
  ) throws(ONNXProblem) -> Extent {
    let more = padding.before + padding.behind - reach + (ceil ? stride - 1 : 0)
    guard let room = extent + Extent(more), let quotient = room.over(stride), let steps = symbols.floor(quotient),
      let result = steps + Extent(1)
    else { throw node.tooLong() }
    guard ceil, more >= padding.before else { return result }
    guard let last = extent + Extent(padding.before - 1), let bound = last.over(stride), let most = symbols.floor(bound),
      let count = most + Extent(1)
    else { throw node.tooLong() }
    return symbols.minimum(result, count)
  }

  private func kernel(_ node: ONNXNode, _ weight: Tensor) throws(ONNXProblem) -> [Int] {
    guard weight.shape.rank == 4 else {
      throw node.unsupported("its weight is \(weight.shape); only convolutions over height and width are supported")
    }
    let kernel = [weight.shape[2], weight.shape[3]]
    if let stated = node.integers("kernel_shape"), stated != kernel {
      throw node.invalid("its kernel_shape is \(stated) and its weight is \(weight.shape)")
    }
    return kernel
  }

  private func checkBias(_ bias: Tensor?, count: Int, _ node: ONNXNode) throws(ONNXProblem) -> Tensor? {
    guard let bias else { return nil }
    guard bias.count == count else { throw node.invalid("its bias has \(bias.count) elements for \(count) channels") }
    return bias.reshaped([count])
  }

  mutating func convolution(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(2...3)
    var x = try plain(node, rank: 4)
    guard let weight = try weights(node, 1) else { throw node.invalid("its weight is absent") }
    let kernel = try kernel(node, weight)
    let bias = try checkBias(weights(node, 2), count: weight.shape[0], node)
    let window = try window(node, kernel: kernel, extents: Array(x.extents[2...]))
    x = try padded(x, window, value: 0, node)
    var padding = Padding(
      top: window.padding[0], left: window.padding[1], bottom: window.padding[2], right: window.padding[3])
    var input = x.value
    // Zeros put around the image by a node of its own are the convolution's padding.
    if let maker = producer(x), case .pad(let pad) = maker.operation, pad.isZero {
      padding = Padding(
        top: padding.top + pad.padding.top, left: padding.left + pad.padding.left,
        bottom: padding.bottom + pad.padding.bottom, right: padding.right + pad.padding.right)
      input = maker.inputs[0]
    }
    let groups = node.integer("group", default: 1)
    let (inChannels, overflow) = weight.shape[1].multipliedReportingOverflow(by: groups)
    guard groups >= 1, !overflow, fix(x.extents[1], to: inChannels) else {
      throw node.invalid("its weight \(weight.shape) in \(groups) groups does not fit \(text(x.extents[1])) channels")
    }
    let payload = Convolution(
      inChannels: inChannels, outChannels: weight.shape[0], kernel: window.kernel, stride: window.stride, padding: padding,
      dilation: window.dilation, groups: groups, hasBias: bias != nil)
    let extents = [
      x.extents[0], Extent(weight.shape[0]),
      try windows(
        x.extents[2], padding: (window.padding[0], window.padding[2]),
        reach: window.dilation.height * (kernel[0] - 1) + 1, stride: window.stride.height, node),
      try windows(
        x.extents[3], padding: (window.padding[1], window.padding[3]),
        reach: window.dilation.width * (kernel[1] - 1) + 1, stride: window.stride.width, node),
    ]
    return try emit(
      .convolution(payload), [input], extents, node, parameters: Self.parameters(weight: weight, bias: bias))
  }

  static func parameters(weight: Tensor, bias: Tensor?) -> [ParameterRole: Tensor] {
    bias.map { [.weight: weight, .bias: $0] } ?? [.weight: weight]
  }

  /// An extent for people.
  func text(_ extent: Extent) -> String { symbols.declaredInteger(extent).map(String.init) ?? "an open number of" }

  mutating func transposedConvolution(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(2...3)
    let x = try plain(node, rank: 4)
    guard let weight = try weights(node, 1) else { throw node.invalid("its weight is absent") }
    let kernel = try kernel(node, weight)
    let groups = node.integer("group", default: 1)
    let (outChannels, overflow) = weight.shape[1].multipliedReportingOverflow(by: groups)
    guard groups >= 1, !overflow, fix(x.extents[1], to: weight.shape[0]) else {
      throw node.invalid("its weight \(weight.shape) does not fit \(text(x.extents[1])) channels")
    }
    let bias = try checkBias(weights(node, 2), count: outChannels, node)
    let stride = try node.integers("strides", count: 2, default: 1)
    let dilation = try node.integers("dilations", count: 2, default: 1)
    let extra = try node.integers("output_padding", count: 2, default: 0)
    var padding = try node.integers("pads", count: 4, default: 0)
    guard (stride + dilation).allSatisfy({ (1...1 << 20).contains($0) }), kernel.allSatisfy({ (1...1 << 20).contains($0) }),
      extra.allSatisfy({ (0...1 << 20).contains($0) })
    else { throw node.invalid("a kernel, stride, dilation or output_padding is not in 1...\(1 << 20)") }
    let mode = node.text("auto_pad", default: "NOTSET")
    var extents = [x.extents[0], Extent(outChannels)]
    for axis in 0..<2 {
      let reach = dilation[axis] * (kernel[axis] - 1) + 1
      var total: Int?
      if node.has("output_shape") {
        let wanted = try node.integers("output_shape", count: 2, default: 0)
        guard let extent = try known(x.extents[2 + axis], node), extent <= 1 << 20 else {
          throw node.unsupported("its output_shape fits one size of image alone")
        }
        total = stride[axis] * (extent - 1) + extra[axis] + reach - wanted[axis]
      } else if mode == "SAME_UPPER" || mode == "SAME_LOWER" {
        total = reach + extra[axis] - stride[axis]
      } else if mode == "VALID" {
        total = 0
      }
      if let total {
        guard total >= 0 else { throw node.unsupported("its output is larger than its kernels reach") }
        let less = total / 2
        padding[axis] = mode == "SAME_UPPER" ? less : total - less
        padding[2 + axis] = total - padding[axis]
      }
      guard
        let grown = x.extents[2 + axis].scaled(by: stride[axis]).flatMap({
          $0 + Extent(reach + extra[axis] - stride[axis] - padding[axis] - padding[2 + axis])
        })
      else { throw node.tooLong() }
      extents.append(grown)
    }
    guard padding.allSatisfy({ $0 >= 0 }) else { throw node.unsupported("it has a negative padding") }
    let payload = TransposedConvolution(
      inChannels: weight.shape[0], outChannels: outChannels, kernel: Pair(height: kernel[0], width: kernel[1]),
      stride: Pair(height: stride[0], width: stride[1]),
      padding: Padding(top: padding[0], left: padding[1], bottom: padding[2], right: padding[3]),
      outputPadding: Pair(height: extra[0], width: extra[1]), dilation: Pair(height: dilation[0], width: dilation[1]),
      groups: groups, hasBias: bias != nil)
    return try emit(
      .transposedConvolution(payload), [x.value], extents, node, parameters: Self.parameters(weight: weight, bias: bias))
  }

  mutating func batchNorm(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(5...5)
    if node.integer("training_mode", default: 0) != 0 {
      throw node.unsupported("it takes its statistics from the images, as in training; export it in eval mode")
    }
    let x = try plain(node)
    guard x.rank >= 2 else { throw node.unsupported("its input has \(x.rank) axes") }
    guard let channels = try weights(node, 1)?.count, fix(x.extents[1], to: channels) else {
      throw node.invalid("its statistics do not fit \(text(x.extents[1])) channels")
    }
    var parameters: [ParameterRole: Tensor] = [:]
    for (index, role) in [ParameterRole.weight, .bias, .runningMean, .runningVariance].enumerated() {
      guard let tensor = try weights(node, index + 1), tensor.count == channels else {
        throw node.invalid("its input \(index + 1) does not have \(channels) elements")
      }
      parameters[role] = tensor.reshaped([channels])
    }
    let payload = BatchNorm(channels: channels, epsilon: node.float("epsilon", default: 1e-5))
    return try emit(.batchNorm(payload), [x.value], x.extents, node, parameters: parameters)
  }
}

extension Pad {
  /// Whether it puts zeros around the image and nothing else.
  var isZero: Bool { mode == .constant && value == 0 && growth == nil && channelsBefore == 0 && channelsBehind == 0 }
}
