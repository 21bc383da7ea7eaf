import Foundation
import Networks
import Tensors
import TestSupport
import Testing

/// What requantises: its arithmetic, its rules, and what it looks like in files and text.
@Suite struct RequantizationTests {
  private static let quantization = ValueType.Quantization(scale: 0.5, zeroPoint: 3)
  private static let step = Requantization(.uint8, quantization)

  private static func convolution(_ steps: [Epilogue.Step] = [.requantize(step)], hasBias: Bool = true) -> Convolution {
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

  /// The definition by division: the nearest integer, the upper one of two.
  private static func nearest(_ product: Int, shift: Int) -> Int {
    let unit = 1 << shift
    var quotient = product / unit, rest = product % unit
    if rest < 0 { (quotient, rest) = (quotient - 1, rest + unit) }
    return rest >= unit - rest ? quotient + 1 : quotient
  }

  /// Every pair of multiplier and shift at the ends and between, and sums at the ends, around 0 and around every tie that shows.
  @Test func sumsAreRoundedAsDefined() {
    for (element, zeroPoint) in [(DataType.int8, -128), (.int8, 5), (.int8, 127), (.uint8, 0), (.uint8, 255)] {
      let step = Requantization(element, .init(scale: 1, zeroPoint: zeroPoint)), integers = element.integers!
      for multiplier in [0, 1, 3, 1 << 30, (1 << 30) + 1, 1_518_500_250, Int(Int32.max)] {
        for rightShift in [-30, -29, -1, 0, 1, 7, 30, 31] {
          let shift = 31 + rightShift
          var sums = [Int(Int32.min), Int(Int32.max), -1, 0, 1]
          if multiplier > 0 {
            for quotient in integers.lowerBound - zeroPoint - 1...integers.upperBound - zeroPoint + 1 {
              // Half above the quotient.
              let tie = Double(2 * quotient + 1) * Double(sign: .plus, exponent: shift - 1, significand: 1) / Double(multiplier)
              guard abs(tie) < 0x1p31 - 2 else { continue }
              sums += (-1...1).map { Int(tie.rounded()) + $0 }
            }
          }
          for sum in sums {
            let expected = Self.nearest(sum * multiplier, shift: shift) + zeroPoint
            let stored = step.stored(Int32(sum), multiplier: Int32(multiplier), rightShift: Int32(rightShift))
            if stored != min(max(expected, integers.lowerBound), integers.upperBound) {
              Issue.record("\(sum) · \(multiplier) >> \(shift) is \(expected) and stored as \(stored)")
            }
          }
        }
      }
    }
  }

  @Test func tiesGoUpAndBoundsHold() {
    let half = Requantization(.int8, .init(scale: 1), minimum: -3, maximum: 90)
    func stored(_ sum: Int32) -> Int { half.stored(sum, multiplier: 1 << 30, rightShift: 0) }
    #expect([-7, -5, -4, -3, -2, -1, 0, 1, 2, 3, 5].map(stored) == [-3, -2, -2, -1, -1, 0, 0, 1, 1, 2, 3])
    #expect(stored(.max) == 90 && stored(.min) == -3)
  }

  @Test func factorsAreTheNearest() throws {
    for exponent in -32...29 {
      for significand in [1, 1.0.nextUp, 1.3, 1.5, 1.999_999_9] {
        let factor = Double(sign: .plus, exponent: exponent, significand: significand)
        let fixed = try FixedPointFactor(factor)
        #expect(fixed.multiplier >= 1 << 30 && (-30...31).contains(fixed.rightShift))
        #expect(abs(fixed.value - factor) <= factor * 0x1p-31, "\(factor)")
      }
    }
    #expect(try FixedPointFactor(0.5) == FixedPointFactor(0.5) && FixedPointFactor(0.5).rightShift == 0)
    #expect(try FixedPointFactor(1).multiplier == 1 << 30 && FixedPointFactor(1).rightShift == -1)
    // Just below a power of two: rounded up to it.
    #expect(try FixedPointFactor(1.0.nextDown).value == 1)
    #expect(try FixedPointFactor(0).value == 0)
    #expect(try FixedPointFactor(0x1p30 - 1).value == 0x1p30 - 1)
    for tiny in [0x1p-33, 1e-12, 0x1p-62, 1e-30, Double.leastNonzeroMagnitude] {
      let fixed = try FixedPointFactor(tiny)
      #expect(fixed.rightShift == 31 && abs(fixed.value - tiny) <= 0x1p-63)
      #expect(Requantization(.int8, .init(scale: 1)).stored(.max, multiplier: fixed.multiplier, rightShift: 31) == 0)
    }
    for wrong in [-1, -Double.leastNonzeroMagnitude, 0x1p30, (0x1p30).nextDown, 1e300, .infinity, .nan] {
      let error = #expect(throws: FixedPointFactor.OutOfRange.self) { try FixedPointFactor(wrong) }
      #expect(error?.description.contains("\(wrong)") ?? false)
    }
  }

  // MARK: Rules

  @Test func attributesAreChecked() {
    func expect(_ fault: String, _ steps: [Epilogue.Step]) {
      #expect(Operation.convolution(Self.convolution(steps)).attributeFault == fault)
    }
    let step = Epilogue.Step.requantize(Self.step)
    func with(_ change: (inout Requantization) -> Void) -> [Epilogue.Step] {
      var payload = Self.step
      change(&payload)
      return [.requantize(payload)]
    }
    #expect(Operation.convolution(Self.convolution([step, .pixelShuffle(2)])).attributeFault == nil)
    expect("a relu beside requantize is its minimum and maximum", [.activation(.relu), step])
    expect("a clip beside requantize is its minimum and maximum", [step, .activation(.clip(minimum: 0, maximum: 6))])
    expect("integers know no sigmoid", [.activation(.sigmoid), step])
    expect("integers know no prelu", [step, .activation(.prelu(channels: 8))])
    expect("a factor beside requantize belongs into its multiplier", [.scale(2), step])
    expect(
      "an addition beside requantize would need its operand at the scale of the sums, which is not supported", [.add, step])
    expect("the epilogue requantises twice", [step, step])
    expect("the pixel shuffle is not the last step of the epilogue", [.pixelShuffle(2), step])
    expect("float32 is not requantised to; int8 and uint8 are", with { $0.element = .float32 })
    expect("int32 is not requantised to; int8 and uint8 are", with { $0.element = .int32 })
    expect("the scale 0.0 is not above 0 and finite", with { $0.quantization.scale = 0 })
    expect("the scale inf is not above 0 and finite", with { $0.quantization.scale = .infinity })
    expect("the zero point 256 is not in 0...255, as uint8 is", with { $0.quantization.zeroPoint = 256 })
    expect("-1...255 is no part of 0...255, as uint8 is", with { $0.minimum = -1 })
    expect("9...8 is no part of 0...255, as uint8 is", with { ($0.minimum, $0.maximum) = (9, 8) })

    func linear(_ features: Int, _ steps: [Epilogue.Step]) -> String? {
      Operation.linear(Linear(inFeatures: features, outFeatures: 2, epilogue: Epilogue(steps))).attributeFault
    }
    #expect(linear(65793, [step]) == nil)
    #expect(linear(65794, [step]) == "sums of 65794 products of integers may not fit int32; at most 65793 do")
    #expect(linear(4, [.activation(.relu)]) == "a linear layer takes no step but requantize, and no relu")
    #expect(linear(4, [step, .pixelShuffle(1)]) == "a linear layer takes no step but requantize, and no pixelShuffle")
    let separable = SeparableConvolution(
      order: .depthwiseFirst, inChannels: 4, outChannels: 8, kernel: 3, epilogue: Epilogue([step]))
    #expect(separable.attributeFault == "it does not requantise; its parts as two convolutions do")
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
      #expect(throws: TypeMismatch("it requantises sums of int8 or uint8 and gets \(type)")) {
        try integers.outputType([type])
      }
    }
    #expect(throws: TypeMismatch("it takes float32 and gets \(codes); sums of integers need a step 'requantize'")) {
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
        "layer.weight": .int8, "layer.bias": .int32, "layer.multiplier": .int32, "layer.rightShift": .int32,
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
    expect(.missingParameter("layer.multiplier", type: ValueType([8], .int32)), "multiplier", nil)
    expect(.parameterValue("layer.multiplier", -1, 0...Int(Int32.max)), "multiplier", integers(-1))
    expect(.parameterValue("layer.rightShift", 32, -30...31), "rightShift", integers(32))
    expect(.parameterValue("layer.rightShift", -31, -30...31), "rightShift", integers(-31))
    // 36 products of up to 255 · 128.
    let room = Int(Int32.max) - 36 * 255 * 128
    expect(.parameterValue("layer.bias", room + 1, -room...room), "bias", integers(room + 1))
    expect(.parameterValue("layer.bias", Int(Int32.min), -room...room), "bias", integers(Int(Int32.min)))
    #expect(
      NetworkError.parameterValue("c.rightShift", 40, -30...31).description
        == "the parameter 'c.rightShift' holds 40, which is not in -30...31")
    var step = Self.step
    step.isPerChannel = false
    let shared = try Self.network(Self.convolution([.requantize(step)], hasBias: false))
    #expect(shared.parameters["layer.multiplier"]?.shape == [1] && shared.parameters.count == 3)
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

  /// Fast kernels know nothing of integers, and of the others all that they did.
  @Test func canonicalEpilogues() throws {
    #expect(CanonicalEpilogue(Epilogue([.requantize(Self.step)])) == nil)
    #expect(CanonicalEpilogue(Epilogue([.requantize(Self.step), .pixelShuffle(2)])) == nil)
    let all = try #require(
      CanonicalEpilogue(Epilogue([.activation(.relu), .scale(0.5), .add, .activation(.sigmoid), .pixelShuffle(2)])))
    #expect(all.before == .relu && all.scale == 0.5 && all.adds && all.after == .sigmoid && all.shuffle == 2)
    #expect(CanonicalEpilogue(Epilogue([.add]))?.adds == true)
    #expect(CanonicalEpilogue(Epilogue([.pixelShuffle(3)]))?.shuffle == 3)
    #expect(CanonicalEpilogue(Epilogue([.add, .scale(2)])) == nil)
  }

  // MARK: Forms

  @Test func textAndJSON() throws {
    var step = Self.step
    (step.minimum, step.isPerChannel) = (3, false)
    let network = try Self.network(Self.convolution([.requantize(step), .pixelShuffle(2)]))
    #expect(
      network.text == """
        network net: x int8 [N, 4, H, W] (0.25 · (q - -7)) -> layer
        layer = convolution(x) 4 -> 8, kernel 3, padding 1, bias | requantize uint8 0.5 · (q - 3), 3...255, one multiplier \
        | pixelShuffle 2

        """)
    #expect(
      network.graph.json == """
        {"inputs":[{"axes":[null,4,null,null],"element":"int8","name":"x","quantization":{"scale":0.25,"zeroPoint":-7}}],\
        "name":"net","nodes":[{"inputs":["x"],"name":"layer","operation":{"bias":true,\
        "epilogue":[{"element":"uint8","minimum":3,"perChannel":false,"quantization":{"scale":0.5,"zeroPoint":3},\
        "type":"requantize"},{"factor":2,"type":"pixelShuffle"}],\
        "inChannels":4,"kernel":3,"outChannels":8,"padding":1,"type":"convolution"}}],"outputs":["layer"]}
        """)
    #expect(network.nodes[0].operation.displayName == "convolution + requantize + pixel shuffle")
    // A newer version's.
    let newer = network.graph.json.replacing("\"perChannel\":false", with: "\"perGroup\":false")
    #expect(throws: NetworkError.unknownField("perGroup", of: "the step 'requantize'")) { try NetworkGraph(json: newer) }
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
    #expect(ledger.parameterCount == 8 * 36 + 8 && ledger.bufferCount == 16)
    for example in OperationCase.integers {
      let bounds = try Tolerance.outputs(of: example.network, inputs: example.inputs, storage: Tolerance.bfloat16Epsilon)
      #expect(bounds.allSatisfy { $0.error == 0 && $0.magnitude <= 255 })
    }
    // Other integers in, any out.
    let node = network.nodes[0], shapes = try network.inferredShapes(inputs: [[1, 4, 5, 6]])
    #expect(Tolerance.bound(node, network, shapes, [Tolerance(magnitude: 127, error: 1)], 1).error == 255)
  }

  /// A new network's outputs are no constants.
  @Test func newNetworksSpread() throws {
    let network = try Self.network()
    #expect(network.parameters["layer.multiplier"]?.integers == Array(repeating: 1 << 30, count: 8))
    #expect(Set(network.parameters["layer.weight"]?.integers ?? []).count > 100)
    var builder = NetworkBuilder("zero")
    let x = builder.input("x", axes: [nil, 4, nil, nil], element: .uint8)
    builder.output(builder.node("layer", .convolution(Self.convolution()), [x], channels: 8))
    #expect(try builder.build(.zeros).parameters["layer.weight"] == Tensor(zeros: [8, 4, 3, 3], .int8))
  }
}
