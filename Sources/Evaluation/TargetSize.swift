/// How large a result is, its sides in the proportion of the picture's.
public enum TargetSize: Hashable, Sendable {
  /// Each side times the factor.
  case scale(Double)
  case width(Int)
  case height(Int)
  /// As large as both allow.
  case within(width: Int, height: Int)
  /// Millions of pixels.
  case megapixels(Double)

  /// The factor for a picture. Throws where the picture would have to become smaller, or too much larger.
  func scale(width: Int, height: Int) throws(EvaluationError) -> Double {
    let (byWidth, byHeight) = (1 / Double(max(width, 1)), 1 / Double(max(height, 1)))
    let scale =
      switch self {
      case .scale(let scale): scale
      case .width(let target): Double(target) * byWidth
      case .height(let target): Double(target) * byHeight
      case .within(let targetWidth, let targetHeight): min(Double(targetWidth) * byWidth, Double(targetHeight) * byHeight)
      case .megapixels(let millions): (millions * 1e6 * byWidth * byHeight).squareRoot()
      }
    if case .scale = self { return scale }
    guard scale >= 1 else { throw .targetSmaller(width: width, height: height, target: self) }
    // As whole numbers go, 64 times may come out as a little more.
    guard scale <= Self.largestScale * (1 + 1e-9) else {
      throw .targetTooLarge(width: width, height: height, target: self, scale: scale)
    }
    return min(scale, Self.largestScale)
  }

  /// Of each side.
  static let largestScale = 64.0

  /// As it is asked for: `--width 800`.
  var option: String {
    switch self {
    case .scale(let scale): "--scale \(TextFormat.short(scale))"
    case .width(let width): "--width \(width)"
    case .height(let height): "--height \(height)"
    case .within(let width, let height): "--width \(width) --height \(height)"
    case .megapixels(let millions): "--megapixels \(TextFormat.short(millions))"
    }
  }

  /// As an error says it: `a width of 800`.
  var text: String {
    switch self {
    case .scale(let scale): "the scale \(TextFormat.short(scale))"
    case .width(let width): "a width of \(width)"
    case .height(let height): "a height of \(height)"
    case .within(let width, let height): "a size within \(width)x\(height)"
    case .megapixels(let millions): "\(TextFormat.short(millions)) megapixels"
    }
  }
}
