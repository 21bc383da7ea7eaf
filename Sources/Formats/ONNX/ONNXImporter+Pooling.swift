import Networks

/// Pools, means, and changes of size.
extension ONNXImporter {
  mutating func pool(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node, rank: 4)
    let kernel = try node.integers("kernel_shape", count: 2, default: 0)
    guard kernel.allSatisfy({ $0 > 0 }) else { throw node.invalid("its kernel_shape is absent or not positive") }
    let window = try window(node, kernel: kernel, extents: Array(x.extents[2...]))
    guard window.dilation == Pair(1) else { throw node.unsupported("its windows have a dilation of \(window.dilation)") }
    if node.integer("storage_order", default: 0) != 0 { throw node.unsupported("its storage_order is not 0") }
    let ceil = node.integer("ceil_mode", default: 0) != 0
    let padding = window.padding
    let payload = Pool(
      kernel: window.kernel, stride: window.stride,
      padding: Padding(top: padding[0], left: padding[1], bottom: padding[2], right: padding[3]), ceilMode: ceil,
      countIncludesPadding: node.type == "AveragePool" ? node.integer("count_include_pad", default: 0) != 0 : true)
    let extents = [
      x.extents[0], x.extents[1],
      try windows(
        x.extents[2], padding: padding[0] + padding[2], reach: kernel[0], stride: window.stride.height, node, ceil: ceil),
      try windows(
        x.extents[3], padding: padding[1] + padding[3], reach: kernel[1], stride: window.stride.width, node, ceil: ceil),
    ]
    let operation: Operation = node.type == "MaxPool" ? .maximumPool(payload) : .averagePool(payload)
    return try emit(operation, [x.value], extents, node)
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
    let method: Resize.Method
    switch node.text("mode", default: "nearest") {
    case "nearest": method = .nearest
    case "linear", "bilinear": method = .bilinear
    case "cubic": method = .bicubic
    default: throw node.unsupported("its mode is '\(node.text("mode", default: ""))'")
    }
    let coordinates: Resize.Coordinates
    switch node.text("coordinate_transformation_mode", default: isOld ? "asymmetric" : "half_pixel") {
    case "half_pixel": coordinates = .halfPixel
    case "pytorch_half_pixel": coordinates = .pytorchHalfPixel
    case "align_corners": coordinates = .alignCorners
    case "asymmetric": coordinates = .asymmetric
    default:
      throw node.unsupported("its coordinates are '\(node.text("coordinate_transformation_mode", default: ""))'")
    }
    let rounding: Resize.Rounding
    switch node.text("nearest_mode", default: isOld ? "floor" : "round_prefer_floor") {
    case "floor": rounding = .floor
    case "ceil": rounding = .ceil
    case "round_prefer_floor": rounding = .roundPreferFloor
    case "round_prefer_ceil": rounding = .roundPreferCeil
    default: throw node.unsupported("its nearest_mode is '\(node.text("nearest_mode", default: ""))'")
    }
    let (target, extents) = try target(node, x, axes: axes)
    var payload = Resize(
      method: method, target: target, coordinates: coordinates, rounding: method == .nearest ? rounding : .floor,
      cubicCoefficient: node.float("cubic_coeff_a", default: -0.75))
    // Whole factors: all of these find the same pixels, and only one of them is what backends expect.
    if payload.wholeFactor != nil {
      if coordinates == .pytorchHalfPixel { payload.coordinates = .halfPixel }
      let isCentred = payload.coordinates == .halfPixel && (rounding == .roundPreferFloor || rounding == .roundPreferCeil)
      let isDoubled = coordinates == .asymmetric && rounding == .roundPreferFloor && payload.wholeFactor == 2
      if method == .nearest, isCentred || isDoubled {
        payload.coordinates = .asymmetric
        payload.rounding = .floor
      }
    }
    if payload.wholeFactor == 1 { return x }
    return try emit(.resize(payload), [x.value], extents, node)
  }

  /// How large a Resize or Upsample makes its input.
  private mutating func target(
    _ node: ONNXNode, _ x: ONNXView, axes: [Int]
  ) throws(ONNXProblem) -> (Resize.Target, extents: [Extent]) {
    let scaleInput = node.type == "Upsample" || opset < 11 ? 1 : 2
    var scales: [Extent] = []
    if node.type == "Upsample", opset < 9 {
      scales = (node.floats("scales") ?? []).map { Extent(Double($0)) }
    } else if node.input(scaleInput) != nil {
      scales = try numbers(node, scaleInput)
    }
    var extents = x.extents
    var factors: [Float?] = [1, 1, 1, 1]
    if !scales.isEmpty {
      guard scales.count == axes.count else { throw node.invalid("it has \(scales.count) scales for \(axes.count) axes") }
      for (axis, scale) in zip(axes, scales) {
        guard let factor = symbols.declared(scale), factor > 0, factor <= 0x1p20 else {
          throw node.unsupported("a scale depends on the size of the image or is not positive")
        }
        factors[axis] = Float(factor)
        guard let extent = symbols.floor(x.extents[axis].scaled(by: factor)) else {
          throw node.unsupported("the shape arithmetic is too long")
        }
        extents[axis] = extent
      }
    } else {
      guard node.type == "Resize", node.input(3) != nil else { throw node.invalid("it has neither scales nor sizes") }
      let sizes = try numbers(node, 3)
      guard sizes.count == axes.count else { throw node.invalid("it has \(sizes.count) sizes for \(axes.count) axes") }
      for (axis, size) in zip(axes, sizes) {
        extents[axis] = size
        // A broken ratio fits one size alone, unless it follows from the shapes themselves.
        let general = symbols.exact(size).ratio(to: symbols.exact(x.extents[axis]))
        let declared = symbols.ratio(size, x.extents[axis]).flatMap { $0 == $0.rounded() ? $0 : nil }
        factors[axis] = (declared ?? general).map { Float($0) }
      }
    }
    guard factors[0] == 1, factors[1] == 1 else { throw node.unsupported("it changes the batch or the channels") }
    if let height = factors[2], let width = factors[3], height > 0, width > 0 {
      return (.factor(height: height, width: width), extents)
    }
    guard let height = symbols.declaredInteger(extents[2]), let width = symbols.declaredInteger(extents[3]) else {
      throw node.unsupported(
        "its size depends on the size of the image in a way that no factor gives; export it with a fixed size")
    }
    return (.size(Pair(height: height, width: width)), extents)
  }
}
