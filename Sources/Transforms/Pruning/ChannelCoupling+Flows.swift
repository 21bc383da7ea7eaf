import Networks
import Tensors

extension ChannelCoupling {
  /// What the node couples.
  ///
  /// - Parameter ownsParameters: whether its parameters may be cut: nothing else reads or changes them.
  mutating func couple(_ node: Node, _ types: [String: ValueType], ownsParameters: Bool) {
    guard let outputs = spans[node.name] else { return }
    let operands = node.inputs.map { spans[$0] ?? 0..<0 }
    fixCountedOperands(node, operands)
    let isWhole = node.operation.parameters.allSatisfy { $0.type.element == .float32 }
    if !ownsParameters || !isWhole {
      for atoms in operands + [outputs, rows[node.name], middles[node.name]].compactMap(\.self) {
        fix(atoms, isWhole ? .named(node: node.name) : .integers(node: node.name))
      }
    }
    if !node.operation.linearParts.isEmpty { return coupleLayer(node, operands, outputs) }
    let counts = operands.map(\.count)
    for operand in node.elementInputs.indices {
      let flow = node.operation.definition.channelFlow(of: operand)
      couple(flow, operands[operand], outputs, before: counts[..<operand].reduce(0, +), node)
    }
    if case .slice = node.operation, types[node.inputs[0]].map({ $0.shape.rank < 3 }) ?? true {
      // How far a channel of a flattened image reaches depends on the image.
      fix(operands[0], .counted(node: node.name))
    }
    if case .expand(let payload) = node.operation, payload.extents.count > 1, payload.extents[1].constant == nil {
      fix(outputs, .counted(node: node.name))
    }
    if case .training = node.operation { fix(outputs, .mixed(node: node.name, operation: node.operation.typeName)) }
  }

  /// Sums of products: in one group all channels feed all, so that none are coupled.
  private mutating func coupleLayer(_ node: Node, _ operands: [Range<Int>], _ outputs: Range<Int>) {
    guard let rows = rows[node.name] else { return }
    let parts = node.operation.linearParts
    var before = operands[0]
    for (index, part) in parts.enumerated() {
      let behind = index == parts.count - 1 ? rows : middles[node.name] ?? rows
      coupleGroups(part, before, behind, isJoined: parts.count > 1)
      before = behind
    }
    let factor = node.operation.shuffleFactor
    if factor > 1 { couple(.shuffled(factor: factor, .channelsOutermost), rows, outputs, before: 0, node) }
    for operand in node.elementInputs.indices.dropFirst() { couple(.kept, operands[operand], rows, before: 0, node) }
  }

  /// Groups stay of one size. Either whole groups go, their inputs with their outputs, or the same places of all groups, inputs and outputs
  /// apart: whichever leaves more to choose from. A depthwise convolution, which passes channels through, is the former.
  ///
  /// - Parameter isJoined: whether the part is one of two.
  private mutating func coupleGroups(_ part: LinearPart, _ inputs: Range<Int>, _ outputs: Range<Int>, isJoined: Bool) {
    // What lies between the parts of a separable convolution goes with one of its sides, also where it is one channel.
    guard part.groups > 1 || isJoined && part.inChannels == 1 && part.outChannels == 1, inputs.count == part.inChannels,
      outputs.count == part.outChannels
    else { return }
    let ins = part.inChannels / part.groups, outs = part.outChannels / part.groups
    let goesWhole = part.groups >= ins + outs || ins == 1 || outs == 1
    for (span, size) in [(inputs, ins), (outputs, outs)] {
      for channel in 0..<span.count {
        // The first of the group, or of the place.
        let first = goesWhole ? channel / size * size : channel % size
        join(span.lowerBound + first, span.lowerBound + channel)
      }
    }
    guard goesWhole else { return }
    for group in 0..<part.groups { join(inputs.lowerBound + group * ins, outputs.lowerBound + group * outs) }
  }

  /// - Parameter before: the channels of the operands before this one.
  private mutating func couple(_ flow: ChannelFlow, _ inputs: Range<Int>, _ outputs: Range<Int>, before: Int, _ node: Node) {
    let (first, start) = (inputs.lowerBound, outputs.lowerBound)
    func mixed() -> Obstacle { .mixed(node: node.name, operation: node.operation.typeName) }
    switch flow {
    case .kept where inputs.count == outputs.count:
      for channel in inputs.indices { join(channel, channel - first + start) }
    case .kept where inputs.count == 1:
      fix(inputs, .repeated(node: node.name))
    case .joined where before + inputs.count <= outputs.count:
      for channel in 0..<inputs.count { join(first + channel, start + before + channel) }
    case .shifted(let count) where count + inputs.count <= outputs.count:
      for channel in 0..<inputs.count { join(first + channel, start + count + channel) }
    case .sliced(let span) where span.step == 1:
      guard let range = span.range(extent: inputs.count), range.count == outputs.count else {
        fix(inputs, .counted(node: node.name))
        return fix(outputs, .counted(node: node.name))
      }
      for channel in 0..<range.count { join(first + range.start + channel, start + channel) }
    case .shuffled(let factor, let order) where inputs.count == outputs.count * factor * factor:
      for channel in 0..<outputs.count {
        for place in 0..<factor * factor {
          join(first + order.channel(channel, of: outputs.count, place: place, factor: factor), start + channel)
        }
      }
    case .unshuffled(let factor, let order) where outputs.count == inputs.count * factor * factor:
      for channel in 0..<outputs.count {
        let source = order == .channelsOutermost ? channel / (factor * factor) : channel % inputs.count
        join(first + source, start + channel)
      }
    case .flattened where outputs.count.isMultiple(of: inputs.count):
      for channel in 0..<outputs.count { join(first + channel / (outputs.count / inputs.count), start + channel) }
    case .kept, .summed, .joined, .shifted, .sliced, .shuffled, .unshuffled, .flattened, .mixed, .then:
      fix(inputs, mixed())
      fix(outputs, mixed())
    }
  }

  /// Sizes that follow from the number of channels would be others.
  private mutating func fixCountedOperands(_ node: Node, _ operands: [Range<Int>]) {
    for (operand, axis) in node.operation.readExtents where axis == 1 && operand < operands.count {
      fix(operands[operand], .counted(node: node.name))
    }
  }
}

extension Operation {
  /// The extents of operands that sizes of the operation follow from.
  var readExtents: [(operand: Int, axis: Int)] {
    let sizes: [SizeExpression] =
      switch self {
      case .resize(let payload):
        if case .following(let height, let width) = payload.target { [height, width] } else { [] }
      case .slice(let payload): payload.spans.flatMap { [$0.start] + ($0.end.map { [$0] } ?? []) }
      case .pad(let payload): payload.growth.map { [$0.top, $0.left, $0.bottom, $0.right] } ?? []
      case .reshape(let payload): payload.extents
      case .expand(let payload): payload.extents
      case .convolution, .separableConvolution, .transposedConvolution, .linear, .batchNorm, .activation, .scale,
        .channelAffine, .add,
        .binary, .matrixMultiply, .concatenation, .pixelShuffle, .pixelUnshuffle, .maximumPool, .averagePool,
        .globalAveragePool,
        .flatten, .softmax, .transpose, .reduction, .maximumIndex, .normalization, .constant, .integer, .training:
        []
      }
    return sizes.flatMap(\.extents)
  }
}
