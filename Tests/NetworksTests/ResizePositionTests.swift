import Testing

@testable import Networks

/// Which pixels nearest takes at factors and sizes that float32 rounds: what ONNX Runtime 1.31 takes (and PyTorch, where it has the form).
@Suite struct ResizePositionTests {
  struct Row: Sendable, CustomStringConvertible {
    var target: Resize.Target
    var coordinates = Resize.Coordinates.asymmetric
    var rounding = Resize.Rounding.floor
    var extent: Int
    var pixels: [Int]

    var description: String { "\(extent) pixels, \(target), \(coordinates.rawValue), \(rounding.rawValue)" }

    static func factor(_ factor: Float) -> Resize.Target { .factor(height: factor, width: 1) }
    static func size(_ height: Int) -> Resize.Target { .size(Pair(height: height, width: 3)) }
  }

  static let rows: [Row] = [
    Row(target: Row.factor(1 / 3), extent: 9, pixels: [0, 3, 6]),
    Row(target: Row.factor(2 / 3), extent: 15, pixels: [0, 1, 3, 4, 6, 7, 9, 10, 12, 13]),
    Row(target: Row.factor(1.2), extent: 13, pixels: [0, 0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 10, 11]),
    Row(target: Row.factor(1.6), extent: 12, pixels: [0, 0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 6, 7, 8, 8, 9, 10, 10, 11]),
    Row(target: Row.factor(0.3), extent: 40, pixels: [0, 3, 6, 10, 13, 16, 20, 23, 26, 29, 33, 36]),
    Row(target: Row.factor(0.7), rounding: .ceil, extent: 21, pixels: [0, 2, 3, 5, 6, 8, 9, 10, 12, 13, 15, 16, 18, 19]),
    Row(
      target: Row.factor(1.2), coordinates: .halfPixel, rounding: .roundPreferFloor, extent: 11,
      pixels: [0, 1, 2, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10]),
    Row(target: Row.factor(1.2), rounding: .roundPreferCeil, extent: 9, pixels: [0, 1, 2, 3, 3, 4, 5, 6, 7, 8]),
    // As large as it was: the pixels themselves.
    Row(target: Row.factor(1.2), extent: 4, pixels: [0, 1, 2, 3]),
    Row(target: Row.size(6), extent: 10, pixels: [0, 1, 3, 5, 6, 8]),
    Row(target: Row.size(2), rounding: .roundPreferCeil, extent: 7, pixels: [0, 4]),
    Row(
      target: Row.size(13), coordinates: .halfPixel, rounding: .roundPreferFloor, extent: 22,
      pixels: [0, 2, 4, 5, 7, 9, 10, 12, 14, 16, 17, 19, 21]),
    Row(target: Row.size(1), coordinates: .halfPixel, rounding: .roundPreferCeil, extent: 14, pixels: [7]),
    Row(target: Row.size(5), coordinates: .alignCorners, rounding: .roundPreferFloor, extent: 9, pixels: [0, 2, 4, 6, 8]),
    Row(
      target: Row.size(14), rounding: .roundPreferFloor, extent: 23,
      pixels: [0, 2, 3, 5, 7, 8, 10, 11, 13, 15, 16, 18, 20, 21]),
  ]

  @Test(arguments: rows)
  func nearestTakesTheirPixels(row: Row) throws {
    let operation = Operation.resize(
      Resize(method: .nearest, target: row.target, coordinates: row.coordinates, rounding: row.rounding))
    guard case .resize(let payload) = try operation.resolved([[1, 1, row.extent, 5]]) else { return }
    let height = try operation.outputShape([[1, 1, row.extent, 5]]).height
    let pixels = (0..<height).map { index in
      min(
        max(payload.rowPosition(of: index, extent: row.extent, outputExtent: height).rounded(row.rounding), 0), row.extent - 1)
    }
    #expect(pixels == row.pixels)
  }
}
