import Foundation
import Imaging
import Testing

/// The bicubic columns of the Set5 table: BMP reader, luma, cropping, resize and PSNR in one.
@Suite struct BicubicProtocolTests {
  static let folder = BicubicResizeTests.folder.appending(path: "../Set5").standardized
  static var isPresent: Bool { FileManager.default.fileExists(atPath: folder.path) }

  @Test(
    .enabled(if: isPresent, "needs ../shared/data/Set5"),
    arguments: [
      ("baby", [37.1107, 33.9345, 31.7462]), ("bird", [36.8477, 32.5877, 30.1847]), ("butterfly", [27.4394, 24.0388, 22.1363]),
      ("head", [34.8952, 32.9097, 31.5732]), ("woman", [32.1590, 28.5678, 26.4325]),
    ])
  func ratios(image: String, expected: [Double]) throws {
    let file = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).first { $0.lowercased().hasPrefix(image) }
    let path = Self.folder.appending(path: try #require(file))
    var truth = try ImageCodec.decode([UInt8](Data(contentsOf: path)), name: path.path).luma
    for (scale, ratio) in zip([2, 3, 4], expected) {
      truth = truth.cropped(toMultipleOf: scale)
      let enlarged = truth.resized(scale: 1 / Double(scale)).resized(scale: Double(scale))
      var clipped = enlarged
      for i in clipped.elements.indices { clipped.elements[i] = min(max(clipped.elements[i], 0), 255) }
      let measured = ImageMetric.peakSignalToNoiseRatio(truth, clipped, border: scale)
      #expect(abs(measured - ratio) < 6e-5, "\(image) x\(scale): \(measured)")
    }
  }
}
