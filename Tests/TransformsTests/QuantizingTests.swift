import Architectures
import GeneratedNetworks
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import Testing
import Transforms

/// Networks become networks of integers: what they look like, that they verify, and that they make nearly the same.
@Suite struct QuantizingTests {
  /// The ranges of a network's values on an input.
  static func ranges(_ network: Network, _ inputs: [Tensor]) throws -> [String: QuantizationRange] {
    let values = try ReferenceEngine().values(of: network.preparedForQuantization(), inputs: inputs)
    return values.compactMapValues { tensor in
      guard tensor.dataType == .float32, let least = tensor.floats.min(), let most = tensor.floats.max() else { return nil }
      return QuantizationRange(minimum: least, maximum: most)
    }
  }

  /// The share of the error in the signal, in dB.
  private static func quality(_ a: Tensor, _ truth: Tensor) -> Double {
    var error = 0.0, signal = 0.0
    for (x, y) in zip(a.numbers, truth.numbers) {
      error += (x - y) * (x - y)
      signal += y * y
    }
    return error == 0 ? 200 : 10 * (signal / error).logarithm
  }

  private static func input(_ shape: Shape) -> Tensor {
    var generator = SplitMix64(seed: 3)
    let noise = Tensor(uniform: shape, bound: 0.5, using: &generator)
    return Tensor(shape, noise.floats.map { $0 + 0.5 })
  }

  private static let zoo: [(name: String, network: Network, shape: Shape)] = {
    func make(_ network: () throws -> Network) -> Network {
      do { return try network() } catch { preconditionFailure("\(error)") }
    }
    return [
      ("vdsr", make { try VDSR(depth: 6, features: 16).network(.random(seed: 1)) }, [1, 1, 14, 15]),
      ("edsr", make { try EDSR(scale: 2, features: 16, blocks: 3).network(.random(seed: 1)) }, [1, 3, 9, 10]),
      (
        "edsr_separable",
        make { try EDSR(scale: 2, features: 16, blocks: 2, convolution: .separable).network(.random(seed: 1)) }, [1, 3, 9, 10]
      ),
      ("small_resnet", make { try SmallResNet(classes: 5).network(.random(seed: 1)) }, [1, 3, 16, 16]),
      ("unet", make { try UNet(channels: 1, classes: 1, features: 8).network(.random(seed: 1)) }, [1, 1, 32, 32]),
    ]
  }()

  /// Between the halves of a first channel selection lie many channels: one half alone sums no integers. Where a product follows, the
  /// kernels are one with that.
  @Test(arguments: [false, true]) func firstSelectionsStayWhole(isInvertedBottleneck: Bool) throws {
    let shape: Shape = [1, 3, 12, 12]
    let network = try Network.built([shape]) { builder, x in
      var y = builder.convolution("first.select", x[0], outChannels: 8, kernel: 1)
      y = builder.convolution("first.kernels", y, outChannels: 8, kernel: 3, padding: 1, groups: 8)
      if isInvertedBottleneck { y = builder.convolution("narrow", y, outChannels: 6, kernel: 1) }
      y = builder.activation("relu", y, .relu)
      y = builder.convolution("second", y, outChannels: 8, kernel: 3, padding: 1)
      return [builder.convolution("last", y, outChannels: 3, kernel: 3, padding: 1)]
    }
    let ranges = try Self.ranges(network, [Self.input(shape)])
    func integers(_ scheme: QuantizationScheme) throws -> Set<String> {
      Set(try network.quantized(ranges, scheme).nodes.filter { $0.operation.epilogue?.sumsIntegers ?? false }.map(\.name))
    }
    let kept = try integers(QuantizationScheme())
    #expect(kept == (isInvertedBottleneck ? ["narrow", "second", "last"] : ["second", "last"]))
    // Pairs have become one.
    let all = try integers(QuantizationScheme(keepsFirst: false))
    #expect(all == (isInvertedBottleneck ? ["first.select", "narrow", "second", "last"] : ["first", "second", "last"]))
  }

