import Networks
import Swiftlet
import Tensors
import Testing

@testable import Evaluation

/// Weights of whole networks rounded by what layers sum.
@Suite struct AdaptiveRoundingTests {
  private static let engine = Engine.cpu(CPUOptions(instructionSet: .portable, threadCount: 1))

  private static func data(_ network: Network, _ shape: Shape, count: Int = 3) -> CalibrationData {
    var generator = SplitMix64(seed: 5)
    return CalibrationData(
      samples: (0..<count).map { _ in
        var input = Tensor(uniform: shape, bound: 0.3, using: &generator)
        input.withUnsafeMutableFloats { values in
          // Neighbours are alike.
          for place in values.indices { values[place] += 0.4 + 0.3 * Float(place / 7 % 5) / 5 }
        }
        return CalibrationData.Sample(input: input)
      })
  }

  /// Each kind of layer, alone.
  private static func layers() throws -> [(Network, Shape)] {
    func network(_ channels: Int, _ body: (inout NetworkBuilder, NetworkBuilder.Value) -> NetworkBuilder.Value) throws
      -> Network
    {
      var builder = NetworkBuilder("layer")
      let x = builder.input("x", channels: channels)
      builder.output(body(&builder, x))
      return try builder.build(.random(seed: 3))
    }
    func layer(_ payload: Convolution) throws -> Network {
      try network(payload.inChannels) { $0.node("a", .convolution(payload), [$1], channels: payload.outChannels) }
    }
    func layer(_ payload: TransposedConvolution) throws -> Network {
      try network(payload.inChannels) { $0.node("a", .transposedConvolution(payload), [$1], channels: payload.outChannels) }
    }
    var flat = NetworkBuilder("flat")
    let x = flat.input("x", axes: [nil, 7])
    flat.output(flat.linear("a", x, outFeatures: 5))
    return [
      (try layer(Convolution(inChannels: 3, outChannels: 5, kernel: 3, padding: 1)), [2, 3, 7, 6]),
      (
        try layer(
          Convolution(
            inChannels: 4, outChannels: 6, kernel: Pair(height: 3, width: 2), stride: Pair(height: 2, width: 1),
            padding: Padding(top: 2, left: 0, bottom: 1, right: 1), dilation: Pair(height: 1, width: 2), groups: 2)),
        [1, 4, 9, 8]
      ),
      (try layer(Convolution(inChannels: 4, outChannels: 4, kernel: 3, padding: 1, groups: 4)), [1, 4, 5, 5]),
      (try layer(Convolution(inChannels: 3, outChannels: 4, kernel: 1, epilogue: Epilogue([.pixelShuffle(2)]))), [1, 3, 4, 5]),
      (
        try layer(
          TransposedConvolution(
            inChannels: 4, outChannels: 6, kernel: 3, stride: 2, padding: Padding(1), outputPadding: Pair(1), groups: 2)),
        [1, 4, 4, 5]
      ),
      (try layer(TransposedConvolution(inChannels: 2, outChannels: 3, kernel: 2, stride: 2)), [2, 2, 3, 4]),
      (try flat.build(.random(seed: 1)), [6, 7]),
    ]
  }

  /// Pixels times weights are the layer's sums.
  @Test func pixelsAreWhatLayersMultiply() throws {
    for (network, shape) in try Self.layers() {
      let node = network.nodes[0], input = Self.data(network, shape).samples[0].input
      let pixels = try #require(LayerPixels(node.operation)), part = try #require(node.operation.linearParts.last)
      let weight = try #require(network.parameter(.weight, of: node)).floats
      let bias = network.parameter(.bias, of: node)?.floats
      var plain = network
      plain.nodes[0].operation.epilogue = Epilogue()
      let expected = try ReferenceEngine().prepare(plain, inputs: [shape]).run([input])[0]
      let extents = try #require(LayerPixels.extents(node.operation, input: shape)), area = extents.height * extents.width
      #expect(expected.count == shape[0] * part.outChannels * area)
      for image in 0..<shape[0] {
        for place in 0..<area {
          var numbers = [[Double]](repeating: Array(repeating: 0, count: pixels.terms), count: pixels.groups)
          input.withUnsafeFloats { values in
            pixels.forEach(values, shape, image: image, row: place / extents.width, column: place % extents.width) {
              numbers[$0][$1] = Double($2)
            }
          }
          for channel in 0..<part.outChannels {
            let group = channel / (part.outChannels / part.groups)
            let sum = zip(part.places(of: channel), numbers[group]).reduce(Double(bias?[channel] ?? 0)) {
              $0 + Double(weight[$1.0]) * $1.1
            }
            let wanted = Double(expected.floats[(image * part.outChannels + channel) * area + place])
            #expect(abs(sum - wanted) < 1e-5, "\(node.operation.displayName), \(channel), \(place): \(sum), \(wanted)")
          }
        }
      }
    }
  }

