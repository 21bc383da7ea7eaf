import Architectures
import Networks
import Tensors
import OperationCases
import TestSupport
import Testing
import Transforms

/// What the passes save, by the ledger: fusion at least halves the bytes that go to memory and back.
@Suite struct TrafficTests {
  private func separable(_ name: String, _ x: NetworkBuilder.Value, _ builder: inout NetworkBuilder, _ outChannels: Int)
    -> NetworkBuilder.Value
  {
    let y = builder.convolution("\(name).depthwise", x, outChannels: x.channels, kernel: 3, padding: 1, groups: x.channels)
    return builder.convolution("\(name).pointwise", y, outChannels: outChannels, kernel: 1)
  }

  /// EDSR x2 with separable convolutions in its blocks.
  private func edsrSeparable(features: Int, blocks: Int) throws -> Network {
    try Network.built([[1, 3, 8, 8]]) { builder, x in
      let head = builder.convolution("head", x[0], outChannels: features, kernel: 3, padding: 1)
      var value = head
      for block in 0..<blocks {
        var y = builder.activation("\(block).relu", separable("\(block).a", value, &builder, features), .relu)
        y = builder.scale("\(block).scaled", separable("\(block).b", y, &builder, features), by: 0.1)
        value = builder.add("\(block).sum", y, value)
      }
      let sum = builder.add("skip", value, head)
      let up = builder.convolution("up", sum, outChannels: 4 * features, kernel: 3, padding: 1)
      let large = builder.pixelShuffle("shuffle", up, factor: 2)
      return [builder.convolution("tail", large, outChannels: 3, kernel: 3, padding: 1)]
    }
  }

  @Test func separableBlocks() throws {
    let network = try edsrSeparable(features: 64, blocks: 16)
    let result = network.optimizedForInference()
    try result.verify()
    let before = try network.ledger(inputs: [[1, 3, 8, 8]]), after = try result.ledger(inputs: [[1, 3, 8, 8]])
    #expect(before.parameterCount == 304_835 && after.parameterCount == 304_835)
    #expect(before.multiplyAccumulates == after.multiplyAccumulates)
    #expect(before.activationTensorCount == 1 + 16 * 7 + 4 && after.activationTensorCount == 1 + 16 * 2 + 3)
    // In values of 64 channels, 16 KiB here, and images of 3. Before: 15 a block (six nodes read and write one, an addition reads
    // two), the head writes 1, the skip takes 3, up 5, the shuffle 8, the tail reads 4. After: 2 and 3 a block, and up writes
    // shuffled. The head reads one image, the tail writes four.
    let value = 64 * 64 * 4, image = 3 * 64 * 4
    #expect(before.bytesMoved == (16 * 15 + 1 + 3 + 5 + 8 + 4) * value + 5 * image)
    #expect(after.bytesMoved == (16 * 5 + 1 + 3 + 5 + 4) * value + 5 * image)
    #expect(2 * after.bytesMoved <= before.bytesMoved)
  }

  /// Two levels of a U-Net with batch norm.
  @Test func uNet() throws {
    let shape: Shape = [1, 3, 8, 12]
    let network = try Network.built([shape]) { builder, x in
      func pair(_ name: String, _ x: NetworkBuilder.Value, _ channels: Int) -> NetworkBuilder.Value {
        var y = x
        for index in 0..<2 {
          y = builder.convolution("\(name).\(index)", y, outChannels: channels, kernel: 3, padding: 1)
          y = builder.activation("\(name).relu\(index)", builder.batchNorm("\(name).norm\(index)", y), .relu)
        }
        return y
      }
      let left = pair("left", x[0], 8)
      let deep = pair("deep", builder.maximumPool("pool", left, Pool(kernel: 2)), 16)
      let up = builder.transposedConvolution("up", deep, outChannels: 8, kernel: 2, stride: 2)
      let merged = pair("merged", builder.concatenation("both", [up, left]), 8)
      return [builder.convolution("out", merged, outChannels: 1, kernel: 1)]
    }
    let result = network.optimizedForInference()
    try result.verify()
    try expectCloseOutputs(result, network, [shape])
    #expect(
      result.nodes.map(\.name) == [
        "left.0", "left.1", "pool", "deep.0", "deep.1", "up", "both", "merged.0", "merged.1", "out",
      ])
    let before = try network.ledger(inputs: [shape]), after = try result.ledger(inputs: [shape], concatenationInPlace: true)
    #expect(before.activationTensorCount == 6 * 3 + 4 && after.activationTensorCount == 6 + 3)
    #expect(2 * after.bytesMoved <= before.bytesMoved)
    #expect(before.parameterCount - after.parameterCount == 2 * (8 + 8 + 16 + 16 + 8 + 8), "scale and shift of each batch norm")
  }

  @Test(arguments: OperationCase.all)
  func everyCaseStaysCloseAndStable(operationCase: OperationCase) throws {
    let network = operationCase.network, result = network.optimizedForInference()
    try result.verify()
    #expect(result.optimizedForInference() == result)
    if result != network { try expectCloseOutputs(result, network, operationCase.inputShapes) }
    let before = try network.ledger(inputs: operationCase.inputShapes)
    let after = try result.ledger(inputs: operationCase.inputShapes)
    #expect(after.bytesMoved <= before.bytesMoved && after.multiplyAccumulates <= before.multiplyAccumulates)
  }
}
