import Networks

/// The gradient of a weight of few input or output channels as one product: of a value in planes, rows of which are brought together for each
/// pixel, and the other one, whose channels are the columns.
///
/// A *line* is a row of a plane. For a row of pixels of the other value the lines that its products read, `channels · kernel.height` of them, are
/// interleaved, one number of each a column. The taps of a pixel then follow each other, column by column, and so the product of all taps and
/// channels reads one run of numbers a pixel, wherever that begins.
struct PlaneLines: Hashable {
  let payload: Convolution
  /// Whether the planes are those of x; else those of the gradient.
  let areOfInput: Bool

  /// Nil where neither value lies in planes, or columns of taps do not lie side by side.
  init?(_ payload: Convolution) {
    guard payload.groups == 1, payload.dilation.width == 1 else { return nil }
    let areOfInput = payload.inChannels <= ValueLayout.planarChannels
    guard areOfInput || payload.outChannels <= ValueLayout.planarChannels && payload.stride == Pair(1) else { return nil }
    self.payload = payload
    self.areOfInput = areOfInput
  }

  /// Planes.
  var channels: Int { areOfInput ? payload.inChannels : payload.outChannels }
  var lineCount: Int { channels * payload.kernel.height }
  /// Sums of a column.
  var rowCount: Int { lineCount * payload.kernel.width }
  /// Columns of lines from one pixel to the next.
  var step: Int { areOfInput ? payload.stride.width : 1 }
  /// The column of lines where the taps of the first pixel begin; it may lie before the first.
  var firstColumn: Int { areOfInput ? -payload.padding.left : payload.padding.left + 1 - payload.kernel.width }

  /// The row of the planes that is the u-th line of each channel for a row of pixels; it may lie outside.
  func planeRow(_ u: Int, of row: Int) -> Int {
    areOfInput
      ? row * payload.stride.height + u * payload.dilation.height - payload.padding.top
      : row + payload.padding.top - u * payload.dilation.height
  }

  /// Of rows of pixels the rows of planes; may reach past the edges.
  func planeRows(for rows: Range<Int>) -> Range<Int> {
    let last = payload.kernel.height - 1
    return areOfInput
      ? payload.inputRows(for: rows) : planeRow(last, of: rows.lowerBound)..<planeRow(0, of: rows.upperBound - 1) + 1
  }

  /// The sum of a plane and a tap.
  func row(channel: Int, _ u: Int, _ v: Int) -> Int {
    let column = areOfInput ? v : payload.kernel.width - 1 - v
    return (column * channels + channel) * payload.kernel.height + u
  }
}
