@testable import Evaluation
import Swiftlet
import Testing

@Suite struct ComparisonTests {
  private let input = Tensor(repeating: 0.25, [1, 3, 20, 24])

  @Test func onePathAgreesWithAnother() throws {
    let network = try SmallNetworks.edsr()
    for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
      let engine = Engine.cpu(CPUOptions(instructionSet: instructionSet, threadCount: 2))
      let comparison = try Comparison(network, on: .reference, network, on: engine, input: input)
      #expect(comparison.firstOutside == nil, "\(comparison.text)")
      #expect(comparison.values.map(\.node) == network.optimizedForInference().nodes.map(\.name))
      #expect(comparison.unmatched.isEmpty && comparison.values.allSatisfy { $0.bound != nil })
    }
  }

  /// An input that leaves is the same on every path, and a network may do no more.
  @Test(arguments: Precision.allCases) func inputsThatLeaveAreTheSame(_ precision: Precision) throws {
    let input = Tensor([1, 17, 3, 4], (0..<204).map { Float($0) / 7 })
    for isRead in [false, true] {
      var builder = NetworkBuilder("net")
      let x = builder.input("x", channels: 17)
      builder.output(x)
      if isRead { builder.output(builder.activation("relu", x, .relu)) }
      let network = try builder.build(.random(seed: 1)), engine = Engine.cpu(CPUOptions(precision: precision, threadCount: 2))
      let comparison = try Comparison(network, on: .reference, network, on: engine, input: input)
      #expect(comparison.isGood, "\(comparison.text)")
    }
  }

  /// The node whose weight is another is named, and those behind it, whose inputs differ, are not.
  @Test func theFirstNodeAtFaultIsNamed() throws {
    let network = try SmallNetworks.edsr()
    var damaged = network
    damaged.parameters["body.1.a.weight"]?.withUnsafeMutableFloats { $0[5] += 0.5 }
    let comparison = try Comparison(network, on: .reference, damaged, on: .cpu(CPUOptions(threadCount: 2)), input: input)
    #expect(comparison.firstOutside?.node == "body.1.a")
    #expect(comparison.values.filter { !$0.isWithin }.map(\.node) == ["body.1.a"])
    let text = comparison.text
    #expect(text.contains("The first node whose difference leaves its bound is 'body.1.a' (convolution + relu)"))
    // What stands behind it is not said to be right.
    let verdicts = Dictionary(uniqueKeysWithValues: comparison.values.map { ($0.node, $0.verdict) })
    #expect(verdicts["body.0.b"] == .within && verdicts["body.1.b"] == .inherited && verdicts["tail"] == .inherited)
    let inherited = comparison.values.count { $0.verdict == .inherited }
    #expect(text.contains("\(inherited) behind it differ no more than what they inherit"))
    #expect(!comparison.isGood && comparison.values.allSatisfy { $0.bound == ($0.rounding ?? .nan) + ($0.carried ?? .nan) })
  }

  @Test func aNaNIsOutsideEveryBound() throws {
    let network = try SmallNetworks.edsr()
    var damaged = network
    damaged.parameters["body.0.b.bias"]?.withUnsafeMutableFloats { $0[0] = .nan }
    let comparison = try Comparison(network, on: .reference, damaged, on: .reference, input: input)
    #expect(comparison.firstOutside?.node == "body.0.b")
  }

  /// A division by what may be 0, or NaN, has no bound: no node is at fault for it, and nothing of the report is NaN.
  @Test func whatHasNoBoundIsNotJudged() throws {
    var builder = NetworkBuilder("odd")
    let x = builder.input("x", channels: 3)
    let quotient = builder.binary("quotient", .divide, x, builder.activation("relu", x, .relu))
    builder.output(builder.scale("scaled", quotient, by: 2))
    let network = try builder.build(.zeros)
    var values = (0..<1440).map { Float($0 % 7) - 3 }
    values[5] = .leastNonzeroMagnitude
    values[6] = .nan
    let comparison = try Comparison(
      network, on: .reference, network, on: .cpu(CPUOptions(threadCount: 2)), input: Tensor([1, 3, 20, 24], values))
    #expect(comparison.firstOutside == nil, "\(comparison.text)")
    let quotients = comparison.values.filter { $0.node == "quotient" }
    #expect(quotients.count == 1 && quotients[0].rounding == nil && [.within, .unknown].contains(quotients[0].verdict))
    #expect(comparison.values.allSatisfy { $0.bound?.isFinite ?? true })
  }

  /// Integers are the same or not.
  @Test func integersAreCompared() throws {
    let step = Requantization(.uint8, .init(scale: 0.5, zeroPoint: 9))
    var builder = NetworkBuilder("integers")
    let x = builder.input("x", axes: [nil, 3, nil, nil], element: .int8, quantization: .init(scale: 1, zeroPoint: 1))
    let payload = Convolution(inChannels: 3, outChannels: 4, kernel: 3, epilogue: Epilogue([.rescale, .requantize(step)]))
    let first = builder.node("first", .convolution(payload), [x], channels: 4)
    let linear = Linear(inFeatures: 4 * 4 * 5, outFeatures: 7, epilogue: Epilogue([.rescale, .requantize(step)]))
    builder.output(builder.node("last", .linear(linear), [builder.flatten("flat", first)], channels: 7))
    let network = try builder.build(.random(seed: 4))
    let input = Tensor([1, 3, 6, 7], .int8, integers: (0..<126).map { $0 - 50 })
    let same = try Comparison(network, on: .reference, network, on: .reference, input: input)
    #expect(same.isGood && same.values.map(\.bound) == [0, 0, 0], "\(same.text)")
    var other = network
    other.parameters["last.bias"] = Tensor([7], .int32, integers: Array(repeating: 1 << 20, count: 7))
    let differs = try Comparison(network, on: .reference, other, on: .reference, input: input)
    #expect(differs.firstOutside?.node == "last" && differs.text.contains("linear + requantize"), "\(differs.text)")
    let engine = Engine.cpu(CPUOptions(threadCount: 1))
    let engines = try Comparison(network, on: .reference, network, on: engine, input: input)
    #expect(engines.isGood && engines.values.map(\.bound) == [0, 0, 0], "\(engines.text)")
    #expect(throws: EvaluationError.self) {
      try Comparison(network, on: .reference, network, on: engine, input: Tensor(repeating: 1, [1, 3, 6, 7]))
    }
  }

  /// Integers and numbers are compared as numbers: what is left is the rounding to the scale, and no bound speaks of it.
  @Test func integersStandForNumbers() throws {
    let quantization = ValueType.Quantization(scale: 0.01, zeroPoint: 20)
    func network(_ scale: ValueType.Quantization?) throws -> Network {
      var builder = NetworkBuilder("codes")
      let x = builder.input("x", channels: 3)
      let first = builder.activation("first", x, .relu)
      let code =
        scale.map { builder.node("code", .integer(.quantize(Quantize(.uint8, $0))), [first], channels: 3) }
        ?? builder.activation("code", first, .relu)
      let number =
        scale == nil
        ? builder.activation("number", code, .relu) : builder.node("number", .integer(.dequantize), [code], channels: 3)
      builder.output(builder.activation("last", number, .sigmoid))
      return try builder.build(.zeros)
    }
    let input = Tensor([1, 3, 6, 7], (0..<126).map { Float($0) / 63 - 1 })
    let plain = try network(nil), codes = try network(quantization)
    for (first, second) in [(plain, codes), (codes, plain)] {
      let comparison = try Comparison(first, on: .reference, second, on: .reference, input: input)
      let values = Dictionary(uniqueKeysWithValues: comparison.values.map { ($0.node, $0) })
      let code = try #require(values["code"]), number = try #require(values["number"])
      #expect(code.isDequantized && code.verdict == .unknown && code.bound == nil && code.maximum <= 0.00501, "\(code)")
      #expect(!number.isDequantized && number.verdict == .unknown && abs(code.magnitude - 1) < 0.03)
      #expect(values["first"]?.verdict == .within && values["last"]?.maximum ?? 1 < 0.01)
      #expect(
        comparison.text.contains(
          "1 value is of integers in one of the two, or by other scales in both: compared as the numbers"))
      #expect(comparison.isGood, "\(comparison.text)")
    }
    // By another scale the integers differ and the numbers hardly.
    let other = try network(.init(scale: 0.02, zeroPoint: 3))
    let scales = try Comparison(codes, on: .reference, other, on: .reference, input: input)
    #expect(scales.values.first { $0.node == "code" }.map { $0.isDequantized && $0.maximum < 0.02 } == true, "\(scales.text)")
    let same = try Comparison(codes, on: .reference, codes, on: .reference, input: input)
    #expect(same.values.allSatisfy { !$0.isDequantized && $0.verdict == .within } && !same.text.contains("of integers in one"))
  }

  /// What reads integers in one and numbers in the other is not held to what its inputs differ by, in either order; numbers of integers against
  /// themselves are.
  @Test func otherFormsAreNotJudged() throws {
    let network = try SmallNetworks.edsr(), data = Tensor([1, 3, 16, 16], (0..<768).map { Float($0 % 97) / 96 })
    var ranges: [String: QuantizationRange] = [:]
    let prepared = network.preparedForQuantization()
    for name in prepared.inputs.map(\.name) + prepared.nodes.map(\.name) {
      ranges[name] = QuantizationRange(minimum: -4, maximum: 4)
    }
    for keepsFirst in [true, false] {
      for residual in ResidualSums.allCases {
        let scheme = QuantizationScheme(keepsFirst: keepsFirst, residual: residual)
        let integers = try network.quantized(ranges, scheme)
        for (first, second) in [(network, integers), (integers, network)] {
          let comparison = try Comparison(first, on: .reference, second, on: .reference, input: data)
          #expect(comparison.isGood && comparison.firstOutside == nil, "\(scheme): \(comparison.text)")
        }
        let engine = Engine.cpu(CPUOptions(instructionSet: .portable, threadCount: 1))
        let same = try Comparison(integers, on: .reference, integers, on: engine, input: data)
        #expect(same.isGood && !same.hasOtherForms, "\(same.text)")
      }
    }
  }

  /// Values are compared at the same point of both graphs: a layer that has drawn in a function stands beside the table that the function is in a
  /// network of integers, and not beside the layer before it.
  @Test(arguments: [
    ActivationFunction.sigmoid, .tanh, .silu, .hardSwish, .relu, .leakyReLU(slope: 0.1), .clip(minimum: 0, maximum: 6), .gelu,
  ])
  func pointsAreMatched(function: ActivationFunction) throws {
    var builder = NetworkBuilder("points")
    let x = builder.input("x", channels: 3)
    var value = builder.activation("s0", builder.convolution("c0", x, outChannels: 6, kernel: 3, padding: 1), function)
    let skip = value
    for index in 1...3 {
      value = builder.activation(
        "s\(index)", builder.convolution("c\(index)", value, outChannels: 6, kernel: 3, padding: 1), function)
    }
    let sum = builder.add("sum", builder.convolution("c4", value, outChannels: 6, kernel: 3, padding: 1), skip)
    builder.output(builder.convolution("tail", sum, outChannels: 3, kernel: 3, padding: 1))
    let network = try builder.build(.random(seed: 3))
    let data = Tensor([1, 3, 16, 16], (0..<768).map { Float($0 % 97) / 96 })
    var ranges: [String: QuantizationRange] = [:]
    let prepared = network.preparedForQuantization()
    for name in prepared.inputs.map(\.name) + prepared.nodes.map(\.name) {
      ranges[name] = QuantizationRange(minimum: -2, maximum: 2)
    }
    for residual in ResidualSums.allCases {
      for keepsFirst in [true, false] {
        let integers = try network.quantized(ranges, QuantizationScheme(keepsFirst: keepsFirst, residual: residual))
        for (first, second) in [
          (network, integers), (integers, network), (network.fusing(), integers), (integers, network.fusing()),
        ] {
          let comparison = try Comparison(first, on: .reference, second, on: .reference, input: data)
          #expect(comparison.isGood, "\(comparison.text)")
          // Values of one point differ by what integers round, of two by what the function does.
          for value in comparison.values { #expect(value.maximum < 0.2, "\(function), \(value): \(comparison.text)") }
          let layers = comparison.values.filter { ($0.nameInFirst ?? $0.node).hasPrefix("c") || $0.node.hasPrefix("c") }
          #expect(layers.count >= 4, "\(comparison.text)")
          let renamed = comparison.values.filter { $0.nameInFirst != nil }
          #expect(comparison.text.contains("Of one point under two names: ") == !renamed.isEmpty)
        }
      }
    }
    // Of two networks of numbers one that lacks a function is at fault for it.
    var without = network
    without.nodes.removeAll { $0.name == "s2" }
    for index in without.nodes.indices {
      without.nodes[index].inputs = without.nodes[index].inputs.map { $0 == "s2" ? "c2" : $0 }
    }
    let comparison = try Comparison(network, on: .reference, without, on: .reference, input: data)
    #expect(comparison.firstOutside?.node == "c2" && !comparison.isGood, "\(comparison.text)")
  }

  @Test func whatTheOtherLacksIsSaid() throws {
    let wide = try EDSR(scale: 2, features: 32, blocks: 2).network(.random(seed: 1))
    let comparison = try Comparison(
      SmallNetworks.edsr(), on: .reference, wide, on: .reference, input: input)
    #expect(comparison.values.map(\.node) == ["tail"] && comparison.values[0].verdict == .unknown)
    #expect(comparison.unmatched.contains("head"))
    #expect(comparison.text.contains("Nothing can be judged") && !comparison.isGood)
    #expect(comparison.text.contains("has no such value: "))
  }

  @Test func networksWithNothingInCommonAreRefused() throws {
    let network = try SmallNetworks.edsr()
    var other = network
    other = try UNet(features: 4).network(.random(seed: 1))
    #expect(throws: EvaluationError.nothingInCommon(first: network.name, second: other.name)) {
      try Comparison(
        network, on: .reference, other, on: .reference, input: Tensor(repeating: 0.25, [1, 3, 32, 32]))
    }
  }

  @Test func twoModelsRunAlikeAndOneAgainstTheReference() {
    let cpu = EngineName.cpu(), other = EngineName.cpu(.portable, .bfloat16)
    for (first, second, isPair, expected) in [
      (nil, nil, false, (EngineName.reference, cpu)), (nil, other, false, (.reference, other)),
      (other, nil, false, (other, cpu)), (nil, nil, true, (cpu, cpu)), (nil, other, true, (other, other)),
      (.reference, nil, true, (.reference, .reference)), (.reference, other, true, (.reference, other)),
    ] as [(EngineName?, EngineName?, Bool, (EngineName, EngineName))] {
      let paths = EngineName.pair(first, second, ofTwoModels: isPair)
      #expect(paths.first == expected.0 && paths.second == expected.1)
    }
  }

  @Test(arguments: [(0, "0"), (1.19e-6, "1.19e-06"), (9.996, "1.00e+01"), (-123_456, "-1.23e+05"), (1e-12, "1.00e-12")])
  func scientificNotation(value: Double, text: String) {
    #expect(TextFormat.scientific(value) == text)
  }

  /// The run that users get is scheduled otherwise, and is held against the one whose values are compared.
  @Test func outputsForUsersHaveTheSameBits() throws {
    let network = try SmallNetworks.edsr()
    let comparison = try Comparison(
      network, on: .reference, network, on: .cpu(CPUOptions(threadCount: 3)), input: input, tile: .pixels(8))
    #expect(comparison.plainOutputs.map(\.differing) == [0, 0] && comparison.isGood)
    #expect(comparison.text.contains("3 threads, tiles 8), the outputs have the bits of those compared"), "\(comparison.text)")

    var wrong = comparison
    wrong.plainOutputs[1].differing = 7
    wrong.plainOutputs[1].firstPlace = [0, 2, 1, 5]
    #expect(!wrong.isGood)
    #expect(wrong.text.contains("differs from the run that is compared in 7 of "))
    #expect(wrong.text.contains("first at [0, 2, 1, 5]"))
  }

  /// A device may round otherwise between layers that one of its kernels does at once: then nearly the same is the same, and no more.
  @Test func outputsOfADeviceAreNearlyTheSame() throws {
    let network = try SmallNetworks.edsr()
    var comparison = try Comparison(network, on: .reference, network, on: .cpu(CPUOptions(threadCount: 1)), input: input)
    let checked = Tensor([1, 1, 1, 4], [1, 2, 3, 4])
    func plain(_ last: Float, _ allowed: Double?) -> Comparison.PlainOutput {
      Comparison.PlainOutput("cuda:0:float16", "y", Tensor([1, 1, 1, 4], [1, 2, 3, last]), checked, allowed: allowed)
    }
    #expect(plain(4, nil).isSame && !plain(4.001, nil).isSame && plain(4, 0).isSame && !plain(4.001, 0).isSame)
    #expect(plain(4.01, 4e-3).isSame && !plain(4.1, 4e-3).isSame && !plain(.nan, 4e-3).isSame && !plain(.infinity, 4e-3).isSame)
    #expect(plain(4.01, 4e-3).differing == 1)
    comparison.plainOutputs = [plain(4.01, 4e-3)]
    #expect(comparison.isGood && comparison.text.contains("cuda:0:float16), the outputs are those compared above but for 1.8"))
    comparison.plainOutputs = [plain(5, 4e-3)]
    #expect(!comparison.isGood && comparison.text.contains("in 1 of 4 elements, by up to 1.00"))
  }
}
