#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A picture drawn by formula, for tests and demonstrations that must not need a file: a zone plate, colour patches, gradients,
/// slanted edges, and strokes as thin as those of small print.
public enum TestChart {
  /// The chart as an RGB image of 8 bits. Traps where a side is below 1.
  public static func image(width: Int, height: Int) -> Image {
    var planes = (0..<3).map { _ in Plane<Float>(width: width, height: height, repeating: 0) }
    for y in 0..<height {
      for x in 0..<width {
        let colour = colour(Double(x) + 0.5, Double(y) + 0.5, Double(width), Double(height))
        for channel in 0..<3 { planes[channel][x, y] = Float(colour[channel]) }
      }
    }
    return Image(PlanarImage(colour: planes), bitDepth: 8)
  }

  /// Three columns by two rows of fields.
  private static func colour(_ x: Double, _ y: Double, _ width: Double, _ height: Double) -> [Double] {
    let (column, row) = (min(Int(3 * x / width), 2), min(Int(2 * y / height), 1))
    // The position in the field, 0...1, and the same in pixels.
    let (u, v) = (3 * x / width - Double(column), 2 * y / height - Double(row))
    let (px, py) = (u * width / 3, v * height / 2)
    return switch (column, row) {
    case (0, 0): zonePlate(u, v, side: min(width / 3, height / 2))
    case (1, 0): patch(Int(4 * u), Int(3 * v))
    case (2, 0): [255 * u, 255 * v, 255 * (1 - u)]
    case (0, 1): edge(px, py)
    case (1, 1): strokes(px, py)
    default: grey(v < 0.5 ? 255 * u : (16 * u).rounded(.down) * 17)
    }
  }

  private static func grey(_ value: Double) -> [Double] { [value, value, value] }

  /// Rings whose frequency grows to a quarter of the sampling rate at the middle of the sides.
  private static func zonePlate(_ u: Double, _ v: Double, side: Double) -> [Double] {
    let (x, y) = (u - 0.5, v - 0.5)
    return grey(127.5 + 127.5 * cos(Double.pi / 2 * side * (x * x + y * y)))
  }

  /// Twelve plain colours.
  private static func patch(_ column: Int, _ row: Int) -> [Double] {
    let levels = [0.0, 96, 176, 255]
    let index = min(row, 2) * 4 + min(column, 3)
    return [levels[(index * 3 + 1) % 4], levels[(index / 2 + 2) % 4], levels[(index * 7 / 3) % 4]]
  }

  /// A light field over a dark one, the edge softened over one pixel, one part in eight steep.
  private static func edge(_ x: Double, _ y: Double) -> [Double] {
    let distance = min(max((x - 4 - y / 8).truncatingRemainder(dividingBy: 24) - 12, -0.5), 0.5) + 0.5
    return [30 + 200 * distance, 40 + 180 * distance, 60 + 120 * distance]
  }

  /// Dark strokes of one to two pixels on paper: uprights, bars and slants in turn, as in lines of print.
  private static func strokes(_ x: Double, _ y: Double) -> [Double] {
    let (cellX, cellY) = (x.truncatingRemainder(dividingBy: 8), y.truncatingRemainder(dividingBy: 12))
    let kind = (Int(x / 8) * 5 + Int(y / 12) * 3) % 4
    let isInk =
      switch kind {
      case 0: cellX < 2 && cellY < 9
      case 1: (cellX < 1 || cellX >= 5 && cellX < 6 || cellY >= 4 && cellY < 5) && cellX < 6 && cellY < 9
      case 2: abs(cellX - cellY * 0.6) < 0.8 && cellY < 9
      default: (cellY < 1 || cellY >= 8) && cellX < 6 && cellY < 9
      }
    return isInk ? [25, 22, 30] : [240, 236, 225]
  }
}
