import Networks
import Tensors

/// A random network with the shapes of its inputs: any operations, odd sizes, skips, several images, inputs and outputs.
package struct GeneratedNetwork: Sendable {
  package let network: Network
  package let inputShapes: [Shape]
  private let inputSeed: UInt64

  /// What sizes and operations are like.
  package enum Kind: CaseIterable, Hashable, Sendable {
    /// Any operations on small images.
    case small
    /// Tall and narrow images, which are worked through in many bands.
    case tall
    /// One image in, one out, of the same size or a multiple: can be cut into tiles.
    case tiled
    /// The same with 1 or 3 channels in and out, and a contract that says so: makes pictures of pictures.
    case picture

    var isTiled: Bool { self == .tiled || self == .picture }
  }

  /// Nil where the choices lead to no network: a fuzzer's may.
  package init?(_ kind: Kind, _ choices: inout ChoiceSource) {
    var generator = NetworkGenerator(kind, choices)
    let made = generator.network()
    choices = generator.choices
    guard let made else { return nil }
    inputSeed = UInt64(choices.below(1 << 16))
    network = made.network.randomized(seed: inputSeed)
    inputShapes = made.shapes
  }

  /// Random inputs between -1 and 1.
  package var inputs: [Tensor] {
    var generator = SplitMix64(seed: inputSeed ^ 1)
    return inputShapes.map { Tensor(uniform: $0, bound: 1, using: &generator) }
  }
}

/// A network under construction.
struct NetworkGenerator {
  typealias Value = (value: NetworkBuilder.Value, shape: Shape)

  let kind: GeneratedNetwork.Kind
  var choices: ChoiceSource
  private var builder = NetworkBuilder("generated")
  private(set) var values: [Value] = []
  private var inputCount = 0
  private var multiplyAccumulates = 0
  private var contract: ImageContract?

  /// Bounds of one value, and of all products: a network takes the reference some milliseconds.
  private static let mostElements = 40_000
  private static let mostMultiplyAccumulates = 4_000_000

  init(_ kind: GeneratedNetwork.Kind, _ choices: ChoiceSource) {
    self.kind = kind
    self.choices = choices
  }

  mutating func network() -> (network: Network, shapes: [Shape])? {
    addInputs()
    let inputs = values.map(\.shape)
    let kinds = OperationKind.allCases.filter { !kind.isTiled || $0.keepsPixels }.map { ($0, $0.weight) }
    let wanted = choices.within(1...14)
    var tries = 0
    while values.count < inputCount + wanted, tries < 6 * wanted, !choices.isEmpty {
      tries += 1
      add(choices.pick(kinds))
    }
    guard values.count > inputCount else { return nil }
    addOutputs()
    guard var network = try? builder.build(.zeros) else { return nil }
    network.contract = contract.map { .image($0) }
    return (network, inputs)
  }

  private mutating func addInputs() {
    let channels = kind == .picture ? [1, 3] : [1, 3, 4, 5, 8, 12, 16, 17, 32, 36, 64]
    let batch = kind.isTiled ? 1 : choices.pick([(1, 5), (2, 2), (3, 1)])
    let height: Int, width: Int
    switch kind {
    case .small: (height, width) = (choices.within(1...20), choices.within(1...24))
    case .tall: (height, width) = (choices.within(40...300), choices.within(1...16))
    case .tiled, .picture:
      // Now and then longer than the largest tile.
      func side() -> Int { choices.oneIn(6) ? choices.within(101...140) : choices.within(17...90) }
      (height, width) = (side(), side())
    }
    inputCount = kind.isTiled ? 1 : choices.pick([(1, 6), (2, 2), (3, 1)])
    for index in 0..<inputCount {
      var shape = Shape(batch: batch, channels: choices.pick(channels), height: height, width: width)
      // A second input of another size, or of another batch: what is repeated, or read as a whole.
      if index > 0, choices.oneIn(2) {
        shape = Shape(
          batch: choices.oneIn(3) ? 1 : batch, channels: choices.pick([1, shape.channels, values[0].shape.channels]),
          height: choices.pick([1, height, choices.within(1...20)]), width: choices.pick([1, width, choices.within(1...20)]))
      }
      while shape.count > Self.mostElements { shape[1] = max(1, shape.channels / 2) }
      values.append((builder.input("x\(index)", channels: shape.channels), shape))
    }
  }

