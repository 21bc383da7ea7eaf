import Tensors

/// A network: a directed acyclic graph of operations over named values, and the tensors they own.
///
/// A value of this type is inert: optimisations are functions that return another network (Transforms), a backend runs what is
/// left (Execution). Inputs say which of their extents are fixed; `inferredShapes` follows the shapes of given inputs through.
public struct Network: Equatable, Sendable {
  /// Everything but the tensors.
  public var graph: NetworkGraph
  /// The tensors of the nodes by `node.role` (`head.weight`).
  public var parameters: [String: Tensor]

  /// Not verified; see `init(_:parameters:)`.
  public init(unverified graph: NetworkGraph, parameters: [String: Tensor]) {
    self.graph = graph
    self.parameters = parameters
  }
}

/// The graph's.
extension Network {
  /// What the network is called, for people: `vdsr`, `edsr`.
  public var name: String {
    get { graph.name }
    _modify { yield &graph.name }
  }

  public var inputs: [NetworkInput] {
    get { graph.inputs }
    _modify { yield &graph.inputs }
  }

  /// In topological order; see `NetworkGraph`.
  public var nodes: [Node] {
    get { graph.nodes }
    _modify { yield &graph.nodes }
  }

  /// The names of the values that leave the network.
  public var outputs: [String] {
    get { graph.outputs }
    _modify { yield &graph.outputs }
  }

  /// What a run changes at its end.
  public var updates: [ParameterUpdate] {
    get { graph.updates }
    _modify { yield &graph.updates }
  }

  /// What the network does to images; nil where it is no image-to-image network.
  public var imageContract: ImageContract? {
    get { graph.imageContract }
    _modify { yield &graph.imageContract }
  }
}

/// One operation. The name is unique in the network, is the name of the node's one output value, and prefixes its parameters.
public struct Node: Hashable, Sendable {
  public var name: String
  public var operation: Operation
  /// The names of the values read, in the order the operation documents. A parameter of any node is a value, too, by its name
  /// `node.role`: a node may read it as it is before the run.
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
    inputs.prefix(operation.definition.elementOperandCount)
  }

  /// The attributes for people, with the names of the operands that they speak of.
  public var summary: String { operation.definition.summary(of: inputs) }
}

/// What a run does to a parameter when all of it is computed: running statistics, a step of an optimiser.
public struct ParameterUpdate: Hashable, Sendable {
  /// The parameter, `node.role`. At most one update a parameter.
  public var parameter: String
  /// The value, of the parameter's shape, that it becomes: one of a node, an input or another parameter.
  public var value: String

  public init(parameter: String, value: String) {
    self.parameter = parameter
    self.value = value
  }
}

/// How an image-to-image network wants its images.
public struct ImageContract: Hashable, Sendable {
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

extension ImageContract: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case colour, maximum, scale, inputSize }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "the image contract")
    self.init(
      colour: try container.decode(Colour.self, forKey: .colour), maximum: try container.decode(Float.self, forKey: .maximum),
      scale: try container.decodeIfPresent(Int.self, forKey: .scale),
      inputSize: try container.decode(InputSize.self, forKey: .inputSize))
  }
}

extension ParameterUpdate: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case parameter, value }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "an update")
    self.init(
      parameter: try container.decode(String.self, forKey: .parameter), value: try container.decode(String.self, forKey: .value)
    )
  }
}
