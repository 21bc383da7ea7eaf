import Execution
import Networks
import Tensors

/// A layer as the selector of kernels sees it.
package struct DeviceLayer: Hashable, Sendable {
  package enum Form: Hashable, Sendable {
    case convolution(Convolution)
    case separable(SeparableConvolution)
    case transposed(TransposedConvolution)
    case maximumPool(Pool)
    case averagePool(Pool)
  }

  package var form: Form
  package var input: DeviceLayout
  package var output: DeviceLayout
  /// Without a pixel shuffle that is a step of its own.
  package var epilogue: CanonicalEpilogue
  /// What is added.
  package var residual: DeviceLayout?
  package var device: CUDADevice
  /// Of float32: `one` where that is enough, though three may be taken, too.
  package var products = CUDAKernel.FloatProducts.three

  /// Every kernel with its estimate in nanoseconds or the reason against it.
  package var candidates: [KernelCandidate<CUDAKernel>] { KernelCandidate.all(refusal: refusal, cost: nanoseconds) }

  /// The cheapest kernel; nil where none does the layer at once.
  package var chosen: CUDAKernel? { KernelCandidate.cheapest(of: candidates) }
}

// MARK: What a kernel does not do

extension DeviceLayer {
  /// Why a kernel cannot run the layer; nil where it can.
  package func refusal(of kernel: CUDAKernel) -> String? {
    if let fault = familyRefusal(kernel.family) { return fault }
    if kernel.isForHopper, !device.isHopper { return "it is for compute capability 9.0" }
    if kernel.sharedByteCount > device.mostSharedByteCount {
      return
        "a block takes \(kernel.sharedByteCount >> 10) KiB of shared memory and may have \(device.mostSharedByteCount >> 10)"
    }
    return nil
  }

