import CPUBackend
import Execution
import Networks
import Tensors
import Testing

/// What the estimates are made of: all products at least, and more for more work.
@Suite struct EstimateTests {
  private func estimate<Layer: ProductLayer>(
    _ layer: Layer, _ instructionSet: InstructionSet = .avx512bf16, precision: Precision = .float32
  ) throws -> Double {
    let cycles = KernelSelector.candidates(for: layer, KernelRates(.zen5, instructionSet, precision)).compactMap(\.cost)
    return try #require(cycles.min())
  }

  private func separable(
    _ order: SeparableConvolution.Order, kernel: Int = 3, stride: Int = 1, channels: Int = 64, size: Int = 64
  ) throws -> SeparableGeometry {
    let payload = SeparableConvolution(
      order: order, inChannels: channels, outChannels: channels, kernel: Pair(kernel), stride: Pair(stride),
      padding: Padding(kernel / 2))
    let input = Shape(channels: channels, height: size, width: size)
    return SeparableGeometry(payload, input: input, output: try payload.shapeBeforeShuffle(input))
  }

  @Test(arguments: SeparableConvolution.Order.allCases)
  func separable(order: SeparableConvolution.Order) throws {
    let usual = try estimate(separable(order))
    // 64 · 64 pixels of 64 · 64 + 9 · 64 products, 32 a cycle.
    let least = Double(4096 * (4096 + 576)) / 32
    #expect(usual > least && usual < 2 * least)
    #expect(try estimate(separable(order, kernel: 7)) > usual)
    #expect(try estimate(separable(order), .avx2) > usual)
    // A stride spares the pointwise part its products only where it comes last.
    let strided = try estimate(separable(order, stride: 2))
    #expect(order == .depthwiseFirst ? strided < 0.3 * usual : strided > 0.7 * usual)
  }

  @Test func transposed() throws {
    func estimate(_ payload: TransposedConvolution, _ precision: Precision = .float32) throws -> Double {
      let node = Node(name: "up", operation: .transposedConvolution(payload), inputs: ["x"])
      let input = Shape(channels: payload.inChannels, height: 32, width: 32)
      let shapes = ["x": input, "up": try payload.shapeBeforeShuffle(input)]
      let geometry = try #require(TransposedGeometry(node, payload, shapes: shapes))
      return try self.estimate(geometry, precision: precision)
    }
    let plain = try estimate(TransposedConvolution(inChannels: 64, outChannels: 32, kernel: 2, stride: 2))
    let least = Double(1024 * 4 * 64 * 32) / 32
    #expect(plain > least && plain < 2 * least)
    let wide = try estimate(TransposedConvolution(inChannels: 64, outChannels: 32, kernel: 4, stride: 2, padding: 1))
    #expect(wide > 4 * least)
    let pairs = try estimate(TransposedConvolution(inChannels: 64, outChannels: 32, kernel: 2, stride: 2), .bfloat16)
    #expect(pairs < 0.7 * plain)
  }

  @Test func linear() throws {
    func estimate(batch: Int, _ inFeatures: Int) throws -> Double {
      let payload = Linear(inFeatures: inFeatures, outFeatures: 1024)
      let node = Node(name: "fc", operation: .linear(payload), inputs: ["x"])
      let geometry = try #require(LinearGeometry(node, payload, shapes: ["x": [batch, inFeatures]]))
      return try self.estimate(geometry)
    }
    #expect(try estimate(batch: 6, 512) == estimate(batch: 1, 512), "a register tile has six rows in any case")
    #expect(try estimate(batch: 60, 512) > 5 * estimate(batch: 6, 512))
    // 16 MiB of weights come from memory, 3 bytes a cycle.
    #expect(try estimate(batch: 1, 4096) > 16 * 1024 * 1024 / 3)
  }
}
