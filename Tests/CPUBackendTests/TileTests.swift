@testable import CPUBackend
import Architectures
import Execution
import GeneratedNetworks
import Networks
import Tensors
import TestSupport
import Testing
import Transforms

/// A tile read with its halo gives the bits of the whole image, for every tile of a cut.
@Suite struct TileTests {
  @Test(arguments: BandTests.networks.indices, instructionSets)
  func tilesGiveTheBitsOfTheWhole(_ index: Int, _ instructionSet: InstructionSet) throws {
    for precision in Precision.allCases {
      try expectTheBitsOfTheWhole(
        BandTests.networks[index], CPUEngine(instructionSet: instructionSet, threadCount: 2, precision: precision))
    }
  }

  private func expectTheBitsOfTheWhole(_ network: Network, _ engine: CPUEngine) throws {
    let whole = Shape(channels: try #require(network.inputs[0].channels), height: 40, width: 131)
    var generator = SplitMix64(seed: 5)
    let image = Tensor(uniform: whole, bound: 1, using: &generator)
    let check = try #require(try TileCheck(network, on: engine, image: image)), size = check.side(16)
    let fault = try check.fault(height: size, width: size)
    #expect(fault == nil, "\(network.name) on \(engine.instructionSet) in \(engine.precision): \(fault ?? "")")
  }

  /// What looks at no other pixel can be cut into single ones: the smallest tile, where loops over pixels have one round.
  @Test(arguments: instructionSets) func pixelsAloneGiveTheBitsOfTheWhole(_ instructionSet: InstructionSet) throws {
    let operations: [Operation] =
      Reduction.Function.allCases.map { .reduction(Reduction($0, axes: [1], keepsAxes: true)) }
      + [true, false].map { .normalization(Normalization(axes: [1], groups: 1, epsilon: 0.1, centres: $0)) }
      + [.softmax(Softmax(axis: 1)), .scale(Scale(factor: 0.7)), .activation(.gelu)]
    for channels in [1, 2, 3, 4, 5, 17] {
      let shape = Shape(channels: channels, height: 2, width: 21)
      let pointwise = Operation.convolution(Convolution(inChannels: channels, outChannels: 3, kernel: 1))
      var generator = SplitMix64(seed: 6)
      let image = Tensor(uniform: shape, bound: 1, using: &generator)
      for operation in operations + [pointwise] {
        var builder = NetworkBuilder("pixels")
        let x = builder.input("x", channels: channels)
        builder.output(builder.node("y", operation, [x], channels: try operation.outputShape([shape]).channels))
        let network = try builder.build(.random(seed: 6))
        for precision in Precision.allCases {
          let engine = CPUEngine(instructionSet: instructionSet, threadCount: 1, precision: precision)
          let expected = try engine.prepare(network, inputs: [shape]).run([image])[0]
          let one = Shape(channels: channels, height: 1, width: 1)
          let pixel = try engine.prepare(network).session(inputs: [one], kernelsFor: [shape])
          for y in 0..<shape.height {
            for x in [0, 7, 20] {
              expectSameBits(
                try pixel.run([crop(image, rows: y..<y + 1, columns: x..<x + 1)])[0],
                crop(expected, rows: y..<y + 1, columns: x..<x + 1),
                "\(operation) of \(channels) channels on \(instructionSet) in \(precision) at \(x), \(y)")
            }
          }
        }
      }
    }
  }

  private func crop(_ tensor: Tensor, rows: Range<Int>, columns: Range<Int>) -> Tensor {
    let shape = tensor.shape
    let elements = tensor.floats
    var result: [Float] = []
    for channel in 0..<shape.channels {
      for y in rows {
        let row = (channel * shape.height + y) * shape.width
        result += elements[row + columns.lowerBound..<row + columns.upperBound]
      }
    }
    return Tensor(Shape(channels: shape.channels, height: rows.count, width: columns.count), result)
  }
}
