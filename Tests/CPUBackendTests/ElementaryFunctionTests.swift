@testable import CPUBackend
import CKernels
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// Elementary functions and reductions by themselves: within some units in the last place, at the ends of their ranges, at every count
/// around a vector.
@Suite struct ElementaryFunctionTests {
  /// The function of a list of numbers, on an engine or the reference.
  private static func values(_ function: ActivationFunction, _ numbers: [Float], _ engine: any Backend) throws -> [Float] {
    var builder = NetworkBuilder("function")
    builder.output(builder.activation("y", builder.input("x", channels: 1), function))
    let shape = Shape(channels: 1, height: 1, width: numbers.count)
    return try engine.prepare(builder.build(.zeros), inputs: [shape]).run([Tensor(shape, numbers)])[0].floats
  }

  private static let functions: [(ActivationFunction, ulps: Float)] = [
    (.exponential, 4), (.logarithm, 3), (.squareRoot, 1), (.reciprocal, 2), (.power(exponent: 0.5), 1),
    (.power(exponent: -0.5), 3), (.power(exponent: 2), 1), (.power(exponent: 1.7), 1), (.power(exponent: -3), 1),
    (.elu(alpha: 1), 6), (.celu(alpha: 2), 8), (.softsign, 3), (.errorFunction, 8), (.floor, 0), (.ceiling, 0), (.round, 0),
    (.sign, 0), (.sine, 1), (.cosine, 1), (.thresholdedReLU(alpha: 0.5), 0),
  ]

  @Test(arguments: instructionSets) func withinUnitsInTheLastPlace(_ instructionSet: InstructionSet) throws {
    let engine = CPUEngine(instructionSet: instructionSet, threadCount: 1)
    var generator = SplitMix64(seed: 11)
    var numbers: [Float] = [0, 0.5, 1.5, 2.5, -0.5, -1.5, 1, -1, 1e-20, -1e-20, 0x1p-126, 88.7, -87.3, 1e30, -1e30]
    for scale in [0.01, 1, 30] as [Float] {
      numbers += (0..<400).map { _ in Float.random(in: -scale...scale, using: &generator) }
    }
    for (function, ulps) in Self.functions {
      let got = try Self.values(function, numbers, engine), wanted = try Self.values(function, numbers, ReferenceEngine())
      for (x, (a, b)) in zip(numbers, zip(got, wanted)) {
        if b.isNaN || a == b { #expect(a.isNaN || a == b, "\(function) of \(x): \(a), not \(b)"); continue }
        // Results below the normal range may be 0.
        let unit = max(b.ulp, Float.leastNormalMagnitude)
        #expect(abs(a - b) <= ulps * unit, "\(function) of \(x): \(a), not \(b)")
      }
    }
  }

  @Test(arguments: instructionSets) func atTheEndsOfTheRange(_ instructionSet: InstructionSet) throws {
    let engine = CPUEngine(instructionSet: instructionSet, threadCount: 1)
    // Not -0: a bias of 0, which every pass adds, makes it 0.
    let numbers: [Float] = [.infinity, -.infinity, .nan, 0, 1000, -1000, Float.greatestFiniteMagnitude]
    for (function, _) in Self.functions {
      // The sine and cosine of large numbers are those of the C library in either.
      let got = try Self.values(function, numbers, engine), wanted = try Self.values(function, numbers, ReferenceEngine())
      for (x, (a, b)) in zip(numbers, zip(got, wanted)) {
        #expect(a == b || a.isNaN && b.isNaN || abs(a - b) <= 8 * b.ulp, "\(function) of \(x): \(a), not \(b)")
      }
    }
  }

  private static let kinds: [(sw_reduction_kind, @Sendable (Double, Double) -> Double, Double)] = [
    (SW_REDUCTION_SUM, { $0 + $1 }, 0), (SW_REDUCTION_SUM_OF_MAGNITUDES, { $0 + abs($1) }, 0),
    (SW_REDUCTION_SUM_OF_SQUARES, { $0 + $1 * $1 }, 0), (SW_REDUCTION_PRODUCT, { $0 * $1 }, 1),
    (SW_REDUCTION_MAXIMUM, { max($0, $1) }, -.infinity), (SW_REDUCTION_MINIMUM, { min($0, $1) }, .infinity),
  ]

  @Test(arguments: instructionSets) func reductionsOfAnyCount(_ instructionSet: InstructionSet) {
    let table = KernelTable(instructionSet)
    let along = table.kernel(.reduceAlong, .float32, .float32), across = table.kernel(.reduceAcross, .float32, .float32)
    var generator = SplitMix64(seed: 3)
    for count in [1, 2, 3, 5, 15, 16, 17, 31, 64, 65, 130] {
      for lanes in [1, 3, 16, 19] {
        let numbers = (0..<count * lanes).map { _ in
          Float.random(in: 0.5...1.2, using: &generator) * (Bool.random(using: &generator) ? 1 : -1)
        }
        for (kind, function, none) in Self.kinds {
          // Two halves, the second on top of the first, with a sentinel behind.
          var result = [Float](repeating: Float(none), count: lanes) + [777]
          numbers.withUnsafeBufferPointer { numbers in
            guard let base = numbers.baseAddress else { return }
            let half = count / 2
            across.reduceAcross(kind, base, lanes, half, lanes, &result)
            across.reduceAcross(kind, base + half * lanes, lanes, count - half, lanes, &result)
          }
          #expect(result[lanes] == 777)
          for lane in 0..<lanes {
            let column = (0..<count).map { numbers[$0 * lanes + lane] }
            let exact = column.reduce(none) { function($0, Double($1)) }
            let bound = Double(Float.ulpOfOne) * Double(count + 1) * 2 * max(1, abs(exact))
            #expect(abs(Double(result[lane]) - exact) <= bound)
            #expect(abs(Double(along.reduceAlong(kind, column, count)) - exact) <= bound)
          }
        }
      }
    }
    #expect(along.reduceAlong(SW_REDUCTION_MAXIMUM, [1, .nan, 2], 3).isNaN)
    #expect(along.reduceAlong(SW_REDUCTION_MINIMUM, [.nan, 1, 2], 3).isNaN)
  }
}
