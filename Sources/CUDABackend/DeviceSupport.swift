import Execution
import Networks
import Tensors

/// What no kernel of the device does.
enum DeviceSupport {
  /// Why a node cannot run, a clause that follows "because"; nil where it can.
  static func refusal(of node: Node, in network: Network, shapes: [String: Shape]) -> String? {
    for name in node.elementInputs + [node.name] {
      if network.parameters[name] != nil { return "it reads the parameter '\(name)' as a value" }
      guard let shape = shapes[name] else { continue }
      guard let image = DeviceLayout.image(shape) else {
        return "'\(name)' is of \(shape.rank) axes, and the device keeps values of 2 or 4"
      }
      if image.batch > 65535 { return "a launch takes at most 65535 images" }
    }
    if let epilogue = node.operation.epilogue {
      guard CanonicalEpilogue(epilogue) != nil else {
        return "its epilogue is not in the order activation, scale, add, activation, pixel shuffle"
      }
    }
    switch node.operation {
    case .convolution, .transposedConvolution, .linear, .batchNorm, .activation, .scale, .channelAffine, .add, .binary,
      .pixelShuffle, .pixelUnshuffle, .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten, .slice, .pad, .reshape,
      .transpose, .expand, .concatenation, .constant, .matrixMultiply, .softmax, .reduction, .maximumIndex, .normalization,
      .separableConvolution, .integer:
      return nil
    case .training: return "no kernel of the device trains yet"
    }
  }
}
