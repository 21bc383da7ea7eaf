import Execution
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import Testing

/// The reference's integers against the formulas written out, one output at a time: sums in 64 bits, and each step in Double, where products
/// of float32 are exact, rounded to float32.
@Suite struct IntegerTests {
  @Test(arguments: OperationCase.integers)
  func everyCaseIsExact(_ example: OperationCase) throws {
    let values = try ReferenceEngine().values(of: example.network, inputs: example.inputs)
    let types = try example.network.inferredTypes(inputs: example.inputShapes)
    for node in example.network.nodes {
      let output = try #require(values[node.name])
      #expect(output.dataType == types[node.name]?.element && output.shape == types[node.name]?.shape)
      let operands = node.inputs.compactMap { values[$0] }
      if let layer = IntegerLayer(node, example.network, types) {
        #expect(output.numbers == layer.outputs(operands), "\(node.name) of \(example.name)")
      } else if let expected = IntegerFormula(node, example.network, types)?.outputs(operands) {
        #expect(output.numbers == expected, "\(node.name) of \(example.name)")
      }
    }
  }

  /// Were all cases clamped everywhere, they would show nothing.
  @Test func casesAreNoConstants() throws {
    let constants = try OperationCase.integers.filter { example in
      let output = try ReferenceEngine().prepare(example.network, inputs: example.inputShapes).run(example.inputs)[0]
      return Set(output.numbers).count < min(output.count, 3)
    }
    #expect(constants.count * 12 < OperationCase.integers.count, "\(constants.map(\.name))")
  }

  private static func linear(
    _ features: Int, _ element: DataType, zeroPoint: Int, _ step: Requantization, weight: Int, biases: [Int],
    multipliers: [Float]
  ) throws -> Network {
    var builder = NetworkBuilder("linear")
    let x = builder.input(
      "x", axes: [nil, features], element: element, quantization: .init(scale: 1, zeroPoint: zeroPoint))
    let payload = Linear(
      inFeatures: features, outFeatures: biases.count, epilogue: Epilogue([.rescale, .requantize(step)]))
    builder.output(builder.node("y", .linear(payload), [x], channels: biases.count))
    var network = try builder.build(.zeros)
    network.parameters["y.weight"] = Tensor(
      [biases.count, features], .int8, integers: Array(repeating: weight, count: biases.count * features))
    network.parameters["y.bias"] = Tensor([biases.count], .int32, integers: biases)
    network.parameters["y.multiplier"] = Tensor([multipliers.count], multipliers)
    try network.verify()
    return network
  }

  /// The longest sums of the largest products, to both sides, with the largest bias beside them.
  @Test(arguments: [
    (DataType.uint8, 255, 0), (.uint8, 0, 255), (.int8, 127, -128), (.int8, -128, 127),
  ])
  func theLongestSumsFit(_ element: DataType, _ value: Int, _ zeroPoint: Int) throws {
    let features = 65793, most = 255 * 128 * features
    #expect(most <= Int(Int32.max))
    let room = Int(Int32.max) - most
    let step = Requantization(.int8, .init(scale: 1))
    let sign = value > zeroPoint ? -1 : 1
    // 2^31 becomes 2^6: sums show to 1 in 2^25.
    let network = try Self.linear(
      features, element, zeroPoint: zeroPoint, step, weight: -128, biases: [0, sign * room, -sign * room],
      multipliers: [0x1p-25, 0x1p-25, 0])
    let input = Tensor([1, features], element, integers: Array(repeating: value, count: features))
    let output = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
    #expect(output.integers == [Int32(sign) * 64, Int32(sign) * 64, 0])
    for (name, tensor) in [
      ("y.bias", Tensor([3], .int32, integers: [0, room + 1, 0])), ("y.multiplier", Tensor([3], [0, 1e30, 0])),
    ] {
      let model = try ReferenceEngine().prepare(network)
      #expect(throws: ExecutionError.self) { try model.setParameters([name: tensor]) }
      #expect(model.network == network)
    }
  }

