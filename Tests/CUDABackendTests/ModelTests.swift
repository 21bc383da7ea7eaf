import Architectures
import CUDAEmulation
import Execution
import Networks
import ReferenceBackend
import TestSupport
import Tensors
import Testing
import Transforms

@testable import CUDABackend

/// Models and sessions: parameters that are set, tiles, devices of other kinds.
@Suite struct ModelTests {
  @Test func parametersThatAreSetArePackedAgain() throws {
    let shape = Shape(channels: 3, height: 6, width: 9)
    let first = try EDSR(blocks: 1, convolution: .separable).network(.random(seed: 1)).optimizedForInference()
    let second = try EDSR(blocks: 1, convolution: .separable).network(.random(seed: 2)).optimizedForInference()
    let inputs = first.randomInputs([shape], seed: 3), engine = try EmulatedDevice.engine()
    let model = try engine.prepare(first), session = try model.session(inputs: [shape])
    let before = try session.run(inputs)
    try model.setParameters(second.parameters)
    let after = try session.run(inputs)
    let fresh = try engine.prepare(second, inputs: [shape]).run(inputs)
    #expect(after == fresh)
    #expect(after != before)
    #expect(throws: ExecutionError.unknownParameter("nobody")) { try model.setParameters(["nobody": Tensor(zeros: [1])]) }
  }

