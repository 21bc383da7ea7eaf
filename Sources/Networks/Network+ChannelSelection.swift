import Tensors

extension Network {
  /// For each output channel of a convolution that only moves channels the one of its input: a 1x1 convolution whose weights are a
  /// single 1 for each output channel and 0 else, which is how channels are put in another order, as by a channel shuffle. Nil for any
  /// other node.
  package func channelSelection(of node: Node) -> [Int]? {
    guard case .convolution(let payload) = node.operation, payload.kernel == Pair(1), payload.stride == Pair(1),
      payload.padding == Padding(0), payload.groups == 1, !payload.hasBias, payload.epilogue.steps.isEmpty,
      let weight = parameter(.weight, of: node)
    else { return nil }
    return weight.withUnsafeFloats { weight in
      var result: [Int] = []
      for channel in 0..<payload.outChannels {
        let row = UnsafeBufferPointer(rebasing: weight[channel * payload.inChannels..<(channel + 1) * payload.inChannels])
        guard let source = row.firstIndex(where: { $0 != 0 }), row[source] == 1,
          row[(source + 1)...].allSatisfy({ $0 == 0 })
        else { return nil }
        result.append(source)
      }
      return result
    }
  }
}
