import Foundation
import Testing

@testable import Imaging

@Suite struct DamagedFileTests {
  static let limits = DecodingLimits(pixels: 1 << 16, bytes: 1 << 20)

  /// Every file cut short at every length: an error, or, where only bytes behind the picture are missing, the same pixels.
  @Test(arguments: TestPictures.files.map(\.name)) func truncation(name: String) throws {
    let bytes = try #require(TestPictures.files.first { $0.name == name }).bytes
    let whole = try ImageCodec.decode(bytes)
    for length in 0..<bytes.count {
      guard let image = try? ImageCodec.decode(Array(bytes[..<length]), limits: Self.limits) else { continue }
      #expect(image.samples == whole.samples && whole.width == image.width, "\(name) cut to \(length) of \(bytes.count) bytes")
      #expect(image.metadata == whole.metadata, "\(name) cut to \(length) of \(bytes.count) bytes")
    }
    #expect(try ImageCodec.decode(bytes + Array("trailing garbage".utf8), limits: Self.limits) == whole, "\(name)")
  }

  #if os(Linux)
    /// A chunk that says it is long takes no memory before it is there, in front of the pixels or behind them.
    @Test(arguments: ["IHDR", "IDAT"]) func missingChunks(front: String) throws {
      let bytes = try #require(TestPictures.files.first { ImageFormat(sniffing: $0.bytes) == .png }).bytes
      // Behind the chunk of that name.
      var place = 8
      while String(decoding: bytes[(place + 4)..<(place + 8)], as: UTF8.self) != front {
        place += 12 + bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      }
      place += 12 + bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      let chunk: [UInt8] = [0x7F, 0xFF, 0xFF, 0xF0] + Array("eXIfII*\0".utf8)
      let before = Self.peakKilobytes
      #expect(throws: ImageError.self) { try ImageCodec.decode(bytes[..<place] + chunk + bytes[place...]) }
      #expect(Self.peakKilobytes - before < 1 << 20)
    }

    /// The most address space so far.
    private static var peakKilobytes: Int {
      let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? []
      return lines.first { $0.hasPrefix("VmPeak:") }.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }
  #endif

  /// Random damage ends in an error or a picture, and in nothing else.
  @Test(arguments: [ImageFormat.png, .jpeg, .webp, .tiff, .bmp]) func randomDamage(format: ImageFormat) throws {
    let files = TestPictures.files.filter { ImageFormat(sniffing: $0.bytes) == format }
    let seed = UInt64.random(in: 0 ... .max)
    print("random damage to \(format.title): seed \(seed)")
    var generator = SplitMix64(seed: seed)
    for round in 0..<10_000 {
      var bytes = files[round % files.count].bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        // Half of the damage goes to the first bytes, where the headers are.
        let end = Bool.random(using: &generator) ? bytes.count : min(64, bytes.count)
        bytes[Int.random(in: 0..<end, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      // Without this the checksums of PNG would stop all damage at the door.
      if format == .png, round % 4 != 0 { repairChecksums(&bytes) }
      do {
        let image = try ImageCodec.decode(bytes, limits: Self.limits)
        #expect(image.width * image.height <= Self.limits.pixels)
      } catch {
        #expect(!"\(error)".contains("\n"))
      }
    }
  }

  @Test func hugeClaims() throws {
    func bigEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) } }
    let ihdr = Array("IHDR".utf8) + bigEndian(100_000) + bigEndian(100_000) + [8, 2, 0, 0, 0]
    var png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + ihdr + bigEndian(checksum(ihdr))
    png += [0, 0, 0, 0] + Array("IDAT".utf8) + bigEndian(checksum(Array("IDAT".utf8)))
    #expect(throws: ImageError.tooManyPixels(name: "huge.png", width: 100_000, height: 100_000, limit: 1 << 28)) {
      try ImageCodec.decode(png, name: "huge.png")
    }

    var bmp = try TestPictures.noise(.rgb).encoded(as: .bmp)
    bmp.replaceSubrange(18..<26, with: [0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F])
    #expect(throws: ImageError.tooManyPixels(name: "x", width: Int(Int32.max), height: Int(Int32.max), limit: 1 << 28)) {
      try ImageCodec.decode(bmp, name: "x")
    }

    let sixteen = try TestPictures.noise(.rgb, bits: 16).encoded(as: .png)
    #expect(throws: ImageError.tooManyBytes(name: "x", width: 13, height: 7, bytes: 546, limit: 545)) {
      try ImageCodec.decode(sixteen, name: "x", limits: DecodingLimits(bytes: 545))
    }
    #expect(throws: ImageError.tooManyPixels(name: "x", width: 13, height: 7, limit: 90)) {
      try ImageCodec.decode(sixteen, name: "x", limits: DecodingLimits(pixels: 90))
    }
  }

  /// Makes the checksum of each chunk of a PNG file right, as far as the lengths lead.
  private func repairChecksums(_ bytes: inout [UInt8]) {
    var start = 8
    while start + 12 <= bytes.count {
      let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
      let end = start + 8 + length
      guard end + 4 <= bytes.count else { return }
      let sum = checksum(Array(bytes[start + 4..<end]))
      for i in 0..<4 { bytes[end + i] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * UInt32(i))) }
      start = end + 4
    }
  }

  /// The CRC-32 of a PNG chunk.
  private func checksum(_ bytes: [UInt8]) -> UInt32 {
    var sum = ~UInt32(0)
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    return ~sum
  }
}
