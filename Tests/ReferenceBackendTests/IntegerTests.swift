import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// The reference's integers against the formulas written out, one output at a time, in 64 bits.
@Suite struct IntegerTests {
  @Test(arguments: OperationCase.integers)
  func everyCaseIsExact(_ example: OperationCase) throws {
    let values = try ReferenceEngine().values(of: example.network, inputs: example.inputs)
    let types = try example.network.inferredTypes(inputs: example.inputShapes)
    for node in example.network.nodes {
      let output = try #require(values[node.name])
      #expect(output.dataType == types[node.name]?.element && output.shape == types[node.name]?.shape)
      guard let layer = IntegerLayer(node, example.network, types) else { continue }
      #expect(output.integers == layer.outputs(try #require(values[node.inputs[0]])), "\(node.name) of \(example.name)")
    }
  }

  /// Were all cases clamped everywhere, they would show nothing.
  @Test func casesAreNoConstants() throws {
    let constants = try OperationCase.integers.filter { example in
      let output = try ReferenceEngine().prepare(example.network, inputs: example.inputShapes).run(example.inputs)[0]
      return Set(output.integers ?? []).count < min(output.count, 3)
    }
    #expect(constants.count < 8, "\(constants.map(\.name))")
  }

  private static func linear(
    _ features: Int, _ element: DataType, zeroPoint: Int, _ step: Requantization, weight: Int, biases: [Int],
    multipliers: [Int], shifts: [Int]
  ) throws -> Network {
    var builder = NetworkBuilder("linear")
    let x = builder.input(
      "x", axes: [nil, features], element: element, quantization: .init(scale: 1, zeroPoint: zeroPoint))
    let payload = Linear(inFeatures: features, outFeatures: biases.count, epilogue: Epilogue([.requantize(step)]))
    builder.output(builder.node("y", .linear(payload), [x], channels: biases.count))
    var network = try builder.build(.zeros)
    network.parameters["y.weight"] = Tensor(
      [biases.count, features], .int8, integers: Array(repeating: weight, count: biases.count * features))
    network.parameters["y.bias"] = Tensor([biases.count], .int32, integers: biases)
    network.parameters["y.multiplier"] = Tensor([multipliers.count], .int32, integers: multipliers)
    network.parameters["y.rightShift"] = Tensor([shifts.count], .int32, integers: shifts)
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
    let step = Requantization(.int8, .init(scale: 1), isPerChannel: true)
    let sign = value > zeroPoint ? -1 : 1
    // 2^31 becomes 2^6: sums show to 1 in 2^25.
    let network = try Self.linear(
      features, element, zeroPoint: zeroPoint, step, weight: -128, biases: [0, sign * room, -sign * room],
      multipliers: [1 << 30, 1 << 30, 0], shifts: [24, 24, 31])
    let input = Tensor([1, features], element, integers: Array(repeating: value, count: features))
    let output = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
    #expect(output.integers == [Int32(sign) * 64, Int32(sign) * 64, 0])
    for (name, tensor) in [
      ("y.bias", Tensor([3], .int32, integers: [0, room + 1, 0])), ("y.rightShift", Tensor([3], .int32, integers: [0, 0, 40])),
    ] {
      let model = try ReferenceEngine().prepare(network)
      #expect(throws: ExecutionError.self) { try model.setParameters([name: tensor]) }
      #expect(model.network == network)
    }
  }