  private func familyRefusal(_ family: CUDAKernel.Family) -> String? {
    // The greatest of integers is that of the numbers that they are.
    if input.element.isCode != family.takesIntegers, family != .windows {
      return input.element.isCode ? "it does not take integers" : "it takes integers"
    }
    switch family {
    case .dense(let element, let size, let stride):
      return pixelsRefusal(element) ?? residualRefusal ?? epilogueRefusal(shuffles: true) ?? productRefusal(size, stride)
    case .denseFloat(let products, let size, let stride):
      return productsRefusal(products) ?? pixelsRefusal(.float32) ?? residualRefusal ?? epilogueRefusal(shuffles: true)
        ?? productRefusal(size, stride)
    case .denseHopper(let element):
      if input.shape.channels <= 48 || input.shape.channels > 64 { return "it takes 64 channels" }
      return pixelsRefusal(element) ?? residualRefusal ?? epilogueRefusal(shuffles: true) ?? productRefusal(3, 1)
    case .denseWide(let element, let groups): return wideRefusal(element, groups)
    case .denseWideFloat(let products, let groups): return productsRefusal(products) ?? wideRefusal(.float32, groups)
    case .pointwiseHopper(let element, let groups):
      if groups > 1, computedGroups % groups != 0 { return "it takes whole runs of \(64 * groups) output channels" }
      return pixelsRefusal(element) ?? residualRefusal ?? epilogueRefusal(shuffles: true) ?? productRefusal(1, 1)
    case .separable(let element):
      return pixelsRefusal(element) ?? residualRefusal ?? epilogueRefusal(shuffles: true)
        ?? separableRefusal(.depthwiseFirst)
    case .separableFloat(let products):
      return productsRefusal(products) ?? pixelsRefusal(.float32) ?? residualRefusal ?? epilogueRefusal(shuffles: true)
        ?? separableRefusal(.depthwiseFirst)
    case .selection(let element):
      return pixelsRefusal(element) ?? residualRefusal ?? epilogueRefusal(shuffles: true)
        ?? separableRefusal(.pointwiseFirst)
    case .separableBlock: return "it does two layers, which are planned one by one"
    case .head(let element, let size, let stride):
      guard input.isPlanar, input.shape.channels <= 4 else { return "it reads up to 4 planes" }
      guard !output.isPlanar, output.element == element else { return "it makes pixels of \(element.rawValue)" }
      if let residual, residual.element != element { return "it adds pixels of \(element.rawValue)" }
      return sizeRefusal ?? residualRefusal ?? epilogueRefusal(shuffles: true) ?? windowRefusal(size, stride)
    case .headFloat(let planes):
      guard input.isPlanar, input.shape.channels == planes else {
        return "it reads \(planes == 1 ? "1 plane" : "\(planes) planes")"
      }
      guard !output.isPlanar, output.element == .float32 else { return "it makes pixels of float32" }
      if let residual, residual.element != .float32 { return "it adds pixels of float32" }
      return sizeRefusal ?? residualRefusal ?? epilogueRefusal(shuffles: true) ?? windowRefusal(3, 1)
    case .tail(let element):
      guard !input.isPlanar, input.element == element else { return "it reads pixels of \(element.rawValue)" }
      guard output.isPlanar, output.shape.channels <= 8 else { return "it makes up to 8 planes" }
      if let residual, !residual.isPlanar { return "it adds planes" }
      return sizeRefusal ?? epilogueRefusal(shuffles: false) ?? windowRefusal(3, 1)
    case .pointwisePlanes(let element, let most):
      guard !input.isPlanar, input.element == element else { return "it reads pixels of \(element.rawValue)" }
      guard output.isPlanar, output.shape.channels * epilogue.shuffle * epilogue.shuffle <= most else {
        return "it makes up to \(most) planes"
      }
      if let residual, !residual.isPlanar { return "it adds planes" }
      return sizeRefusal ?? epilogueRefusal(shuffles: true) ?? windowRefusal(1, 1)
    case .depthwise(let element, let size, let stride):
      return pixelsRefusal(element) ?? residualRefusal ?? epilogueRefusal(shuffles: false) ?? depthwiseRefusal(size, stride)
    case .linear(let element, let result):
      guard !input.isPlanar, input.element == element else { return "it reads pixels of \(element.rawValue)" }
      guard output.element == result else { return "it makes \(result.rawValue)" }
      guard input.shape.height * input.shape.width == 1 else { return "it is for images of one pixel" }
      if residual != nil { return "it adds nothing" }
      return sizeRefusal ?? epilogueRefusal(shuffles: false) ?? windowRefusal(1, 1)
    case .meanOfPixels(let element):
      guard case .averagePool(let pool) = form else { return "it is the mean of all pixels" }
      if let refusal = pixelsRefusal(element) { return refusal }
      let all = Pair(height: input.shape.height, width: input.shape.width)
      return pool.kernel == all && pool.padding == Padding(0) ? nil : "it is the mean of all pixels"
    case .maximumPool(let element, let size, let stride):
      guard case .maximumPool(let pool) = form else { return "it is a pool" }
      if let refusal = pixelsRefusal(element) { return refusal }
      guard pool.kernel == Pair(size), pool.stride == Pair(stride) else {
        return "its windows are \(size)x\(size), \(stride) apart"
      }
      guard pool.padding.top == size / 3, pool.padding.left == size / 3 else { return "its padding is \(size / 3)" }
      return nil
    case .tiled:
      let parts = output.lanes.ceilingDivided(by: Self.tiledOutputs)
      if epilogue.shuffle != 1 { return "it shuffles no pixels" }
      return output.shape.batch * parts > 65535
        ? "a launch takes at most 65535 images and parts of channels" : windowRefusal(3, 1)
    case .direct:
      switch form {
      case .convolution, .transposed: return epilogue.shuffle == 1 ? batchRefusal : "it shuffles no pixels"
      case .separable: return "it does one part at a time"
      case .maximumPool, .averagePool: return "it sums products"
      }
    case .denseIntegers(let size, let stride):
      return integersRefusal ?? integerEpilogueRefusal(shuffles: true) ?? productRefusal(size, stride)
    case .depthwiseIntegers(let size, let stride):
      if !output.element.isCode { return "it makes integers" }
      return integersRefusal ?? integerEpilogueRefusal(shuffles: false) ?? depthwiseRefusal(size, stride)
    case .directIntegers:
      switch form {
      case .convolution, .transposed: return epilogue.shuffle == 1 ? batchRefusal : "it shuffles no pixels"
      case .separable: return "it does one part at a time"
      case .maximumPool, .averagePool: return "it sums products"
      }
    case .meanOfIntegers:
      if case .averagePool = form { return batchRefusal }
      return "it is the mean of windows"
    case .windows:
      if input.element.isCode, case .averagePool = form { return "the mean of integers is one" }
      switch form {
      case .maximumPool, .averagePool: return batchRefusal
      case .convolution, .separable, .transposed: return "it is a pool"
      }
    case .elementByElement, .move, .resample, .sumParts, .reduce, .normalize, .integers, .training,
      .samplesToPlanes, .planesToSamples, .weightGradientTiles:
      return "it sums no products"
    case .multiplyMatrices: return "it multiplies two values"
    }
  }

  private var batchRefusal: String? {
    output.shape.batch > 65535 ? "a launch takes at most 65535 images" : nil
  }

  /// Places are numbers of 32 bits, and images and groups of channels are blocks along z.
  private var sizeRefusal: String? {
    for layout in [input, output] where layout.byteCount / layout.element.byteCount >= 1 << 31 {
      return "a value has 2^31 elements or more"
    }
    return output.shape.batch * (output.groupCount + 1) * 4 > 65535
      ? "a launch takes at most 65535 images and groups of channels" : nil
  }

  private func productsRefusal(_ products: CUDAKernel.FloatProducts) -> String? {
    products == .one && self.products == .three ? "it rounds what it multiplies to TF32" : nil
  }

