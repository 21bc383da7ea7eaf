import CKernels
import Networks
import Tensors

/// Where in a concatenation one of its inputs lies. An input that is made there costs no copy.
struct ConcatenationPart: Hashable {
  var concatenation: String
  /// That of channels.
  private static let operation = Operation.concatenation(Concatenation())
  /// The first channel.
  var channel: Int

  /// The parts of a network's concatenations, by the name of the node that makes each.
  ///
  /// Inputs must begin at whole blocks of channels, be interleaved, and be made by a node that is no concatenation itself; a value
  /// that several concatenations take lies in the first.
  ///
  /// - Parameter unmade: concatenations that are not made.
  static func all(in network: Network, shapes: [String: Shape], except unmade: Set<String>) -> [String: ConcatenationPart] {
    let makers = Dictionary(network.nodes.map { ($0.name, $0.operation) }) { first, _ in first }
    var result: [String: ConcatenationPart] = [:]
    for node in network.nodes where node.operation == Self.operation && !unmade.contains(node.name) {
      guard let inputs = blocks(node, shapes: shapes) else { continue }
      var channel = 0
      for (name, shape) in zip(node.inputs, inputs) {
        if let maker = makers[name], maker != Self.operation, result[name] == nil {
          result[name] = ConcatenationPart(concatenation: node.name, channel: channel)
        }
        channel += shape.channels
      }
    }
    return result
  }

  /// The shapes of a concatenation's inputs where each is interleaved and begins at a whole block of channels.
  private static func blocks(_ node: Node, shapes: [String: Shape]) -> [Shape]? {
    let inputs = node.inputs.compactMap { shapes[$0] }
    guard inputs.count == node.inputs.count, inputs.allSatisfy({ $0.isImage && $0.channels > ValueLayout.planarChannels }),
      inputs.dropLast().allSatisfy({ $0.channels % Int(SW_CHANNEL_BLOCK) == 0 })
    else { return nil }
    return inputs
  }

  /// Concatenations that need not be made, because each of their readers can take the inputs from where they lie: what one of
  /// them leaves in a ring of rows is never written to memory, and the pixels of each are dense.
  ///
  /// - Parameter takesParts: whether a node can take its first input in parts.
  static func unmadeConcatenations(in network: Network, shapes: [String: Shape], takesParts: (Node) -> Bool) -> Set<String> {
    var result = Set(
      network.nodes.filter { $0.operation == operation && blocks($0, shapes: shapes) != nil }.map(\.name))
    for name in network.leavingValues { result.remove(name) }
    for node in network.nodes {
      let taken = takesParts(node) ? node.inputs.dropFirst() : node.inputs[...]
      for name in taken { result.remove(name) }
    }
    return result
  }
}
