import ONNXProto

/// Which sizes of images a model is read for.
public enum ONNXSizes: String, Hashable, Codable, Sendable {
  /// Those that the file declares: an extent that it fixes is fixed in the network.
  case declared
  /// Any: batch, height and width are open though the file fixes them. Refused where a node's constants follow from the fixed size.
  case any
}

/// The name that a file gives an open axis of an input. Height and width that share a name are still two extents.
struct ONNXAxisName: Hashable {
  let axis: Int
  let name: String

  /// Nil where the axis is fixed, or its name is a placeholder (`?`, as Paddle2ONNX writes) and says nothing.
  init?(_ dimension: ONNXTensorShapeProto.Dimension, axis: Int) {
    let name = dimension.dimParam
    guard dimension.dimValue <= 0, let first = name.first, first.isLetter || first == "_", name != "None" else { return nil }
    self.axis = axis
    self.name = name.onOneLine
  }
}
