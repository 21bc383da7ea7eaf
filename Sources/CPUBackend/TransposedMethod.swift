import CKernels
import Execution
import Networks
import Tensors

/// A way to run a transposed convolution.
package enum TransposedMethod: KernelMethod {
  /// The kernel is as large as the stride: one 1x1 convolution whose results are spread out while they are stored.
  case pointwise
  /// Few output channels, written to planes: vectors run over the pixels of a row.
  case planes
  /// One kernel a channel: vectors run over the channels.
  case depthwise
  /// Products over gathered rows, of each phase with its taps alone: each is a convolution of stride 1, and no zero is multiplied.
  case phases

  package var description: String {
    switch self {
    case .pointwise: "pointwise"
    case .planes: "planes"
    case .depthwise: "depthwise"
    case .phases: "phases"
    }
  }
}

/// A transposed convolution and the shapes it meets.
package struct TransposedGeometry: ProductLayer {
  /// Pixels of the output for which one is worked on: one of each phase.
  package var gridPixels: Int
  /// Of one image.
  package var outHeight: Int
  package var outWidth: Int
  package var payload: TransposedConvolution

  /// The geometry of a node of a network whose values have these shapes.
  package init?(_ node: Node, _ payload: TransposedConvolution, shapes: [String: Shape]) {
    guard let (_, output) = node.images(shapes, channels: payload.outChannels) else { return nil }
    let s = payload.stride
    gridPixels = output.batch * ((output.height + s.height - 1) / s.height) * ((output.width + s.width - 1) / s.width)
    outHeight = output.height
    outWidth = output.width
    self.payload = payload
  }

  package func refusal(of method: TransposedMethod) -> String? {
    let kernel = payload.kernel, stride = payload.stride, few = ValueLayout.planarChannels
    switch method {
    case .pointwise:
      if kernel != stride {
        return "the kernel is \(kernel.height)x\(kernel.width), the stride \(stride.height)x\(stride.width)"
      }
      if stride.height != stride.width { return "the strides differ" }
      if payload.dilation != Pair(1) { return "the dilation is not 1" }
      if payload.padding != Padding(0) || payload.outputPadding != Pair(0) { return "there is padding" }
      if payload.groups != 1 { return "there are \(payload.groups) groups" }
      if payload.epilogue.steps.contains(.add) || payload.epilogue.pixelShuffleFactor > 1 {
        return "something is added or shuffled"
      }
    case .planes:
      if payload.epilogue.sumsIntegers { return "it sums integers" }
      if payload.outChannels > few { return "there are more than \(few) output channels" }
      if payload.groups != 1 { return "there are \(payload.groups) groups" }
      if stride.height > 8 || stride.width > 8 { return "the stride is more than 8" }
      if payload.dilation != Pair(1) { return "the dilation is not 1" }
      if kernel.height > 32 * stride.height { return "an output row reads more than 32 input rows" }
      if kernel.width > 256 { return "the kernel is more than 256 wide" }
    case .depthwise:
      if payload.epilogue.sumsIntegers { return "it sums integers" }
      if payload.groups != payload.inChannels || payload.groups != payload.outChannels {
        return "there is not one kernel a channel"
      }
    case .phases: break
    }
    return nil
  }

  package func cycles(of method: TransposedMethod, _ rates: KernelRates) -> Double {
    let rates = payload.epilogue.sumsIntegers ? rates.ofIntegers : rates
    let pixels = Double(gridPixels), depth = Double(payload.inChannels)
    let phases = Double(payload.stride.height * payload.stride.width)
    switch method {
    case .pointwise:
      // The channels of all places that a pixel spreads to are columns side by side.
      let columns = Double(paddedChannels(payload.outChannels * payload.stride.height * payload.stride.width))
      let isPlanar = payload.outChannels <= ValueLayout.planarChannels
      return rates.products(pixels * depth * columns, sums: pixels * columns) + rates.weights(depth * columns)
        + (isPlanar ? 2 * pixels * columns : 0)
    case .planes:
      let plan = TransposedPlanes(payload, height: outHeight, width: outWidth)
      // Two multiply-adds a cycle make a peak of two vectors.
      let sums = pixels * plan.cycles(payload) * 2 / (0.85 * rates.peak)
      // Pixels are turned into planes, by some tasks twice, and sums are brought side by side.
      return sums + pixels * (0.6 * depth + 2 * phases * Double(payload.outChannels))
    case .depthwise:
      let columns = Double(paddedChannels(payload.outChannels)), taps = Double(payload.kernel.height * payload.kernel.width)
      return rates.depthwise(pixels * taps * columns) + rates.stores(pixels * phases * columns)
    case .phases:
      let columns = Double(paddedChannels(payload.outChannels))
      // Each tap belongs to one phase. Groups of channels are dense products with zeros between them.
      let taps = Double(payload.kernel.height * payload.kernel.width)
      let products = taps * depth * columns
      // Where the phases read the same pixel these are multiplied where they lie; else each block of columns points at its taps.
      let pointers = payload.kernel == payload.stride ? 0 : 3 * taps * (columns / 64).rounded(.up)
      // Phases leave their sums in memory and finish them from there.
      let stores = rates.stores(phases * columns)
      return rates.products(pixels * products, sums: pixels * phases * columns) + rates.weights(products)
        + pixels * (pointers + stores)
    }
  }
}
