import Execution
import Networks
import ReferenceBackend
import Tensors
import Testing

@testable import Formats

/// Reshapes of axes that are open, whose elements then move: each result is checked against the moves of plain arrays.
@Suite struct ONNXRegroupingTests {
  typealias Make = ONNXSizeTests

  private func expect(_ network: Network, _ shape: Shape, _ result: Shape, _ place: (_ index: [Int]) -> Int) throws {
    let input = Tensor(shape, (0..<shape.count).map { Float($0) })
    let output = try ReferenceEngine().prepare(network, inputs: [shape]).run([input])[0]
    #expect(output.shape == result)
    let expected = (0..<result.count).map { element -> Float in
      var rest = element
      var index = [Int](repeating: 0, count: result.rank)
      for axis in (0..<result.rank).reversed() { (index[axis], rest) = (rest % result[axis], rest / result[axis]) }
      return Float(place(index))
    }
    #expect(output.floats == expected, "\(network.text)")
  }

  /// The elements of several open axes as blocks of 8x9: which axis gave which part depends on the size.
  @Test func openAxesTogetherAreNoParts() throws {
    let network = try Make.read(
      ["n", 4, "h", "w"],
      [Make.node("Reshape", ["x", "s"], ["a"]), Make.node("Transpose", ["a"], ["y"], [.integers("perm", [0, 1, 3, 2])])],
      [Make.Make.integers("s", [-1, 4, 8, 9])])
    for shape in [Shape([1, 4, 8, 9]), [1, 4, 9, 8], [1, 4, 16, 9], [2, 4, 3, 12], [1, 4, 2, 288]] {
      try expect(network, shape, [shape.count / 288, 4, 9, 8]) { i in ((i[0] * 4 + i[1]) * 8 + i[3]) * 9 + i[2] }
    }
  }

  /// A part that is an axis of its own is whole wherever the file runs.
  @Test func anAxisInTwo() throws {
    let network = try Make.read(
      [1, 4, "h", "w"],
      [Make.node("Reshape", ["x", "s"], ["a"]), Make.node("Transpose", ["a"], ["y"], [.integers("perm", [0, 1, 2, 4, 3])])],
      [Make.Make.integers("s", [0, 0, 0, -1, 3])])
    for (height, width) in [(2, 9), (5, 3)] {
      try expect(network, [1, 4, height, width], [1, 4, height, 3, width / 3]) { i in
        ((i[1] * height + i[2]) * (width / 3) + i[4]) * 3 + i[3]
      }
    }
    #expect(throws: NetworkError.self) { try network.inferredShapes(inputs: [[1, 4, 2, 8]]) }
  }

  /// The channels of a shuffle are open behind a Transpose.
  @Test(arguments: ["DCR", "CRD"]) func shufflesOfOpenChannels(mode: String) throws {
    let network = try Make.read(
      [1, 2, "h", "w"],
      [
        Make.node("Transpose", ["x"], ["a"], [.integers("perm", [0, 3, 1, 2])]),
        Make.node("DepthToSpace", ["a"], ["y"], [.integer("blocksize", 2), .text("mode", mode)]),
      ])
    for (height, width) in [(3, 8), (5, 4)] {
      let channels = width / 4
      try expect(network, [1, 2, height, width], [1, channels, 4, 2 * height]) { i in
        let corner = i[2] % 2 * 2 + i[3] % 2
        let channel = mode == "DCR" ? corner * channels + i[1] : i[1] * 4 + corner
        return (i[2] / 2 * height + i[3] / 2) * width + channel
      }
    }
    #expect(throws: NetworkError.self) { try network.inferredShapes(inputs: [[1, 2, 3, 6]]) }
  }

  /// Which pixels go where is said by a convolution, which has a number of channels.
  @Test func exportsUnshuffleOpenChannels() throws {
    func network(_ factor: Int, _ order: PixelShuffleOrder) throws -> Network {
      var builder = NetworkBuilder("unshuffle")
      let x = builder.input("x", channels: 4)
      let moved = builder.node("moved", .transpose(Transpose([0, 3, 1, 2])), [x], channels: 8)
      builder.output(
        builder.node("y", .pixelUnshuffle(PixelUnshuffle(factor: factor, order: order)), [moved], channels: 8 * factor * factor)
      )
      return try builder.build(.zeros)
    }
    for (factor, order) in [(1, PixelShuffleOrder.channelsOutermost), (1, .channelsInnermost), (2, .channelsInnermost)] {
      let original = try network(factor, order)
      let again = try ONNXFile.read(bytes: ONNXFile.bytes(of: original))
      for shape in [Shape([1, 4, 2, 6]), [2, 4, 4, 3]] {
        let input = Tensor(shape, (0..<shape.count).map { Float($0) })
        let outputs = try [original, again].map { try ReferenceEngine().prepare($0, inputs: [shape]).run([input])[0] }
        #expect(outputs[0] == outputs[1], "\(again.text)")
      }
    }
    #expect(throws: FormatProblem.self) { try ONNXFile.bytes(of: network(2, .channelsOutermost)) }
  }
}