  private func pixelsRefusal(_ element: DeviceElement) -> String? {
    for layout in [input, output] {
      if layout.isPlanar { return "a value of the layer lies in planes, and it takes pixels" }
      if layout.element != element { return "it takes pixels of \(element.rawValue)" }
    }
    if let residual, residual.element != element { return "it adds pixels of \(element.rawValue)" }
    return sizeRefusal
  }

  /// Pixels of integers, of which numbers may be made.
  private var integersRefusal: String? {
    if input.isPlanar { return "the input lies in planes, and it takes pixels" }
    if !output.element.isCode, output.isPlanar, epilogue.shuffle != 1 { return "it shuffles no planes" }
    return sizeRefusal ?? residualRefusal
  }

  private func integerEpilogueRefusal(shuffles: Bool) -> String? {
    let takesBefore: Bool
    switch epilogue.before {
    case nil, .relu, .leakyReLU, .prelu: takesBefore = true
    default: takesBefore = false
    }
    guard takesBefore, epilogue.after == nil || epilogue.after == .relu, epilogue.scale == 1 else {
      return "its epilogue is ReLU, leaky ReLU or PReLU, addition and ReLU"
    }
    if epilogue.shuffle == 1 { return nil }
    return shuffles && epilogue.shuffle == 2 && !epilogue.adds ? nil : "it does not shuffle pixels so"
  }

  /// What is added lies as the output.
  private var residualRefusal: String? {
    guard let residual else { return nil }
    return residual.isPlanar == output.isPlanar && residual.pixelStride == output.pixelStride
      ? nil : "what is added lies in other places than the output"
  }

  private func epilogueRefusal(shuffles: Bool) -> String? {
    guard epilogue.after == nil || epilogue.after == .relu, let slope = epilogue.leakySlope,
      slope * epilogue.scale <= epilogue.scale
    else { return "its epilogue is leaky ReLU, scale, addition and ReLU" }
    if epilogue.shuffle == 1 { return nil }
    return shuffles && epilogue.shuffle == 2 && !epilogue.adds ? nil : "it does not shuffle pixels so"
  }

  private func wideRefusal(_ element: DeviceElement, _ groups: Int) -> String? {
    if computedGroups % groups != 0 { return "it takes whole runs of \(64 * groups) output channels" }
    return pixelsRefusal(element) ?? residualRefusal ?? epilogueRefusal(shuffles: true) ?? productRefusal(3, 1)
  }

  /// Of a dense convolution, or of a transposed one that is a dense one.
  private func productRefusal(_ size: Int, _ stride: Int) -> String? {
    if case .transposed(let payload) = form, size == 1, stride == 1 {
      return payload.spreadsPixels && epilogue.shuffle == 1 ? nil : "of transposed convolutions it does 2x2 of stride 2"
    }
    return windowRefusal(size, stride)
  }

  /// Of a convolution of each channel by itself.
  private func depthwiseRefusal(_ size: Int, _ stride: Int) -> String? {
    guard case .convolution(let payload) = form, payload.groups == payload.inChannels, payload.groups == payload.outChannels
    else { return "it is a convolution of each channel by itself" }
    return windowRefusal(payload, size, stride)
  }

  private func windowRefusal(_ size: Int, _ stride: Int) -> String? {
    guard case .convolution(let payload) = form, payload.groups == 1 else { return "it is a convolution of one group" }
    return windowRefusal(payload, size, stride)
  }

  private func windowRefusal(_ payload: Convolution, _ size: Int, _ stride: Int) -> String? {
    guard payload.kernel == Pair(size) else { return "it is for kernels of \(size)x\(size)" }
    guard payload.stride == Pair(stride), payload.dilation == Pair(1) else {
      return "it is for a stride of \(stride) and a dilation of 1"
    }
    guard payload.padding.top == size / 2, payload.padding.left == size / 2 else { return "it is for a padding of \(size / 2)" }
    return nil
  }

  private func separableRefusal(_ order: SeparableConvolution.Order) -> String? {
    guard case .separable(let payload) = form, payload.order == order else {
      return order == .depthwiseFirst ? "it is depthwise, then pointwise" : "it is pointwise, then depthwise"
    }
    guard payload.kernel == Pair(3), payload.stride == Pair(1), payload.dilation == Pair(1), payload.padding == Padding(1)
    else {
      return "its kernel is 3x3, its stride, dilation and padding 1"
    }
    return payload.middle == nil ? nil : "nothing is done between its parts"
  }
}

extension CanonicalEpilogue {
  /// The slope below 0 of what comes before the scale, 1 where nothing does; nil where it is no leaky ReLU.
  var leakySlope: Float? {
    switch before {
    case nil: 1
    case .relu: 0
    case .leakyReLU(let slope): slope
    default: nil
    }
  }
}

extension TransposedConvolution {
  /// Whether each pixel becomes four that no other one reaches.
  var spreadsPixels: Bool {
    kernel == Pair(2) && stride == Pair(2) && padding == Padding(0) && outputPadding == Pair(0) && dilation == Pair(1)
      && groups == 1
  }
}
