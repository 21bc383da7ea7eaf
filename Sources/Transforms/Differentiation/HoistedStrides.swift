import Networks

extension Network {
  /// The same network where no convolution computes pixels that its only reader, a 1x1 convolution with a stride, leaves out: the stride goes to the
  /// convolution before. The same values, for inputs of every size.
  func hoistingStrides() -> Network {
    var result = self
    var readers: [String: Int] = [:], places: [String: Int] = [:]
    for name in outputs + updates.map(\.value) { readers[name, default: 0] += 1 }
    for (index, node) in nodes.enumerated() {
      places[node.name] = index
      for name in node.inputs { readers[name, default: 0] += 1 }
    }
    for (index, node) in nodes.enumerated() {
      guard case .convolution(var reader) = node.operation, reader.kernel == Pair(1), reader.stride != Pair(1),
        reader.padding == Padding(0), readers[node.inputs[0]] == 1, let place = places[node.inputs[0]],
        case .convolution(var source) = result.nodes[place].operation, source.epilogue.isEmpty
      else { continue }
      source.stride = Pair(
        height: source.stride.height * reader.stride.height, width: source.stride.width * reader.stride.width)
      reader.stride = Pair(1)
      guard max(source.stride.height, source.stride.width) <= Self.mostHoisted else { continue }
      result.nodes[place].operation = .convolution(source)
      result.nodes[index].operation = .convolution(reader)
    }
    return result
  }

  /// The longest stride that is made of two: attributes are bounded.
  private static let mostHoisted = 64
}