  private mutating func addOutputs() {
    guard !kind.isTiled else {
      // The last value whose size is a multiple of the input's, or, where there is none, the last of all.
      let input = values[0].shape
      let fitting = values.dropFirst(kind == .picture ? 0 : 1).last { value in
        value.shape.isImage && value.shape.height % input.height == 0
          && value.shape.width == input.width * (value.shape.height / input.height)
      }
      let last = fitting ?? values[values.count - 1]
      guard kind == .picture else { return builder.output(last.value) }
      if let picture = picture(of: last) { builder.output(picture.value) }
      return
    }
    var names = [values[values.count - 1].value]
    for _ in 0..<choices.pick([(0, 5), (1, 2), (2, 1)]) {
      let other = choices.pick(values).value
      if !names.contains(other) { names.append(other) }
    }
    for name in names { builder.output(name) }
  }

  /// The value, or the input where that would be too large, with as many channels as the input has, between 0 and 1.
  private mutating func picture(of value: Value) -> Value? {
    let input = values[0], channels = input.shape.channels, kernel = choices.pick([3, 1])
    // It costs little beside the rest, and a picture it must be.
    multiplyAccumulates = 0
    for image in [value, input] {
      let convolution = Convolution(
        inChannels: image.shape.channels, outChannels: channels, kernel: Pair(kernel), padding: Padding(kernel / 2))
      guard let mixed = add(.convolution(convolution), [image]), let last = add(.activation(.sigmoid), [mixed]) else {
        continue
      }
      contract = ImageContract(
        colour: channels == 1 ? .luma : .rgb, maximum: 1, scale: last.shape.height / input.shape.height,
        inputSize: .lowResolution)
      return last
    }
    return nil
  }

  // MARK: For the operations

  /// A value to read: mostly one of the last.
  mutating func operand() -> Value {
    let recent = choices.pick([(1, 8), (2, 3), (4, 2), (values.count, 2)])
    return values[values.count - 1 - choices.below(min(recent, values.count))]
  }

  mutating func image() -> Value? {
    let first = operand()
    return first.shape.isImage ? first : values.last { $0.shape.isImage }
  }

  /// Another value that suits.
  mutating func partner(where suits: (Shape) -> Bool) -> Value? {
    let suiting = values.filter { suits($0.shape) }
    return suiting.isEmpty ? nil : choices.pick(suiting)
  }

  /// Adds the operation where its inputs fit it and its result is neither too large nor too costly.
  @discardableResult
  mutating func add(_ operation: Operation, _ inputs: [Value]) -> Value? {
    let shapes = inputs.map(\.shape)
    guard operation.attributeFault == nil, let output = try? operation.outputShape(shapes), output.count <= Self.mostElements
    else { return nil }
    let cost = (try? operation.multiplyAccumulates(shapes)) ?? 0
    let parameters = operation.parameters.reduce(0) { $0 + $1.shape.count }
    guard parameters <= Self.mostElements, multiplyAccumulates + cost <= Self.mostMultiplyAccumulates else { return nil }
    multiplyAccumulates += cost
    let channels = output.rank > 1 ? output[1] : output[0]
    let name = "\(operation.typeName)\(values.count)"
    let value = builder.node(name, operation, inputs.map(\.value), channels: channels)
    // A parameter is a value, too, which others may read. What the node makes is the last.
    if !kind.isTiled, !operation.parameters.isEmpty, choices.oneIn(8) {
      let parameter = choices.pick(operation.parameters)
      values.append((builder.parameter("\(name).\(parameter.role.rawValue)"), parameter.shape))
    }
    values.append((value, output))
    return values[values.count - 1]
  }
}
