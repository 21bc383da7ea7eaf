import Execution
import Networks
import Tensors

/// What no kernel of the device does.
enum DeviceSupport {
  /// Why a node cannot run, a clause that follows "because"; nil where it can.
  static func refusal(
    of node: Node, in network: Network, shapes: [String: Shape], precision: CUDAPrecision
  ) -> String? {
    for name in node.elementInputs + [node.name] {
      if let parameter = network.parameters[name], parameter.dataType != .float32 {
        return "it reads the parameter '\(name)' of \(parameter.dataType.rawValue) as a value"
      }
      guard let shape = shapes[name] else { continue }
      guard let image = DeviceLayout.image(shape) else {
        return "'\(name)' is of \(shape.rank) axes, and the device keeps values of 1, 2 or 4"
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
    case .training(let operation):
      if precision == .float16 { return "gradients may be below float16's smallest numbers" }
      return trainingRefusal(of: operation, node, shapes)
    }
  }

  private static func trainingRefusal(of operation: TrainingOperation, _ node: Node, _ shapes: [String: Shape]) -> String? {
    switch operation {
    case .convolutionProduct(let payload) where payload.result == .weightGradient:
      let pixels = node.inputs.compactMap { shapes[$0] }.map { $0.batch * $0.height * $0.width }.max() ?? 0
      return pixels > Int(Int32.max) ? "a gradient of weights is of less than 2^31 pixels" : nil
    case .batchNormalization, .channelSum:
      let count = node.inputs.compactMap { shapes[$0]?.count }.max() ?? 0
      return count > Int(Int32.max) ? "statistics of channels are of less than 2^31 elements" : nil
    case .convolutionProduct, .activationGradient, .maximumPoolGradient, .adjoint, .channelProduct, .dropout, .fakeQuantize,
      .movingAverage, .parameterStep:
      return nil
    }
  }
}
