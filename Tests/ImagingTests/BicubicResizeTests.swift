import Foundation
import Imaging
import Testing

/// MATLAB's own results, where the shared data are present.
@Suite struct BicubicResizeTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
    .appending(path: "../shared/data/matlab_bicubic").standardized

  static var isPresent: Bool { FileManager.default.fileExists(atPath: folder.path) }

  /// A two-dimensional array of float64 in either order, from a .npy file.
  static func plane(_ name: String) throws -> Plane<Double> {
    let data = [UInt8](try Data(contentsOf: folder.appending(path: name + ".npy")))
    let headerCount = Int(data[8]) | Int(data[9]) << 8
    let header = String(decoding: data[10..<10 + headerCount], as: UTF8.self)
    try #require(header.contains("'<f8'"))
    let shapeText = try #require(header.firstMatch(of: #/\((\d+), (\d+)\)/#))
    let height = try #require(Int(shapeText.1))
    let width = try #require(Int(shapeText.2))
    let isColumnMajor = header.contains("'fortran_order': True")
    let start = 10 + headerCount
    let values = (0..<width * height).map { index in
      var bits: UInt64 = 0
      for i in (0..<8).reversed() { bits = bits << 8 | UInt64(data[start + index * 8 + i]) }
      return Double(bitPattern: bits)
    }
    guard isColumnMajor else { return Plane(width: width, height: height, elements: values) }
    return Plane(width: height, height: width, elements: values).oriented(.transposed)
  }

  @Test(
    .enabled(if: isPresent, "needs ../shared/data/matlab_bicubic"),
    arguments: ["butterfly", "woman"], [2, 3, 4])
  func equalsMATLAB(image: String, scale: Int) throws {
    let truth = try Self.plane("\(image)_x\(scale)_gt_y")
    let low = try Self.plane("\(image)_x\(scale)_low_y")
    let enlarged = try Self.plane("\(image)_x\(scale)_bicubic_y")
    let ourLow = truth.resized(scale: 1 / Double(scale))
    #expect(largestDifference(ourLow, low) < 1e-9)
    #expect(largestDifference(low.resized(scale: Double(scale)), enlarged) < 1e-9)
    let single = Plane<Double>(Plane<Float>(low).resized(scale: Double(scale)))
    #expect(largestDifference(single, enlarged) < 1e-4)
  }
}

func largestDifference(_ a: Plane<Double>, _ b: Plane<Double>) -> Double {
  guard a.width == b.width, a.height == b.height else { return .infinity }
  return zip(a.elements, b.elements).reduce(0) { max($0, abs($1.0 - $1.1)) }
}
