import CPUBackend
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// Whole numbers are the same bits on every instruction set, for every number of threads and in either layout.
@Suite struct FakeQuantizationTests {
  private static let shapes: [Shape] = [
    [1, 1, 1, 1], [2, 3, 5, 7], [1, 4, 9, 33], [3, 5, 4, 1], [2, 16, 6, 11], [1, 21, 40, 13], [2, 37], [5], [3, 130, 2, 9],
  ]

  /// Numbers around the ends and in the middle between whole numbers, and such as are none.
  private static func numbers(_ shape: Shape, seed: UInt64) -> Tensor {
    var generator = SplitMix64(seed: seed)
    let rare: [Float] = [.nan, .infinity, -.infinity, 1e30, -1e30, 254.5, 255.5, 0x1p24, -0x1p25, .leastNonzeroMagnitude]
    return Tensor(
      shape,
      (0..<shape.count).map { _ in
        switch generator.next() % 8 {
        case 0: rare[Int(generator.next() % UInt64(rare.count))]
        case 1, 2, 3: Float(Int(generator.next() % 1200) - 600) / 2
        default: (generator.nextUnit() - 0.5) * 600
        }
      })
  }

  @Test(arguments: InstructionSet.allCases.filter(\.isAvailable)) func sameBits(isa: InstructionSet) throws {
    for (number, shape) in Self.shapes.enumerated() {
      for (minimum, maximum) in [(0, 255), (-128, 127), (-100, 155), (-1 << 24, 1 << 24), (3, 3), (-7, 0)] {
        var builder = NetworkBuilder("whole")
        let x = builder.input("x", axes: shape.extents.map { $0 })
        let step = FakeQuantize(minimum: minimum, maximum: maximum)
        builder.output(builder.node("y", .training(.fakeQuantize(step)), [x], channels: 1))
        let network = try builder.build(.zeros), input = Self.numbers(shape, seed: UInt64(number))
        let expected = try ReferenceEngine().prepare(network, inputs: [shape]).run([input])[0].floats
        for threads in 1...3 {
          let engine = CPUEngine(instructionSet: isa, threadCount: threads)
          let output = try engine.prepare(network, inputs: [shape]).run([input])[0].floats
          let differing = zip(output, expected).count { $0 != $1 && !($0.isNaN && $1.isNaN) }
          #expect(differing == 0, "\(shape) to \(minimum)...\(maximum), \(threads) threads: \(differing) differ")
        }
      }
    }
  }
}