  /// Sums that a bias makes: the ends of int32, with multipliers at theirs.
  @Test func extremesOfEveryParameter() throws {
    let room = Int(Int32.max) - 255 * 128
    var biases: [Int] = [], multipliers: [Float] = [], expected: [Int32] = []
    let step = Requantization(.int8, .init(scale: 1, zeroPoint: -5), minimum: -120, maximum: 101)
    for bias in [-room, -1, 0, 1, 16_777_217, 16_777_219, room] {
      for multiplier: Float in [0, 0x1p-64, 0x1p-24, 0x1.8p-1, 1, 0x1p64] {
        (biases, multipliers) = (biases + [bias], multipliers + [multiplier])
        // 2^24 + 1 is a tie between two numbers of float32.
        let converted = bias == 16_777_217 ? 16_777_216.0 : bias == 16_777_219 ? 16_777_220 : Double(Float(bias))
        let number = Double(Float(converted * Double(multiplier))).rounded(.toNearestOrEven) - 5
        expected.append(Int32(min(max(number, -120), 101)))
      }
    }
    let network = try Self.linear(1, .uint8, zeroPoint: 9, step, weight: -128, biases: biases, multipliers: multipliers)
    // What stands for 0.
    let input = Tensor([1, 1], .uint8, integers: [9])
    #expect(try ReferenceEngine().prepare(network, inputs: [[1, 1]]).run([input])[0].integers == expected)
  }

  /// Padding is the zero point: an image of nothing else gives the biases, at its border as inside.
  @Test func paddingStandsForZero() throws {
    for zeroPoint in [-128, 40, 127] {
      var builder = NetworkBuilder("padded")
      let x = builder.input(
        "x", axes: [nil, 2, nil, nil], element: .int8, quantization: .init(scale: 1, zeroPoint: zeroPoint))
      let payload = Convolution(
        inChannels: 2, outChannels: 1, kernel: 3, padding: 2,
        epilogue: Epilogue([.rescale, .requantize(Requantization(.uint8, .init(scale: 1, zeroPoint: 20)))]))
      builder.output(builder.node("y", .convolution(payload), [x], channels: 1))
      var network = try builder.build(.random(seed: 1))
      network.parameters["y.bias"] = Tensor([1], .int32, integers: [200])
      network.parameters["y.multiplier"] = Tensor([1], [0.5])
      let image = Tensor([1, 2, 3, 4], .int8, integers: Array(repeating: zeroPoint, count: 24))
      let output = try ReferenceEngine().prepare(network, inputs: [image.shape]).run([image])[0]
      #expect(output.integers == Array(repeating: 120, count: 30))
    }
  }

  /// The middle of a separable convolution is what two nodes would store, its padding the zero point of that.
  @Test(arguments: OperationCase.integers.filter { $0.network.nodes[0].operation.type == .separableConvolution })
  func separableConvolutionsAreTheirParts(_ example: OperationCase) throws {
    let network = example.network, node = network.nodes[0]
    guard case .separableConvolution(let payload) = node.operation, let step = payload.middleRequantization else { return }
    var parts = network
    var (first, second) = payload.parts
    let middle = payload.middle.map { [Epilogue.Step.activation($0)] } ?? []
    first.epilogue = Epilogue([.rescale] + middle + [.requantize(step)])
    second.epilogue = payload.epilogue
    parts.nodes = [
      Node(name: "first", operation: .convolution(first), inputs: ["x"]),
      Node(name: "layer", operation: .convolution(second), inputs: ["first"] + node.inputs.dropFirst()),
    ]
    parts.parameters = [:]
    for (part, name) in zip(payload.linearParts, ["first", "layer"]) {
      let isDepthwise = part.weightRole == .depthwiseWeight
      parts.parameters["\(name).weight"] = network.parameter(part.weightRole, of: node)
      parts.parameters["\(name).bias"] = network.parameter(part.biasRole, of: node)
      parts.parameters["\(name).multiplier"] = network.parameter(
        isDepthwise ? .depthwiseMultiplier : .pointwiseMultiplier, of: node)
    }
    parts.parameters["first.slope"] = network.parameter(.middleSlope, of: node)
    parts.parameters["layer.slope"] = network.parameter(.slope, of: node)
    try parts.verify()
    #expect(
      try ReferenceEngine().prepare(network, inputs: example.inputShapes).run(example.inputs)
        == ReferenceEngine().prepare(parts, inputs: example.inputShapes).run(example.inputs))
  }
}

/// Numbers of float32 held in Double, where a product of two is exact.
private func product(_ a: Double, _ b: Double) -> Double { Double(Float(a * b)) }
/// A sum of two numbers of float32, rounded once.
private func rounded(_ a: Double, _ b: Double) -> Double { Double(Float(a) + Float(b)) }

