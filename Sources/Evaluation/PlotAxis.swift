#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where the numbers of a plot lie along one of its sides.
package struct PlotAxis {
  package struct Tick {
    package var value: Double
    package var label: String
  }

  package let ticks: [Tick]
  /// The number at the beginning.
  package let least: Double
  private let isLogarithmic: Bool
  /// The numbers at both ends, or their logarithms.
  private let low: Double
  private let high: Double
  /// The places of both ends.
  private let from: Double
  private let to: Double

  /// From `low` to `high`, with ticks at multiples of `step`.
  package init(from: Double, to: Double, low: Double, high: Double, step: Double) {
    (self.from, self.to, self.low, self.high) = (from, to, low, high)
    isLogarithmic = false
    least = low
    var ticks: [Tick] = []
    var value = (low / step - 1e-3).rounded(.up) * step
    while value <= high + 1e-3 * step {
      ticks.append(Tick(value: value, label: Self.label(value, step)))
      value += step
    }
    self.ticks = ticks
  }

  /// About so wide as the values, with some ticks, of which both ends are two.
  package init(spanning values: [Double], from: Double, to: Double) {
    var low = values.min() ?? 0, high = values.max() ?? 1
    if high - low < 1e-12 * max(abs(high), 1e-300) || high == low {
      (low, high) = (low - max(abs(low) * 0.1, 1e-6), high + max(abs(high) * 0.1, 1e-6))
    }
    let step = Self.step((high - low) / 4)
    self.init(from: from, to: to, low: (low / step).rounded(.down) * step, high: (high / step).rounded(.up) * step, step: step)
  }

  /// A logarithmic axis from a power of ten to a little beyond the largest value, with ticks at powers of ten.
  package init(logarithmic values: [Double], from: Double, to: Double) {
    (self.from, self.to) = (from, to)
    isLogarithmic = true
    let logarithms = values.filter { $0 > 0 && $0.isFinite }.map { log10($0) }
    let first = Int((logarithms.min() ?? 0).rounded(.down))
    low = Double(first)
    high = max((logarithms.max() ?? 1) + 0.2, low + 1)
    least = pow(10, low)
    ticks = (first...Int(high)).map { power in
      let value = pow(10, Double(power))
      return Tick(value: value, label: TextFormat.short(value))
    }
  }

  package func position(_ value: Double) -> Double {
    from + (to - from) * ((isLogarithmic ? log10(value) : value) - low) / (high - low)
  }

  /// 1, 2 or 5 times a power of ten, at least as large.
  package static func step(_ least: Double) -> Double {
    guard least > 0, least.isFinite else { return 1 }
    var power = 1.0
    while power > least { power /= 10 }
    while power * 10 <= least { power *= 10 }
    return [1.0, 2, 5, 10].first { $0 * power >= least }.map { $0 * power } ?? power * 10
  }

  /// As many decimals as tell one tick from the next.
  private static func label(_ value: Double, _ step: Double) -> String {
    if step < 1e-4 {
      // Few digits, as in 2e-05.
      var exponent = 0, mantissa = value
      guard value != 0 else { return "0" }
      while abs(mantissa) < 1 {
        mantissa *= 10
        exponent -= 1
      }
      return "\(TextFormat.fixed(mantissa, 1))e\(exponent)"
    }
    var decimals = 0, scaled = step
    while scaled < 0.999 {
      scaled *= 10
      decimals += 1
    }
    return TextFormat.fixed(value, decimals)
  }
}
