import CKernels
import Networks
import Tensors

/// The depthwise part of a step: weights by tap and channel, and the arguments of the row kernel.
final class DepthwiseRows {
  let kernel: Kernel
  private let weights: AlignedFloats
  private let channels: Int
  private let size: Pair
  private let stride: Pair
  private let padding: Padding
  private let dilation: Pair
  private let inHeight: Int
  private let inWidth: Int

  /// - Parameter weight: `[channels, 1, kernel.height, kernel.width]`
  init(_ convolution: Convolution, input: (height: Int, width: Int), weight: Tensor, table: KernelTable) {
    size = convolution.kernel
    stride = convolution.stride
    padding = convolution.padding
    dilation = convolution.dilation
    inHeight = input.height
    inWidth = input.width
    kernel = table.depthwise(kernel: size, stride: stride, dilation: dilation)
    channels = paddedChannels(convolution.outChannels)
    let taps = size.height * size.width
    weights = AlignedFloats(count: taps * channels)
    weight.withUnsafeFloats { source in
      for tap in 0..<taps {
        for channel in 0..<convolution.outChannels { weights.base[tap * channels + channel] = source[channel * taps + tap] }
      }
    }
  }

  var byteCount: Int { weights.byteCount }
  /// The pointers that `run` needs.
  var rowCount: Int { size.height }

  /// The input, not read yet, of the pixels that follow column `x` of output row y: what a core should fetch while it multiplies.
  ///
  /// The lowest row alone: the others were read for the row above.
  @inline(__always)
  func ahead(_ y: Int, x: Int, outWidth: Int, inPixel: Int, _ row: (Int) -> UnsafePointer<Float>) -> UnsafePointer<Float>? {
    let isSameRow = x < outWidth
    let at = (isSameRow ? y : y + 1) * stride.height - padding.top + (size.height - 1) * dilation.height
    guard at >= 0, at < inHeight else { return nil }
    return row(at) + (isSameRow ? x * stride.width * inPixel : 0)
  }

  /// The input rows that output row y reads, nil outside the image.
  @inline(__always)
  func rows(
    _ y: Int, into rows: UnsafeMutablePointer<UnsafePointer<Float>?>, _ row: (Int) -> UnsafePointer<Float>
  ) {
    for u in 0..<size.height {
      let at = y * stride.height - padding.top + u * dilation.height
      rows[u] = at >= 0 && at < inHeight ? row(at) : nil
    }
  }

  /// `count` output pixels of a row from column `x` on, stored at `out` and after.
  ///
  /// - Parameter range: the channels to compute, whole blocks; pointers and epilogue are those of the first of them.
  @inline(__always)
  func run(
    _ rows: UnsafePointer<UnsafePointer<Float>?>, inPixel: Int, x: Int, count: Int, ahead: UnsafePointer<Float>? = nil, out: UnsafeMutablePointer<Float>,
    outPixel: Int,
    residual: UnsafePointer<Float>?, residualPixel: Int, channels range: Range<Int>? = nil,
    _ epilogue: UnsafePointer<sw_epilogue>
  ) {
    let first = range?.lowerBound ?? 0
    var arguments = sw_depthwise_arguments(
      rows: rows, in_pixel: inPixel, in_width: inWidth, left: x * stride.width - padding.left, stride: stride.width,
      dilation: dilation.width, kernel_height: size.height, kernel_width: size.width, weight: weights.base + first,
      channel_stride: channels, channels: range?.count ?? channels, count: count, ahead: ahead, out: out, out_pixel: outPixel,
      residual: residual, residual_pixel: residualPixel, epilogue: epilogue)
    kernel.depthwise(&arguments)
  }
}
