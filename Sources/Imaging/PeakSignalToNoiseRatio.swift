#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Measures of how far one picture is from another.
public enum ImageMetric {
  /// The peak signal-to-noise ratio of two planes in decibels: `10 log10(peak² / mean squared difference)`; infinite where they
  /// are equal.
  ///
  /// `border` pixels on each side are left out. Traps where the sizes differ or nothing is left.
  public static func peakSignalToNoiseRatio(
    _ a: Plane<Double>, _ b: Plane<Double>, border: Int = 0, peak: Double = 255
  ) -> Double {
    peakSignalToNoiseRatio([a], [b], border: border, peak: peak)
  }

  /// The peak signal-to-noise ratio in decibels, of the mean squared difference over all planes (red, green and blue).
  public static func peakSignalToNoiseRatio(
    _ a: [Plane<Double>], _ b: [Plane<Double>], border: Int = 0, peak: Double = 255
  ) -> Double {
    precondition(a.count == b.count && !a.isEmpty, "the images differ in channels")
    let error = zip(a, b).reduce(0) { $0 + meanSquaredDifference($1.0, $1.1, border: border) } / Double(a.count)
    return error == 0 ? .infinity : 10 * log10(peak * peak / error)
  }

  /// The mean of the squared differences, `border` pixels on each side left out.
  public static func meanSquaredDifference(_ a: Plane<Double>, _ b: Plane<Double>, border: Int = 0) -> Double {
    precondition(a.width == b.width && a.height == b.height, "the planes differ in size")
    let columns = border..<max(border, a.width - border)
    let rows = border..<max(border, a.height - border)
    precondition(!columns.isEmpty && !rows.isEmpty, "a border of \(border) leaves nothing of \(a.width)x\(a.height)")
    var total = 0.0
    a.elements.withUnsafeBufferPointer { x in
      b.elements.withUnsafeBufferPointer { y in
        for row in rows {
          var sum = 0.0
          for i in row * a.width + columns.lowerBound..<row * a.width + columns.upperBound {
            let difference = x[i] - y[i]
            sum += difference * difference
          }
          total += sum
        }
      }
    }
    return total / Double(columns.count * rows.count)
  }
}
