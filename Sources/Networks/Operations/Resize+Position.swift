extension Resize {
  /// A place between pixels `index` and `index + 1` of an axis, or on the former where the fraction is 0. May lie beyond the axis.
  package struct Position: Hashable, Sendable {
    package var index: Int
    /// From 0 to below 1.
    package var fraction: Double

    /// The exact quotient; its fraction depends on the remainder alone, and so not on where in a large image a pixel lies.
    fileprivate init(_ numerator: Int, over denominator: Int) {
      var (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
      if remainder < 0 { (quotient, remainder) = (quotient - 1, remainder + denominator) }
      self.init(index: quotient, fraction: Double(remainder) / Double(denominator))
    }

    fileprivate init(_ position: Float) {
      let floor = position.rounded(.down)
      self.init(index: Int(floor), fraction: Double(position) - Double(floor))
    }

    private init(index: Int, fraction: Double) {
      self.index = index
      self.fraction = fraction
    }

    /// The nearest pixel, which may lie beyond the axis.
    package func rounded(_ rounding: Rounding) -> Int {
      // What float32 makes of a half.
      let isHalf = abs(fraction - 0.5) < 1e-6
      let up =
        switch rounding {
        case .floor: false
        case .ceil: fraction > 0
        case .roundPreferFloor: !isHalf && fraction > 0.5
        case .roundPreferCeil: isHalf || fraction > 0.5
        }
      return up ? index + 1 : index
    }
  }

  /// Where output row `index` lies among `extent` input rows.
  package func rowPosition(of index: Int, extent: Int, outputExtent: Int) -> Position {
    let factor: Float? = if case .factor(let height, _) = target { height } else { nil }
    return position(of: index, extent, outputExtent, factor)
  }

  /// Where output column `index` lies among `extent` input columns.
  package func columnPosition(of index: Int, extent: Int, outputExtent: Int) -> Position {
    let factor: Float? = if case .factor(_, let width) = target { width } else { nil }
    return position(of: index, extent, outputExtent, factor)
  }

  private func position(of index: Int, _ extent: Int, _ outputExtent: Int, _ factor: Float?) -> Position {
    if coordinates == .alignCorners {
      return outputExtent == 1 ? Position(0) : Position(Float(index) * Float(extent - 1) / Float(outputExtent - 1))
    }
    if coordinates == .pytorchHalfPixel, outputExtent == 1 { return Position(0) }
    let centred = coordinates != .asymmetric
    if let factor, let whole = Int(exactly: factor) {
      return centred ? Position(2 * index + 1 - whole, over: 2 * whole) : Position(index, over: whole)
    }
    let scale = factor ?? Float(outputExtent) / Float(extent)
    return Position(centred ? (Float(index) + 0.5) / scale - 0.5 : Float(index) / scale)
  }
}
