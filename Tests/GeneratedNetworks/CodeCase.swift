import Networks
import Tensors

/// A network of integers with what enters it.
package struct CodeCase: Sendable, CustomStringConvertible {
  package let name: String
  package let network: Network
  package let inputs: [Tensor]
  package let isExtreme: Bool

  package var description: String { name }

  /// Layers of every kind that sums integers, pools, and networks of them; extremes among them.
  package static let all: [CodeCase] = {
    var choices = CodeChoices()
    var cases: [CodeCase] = []
    for index in 0..<70 { cases.append(choices.convolution(index)) }
    for index in 0..<16 { cases.append(choices.tail(index)) }
    for index in 0..<30 { cases.append(choices.depthwise(index)) }
    for index in 0..<30 { cases.append(choices.separable(index)) }
    for index in 0..<20 { cases.append(choices.transposed(index)) }
    for index in 0..<10 { cases.append(choices.linear(index)) }
    for index in 0..<24 { cases.append(choices.pool(index)) }
    for index in 0..<30 { cases.append(choices.network(index)) }
    for index in 0..<6 { cases.append(choices.strided(index)) }
    return cases
  }()
}

private struct CodeChoices {
  var generator = SplitMix64(seed: 20)
  var isExtreme = false

  mutating func any<T>(_ list: [T]) -> T { list[Int.random(in: list.indices, using: &generator)] }
  mutating func any(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
  mutating func one(in count: Int) -> Bool { Int.random(in: 0..<count, using: &generator) == 0 }
  mutating func element() -> DataType { any([.int8, .uint8]) }

  /// Zero points at both ends as often as between.
  mutating func quantization(_ element: DataType) -> ValueType.Quantization {
    let integers = element.integers!
    return ValueType.Quantization(
      scale: any([0.25, 0.1, 0.37]), zeroPoint: any([integers.lowerBound, integers.upperBound, any(integers), 0]))
  }

  mutating func requantization(_ element: DataType? = nil) -> Requantization {
    let element = element ?? self.element(), quantization = quantization(element), integers = element.integers!
    let least = one(in: 3) ? min(quantization.zeroPoint, integers.upperBound - 90) : nil
    return Requantization(element, quantization, minimum: least, maximum: least.map { $0 + 90 })
  }

  mutating func activation(_ channels: Int) -> [Epilogue.Step] {
    switch any(0...3) {
    case 0: [.activation(.leakyReLU(slope: 0.2))]
    case 1: [.activation(.prelu(channels: one(in: 2) ? 1 : channels))]
    default: []
    }
  }

  /// Steps behind sums of integers, and whether they add something; floats where `makesNumbers`.
  mutating func steps(_ channels: Int, makesNumbers: Bool, shuffles: Bool, adds: Bool) -> Epilogue {
    var steps: [Epilogue.Step] = [.rescale]
    if makesNumbers {
      if one(in: 2) { steps.append(.activation(any([.relu, .leakyReLU(slope: 0.1), .clip(minimum: -1, maximum: 2)]))) }
      if one(in: 2) { steps.append(.scale(0.3)) }
      if adds { steps.append(.add) }
      if adds, one(in: 2) { steps.append(.activation(any([.relu, .relu, .leakyReLU(slope: 0.2)]))) }
    } else {
      steps += activation(channels)
      if adds { steps.append(.add) }
      let hasSlopes = steps.contains { if case .activation(.prelu) = $0 { true } else { false } }
      if adds, !hasSlopes, one(in: 2) { steps += activation(channels) }
      steps.append(.requantize(requantization()))
    }
    if shuffles { steps.append(.pixelShuffle(2)) }
    return Epilogue(steps)
  }

  mutating func convolution(_ index: Int) -> CodeCase {
    let groups = any([1, 1, 1, 1, 2, 3]), makesNumbers = one(in: 4), kernel = any([1, 1, 3, 3, 3, 5])
    let inChannels = groups * any([1, 3, 4, 5, 16, 20, 33, 64]), outChannels = groups * any([1, 3, 4, 8, 16, 36, 64, 100])
    let shuffles = outChannels % 4 == 0 && one(in: 3), size = Pair(height: kernel, width: one(in: 4) ? any(1...3) : kernel)
    let payload = Convolution(
      inChannels: inChannels, outChannels: outChannels, kernel: size, stride: Pair(any([1, 1, 1, 2, 3])),
      padding: one(in: 4) ? Padding(top: 1, left: 0, bottom: 2, right: 1) : Padding(kernel / 2),
      dilation: Pair(kernel <= 3 ? any([1, 1, 1, 2]) : 1),
      groups: groups, hasBias: !one(in: 4),
      epilogue: steps(outChannels, makesNumbers: makesNumbers, shuffles: shuffles, adds: one(in: 3)))
    let shape: Shape = [any([1, 1, 2]), inChannels, any(6...13), any([6, 9, 13, 31])]
    return layer("convolution \(index): \(Operation.convolution(payload).summary) of \(shape)", .convolution(payload), shape)
  }

  /// Every other pixel, as what a residual block is passed by does.
  mutating func strided(_ index: Int) -> CodeCase {
    let inChannels = any([5, 16, 48, 64]), outChannels = any([8, 36, 64, 100])
    let payload = Convolution(
      inChannels: inChannels, outChannels: outChannels, kernel: 1, stride: 2, hasBias: !one(in: 4),
      epilogue: steps(outChannels, makesNumbers: one(in: 4), shuffles: false, adds: one(in: 3)))
    let shape: Shape = [any([1, 2]), inChannels, any(6...13), any([6, 9, 31])]
    return layer("strided \(index): \(Operation.convolution(payload).summary) of \(shape)", .convolution(payload), shape)
  }

  /// Few output channels, of numbers.
  mutating func tail(_ index: Int) -> CodeCase {
    let kernel = any([1, 3, 5]), inChannels = any([5, 16, 32, 48, 64, 80, 128]), outChannels = any(1...4)
    let payload = Convolution(
      inChannels: inChannels, outChannels: outChannels, kernel: Pair(kernel),
      padding: one(in: 4) ? Padding(top: 1, left: 0, bottom: 2, right: 1) : Padding(kernel / 2), hasBias: !one(in: 4),
      epilogue: steps(outChannels, makesNumbers: true, shuffles: false, adds: one(in: 2)))
    let shape: Shape = [any([1, 2]), inChannels, any(6...10), any([6, 17, 31, 40])]
    return layer("tail \(index): \(Operation.convolution(payload).summary) of \(shape)", .convolution(payload), shape)
  }

  mutating func depthwise(_ index: Int) -> CodeCase {
    let channels = any([2, 5, 16, 24, 32, 48, 64, 80, 128, 130]), kernel = any([3, 3, 3, 5, 2, 7])
    let payload = Convolution(
      inChannels: channels, outChannels: channels, kernel: Pair(kernel), stride: Pair(any([1, 1, 2])),
      padding: one(in: 4) ? Padding(top: 0, left: 1, bottom: 1, right: 0) : Padding(kernel / 2),
      dilation: Pair(kernel <= 3 && one(in: 6) ? 2 : 1), groups: channels, hasBias: !one(in: 4),
      epilogue: steps(channels, makesNumbers: one(in: 5), shuffles: false, adds: one(in: 4)))
    let shape: Shape = [any([1, 1, 2]), channels, any(8...14), any([8, 9, 17, 40])]
    return layer("depthwise \(index): \(Operation.convolution(payload).summary) of \(shape)", .convolution(payload), shape)
  }

  mutating func separable(_ index: Int) -> CodeCase {
    let order = any([SeparableConvolution.Order.depthwiseFirst, .pointwiseFirst])
    let inChannels = any([3, 8, 16, 40, 64, 96]), outChannels = any([3, 8, 16, 36, 64, 80]), kernel = any([3, 3, 3, 5])
    let depthwise = order == .depthwiseFirst ? inChannels : outChannels
    let shuffles = outChannels % 4 == 0 && one(in: 4)
    let payload = SeparableConvolution(
      order: order, inChannels: inChannels, outChannels: outChannels, kernel: Pair(kernel), stride: Pair(any([1, 1, 1, 2])),
      padding: Padding(kernel / 2), depthwiseHasBias: !one(in: 4), pointwiseHasBias: !one(in: 4),
      middle: any([nil, .leakyReLU(slope: 0.3), .prelu(channels: depthwise)]), middleRequantization: requantization(),
      epilogue: steps(outChannels, makesNumbers: one(in: 5), shuffles: shuffles, adds: one(in: 3)))
    let shape: Shape = [any([1, 1, 2]), inChannels, any(8...14), any([8, 9, 17, 40])]
    return layer(
      "separable \(index): \(Operation.separableConvolution(payload).summary) of \(shape)", .separableConvolution(payload),
      shape)
  }

  mutating func transposed(_ index: Int) -> CodeCase {
    let groups = any([1, 1, 1, 2]), inChannels = groups * any([1, 4, 10, 32]), outChannels = groups * any([1, 3, 8, 20])
    let isPlain = one(in: 2), stride = any(1...3)
    let payload = TransposedConvolution(
      inChannels: inChannels, outChannels: outChannels, kernel: Pair(isPlain ? stride : any(2...4)), stride: Pair(stride),
      padding: Padding(isPlain ? 0 : any(0...1)), groups: groups, hasBias: !one(in: 4),
      epilogue: steps(outChannels, makesNumbers: one(in: 4), shuffles: false, adds: !isPlain && one(in: 4)))
    let shape: Shape = [any([1, 1, 2]), inChannels, any(3...6), any([3, 5, 15])]
    return layer(
      "transposed \(index): \(Operation.transposedConvolution(payload).summary) of \(shape)", .transposedConvolution(payload),
      shape)
  }

  mutating func linear(_ index: Int) -> CodeCase {
    let payload = Linear(
      inFeatures: any([1, 7, 40, 300]), outFeatures: any([1, 9, 50]), hasBias: !one(in: 4),
      epilogue: Epilogue([.rescale] + (one(in: 3) ? [] : [.requantize(requantization())])))
    return layer("linear \(index): \(Operation.linear(payload).summary)", .linear(payload), [any(1...15), payload.inFeatures])
  }

  mutating func pool(_ index: Int) -> CodeCase {
    let channels = any([2, 16, 20, 64, 80]), kernel = any(2...3)
    let pool = Pool(
      kernel: Pair(kernel), stride: Pair(any(1...3)), padding: Padding(any(0...1)), ceilMode: one(in: 2),
      countIncludesPadding: one(in: 2))
    let operation = any([Operation.maximumPool(pool), .averagePool(pool), .globalAveragePool])
    return layer(
      "pool \(index): \(operation.typeName) \(operation.summary)", operation, [any(1...2), channels, any(6...9), any(6...20)])
  }

  /// Layers that read one another, with what moves, adds and looks up integers between, from float32 and back.
  mutating func network(_ index: Int) -> CodeCase {
    isExtreme = false
    var builder = NetworkBuilder("codes")
    let channels = any([1, 3, 4]), width = any([16, 24, 64]), batch = any(1...2)
    let x = builder.input("x", channels: channels)
    let input = Quantize(element(), .init(scale: 1 / 100, zeroPoint: 3))
    var value = builder.node("input", .integer(.quantize(input)), [x], channels: channels)
    func convolve(
      _ builder: inout NetworkBuilder, _ name: String, _ inputs: [NetworkBuilder.Value], _ kernel: Int, _ outputs: Int,
      groups: Int = 1,
      stride: Int = 1, _ steps: [Epilogue.Step]
    ) -> NetworkBuilder.Value {
      let payload = Convolution(
        inChannels: inputs[0].channels, outChannels: outputs, kernel: Pair(kernel), stride: Pair(stride),
        padding: Padding(kernel / 2),
        groups: groups, epilogue: Epilogue([.rescale] + steps))
      return builder.node(
        name, .convolution(payload), inputs, channels: payload.epilogue.pixelShuffleFactor == 2 ? outputs / 4 : outputs)
    }
    let shared = requantization()
    if one(in: 2) {
      value = convolve(&builder, "head", [value], 3, width, [.requantize(shared)])
    } else {
      // A first layer of float32 that stores integers.
      let payload = Convolution(
        inChannels: channels, outChannels: width, kernel: 3, padding: 1,
        epilogue: Epilogue([.activation(.relu), .quantize(Quantize(shared.element, shared.quantization))]))
      value = builder.node("head", .convolution(payload), [x], channels: width)
    }
    let skip = value
    for block in 0..<any(1...3) {
      let first = convolve(&builder, "a\(block)", [value], 3, width, [.requantize(requantization())])
      switch any(0...3) {
      case 0: value = convolve(&builder, "b\(block)", [first, value], 3, width, [.add, .requantize(requantization())])
      case 1:
        let second = convolve(&builder, "b\(block)", [first], 3, width, groups: width, [.requantize(requantization())])
        let third = convolve(&builder, "c\(block)", [second], 1, width, [.requantize(requantization())])
        value = builder.node("sum\(block)", .integer(.add(requantization())), [third, value], channels: width)
      case 2:
        let payload = SeparableConvolution(
          order: any([.depthwiseFirst, .pointwiseFirst]), inChannels: width, outChannels: width, kernel: Pair(3),
          padding: Padding(1),
          middleRequantization: requantization(), epilogue: Epilogue([.rescale, .add, .requantize(requantization())]))
        value = builder.node("b\(block)", .separableConvolution(payload), [first, value], channels: width)
      default:
        let table = Lookup(element(), .init(scale: 0.2, zeroPoint: 5))
        value = builder.node("table\(block)", .integer(.lookup(table)), [first], channels: width)
      }
    }
    if one(in: 2) {
      let same = convolve(&builder, "same", [value], 1, any([16, 20, 32]), [.requantize(shared)])
      value = builder.concatenation("joined", [skip, same])
    }
    if one(in: 2) { value = builder.maximumPool("pool", value, Pool(kernel: Pair(2))) }
    if one(in: 3) { value = builder.pad("pad", value, Pad(Padding(top: 1, left: 2, bottom: 0, right: 1))) }
    if one(in: 2) {
      value = convolve(&builder, "up", [value], 3, 4 * any([4, 16, 24]), [.requantize(requantization()), .pixelShuffle(2)])
    }
    if one(in: 3) {
      value = builder.slice("slice", value, [.init(axis: 2, start: 1, end: 4), .init(axis: 3, start: 0, end: 3)])
    }
    if one(in: 2) { value = builder.resize("larger", value, .nearest, factor: 2) }
    switch any(0...2) {
    case 0: value = convolve(&builder, "tail", [value], 3, any([1, 3, 20]), [])
    case 1: value = builder.node("numbers", .integer(.dequantize), [value], channels: value.channels)
    default: break
    }
    builder.output(value)
    let shape: Shape = [batch, channels, any(6...9) * 2, any([8, 14, 40])]
    return make("network \(index) of \(shape)", builder, [(shape, .float32)])
  }

  private mutating func layer(_ name: String, _ operation: Operation, _ shape: Shape) -> CodeCase {
    isExtreme = one(in: 5)
    let element = element(), own = quantization(element)
    var builder = NetworkBuilder("codes")
    let axes: [Int?] = shape.extents.enumerated().map { $0 == 1 ? $1 : nil }
    let x = builder.input("x", axes: shape.isImage ? axes : [nil, shape[1]], element: element, quantization: own)
    var operands = [x], shapes = [(shape, element)]
    if operation.epilogue?.extraInputCount == 1 {
      let makesNumbers = operation.epilogue?.requantization == nil
      let added = makesNumbers ? DataType.float32 : self.element()
      let plain = plainShape(operation, shape)
      operands.append(
        builder.input(
          "r", axes: [nil, plain[1], nil, nil], element: added, quantization: makesNumbers ? nil : quantization(added)))
      shapes.append((plain, added))
    }
    builder.output(builder.node("layer", operation, operands, channels: 1))
    return make("\(isExtreme ? "extremes, " : "")\(name), \(element)", builder, shapes)
  }

  /// The shape before any shuffle.
  private func plainShape(_ operation: Operation, _ shape: Shape) -> Shape {
    do {
      switch operation {
      case .convolution(let payload): return try payload.shapeBeforeShuffle(shape)
      case .transposedConvolution(let payload): return try payload.shapeBeforeShuffle(shape)
      case .separableConvolution(let payload):
        var result = try payload.depthwise.shapeBeforeShuffle(
          Shape(batch: shape.batch, channels: payload.depthwiseChannels, height: shape.height, width: shape.width))
        result[1] = payload.outChannels
        return result
      default: preconditionFailure("nothing is added to \(operation)")
      }
    } catch { fatalError("\(operation) does not take \(shape): \(error)") }
  }

  private mutating func make(_ name: String, _ builder: NetworkBuilder, _ shapes: [(Shape, DataType)]) -> CodeCase {
    do {
      var network = try builder.build(.zeros).randomized(seed: UInt64(any(0...1 << 30)))
      let largest = one(in: 2)
      if isExtreme {
        for (name, tensor) in network.parameters where tensor.dataType == .int8 && !name.contains("table") {
          network.parameters[name] = Tensor(tensor.shape, .int8, integers: Array(repeating: -128, count: tensor.count))
        }
      }
      try network.verify()
      _ = try network.inferredShapes(inputs: shapes.map(\.0))
      let inputs = shapes.map { shape, element -> Tensor in
        guard let integers = element.integers else { return Tensor(uniform: shape, bound: 1, using: &generator) }
        return Tensor(
          shape, element,
          integers: (0..<shape.count).map { _ in
            isExtreme ? (largest ? integers.upperBound : integers.lowerBound) : Int.random(in: integers, using: &generator)
          })
      }
      return CodeCase(name: name, network: network, inputs: inputs, isExtreme: isExtreme)
    } catch {
      fatalError("the case \(name) is invalid: \(error)")
    }
  }
}
