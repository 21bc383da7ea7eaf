@testable import CPUBackend
import CKernels
import Tensors
import TestSupport
import Testing

/// The micro-kernels one by one, against sums in Double and against each other, with sentinels around what they write.
@Suite struct KernelTests {
  /// Rows of the table that this machine can run.
  static let available = KernelTable.all.filter(\.instructionSet.isAvailable)

  private static func random(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
  }

  @Test func theTableIsCompleteAndItsNamesAreUnique() {
    #expect(Set(KernelTable.all.map(\.name)).count == KernelTable.all.count)
    for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
      for family in Kernel.Family.allCases {
        let rows = KernelTable(instructionSet).rows.filter { $0.family == family }
        #expect(!rows.isEmpty, "\(instructionSet) has no \(family)")
      }
      // Every block of 16 columns can be split into register tiles of each family.
      for kernel in KernelTable(instructionSet).rows where [.multiply, .gather, .head, .pointwise].contains(kernel.family) {
        let tiles = KernelTable(instructionSet).tiles(kernel.family, kernel.elements.left, kernel.elements.stored)
        for columns in stride(from: 16, through: 160, by: 16) {
          #expect(ColumnBlock.split(columns, into: tiles).reduce(0) { $0 + $1.columns } == columns)
        }
      }
    }
  }

  /// Products of one row and one column by every register tile of an instruction set: the same bits whatever the tile.
  @Test(arguments: instructionSets, [1, 3, 16, 52, 64])
  func registerTilesAgreeBitForBit(_ instructionSet: InstructionSet, _ depth: Int) {
    let left = Self.random(depth, seed: 1), weights = Self.random(depth, seed: 2)
    var exact = 0.0
    for k in 0..<depth { exact += Double(left[k]) * Double(weights[k]) }
    var bits: Set<UInt32> = []
    for kernel in KernelTable(instructionSet).rows
    where [.multiply, .gather, .head, .pointwise].contains(kernel.family) && kernel.elements.left == .float32
      && kernel.elements.stored == .float32
    {
      let rows = kernel.rows, columns = kernel.columns
      // Every row is the same, every column is the same; the product then is, too.
      let inputs = (0..<rows).flatMap { _ in left }
      let right = weights.flatMap { [Float](repeating: $0, count: columns) }
      let sentinel: Float = 12345
      var product = [Float](repeating: sentinel, count: rows * columns + 32)
      inputs.withUnsafeBufferPointer { inputs in
        right.withUnsafeBufferPointer { right in
          product.withUnsafeMutableBufferPointer { product in
            guard let a = inputs.baseAddress, let b = right.baseAddress, let c = product.baseAddress else { return }
            switch kernel.family {
            case .multiply: kernel.multiply(a, depth * 4, b, depth, c + 16, columns, nil)
            case .gather:
              let pointers: [UnsafeRawPointer?] = (0..<rows).map { UnsafeRawPointer(a + $0 * depth) }
              // In two passes: the second goes on from the sums of the first. Its rows begin an offset further on.
              let half = depth / 2
              kernel.gather(pointers, 0, 1, b, half, 0, c + 16, columns, nil)
              kernel.gather(pointers, half * 4, 1, b + half * columns, depth - half, 1, c + 16, columns, nil)
            case .pointwise:
              let out: [UnsafeMutableRawPointer?] = (0..<rows).map { UnsafeMutableRawPointer(c + 16 + $0 * columns) }
              let blocks = (0..<(columns + 15) / 16).map { $0 * 64 }
              var epilogue = sw_epilogue()
              epilogue.scale = 1
              out.withUnsafeBufferPointer { out in
                blocks.withUnsafeBufferPointer { blocks in
                  withUnsafePointer(to: epilogue) { epilogue in
                    var arguments = sw_pointwise_arguments(
                      left: a, left_pixel: depth * 4, count: rows, depth: depth, right: b, out: out.baseAddress, residual: nil,
                      block: blocks.baseAddress, channel: 0, epilogue: epilogue, ahead: nil)
                    kernel.pointwise(&arguments)
                  }
                }
              }
            default:
              // One tap for each value; the rows read the same address.
              let offsets = (0..<depth).map { $0 }, blocks = (0..<(columns + 15) / 16).map { $0 * 64 }
              var epilogue = sw_epilogue()
              epilogue.scale = 1
              offsets.withUnsafeBufferPointer { offsets in
                blocks.withUnsafeBufferPointer { blocks in
                  withUnsafePointer(to: epilogue) { epilogue in
                    var row: UnsafeRawPointer? = UnsafeRawPointer(a)
                    withUnsafePointer(to: &row) { row in
                      var arguments = sw_head_arguments(
                        rows: row, row_count: 1, offsets: offsets.baseAddress, taps: depth, step: 0, count: rows, right: b,
                        out: c + 16, out_pixel: columns * 4, residual: nil, residual_pixel: 0, block: blocks.baseAddress,
                        channel: 0, epilogue: epilogue)
                      kernel.head(&arguments)
                    }
                  }
                }
              }
            }
          }
        }
      }
      #expect(
        product.prefix(16).allSatisfy { $0 == sentinel } && product.suffix(16).allSatisfy { $0 == sentinel }, "\(kernel.name)")
      for value in product[16..<16 + rows * columns] {
        bits.insert(value.bitPattern)
        #expect(abs(Double(value) - exact) <= 2 * Double(Float.ulpOfOne) * Double(depth + 1), "\(kernel.name), depth \(depth)")
      }
    }
    #expect(bits.count == 1, "\(instructionSet), depth \(depth): \(bits.count) different results")
  }

  /// sigmoid and tanh to 4 units in the last place of 1, over the whole range, and the ends of it.
  @Test(arguments: instructionSets) func functionsAreAccurate(_ instructionSet: InstructionSet) {
    let kernel = KernelTable(instructionSet).kernel(.elementwise, .float32, .float32)
    let special: [Float] = [0, -0.0, 1e-30, -1e-30, 0.15, -0.15, 88, -88, 1000, -1000, .infinity, -.infinity]
    let input = special + (0..<1012).map { Float($0 - 506) / 25 }
    func run(_ kind: sw_activation_kind, _ values: [Float]) -> [Float] {
      var epilogue = sw_epilogue(
        bias: nil, before: sw_activation(kind: kind, a: 0, b: 0, slopes: nil), scale: 1,
        after: sw_activation(kind: SW_ACTIVATION_NONE, a: 0, b: 0, slopes: nil), integers: sw_integers())
      var output = [Float](repeating: 0, count: values.count)
      kernel.elementwise(values, 4, nil, nil, 4, &output, 4, values.count, 0, &epilogue)
      return output
    }
    let bound = 4 * Double(Float.ulpOfOne)
    for (x, y) in zip(input, run(SW_ACTIVATION_SIGMOID, input)) {
      #expect(abs(Double(y) - 1 / (1 + exponential(-Double(x)))) <= bound, "sigmoid(\(x)) = \(y)")
    }
    for (x, y) in zip(input, run(SW_ACTIVATION_TANH, input)) {
      let e = exponential(2 * min(max(Double(x), -40), 40))
      #expect(abs(Double(y) - (1 - 2 / (e + 1))) <= bound, "tanh(\(x)) = \(y)")
    }
    let finite = input.filter(\.isFinite)
    for (x, y) in zip(finite, run(SW_ACTIVATION_SILU, finite)) {
      let exact = Double(x) / (1 + exponential(-Double(x)))
      #expect(abs(Double(y) - exact) <= bound * max(1, abs(exact)), "silu(\(x)) = \(y)")
    }
    for (x, y) in zip(finite, run(SW_ACTIVATION_GELU, finite)) {
      let exact = Double(x) * normal(Double(x))
      #expect(abs(Double(y) - exact) <= bound * max(1, abs(Double(x))), "gelu(\(x)) = \(y)")
    }
    for (x, y) in zip(finite, run(SW_ACTIVATION_GELU_TANH, finite)) {
      let inner = min(max(0.7978845608028654 * (Double(x) + 0.044715 * Double(x) * Double(x) * Double(x)), -40), 40)
      let exact = Double(x) / 2 * (2 - 2 / (exponential(2 * inner) + 1))
      #expect(abs(Double(y) - exact) <= 2 * bound * max(1, abs(Double(x))), "geluTanh(\(x)) = \(y)")
    }
    // log(1 + exp(x)) less max(x, 0) is log(1 + u); its exponential is 1 + u.
    for (x, y) in zip(finite, run(SW_ACTIVATION_SOFTPLUS, finite)) {
      let rest = Double(y) - max(Double(x), 0), u = exponential(-abs(Double(x)))
      #expect(abs(exponential(rest) - (1 + u)) <= 2 * bound * max(1, abs(Double(x))), "softplus(\(x)) = \(y)")
    }
    for kind in [
      SW_ACTIVATION_SIGMOID, SW_ACTIVATION_TANH, SW_ACTIVATION_RELU, SW_ACTIVATION_CLIP, SW_ACTIVATION_HARD_SIGMOID,
      SW_ACTIVATION_HARD_SWISH, SW_ACTIVATION_GELU, SW_ACTIVATION_GELU_TANH, SW_ACTIVATION_SILU, SW_ACTIVATION_SOFTPLUS,
    ] {
      #expect(run(kind, [.nan])[0].isNaN, "kind \(kind.rawValue) hides a NaN")
    }
  }

  /// The distribution function of the normal distribution, by the series 1/2 + φ(x) Σ x^(2k+1) / (1·3·5…(2k+1)).
  private func normal(_ x: Double) -> Double {
    if abs(x) > 9 { return x > 0 ? 1 : 0 }
    var term = x, sum = x
    for k in 1...200 {
      term *= x * x / Double(2 * k + 1)
      sum += term
    }
    return 0.5 + sum * exponential(-x * x / 2) / 2.5066282746310005
  }

  /// exp in Double by its series on a reduced argument: independent of the C library and of the kernels.
  private func exponential(_ x: Double) -> Double {
    if x > 709 { return .infinity }
    if x < -745 { return 0 }
    let n = (x / 0.693147180559945309).rounded()
    let r = x - n * 0.693147180559945309
    var term = 1.0, sum = 1.0
    for k in 1...24 {
      term *= r / Double(k)
      sum += term
    }
    return sum * Double(sign: .plus, exponent: Int(n), significand: 1)
  }
}
