import Architectures
import CPUBackend
@testable import CUDABackend
import CUDAEmulation
import Execution
import Networks
import ReferenceBackend
import Tensors
import Testing
import Transforms

/// Whole networks on the device, against the reference and the CPU engine.
@Suite struct WholeNetworkTests {
  /// A network, an input of odd size, and which kernels have to take part.
  struct Example: Sendable, CustomStringConvertible {
    var description: String
    var network: @Sendable () throws -> Network
    var input: Shape
    var kernels: Set<String>
  }

  static let examples: [Example] = [
    Example(
      description: "EDSR x2", network: { try EDSR(blocks: 2).network(.random(seed: 1)) },
      input: Shape(channels: 3, height: 9, width: 19), kernels: ["head_half_3x3", "dense_half_16x16", "tail_half_16x16"]),
    Example(
      description: "EDSR x3 luma", network: { try EDSR(scale: 3, channels: 1, blocks: 1).network(.random(seed: 2)) },
      input: Shape(channels: 1, height: 5, width: 7), kernels: ["dense_half_16x16", "move", "tail_half_16x16"]),
    Example(
      description: "EDSR x2 separable",
      network: { try EDSR(blocks: 2, convolution: .separable).network(.random(seed: 3)) },
      input: Shape(batch: 2, channels: 3, height: 7, width: 21),
      kernels: ["head_half_3x3", "separableBlock_half", "tail_half_16x16"]),
    Example(
      description: "EDSR x2 by channel selection",
      network: { try EDSR(blocks: 1, convolution: .selection).network(.random(seed: 4)) },
      input: Shape(channels: 3, height: 11, width: 17), kernels: ["selection_half_16x16"]),
    Example(
      description: "VDSR", network: { try VDSR(depth: 5).network(.random(seed: 5)) },
      input: Shape(channels: 1, height: 19, width: 23), kernels: ["head_half_3x3", "dense_half_16x16", "tail_half_16x16"]),
    Example(
      description: "U-Net", network: { try UNet(features: 16).network(.random(seed: 6)) },
      input: Shape(channels: 3, height: 16, width: 32),
      kernels: ["dense_half_16x16", "maximumPool_half_2x2", "pointwise_half_16x16", "pointwisePlanes_half_8"]),
    Example(
      description: "U-Net separable", network: { try UNet(features: 64, convolution: .separable).network(.random(seed: 7)) },
      input: Shape(channels: 3, height: 16, width: 16), kernels: ["maximumPool_half_2x2", "pointwise_half_16x16"]),
    Example(
      description: "See in the dark", network: { try SeeInTheDark(features: 16).network(.random(seed: 8)) },
      input: Shape(channels: 4, height: 16, width: 16),
      kernels: ["maximumPool_half_2x2", "dense_half_16x16", "pointwisePlanes_half_16"]),
    Example(
      description: "See in the dark, light",
      network: { try SeeInTheDark(variant: .light, features: 16).network(.random(seed: 14)) },
      input: Shape(channels: 4, height: 16, width: 16),
      kernels: ["maximumPool_half_2x2", "dense_half_16x16", "pointwisePlanes_half_16"]),
    Example(
      description: "See in the dark, lighter", network: { try SeeInTheDark(variant: .lighter).network(.random(seed: 9)) },
      input: Shape(channels: 4, height: 16, width: 16), kernels: ["maximumPool_half_2x2", "pointwisePlanes_half_16"]),
    Example(
      description: "small ResNet", network: { try SmallResNet().network(.random(seed: 10)) },
      input: Shape(batch: 2, channels: 3, height: 25, width: 37),
      kernels: ["dense_half_16x16", "mean_half", "linear_half_planes"]),
    Example(
      description: "small ResNet by channel selection",
      network: { try SmallResNet(convolution: .selection).network(.random(seed: 11)) },
      input: Shape(channels: 3, height: 25, width: 37), kernels: ["selection_half_16x16"]),
    Example(
      description: "ResNet-18", network: { try ResNet18(classes: 10, features: 32).network(.random(seed: 12)) },
      input: Shape(channels: 3, height: 49, width: 33),
      kernels: ["maximumPool_half_3x3", "dense_half_16x16", "denseStride2_half_16x16"]),
    Example(
      description: "ResNet-18 by channel selection",
      network: { try ResNet18(classes: 10, features: 32, convolution: .selection).network(.random(seed: 13)) },
      input: Shape(channels: 3, height: 49, width: 33), kernels: ["maximumPool_half_3x3", "selection_half_16x16"]),
  ]

  @Test(arguments: examples) func networksAreTheReference(_ example: Example) throws {
    let network = try example.network(), inputs = network.randomInputs([example.input], seed: 11)
    let engine = try EmulatedDevice.engine()
    let outputs = try expectReference(engine, network, inputs, example.description)
    let fused = network.optimizedForInference()
    let exact = try CPUEngine(threadCount: 1).prepare(fused, inputs: [example.input]).run(inputs)
    #expect(relativeError(outputs[0], exact[0]) < 4e-3)

    // Where values share memory, and threads run in another order, the bits are the same; a run is one copy there and one back.
    let packed = try EmulatedDevice.engine(separatesValues: false)
    let session = try packed.prepare(fused, inputs: [example.input])
    #expect(example.kernels.isSubset(of: session.deviceKernels), "\(session.deviceKernels)")
    for seed: UInt32 in [5, 77] {
      cudaEmulatedSetSeed(seed)
      cudaEmulatedResetCounts()
      #expect(try session.run(inputs) == outputs)
      let counts = cudaEmulatedCounts()
      #expect(counts.uploads == 1 && counts.downloads == 1 && counts.graphLaunches == 1, "\(counts)")
    }
  }
}

extension WholeNetworkTests {
  /// Kernels of TF32 and bfloat16, the latter with the names of those of float16; what leaves is of the precision's size.
  @Test(arguments: examples, [CUDAPrecision.tensorFloat32, .bfloat16])
  func otherPrecisionsAreTheReference(_ example: Example, _ precision: CUDAPrecision) throws {
    // Emulated products of TF32 take twice as long, and deep networks have no kernels of their own there.
    if precision == .tensorFloat32, example.description.hasPrefix("ResNet-18") { return }
    let network = try example.network(), inputs = network.randomInputs([example.input], seed: 12)
    let engine = try EmulatedDevice.engine(precision)
    let outputs = try expectReference(engine, network, inputs, example.description)
    let fused = network.optimizedForInference()
    let exact = try CPUEngine(threadCount: 1).prepare(fused, inputs: [example.input]).run(inputs)
    let error = relativeError(outputs[0], exact[0])
    #expect(error < (precision == .bfloat16 ? 3e-2 : 4e-3) && error > 0, "\(error)")
    let session = try EmulatedDevice.engine(precision, separatesValues: false).prepare(fused, inputs: [example.input])
    if precision == .bfloat16 {
      let names = Set(example.kernels.map { $0.replacing("half", with: "bfloat16") })
      #expect(names.isSubset(of: session.deviceKernels), "\(session.deviceKernels)")
    } else {
      #expect(session.deviceKernels.contains { $0.contains("tf32") }, "\(session.deviceKernels)")
    }
    cudaEmulatedSetSeed(99)
    #expect(try session.run(inputs) == outputs)
  }
}

extension Session {
  /// The kernels of a session on a device.
  var deviceKernels: Set<String> { (self as? CUDASession).map { Set($0.kernels.map(\.kernel)) } ?? [] }
}
