import Foundation
import Testing

@testable import Imaging

/// Of what moves one picture is read, and the others are said.
@Suite struct AnimationTests {
  private func read(_ bytes: [UInt8]) throws -> (image: Image, remarks: [String]) {
    let reader = try ImageReader(.init(bytes, path: "x"), name: "x")
    return (try reader.decoded(), reader.remarks)
  }

  /// Frames of 8x6 pixels, the n-th all of 40n, of so many ticks each, by libjxl 0.7.
  private static let jxl: [(durations: String, pictures: Int, layers: Int, file: String)] = [
    (
      "111", 3, 1,
      "/wooMEETAIgJCAIBAEgASxiLFUK58AtEABACAAAAAAAACAIBAEwASxiLFcJBAV4gAoAgAAAAAAAAAAgCBQBMAEsYixXCQQFeIAKAcAAAAAAAAAA="
    ),
    (
      "001", 1, 3,
      "/wooMEETAIgJCAIAAABIAEsYixVCufALRAAQAgAAAAAAAAgCAAAATABLGIsVwkEBXiACgCAAAAAAAAAACAIFAEwASxiLFcJBAV4gAoBwAAAAAAAAAA=="
    ),
    (
      "000", 1, 3,
      "/wooMEETAIgJCAIAAABIAEsYixVCufALRAAQAgAAAAAAAAgCAAAATABLGIsVwkEBXiACgCAAAAAAAAAACAIEAEwASxiLFcJBAV4gAoBwAAAAAAAAAA=="
    ),
    (
      "100", 2, 1,
      "/wooMEETAIgJCAIBAEgASxiLFUK58AtEABACAAAAAAAACAIAAABMAEsYixXCQQFeIAKAIAAAAAAAAAAIAgQATABLGIsVwkEBXiACgHAAAAAAAAAA"
    ),
    (
      "0110", 3, 2,
      "/wooMEETAIgJCAIAAABIAEsYixVCufALRAAQAgAAAAAAAAgCAQBMAEsYixXCQQFeIAKAIAAAAAAAAAAIAgEATABLGIsVwkEBXiACgHAAAAAAAAAACAIEAEwASxiLFcJJQV4gAoBAAAAAAAAAAA=="
    ),
  ]

  /// What lasts no time is drawn under what follows, and is no picture of its own.
  @Test(.enabled(if: LibraryFormatTests.hasJXL, "libjxl is not installed")) func framesOfJPEGXL() throws {
    for (durations, pictures, layers, file) in Self.jxl {
      let (image, remarks) = try read([UInt8](try #require(Data(base64Encoded: file))))
      #expect((image.width, image.height) == (8, 6))
      guard case .uint8(let samples) = image.samples else {
        Issue.record("\(image)")
        continue
      }
      #expect(Set(samples) == [UInt8(40 * layers)], "\(durations): \(Set(samples))")
      var expected: [String] = []
      if pictures > 1 { expected.append("the first of \(pictures) frames is read; the others are left out") }
      if layers > 1 {
        expected.append(
          "\(layers) frames are drawn over each other and read as one picture, for those before the last have no duration")
      }
      #expect(remarks == expected, "\(durations): \(remarks)")
    }
  }

  /// Three frames of 16x12 pixels, by libavif 1.3 in Pillow.
  private static let avif = """
    AAAALGZ0eXBhdmlzAAAAAGF2aWZhdmlzbXNmMWlzbzhtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAA\
    AAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAPpAAAAJwAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBy\
    cAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAEAAAAAwAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAA\
    AAEAAQQBAoMEAAACym1vb3YAAAB4bXZoZAEAAAAAAAAA5y/J0AAAAADnL8nQAAAD6P//////////AAEAAAEAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAA\
    AQAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAJKdHJhawAAAGh0a2hkAQAAAQAAAADnL8nQAAAAAOcvydAAAAABAAAA\
    AP//////////AAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAQAAAAAAQAAAADAAAAAAALGVkdHMAAAAkZWxzdAEAAAEA\
    AAABAAAAAAAAASwAAAAAAAAAAAABAAAAAAGubWRpYQAAACxtZGhkAQAAAAAAAADnL8nQAAAAAOcvydAAAAPoAAAAAAAAASxVxAAAAAAAIWhkbHIAAAAAAAAA\
    AHBpY3QAAAAAAAAAAAAAAAAAAAABWW1pbmYAAAAUdm1oZAAAAAEAAAAAAAAAAAAAACRkaW5mAAAAHGRyZWYAAAAAAAAAAQAAAAx1cmwgAAAAAQAAARlzdGJs\
    AAAAlXN0c2QAAAAAAAAAAQAAAIVhdjAxAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAABAADABIAAAASAAAAAAAAAABCkFPTSBDb2RpbmcAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAGP//AAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABBjY3N0AAAAAHwAAAAAAAAYc3R0cwAAAAAAAAABAAAAAwAAAGQAAAAcc3Rz\
    YwAAAAAAAAABAAAAAQAAAAMAAAABAAAAIHN0c3oAAAAAAAAAAAAAAAMAAAAnAAAAGwAAABsAAAAUc3RjbwAAAAAAAAABAAAD6QAAABRzdHNzAAAAAAAAAAEA\
    AAABAAAAZW1kYXQSAAoNAAAAAZ/ZtfIgIaDQgDIUEACyAAACQAAAAHidgEPHAsPoMIASADIXMAPAgAAARrIAAAJAACAAGDojQv4l1IASADIXMAXBBAAARrIA\
    AAJAACAAGDodXEtTVSA=
    """

  @Test(.enabled(if: LibraryFormatTests.hasAVIF, "libheif with AV1 is not installed")) func framesOfAVIF() throws {
    let bytes = [UInt8](try #require(Data(base64Encoded: Self.avif)))
    let (image, remarks) = try read(bytes)
    #expect((image.width, image.height) == (16, 12))
    #expect(remarks == ["the first of 3 frames is read; the others are left out"])
    // Without the still picture's box there is only the film.
    let meta = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("meta".utf8)) })
    var film = bytes
    film.replaceSubrange(meta..<meta + 4, with: Array("free".utf8))
    do {
      _ = try read(film)
      Issue.record("a film was read")
    } catch ImageError.unsupported(_, _, let reason) {
      #expect(reason.contains("no still one"))
    }
  }

  /// Counts are of any file's boxes, however damaged.
  @Test func damagedBoxes() throws {
    let bytes = [UInt8](try #require(Data(base64Encoded: Self.avif)))
    let whole = try #require(MovingPictures(.init(bytes, path: "x")))
    #expect(whole.frameCount == 3 && whole.hasStill)
    for count in 0..<bytes.count {
      let part = MovingPictures(.init(Array(bytes.prefix(count)), path: "x"))
      #expect(part == nil || part == whole)
    }
    var generator = SplitMix64(seed: 9)
    for _ in 0..<2000 {
      var changed = bytes
      for _ in 0..<4 {
        changed[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      _ = MovingPictures(.init(changed, path: "x"))
    }
  }
}
