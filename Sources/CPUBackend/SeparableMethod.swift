import Execution
import Networks
import Tensors

/// A way to run a separable convolution, its middle tensor nowhere in memory. Which one follows from the order of the parts.
package enum SeparableMethod: KernelMethod {
  /// The depthwise results of a block of pixels in scratch memory, then their products.
  case blocks
  /// The same, without tiles of registers where the instruction set has such.
  case vectorBlocks
  /// The pointwise results of some rows in a ring in scratch memory, then their depthwise filters.
  case ring

  /// Whether its step reads the inputs of a concatenation from where they lie.
  var takesParts: Bool {
    switch self {
    case .blocks, .vectorBlocks: true
    case .ring: false
    }
  }

  package var description: String {
    switch self {
    case .blocks: "blocks of pixels"
    case .vectorBlocks: "blocks of pixels, by vectors"
    case .ring: "ring of rows"
    }
  }
}

/// A separable convolution and the shapes it meets.
package struct SeparableGeometry: ProductLayer {
  package var order: SeparableConvolution.Order
  /// From the input to the output with the window of the depthwise part.
  package var window: ConvolutionGeometry

  /// `output` is the shape before any pixel shuffle.
  package init(_ payload: SeparableConvolution, input: Shape, output: Shape) {
    order = payload.order
    var convolution = payload.pointwise
    convolution.kernel = payload.kernel
    convolution.stride = payload.stride
    convolution.padding = payload.padding
    convolution.dilation = payload.dilation
    window = ConvolutionGeometry(convolution, input: input, output: output)
  }

  /// The geometry of a node of a network whose values have these shapes.
  package init?(_ node: Node, _ payload: SeparableConvolution, shapes: [String: Shape]) {
    guard let (input, output) = node.images(shapes, channels: payload.outChannels) else { return nil }
    self.init(payload, input: input, output: output)
  }

  package func refusal(of method: SeparableMethod) -> String? {
    switch (method, order) {
    case (.blocks, .depthwiseFirst), (.vectorBlocks, .depthwiseFirst), (.ring, .pointwiseFirst): nil
    case (.blocks, .pointwiseFirst), (.vectorBlocks, .pointwiseFirst):
      "the depthwise part reads the neighbours of what the pointwise part makes: whole rows"
    case (.ring, .depthwiseFirst): "the pointwise part reads one pixel at a time: no row has to wait"
    }
  }

  package func refusal(of method: SeparableMethod, _ rates: KernelRates) -> String? {
    if let reason = refusal(of: method) { return reason }
    let hasTiles = window.sumsIntegers && rates.ofIntegers.hasTiles
    return method == .vectorBlocks && !hasTiles ? "there are no tiles of registers to do without" : nil
  }

  package func cycles(of method: SeparableMethod, _ rates: KernelRates) -> Double {
    let rates = window.sumsIntegers ? rates.ofIntegers : rates
    let outPixels = Double(window.batch * window.outHeight * window.outWidth), taps = Double(window.taps)
    let depth = Double(window.inChannels), columns = Double(paddedChannels(window.outChannels))
    let weights = rates.weights(depth * columns)
    switch method {
    case .blocks, .vectorBlocks:
      let middle = outPixels * Double(paddedChannels(window.inChannels)), count = outPixels * depth * columns
      let products = method == .blocks ? rates.products(count, sums: outPixels * columns) : rates.products(count)
      return rates.depthwise(middle * taps) + rates.scratch(middle) + products + weights
    case .ring:
      // Rows of which a stride skips the filters are multiplied all the same; those at the ends of tasks are made twice.
      let overlap = window.kernel.height > window.stride.height ? 1 + 1 / Self.rowsOfOverlap : 1
      let middle = Double(window.batch * window.inHeight * window.inWidth) * overlap
      return rates.products(middle * depth * columns, sums: middle * columns) + weights + rates.scratch(middle * columns)
        + rates.depthwise(outPixels * columns * taps)
    }
  }

  /// The rows of a task for each that its neighbour makes, too: `ChannelSelectionStep` cuts its work so.
  static let rowsOfOverlap = 8.0
}
