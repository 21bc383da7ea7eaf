import Networks
import Tensors

/// A way to run one kind of layer.
package protocol KernelMethod: Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// A clause that follows "because" where there is one method for the kind.
  static var soleReason: String? { get }
}

extension KernelMethod {
  package static var soleReason: String? { nil }
}

/// A layer that sums products, and the shapes it meets: all that the selector looks at.
package protocol ProductLayer: Hashable, Sendable {
  associatedtype Method: KernelMethod
  /// Why the method cannot run the layer, a clause that follows "because"; nil where it can.
  func refusal(of method: Method) -> String?
  /// The estimated time of a method that can, in cycles of one core.
  func cycles(of method: Method, _ rates: KernelRates) -> Double
}

/// A method that was weighed for a layer.
package struct KernelCandidate<Method: KernelMethod>: Hashable, Sendable {
  package let method: Method
  package let verdict: KernelVerdict

  package var cycles: Double? { if case .cycles(let value) = verdict { value } else { nil } }
}

package enum KernelVerdict: Hashable, Sendable {
  /// The estimated time in cycles of one core.
  case cycles(Double)
  /// A clause that follows "because".
  case refused(String)
}

/// Shapes and rates in, method out: a pure function.
package enum KernelSelector {
  /// Every method with its estimate or the reason against it, in the order of `allCases`.
  package static func candidates<Layer: ProductLayer>(
    for layer: Layer, _ rates: KernelRates
  ) -> [KernelCandidate<Layer.Method>] {
    return Layer.Method.allCases.map { method in
      if let reason = layer.refusal(of: method) { return KernelCandidate(method: method, verdict: .refused(reason)) }
      return KernelCandidate(method: method, verdict: .cycles(layer.cycles(of: method, rates)))
    }
  }

  /// The cheapest candidate, the first of equals. Traps where there is none: every layer has a method that takes it.
  package static func choose<Layer: ProductLayer>(
    for layer: Layer, _ rates: KernelRates
  ) -> Layer.Method {
    // A loop: the closure form of this crashes the optimiser of Swift 6.3.
    var best: Layer.Method?
    var least = Double.infinity
    for candidate in candidates(for: layer, rates) {
      if let cycles = candidate.cycles, cycles < least {
        best = candidate.method
        least = cycles
      }
    }
    guard let best else { preconditionFailure("no method takes \(layer)") }
    return best
  }
}

/// What was weighed and taken for a node, by name.
package struct KernelChoice: Sendable {
  package let chosen: String
  /// A clause that follows "because".
  package let reason: String
  package let candidates: [(name: String, verdict: KernelVerdict)]
}

extension KernelSelector {
  /// The choice for a node of a network whose values have these shapes; nil where nothing is chosen for the operation.
  package static func choice(
    for node: Node, shapes: [String: Shape], _ rates: KernelRates
  ) -> KernelChoice? {
    func choice(_ layer: (some ProductLayer)?) -> KernelChoice? { layer.map { KernelChoice($0, rates) } }
    switch node.operation {
    case .convolution(let payload): return choice(ConvolutionGeometry(node, payload, shapes: shapes))
    case .separableConvolution(let payload): return choice(SeparableGeometry(node, payload, shapes: shapes))
    case .transposedConvolution(let payload): return choice(TransposedGeometry(node, payload, shapes: shapes))
    case .linear(let payload): return choice(LinearGeometry(node, payload, shapes: shapes))
    case .batchNorm, .activation, .scale, .channelAffine, .add, .concatenation, .pixelShuffle, .pixelUnshuffle, .resize,
      .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad, .softmax, .reshape, .transpose,
      .reduction, .maximumIndex, .normalization, .expand, .constant, .matrixMultiply:
      return nil
    }
  }
}

extension KernelChoice {
  fileprivate init<Layer: ProductLayer>(_ layer: Layer, _ rates: KernelRates) {
    let weighed = KernelSelector.candidates(for: layer, rates)
    let possible = weighed.count { $0.cycles != nil }
    chosen = KernelSelector.choose(for: layer, rates).description
    reason = Layer.Method.soleReason ?? (possible == 1 ? "no other can" : "it is the cheapest of \(possible)")
    candidates = weighed.map { ($0.method.description, $0.verdict) }
  }
}
