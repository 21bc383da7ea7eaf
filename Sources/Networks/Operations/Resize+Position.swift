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

    fileprivate init(_ position: Double) {
      let floor = position.rounded(.down)
      self.init(index: Int(floor), fraction: position - floor)
    }

    private init(index: Int, fraction: Double) {
      self.index = index
      self.fraction = fraction
    }

    /// The nearest pixel, which may lie beyond the axis.
    package func rounded(_ rounding: Rounding) -> Int {
      let up =
        switch rounding {
        case .floor: false
        case .ceil: fraction > 0
        case .roundPreferFloor: fraction > 0.5
        case .roundPreferCeil: fraction >= 0.5
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
      return outputExtent == 1 ? Position(0, over: 1) : Position(index * (extent - 1), over: outputExtent - 1)
    }
    if coordinates == .pytorchHalfPixel, outputExtent == 1 { return Position(0, over: 1) }
    let centred = coordinates != .asymmetric
    if let factor {
      guard let whole = Int(exactly: factor) else {
        return Position(
          centred ? (Double(index) + 0.5) / Double(factor) - 0.5 : Double(index) / Double(factor))
      }
      return centred ? Position(2 * index + 1 - whole, over: 2 * whole) : Position(index, over: whole)
    }
    return centred
      ? Position((2 * index + 1) * extent - outputExtent, over: 2 * outputExtent)
      : Position(index * extent, over: outputExtent)
  }
}
