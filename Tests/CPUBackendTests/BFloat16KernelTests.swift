@testable import CPUBackend
import CKernels
import Networks
import Tensors
import TestSupport
import Testing

/// Conversions over all there is to convert, and the register tiles for bfloat16 values one by one.
@Suite struct BFloat16KernelTests {
  private static let patterns = (0...UInt16.max).map { $0 }

  /// Whether a kernel may make 0 of it: a number below the normal range, where the instruction set converts by itself.
  private func mayVanish(_ bits: UInt32, on instructionSet: InstructionSet) -> Bool {
    instructionSet.multipliesPairs && bits & 0x7F80_0000 == 0
  }

  /// By the kernel that makes planes of pixels.
  @Test(arguments: instructionSets) func wideningIsExact(_ instructionSet: InstructionSet) {
    let kernel = KernelTable(instructionSet).kernel(.deinterleave, .bfloat16, .float32), pixels = Self.patterns.count / 16
    var wide = [Float](repeating: 0, count: Self.patterns.count)
    Self.patterns.withUnsafeBytes { bytes in
      kernel.deinterleave(bytes.baseAddress, 32, 16, &wide, pixels, pixels)
    }
    #expect(Self.patterns.indices.allSatisfy { wide[$0 % 16 * pixels + $0 / 16].bitPattern == UInt32($0) << 16 })
  }

  @Test(arguments: instructionSets) func whatWasWidenedIsNarrowedToItself(_ instructionSet: InstructionSet) {
    let wide = Self.patterns.map { Float(bitPattern: UInt32($0) << 16) }
    for (pattern, result) in zip(Self.patterns, narrowed(wide, on: instructionSet)) {
      let value = Float(bitPattern: UInt32(pattern) << 16)
      if value.isNaN {
        #expect(Float(bitPattern: UInt32(result) << 16).isNaN)
      } else {
        #expect(result == pattern || (mayVanish(value.bitPattern, on: instructionSet) && result & 0x7FFF == 0))
      }
    }
  }

