import Networks
import Tensors
import Testing

/// Output shapes against figures worked out by hand from the formulas of PyTorch's documentation.
@Suite struct ShapeRuleTests {
  private func conv(
    _ kernel: Pair, stride: Pair = 1, padding: Padding = 0, dilation: Pair = 1, groups: Int = 1, epilogue: [Epilogue.Step] = []
  ) -> Operation {
    .convolution(
      Convolution(
        inChannels: 4, outChannels: 8, kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups,
        epilogue: Epilogue(epilogue)))
  }

  @Test func convolution() throws {
    let x: Shape = [2, 4, 10, 7]
    #expect(try conv(3, padding: 1).outputShape([x]) == [2, 8, 10, 7])
    #expect(try conv(3).outputShape([x]) == [2, 8, 8, 5])
    #expect(try conv(3, stride: 2, padding: 1).outputShape([x]) == [2, 8, 5, 4])
    #expect(try conv(3, stride: Pair(height: 3, width: 2), padding: 1, dilation: 2).outputShape([x]) == [2, 8, 3, 3])
    #expect(
      try conv(Pair(height: 1, width: 3), padding: Padding(top: 0, left: 1, bottom: 2, right: 0)).outputShape([x]) == [
        2, 8, 12, 6,
      ])
    #expect(try conv(7, stride: 2, padding: 3).outputShape([[1, 4, 1, 1]]) == [1, 8, 1, 1])
    #expect(try conv(3, padding: 1, epilogue: [.add, .pixelShuffle(2)]).outputShape([x, [2, 8, 10, 7]]) == [2, 2, 20, 14])
  }

  @Test func convolutionRefusals() {
    func reason(_ operation: Operation, _ shapes: [Shape]) -> String? {
      do {
        _ = try operation.outputShape(shapes)
        return nil
      } catch { return error.reason }
    }
    #expect(reason(conv(3), [[1, 4, 2, 9]]) == "the kernel reaches over 3 pixels and the padded height has 2")
    #expect(reason(conv(3, dilation: 4), [[1, 4, 9, 8]]) == "the kernel reaches over 9 pixels and the padded width has 8")
    #expect(reason(conv(3), [[1, 3, 9, 9]]) == "the input 1x3x9x9 has 3 channels, not 4")
    #expect(reason(conv(3), [[1, 4]]) == "the input 1x4 is no image [N, C, H, W]")
    #expect(reason(conv(3), [[0, 4, 9, 9]]) == "the input 0x4x9x9 has an extent of 0")
    #expect(reason(conv(3), []) == "it takes 1 inputs and gets 0")
    #expect(reason(conv(3), [[1 << 40, 4, 1 << 40, 9]])?.contains("more than 68719476736 elements") == true)
    #expect(
      reason(conv(3, epilogue: [.add]), [[1, 4, 3, 3], [1, 8, 3, 3]]) == "the epilogue adds 1x8x3x3 to an output of 1x8x1x1")
    #expect(reason(.add, [[1, 2, 3, 4], [1, 2, 3, 5]]) == "1x2x3x4 and 1x2x3x5 are not of the same shape")
    #expect(
      reason(.concatenation(Concatenation()), [[1, 2, 3, 4], [1, 5, 3, 5]])
        == "1x2x3x4 and 1x5x3x5 differ in more than their channels")
    #expect(
      reason(.pixelShuffle(PixelShuffle(factor: 2)), [[1, 6, 3, 3]]) == "the 6 channels of 1x6x3x3 are no multiple of 2²")
    #expect(
      reason(.pixelUnshuffle(PixelUnshuffle(factor: 2)), [[1, 6, 4, 3]]) == "height and width of 1x6x4x3 are no multiples of 2")
    #expect(
      reason(.resize(Resize(method: .nearest, factor: 1 << 20)), [[1, 1, 1 << 18, 1]])?.contains("more than") == true)
    #expect(reason(.linear(Linear(inFeatures: 3, outFeatures: 2)), [[1, 3, 1, 1]])?.contains("flatten it first") == true)
  }

  @Test(arguments: [
    (conv: Convolution(inChannels: 0, outChannels: 1, kernel: 1), fault: "the inChannels 0 is not in 1...1048576"),
    (Convolution(inChannels: 4, outChannels: 4, kernel: 1, stride: 0), "the stride height 0 is not in 1...1048576"),
    (Convolution(inChannels: 4, outChannels: 4, kernel: 1, padding: -1), "the top padding -1 is not in 0...1048576"),
    (Convolution(inChannels: 4, outChannels: 4, kernel: 1, dilation: 0), "the dilation height 0 is not in 1...1048576"),
    (Convolution(inChannels: 4, outChannels: 6, kernel: 1, groups: 4), "the groups 4 do not divide the outChannels 6"),
    (Convolution(inChannels: 6, outChannels: 4, kernel: 1, groups: 4), "the groups 4 do not divide the inChannels 6"),
    (
      Convolution(inChannels: 1 << 20, outChannels: 1, kernel: Pair(1 << 20)),
      "a kernel 1048576 over 1048576 channels has more than 16777216 weights"
    ),
    (
      Convolution(inChannels: 1, outChannels: 8, kernel: 1, epilogue: Epilogue([.pixelShuffle(2), .add])),
      "the pixel shuffle is not the last step of the epilogue"
    ),
    (
      Convolution(inChannels: 1, outChannels: 6, kernel: 1, epilogue: Epilogue([.pixelShuffle(2)])),
      "6 channels are no multiple of 2² for the pixel shuffle"
    ),
    (
      Convolution(inChannels: 1, outChannels: 6, kernel: 1, epilogue: Epilogue([.activation(.prelu(channels: 5))])),
      "the epilogue has 5 slopes for 6 channels"
    ),
    (
      Convolution(inChannels: 1, outChannels: 6, kernel: 1, epilogue: Epilogue([.scale(.nan)])), "the factor nan is not finite"
    ),
  ])
  func illegalConvolution(convolution: Convolution, fault: String) {
    let operation = Operation.convolution(convolution)
    #expect(operation.attributeFault == fault)
    #expect(operation.parameters.isEmpty)
    #expect(throws: TypeMismatch(fault)) { try operation.outputShape([[1, 4, 4, 4]]) }
  }

  @Test func otherIllegalAttributes() {
    let faults: [(Operation, String)] = [
      (.activation(.clip(minimum: 1, maximum: 0)), "1.0 to 0.0 is no finite range"),
      (.activation(.leakyReLU(slope: .infinity)), "the slope inf is not finite"),
      (.maximumPool(Pool(kernel: 2, padding: 2)), "the padding 2 is not smaller than the kernel 2"),
      (.batchNorm(BatchNorm(channels: 3, epsilon: -1)), "the epsilon -1.0 is negative or not finite"),
      (
        .transposedConvolution(TransposedConvolution(inChannels: 1, outChannels: 1, kernel: 2, stride: 2, outputPadding: 2)),
        "the output padding 2 is not smaller than stride or dilation, 2"
      ),
      (.pixelUnshuffle(PixelUnshuffle(factor: 1025)), "the factor 1025 is not in 1...1024"),
      (.resize(Resize(method: .bicubic, factor: 0)), "the factor 0.0 is not above 0 and at most 1048576"),
    ]
    for (operation, fault) in faults { #expect(operation.attributeFault == fault) }
  }

  @Test func otherShapes() throws {
    let x: Shape = [2, 4, 10, 7]
    func transposed(_ payload: TransposedConvolution) throws -> Shape {
      try Operation.transposedConvolution(payload).outputShape([x])
    }
    #expect(try transposed(TransposedConvolution(inChannels: 4, outChannels: 3, kernel: 2, stride: 2)) == [2, 3, 20, 14])
    #expect(
      try transposed(TransposedConvolution(inChannels: 4, outChannels: 3, kernel: 3, stride: 2, padding: 1, outputPadding: 1))
        == [2, 3, 20, 14])
    #expect(
      try transposed(TransposedConvolution(inChannels: 4, outChannels: 3, kernel: 3, stride: 3, padding: 2, dilation: 2))
        == [2, 3, 28, 19])
    #expect(try Operation.maximumPool(Pool(kernel: 2)).outputShape([x]) == [2, 4, 5, 3])
    #expect(try Operation.maximumPool(Pool(kernel: 2, ceilMode: true)).outputShape([x]) == [2, 4, 5, 4])
    // The last window of height 1 would start at row 3 of 3: dropped.
    #expect(try Operation.averagePool(Pool(kernel: 2, stride: 3, ceilMode: true)).outputShape([[1, 1, 3, 4]]) == [1, 1, 1, 2])
    #expect(try Operation.maximumPool(Pool(kernel: 3, stride: 2, padding: 1)).outputShape([x]) == [2, 4, 5, 4])
    #expect(try Operation.pixelShuffle(PixelShuffle(factor: 2)).outputShape([x]) == [2, 1, 20, 14])
    #expect(try Operation.pixelUnshuffle(PixelUnshuffle(factor: 7)).outputShape([[1, 2, 14, 7]]) == [1, 98, 2, 1])
    #expect(try Operation.resize(Resize(method: .bilinear, factor: 3)).outputShape([x]) == [2, 4, 30, 21])
    #expect(try Operation.globalAveragePool.outputShape([x]) == [2, 4, 1, 1])
    #expect(try Operation.flatten.outputShape([x]) == [2, 280])
    #expect(try Operation.linear(Linear(inFeatures: 280, outFeatures: 9)).outputShape([[2, 280]]) == [2, 9])
    #expect(try Operation.concatenation(Concatenation()).outputShape([x, [2, 1, 10, 7], x]) == [2, 9, 10, 7])
    #expect(try Operation.activation(.prelu(channels: 1)).outputShape([x]) == x)
    #expect(throws: TypeMismatch.self) { try Operation.activation(.prelu(channels: 3)).outputShape([x]) }
    #expect(throws: TypeMismatch.self) { try Operation.batchNorm(BatchNorm(channels: 3)).outputShape([x]) }
  }
}
