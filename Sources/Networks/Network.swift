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

  /// What the network does to pictures; nil where it does not say.
  public var contract: PictureContract? {
    get { graph.contract }
    _modify { yield &graph.contract }
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

extension ParameterUpdate: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case parameter, value }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "an update")
    self.init(
      parameter: try container.decode(String.self, forKey: .parameter), value: try container.decode(String.self, forKey: .value)
    )
  }
}
