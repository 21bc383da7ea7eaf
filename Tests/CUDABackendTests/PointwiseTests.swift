import CUDAEmulation
import Execution
import Networks
import ReferenceBackend
import TestSupport
import Tensors
import Testing
import Transforms

@testable import CUDABackend

/// Layers whose pixels need no neighbours, and separable layers of one kernel or of two.
@Suite struct PointwiseTests {
  private static let kernels = CUDAKernel.allCases.filter {
    if case .pointwiseHopper = $0.family { true } else { false }
  }

  /// 1x1 with and without what is added, to shuffled pixels, and spread pixels that are concatenated.
  private func networks(_ seed: UInt64) throws -> [Network] {
    func network(_ inputs: Int, _ body: (inout NetworkBuilder, NetworkBuilder.Value) -> NetworkBuilder.Value) throws -> Network
    {
      var builder = NetworkBuilder("points")
      let x = builder.input("x", channels: inputs)
      builder.output(body(&builder, x))
      return try builder.build(.random(seed: seed)).optimizedForInference()
    }
    return [
      try network(72) { builder, x in
        let y = builder.convolution("layer", x, outChannels: 72, kernel: Pair(1))
        return builder.activation("relu", builder.add("sum", y, x), .relu)
      },
      try network(20) { builder, x in
        let y = builder.activation(
          "leaky", builder.convolution("layer", x, outChannels: 130, kernel: Pair(1)), .leakyReLU(slope: 0.2))
        return builder.convolution("last", y, outChannels: 9, kernel: Pair(1))
      },
      try network(40) { builder, x in
        builder.pixelShuffle("shuffle", builder.convolution("layer", x, outChannels: 36, kernel: Pair(1)), factor: 2)
      },
      try network(33) { builder, x in
        let y = builder.transposedConvolution("up", x, outChannels: 70, kernel: Pair(2), stride: Pair(2))
        let z = builder.transposedConvolution("other", x, outChannels: 64, kernel: Pair(2), stride: Pair(2))
        return builder.convolution("last", builder.concatenation("both", [y, z]), outChannels: 12, kernel: Pair(1))
      },
    ]
  }

  /// Whatever the kernel and the number of splits: the reference, and the same bits in another order of blocks.
  @Test func layersAreTheReference() throws {
    defer { cudaEmulatedSetDevice(80, 227 << 10, 1 << 40) }
    cudaEmulatedSetDevice(90, 227 << 10, 1 << 40)
    var random = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: 0..<1000, using: &random)
    for (number, network) in try networks(seed).enumerated() {
      let shape = Shape(batch: 3, channels: network.inputs[0].channels ?? 0, height: 7, width: 9 + number)
      let inputs = network.randomInputs([shape], seed: seed)
      for kernel in Self.kernels {
        for splits in [1, 2] {
          var engine = try EmulatedDevice.engine(kernel.name.contains("bfloat16") ? .bfloat16 : .float16)
          engine.preferredKernels = [kernel]
          engine.preferredSplits = splits
          let context = "network \(number), \(kernel), \(splits) splits, seed \(seed)"
          cudaEmulatedSetSeed(UInt32(seed))
          let first = try expectReference(engine, network, inputs, context)
          cudaEmulatedSetSeed(UInt32(seed) + 77)
          let session = try engine.prepare(network, inputs: [shape])
          #expect(try session.run(inputs) == first, "\(context)")
          let done = session.deviceKernels
          let isWide = kernel.name.hasSuffix("_128")
          #expect(isWide || done.contains(kernel.name), "\(context): \(done)")
        }
      }
    }
  }

  /// A separable layer is one kernel where that is preferred, and never costs more than its two parts by estimate.
  @Test(arguments: [SeparableConvolution.Order.depthwiseFirst, .pointwiseFirst])
  func separableLayersAreOneKernelOrTwo(_ order: SeparableConvolution.Order) throws {
    defer { cudaEmulatedSetDevice(80, 227 << 10, 1 << 40) }
    cudaEmulatedSetDevice(90, 227 << 10, 1 << 40)
    let family: CUDAKernel.Family = order == .depthwiseFirst ? .separable(.float16) : .selection(.float16)
    for (channels, side) in [(16, 20), (64, 9), (512, 3)] {
      var builder = NetworkBuilder("separable")
      let x = builder.input("x", channels: channels)
      builder.output(
        builder.separableConvolution("layer", x, order: order, outChannels: channels, kernel: Pair(3), padding: Padding(1)))
      let network = try builder.build(.random(seed: 5)), shape = Shape(channels: channels, height: side, width: side)
      let inputs = network.randomInputs([shape], seed: 6)
      var engine = try EmulatedDevice.engine(.float16)
      let usual = try expectReference(engine, network, inputs, "\(channels), as chosen")
      engine.preferredKernels = CUDAKernel.allCases.filter { $0.family == family }
      let atOnce = try expectReference(engine, network, inputs, "\(channels), at once")
      #expect(usual[0].shape == atOnce[0].shape)
      let done = try engine.prepare(network, inputs: [shape]).deviceKernels
      #expect(engine.preferredKernels.contains { done.contains($0.name) }, "\(done)")
    }
  }
}
