@testable import CPUBackend
import CKernels
import Tensors
import TestSupport
import Testing

/// Planes to pixels and back, with sentinels around what is written.
@Suite struct RearrangementKernelTests {
  private static let sentinel: Float = 12345

  /// Numbers that bfloat16 has, all different.
  private func value(_ channel: Int, _ pixel: Int) -> Float { Float(1 + channel % 16 + 16 * (pixel % 16)) }

  @Test(arguments: instructionSets, Precision.allCases)
  func pixelsAndPlanesAreEachOther(_ instructionSet: InstructionSet, _ precision: Precision) {
    let table = KernelTable(instructionSet), element = precision.element
    let interleave = table.kernel(.interleave, .float32, element).interleave
    let back = table.kernel(.deinterleave, element, .float32).deinterleave
    for channels in [1, 2, 3, 4, 5, 12, 16, 17, 35] {
      for count in [0, 1, 2, 3, 4, 5, 7, 8, 13] {
        // Pixels and what they fill, in floats.
        let plane = count + 3, stored = paddedChannels(channels), filled = stored * element.byteCount / 4, pixel = filled + 8
        var planes = [Float](repeating: Self.sentinel, count: channels * plane + 16)
        for c in 0..<channels {
          for x in 0..<count { planes[c * plane + x] = value(c, x) }
        }
        var pixels = [Float](repeating: Self.sentinel, count: count * pixel + 16)
        interleave(planes, plane, channels, &pixels, pixel * 4, count)
        var returned = [Float](repeating: Self.sentinel, count: planes.count)
        back(pixels, pixel * 4, channels, &returned, plane, count)
        #expect(returned == planes, "\(channels) channels, \(count) pixels")
        for x in 0..<count {
          for c in channels..<stored {
            let bits = pixels.withUnsafeBytes { bytes in
              precision == .float32
                ? bytes.load(fromByteOffset: (x * pixel + c) * 4, as: UInt32.self)
                : UInt32(bytes.load(fromByteOffset: x * pixel * 4 + c * 2, as: UInt16.self))
            }
            #expect(bits == 0, "padding of \(channels) channels")
          }
          #expect(pixels[x * pixel + filled..<(x + 1) * pixel].allSatisfy { $0 == Self.sentinel })
        }
        #expect(pixels.suffix(16).allSatisfy { $0 == Self.sentinel })
      }
    }
  }

  @Test(arguments: instructionSets, Precision.allCases)
  func rowsOfShuffledPlanes(_ instructionSet: InstructionSet, _ precision: Precision) {
    let table = KernelTable(instructionSet), element = precision.element
    for factor in 1...5 {
      for (first, step) in [(0, 1), (3, 1), (2, 3)] {
        for count in [0, 1, 6] {
          let channels = 48, pixel = channels * element.byteCount / 4
          var planes = [Float](repeating: 0, count: channels * max(count, 1))
          for c in 0..<channels {
            for x in 0..<count { planes[c * count + x] = value(c, x) }
          }
          var pixels = [Float](repeating: 0, count: count * pixel + 16)
          table.kernel(.interleave, .float32, element).interleave(planes, count, channels, &pixels, pixel * 4, count)
          var row = [Float](repeating: Self.sentinel, count: count * factor + 16)
          table.kernel(.pixelShuffle, element, .float32).pixelShuffle(pixels, pixel * 4, first, step, factor, count, &row)
          for x in 0..<count {
            for d in 0..<factor { #expect(row[x * factor + d] == value(first + d * step, x)) }
          }
          #expect(row.suffix(16).allSatisfy { $0 == Self.sentinel })
        }
      }
    }
  }
}
