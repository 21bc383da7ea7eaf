import Networks
import Tensors

/// A way to run a transposed convolution.
package enum TransposedMethod: KernelMethod {
  /// The kernel is as large as the stride: one 1x1 convolution whose results are spread out while they are stored.
  case pointwise
  /// Products over gathered rows, of each phase with its taps alone: each is a convolution of stride 1, and no zero is multiplied.
  case phases

  package var description: String {
    switch self {
    case .pointwise: "pointwise"
    case .phases: "phases"
    }
  }
}

/// A transposed convolution and the shapes it meets.
package struct TransposedGeometry: ProductLayer {
  /// Pixels of the output for which one is worked on: one of each phase.
  package var gridPixels: Int
  package var payload: TransposedConvolution

  /// The geometry of a node of a network whose values have these shapes.
  package init?(_ node: Node, _ payload: TransposedConvolution, shapes: [String: Shape]) {
    guard let (_, output) = node.images(shapes, channels: payload.outChannels) else { return nil }
    let s = payload.stride
    gridPixels = output.batch * ((output.height + s.height - 1) / s.height) * ((output.width + s.width - 1) / s.width)
    self.payload = payload
  }

  package func refusal(of method: TransposedMethod) -> String? {
    guard method == .pointwise else { return nil }
    let kernel = payload.kernel, stride = payload.stride
    if kernel != stride { return "the kernel is \(kernel.height)x\(kernel.width), the stride \(stride.height)x\(stride.width)" }
    if stride.height != stride.width { return "the strides differ" }
    if payload.dilation != Pair(1) { return "the dilation is not 1" }
    if payload.padding != Padding(0) || payload.outputPadding != Pair(0) { return "there is padding" }
    if payload.groups != 1 { return "there are \(payload.groups) groups" }
    if payload.epilogue.steps.contains(.add) || payload.epilogue.pixelShuffleFactor > 1 {
      return "something is added or shuffled"
    }
    return nil
  }

  package func cycles(of method: TransposedMethod, _ rates: KernelRates) -> Double {
    let pixels = Double(gridPixels), columns = Double(paddedChannels(payload.outChannels))
    // Each tap belongs to one phase. Groups of channels are dense products with zeros between them.
    let taps = Double(payload.kernel.height * payload.kernel.width)
    let products = taps * Double(payload.inChannels) * columns
    // Where the phases read the same pixel these are multiplied where they lie; else each block of columns points at its taps.
    let pointers = payload.kernel == payload.stride ? 0 : 3 * taps * (columns / 64).rounded(.up)
    let stored = Double(payload.stride.height * payload.stride.width) * columns
    // Phases leave their sums in memory and finish them from there.
    let stores = method == .phases ? stored / rates.lanes : 0
    return rates.products(pixels * products) + rates.weights(products) + pixels * (pointers + stores)
  }
}
