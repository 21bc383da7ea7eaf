import Networks

/// Why an architecture cannot be made.
public enum ArchitectureError: Error, Hashable, Sendable {
  case unknownArchitecture(String)
  case unknownOption(architecture: String, option: String)
  case option(architecture: String, option: String, value: String, allowed: String)
  /// Its parameters would have more elements than a new network may have.
  case tooLarge(architecture: String, parameterCount: Int, limit: Int)
  /// The process may not take as much memory as its parameters need.
  case memory(architecture: String, parameterCount: Int)
  case network(architecture: String, NetworkError)
}

extension ArchitectureError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownArchitecture(let name):
      "there is no architecture '\(name)'; there are \(Architecture.catalogue.map(\.name).joined(separator: ", "))"
    case .unknownOption(let architecture, let option):
      "\(architecture) has no option '\(option)'; it has "
        + (Architecture.catalogue.first { $0.name == architecture }?.options.map(\.name).joined(separator: ", ") ?? "none")
    case .option(let architecture, let option, let value, let allowed):
      "the option \(option) of \(architecture) is '\(value)' and must be \(allowed)"
    case .tooLarge(let architecture, let parameterCount, let limit):
      "\(architecture) would have \(parameterCount) parameters and buffers with these options, and no more than \(limit) are "
        + "made; give fewer features or layers"
    case .memory(let architecture, let parameterCount):
      "\(architecture) would have \(parameterCount) parameters and buffers with these options, which need more memory than this "
        + "process may take; raise the limit (ulimit -v) or give fewer features or layers"
    case .network(let architecture, let error): "\(architecture): \(error)"
    }
  }
}
