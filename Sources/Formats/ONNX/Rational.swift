/// A quotient of integers in lowest terms. Results that do not fit are nil: shape arithmetic gives them up.
struct Rational: Hashable, Sendable {
  let numerator: Int
  /// Above 0.
  let denominator: Int

  static let zero = Rational(0), one = Rational(1)
  /// Beyond, a sum of two products of numerators could overflow.
  private static let limit = 1 << 62

  init(_ integer: Int) {
    numerator = integer
    denominator = 1
  }

  /// Nil where the quotient does not fit, or the divisor is 0.
  init?(_ numerator: Int, over divisor: Int) {
    guard divisor != 0, numerator.magnitude < Self.limit, divisor.magnitude < Self.limit else { return nil }
    let common = Self.commonDivisor(numerator, divisor) * (divisor < 0 ? -1 : 1)
    self.numerator = numerator / common
    self.denominator = divisor / common
  }

  /// The number itself, bit for bit; nil where it does not fit, as 1e30 and 1e-30.
  init?(_ value: Double) {
    guard value.isFinite, value.magnitude < 0x1p62 else { return nil }
    var (scaled, denominator) = (value, 1)
    while scaled != scaled.rounded() {
      guard denominator < 1 << 60, scaled.magnitude < 0x1p61 else { return nil }
      (scaled, denominator) = (scaled * 2, denominator * 2)
    }
    self.init(Int(scaled), over: denominator)
  }

  var double: Double { Double(numerator) / Double(denominator) }
  var isInteger: Bool { denominator == 1 }

  /// The largest integer that is not above.
  var floor: Int { numerator >= 0 || isInteger ? numerator / denominator : numerator / denominator - 1 }

  static prefix func - (a: Rational) -> Rational { Rational(negating: a) }

  private init(negating other: Rational) {
    numerator = -other.numerator
    denominator = other.denominator
  }

  static func + (a: Rational, b: Rational) -> Rational? {
    let (x, xOverflow) = a.numerator.multipliedReportingOverflow(by: b.denominator)
    let (y, yOverflow) = b.numerator.multipliedReportingOverflow(by: a.denominator)
    let (denominator, overflow) = a.denominator.multipliedReportingOverflow(by: b.denominator)
    guard !xOverflow, !yOverflow, !overflow, x.magnitude < limit, y.magnitude < limit else { return nil }
    return Rational(x + y, over: denominator)
  }

  static func * (a: Rational, b: Rational) -> Rational? {
    let (numerator, overflow) = a.numerator.multipliedReportingOverflow(by: b.numerator)
    let (denominator, denominatorOverflow) = a.denominator.multipliedReportingOverflow(by: b.denominator)
    guard !overflow, !denominatorOverflow else { return nil }
    return Rational(numerator, over: denominator)
  }

  /// Nil for a division by zero, too.
  static func / (a: Rational, b: Rational) -> Rational? {
    guard let inverse = Rational(b.denominator, over: b.numerator) else { return nil }
    return a * inverse
  }

  private static func commonDivisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (abs(a), abs(b))
    while b != 0 { (a, b) = (b, a % b) }
    return max(a, 1)
  }
}
