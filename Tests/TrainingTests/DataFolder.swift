import Imaging
import Tensors
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A folder that goes when the value does.
final class DataFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/training-tests-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }

  /// A folder below it.
  func folder(_ name: String) throws -> String {
    try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
    return path + "/" + name
  }

  /// A smooth picture with some noise, another for each seed.
  static func picture(width: Int, height: Int, model: Image.ColourModel = .rgb, seed: UInt64) -> Image {
    var generator = SplitMix64(seed: seed)
    var samples: [UInt8] = []
    let slope = Int(seed % 5) + 1
    for y in 0..<height {
      for x in 0..<width {
        for channel in 0..<model.channels {
          samples.append(UInt8(truncatingIfNeeded: (x * slope + y * (3 + channel) + Int(generator.next() % 40)) % 256))
        }
      }
    }
    return Image(width: width, height: height, colourModel: model, samples: .uint8(samples))
  }

  @discardableResult
  func write(_ image: Image, _ name: String) throws -> String {
    try image.write(to: path + "/" + name)
    return path + "/" + name
  }

  func write(_ bytes: [UInt8], _ name: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name)) }
}
