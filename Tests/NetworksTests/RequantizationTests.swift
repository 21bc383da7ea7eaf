import Foundation
import Networks
import Tensors
import OperationCases
import Testing

/// What requantises: its arithmetic, its rules, and what it looks like in files and text.
@Suite struct RequantizationTests {
  private static let quantization = ValueType.Quantization(scale: 0.5, zeroPoint: 3)
  private static let step = Requantization(.uint8, quantization)

  private static func convolution(_ steps: [Epilogue.Step] = [.rescale, .requantize(step)], hasBias: Bool = true) -> Convolution
  {
    Convolution(inChannels: 4, outChannels: 8, kernel: 3, padding: 1, hasBias: hasBias, epilogue: Epilogue(steps))
  }

  private static func network(_ payload: Convolution = convolution(), _ element: DataType = .int8) throws -> Network {
    var builder = NetworkBuilder("net")
    let x = builder.input(
      "x", axes: [nil, 4, nil, nil], element: element,
      quantization: element.integers == nil ? nil : .init(scale: 0.25, zeroPoint: -7))
    builder.output(builder.node("layer", .convolution(payload), [x], channels: 8))
    return try builder.build(.random(seed: 3))
  }

  // MARK: Arithmetic

  /// Every number near a tie, and at the ends.
  @Test func numbersAreRoundedAsDefined() {
    for (element, zeroPoint) in [(DataType.int8, -128), (.int8, 5), (.int8, 127), (.uint8, 0), (.uint8, 255)] {
      let step = Requantization(element, .init(scale: 1, zeroPoint: zeroPoint)), integers = element.integers!
      for integer in -300...300 {
        for number in [Float(integer) + 0.5, (Float(integer) + 0.5).nextDown, (Float(integer) + 0.5).nextUp, Float(integer)] {
          let floor = Int(number.rounded(.down)), rest = number - Float(floor)
          let nearest = rest == 0.5 ? floor + abs(floor % 2) : rest > 0.5 ? floor + 1 : floor
          let expected = min(max(nearest + zeroPoint, integers.lowerBound), integers.upperBound)
          if step.stored(number) != expected { Issue.record("\(number) is \(expected) and stored as \(step.stored(number))") }
        }
      }
      #expect(step.stored(.nan) == integers.lowerBound)
      for end in [Float.infinity, .greatestFiniteMagnitude, 0x1p95, 3e9] {
        #expect(step.stored(end) == integers.upperBound && step.stored(-end) == integers.lowerBound)
      }
    }
  }

  @Test func tiesGoToEvenAndBoundsHold() {
    let half = Requantization(.int8, .init(scale: 1), minimum: -3, maximum: 90)
    let numbers: [Float] = [-3.5, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2.5]
    #expect(numbers.map(half.stored) == [-3, -2, -2, -2, -1, 0, 0, 0, 1, 2, 2])
    #expect(half.stored(1e9) == 90 && half.stored(-1e9) == -3)
  }

