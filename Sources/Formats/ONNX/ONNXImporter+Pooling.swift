import Networks

/// Pools, means, and changes of size.
extension ONNXImporter {
  mutating func pool(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    var x = try plain(node, rank: 4)
    let kernel = try node.integers("kernel_shape", count: 2, default: 0)
    guard kernel.allSatisfy({ $0 > 0 }) else { throw node.invalid("its kernel_shape is absent or not positive") }
    let window = try window(node, kernel: kernel, extents: Array(x.extents[2...]))
    guard window.dilation == Pair(1) else { throw node.unsupported("its windows have a dilation of \(window.dilation)") }
    if node.integer("storage_order", default: 0) != 0 { throw node.unsupported("its storage_order is not 0") }
    let ceil = node.integer("ceil_mode", default: 0) != 0
    // The mean of a window leaves out what automatic padding adds, which a node before it would not.
    if node.type == "AveragePool", window.growth != nil {
      throw node.unsupported("its automatic padding depends on the size of the image; export it with a fixed size")
    }
    if sizes == .any, coversImage(kernel, x) { throw node.ofOneSize() }
    x = try padded(x, window, value: -Float.greatestFiniteMagnitude, node)
    let padding = window.padding
    let payload = Pool(
      kernel: window.kernel, stride: window.stride,
      padding: Padding(top: padding[0], left: padding[1], bottom: padding[2], right: padding[3]), ceilMode: ceil,
      countIncludesPadding: node.type == "AveragePool" ? node.integer("count_include_pad", default: 0) != 0 : true)
    let extents = [
      x.extents[0], x.extents[1],
      try windows(
        x.extents[2], padding: (padding[0], padding[2]), reach: kernel[0], stride: window.stride.height, node, ceil: ceil),
      try windows(
        x.extents[3], padding: (padding[1], padding[3]), reach: kernel[1], stride: window.stride.width, node, ceil: ceil),
    ]
    let operation: Operation = node.type == "MaxPool" ? .maximumPool(payload) : .averagePool(payload)
    return try emit(operation, [x.value], extents, node)
  }

  /// Whether a window is as large as the image is where the file fixes its size: a global pool in the clothes of another.
  private func coversImage(_ kernel: [Int], _ x: ONNXView) -> Bool {
    (0..<2).contains {
      kernel[$0] > 1 && x.extents[2 + $0].constant == nil && symbols.declaredInteger(x.extents[2 + $0]) == kernel[$0]
    }
  }

  // MARK: Resize

