import CUDAEmulation
import Execution
import Networks
import ReferenceBackend
import TestSupport
import Tensors
import Testing
import Transforms

@testable import CUDABackend

/// Deep layers, whose input channels several blocks share.
@Suite struct SplitTests {
  /// A layer with everything that ends one: bias, activation, factor, residual, another addition; or shuffled pixels.
  private func network(
    inputs: Int, outputs: Int, size: Int = 3, stride: Int = 1, shuffles: Bool = false, adds: Bool = false, seed: UInt64
  ) throws -> Network {
    var builder = NetworkBuilder("deep")
    let x = builder.input("x", channels: inputs)
    var y = builder.convolution(
      "layer", x, outChannels: outputs * (shuffles ? 4 : 1), kernel: Pair(size), stride: Pair(stride),
      padding: Padding(size / 2))
    if adds { y = builder.add("sum", y, builder.convolution("skip", x, outChannels: outputs, kernel: Pair(1))) }
    y = builder.activation("relu", y, .relu)
    if shuffles { y = builder.pixelShuffle("shuffle", y, factor: 2) }
    builder.output(y)
    return try builder.build(.random(seed: seed)).optimizedForInference()
  }

  private func separable(inputs: Int, outputs: Int, _ order: SeparableConvolution.Order, seed: UInt64) throws -> Network {
    var builder = NetworkBuilder("deep")
    let x = builder.input("x", channels: inputs)
    let y = builder.separableConvolution(
      "layer", x, order: order, outChannels: outputs, kernel: Pair(3), padding: Padding(1))
    builder.output(
      builder.activation(
        "relu", builder.add("sum", y, builder.convolution("skip", x, outChannels: outputs, kernel: Pair(1))), .relu))
    return try builder.build(.random(seed: seed)).optimizedForInference()
  }