  @Test(arguments: zoo.indices)
  func networksStayWhatTheyAre(_ index: Int) throws {
    let (name, network, shape) = Self.zoo[index], input = Self.input(shape)
    let ranges = try Self.ranges(network, [input])
    let truth = try ReferenceEngine().prepare(network, inputs: [shape]).run([input])[0]
    for scheme in [
      QuantizationScheme(), QuantizationScheme(element: .int8), QuantizationScheme(weightBits: 7),
      QuantizationScheme(keepsFirst: false), QuantizationScheme(residual: .float32),
    ] {
      let integers = try network.quantized(ranges, scheme)
      try integers.verify()
      #expect(integers.inputs == network.inputs)
      let types = try integers.inferredTypes(inputs: [shape])
      #expect(types[integers.outputs[0]]?.element == .float32)
      // What is of integers is fused already.
      #expect(integers.optimizedForInference() == integers)
      let output = try ReferenceEngine().prepare(integers, inputs: [shape]).run([input])[0]
      let quality = Self.quality(output, truth)
      #expect(quality > (name == "unet" ? 20 : 24), "\(name) with \(scheme): \(quality) dB")
      let layers = integers.nodes.filter { $0.operation.epilogue?.sumsIntegers ?? false }
      #expect(layers.count * 3 > integers.nodes.count, "\(name): \(layers.count) of \(integers.nodes.count)")
      for layer in layers {
        for part in layer.operation.linearParts {
          let weights = try #require(integers.parameter(part.weightRole, of: layer)?.integers)
          #expect(weights.allSatisfy { abs($0) <= (scheme.weightBits == 7 ? 63 : 127) })
        }
      }
    }
  }

  /// The residual block of EDSR: what is added are integers, and the ReLU is a minimum.
  @Test func structureOfResiduals() throws {
    let network = Self.zoo[1].network, input = Self.input(Self.zoo[1].shape)
    let integers = try network.quantized(Self.ranges(network, [input]))
    let names = integers.nodes.map { "\($0.name): \($0.operation.displayName)" }
    #expect(names.contains("head: convolution + quantize"), "\(names)")
    #expect(names.contains("body.0.a: convolution + requantize"), "\(names)")
    #expect(names.contains("body.0.b: convolution + add + requantize"), "\(names)")
    #expect(names.contains("tail: convolution") || names.contains("tail: convolution + add"), "\(names)")
    let first = try #require(integers.nodes.first { $0.name == "body.0.a" }?.operation.epilogue?.requantization)
    #expect(first.minimum == first.quantization.zeroPoint && first.maximum == 255 && first.quantization.zeroPoint == 0)
    #expect(!integers.nodes.contains { $0.operation.type == .dequantize })
  }

  /// The same block whose sum is float32: its layers read integers that are made of the sum once, and nothing adds what was rounded.
  @Test func structureOfFloatResiduals() throws {
    let network = Self.zoo[1].network, input = Self.input(Self.zoo[1].shape)
    let integers = try network.quantized(Self.ranges(network, [input]), QuantizationScheme(residual: .float32))
    let names = integers.nodes.map { "\($0.name): \($0.operation.displayName)" }
    for expected in [
      "head: convolution", "head.codes: quantize", "body.0.a: convolution + requantize", "body.0.b: convolution + add",
      "body.0.b.codes: quantize", "body.2.b: convolution + add", "skip: add", "skip.codes: quantize",
      "up.0: convolution + requantize + pixel shuffle",
    ] {
      #expect(names.contains(expected), "\(expected): \(names)")
    }
    // What no layer reads is not stored as integers.
    #expect(!names.contains("body.2.b.codes: quantize") && !names.contains { $0.hasSuffix("dequantize") }, "\(names)")
    #expect(integers.nodes.first { $0.name == "body.1.b" }?.inputs == ["body.1.a", "body.0.b"])
    #expect(integers.nodes.first { $0.name == "body.1.a" }?.inputs == ["body.0.b.codes"])
  }

