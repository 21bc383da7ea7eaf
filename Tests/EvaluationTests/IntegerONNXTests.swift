import GeneratedNetworks
import Swiftlet
import Testing

/// Networks of integers as ONNX, and back. (What ONNX Runtime makes of such files is held against ours by hand: the same integers.)
@Suite struct IntegerONNXTests {
  private static func ranges(_ network: Network, _ input: Tensor) throws -> [String: QuantizationRange] {
    let data = CalibrationData(samples: [.init(input: input, target: nil)])
    return try RangeCalibration(of: network, on: data, engine: .reference, method: .minmax).ranges
  }

  private static func input(_ shape: Shape) -> Tensor {
    Tensor(shape, (0..<shape.count).map { Float($0 * 37 % 101) / 100 })
  }

  private static func mixed() throws -> Network {
    var builder = NetworkBuilder("mixed")
    let x = builder.input("x", channels: 3)
    let head = builder.activation(
      "head.prelu", builder.convolution("head", x, outChannels: 8, kernel: 3, padding: 1), .prelu(channels: 8))
    let a = builder.activation(
      "a.leaky", builder.convolution("a", head, outChannels: 8, kernel: 3, padding: 1), .leakyReLU(slope: 0.1))
    let b = builder.activation(
      "b.prelu", builder.convolution("b", a, outChannels: 8, kernel: 3, padding: 1, groups: 2), .prelu(channels: 8))
    let sum = builder.activation(
      "sum.relu", builder.add("sum", builder.convolution("c", b, outChannels: 8, kernel: 1), a), .relu)
    let small = builder.maximumPool("pool", sum, Pool(kernel: 2))
    let mean = builder.averagePool("mean", sum, Pool(kernel: 2))
    let joined = builder.concatenation("joined", [small, mean])
    let gate = builder.activation("gate", builder.convolution("d", joined, outChannels: 8, kernel: 1), .relu)
    let clipped = builder.activation(
      "clipped", builder.convolution("e", gate, outChannels: 8, kernel: 3, padding: 1), .clip(minimum: -0.2, maximum: 0.2))
    let up = builder.transposedConvolution("up", clipped, outChannels: 8, kernel: 2, stride: 2)
    let shuffled = builder.pixelShuffle("shuffle", builder.convolution("f", up, outChannels: 16, kernel: 1), factor: 2)
    builder.output(builder.convolution("tail", shuffled, outChannels: 3, kernel: 3, padding: 1))
    return try builder.build(.random(seed: 11))
  }

  private static func networks() throws -> [(Network, Shape)] {
    [
      (try mixed(), [1, 3, 8, 10]), (try SmallNetworks.vdsr(), [1, 1, 12, 9]), (try SmallNetworks.edsr(), [1, 3, 9, 8]),
      (try SmallResNet(features: 4).network(.random(seed: 3)), [1, 3, 16, 16]),
      (try UNet(channels: 1, features: 4).network(.random(seed: 3)), [1, 1, 32, 16]),
      (try EDSR(features: 8, blocks: 2, convolution: .separable).network(.random(seed: 2)), [1, 3, 8, 8]),
    ]
  }