  mutating func resize(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node, rank: 4)
    let axes = try axes(node.integers("axes") ?? [0, 1, 2, 3], rank: 4, node)
    let isOld = opset < 11
    guard node.integer("antialias", default: 0) == 0 else {
      throw node.unsupported("it smooths before it makes smaller (antialias)")
    }
    guard node.integer("exclude_outside", default: 0) == 0 else { throw node.unsupported("it excludes pixels outside") }
    guard node.text("keep_aspect_ratio_policy", default: "stretch") == "stretch" else {
      throw node.unsupported("it keeps the aspect ratio")
    }
    let mode = node.text("mode", default: "nearest")
    // Upsample's own word.
    guard let method = mode == "bilinear" ? Resize.Method.bilinear : Resize.Method(onnxName: mode) else {
      throw node.unsupported("its mode is '\(mode)'")
    }
    let place = node.text("coordinate_transformation_mode", default: isOld ? "asymmetric" : "half_pixel")
    guard let coordinates = Resize.Coordinates(onnxName: place) else {
      throw node.unsupported("its coordinates are '\(place)'")
    }
    let nearest = node.text("nearest_mode", default: isOld ? "floor" : "round_prefer_floor")
    guard let rounding = Resize.Rounding(onnxName: nearest) else {
      throw node.unsupported("its nearest_mode is '\(nearest)'")
    }
    let isRoundedUp = isOld && opset == 10 && node.type == "Resize" && method == .nearest
    var result = x
    for target in try targets(node, x, axes: axes, apart: isRoundedUp) {
      // Before opset 11 what makes an axis smaller takes the pixel behind.
      let isSmaller = isRoundedUp && target.isSmaller
      let payload = Resize(
        method: method, target: target.target, coordinates: coordinates,
        rounding: method == .nearest ? (isSmaller ? .ceil : rounding) : .floor,
        cubicCoefficient: node.float("cubic_coeff_a", default: -0.75))
      if let usual = payload.inUsualForm {
        result = try emit(.resize(usual), [result.value] + target.operands.dropFirst(), target.extents, node)
      }
    }
    return result
  }

  /// How large a node makes its input.
  private struct Target {
    var target: Resize.Target
    /// Of the output.
    var extents: [Extent]
    /// What the size follows from, the input first.
    var operands: [String] = [""]
    var isSmaller = false
  }

  /// How large a Resize or Upsample makes its input; with `apart` along one axis after the other, where one grows and one shrinks.
  private mutating func targets(
    _ node: ONNXNode, _ x: ONNXView, axes: [Int], apart: Bool
  ) throws(ONNXProblem) -> [Target] {
    let scaleInput = node.type == "Upsample" || opset < 11 ? 1 : 2
    var scales: [Extent] = []
    if node.type == "Upsample", opset < 9 {
      scales = (node.floats("scales") ?? []).map { Extent(Double($0)) }
    } else if node.input(scaleInput) != nil {
      scales = try numbers(node, scaleInput)
    }
    guard scales.isEmpty else { return try targets(node, x, axes: axes, scales: scales, apart: apart) }
    guard node.type == "Resize", node.input(3) != nil else { throw node.invalid("it has neither scales nor sizes") }
    let sizes = try numbers(node, 3)
    guard sizes.count == axes.count else { throw node.invalid("it has \(sizes.count) sizes for \(axes.count) axes") }
    var extents = x.extents
    for (axis, size) in zip(axes, sizes) { extents[axis] = size }
    guard extents[0] == x.extents[0], extents[1] == x.extents[1] else {
      // The batch that the file fixes, as a constant.
      if self.sizes == .any, (0..<2).allSatisfy({ symbols.declared(x.extents[$0]) == symbols.declared(extents[$0]) }) {
        throw node.ofOneSize()
      }
      throw node.unsupported("it changes the batch or the channels, or fixes what the file leaves open")
    }
    // A whole ratio is a factor, whatever the size is.
    let ratios = (2..<4).map { extents[$0].ratio(to: x.extents[$0]) }
    if let height = ratios[0], let width = ratios[1], height.isInteger, width.isInteger, height.numerator > 0,
      width.numerator > 0
    {
      return [Target(target: .factor(height: Float(height.numerator), width: Float(width.numerator)), extents: extents)]
    }
    if let height = extents[2].integer, let width = extents[3].integer {
      // Where the file's own size is opened, it may have been computed from that.
      if self.sizes == .any, x.extents[2].constant == nil || x.extents[3].constant == nil { throw node.ofOneSize() }
      return [Target(target: .size(Pair(height: height, width: width)), extents: extents)]
    }
    var operands = SizeOperands(x.value)
    let target = Resize.Target.following(
      height: try expression(extents[2], &operands, node), width: try expression(extents[3], &operands, node))
    return [Target(target: target, extents: extents, operands: operands.names)]
  }

  private mutating func targets(
    _ node: ONNXNode, _ x: ONNXView, axes: [Int], scales: [Extent], apart: Bool
  ) throws(ONNXProblem) -> [Target] {
    guard scales.count == axes.count else { throw node.invalid("it has \(scales.count) scales for \(axes.count) axes") }
    var factors: [Float] = [1, 1, 1, 1]
    for (axis, scale) in zip(axes, scales) {
      guard let factor = scale.constant, factor > 0, factor <= 0x1p20 else {
        throw node.unsupported(
          "a scale depends on the size of the image or is not positive; export it with opset_version=17, which states sizes")
      }
      factors[axis] = Float(factor)
    }
    guard factors[0] == 1, factors[1] == 1 else { throw node.unsupported("it changes the batch or the channels") }
    func grown(_ extents: [Extent], _ height: Float, _ width: Float) throws(ONNXProblem) -> [Extent] {
      var result = extents
      for (axis, factor) in [(2, height), (3, width)] where factor != 1 {
        guard let product = symbols.rounded(.product, extents[axis], Extent(Double(factor)), .single),
          let extent = symbols.floor(product)
        else { throw node.tooLong() }
        result[axis] = extent
      }
      return result
    }
    let (height, width) = (factors[2], factors[3])
    if apart, (height < 1) != (width < 1) {
      let between = try grown(x.extents, height, 1)
      return [
        Target(target: .factor(height: height, width: 1), extents: between, isSmaller: height < 1),
        Target(target: .factor(height: 1, width: width), extents: try grown(between, 1, width), isSmaller: width < 1),
      ]
    }
    return [
      Target(
        target: .factor(height: height, width: width), extents: try grown(x.extents, height, width),
        isSmaller: height < 1 || width < 1)
    ]
  }
}

extension Resize {
  /// The same by other words, where many find the same pixels and backends expect one of them; nil where nothing changes.
  fileprivate var inUsualForm: Resize? {
    guard let factor = wholeFactor else { return self }
    if factor == 1 { return nil }
    var result = self
    if coordinates == .pytorchHalfPixel { result.coordinates = .halfPixel }
    let isCentred = result.coordinates == .halfPixel && (rounding == .roundPreferFloor || rounding == .roundPreferCeil)
    let isDoubled = coordinates == .asymmetric && rounding == .roundPreferFloor && factor == 2
    if method == .nearest, isCentred || isDoubled {
      result.coordinates = .asymmetric
      result.rounding = .floor
    }
    return result
  }
}