private func stored(_ number: Double, _ step: Requantization) -> Double {
  let integer = number.rounded(.toNearestOrEven) + Double(step.quantization.zeroPoint)
  return min(max(integer, Double(step.minimum)), Double(step.maximum))
}

/// A layer of integers as its formula says.
private struct IntegerLayer {
  let operation: Operation
  let epilogue: Epilogue
  let quantizations: [ValueType.Quantization?]
  let output: Shape
  let weight: [Int]
  let bias: [Int]
  let multipliers: [Float]
  let slopes: [Float]

  /// Nil for what is no such layer, or separable, which is held against its parts.
  init?(_ node: Node, _ network: Network, _ types: [String: ValueType]) {
    func integers(_ role: ParameterRole) -> [Int] { network.parameter(role, of: node)?.integers?.map(Int.init) ?? [] }
    guard let epilogue = node.operation.epilogue, epilogue.sumsIntegers, node.operation.type != .separableConvolution,
      let output = types[node.name]?.shape
    else { return nil }
    operation = node.operation
    self.epilogue = epilogue
    quantizations = node.inputs.map { types[$0]?.quantization }
    self.output = output
    weight = integers(.weight)
    bias = integers(.bias)
    multipliers = network.parameter(.multiplier, of: node)?.floats ?? []
    slopes = network.parameter(.slope, of: node)?.floats ?? []
  }

  private func finished(_ sum: Int, _ channel: Int, added: Double?) -> Double {
    var number = product(Double(Float(sum + (bias.isEmpty ? 0 : bias[channel]))), Double(multipliers[channel]))
    for step in epilogue.steps {
      switch step {
      case .activation(.relu): number = max(number, 0)
      case .activation(.leakyReLU(let slope)): if number < 0 { number = product(number, Double(slope)) }
      case .activation(.prelu(let channels)):
        if number < 0 { number = product(number, Double(slopes[channels == 1 ? 0 : channel])) }
      case .scale(let factor): number = product(number, Double(factor))
      case .add: number = rounded(number, added ?? .nan)
      case .requantize(let step): number = stored(number, step)
      case .activation, .rescale, .quantize, .pixelShuffle: break
      }
    }
    return number
  }

  func outputs(_ operands: [Tensor]) -> [Double] {
    let x = operands[0], zeroPoint = quantizations[0]?.zeroPoint ?? 0
    let numbers = x.integers!.map { Int($0) - zeroPoint }, shape = x.shape
    var added: [Double] = []
    if operands.count > 1 {
      added = operands[1].numbers
      if let step = epilogue.requantization, let other = quantizations[1] {
        let ratio = Double(other.scale / step.quantization.scale)
        added = added.map { product($0 - Double(other.zeroPoint), ratio) }
      }
    }
    switch operation {
    case .linear(let payload):
      return (0..<output.count).map { index in
        let row = index / payload.outFeatures, feature = index % payload.outFeatures
        let sum = (0..<payload.inFeatures).reduce(0) {
          $0 + weight[feature * payload.inFeatures + $1] * numbers[row * payload.inFeatures + $1]
        }
        return finished(sum, feature, added: nil)
      }
    case .convolution(let payload):
      return image(payload.epilogue.pixelShuffleFactor, payload.outChannels, added) { batch, channel, row, column in
        let size = payload.inChannels / payload.groups, group = channel / (payload.outChannels / payload.groups)
        var sum = 0
        for c in 0..<size {
          for u in 0..<payload.kernel.height {
            for v in 0..<payload.kernel.width {
              let y = row * payload.stride.height + u * payload.dilation.height - payload.padding.top
              let x = column * payload.stride.width + v * payload.dilation.width - payload.padding.left
              guard (0..<shape.height).contains(y), (0..<shape.width).contains(x) else { continue }
              let tap = ((channel * size + c) * payload.kernel.height + u) * payload.kernel.width + v
              sum += weight[tap] * numbers[((batch * shape.channels + group * size + c) * shape.height + y) * shape.width + x]
            }
          }
        }
        return sum
      }
    case .transposedConvolution(let payload):
      return image(1, payload.outChannels, added) { batch, channel, row, column in
        let size = payload.inChannels / payload.groups, outputs = payload.outChannels / payload.groups
        var sum = 0
        for c in channel / outputs * size..<(channel / outputs + 1) * size {
          for i in 0..<shape.height {
            for j in 0..<shape.width {
              for u in 0..<payload.kernel.height {
                for v in 0..<payload.kernel.width
                where i * payload.stride.height + u * payload.dilation.height - payload.padding.top == row
                  && j * payload.stride.width + v * payload.dilation.width - payload.padding.left == column
                {
                  let tap = ((c * outputs + channel % outputs) * payload.kernel.height + u) * payload.kernel.width + v
                  sum += weight[tap] * numbers[((batch * shape.channels + c) * shape.height + i) * shape.width + j]
                }
              }
            }
          }
        }
        return sum
      }
    default: return []
    }
  }

