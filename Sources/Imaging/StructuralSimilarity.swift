#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension ImageMetric {
  /// Pictures need a window of the structural similarity.
  public static let smallestSide = SimilarityWindows.size

  /// The structural similarity (SSIM) of two planes: 1 where they are equal.
  ///
  /// After Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity",
  /// 2004, and its reference code: Gaussian window of 11x11 with sigma 1.5, K1 = 0.01, K2 = 0.03, windows wholly inside the
  /// picture, the mean over all of them. `border` pixels on each side are left out first. Traps where the sizes differ or less
  /// than 11x11 is left.
  /// Cost: 2 x 55 multiplications a pixel, memory for a few dozen rows.
  public static func structuralSimilarity(
    _ a: Plane<Double>, _ b: Plane<Double>, border: Int = 0, peak: Double = 255
  ) -> Double {
    precondition(a.width == b.width && a.height == b.height, "the planes differ in size")
    var windows = SimilarityWindows(width: a.width - 2 * border, peak: peak)
    precondition(a.height - 2 * border >= SimilarityWindows.size, "SSIM needs at least 11x11 pixels")
    var sum = 0.0
    var count = 0
    for y in border..<a.height - border {
      let row = y * a.width + border..<(y + 1) * a.width - border
      windows.append(a.elements[row], b.elements[row])
      guard y - border >= SimilarityWindows.size - 1 else { continue }
      sum += windows.rowSum()
      count += windows.outputWidth
    }
    return sum / Double(count)
  }

  /// The mean of the structural similarities of the planes (red, green and blue).
  public static func structuralSimilarity(
    _ a: [Plane<Double>], _ b: [Plane<Double>], border: Int = 0, peak: Double = 255
  ) -> Double {
    precondition(a.count == b.count && !a.isEmpty, "the images differ in channels")
    return zip(a, b).reduce(0) { $0 + structuralSimilarity($1.0, $1.1, border: border, peak: peak) } / Double(a.count)
  }
}

/// The last 11 rows of the five products that SSIM needs (x, y, x², y², xy), filtered along the row.
private struct SimilarityWindows {
  static let size = 11
  static let weights: [Double] = {
    let raw = (0..<size).map { exp(-Double(($0 - size / 2) * ($0 - size / 2)) / (2 * 1.5 * 1.5)) }
    return raw.map { $0 / raw.reduce(0, +) }
  }()

  let width: Int
  let outputWidth: Int
  private let c1: Double
  private let c2: Double
  private var rowCount = 0
  /// `[slot of the row][product][column]`.
  private var rows: [Double]
  private var products: [Double]
  private var means: [Double]

  init(width: Int, peak: Double) {
    precondition(width >= Self.size, "SSIM needs at least 11x11 pixels")
    self.width = width
    outputWidth = width - Self.size + 1
    c1 = 0.01 * peak * (0.01 * peak)
    c2 = 0.03 * peak * (0.03 * peak)
    rows = Array(repeating: 0, count: Self.size * 5 * outputWidth)
    products = Array(repeating: 0, count: 5 * width)
    means = Array(repeating: 0, count: 5 * outputWidth)
  }

  /// Filters the next row of both pictures and drops the oldest.
  mutating func append(_ a: ArraySlice<Double>, _ b: ArraySlice<Double>) {
    let (width, outputWidth) = (width, outputWidth)
    let slot = rowCount % Self.size * 5 * outputWidth
    rowCount += 1
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        products.withUnsafeMutableBufferPointer { products in
          for x in 0..<width {
            products[x] = a[x]
            products[width &+ x] = b[x]
            products[2 &* width &+ x] = a[x] * a[x]
            products[3 &* width &+ x] = b[x] * b[x]
            products[4 &* width &+ x] = a[x] * b[x]
          }
        }
      }
    }
    rows.withUnsafeMutableBufferPointer { rows in
      products.withUnsafeBufferPointer { products in
        for product in 0..<5 {
          let target = slot + product * outputWidth
          for x in 0..<outputWidth { rows[target &+ x] = 0 }
          for tap in 0..<Self.size {
            let weight = Self.weights[tap]
            let source = product * width + tap
            for x in 0..<outputWidth { rows[target &+ x] += weight * products[source &+ x] }
          }
        }
      }
    }
  }

  /// The sum of SSIM over the windows that the last 11 rows make.
  mutating func rowSum() -> Double {
    let outputWidth = outputWidth
    let length = 5 * outputWidth
    means.withUnsafeMutableBufferPointer { means in
      rows.withUnsafeBufferPointer { rows in
        for i in 0..<length { means[i] = 0 }
        for tap in 0..<Self.size {
          let weight = Self.weights[tap]
          let source = (rowCount + tap) % Self.size * length
          for i in 0..<length { means[i] += weight * rows[source &+ i] }
        }
      }
    }
    var sum = 0.0
    means.withUnsafeBufferPointer { means in
      for x in 0..<outputWidth {
        let (meanA, meanB) = (means[x], means[outputWidth + x])
        let varianceA = means[2 * outputWidth + x] - meanA * meanA
        let varianceB = means[3 * outputWidth + x] - meanB * meanB
        let covariance = means[4 * outputWidth + x] - meanA * meanB
        let numerator = (2 * meanA * meanB + c1) * (2 * covariance + c2)
        sum += numerator / ((meanA * meanA + meanB * meanB + c1) * (varianceA + varianceB + c2))
      }
    }
    return sum
  }
}