  /// Sums that a bias makes: the ends of int32, with multipliers and shifts at theirs.
  @Test func extremesOfEveryParameter() throws {
    let room = Int(Int32.max) - 255 * 128
    var biases: [Int] = [], multipliers: [Int] = [], shifts: [Int] = [], expected: [Int32] = []
    let step = Requantization(.int8, .init(scale: 1, zeroPoint: -5), minimum: -120, maximum: 101)
    for bias in [-room, -1, 0, 1, room] {
      for multiplier in [0, 1, 1 << 30, Int(Int32.max)] {
        for shift in [-30, 0, 31] {
          (biases, multipliers, shifts) = (biases + [bias], multipliers + [multiplier], shifts + [shift])
          expected.append(IntegerLayer.requantized(bias, multiplier, shift, step))
        }
      }
    }
    let network = try Self.linear(
      1, .uint8, zeroPoint: 9, step, weight: -128, biases: biases, multipliers: multipliers, shifts: shifts)
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
        epilogue: Epilogue([.requantize(Requantization(.uint8, .init(scale: 1, zeroPoint: 20)))]))
      builder.output(builder.node("y", .convolution(payload), [x], channels: 1))
      var network = try builder.build(.random(seed: 1))
      network.parameters["y.bias"] = Tensor([1], .int32, integers: [200])
      network.parameters["y.rightShift"] = Tensor([1], .int32, integers: [0])
      let image = Tensor([1, 2, 3, 4], .int8, integers: Array(repeating: zeroPoint, count: 24))
      let output = try ReferenceEngine().prepare(network, inputs: [image.shape]).run([image])[0]
      #expect(output.integers == Array(repeating: 120, count: 30))
    }
  }
}

/// A layer of integers as its formula says.
private struct IntegerLayer {
  let operation: Operation
  let step: Requantization
  let zeroPoint: Int
  let output: Shape
  let weight: [Int]
  let bias: [Int]
  let multipliers: [Int]
  let shifts: [Int]

  /// Nil for what only moves elements.
  init?(_ node: Node, _ network: Network, _ types: [String: ValueType]) {
    func integers(_ role: ParameterRole) -> [Int] { network.parameter(role, of: node)?.integers?.map(Int.init) ?? [] }
    guard let step = node.operation.epilogue?.requantization, let output = types[node.name]?.shape else { return nil }
    operation = node.operation
    self.step = step
    zeroPoint = types[node.inputs[0]]?.quantization?.zeroPoint ?? 0
    self.output = output
    weight = integers(.weight)
    bias = integers(.bias)
    multipliers = integers(.multiplier)
    shifts = integers(.rightShift)
  }

  static func requantized(_ sum: Int, _ multiplier: Int, _ rightShift: Int, _ step: Requantization) -> Int32 {
    // ⌊product / unit + 1/2⌋ by division.
    let product = sum * multiplier, unit = 1 << (31 + rightShift)
    var quotient = product / unit, rest = product % unit
    if rest < 0 { (quotient, rest) = (quotient - 1, rest + unit) }
    if rest >= unit - rest { quotient += 1 }
    return Int32(min(max(quotient + step.quantization.zeroPoint, step.minimum), step.maximum))
  }

  private func finished(_ sum: Int, _ channel: Int) -> Int32 {
    Self.requantized(
      sum + (bias.isEmpty ? 0 : bias[channel]), multipliers[step.isPerChannel ? channel : 0],
      shifts[step.isPerChannel ? channel : 0], step)
  }

  func outputs(_ x: Tensor) -> [Int32] {
    let numbers = x.integers!.map { Int($0) - zeroPoint }, shape = x.shape
    switch operation {
    case .linear(let payload):
      return (0..<output.count).map { index in
        let row = index / payload.outFeatures, feature = index % payload.outFeatures
        let sum = (0..<payload.inFeatures).reduce(0) {
          $0 + weight[feature * payload.inFeatures + $1] * numbers[row * payload.inFeatures + $1]
        }
        return finished(sum, feature)
      }
    case .convolution(let payload):
      return image(payload.epilogue.pixelShuffleFactor, payload.outChannels) { batch, channel, row, column in
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
      return image(1, payload.outChannels) { batch, channel, row, column in
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

  /// Each pixel of the output, which a shuffle may have taken from another channel.
  private func image(_ factor: Int, _ channels: Int, _ sum: (Int, Int, Int, Int) -> Int) -> [Int32] {
    (0..<output.count).map { index in
      let column = index % output.width, row = index / output.width % output.height
      let plane = index / output.width / output.height
      let channel = plane % output.channels * factor * factor + row % factor * factor + column % factor
      return finished(sum(plane / output.channels, channel, row / factor, column / factor), channel)
    }
  }
}