  /// Each pixel of the output, which a shuffle may have taken from another channel. What is added lies as before the shuffle.
  private func image(
    _ factor: Int, _ channels: Int, _ added: [Double], _ sum: (Int, Int, Int, Int) -> Int
  ) -> [Double] {
    (0..<output.count).map { index in
      let column = index % output.width, row = index / output.width % output.height
      let plane = index / output.width / output.height, batch = plane / output.channels
      let channel = plane % output.channels * factor * factor + row % factor * factor + column % factor
      let (y, x) = (row / factor, column / factor)
      let place = ((batch * channels + channel) * (output.height / factor) + y) * (output.width / factor) + x
      return finished(sum(batch, channel, y, x), channel, added: added.isEmpty ? nil : added[place])
    }
  }
}

/// Operations beside the layers.
private struct IntegerFormula {
  let operation: Operation
  let output: Shape
  let types: [ValueType]
  let table: [Double]

  init?(_ node: Node, _ network: Network, _ types: [String: ValueType]) {
    guard let output = types[node.name]?.shape else { return nil }
    operation = node.operation
    self.output = output
    self.types = node.inputs.compactMap { types[$0] }
    table = network.parameter(.table, of: node)?.numbers ?? []
  }

  /// Nil for what only moves elements, and for layers.
  func outputs(_ operands: [Tensor]) -> [Double]? {
    guard let x = operands.first, let type = types.first else { return nil }
    let numbers = x.numbers
    func zero(_ index: Int) -> Double { Double(types[index].quantization?.zeroPoint ?? 0) }
    func windows(_ pool: Pool, _ body: ([Double], Int) -> Double) -> [Double] {
      (0..<output.count).map { index in
        let column = index % output.width, row = index / output.width % output.height,
          plane = index / output.width / output.height
        let (top, left) = (row * pool.stride.height - pool.padding.top, column * pool.stride.width - pool.padding.left)
        let bottom = min(top + pool.kernel.height, x.shape.height + pool.padding.bottom)
        let right = min(left + pool.kernel.width, x.shape.width + pool.padding.right)
        var values: [Double] = []
        for y in max(top, 0)..<min(bottom, x.shape.height) {
          for z in max(left, 0)..<min(right, x.shape.width) {
            values.append(numbers[(plane * x.shape.height + y) * x.shape.width + z])
          }
        }
        return body(values, (bottom - top) * (right - left))
      }
    }
    func mean(_ values: [Double], _ count: Int) -> Double {
      let sum = values.reduce(0) { $0 + $1 - zero(0) }
      let step = Requantization(type.element, .init(scale: 1, zeroPoint: Int(zero(0))))
      return stored(product(Double(Float(sum)), Double(1 / Float(count))), step)
    }
    switch operation {
    case .integer(.quantize(let payload)):
      return numbers.map {
        stored(Double(Float($0) / payload.quantization.scale), Requantization(payload.element, payload.quantization))
      }
    case .integer(.dequantize):
      return numbers.map { product($0 - zero(0), Double(type.quantization?.scale ?? .nan)) }
    case .integer(.lookup):
      return numbers.map { table[Int($0) + (type.element == .int8 ? 128 : 0)] }
    case .integer(.add(let step)):
      func scaled(_ index: Int) -> [Double] {
        let ratio = Double((types[index].quantization?.scale ?? .nan) / step.quantization.scale)
        return operands[index].numbers.map { product($0 - zero(index), ratio) }
      }
      return zip(scaled(0), scaled(1)).map { stored(rounded($0, $1), step) }
    case .maximumPool(let pool): return windows(pool) { values, _ in values.max() ?? .nan }
    case .averagePool(let pool):
      return windows(pool) { values, padded in mean(values, pool.countIncludesPadding ? padded : values.count) }
    case .globalAveragePool:
      return windows(Pool(kernel: Pair(height: x.shape.height, width: x.shape.width))) { values, _ in mean(values, values.count)
      }
    default: return nil
    }
  }
}
