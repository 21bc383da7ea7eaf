import Execution
import Networks
import Tensors

/// The way to run a fully connected layer.
package enum LinearMethod: KernelMethod {
  /// One product, its rows the images of the batch.
  case product

  package var description: String { "product" }
  package static var soleReason: String? {
    "there is no other: threads share the columns, because the weights are what has to come from memory"
  }
}

/// A fully connected layer and the number of images it meets.
package struct LinearGeometry: ProductLayer {
  package var batch: Int
  package var inFeatures: Int
  package var outFeatures: Int

  /// The geometry of a node of a network whose values have these shapes.
  package init?(_ node: Node, _ payload: Linear, shapes: [String: Shape]) {
    guard let input = node.inputs.first.flatMap({ shapes[$0] }) else { return nil }
    batch = input.batch
    inFeatures = payload.inFeatures
    outFeatures = payload.outFeatures
  }

  package func refusal(of method: LinearMethod) -> String? { nil }

  package func cycles(of method: LinearMethod, _ rates: KernelRates) -> Double {
    let weights = Double(inFeatures) * Double(paddedChannels(outFeatures))
    // Rounded up to whole register tiles, most of whose rows one image leaves empty.
    let rows = (Double(batch) / 6).rounded(.up) * 6
    return rates.products(rows * weights) + rates.weights(weights)
  }
}
