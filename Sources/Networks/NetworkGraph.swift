import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A network without the data of its parameters: what our model file keeps as metadata beside the tensors.
public struct NetworkGraph: Hashable, Sendable {
  /// What the network is called, for people: `vdsr`, `edsr`.
  public var name: String
  public var inputs: [NetworkInput]
  /// In topological order: a node reads network inputs, parameters, and the outputs of nodes before it.
  public var nodes: [Node]
  /// The names of the values that leave the network.
  public var outputs: [String]
  /// What a run changes at its end, all at once; a network for inference has none.
  public var updates: [ParameterUpdate]
  /// What the network does to pictures, for the programs that feed it; nil where it does not say.
  public var contract: PictureContract?

  public init(
    name: String, inputs: [NetworkInput], nodes: [Node], outputs: [String], updates: [ParameterUpdate] = [],
    contract: PictureContract? = nil
  ) {
    self.name = name
    self.inputs = inputs
    self.nodes = nodes
    self.outputs = outputs
    self.updates = updates
    self.contract = contract
  }

  /// The names and types of the tensors that complete the graph, in node order. Throws where it is no network.
  public func expectedParameters() throws(NetworkError) -> [(name: String, type: ValueType)] {
    try verified().map { ($0.name, $0.parameter.type) }
  }
}

extension Network {
  /// The graph with its parameters. Throws where they do not make a network (see `verify`).
  public init(_ graph: NetworkGraph, parameters: [String: Tensor]) throws(NetworkError) {
    self.init(unverified: graph, parameters: parameters)
    try verify()
  }
}

extension NetworkGraph {
  /// The JSON form on one line, keys sorted: the same graph gives the same bytes.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // A graph with a float that is not finite is the only one that JSON cannot hold; `verify` refuses it.
    guard let data = try? encoder.encode(self) else { return "" }
    return String(decoding: data, as: UTF8.self)
  }

  /// Reads what `json` wrote. Throws where it is not JSON, names an unknown operation, or does not describe a network.
  public init(json: String) throws(NetworkError) {
    do {
      self = try JSONDecoder().decode(NetworkGraph.self, from: Data(json.utf8))
    } catch let error as NetworkError {
      throw error
    } catch let error as DecodingError {
      throw .invalidDescription(error.line)
    } catch {
      throw .invalidDescription("\(error)")
    }
  }
}

extension NetworkGraph: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, inputs, nodes, outputs, updates, imageContract, classifierContract, segmenterContract
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "the network")
    self.init(
      name: try container.decode(String.self, forKey: .name),
      inputs: try container.decode([NetworkInput].self, forKey: .inputs),
      nodes: try container.decode([Node].self, forKey: .nodes),
      outputs: try container.decode([String].self, forKey: .outputs),
      updates: try container.decodeIfPresent([ParameterUpdate].self, forKey: .updates) ?? [],
      contract: try Self.contract(container))
    _ = try verified()
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(inputs, forKey: .inputs)
    try container.encode(nodes, forKey: .nodes)
    try container.encode(outputs, forKey: .outputs)
    if !updates.isEmpty { try container.encode(updates, forKey: .updates) }
    switch contract {
    case .image(let contract): try container.encode(contract, forKey: .imageContract)
    case .classifier(let contract): try container.encode(contract, forKey: .classifierContract)
    case .segmenter(let contract): try container.encode(contract, forKey: .segmenterContract)
    case nil: break
    }
  }

  private static func contract(_ container: KeyedDecodingContainer<CodingKeys>) throws -> PictureContract? {
    let contracts = [
      try container.decodeIfPresent(ImageContract.self, forKey: .imageContract).map { PictureContract.image($0) },
      try container.decodeIfPresent(ClassifierContract.self, forKey: .classifierContract).map { .classifier($0) },
      try container.decodeIfPresent(SegmenterContract.self, forKey: .segmenterContract).map { .segmenter($0) },
    ].compactMap(\.self)
    guard contracts.count <= 1 else { throw NetworkError.contract("it has \(contracts.count), and may have one") }
    return contracts.first
  }
}

extension Node: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case name, operation, inputs }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "a node")
    self.init(
      name: try container.decode(String.self, forKey: .name),
      operation: try container.decode(Operation.self, forKey: .operation),
      inputs: try container.decode([String].self, forKey: .inputs))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(operation, forKey: .operation)
    try container.encode(inputs, forKey: .inputs)
  }
}

/// The graph and its parameters by name, each tensor as shape, type and base64. For files use Formats, which is smaller.
extension Network: Codable {
  enum CodingKeys: String, CodingKey { case graph, parameters }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      try container.decode(NetworkGraph.self, forKey: .graph),
      parameters: try container.decode([String: Tensor].self, forKey: .parameters))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(graph, forKey: .graph)
    try container.encode(parameters, forKey: .parameters)
  }
}

extension DecodingError {
  /// The error on one line, with the place: `nodes.3.operation.kernel: is no whole number`.
  package var line: String {
    let (reason, path): (String, [any CodingKey]) =
      switch self {
      case .keyNotFound(let key, let context): ("'\(key.stringValue)' is missing", context.codingPath)
      case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
        ("is not \(Self.name(of: type))", context.codingPath)
      case .dataCorrupted(let context): (Self.reason(context), context.codingPath)
      @unknown default: ("it cannot be read", [])
      }
    let place = path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    return place.isEmpty ? reason : "\(place): \(reason)"
  }

  /// What a type is in JSON.
  private static func name(of type: any Any.Type) -> String {
    switch type {
    case is any BinaryInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is Bool.Type: "true or false"
    case is String.Type: "a text"
    case is [Any].Type: "a list"
    default: "\(type)".hasPrefix("Array<") ? "a list" : "an object"
    }
  }

  /// What our own types say begins small; what the library says is of Swift.
  private static func reason(_ context: Context) -> String {
    let text = context.debugDescription
    if text.first?.isLowercase ?? false || text.first?.isNumber ?? false { return text }
    if text.hasPrefix("Cannot initialize"), let value = text.split(separator: " ").last { return "there is no '\(value)'" }
    if let number = text.split(separator: "<").dropFirst().first?.split(separator: ">").first {
      return "the number \(number) does not fit"
    }
    return context.codingPath.isEmpty ? "it is no JSON, or a number in it does not fit" : "it cannot be read"
  }
}
