/// Where the gradient of a weight `[outputs, inputs, height, width]` goes, in either order.
struct KernelPlaces {
  private let isInterleaved: Bool
  private let pixel: Int
  private let plane: Int
  private let inputs: Int

  init(_ layout: ValueLayout) {
    isInterleaved = layout.order == .interleaved
    (pixel, plane) = (layout.floats.pixel, layout.floats.plane)
    inputs = isInterleaved ? layout.storedChannels : layout.channels
  }

  /// Stores what a tap of an output channel comes to for all inputs, those of padding too.
  ///
  /// - Parameter row: the tap's row of that channel.
  @inline(__always)
  func store(_ from: UnsafePointer<Float>, column: Int, of row: UnsafeMutablePointer<Float>) {
    if isInterleaved {
      (row + column * pixel).update(from: from, count: inputs)
    } else if plane == 1 {
      row.update(from: from, count: inputs)
    } else {
      for input in 0..<inputs { row[input * plane + column] = from[input] }
    }
  }
}
