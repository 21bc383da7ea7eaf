import Networks

/// Why an architecture cannot be made.
public enum ArchitectureError: Error, Hashable, Sendable {
  case unknownArchitecture(String)
  case unknownOption(architecture: String, option: String)
  case option(architecture: String, option: String, value: String, allowed: String)
  case network(architecture: String, NetworkError)
}

extension ArchitectureError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownArchitecture(let name):
      "there is no architecture '\(name)'; there are \(Architecture.catalogue.map(\.name).joined(separator: ", "))"
    case .unknownOption(let architecture, let option): "\(architecture) has no option '\(option)'"
    case .option(let architecture, let option, let value, let allowed):
      "the option \(option) of \(architecture) is '\(value)' and must be \(allowed)"
    case .network(let architecture, let error): "\(architecture): \(error)"
    }
  }
}

func check(
  _ architecture: String, _ option: String, _ value: Int, _ range: ClosedRange<Int>
) throws(ArchitectureError) {
  guard range.contains(value) else {
    throw .option(
      architecture: architecture, option: option, value: "\(value)", allowed: "\(range.lowerBound) to \(range.upperBound)")
  }
}

/// Refuses what would have more than 2^28 parameters, a gibibyte, before memory is asked for.
func checkSize(_ architecture: String, features: Int, wideConvolutions: Int) throws(ArchitectureError) {
  guard features * features * 9 * wideConvolutions <= 1 << 28 else {
    throw .option(
      architecture: architecture, option: "features", value: "\(features)",
      allowed: "smaller with that many layers: more than \(1 << 28) parameters are not made")
  }
}

func finish(
  _ builder: NetworkBuilder, _ architecture: String, _ initialization: Initialization
) throws(ArchitectureError) -> Network {
  do throws(NetworkError) {
    return try builder.build(initialization)
  } catch {
    throw .network(architecture: architecture, error)
  }
}