  /// Of generated residual networks no sum is of integers, and none adds what integers stood for before; they are nearer to float32 for it.
  @Test func sumsStayFloat32() throws {
    var qualities: [ResidualSums: Double] = [:], sums = 0
    for seed in Seeds.first(150) {
      var choices = ChoiceSource(seed: UInt64(seed))
      let residual = try ResidualNetwork(&choices), input = residual.input
      let ranges = try Self.ranges(residual.network, [input])
      let truth = try ReferenceEngine().prepare(residual.network, inputs: [input.shape]).run([input])[0]
      for kind in ResidualSums.allCases {
        let scheme = QuantizationScheme(
          element: seed % 2 == 0 ? .uint8 : .int8, keepsFirst: seed % 3 == 0, residual: kind)
        let integers = try residual.network.quantized(ranges, scheme)
        #expect(integers.optimizedForInference() == integers, "seed \(seed)")
        let output = try ReferenceEngine().prepare(integers, inputs: [input.shape]).run([input])[0]
        qualities[kind, default: 0] += Self.quality(output, truth)
        guard kind == .float32 else { continue }
        let dequantized = Set(integers.nodes.filter { $0.operation.type == .dequantize }.map(\.name))
        for node in integers.nodes {
          let epilogue = node.operation.epilogue, added = node.operation.type == .add ? 2 : epilogue?.extraInputCount ?? 0
          let isOfIntegers = added > 0 && epilogue?.requantization != nil || node.operation.type == .requantizedAdd
          #expect(!isOfIntegers && dequantized.isDisjoint(with: node.elementInputs.suffix(added)), "seed \(seed): \(node)")
          sums += added > 0 ? 1 : 0
        }
      }
    }
    #expect(sums > 300)
    let integers = try #require(qualities[.int8]), numbers = try #require(qualities[.float32])
    #expect(numbers > integers + 150, "\(numbers / 150) and \(integers / 150) dB")
  }

  @Test func separablePartsAreJoined() throws {
    let network = Self.zoo[2].network, input = Self.input(Self.zoo[2].shape)
    let integers = try network.quantized(Self.ranges(network, [input]))
    let separable = integers.nodes.filter { $0.operation.type == .separableConvolution }
    #expect(separable.count > 3 && separable.contains { $0.operation.epilogue?.sumsIntegers ?? false })
    // The same of the network that was fused before.
    let fused = network.optimizedForInference()
    let again = try fused.quantized(Self.ranges(fused, [input]))
    #expect(again.nodes.map(\.operation.type) == integers.nodes.map(\.operation.type))
  }

  /// Concatenated values have one type with what they are made of; pools keep it.
  @Test func movedValuesHaveOneType() throws {
    let network = Self.zoo[4].network, input = Self.input(Self.zoo[4].shape)
    let integers = try network.quantized(Self.ranges(network, [input]))
    let types = try integers.inferredTypes(inputs: [input.shape])
    let joined = integers.nodes.filter { $0.operation.type == .concatenation }
    #expect(joined.count > 1 && joined.allSatisfy { types[$0.name]?.element == .uint8 })
    #expect(integers.nodes.filter { $0.operation.type == .maximumPool }.allSatisfy { types[$0.name]?.element == .uint8 })
  }