  /// Every kind of layer sums nearer to float32 than with the nearest integers, on the pixels it was rounded by, or as near.
  @Test func sumsComeNearer() throws {
    var (all, left) = (0.0, 0.0)
    for (network, shape) in try Self.layers() {
      let data = Self.data(network, shape, count: 4),
        calibration = try RangeCalibration(
          of: network, on: data, engine: Self.engine, method: .minmax)
      let scheme = QuantizationScheme(weightBits: 3, keepsFirst: false)
      var rounding = AdaptiveRounding(
        network.preparedForQuantization(), data, scheme, calibration.ranges, QuantizationCorrections(), engine: Self.engine,
        correctsBiases: true)
      let name = try #require(network.quantizableLayers(scheme).first)
      try rounding.round(name)
      #expect(rounding.corrections.weights[name] != nil)
      func error(_ corrections: QuantizationCorrections) throws -> Double {
        let integers = try network.quantized(calibration.ranges, scheme, corrections: corrections)
        var sum = 0.0
        for sample in data.samples {
          let a = try ReferenceEngine().prepare(network, inputs: [shape]).run([sample.input])[0].floats
          let b = try ReferenceEngine().prepare(integers, inputs: [shape]).run([sample.input])[0].floats
          sum += zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        }
        return sum
      }
      let nearest = QuantizationCorrections(biasShifts: network.biasShifts(inputMeans: calibration.means, scheme))
      let (before, after) = try (error(nearest), error(rounding.corrections))
      #expect(after <= before, "\(network.nodes[0].operation.displayName): \(before) -> \(after)")
      all += 1
      left += after / before
    }
    #expect(left < 0.9 * all, "\(left) of \(all)")
  }

  /// The same bits on every number of threads, and a whole network that loses less.
  @Test func networksLoseLess() throws {
    let network = try VDSR(depth: 5, features: 8).network(.random(seed: 4)),
      data = Self.data(network, [1, 1, 24, 20], count: 4)
    var options = ModelQuantization.Options()
    options.measuresLayers = false
    options.scheme.weightBits = 4
    var files: [[String: Tensor]] = [], qualities: [Double] = []
    for (rounding, threads) in [(WeightRounding.nearest, 1), (.adaptive, 1), (.adaptive, 2), (.adaptive, 3)] {
      options.rounding = rounding
      let engine = Engine.cpu(CPUOptions(threadCount: threads))
      var work = try QuantizationWork(network, data, options, engine)
      try work.roundWeights(nil)
      let integers = try work.quantized()
      qualities.append(try work.quality(of: integers))
      files.append(integers.parameters)
    }
    #expect(files[1] == files[2] && files[2] == files[3] && files[0] != files[1])
    #expect(qualities[1] > qualities[0] + 1, "\(qualities)")
  }

  @Test func reportsSayIt() throws {
    let network = try SmallNetworks.vdsr(), data = Self.data(network, [1, 1, 16, 16])
    var options = ModelQuantization.Options()
    options.rounding = .adaptive
    options.timedShapes = [[1, 1, 16, 16]]
    let report = try ModelQuantization(network, model: "vdsr", data: data, options: options, engine: Self.engine)
    #expect(report.text.contains("rounded adaptively"), "\(report.text)")
    let timing = try #require(report.timing)
    #expect(timing.forms.map(\.name).prefix(3) == ["float32", "bfloat16", "integers"] && timing.threads == 1)
    #expect(report.text.contains("1x1x16x16 on 1 thread, in turn: float32 "), "\(report.text)")
  }

  /// What holds integers back is said where they gain nothing.
  @Test func slownessIsSaid() throws {
    func form(_ name: String, _ ms: Double, _ isOfIntegers: Bool) -> QuantizationTiming.Form {
      .init(name: name, ms: ms, leastMs: ms * 0.95, mostMs: ms * 1.05, isOfIntegers: isOfIntegers)
    }
    var timing = QuantizationTiming(
      input: "1x3x8x8", threads: 2,
      forms: [form("float32", 2, false), form("bfloat16", 1, false), form("integers", 1.5, true)],
      heldBack: [.init(name: "body.a", ms: 0.7, otherMs: 0.2), .init(name: "x.codes", ms: 0.1)])
    #expect(timing.isSlower && timing.ratio == 1.5)
    #expect(
      timing.text
        == "1x3x8x8 on 2 threads, in turn: float32 2.000 ms, bfloat16 1.000 ms, integers 1.500 ms; integers take 1.50 of the time of "
        + "bfloat16\nintegers are slower here; they are held back by body.a (0.700 ms, bfloat16 0.200 ms), x.codes (0.100 ms, not in "
        + "bfloat16)\n")
    timing.forms[2] = form("integers", 1.02, true)
    #expect(!timing.isSlower && timing.text.contains("no faster here, as far as can be told; they are held back by body.a"))
    timing.forms[2] = form("integers", 0.5, true)
    #expect(!timing.text.contains("held back") && timing.text.contains("integers take 0.50 of the time of bfloat16"))
  }
}
