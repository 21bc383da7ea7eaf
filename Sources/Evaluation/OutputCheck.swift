import Imaging

/// The range of the numbers seen, and whether all were finite.
struct ValueRange: Hashable, Sendable {
  var low = Float.infinity
  var high = -Float.infinity
  var isFinite = true

  /// Takes in a row of numbers. Cost: a pass in vectors of eight.
  mutating func include(_ values: UnsafePointer<Float>, count: Int) {
    var low = SIMD8<Float>(repeating: self.low), high = SIMD8<Float>(repeating: self.high)
    // x - x is 0, or NaN for infinities and NaN, and a NaN stays in the sum.
    var residue = SIMD8<Float>.zero
    var i = 0
    while i + 8 <= count {
      let value = UnsafeRawPointer(values + i).loadUnaligned(as: SIMD8<Float>.self)
      low.replace(with: value, where: value .< low)
      high.replace(with: value, where: value .> high)
      residue += value - value
      i += 8
    }
    while i < count {
      let value = values[i]
      low[0] = value < low[0] ? value : low[0]
      high[0] = value > high[0] ? value : high[0]
      residue[0] += value - value
      i += 1
    }
    self.low = low.min()
    self.high = high.max()
    if residue != .zero { isFinite = false }
  }

  mutating func include(_ plane: Plane<Float>) {
    plane.elements.withUnsafeBufferPointer { if let base = $0.baseAddress { include(base, count: $0.count) } }
  }
}

/// Whether a network's output can be a picture of its input.
///
/// A network whose numbers overflowed, or whose weights are not what its file claims, tends to give NaN or one flat colour; such a
/// picture must not be written.
struct OutputCheck {
  var input = ValueRange()
  var output = ValueRange()

  /// - Parameter factor: from the region's numbers to the scale 0...255.
  mutating func include(_ region: ModelRunner.Region, channels: Int, factor: Float) {
    var range = ValueRange()
    for channel in 0..<channels {
      for row in 0..<region.rows.count {
        range.include(region.base + channel * region.planeStride + row * region.rowStride, count: region.columns.count)
      }
    }
    output.low = min(output.low, range.low * factor)
    output.high = max(output.high, range.high * factor)
    if !range.isFinite { output.isFinite = false }
  }

  /// - Parameter black: what black is on both scales (16 for luma).
  func verify(network: String, black: Float) throws(EvaluationError) {
    guard output.isFinite else { throw .notFinite(network: network, what: "the output") }
    // Half a level of eight bits.
    let step: Float = 0.5
    let low = min(max(output.low, black), 255), high = min(max(output.high, black), 255)
    if high - black < step, input.high - black >= 4 { throw .constantOutput(network: network, isBlack: true) }
    if high - low < step, input.high - input.low >= 16 { throw .constantOutput(network: network, isBlack: false) }
  }
}
