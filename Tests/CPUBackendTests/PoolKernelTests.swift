@testable import CPUBackend
import CKernels
import Tensors
import TestSupport
import Testing

/// The pooling kernels by themselves: windows over the edges, strides wider than the channels, NaN, sentinels around the output.
@Suite struct PoolKernelTests {
  /// A row kernel on `rows` rows of `width` pixels that lie further apart than their channels.
  private func run(
    _ kernel: Kernel, rows: [[Float]], channels: Int, width: Int, window: Int, stride: Int, left: Int, right: Int
  ) -> [Float] {
    let pixel = channels + 16, outWidth = (width + left + right - window) / stride + 1, outPixel = channels + 32
    let sentinel: Float = 4321
    var result = [Float](repeating: sentinel, count: outWidth * outPixel)
    let flat = rows.flatMap { $0 }
    flat.withUnsafeBufferPointer { flat in
      result.withUnsafeMutableBufferPointer { result in
        guard let base = flat.baseAddress, let out = result.baseAddress else { return }
        let pointers: [UnsafeRawPointer?] = rows.indices.map { UnsafeRawPointer(base + $0 * width * pixel) }
        pointers.withUnsafeBufferPointer { pointers in
          guard let pointers = pointers.baseAddress else { return }
          var arguments = sw_pool_arguments(
            rows: pointers, row_count: rows.count, pixel: pixel * 4, in_width: width, kernel_width: window, stride: stride,
            left: left,
            width: outWidth, channels: channels, out: out, out_pixel: outPixel * 4, counted_rows: rows.count + 1,
            counts_padding: 1,
            right: right, codes: sw_stored_codes())
          if kernel.family == .maximumPool { kernel.maximumPool(&arguments) } else { kernel.averagePool(&arguments) }
        }
      }
    }
    for x in 0..<outWidth {
      #expect(
        result[x * outPixel + channels..<(x + 1) * outPixel].allSatisfy { $0 == sentinel }, "\(kernel.name) writes too far")
    }
    return (0..<outWidth).flatMap { x in result[x * outPixel..<x * outPixel + channels] }
  }

  @Test(arguments: instructionSets, [1, 2, 5, 33])
  func rowsAreExact(_ instructionSet: InstructionSet, _ width: Int) {
    let table = KernelTable(instructionSet), channels = 48
    var generator = SplitMix64(seed: UInt64(width))
    for (window, stride, padding) in [(1, 1, 0), (2, 2, 0), (3, 2, 1), (5, 1, 2)] where width + 2 * padding >= window {
      let rows = (0..<3).map { _ in (0..<width * (channels + 16)).map { _ in Float.random(in: -1...1, using: &generator) } }
      let most = run(
        table.kernel(.maximumPool, .float32, .float32), rows: rows, channels: channels, width: width, window: window,
        stride: stride,
        left: padding, right: padding)
      let mean = run(
        table.kernel(.averagePool, .float32, .float32), rows: rows, channels: channels, width: width, window: window,
        stride: stride,
        left: padding, right: padding)
      for index in most.indices {
        let first = index / channels * stride - padding
        var largest = -Float.infinity, sum = 0.0
        for row in rows {
          for x in max(first, 0)..<min(first + window, width) {
            largest = max(largest, row[x * (channels + 16) + index % channels])
            sum += Double(row[x * (channels + 16) + index % channels])
          }
        }
        #expect(most[index] == largest)
        let exact = sum / Double(4 * (min(first + window, width + padding) - first))
        #expect(abs(Double(mean[index]) - exact) <= 16 * Double(Float.ulpOfOne))
      }
    }
  }

  @Test(arguments: instructionSets) func aNaNWinsWhereverItStands(_ instructionSet: InstructionSet) {
    let kernel = KernelTable(instructionSet).kernel(.maximumPool, .float32, .float32)
    for place in 0..<4 {
      var rows = [[Float]](repeating: [Float](repeating: 1, count: 2 * 32), count: 2)
      rows[place / 2][place % 2 * 32 + 7] = .nan
      let result = run(kernel, rows: rows, channels: 16, width: 2, window: 2, stride: 2, left: 0, right: 0)
      #expect(result.indices.allSatisfy { result[$0].isNaN == ($0 == 7) })
    }
  }

  @Test(arguments: instructionSets) func sumsAreAddedToWhatIsThere(_ instructionSet: InstructionSet) {
    let kernel = KernelTable(instructionSet).kernel(.sum, .float32, .float32)
    for count in [1, 3, 4, 9] {
      let input = (0..<count * 64).map { Float($0 % 64 < 32 ? $0 : 1_000_000) }
      var sums = [Float](repeating: 5, count: 48)
      kernel.sum(input, 256, count, 32, &sums)
      for channel in 0..<32 {
        #expect(sums[channel] == 5 + (0..<count).reduce(0) { $0 + Float($1 * 64 + channel) })
      }
      #expect(sums[32...].allSatisfy { $0 == 5 })
    }
  }
}