  /// Activations that no minimum states are tables, of the nearest integers.
  @Test func functionsAreTables() throws {
    for function: ActivationFunction in [
      .sigmoid, .tanh, .hardSwish, .silu, .gelu, .prelu(channels: 1), .clip(minimum: 0, maximum: 0.4),
    ] {
      var builder = NetworkBuilder("table")
      let x = builder.input("x", channels: 3)
      let a = builder.convolution("a", x, outChannels: 8, kernel: 3, padding: 1)
      let b = builder.convolution("b", builder.batchNorm("norm", a), outChannels: 8, kernel: 3, padding: 1)
      let c = builder.activation("function", b, function)
      builder.output(builder.convolution("c", c, outChannels: 4, kernel: 1))
      let network = try builder.build(.random(seed: 2)), input = Self.input([1, 3, 8, 8])
      let ranges = try Self.ranges(network, [input])
      let integers = try network.quantized(ranges)
      let truth = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
      let output = try ReferenceEngine().prepare(integers, inputs: [input.shape]).run([input])[0]
      #expect(Self.quality(output, truth) > 28, "\(function): \(Self.quality(output, truth)) dB")
      switch function {
      case .clip, .prelu: #expect(integers.nodes.map(\.name) == ["a", "b", "c"])
      default: #expect(integers.nodes.map(\.operation.type).contains(.lookup))
      }
    }
  }

  /// One or two minima and maxima behind a layer, with a factor between them or none: its integers are those that it stores without,
  /// cut off at the integers of the first bound's ends and then of the second's.
  @Test func boundsInARowCutOffInTurn() throws {
    for seed in Seeds.first(200) {
      var generator = SplitMix64(seed: UInt64(seed))
      func bound() -> ActivationFunction {
        if generator.next() % 3 == 0 { return .relu }
        let ends = [generator.nextUniform(bound: 0.6), generator.nextUniform(bound: 0.6)].sorted()
        return .clip(minimum: ends[0], maximum: ends[1])
      }
      var bounds = [bound()], factor: Float?
      if generator.next() % 4 != 0 { bounds.append(bound()) }
      // A factor moves the ends of what stands before it; where that is a ReLU, it has none but 0. Behind all bounds it would go to the next layer.
      if bounds.count == 2, bounds[0] == .relu, generator.next() % 2 == 0 { factor = 0.5 + generator.nextUnit() }
      func network(_ bounds: [ActivationFunction]) throws -> Network {
        var builder = NetworkBuilder("bounds")
        let x = builder.input("x", channels: 5)
        var value = builder.convolution("a", x, outChannels: 7, kernel: 3, padding: 1)
        if let first = bounds.first { value = builder.activation("first", value, first) }
        if let factor { value = builder.scale("factor", value, by: factor) }
        if bounds.count > 1 { value = builder.activation("second", value, bounds[1]) }
        builder.output(builder.convolution("b", value, outChannels: 6, kernel: 1))
        return try builder.build(.random(seed: UInt64(seed)))
      }
      let scheme = QuantizationScheme(element: seed % 2 == 0 ? .uint8 : .int8, keepsFirst: false)
      let input = Tensor(uniform: [1, 5, 6, 7], bound: 1, using: &generator)
      let plain = try network([]), closed = try network(bounds)
      // What is stored of the layer is measured without bounds, or with.
      let ranges = try Self.ranges(seed % 3 == 0 ? plain : closed, [input])
      func codes(_ network: Network) throws -> (ValueType.Quantization, [Int]) {
        let integers = try network.quantized(ranges, scheme)
        let type = try #require(try integers.inferredTypes(inputs: [input.shape])["a"])
        #expect(type.element == scheme.element && integers.nodes.filter { $0.name != "x.codes" }.count == 2, "seed \(seed)")
        let values = try ReferenceEngine().values(of: integers, inputs: [input])
        let codes = try #require(values["a"]?.integers), quantization = try #require(type.quantization)
        return (quantization, codes.map { Int($0) })
      }
      let (quantization, stored) = try codes(plain), (same, cut) = try codes(closed)
      #expect(quantization == same, "seed \(seed)")
      let all = try #require(scheme.element.integers)
      func nearest(_ number: Float) -> Int {
        let units = (number / quantization.scale).rounded(.toNearestOrEven)
        return min(max(Int(units) + quantization.zeroPoint, all.lowerBound), all.upperBound)
      }
      let expected = stored.map { code in
        bounds.reduce(code) { code, bound in
          switch bound {
          case .clip(let least, let most): min(max(code, nearest(least)), nearest(most))
          default: max(code, quantization.zeroPoint)
          }
        }
      }
      let differences = zip(cut, expected).count { $0 != $1 }
      #expect(differences == 0, "seed \(seed): \(bounds), \(factor ?? 1): \(differences) of \(expected.count) differ")
    }
  }