  /// A quotient, not a product with the reciprocal: they differ.
  @Test func quantizingDivides() {
    let payload = Quantize(.uint8, .init(scale: 0.1, zeroPoint: 10))
    #expect(payload.stored(0.25) == 12 && payload.stored(0.35) == Int((Float(0.35) / 0.1).rounded(.toNearestOrEven)) + 10)
    #expect(
      payload.stored(-5) == 0 && payload.stored(100) == 255 && payload.stored(.nan) == 0 && payload.stored(-.infinity) == 0)
  }

  // MARK: Rules

  @Test func attributesAreChecked() {
    func expect(_ fault: String, _ steps: [Epilogue.Step]) {
      #expect(Operation.convolution(Self.convolution(steps)).attributeFault == fault)
    }
    func expectNone(_ steps: [Epilogue.Step]) {
      #expect(Operation.convolution(Self.convolution(steps)).attributeFault == nil)
    }
    let step = Epilogue.Step.requantize(Self.step), quantize = Epilogue.Step.quantize(Quantize(.int8, Self.quantization))
    func with(_ change: (inout Requantization) -> Void) -> [Epilogue.Step] {
      var payload = Self.step
      change(&payload)
      return [.rescale, .requantize(payload)]
    }
    let leaky = Epilogue.Step.activation(.leakyReLU(slope: 0.1)), prelu = Epilogue.Step.activation(.prelu(channels: 8))
    expectNone([.rescale, step, .pixelShuffle(2)])
    expectNone([.rescale, .activation(.relu), .add, leaky, step])
    expectNone([.rescale, prelu, .add, step])
    expectNone([.rescale, .activation(.sigmoid), .scale(2), .add])
    expectNone([.activation(.relu), quantize, .pixelShuffle(2)])
    expect("a relu right before requantize is its minimum and maximum", [.rescale, .activation(.relu), step])
    expect(
      "a clip right before requantize is its minimum and maximum", [.rescale, .activation(.clip(minimum: 0, maximum: 6)), step])
    expect("no clip stands between rescale and requantize", [.rescale, .activation(.clip(minimum: 0, maximum: 6)), .add, step])
    expect("no clip follows requantize", [.rescale, step, .activation(.clip(minimum: 0, maximum: 6))])
    expect(
      "no sigmoid stands between rescale and requantize; a lookup behind the layer does",
      [.rescale, .activation(.sigmoid), step])
    expect("no prelu follows requantize", [.rescale, step, prelu])
    expect("no relu follows quantize", [quantize, .activation(.relu)])
    expect("a factor before requantize belongs into the multiplier", [.rescale, .scale(2), step])
    expect("one addition stands before requantize, and not two", [.rescale, .add, .add, step])
    expect("no requantize follows requantize", [.rescale, step, step])
    expect("requantize needs sums of integers, and rescale before it", [step])
    expect("what sums integers ends in requantize, and not in quantize", [.rescale, quantize])
    expect("rescale is the first step of an epilogue, or none", [.activation(.relu), .rescale])
    expect("rescale is the first step of an epilogue, or none", [.rescale, .rescale])
    expect("the pixel shuffle is not the last step of the epilogue", [.rescale, .pixelShuffle(2), step])
    expect("float32 is not requantised to; int8 and uint8 are", with { $0.element = .float32 })
    expect("int32 is not requantised to; int8 and uint8 are", with { $0.element = .int32 })
    expect("the scale 0.0 is not above 0 and finite", with { $0.quantization.scale = 0 })
    expect("the scale inf is not above 0 and finite", with { $0.quantization.scale = .infinity })
    expect("the scale nan is not above 0 and finite", with { $0.quantization.scale = .nan })
    expect("the scale 1e+30 is not within 2^-32 and 2^32", with { $0.quantization.scale = 1e30 })
    expect("the scale 1e-30 is not within 2^-32 and 2^32", with { $0.quantization.scale = 1e-30 })
    expect("the zero point 256 is not in 0...255, as uint8 is", with { $0.quantization.zeroPoint = 256 })
    expect("-1...255 is no part of 0...255, as uint8 is", with { $0.minimum = -1 })
    expect("9...8 is no part of 0...255, as uint8 is", with { ($0.minimum, $0.maximum) = (9, 8) })

    func linear(_ features: Int, _ steps: [Epilogue.Step]) -> String? {
      Operation.linear(Linear(inFeatures: features, outFeatures: 2, epilogue: Epilogue(steps))).attributeFault
    }
    #expect(linear(65793, [.rescale, step]) == nil && linear(65793, [.rescale]) == nil)
    #expect(linear(65794, [.rescale, step]) == "sums of 65794 products of integers may not fit int32; at most 65793 do")
    #expect(linear(4, [.activation(.relu)]) == "a linear layer takes no step relu")
    #expect(linear(4, [.rescale, step, .pixelShuffle(1)]) == "a linear layer takes no step pixelShuffle")
    func separable(_ steps: [Epilogue.Step], _ middle: Requantization?, _ function: ActivationFunction? = nil) -> String? {
      Operation.separableConvolution(
        SeparableConvolution(
          order: .depthwiseFirst, inChannels: 4, outChannels: 8, kernel: 3, middle: function, middleRequantization: middle,
          epilogue: Epilogue(steps))
      ).attributeFault
    }
    #expect(separable([.rescale, step], Self.step) == nil && separable([.rescale], Self.step, .leakyReLU(slope: 2)) == nil)
    #expect(separable([.rescale, step], nil) == "sums of integers need integers between the parts, and others none")
    #expect(separable([], Self.step) == "sums of integers need integers between the parts, and others none")
    #expect(separable([.rescale, step], Self.step, .sigmoid) == "no sigmoid stands between parts that sum integers")
  }

  @Test func typesAreChecked() throws {
    let image: Shape = [1, 4, 5, 6], codes = ValueType(image, .int8, quantization: .init(scale: 1, zeroPoint: 5))
    let integers = Operation.convolution(Self.convolution()), floats = Operation.convolution(Self.convolution([]))
    for element in [DataType.int8, .uint8] {
      #expect(
        try integers.outputType([ValueType(image, element)])
          == ValueType([1, 8, 5, 6], .uint8, quantization: Self.quantization))
    }
    for element in [DataType.float32, .float16, .bfloat16, .int32] {
      let type = ValueType(image, element)
      #expect(throws: TypeMismatch("it takes int8 or uint8 and gets \(type)")) {
        try integers.outputType([type])
      }
    }
    #expect(throws: TypeMismatch("it takes float32 and gets \(codes); sums of integers need a step 'rescale'")) {
      try floats.outputType([codes])
    }
    #expect(throws: TypeMismatch("it takes float32 and gets \(codes)")) {
      try Operation.activation(.sigmoid).outputType([codes])
    }
    #expect(throws: TypeMismatch.self) { try Operation.add.outputType([codes, codes]) }
    #expect(throws: TypeMismatch.self) { try Operation.batchNorm(BatchNorm(channels: 4)).outputType([codes]) }
  }

  @Test func parametersAreChecked() throws {
    let network = try Self.network()
    try network.verify()
    #expect(
      network.parameters.mapValues(\.dataType) == [
        "layer.weight": .int8, "layer.bias": .int32, "layer.multiplier": .float32,
      ])
    func expect(_ error: NetworkError, _ name: String, _ tensor: Tensor?) {
      var wrong = network
      wrong.parameters["layer.\(name)"] = tensor
      #expect(throws: error) { try wrong.verify() }
    }
    func integers(_ value: Int) -> Tensor { Tensor([8], .int32, integers: [0, 0, 0, value, 0, 0, 0, 0]) }
    expect(.parameterType("layer.weight", expected: .int8, got: .float32), "weight", Tensor(zeros: [8, 4, 3, 3]))
    expect(.parameterType("layer.weight", expected: .int8, got: .uint8), "weight", Tensor(zeros: [8, 4, 3, 3], .uint8))
    expect(.parameterType("layer.bias", expected: .int32, got: .float32), "bias", Tensor(zeros: [8]))
    expect(.missingParameter("layer.multiplier", type: ValueType([8])), "multiplier", nil)
    expect(.parameterShape("layer.multiplier", expected: [8], got: [1]), "multiplier", Tensor(repeating: 1, [1]))
    for wrong: Float in [-1, 1e30, .infinity, 0x1p-65] {
      expect(.parameterNumber("layer.multiplier", wrong, 0x1p-64...0x1p64), "multiplier", Tensor(repeating: wrong, [8]))
    }
    var undefined = network
    undefined.parameters["layer.multiplier"] = Tensor(repeating: .nan, [8])
    #expect(throws: NetworkError.self) { try undefined.verify() }
    for right: Float in [0, 0x1p-64, 0x1p64] {
      var other = network
      other.parameters["layer.multiplier"] = Tensor(repeating: right, [8])
      try other.verify()
    }
    // 36 products of up to 255 · 128.
    let room = Int(Int32.max) - 36 * 255 * 128
    expect(.parameterValue("layer.bias", room + 1, -room...room), "bias", integers(room + 1))
    expect(.parameterValue("layer.bias", Int(Int32.min), -room...room), "bias", integers(Int(Int32.min)))
    #expect(
      NetworkError.parameterNumber("c.multiplier", -4, 0.5...2).description
        == "the parameter 'c.multiplier' holds -4.0, which is neither 0 nor within 0.5 and 2.0")
  }

  @Test func inputsAreChecked() throws {
    func fault(_ element: DataType, _ scale: Float, _ zeroPoint: Int) -> String? {
      let input = NetworkInput(
        name: "x", axes: [nil, 4, nil, nil], element: element, quantization: .init(scale: scale, zeroPoint: zeroPoint))
      var network = try? Self.network()
      network?.inputs = [input]
      do { try network?.verify() } catch { return "\(error)" }
      return nil
    }
    #expect(fault(.uint8, 1, 255) == nil && fault(.int8, 1, -128) == nil)
    #expect(
      fault(.uint8, 1, -1) == "the input 'x' is quantised wrongly: the zero point -1 is not in 0...255, as uint8 is")
    #expect(fault(.int8, -2, 0) == "the input 'x' is quantised wrongly: the scale -2.0 is not above 0 and finite")
    #expect(fault(.float32, 1, 0) == "the input 'x' is quantised wrongly: float32 stands for itself and has no scale")
  }

  @Test func canonicalEpilogues() throws {
    let integers = try #require(
      CanonicalEpilogue(Epilogue([.rescale, .activation(.relu), .add, .requantize(Self.step), .pixelShuffle(2)])))
    #expect(integers.rescales && integers.before == .relu && integers.adds && integers.requantization == Self.step)
    #expect(integers.shuffle == 2 && integers.isOfIntegers && integers.after == nil && integers.quantize == nil)
    let numbers = try #require(CanonicalEpilogue(Epilogue([.rescale, .scale(2)])))
    #expect(numbers.rescales && numbers.isOfIntegers && numbers.requantization == nil && numbers.scale == 2)
    let payload = Quantize(.int8, Self.quantization)
    let stored = try #require(CanonicalEpilogue(Epilogue([.activation(.relu), .quantize(payload)])))
    #expect(!stored.rescales && stored.isOfIntegers && stored.quantize == payload && stored.before == .relu)
    #expect(CanonicalEpilogue(Epilogue([.rescale, .requantize(Self.step), .activation(.relu)])) == nil)
    #expect(CanonicalEpilogue(Epilogue([.quantize(payload), .add])) == nil)
    #expect(CanonicalEpilogue(Epilogue([.pixelShuffle(2), .quantize(payload)])) == nil)
    let all = try #require(
      CanonicalEpilogue(Epilogue([.activation(.relu), .scale(0.5), .add, .activation(.sigmoid), .pixelShuffle(2)])))
    #expect(all.before == .relu && all.scale == 0.5 && all.adds && all.after == .sigmoid && all.shuffle == 2)
    #expect(!all.isOfIntegers)
    #expect(CanonicalEpilogue(Epilogue([.add]))?.adds == true)
    #expect(CanonicalEpilogue(Epilogue([.pixelShuffle(3)]))?.shuffle == 3)
    #expect(CanonicalEpilogue(Epilogue([.add, .scale(2)])) == nil)
  }

  // MARK: Forms

  @Test func textAndJSON() throws {
    var step = Self.step
    step.minimum = 3
    let network = try Self.network(Self.convolution([.rescale, .requantize(step), .pixelShuffle(2)]))
    #expect(
      network.text == """
        network net: x int8 [N, 4, H, W] (0.25 · (q - -7)) -> layer
        layer = convolution(x) 4 -> 8, kernel 3, padding 1, bias | rescale | requantize uint8 0.5 · (q - 3), 3...255 \
        | pixelShuffle 2

        """)
    #expect(
      network.graph.json == """
        {"inputs":[{"axes":[null,4,null,null],"element":"int8","name":"x","quantization":{"scale":0.25,"zeroPoint":-7}}],\
        "name":"net","nodes":[{"inputs":["x"],"name":"layer","operation":{"bias":true,\
        "epilogue":[{"type":"rescale"},{"element":"uint8","minimum":3,"quantization":{"scale":0.5,"zeroPoint":3},\
        "type":"requantize"},{"factor":2,"type":"pixelShuffle"}],\
        "inChannels":4,"kernel":3,"outChannels":8,"padding":1,"type":"convolution"}}],"outputs":["layer"]}
        """)
    #expect(network.nodes[0].operation.displayName == "convolution + requantize + pixel shuffle")
    // A newer version's.
    let newer = network.graph.json.replacing("\"minimum\":3", with: "\"perGroup\":false")
    #expect(throws: NetworkError.unknownField("perGroup", of: "a step of an epilogue")) { try NetworkGraph(json: newer) }
    let other = network.graph.json.replacing("\"zeroPoint\":-7", with: "\"offset\":-7")
    #expect(throws: NetworkError.unknownField("offset", of: "a quantization")) { try NetworkGraph(json: other) }
    // No operation of its own.
    let alone = network.graph.json.replacing("\"type\":\"convolution\"", with: "\"type\":\"requantize\"")
    #expect(throws: NetworkError.unknownOperation("requantize")) { try NetworkGraph(json: alone) }
  }

  @Test(arguments: OperationCase.integers)
  func everyCaseRoundTrips(_ example: OperationCase) throws {
    #expect(try NetworkGraph(json: example.network.graph.json) == example.network.graph)
    let data = try JSONEncoder().encode(example.network)
    #expect(try JSONDecoder().decode(Network.self, from: data) == example.network)
  }

  /// Bytes by element, and bounds of integers that are those of what is equal.
  @Test func bytesAndBounds() throws {
    let network = try Self.network()
    let ledger = try network.ledger(inputs: [[2, 4, 5, 6]])
    #expect(ledger.entries[0].bytesRead == 240 && ledger.entries[0].bytesWritten == 480)
    #expect(ledger.peakActivationByteCount == 720)
    #expect(ledger.multiplyAccumulates == 480 * 36)
    #expect(ledger.parameterCount == 8 * 36 + 8 && ledger.bufferCount == 8)
    for example in OperationCase.integers {
      let outputs = try example.network.inferredTypes(inputs: example.inputShapes)
      let bounds = try Tolerance.outputs(of: example.network, inputs: example.inputs, storage: Tolerance.bfloat16Epsilon)
      for (name, bound) in zip(example.network.outputs, bounds) where outputs[name]?.element.integers != nil {
        // Of float32, which bfloat16 rounds, integers may be others.
        let isExact = example.network.inputs.allSatisfy { $0.element != .float32 }
        #expect((bound.error == 0 || !isExact) && bound.error <= 255 && bound.magnitude <= 255, "\(example.name)")
      }
    }
    // Other integers in, any out.
    let node = network.nodes[0], types = try network.inferredTypes(inputs: [[1, 4, 5, 6]])
    #expect(Tolerance.bound(node, network, types, [Tolerance(magnitude: 127, error: 1)], 1).error == 255)
  }

  /// A new network's outputs are no constants.
  @Test func newNetworksSpread() throws {
    let network = try Self.network()
    #expect(network.parameters["layer.multiplier"]?.floats == Array(repeating: 0x1p-10, count: 8))
    #expect(Set(network.parameters["layer.weight"]?.integers ?? []).count > 100)
    var builder = NetworkBuilder("zero")
    let x = builder.input("x", axes: [nil, 4, nil, nil], element: .uint8)
    builder.output(builder.node("layer", .convolution(Self.convolution()), [x], channels: 8))
    #expect(try builder.build(.zeros).parameters["layer.weight"] == Tensor(zeros: [8, 4, 3, 3], .int8))
  }
}
