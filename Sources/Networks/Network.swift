import Tensors

/// A network: a directed acyclic graph of operations over named values, and the tensors they own.
///
/// A value of this type is inert: optimisations are functions that return another network (Transforms), a backend runs what is
/// left (Execution). Inputs say which of their extents are fixed; `inferredShapes` follows the shapes of given inputs through.
public struct Network: Equatable, Sendable {
  /// What the network is called, for people: `vdsr`, `edsr`.
  public var name: String
  public var inputs: [NetworkInput]
  /// In topological order: a node reads network inputs and the outputs of nodes before it.
  public var nodes: [Node]
  /// The names of the values that leave the network.
  public var outputs: [String]
  /// The tensors of the nodes by `node.role` (`head.weight`).
  public var parameters: [String: Tensor]
  /// What the network does to images, for the programs that feed it; nil where it is no image-to-image network.
  public var imageContract: ImageContract?

  public init(
    name: String, inputs: [NetworkInput], nodes: [Node], outputs: [String], parameters: [String: Tensor],
    imageContract: ImageContract? = nil
  ) {
    self.name = name
    self.inputs = inputs
    self.nodes = nodes
    self.outputs = outputs
    self.parameters = parameters
    self.imageContract = imageContract
  }
}

/// One operation. The name is unique in the network, is the name of the node's one output value, and prefixes its parameters.
public struct Node: Hashable, Sendable {
  public var name: String
  public var operation: Operation
  /// The names of the values read, in the order the operation documents.
  public var inputs: [String]

  public init(name: String, operation: Operation, inputs: [String]) {
    self.name = name
    self.operation = operation
    self.inputs = inputs
  }
}

extension Node {
  /// The values that the node computes with; the others it reads for their extents only.
  public var elementInputs: ArraySlice<String> {
    operation.definition.elementOperandCount.map { inputs.prefix($0) } ?? inputs[...]
  }

  /// The attributes for people, with the names of the operands that they speak of.
  public var summary: String { operation.definition.summary(of: inputs) }
}

/// How an image-to-image network wants its images.
public struct ImageContract: Hashable, Codable, Sendable {
  /// The channels that enter and leave.
  public enum Colour: String, Hashable, Codable, Sendable {
    /// One channel: BT.601 luma (16...235 of 255).
    case luma
    /// Three channels: red, green, blue.
    case rgb
  }

  /// The size at which images enter.
  public enum InputSize: String, Hashable, Codable, Sendable {
    /// The network enlarges the image by `scale` itself (EDSR).
    case lowResolution
    /// The image is enlarged by bicubic interpolation before it enters; the network keeps its size (VDSR).
    case bicubicEnlarged
  }

  public var colour: Colour
  /// What the brightest value of an 8-bit image, 255, is inside the network: 1 or 255.
  public var maximum: Float
  /// The factor between the low-resolution image and the output; nil where any factor serves (VDSR).
  public var scale: Int?
  public var inputSize: InputSize

  public init(colour: Colour, maximum: Float, scale: Int?, inputSize: InputSize) {
    self.colour = colour
    self.maximum = maximum
    self.scale = scale
    self.inputSize = inputSize
  }
}
