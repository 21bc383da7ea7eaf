import Files
import Networks

/// Why a network cannot be pruned as asked.
public enum PruningError: Error, Hashable, Sendable {
  case network(NetworkError)
  /// The values have more channels than are followed.
  case tooManyChannels(limit: Int)
  /// All channels of a value would go.
  case noChannels(value: String, count: Int)
  /// Importance by gradients, and there are none.
  case noGradients
}

extension PruningError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .network(let error): "\(error)"
    case .tooManyChannels(let limit):
      "the values of the network have more than \(limit) channels in all, more than pruning follows"
    case .noChannels(let value, let count):
      "all \(count) channels of '\(value.printable)' would be removed; a layer keeps at least one"
    case .noGradients: "importance by gradients needs some; give data to learn from"
    }
  }
}
