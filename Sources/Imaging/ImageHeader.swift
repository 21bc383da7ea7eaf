/// What a picture's file says of its size before any pixel is decoded.
package struct ImageHeader: Hashable, Sendable {
  package var format: ImageFormat
  package var width: Int
  package var height: Int
  /// At most so many are decoded: a palette may turn out to hold greys alone.
  package var channels: Int
  /// 8 or 16.
  package var bits: Int

  package init(format: ImageFormat, width: Int, height: Int, channels: Int, bits: Int) {
    self.format = format
    self.width = width
    self.height = height
    self.channels = channels
    self.bits = bits
  }

  package var pixels: Int { width * height }
  /// Of the decoded samples.
  package var sampleByteCount: Int { pixels * channels * bits / 8 }
}
