/// Which channels (axis 1) of an operand feed which of the output: where a channel goes that is left out here.
package indirect enum ChannelFlow: Hashable, Sendable {
  /// Channel c of the output comes from channel c alone, or from the only one there is.
  case kept
  /// Within each group all feed all, through weights that a `LinearPart` describes.
  case summed(groups: Int)
  /// The channels of one operand behind those of the others.
  case joined
  /// Behind this many channels that come from nowhere.
  case shifted(by: Int)
  case sliced(Slice.Span)
  /// `factor²` channels become pixels of one.
  case shuffled(factor: Int, PixelShuffleOrder)
  /// Pixels of one channel become `factor²` channels.
  case unshuffled(factor: Int, PixelShuffleOrder)
  /// All that lies along a channel becomes channels, one channel behind the other.
  case flattened
  /// Any may feed any.
  case mixed
  /// The one, then the other.
  case then(ChannelFlow, ChannelFlow)

  /// The channels of an operand that may feed a channel of the output.
  ///
  /// - Parameter operands: the channels of each operand.
  package func sources(of channel: Int, of outputs: Int, operand: Int, operands: [Int]) -> [Int] {
    let inputs = operands[operand]
    func one(_ source: Int) -> [Int] { source >= 0 && source < inputs ? [source] : [] }
    switch self {
    case .kept: return [inputs == 1 ? 0 : channel]
    case .summed(let groups):
      let group = channel / (outputs / groups), size = inputs / groups
      return Array(group * size..<(group + 1) * size)
    case .joined: return one(channel - operands[..<operand].reduce(0, +))
    case .shifted(let count): return one(channel - count)
    case .sliced(let span): return span.range(extent: inputs).map { one($0.start + channel * span.step) } ?? Array(0..<inputs)
    case .shuffled(let factor, let order):
      return (0..<factor * factor).map { order.channel(channel, of: outputs, place: $0, factor: factor) }
    case .unshuffled(let factor, let order):
      return one(order == .channelsOutermost ? channel / (factor * factor) : channel % inputs)
    case .flattened: return one(channel / (outputs / inputs))
    case .mixed: return Array(0..<inputs)
    case .then(let first, let second):
      let between = second.inputs(of: outputs)
      let last = second.sources(of: channel, of: outputs, operand: 0, operands: [between])
      return Set(last.flatMap { first.sources(of: $0, of: between, operand: operand, operands: operands) }).sorted()
    }
  }

  /// The channels that come in where as many go out, of what an epilogue does.
  private func inputs(of outputs: Int) -> Int {
    if case .shuffled(let factor, _) = self { outputs * factor * factor } else { outputs }
  }
}
