import CKernels
import Networks
import Tensors

/// The depthwise part of a step: weights by tap and channel, and the arguments of the row kernel.
final class DepthwiseRows {
  let kernel: Kernel
  private let weights: Pack
  /// A pixel of what lies outside the image; nil where that is 0.
  private let outside: Pack?
  var packs: [Pack] { [weights] + (outside.map { [$0] } ?? []) }
  private let channels: Int
  private let size: Pair
  private let stride: Pair
  private let padding: Padding
  private let dilation: Pair
  private let inHeight: Int
  private let inWidth: Int
  /// Whether the pointers are those of all rows from the first looked at to the last, which output rows then share. Else they are those
  /// of each output row's taps: what a large stride or dilation leaves out may be any number of rows.
  private let isDense: Bool

  /// - Parameters:
  ///   - elements: those that it reads and those that it stores.
  ///   - weight: `[channels, 1, kernel.height, kernel.width]`
  ///   - codes: what it reads where that is integers.
  init(
    _ convolution: Convolution, input: (height: Int, width: Int), elements: (left: DataType, stored: DataType),
    weight: ParameterTensor, codes: Codes? = nil, table: KernelTable, packs: PackStore
  ) {
    size = convolution.kernel
    stride = convolution.stride
    padding = convolution.padding
    dilation = convolution.dilation
    inHeight = input.height
    inWidth = input.width
    kernel = table.depthwise(elements.left, elements.stored, kernel: size, stride: stride, dilation: dilation)
    let channels = paddedChannels(convolution.outChannels), taps = size.height * size.width
    self.channels = channels
    if let codes {
      weights = packs.pack(
        CodeLayout(
          weight: weight, channels: convolution.outChannels, storedChannels: channels, size: size, hasColumns: kernel.rows > 0))
      outside = packs.pack(BytePixel(byteCount: channels, byte: UInt8(truncatingIfNeeded: codes.zeroPoint)))
    } else {
      weights = Self.pack(weight, channels: convolution.outChannels, taps: taps, packs)
      outside = nil
    }
    isDense = dilation.height == 1 && stride.height <= size.height
  }

  /// `[channels, 1, height, width]` by tap, then channel.
  static func pack(_ weight: ParameterTensor, channels: Int, taps: Int, _ packs: PackStore) -> Pack {
    packs.pack(Layout(weight: weight, channels: channels, storedChannels: paddedChannels(channels), taps: taps))
  }

  private struct Layout: PackLayout {
    let weight: ParameterTensor
    let channels: Int
    let storedChannels: Int
    let taps: Int

    var sources: [ParameterTensor] { [weight] }
    var byteCount: Int { taps * storedChannels * 4 }
    var partCount: Int { 1 }

