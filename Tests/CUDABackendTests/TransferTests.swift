import Architectures
import CUDAEmulation
import Execution
import Networks
import Tensors
import Testing
import Transforms

@testable import CUDABackend

/// How often a U-Net's values go to the device and back, as the driver counts it: layer by layer, fused, and kept there.
@Suite struct TransferTests {
  /// Runs every node as a network of its own: values come from the host and go back to it. Also returns how often, weights not counted.
  private func runLayerByLayer(
    _ network: Network, _ inputs: [Tensor], on engine: CUDAEngine
  ) throws -> (output: Tensor, copies: Int) {
    var values = Dictionary(uniqueKeysWithValues: zip(network.inputs.map(\.name), inputs))
    var copies = 0
    for node in network.nodes {
      let operands = try Array(node.elementInputs).map { try #require(values[$0]) }
      let alone = NetworkGraph(
        name: node.name,
        inputs: zip(node.elementInputs, operands).map { NetworkInput(name: $0, axes: $1.shape.extents.map { $0 }) },
        nodes: [node], outputs: [node.name])
      let own = node.operation.parameters.map { node.parameterName($0.role) }
      let one = try Network(alone, parameters: network.parameters.filter { own.contains($0.key) })
      let session = try engine.prepare(one, inputs: operands.map(\.shape))
      cudaEmulatedResetCounts()
      values[node.name] = try session.run(operands)[0]
      copies += Int(cudaEmulatedCounts().uploads + cudaEmulatedCounts().downloads)
    }
    return (try #require(values[network.outputs[0]]), copies)
  }

  @Test func valuesOfUNetsStayOnTheDevice() throws {
    let network = try UNet(features: 16).network(.random(seed: 21))
    let shape = Shape(channels: 3, height: 16, width: 16), inputs = network.randomInputs([shape], seed: 22)
    let engine = try EmulatedDevice.engine(), fused = network.optimizedForInference()
    let naive = try runLayerByLayer(network, inputs, on: engine)
    let joined = try runLayerByLayer(fused, inputs, on: engine)
    let session = try engine.prepare(fused, inputs: [shape])
    cudaEmulatedResetCounts()
    let resident = try session.run(inputs)[0]
    let counts = cudaEmulatedCounts()
    // All operands of a node are one copy.
    #expect(naive.copies == 2 * network.nodes.count && naive.copies == 134)
    #expect(joined.copies < naive.copies / 2, "\(joined.copies)")
    #expect(counts.uploads + counts.downloads == 2)
    #expect(counts.uploadedBytes == 3 * 16 * 16 * 4 && counts.downloadedBytes == 16 * 16 * 4)
    #expect(relativeError(naive.output, resident) < 4e-3 && relativeError(joined.output, resident) < 4e-3)
  }
}
