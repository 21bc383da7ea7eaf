import Networks
import Tensors

/// The way to run a transposed convolution.
package enum TransposedMethod: KernelMethod {
  /// Products over gathered rows, of each phase with its taps alone.
  case phases

  package var description: String { "phases" }
  package static var soleReason: String? {
    "there is no other: each phase is a convolution of stride 1 with some of the taps, and no zero is multiplied"
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

  package func refusal(of method: TransposedMethod) -> String? { nil }

  package func cycles(of method: TransposedMethod, _ rates: KernelRates) -> Double {
    let pixels = Double(gridPixels), columns = Double(paddedChannels(payload.outChannels))
    // Each tap belongs to one phase. Groups of channels are dense products with zeros between them.
    let taps = Double(payload.kernel.height * payload.kernel.width)
    let products = taps * Double(payload.inChannels) * columns
    // Where the phases read the same pixel these are multiplied where they lie; else each block of columns points at its taps.
    let pointers = payload.kernel == payload.stride ? 0 : 3 * taps * (columns / 64).rounded(.up)
    let stored = Double(payload.stride.height * payload.stride.width) * columns
    return rates.products(pixels * products) + rates.weights(products) + pixels * (pointers + stored / rates.lanes)
  }
}
