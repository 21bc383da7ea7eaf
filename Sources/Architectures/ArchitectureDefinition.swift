import Files
import Networks

/// What every architecture answers about itself.
package protocol ArchitectureDefinition: Hashable, Sendable {
  /// `edsr`
  static var name: String { get }
  /// The nodes, without parameters. Throws where an option is out of its range; takes memory for nodes only.
  func builder() throws(ArchitectureError) -> NetworkBuilder
}

extension ArchitectureDefinition {
  /// The largest number of elements that the parameters of a new network have: a gibibyte of float32.
  static var parameterLimit: Int { 1 << 28 }

  /// The network with its parameters filled; refused before memory is asked for where it has too many.
  func build(_ initialization: Initialization) throws(ArchitectureError) -> Network {
    let builder = try builder()
    var count = 0
    for node in builder.graph.nodes {
      for parameter in node.operation.parameters { count += parameter.shape.count }
    }
    guard count <= Self.parameterLimit else {
      throw .tooLarge(architecture: Self.name, parameterCount: count, limit: Self.parameterLimit)
    }
    // The parameters, and the file that is made of them.
    guard MemoryLimit.allows(8 * count) else { throw .memory(architecture: Self.name, parameterCount: count) }
    do throws(NetworkError) {
      return try builder.build(initialization)
    } catch {
      throw .network(architecture: Self.name, error)
    }
  }

  /// Throws unless the channels are those of a picture.
  func checkColours(_ channels: Int) throws(ArchitectureError) {
    guard channels == 1 || channels == 3 else {
      throw .option(architecture: Self.name, option: "channels", value: "\(channels)", allowed: "1 (luma) or 3 (RGB)")
    }
  }

  /// Throws unless the option is in its range.
  func check(_ option: String, _ value: Int, _ range: ClosedRange<Int>) throws(ArchitectureError) {
    guard range.contains(value) else {
      throw .option(
        architecture: Self.name, option: option, value: "\(value)", allowed: "\(range.lowerBound) to \(range.upperBound)")
    }
  }
}
