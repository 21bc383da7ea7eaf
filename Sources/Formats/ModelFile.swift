import Networks
import Tensors

/// Our model file: a safetensors file with each parameter as a tensor (`head.weight`) and the network in its metadata.
///
/// `swiftlet.network` holds the graph as JSON, `swiftlet.version` the version of this layout. Any other reader of safetensors sees
/// plain tensors.
public enum ModelFile {
  /// What a file says whose network earlier versions would understand in full.
  static let version = "1"
  /// What one says whose nodes read parameters by name, that has updates, inputs of other elements than float32, or nodes
  /// of integers.
  static let secondVersion = "2"
  static let versionKey = "swiftlet.version"
  static let networkKey = "swiftlet.network"

  /// Writes the network whole or not at all; the same network gives the same bytes.
  public static func write(_ network: Network, to path: String) throws(FormatError) {
    do throws(NetworkError) { try network.verify() } catch { throw FormatError(source: path, problem: .network(error)) }
    try contents(of: network).write(to: path)
  }

  /// Reads a model. Throws where a weight is NaN or infinite, unless `allowingNonFinite`.
  public static func read(_ path: String, allowingNonFinite: Bool = false) throws(FormatError) -> Network {
    try read(Safetensors(contentsOf: path), path: path, allowingNonFinite: allowingNonFinite)
  }

  /// The network of contents that were read from a file, by whose path errors call it.
  package static func read(
    _ contents: Safetensors, path: String, allowingNonFinite: Bool = false
  ) throws(FormatError) -> Network {
    do throws(FormatProblem) {
      return try network(contents, allowingNonFinite: allowingNonFinite)
    } catch {
      throw FormatError(source: path, problem: error)
    }
  }

  /// Reads the bytes of a model file, such as those of a model inside the program.
  public static func read(bytes: [UInt8], allowingNonFinite: Bool = false) throws(FormatProblem) -> Network {
    try network(Safetensors(bytes: bytes), allowingNonFinite: allowingNonFinite)
  }

  /// The tensors and metadata that stand for the network.
  public static func contents(of network: Network) -> Safetensors {
    Safetensors(
      tensors: network.parameters,
      metadata: [
        versionKey: version(of: network.graph), networkKey: network.graph.json, "format": "pt",
      ])
  }

  private static func version(of graph: NetworkGraph) -> String {
    laterFeature(of: graph) == nil ? version : secondVersion
  }

  /// What of the graph the second version brought; nil where nothing.
  private static func laterFeature(of graph: NetworkGraph) -> String? {
    if let update = graph.updates.first { return "an update of '\(update.parameter)'" }
    if graph.namesParameters { return "a node that reads a parameter by name" }
    if let node = graph.nodes.first(where: \.operation.isOfIntegers) { return "the node '\(node.name)' of integers" }
    return graph.inputs.first { $0.element != .float32 }.map { "the input '\($0.name)' of \($0.element.rawValue)" }
  }

  static func network(_ contents: Safetensors, allowingNonFinite: Bool) throws(FormatProblem) -> Network {
    guard let json = contents.metadata[networkKey] else { throw .noNetwork }
    let found = contents.metadata[versionKey] ?? ""
    guard [version, secondVersion].contains(found) else { throw .modelVersion(found) }
    let network: Network
    do throws(NetworkError) {
      network = try Network(NetworkGraph(json: json), parameters: contents.tensors)
    } catch {
      if case .parameterType(let name, let expected, _) = error, let stored = contents.storedTypes[name] {
        throw .elements(tensor: name, expected: expected, stored: stored.name)
      }
      throw .network(error)
    }
    if found == version, let feature = laterFeature(of: network.graph) {
      throw .laterFeature(version: version, feature: feature, since: secondVersion)
    }
    if !allowingNonFinite, let name = network.firstNonFiniteParameter { throw .notFinite(tensor: name) }
    return network
  }
}
