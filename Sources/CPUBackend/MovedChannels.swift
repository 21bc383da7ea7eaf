import Networks
import Tensors

/// The nodes of a network that only move channels, followed back to the values that they take them from.
///
/// The concatenation, channel shuffle and two slices between the blocks of a ShuffleNet are each a pass through memory. Those whose
/// readers only move channels, too, need not be made: what is read behind them is picked from where it was computed.
struct MovedChannels {
  /// A channel of a value that is made.
  struct Source: Hashable {
    var value: String
    var channel: Int
  }

  /// Of the slices along channels and the selections that are made: where each channel comes from.
  private(set) var made: [String: [Source]] = [:]
  /// Movers and concatenations that are not.
  private(set) var unmade: Set<String> = []

  init(_ network: Network, shapes: [String: Shape]) {
    // Of each mover, the channels of its input.
    var movers: [String: [Int]] = [:]
    for node in network.nodes { movers[node.name] = Self.channels(node, network, shapes) }
    var kept = Set(network.leavingValues)
    for node in network.nodes where movers[node.name] == nil { kept.formUnion(node.inputs) }

    var sources: [String: [Source]] = [:]
    for node in network.nodes {
      let isRead = !kept.contains(node.name)
      func channels(of name: String) -> [Source] {
        sources[name] ?? (0..<(shapes[name]?.channels ?? 0)).map { Source(value: name, channel: $0) }
      }
      if let moved = movers[node.name] {
        let from = channels(of: node.inputs[0])
        let result = moved.map { from[$0] }
        if isRead {
          sources[node.name] = result
          unmade.insert(node.name)
        } else {
          made[node.name] = result
        }
      } else if isRead, case .concatenation(let payload) = node.operation, payload.axis == 1,
        node.inputs.allSatisfy({ shapes[$0]?.isImage == true })
      {
        sources[node.name] = node.inputs.flatMap(channels)
        unmade.insert(node.name)
      }
    }
  }

  /// For each convolution that only moves channels, because of what its weights are now, where each channel comes from.
  static func selections(of network: Network) -> [String: [Int]] {
    var result: [String: [Int]] = [:]
    for node in network.nodes { result[node.name] = network.channelSelection(of: node) }
    return result
  }

  private static func channels(_ node: Node, _ network: Network, _ shapes: [String: Shape]) -> [Int]? {
    guard let input = node.inputs.first.flatMap({ shapes[$0] }), input.isImage else { return nil }
    if case .slice(let payload) = node.operation, payload.spans.count == 1, payload.spans[0].axis == 1 {
      let span = payload.spans[0]
      guard let range = span.range(extent: input.channels) else { return nil }
      return (0..<range.count).map { range.start + $0 * span.step }
    }
    return network.channelSelection(of: node)
  }
}