  /// Every case of the shared list is quantised and verifies, or says why not; one layer at least that stays float32 changes nothing else.
  @Test(arguments: OperationCase.all)
  func everyCaseVerifies(_ example: OperationCase) throws {
    let network = example.network, inputs = example.inputs
    let layers = try? network.quantizableLayers(QuantizationScheme(keepsFirst: false))
    guard network.graph.updates.isEmpty, let layers, !layers.isEmpty else { return }
    let ranges = try Self.ranges(network, inputs)
    let integers = try network.quantized(ranges, QuantizationScheme(keepsFirst: false))
    let outputs = try ReferenceEngine().prepare(integers, inputs: example.inputShapes).run(inputs)
    let truth = try ReferenceEngine().prepare(network, inputs: example.inputShapes).run(inputs)
    #expect(zip(outputs, truth).allSatisfy { $0.shape == $1.shape && $0.dataType == .float32 })
    for (output, expected) in zip(outputs, truth) where expected.floats.allSatisfy(\.isFinite) {
      #expect(Self.quality(output, expected) > 12, "\(example.name): \(Self.quality(output, expected)) dB")
    }
    let none = try network.quantized(ranges, QuantizationScheme(keepsFirst: false, floatLayers: Set(layers)))
    #expect(!none.nodes.contains { $0.operation.isOfIntegers })
  }

