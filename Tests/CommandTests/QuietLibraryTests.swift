import Foundation
import Swiftlet
import TestSupport
import Testing

/// Libraries that decode say nothing beside us.
@Suite struct QuietLibraryTests {
  /// Cut and changed in many ways; each file is one line on standard error, or a picture.
  @Test(arguments: ["avif", "jxl", "heic"]) func `a damaged file is one line`(name: String) throws {
    let place = try Workplace()
    let picture = TestChart.image(width: 96, height: 64)
    let whole: [UInt8]
    if name == "heic" {
      whole = [UInt8](try #require(Data(base64Encoded: PictureFixtures.heic)))
    } else {
      // Without the library there is nothing to be told.
      guard let made = try? picture.encoded(as: ImageEncoding(path: "x." + name)) else { return }
      whole = made
    }
    var generator = SplitMix64(seed: 3)
    var lines = 0
    try FileManager.default.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    for round in 0..<24 {
      var bytes = whole
      if round % 2 == 0 {
        // Behind what tells the size, where the decoders are at work.
        bytes.removeLast(Int.random(in: 1...whole.count / 2, using: &generator))
      } else {
        for _ in 0..<6 { bytes[Int.random(in: bytes.count / 2..<bytes.count, using: &generator)] ^= UInt8(1 << round % 8) }
      }
      try AtomicFile.write(bytes, to: place.path("in/\(round).\(name)"))
    }
    let result = try place.run(["upscale", "in", "-o", "out", "-m", "MODEL", "-f", "png"])
    for line in result.error.split(separator: "\n") {
      lines += 1
      #expect(line.hasPrefix("swiftlet: 'in/"), "\(line)")
    }
    // No more lines than failures and remarks.
    #expect(lines <= 24 && result.code == 1, "\(result.error)")
  }

  /// Standard error is what it was, whichever decoders were at work at once.
  @Test func `standard error stays`() async throws {
    func identity() -> [UInt64] {
      var status = stat()
      return fstat(2, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : []
    }
    let before = identity()
    var files: [[UInt8]] = []
    for encoding in [ImageEncoding.avif(quality: 60), .jxl(quality: 60)] {
      if let bytes = try? TestChart.image(width: 40, height: 30).encoded(as: encoding) { files.append(bytes) }
    }
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<64 where !files.isEmpty {
        let bytes = files[index % files.count]
        group.addTask { _ = try? ImageCodec.decode(Array(bytes.prefix(bytes.count * (index % 4 + 1) / 4))) }
      }
    }
    #expect(identity() == before && !before.isEmpty)
  }
}
