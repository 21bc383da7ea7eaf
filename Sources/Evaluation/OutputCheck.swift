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

  /// Takes in what another range has seen.
  mutating func include(_ other: ValueRange) {
    low = min(low, other.low)
    high = max(high, other.high)
    isFinite = isFinite && other.isFinite
  }

  mutating func include(_ plane: Plane<Float>) {
    plane.elements.withUnsafeBufferPointer { if let base = $0.baseAddress { include(base, count: $0.count) } }
  }
}

/// Whether a network's output can be a picture of its input.
///
/// A network whose numbers overflowed, or whose weights are not what its file claims, tends to give NaN or one flat colour;
/// such a picture must not be written.
struct OutputCheck {
  var input = ValueRange()
  var output = ValueRange()

  /// - Parameter factor: from the region's numbers to the scale 0...255.
  mutating func include(_ region: ModelRunner.Region, channels: Int, factor: Float, _ workers: Workers) {
    let height = 64, parts = (region.rows.count + height - 1) / height
    var ranges = [ValueRange](repeating: ValueRange(), count: parts)
    ranges.withUnsafeMutableBufferPointer { ranges in
      workers.run(count: parts) { part in
        for channel in 0..<channels {
          for row in part * height..<min((part + 1) * height, region.rows.count) {
            ranges[part].include(
              region.base + channel * region.planeStride + row * region.rowStride, count: region.columns.count)
          }
        }
      }
    }
    for range in ranges { include(range, factor: factor) }
  }

  /// The same of numbers whose range is known.
  mutating func include(_ range: ValueRange, factor: Float) {
    output.include(ValueRange(low: range.low * factor, high: range.high * factor, isFinite: range.isFinite))
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