  @Test func faultsAreNamed() throws {
    let network = Self.zoo[1].network, input = Self.input(Self.zoo[1].shape)
    var ranges = try Self.ranges(network, [input])
    func error(_ body: () throws -> Network) -> String? {
      do { _ = try body() } catch { return "\(error)" }
      return nil
    }
    #expect(
      error { try network.quantized(ranges, QuantizationScheme(weightBits: 9)) }
        == "weights of 9 bits are not known; give 2 to 8")
    #expect(
      error { try network.quantized(ranges, QuantizationScheme(element: .int32)) }
        == "values of int32 are not known; give uint8 or int8")
    #expect(
      error { try network.quantized(ranges, QuantizationScheme(floatLayers: ["boddy"])) }?
        .hasPrefix("no layer is called 'boddy'; there are head, body.0.a") ?? false)
    ranges["body.0.a"] = QuantizationRange(minimum: 0, maximum: .infinity)
    #expect(error { try network.quantized(ranges) }?.contains("of the value 'body.0.a' is none") ?? false)
    ranges["body.0.a"] = nil
    #expect(error { try network.quantized(ranges) }?.contains("no range for the value 'body.0.a'") ?? false)
    let integers = try network.quantized(Self.ranges(network, [input]))
    #expect(error { try integers.quantized([:]) }?.contains("of integers already") ?? false)
    var builder = NetworkBuilder("relu")
    builder.output(builder.activation("relu", builder.input("x", channels: 3), .relu))
    let relu = try builder.build(.zeros)
    #expect(error { try relu.quantized([:]) } == "no layer of the network sums products that integers could sum")
  }

  @Test func rangesBecomeScales() {
    func quantization(_ least: Float, _ most: Float, _ element: DataType = .uint8) -> ValueType.Quantization {
      QuantizationRange(minimum: least, maximum: most).quantization(element)
    }
    #expect(quantization(0, 1) == .init(scale: 1 / 255, zeroPoint: 0) && quantization(0.5, 1) == quantization(0, 1))
    #expect(quantization(-1, 1) == .init(scale: 2 / 255, zeroPoint: 128) || quantization(-1, 1).zeroPoint == 127)
    #expect(quantization(-2, -1) == .init(scale: 2 / 255, zeroPoint: 255))
    #expect(quantization(0, 0) == .init(scale: 1, zeroPoint: 0) && quantization(0, 0, .int8).zeroPoint == -128)
    #expect(quantization(0, 1e-30).scale == 0x1p-32 && quantization(-1e30, 1e30).scale == 0x1p32)
  }

  /// The same function, but for rounding, and weights of like ranges.
  @Test func channelsAreEqualized() throws {
    let network = Self.zoo[1].network, input = Self.input(Self.zoo[1].shape)
    var uneven = network
    for name in ["body.0.a.weight", "body.1.a.weight"] {
      var weight = try #require(uneven.parameters[name])
      let size = weight.count / weight.shape[0]
      weight.withUnsafeMutableFloats { values in
        for index in values.indices where index / size % 3 == 0 { values[index] *= 50 }
      }
      uneven.parameters[name] = weight
    }
    let equal = uneven.equalizingChannels()
    try equal.verify()
    let truth = try ReferenceEngine().prepare(uneven, inputs: [input.shape]).run([input])[0]
    let output = try ReferenceEngine().prepare(equal, inputs: [input.shape]).run([input])[0]
    #expect(Self.quality(output, truth) > 100)
    func spread(_ network: Network) throws -> Float {
      let weight = try #require(network.parameters["body.0.a.weight"]).floats
      let size = weight.count / 16
      let largest = (0..<16).map { channel in weight[channel * size..<(channel + 1) * size].map(abs).max() ?? 0 }
      return (largest.max() ?? 0) / (largest.min() ?? 1)
    }
    #expect(try spread(equal) * 3 < spread(uneven))
    func loss(_ network: Network) throws -> Double {
      let integers = try network.quantized(Self.ranges(network, [input]))
      return Self.quality(try ReferenceEngine().prepare(integers, inputs: [input.shape]).run([input])[0], truth)
    }
    #expect(try loss(equal) > loss(uneven))
  }

  /// Biases make up for the mean that rounding of weights takes.
  @Test func biasesAreCorrected() throws {
    var builder = NetworkBuilder("one")
    let x = builder.input("x", channels: 4)
    builder.output(builder.convolution("c", x, outChannels: 3, kernel: 3, padding: 0))
    let network = try builder.build(.random(seed: 9)), input = Tensor(repeating: 0.7, [1, 4, 9, 9])
    let scheme = QuantizationScheme(weightBits: 4, keepsFirst: false), ranges = try Self.ranges(network, [input])
    let shifts = network.biasShifts(inputMeans: ["x": [0.7, 0.7, 0.7, 0.7]], scheme)
    func error(_ corrections: QuantizationCorrections) throws -> Float {
      let integers = try network.quantized(ranges, scheme, corrections: corrections)
      let output = try ReferenceEngine().prepare(integers, inputs: [input.shape]).run([input])[0].floats
      let truth = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0].floats
      return zip(output, truth).map { abs($0 - $1) }.max() ?? 0
    }
    #expect(try error(.init(biasShifts: shifts)) < 1e-4)
    #expect(try error(.init()) > 1e-3)
  }
}

extension Double {
  /// The decimal one, by the binary one and a series: tests take no library for it.
  fileprivate var logarithm: Double {
    guard self > 0 else { return -.infinity }
    // ln m for 1 <= m < 2 by atanh.
    let m = significand, y = (m - 1) / (m + 1)
    var term = y, sum = 0.0
    for k in 0..<30 {
      sum += term / Double(2 * k + 1)
      term *= y * y
    }
    return (2 * sum + Double(exponent) * 0.693_147_180_559_945_3) / 2.302_585_092_994_045_7
  }
}