    func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
      let to = base.floats
      tensors[0].withUnsafeFloats { source in
        for tap in 0..<taps {
          for channel in 0..<channels { to[tap * storedChannels + channel] = source[channel * taps + tap] }
        }
      }
    }
  }

  /// int8 weights: by tap, then channel; or, of kernels of three rows, the three of each column of taps and a 0 together, by column, then
  /// channel.
  private struct CodeLayout: PackLayout {
    let weight: ParameterTensor
    let channels: Int
    let storedChannels: Int
    let size: Pair
    let hasColumns: Bool

    var sources: [ParameterTensor] { [weight] }
    var byteCount: Int { size.width * (hasColumns ? 4 : size.height) * storedChannels }
    var partCount: Int { 1 }

    func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
      let to = base.assumingMemoryBound(to: Int8.self)
      tensors[0].withUnsafeBytes { bytes in
        let source = bytes.bindMemory(to: Int8.self)
        for channel in 0..<channels {
          for u in 0..<size.height {
            for v in 0..<size.width {
              let place = hasColumns ? (v * storedChannels + channel) * 4 + u : (u * size.width + v) * storedChannels + channel
              to[place] = source[(channel * size.height + u) * size.width + v]
            }
          }
        }
      }
    }
  }

  /// Rows that steps hand to `run` at once where they lie anywhere: a pair shares its input rows in registers.
  static let rowsTogether = 2

  /// The pointers that `run` needs for so many output rows.
  func pointerCount(_ rowCount: Int) -> Int {
    isDense ? (rowCount - 1) * stride.height + size.height : rowCount * size.height
  }

  /// The input row of a pointer for output rows from `first` on; may lie past the edges.
  @inline(__always)
  private func inputRow(_ pointer: Int, first: Int) -> Int {
    let top = first * stride.height - padding.top
    return isDense
      ? top + pointer : top + pointer / size.height * stride.height + pointer % size.height * dilation.height
  }

  /// Pointers to the input rows that output rows look at, nil outside the image.
  @inline(__always)
  func fill(
    _ pointers: UnsafeMutablePointer<UnsafeRawPointer?>, rows: Range<Int>, _ row: (Int) -> UnsafeRawPointer
  ) {
    for pointer in 0..<pointerCount(rows.count) {
      let at = inputRow(pointer, first: rows.lowerBound)
      pointers[pointer] = at >= 0 && at < inHeight ? row(at) : nil
    }
  }

  /// The input of output columns from `x` on that rows from the `fresh`th look at: what a core should fetch before it comes there.
  ///
  /// - Parameters:
  ///   - rows: of the output.
  ///   - fresh: the first of the pointers whose row was not read for the rows above.
  @inline(__always)
  func ahead(
    rows: Range<Int>, from fresh: Int, x: Int, count: Int, part: InputPart, into spans: inout SpanCursor,
    _ row: (Int) -> UnsafeRawPointer
  ) {
    let first = min(x * stride.width, inWidth), end = min((x + count) * stride.width, inWidth)
    guard first < end else { return }
    for pointer in min(fresh, pointerCount(rows.count))..<pointerCount(rows.count) {
      let at = inputRow(pointer, first: rows.lowerBound)
      if at >= 0, at < inHeight { spans.add(row(at) + first * part.bytesPerPixel, pixels: end - first, part) }
    }
  }

  /// `count` output pixels of each of some rows from column `x` on, stored at `out` and after.
  ///
  /// - Parameters:
  ///   - pointers: as `fill` leaves them for these rows.
  ///   - inPixel, outRow, outPixel: bytes from one to the next.
  ///   - range: the channels to compute, whole blocks; pointers and epilogue are those of the first of them.
  @inline(__always)
  func run(
    _ pointers: UnsafePointer<UnsafeRawPointer?>, rowCount: Int, inPixel: Int, x: Int, count: Int,
    out: UnsafeMutableRawPointer, outRow: Int, outPixel: Int, residual: sw_source? = nil, channels range: Range<Int>? = nil,
    _ epilogue: UnsafePointer<sw_epilogue>
  ) {
    let first = range?.lowerBound ?? 0
    let weight = UnsafeRawPointer(weights.base) + first * (outside == nil || kernel.rows > 0 ? 4 : 1)
    let outside = outside.map { UnsafeRawPointer($0.base) + first }
    var arguments = sw_depthwise_arguments(
      rows: pointers, row_count: rowCount, row_step: isDense ? stride.height : size.height, row_dilation: 1, in_pixel: inPixel,
      in_width: inWidth, left: x * stride.width - padding.left, stride: stride.width, dilation: dilation.width,
      kernel_height: size.height, kernel_width: size.width, weight: weight, channel_stride: channels,
      channels: range?.count ?? channels, count: count, out: out, out_row: outRow, out_pixel: outPixel,
      residual: residual?.base, residual_row: residual?.row ?? 0, residual_pixel: residual?.pixel ?? 0, epilogue: epilogue,
      outside: outside)
    kernel.depthwise(&arguments)
  }
}
