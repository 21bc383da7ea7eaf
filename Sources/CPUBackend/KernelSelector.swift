import Execution
import Networks
import Tensors

/// A layer that sums products, and the shapes it meets: all that the selector looks at.
package protocol ProductLayer: Hashable, Sendable {
  associatedtype Method: KernelMethod
  /// Why the method cannot run the layer, a clause that follows "because"; nil where it can.
  func refusal(of method: Method) -> String?
  /// The same, or why it is none to be weighed with such rates.
  func refusal(of method: Method, _ rates: KernelRates) -> String?
  /// The estimated time of a method that can, in cycles of one core.
  func cycles(of method: Method, _ rates: KernelRates) -> Double
}

extension ProductLayer {
  package func refusal(of method: Method, _ rates: KernelRates) -> String? { refusal(of: method) }
}

/// Shapes and rates in, method out: a pure function.
package enum KernelSelector {
  /// Every method with its estimate in cycles or the reason against it.
  package static func candidates<Layer: ProductLayer>(
    for layer: Layer, _ rates: KernelRates
  ) -> [KernelCandidate<Layer.Method>] {
    KernelCandidate.all(refusal: { layer.refusal(of: $0, rates) }, cost: { layer.cycles(of: $0, rates) })
  }

  /// The cheapest candidate, the first of equals. Traps where there is none: every layer has a method that takes it.
  package static func choose<Layer: ProductLayer>(for layer: Layer, _ rates: KernelRates) -> Layer.Method {
    guard let best = KernelCandidate.cheapest(of: candidates(for: layer, rates)) else {
      preconditionFailure("no method takes \(layer)")
    }
    return best
  }
}

extension KernelSelector {
  /// The choice for a node of a network whose values have these shapes; nil where nothing is chosen for the operation.
  package static func choice(
    for node: Node, shapes: [String: Shape], _ rates: KernelRates
  ) -> KernelChoice? {
    func choice(_ layer: (some ProductLayer)?) -> KernelChoice? { layer.flatMap { KernelChoice(candidates(for: $0, rates)) } }
    switch node.operation {
    case .convolution(let payload): return choice(ConvolutionGeometry(node, payload, shapes: shapes))
    case .separableConvolution(let payload): return choice(SeparableGeometry(node, payload, shapes: shapes))
    case .transposedConvolution(let payload): return choice(TransposedGeometry(node, payload, shapes: shapes))
    case .linear(let payload): return choice(LinearGeometry(node, payload, shapes: shapes))
    case .batchNorm, .activation, .scale, .channelAffine, .add, .concatenation, .pixelShuffle, .pixelUnshuffle, .resize,
      .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad, .softmax, .reshape, .transpose,
      .reduction, .maximumIndex, .normalization, .expand, .constant, .matrixMultiply, .integer:
      return nil
    case .training(.convolutionProduct(let payload)): return choice(WeightGradientGeometry(node, payload, shapes: shapes))
    case .training: return nil
    }
  }
}
