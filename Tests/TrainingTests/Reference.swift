import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Formulas in Double, written apart from the losses.
enum Reference {
  static func exponential(_ x: Double) -> Double { exp(x) }
  static func logarithm(_ x: Double) -> Double { log(x) }

  /// The mean over all windows of 11x11 pixels inside the images.
  static func structuralSimilarity(_ x: [Double], _ t: [Double], _ shape: Shape) -> Double {
    let line = (0..<11).map { exp(-Double(($0 - 5) * ($0 - 5)) / 4.5) }, total = line.reduce(0, +)
    var sum = 0.0, count = 0.0
    for plane in 0..<shape.batch * shape.channels {
      for i in 0...shape.height - 11 {
        for j in 0...shape.width - 11 {
          var (a, b, aa, bb, ab) = (0.0, 0.0, 0.0, 0.0, 0.0)
          for u in 0..<11 {
            for v in 0..<11 {
              let weight = line[u] * line[v] / (total * total), place = (plane * shape.height + i + u) * shape.width + j + v
              a += weight * x[place]
              b += weight * t[place]
              aa += weight * x[place] * x[place]
              bb += weight * t[place] * t[place]
              ab += weight * x[place] * t[place]
            }
          }
          let (first, second) = (0.0001, 0.0009)
          sum +=
            (2 * a * b + first) * (2 * (ab - a * b) + second) / ((a * a + b * b + first) * (aa - a * a + bb - b * b + second))
          count += 1
        }
      }
    }
    return sum / count
  }
}