  @Test(arguments: [
    QuantizationScheme(), QuantizationScheme(element: .int8), QuantizationScheme(weightBits: 7, keepsFirst: false),
    QuantizationScheme(residual: .float32), QuantizationScheme(element: .int8, keepsFirst: false, residual: .float32),
  ])
  func networksComeBack(_ scheme: QuantizationScheme) throws {
    var networks = try Self.networks()
    for seed in Seeds.first(12) {
      var choices = ChoiceSource(seed: UInt64(seed))
      let residual = try ResidualNetwork(&choices)
      networks.append((residual.network, residual.input.shape))
    }
    for (network, shape) in networks {
      let input = Self.input(shape)
      let integers = try network.quantized(Self.ranges(network, input), scheme)
      let again = try ONNXFile.read(bytes: ONNXFile.bytes(of: integers))
      let layers = integers.nodes.count { $0.operation.displayName.contains("requantize") }
      #expect(
        again.nodes.count { $0.operation.displayName.contains("requantize") } >= layers - 1, "\(network.name): \(again.text)")
      // Sums are what they were.
      func sums(_ network: Network) -> Int {
        network.nodes.count {
          $0.operation.type == .add || $0.operation.type == .requantizedAdd || ($0.operation.epilogue?.extraInputCount ?? 0) > 0
        }
      }
      if scheme.residual == .float32 {
        let ours = again.optimizedForInference()
        #expect(sums(ours) == sums(integers) && !ours.nodes.contains { $0.operation.type == .requantizedAdd }, "\(ours.text)")
      }
      let expected = try ReferenceEngine().prepare(integers, inputs: [shape]).run([input])[0]
      let output = try ReferenceEngine().prepare(again, inputs: [shape]).run([input])[0]
      let difference = output.difference(from: expected)
      // The last bits of multipliers may differ, and with them what lies between two integers.
      #expect(difference.maximum <= 0.02 * max(difference.scale, 0.1), "\(network.name) \(scheme): \(difference.maximum)")
      #expect(difference.mean <= 0.001 * max(difference.scale, 0.1), "\(network.name) \(scheme): \(difference.mean)")
    }
  }

  /// Inputs of integers, tables and functions of integers come back with the same bits.
  @Test(arguments: [DataType.uint8, .int8]) func integersAndTablesComeBack(_ element: DataType) throws {
    let integers = try #require(element.integers),
      middle = Requantization(element, .init(scale: 0.02, zeroPoint: integers.lowerBound + 99))
    var builder = NetworkBuilder("tables")
    let x = builder.input("x", axes: [nil, 3, nil, nil], element: element, quantization: .init(scale: 0.01, zeroPoint: 5))
    let layer = builder.node(
      "layer",
      .convolution(
        Convolution(inChannels: 3, outChannels: 4, kernel: 3, padding: 1, epilogue: Epilogue([.rescale, .requantize(middle)]))),
      [x], channels: 4)
    let table = builder.node(
      "table", .integer(.lookup(Lookup(element, .init(scale: 1 / 256, zeroPoint: integers.lowerBound)))), [layer], channels: 4)
    builder.output(builder.node("numbers", .integer(.dequantize), [table], channels: 4))
    let network = try builder.build(.random(seed: 9)), shape: Shape = [2, 3, 5, 6]
    let input = Tensor(shape, element, integers: (0..<shape.count).map { integers.lowerBound + $0 * 37 % 256 })
    let again = try ONNXFile.read(bytes: ONNXFile.bytes(of: network))
    #expect(again.inputs == network.inputs && again.nodes.count == 3, "\(again.text)")
    let expected = try ReferenceEngine().prepare(network, inputs: [shape]).run([input])
    #expect(try ReferenceEngine().prepare(again, inputs: [shape]).run([input]) == expected)
    #expect(try CPUEngine(threadCount: 2).prepare(again, inputs: [shape]).run([input]) == expected)
  }

  /// Broken scales and zero points are one line.
  @Test func brokenScalesAreNamed() throws {
    let network = try SmallNetworks.vdsr(), input = Self.input([1, 1, 12, 9])
    let integers = try network.quantized(Self.ranges(network, input)), bytes = try ONNXFile.bytes(of: integers)
    func pattern(_ scale: Float) -> [UInt8] { withUnsafeBytes(of: scale.bitPattern.littleEndian) { Array($0) } }
    let node = try #require(integers.nodes.first { $0.name == "layers.1" })
    let old = pattern(try #require(node.operation.epilogue?.requantization).quantization.scale)
    let places = bytes.indices.filter { $0 + 4 <= bytes.count && bytes[$0..<$0 + 4].elementsEqual(old) }
    #expect(!places.isEmpty)
    for wrong: Float in [0, -1, .nan, .infinity, 1e30, 1e-30] {
      var broken = bytes
      for place in places { broken.replaceSubrange(place..<place + 4, with: pattern(wrong)) }
      do throws(FormatProblem) {
        _ = try ONNXFile.read(bytes: broken)
        Issue.record("the scale \(wrong) was read")
      } catch {
        #expect(error.description.contains("scale") && !error.description.contains("\n"), "\(error.description)")
      }
    }
  }
}