  /// A part of an image has the kernels of the whole one, and the same bits.
  @Test(arguments: [ConvolutionKind.standard, .separable]) func tilesAreTheImage(_ kind: ConvolutionKind) throws {
    let network = try EDSR(blocks: 1, convolution: kind).network(.random(seed: 4)).optimizedForInference()
    let shape = Shape(channels: 3, height: 37, width: 29), input = network.randomInputs([shape], seed: 5)[0]
    let engine = try EmulatedDevice.engine(), model = try engine.prepare(network)
    let whole = try model.session(inputs: [shape]).run([input])[0]
    let shapes = try network.inferredShapes(inputs: [shape])
    let geometry = try #require(
      TileGeometry(of: network, shapes: shapes) { engine.outputGrid(of: $0, in: network, shapes: shapes) })
    // Rows from 8 to 20, columns from 10 to the end, with what they look at.
    let rows = 8..<20, columns = 10..<29
    let top = max(rows.lowerBound - geometry.halo, 0), bottom = min(rows.upperBound + geometry.halo, shape.height)
    let left = max(columns.lowerBound - geometry.halo, 0)
    let tile = Shape(channels: 3, height: bottom - top, width: shape.width - left)
    let part = Tensor(
      tile,
      (0..<tile.count).map { index in
        let (x, y, c) = (index % tile.width, index / tile.width % tile.height, index / (tile.width * tile.height))
        return input.floats[(c * shape.height + y + top) * shape.width + x + left]
      })
    let result = try model.session(inputs: [tile], kernelsFor: [shape]).run([part])[0]
    let scale = geometry.scale
    for c in 0..<3 {
      for y in rows.lowerBound * scale..<rows.upperBound * scale {
        for x in columns.lowerBound * scale..<columns.upperBound * scale {
          let a = whole.floats[(c * whole.shape.height + y) * whole.shape.width + x]
          let b = result.floats[(c * result.shape.height + y - top * scale) * result.shape.width + x - left * scale]
          guard a.bitPattern == b.bitPattern else {
            Issue.record("at \(c), \(y), \(x) the tile has \(b) and the image \(a)")
            return
          }
        }
      }
    }
  }

  /// With little shared memory other kernels do the work; on 9.0 those for it.
  @Test(arguments: [(80, 48 << 10, "tiled_16x16"), (90, 227 << 10, "denseWideHopper_half_16x16_64")])
  func devicesChooseTheirKernels(_ capability: Int, _ shared: Int, _ kernel: String) throws {
    defer { cudaEmulatedSetDevice(80, 227 << 10, 1 << 40) }
    cudaEmulatedSetDevice(Int32(capability), Int32(shared), 1 << 40)
    let network = try VDSR(depth: 3).network(.random(seed: 6))
    let shape = Shape(channels: 1, height: 9, width: 50), inputs = network.randomInputs([shape], seed: 7)
    let engine = try EmulatedDevice.engine()
    try expectReference(engine, network, inputs)
    let session = try engine.prepare(network.optimizedForInference(), inputs: [shape])
    #expect(session.deviceKernels.contains(kernel), "\(session.deviceKernels)")
  }

  /// What is planned without a device is what a session does on one, and the cheapest of what was weighed.
  @Test(arguments: WholeNetworkTests.examples) func plansAreSessions(_ example: WholeNetworkTests.Example) throws {
    let network = try example.network().optimizedForInference()
    for precision in CUDAPrecision.allCases {
      let engine = try EmulatedDevice.engine(precision)
      let session = try engine.prepare(network, inputs: [example.input])
      let plan = try DevicePlan(network, inputs: [example.input], precision: precision, device: engine.device)
      let done = try #require(session as? CUDASession).kernels
      #expect(plan.steps.map(\.node) == done.map(\.node) && plan.steps.map(\.kernel.name) == done.map(\.kernel))
      #expect(plan.valueByteCount > 0 && plan.steps.contains { !$0.candidates.isEmpty })
      for step in plan.steps where !step.candidates.isEmpty {
        let costs = step.candidates.compactMap(\.cost)
        #expect(step.candidates.first { $0.method == step.kernel }?.cost == costs.min(), "\(step.node)")
      }
    }
  }

  /// Residual blocks and long skips are fewer kernels, and what these compute is what the layers one by one compute.
  @Test(arguments: [(80, 64), (80, 40), (90, 64), (90, 20)]) func blocksAreTheirLayers(_ capability: Int, _ features: Int)
    throws
  {
    defer { cudaEmulatedSetDevice(80, 227 << 10, 1 << 40) }
    cudaEmulatedSetDevice(Int32(capability), 227 << 10, 1 << 40)
    let block = capability == 90 ? "separableBlockHopper_half" : "separableBlock_half"
    let network = try EDSR(features: features, blocks: 2, convolution: .separable).network(.random(seed: 10))
      .optimizedForInference()
    let shape = Shape(channels: 3, height: 18, width: 35), inputs = network.randomInputs([shape], seed: 11)
    var engine = try EmulatedDevice.engine()
    let fused = try engine.prepare(network, inputs: [shape])
    engine.preferredKernels = CUDAKernel.allCases.filter { $0.name == "separable_half_16x16" }
    let layers = try engine.prepare(network, inputs: [shape])
    func count(_ session: any Session, _ kernel: String) -> Int {
      (session as? CUDASession)?.kernels.count { $0.kernel == kernel } ?? 0
    }
    #expect(count(fused, block) == 2 && count(fused, "separable_half_16x16") == 0)
    #expect(count(layers, block) == 0 && count(layers, "separable_half_16x16") == 4)
    // The long skip rides on the last block.
    #expect(count(fused, "elementwise") == 0 && count(layers, "elementwise") == 0)
    #expect(try relativeError(fused.run(inputs)[0], layers.run(inputs)[0]) < 1e-4)
  }

  /// In float32 nothing is rounded to 16 bits, and layers of tiles run on the tensor cores in three products.
  @Test(arguments: [(80, "dense_float_16x16"), (90, "denseWideHopper_float_16x16_64"), (80, "separable_float_16x16")])
  func float32IsFloat32(_ capability: Int, _ kernel: String) throws {
    defer { cudaEmulatedSetDevice(80, 227 << 10, 1 << 40) }
    cudaEmulatedSetDevice(Int32(capability), 227 << 10, 1 << 40)
    let isSeparable = kernel.hasPrefix("separable")
    let network = try EDSR(blocks: 1, convolution: isSeparable ? .separable : .standard).network(.random(seed: 8))
    let shape = Shape(channels: 3, height: 13, width: 18), inputs = network.randomInputs([shape], seed: 9)
    let engine = try EmulatedDevice.engine(.float32)
    let outputs = try expectReference(engine, network, inputs)
    let exact = try ReferenceEngine().prepare(network, inputs: [shape]).run(inputs)
    #expect(relativeError(outputs[0], exact[0]) < 4e-6)
    let session = try engine.prepare(network.optimizedForInference(), inputs: [shape])
    for kernel in ["head_float_3", kernel, "tail_float_16x16"] {
      #expect(session.deviceKernels.contains(kernel), "\(session.deviceKernels)")
    }
  }
}
