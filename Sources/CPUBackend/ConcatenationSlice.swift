import CKernels
import Networks
import Tensors

/// Where in a concatenation one of its inputs lies. An input that is made there costs no copy.
struct ConcatenationSlice: Hashable {
  var concatenation: String
  /// The first channel.
  var channel: Int

  /// The slices of a network, by the name of the node that makes each.
  ///
  /// Inputs must begin at whole blocks of channels, be interleaved, and be made by a node that is no concatenation itself; a value
  /// that several concatenations take lies in the first.
  static func all(in network: Network, shapes: [String: Shape]) -> [String: ConcatenationSlice] {
    let makers = Dictionary(network.nodes.map { ($0.name, $0.operation) }) { first, _ in first }
    var result: [String: ConcatenationSlice] = [:]
    for node in network.nodes where node.operation == .concatenation {
      let inputs = node.inputs.compactMap { shapes[$0] }
      guard inputs.count == node.inputs.count, inputs.allSatisfy({ $0.isImage && $0.channels > ValueLayout.planarChannels }),
        inputs.dropLast().allSatisfy({ $0.channels % Int(SW_CHANNEL_BLOCK) == 0 })
      else { continue }
      var channel = 0
      for (name, shape) in zip(node.inputs, inputs) {
        if let maker = makers[name], maker != .concatenation, result[name] == nil {
          result[name] = ConcatenationSlice(concatenation: node.name, channel: channel)
        }
        channel += shape.channels
      }
    }
    return result
  }
}
