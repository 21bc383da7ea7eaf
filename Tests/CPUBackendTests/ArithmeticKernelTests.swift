@testable import CPUBackend
import CKernels
import Tensors
import TestSupport
import Testing

/// Functions of two values, weighted sums and softmax by themselves, at every count around a vector, with sentinels behind.
@Suite struct ArithmeticKernelTests {
  private static let sentinel: Float = 777
  private static let counts = [1, 3, 4, 7, 8, 15, 16, 17, 33, 100]

  private static func random(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in Float.random(in: -3...3, using: &generator) }
  }

  private static let functions: [(sw_binary_kind, @Sendable (Float, Float) -> Float)] = [
    (SW_BINARY_ADD, { $0 + $1 }), (SW_BINARY_SUBTRACT, { $0 - $1 }), (SW_BINARY_MULTIPLY, { $0 * $1 }),
    (SW_BINARY_DIVIDE, { $0 / $1 }), (SW_BINARY_MINIMUM, { min($0, $1) }), (SW_BINARY_MAXIMUM, { max($0, $1) }),
  ]

  @Test(arguments: instructionSets) func functionsOfTwoPlanesAreExact(_ instructionSet: InstructionSet) {
    let kernel = KernelTable(instructionSet).kernel(.binary, .float32, .float32)
    for (kind, function) in Self.functions {
      for count in Self.counts {
        let a = Self.random(count, seed: 1), b = Self.random(count, seed: 2)
        for (firstStep, secondStep) in [(1, 1), (0, 1), (1, 0)] {
          var out = [Float](repeating: Self.sentinel, count: count + 16)
          a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
              var first = sw_operand(base: a.baseAddress, pixel: firstStep * 4, repeats_channel: 1)
              var second = sw_operand(base: b.baseAddress, pixel: secondStep * 4, repeats_channel: 1)
              kernel.binary(kind, &first, &second, count, 0, &out, 4)
            }
          }
          for index in 0..<count { #expect(out[index] == function(a[index * firstStep], b[index * secondStep])) }
          #expect(out[count...].allSatisfy { $0 == Self.sentinel })
        }
      }
    }
  }

  @Test(arguments: instructionSets) func functionsOfPixelsRepeatPixelsAndChannels(_ instructionSet: InstructionSet) {
    let kernel = KernelTable(instructionSet).kernel(.binary, .float32, .float32)
    let a = Self.random(3 * 48, seed: 3), b = Self.random(48, seed: 4), mask = Self.random(3, seed: 5)
    for (kind, function) in Self.functions {
      var gated = [Float](repeating: Self.sentinel, count: 3 * 64), masked = gated
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          mask.withUnsafeBufferPointer { mask in
            var image = sw_operand(base: a.baseAddress, pixel: 192, repeats_channel: 0)
            var gate = sw_operand(base: b.baseAddress, pixel: 0, repeats_channel: 0)
            var plane = sw_operand(base: mask.baseAddress, pixel: 4, repeats_channel: 1)
            kernel.binary(kind, &image, &gate, 3, 48, &gated, 256)
            kernel.binary(kind, &plane, &image, 3, 48, &masked, 256)
          }
        }
      }
      for x in 0..<3 {
        for c in 0..<48 {
          #expect(gated[x * 64 + c] == function(a[x * 48 + c], b[c]))
          #expect(masked[x * 64 + c] == function(mask[x], a[x * 48 + c]))
        }
        #expect(gated[(x * 64 + 48)..<(x * 64 + 64)].allSatisfy { $0 == Self.sentinel })
      }
    }
  }

  @Test(arguments: instructionSets) func extremaKeepNaN(_ instructionSet: InstructionSet) {
    let kernel = KernelTable(instructionSet).kernel(.binary, .float32, .float32)
    for kind in [SW_BINARY_MINIMUM, SW_BINARY_MAXIMUM] {
      for values in [[Float.nan, 1], [1, Float.nan]] {
        var out: Float = 0
        values.withUnsafeBufferPointer { values in
          var a = sw_operand(base: values.baseAddress, pixel: 4, repeats_channel: 1)
          var b = sw_operand(base: values.baseAddress.map { $0 + 1 }, pixel: 4, repeats_channel: 1)
          kernel.binary(kind, &a, &b, 1, 0, &out, 4)
        }
        #expect(out.isNaN)
      }
    }
  }

  @Test(arguments: instructionSets) func mixesAreWeightedSums(_ instructionSet: InstructionSet) {
    let kernel = KernelTable(instructionSet).kernel(.mix, .float32, .float32)
    for count in Self.counts {
      let values = Self.random(4 * count, seed: 6), weights = Self.random(4, seed: 7)
      var out = [Float](repeating: Self.sentinel, count: count + 16)
      values.withUnsafeBufferPointer { values in
        guard let base = values.baseAddress else { return }
        let rows: [UnsafePointer<Float>?] = (0..<4).map { base + $0 * count }
        kernel.mix(rows, weights, 4, count, &out)
      }
      for index in 0..<count {
        let exact = (0..<4).reduce(0.0) { $0 + Double(weights[$1]) * Double(values[$1 * count + index]) }
        #expect(abs(Double(out[index]) - exact) <= 36 * 4 * Double(Float.ulpOfOne))
      }
      #expect(out[count...].allSatisfy { $0 == Self.sentinel })
    }
  }

  /// Along and across give shares that sum to 1 in the ratios of the exponentials, also where those would overflow.
  @Test(arguments: instructionSets, [0, 200] as [Float])
  func sharesSumToOne(_ instructionSet: InstructionSet, _ offset: Float) {
    let table = KernelTable(instructionSet)
    for count in Self.counts {
      let values = Self.random(count, seed: 8).map { $0 + offset }
      var along = [Float](repeating: Self.sentinel, count: count + 16), across = along
      table.kernel(.softmaxAlong, .float32, .float32).softmaxAlong(values, count, &along)
      table.kernel(.softmaxAcross, .float32, .float32).softmaxAcross(values, 1, count, 1, &across, 1)
      for result in [along, across] {
        let sum = result[..<count].reduce(0.0) { $0 + Double($1) }
        #expect(abs(sum - 1) <= Double(count + 8) * Double(Float.ulpOfOne))
        #expect(result[count...].allSatisfy { $0 == Self.sentinel })
        // A larger value has a larger share, in the ratio exp(difference) to within the first terms of its series.
        for index in 1..<max(count, 1) {
          let difference = Double(values[index] - values[0])
          guard abs(difference) < 0.1 else { continue }
          let ratio = Double(result[index]) / Double(result[0])
          let series = 1 + difference + difference * difference / 2 + difference * difference * difference / 6
          #expect(abs(ratio - series) < 1e-5)
        }
      }
    }
    var shares = [Float](repeating: 0, count: 20)
    table.kernel(.softmaxAlong, .float32, .float32).softmaxAlong([Float](repeating: 1, count: 19) + [.nan], 20, &shares)
    #expect(shares.allSatisfy { $0.isNaN })
  }
}
