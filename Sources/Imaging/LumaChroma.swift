/// BT.601 luma and chroma of the studio range: Y in 16...235, Cb and Cr in 16...240, of 255.
///
/// `Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255`, as in MATLAB's `rgb2ycbcr` in double, with R, G, B in 0...255.
public enum LumaChroma {
  /// Rows: what R, G and B (0...255) add to Y, Cb, Cr, times 255.
  package static let forward: [[Double]] = [
    [65.481, 128.553, 24.966], [-37.797, -74.203, 112], [112, -93.786, -18.214],
  ]
  /// Luma of black, chroma of grey, and luma of white less that of black.
  package static let black = 16.0, middle = 128.0, range = 219.0
  static let offset = [black, middle, middle]
  /// What R, G and B have of the luma of white: 0.299, 0.587, 0.114.
  package static let shares = forward[0].map { $0 / range }
  /// What R, G and B (0...255) add to Y, times 256, as code in integers has them.
  package static let forwardTimes256 = [65.738, 129.057, 25.064]

  /// The inverse of `forward / 255`.
  static let inverse: [[Double]] = {
    let m = forward
    func cofactor(_ row: Int, _ column: Int) -> Double {
      let r = [(row + 1) % 3, (row + 2) % 3]
      let c = [(column + 1) % 3, (column + 2) % 3]
      return m[r[0]][c[0]] * m[r[1]][c[1]] - m[r[0]][c[1]] * m[r[1]][c[0]]
    }
    let determinant = (0..<3).reduce(0) { $0 + m[0][$1] * cofactor(0, $1) }
    return (0..<3).map { row in (0..<3).map { column in 255 * cofactor(column, row) / determinant } }
  }()

  /// `sum of weights[c] * source[c] + constant`, pixel by pixel.
  @inline(__always)
  fileprivate static func combine<T: BinaryFloatingPoint & Sendable>(
    _ planes: [Plane<T>], _ weights: [Double], _ constant: Double
  ) -> Plane<T> {
    let (a, b, c) = (T(weights[0]), T(weights[1]), T(weights[2]))
    let constant = T(constant)
    let count = planes[0].elements.count
    let elements = [T](unsafeUninitializedCapacity: count) { buffer, initialized in
      planes[0].elements.withUnsafeBufferPointer { x in
        planes[1].elements.withUnsafeBufferPointer { y in
          planes[2].elements.withUnsafeBufferPointer { z in
            for i in 0..<count { buffer[i] = a * x[i] + b * y[i] + c * z[i] + constant }
          }
        }
      }
      initialized = count
    }
    return Plane(width: planes[0].width, height: planes[0].height, elements: elements)
  }

  @inline(__always)
  fileprivate static func forward<T: BinaryFloatingPoint & Sendable>(_ planes: [Plane<T>], _ row: Int) -> Plane<T> {
    combine(planes, forward[row].map { $0 / 255 }, offset[row])
  }

  @inline(__always)
  fileprivate static func inverse<T: BinaryFloatingPoint & Sendable>(_ planes: [Plane<T>], _ row: Int) -> Plane<T> {
    combine(planes, inverse[row], -(0..<3).reduce(0) { $0 + inverse[row][$1] * offset[$1] })
  }
}

extension PlanarImage where Element == Double {
  /// The luma of an RGB image; of a grey one the luma that an RGB image of equal channels has.
  public var luma: Plane<Double> { LumaChroma.forward(threeColours, 0) }

  /// Luma and the two chroma of an RGB image, alpha kept. Traps on a grey one.
  public var lumaChroma: PlanarImage {
    precondition(colour.count == 3, "a grey image has no chroma")
    return PlanarImage(colour: (0..<3).map { LumaChroma.forward(colour, $0) }, alpha: alpha)
  }

  /// Red, green and blue of an image of luma and chroma; not clipped. Traps unless there are three planes.
  public var rgbFromLumaChroma: PlanarImage {
    precondition(colour.count == 3, "luma without chroma has no colour")
    return PlanarImage(colour: (0..<3).map { LumaChroma.inverse(colour, $0) }, alpha: alpha)
  }

  private var threeColours: [Plane<Double>] { colour.count == 3 ? colour : [colour[0], colour[0], colour[0]] }
}

extension PlanarImage where Element == Float {
  /// The luma of an RGB image; of a grey one the luma that an RGB image of equal channels has.
  public var luma: Plane<Float> { LumaChroma.forward(threeColours, 0) }

  /// Luma and the two chroma of an RGB image, alpha kept. Traps on a grey one.
  public var lumaChroma: PlanarImage {
    precondition(colour.count == 3, "a grey image has no chroma")
    return PlanarImage(colour: (0..<3).map { LumaChroma.forward(colour, $0) }, alpha: alpha)
  }

  /// Red, green and blue of an image of luma and chroma; not clipped. Traps unless there are three planes.
  public var rgbFromLumaChroma: PlanarImage {
    precondition(colour.count == 3, "luma without chroma has no colour")
    return PlanarImage(colour: (0..<3).map { LumaChroma.inverse(colour, $0) }, alpha: alpha)
  }

  private var threeColours: [Plane<Float>] { colour.count == 3 ? colour : [colour[0], colour[0], colour[0]] }
}

extension Image {
  /// The BT.601 luma (16...235) of the image in double precision.
  public var luma: Plane<Double> { PlanarImage<Double>(self).luma }
}