  /// Whatever the number of splits and the kernel: the reference, the same bits again in another order of blocks, one kernel more a layer.
  @Test(arguments: CUDAPrecision.allCases, [80, 90]) func splitsAreTheLayer(_ precision: CUDAPrecision, _ capability: Int)
    throws
  {
    defer { cudaEmulatedSetDevice(80, 227 << 10, 1 << 40) }
    cudaEmulatedSetDevice(Int32(capability), 227 << 10, 1 << 40)
    var random = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: 0..<1000, using: &random)
    let layers = [
      try network(inputs: 100, outputs: 70, adds: true, seed: seed),
      try network(inputs: 120, outputs: 64, shuffles: true, seed: seed),
      try network(inputs: 224, outputs: 128, size: 1, seed: seed), try network(inputs: 110, outputs: 20, stride: 2, seed: seed),
      try network(inputs: 112, outputs: 70, size: 1, stride: 2, seed: seed),
      try separable(inputs: 100, outputs: 70, .depthwiseFirst, seed: seed),
      try separable(inputs: 100, outputs: 70, .pointwiseFirst, seed: seed),
    ]
    for (number, layer) in layers.enumerated() {
      let shape = Shape(batch: number == 1 ? 2 : 1, channels: layer.inputs[0].channels ?? 0, height: 7, width: 18 - number)
      let inputs = layer.randomInputs([shape], seed: seed)
      for splits in [2, 3, 4] {
        var engine = try EmulatedDevice.engine(precision)
        engine.preferredSplits = splits
        let context = "layer \(number), \(splits) splits, seed \(seed)"
        cudaEmulatedSetSeed(UInt32(seed))
        let first = try expectReference(engine, layer, inputs, context)
        cudaEmulatedSetSeed(UInt32(seed) + 77)
        #expect(try engine.prepare(layer, inputs: [shape]).run(inputs) == first, "\(context)")
        let done = try engine.prepare(layer, inputs: [shape]).deviceKernels
        #expect(done.contains { $0.hasPrefix("sumParts") }, "\(context): \(done)")
      }
    }
  }

  /// A tile has the splits of the image that it is cut from.
  @Test(arguments: CUDAPrecision.allCases) func tilesAreTheImage(_ precision: CUDAPrecision) throws {
    let layer = try network(inputs: 80, outputs: 64, size: 1, seed: 3)
    let shape = Shape(channels: 80, height: 20, width: 17), input = layer.randomInputs([shape], seed: 4)[0]
    var engine = try EmulatedDevice.engine(precision)
    engine.preferredSplits = 2
    let model = try engine.prepare(layer), whole = try model.session(inputs: [shape]).run([input])[0]
    let tile = Shape(channels: 80, height: 3, width: 17)
    func rows(_ tensor: Tensor, _ channel: Int, from first: Int, height: Int) -> [Float] {
      let start = (channel * height + first) * 17
      return Array(tensor.floats[start..<start + 3 * 17])
    }
    let part = Tensor(tile, (0..<80).flatMap { rows(input, $0, from: 9, height: 20) })
    let result = try model.session(inputs: [tile], kernelsFor: [shape]).run([part])[0]
    for channel in 0..<64 {
      #expect(rows(whole, channel, from: 9, height: 20) == rows(result, channel, from: 0, height: 3), "channel \(channel)")
    }
  }

  /// Deep layers are split on an H100, those of many pixels are not, and what is taken costs the least of all numbers of splits.
  @Test(arguments: CUDAPrecision.allCases) func splitsAreWhatPays(_ precision: CUDAPrecision) {
    for (channels, side, isSplit) in [(512, 7, true), (512, 28, true), (64, 256, false), (256, 256, false)] {
      let shape = Shape(channels: channels, height: side, width: side), layout = DeviceLayout(image: shape, precision.element)
      let layer = DeviceLayer(
        form: .convolution(Convolution(inChannels: channels, outChannels: channels, kernel: Pair(3), padding: Padding(1))),
        input: layout, output: layout, epilogue: CanonicalEpilogue(), residual: nil, device: .h100)
      guard let kernel = layer.chosen else {
        Issue.record("no kernel for \(shape)")
        continue
      }
      let splits = layer.splits(of: kernel)
      #expect((splits > 1) == isSplit, "\(shape): \(splits) with \(kernel)")
      for other in 1...32
      where layer.allows(other, of: kernel) && (other == 1 || other * 2 * kernel.channelsPerUnit! <= channels) {
        #expect(layer.nanoseconds(of: kernel) <= layer.nanoseconds(of: kernel, splits: other), "\(shape), \(other)")
      }
      // Not below what all multiprocessors and the memory need.
      let products = Double(channels * channels * 9 * side * side)
      let rates: [CUDAPrecision: Double] = [.float32: 350, .tensorFloat32: 1000]
      let rate = rates[precision] ?? 2600
      #expect(layer.nanoseconds(of: kernel) >= products / rate / 132)
    }
  }

  /// Long layers of few blocks, several of which a multiprocessor has room for, begin when the kernel ahead is done; all others before.
  @Test func longLayersOfFewBlocksAreKeptApart() throws {
    func kept(_ channels: Int, _ side: Int) throws -> Bool {
      let shape = Shape(channels: channels, height: side, width: side)
      let deep = try network(inputs: channels, outputs: channels, seed: 1)
      let kernels = CUDAKernel.allCases.filter { $0.name == "denseWideHopper_half_16x16_64" }
      var planner = try PlannedNetwork(deep, inputs: [shape], kernelsFor: [shape], precision: .float16).planner(
        precision: .float16, device: .h100, preferred: kernels, preferredSplits: 1)
      let step = try #require(try planner.plan().steps.first { $0.kernel.name == "denseWideHopper_half_16x16_64" })
      return !step.overlaps
    }
    // 128 blocks and 264 places; 256 of them; and a short one.
    #expect(try kept(512, 64))
    #expect(try !kept(64, 256))
    #expect(try !kept(64, 32))
  }
}