  /// Around the middle between each two neighbours, against distances in Double.
  @Test(arguments: instructionSets) func narrowingRoundsToTheNearestAndTiesToEven(_ instructionSet: InstructionSet) {
    for low: UInt32 in [1, 0x7FFF, 0x8000, 0x8001, 0xFFFF] {
      let values = Self.patterns.map { Float(bitPattern: UInt32($0) << 16 | low) }
      let kernel = narrowed(values, on: instructionSet)
      for (index, value) in values.enumerated() {
        let plain = BFloat16(value).bits
        guard !value.isNaN else {
          #expect(Float(bitPattern: UInt32(plain) << 16).isNaN && Float(bitPattern: UInt32(kernel[index]) << 16).isNaN)
          continue
        }
        #expect(
          kernel[index] == plain || (mayVanish(value.bitPattern, on: instructionSet) && kernel[index] & 0x7FFF == 0),
          "\(value) on \(instructionSet)")
        // Towards and away from 0. Past the largest number comes what would be the next: infinity stands for it.
        let below = Self.patterns[index], above = below &+ 1
        let down = exact(below), up = exact(above)
        let (fromBelow, fromAbove) = (abs(Double(value) - down), abs(up - Double(value)))
        let nearest = fromBelow < fromAbove ? below : fromAbove < fromBelow ? above : below & 1 == 0 ? below : above
        #expect(plain == nearest, "\(value)")
      }
    }
  }

  /// A number's value, with infinity as the power of two that would follow.
  private func exact(_ pattern: UInt16) -> Double {
    let value = Float(bitPattern: UInt32(pattern) << 16)
    return value.isInfinite ? Double(sign: value.sign, exponent: 128, significand: 1) : Double(value)
  }

  /// By the kernel that makes pixels of planes.
  private func narrowed(_ values: [Float], on instructionSet: InstructionSet) -> [UInt16] {
    let pixels = values.count / 16
    let planes = values.indices.map { values[$0 % pixels * 16 + $0 / pixels] }
    var result = [UInt16](repeating: 0, count: values.count)
    result.withUnsafeMutableBytes { bytes in
      KernelTable(instructionSet).kernel(.interleave, .float32, .bfloat16).interleave(
        planes, pixels, 16, bytes.baseAddress, 32, pixels)
    }
    return result
  }

  /// Different rows and columns by every register tile, in one call and in two: within the bound of a float32 sum, and for one row and
  /// column the same bits whatever the tile.
  @Test(arguments: instructionSets, [1, 2, 3, 16, 33, 52, 64])
  func registerTilesAgreeBitForBit(_ instructionSet: InstructionSet, _ depth: Int) {
    var generator = SplitMix64(seed: UInt64(depth))
    func random() -> Float { BFloat16(Float.random(in: -1...1, using: &generator)).float }
    let left = (0..<12).map { _ in (0..<depth).map { _ in random() } }
    let weights = (0..<64).map { _ in (0..<depth).map { _ in random() } }
    var bits: [Int: UInt32] = [:]
    for kernel in KernelTable(instructionSet).rows
    where [.multiply, .gather, .pointwise].contains(kernel.family) && kernel.elements.left == .bfloat16
      && kernel.elements.stored == (kernel.family == .pointwise ? .bfloat16 : .float32)
    {
      let rows = kernel.rows, columns = kernel.columns
      // Padding of the last pair and behind it is finite and meets zero weights.
      let stride = (depth + 1) / 2 * 4 + 12
      let pixels = AlignedBytes(count: rows * stride), right = AlignedBytes(count: kernel.weightByteCount(depth: depth))
      pixels.base.withMemoryRebound(to: UInt16.self, capacity: rows * stride / 2) { elements in
        for index in 0..<rows * stride / 2 { elements[index] = 0x3F80 }
        for row in 0..<rows { for k in 0..<depth { elements[row * stride / 2 + k] = BFloat16(left[row][k]).bits } }
      }
      for column in 0..<columns {
        for k in 0..<depth { kernel.pack(weights[column][k], at: k, column: column, into: right.base) }
      }
      let product = self.product(kernel, pixels, stride, right, depth)
      for row in 0..<rows {
        for column in 0..<columns {
          var exact = 0.0
          for k in 0..<depth { exact += Double(left[row][k]) * Double(weights[column][k]) }
          let value = product[row * columns + column]
          let rounding = kernel.family == .pointwise ? abs(exact) * Tolerance.bfloat16Epsilon : 0
          let bound = 2 * Double(Float.ulpOfOne) * Double(depth + 1) + rounding
          #expect(abs(Double(value) - exact) <= bound, "\(kernel.name), depth \(depth), row \(row), column \(column)")
          // A pointwise kernel stores bfloat16: its sums show when they are rounded as the others' are.
          let key = row * 64 + column, stored = UInt32(BFloat16(value).bits)
          let full = kernel.family == .pointwise ? bits[key].map { _ in stored } : value.bitPattern
          if let full, let other = bits[key] {
            let expected = kernel.family == .pointwise ? UInt32(BFloat16(Float(bitPattern: other)).bits) : other
            #expect(full == expected, "\(kernel.name), depth \(depth), row \(row), column \(column)")
          } else if let full {
            bits[key] = full
          }
        }
      }
    }
    #expect(bits.count >= 3 * 16)
  }

  private func product(
    _ kernel: Kernel, _ pixels: AlignedBytes, _ stride: Int, _ right: AlignedBytes, _ depth: Int
  ) -> [Float] {
    let rows = kernel.rows, columns = kernel.columns
    let result = AlignedBytes(count: rows * columns * 4), sums = result.base.floats
    let pointers: [UnsafeRawPointer?] = (0..<rows).map { UnsafeRawPointer(pixels.base + $0 * stride) }
    switch kernel.family {
    case .multiply: kernel.multiply(pixels.base, stride, right.base, depth, sums, columns, nil)
    case .gather: kernel.gather(pointers, 0, 1, right.base, depth, 0, sums, columns, nil)
    default:
      let out: [UnsafeMutableRawPointer?] = (0..<rows).map { result.base + $0 * columns * 2 }
      let offsets = (0..<(columns + 15) / 16).map { $0 * 32 }
      var epilogue = sw_epilogue()
      epilogue.scale = 1
      out.withUnsafeBufferPointer { out in
        offsets.withUnsafeBufferPointer { offsets in
          withUnsafePointer(to: epilogue) { epilogue in
            var arguments = sw_pointwise_arguments(
              left: pixels.base, left_pixel: stride, count: rows, depth: depth, right: right.base, out: out.baseAddress,
              residual: nil, block: offsets.baseAddress, channel: 0, epilogue: epilogue, ahead: nil)
            kernel.pointwise(&arguments)
          }
        }
      }
      let layout = ValueLayout(Shape(channels: rows * columns, height: 1, width: 1), .interleaved, .bfloat16)
      return (0..<rows * columns).map { layout.number(result.base, $0) }
    }
    return Array(UnsafeBufferPointer(start: sums, count: rows * columns))
  }
}
