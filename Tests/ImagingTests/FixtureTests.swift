import Foundation
import Imaging
import Testing

@Suite struct FixtureTests {
  static let files: [(name: String, bytes: [UInt8])] = Fixtures.all.compactMap { fixture in
    Data(base64Encoded: fixture.file).map { (fixture.name, [UInt8]($0)) }
  }

  @Test(arguments: Fixtures.all.map(\.name)) func decodes(name: String) throws {
    let fixture = try #require(Fixtures.all.first { $0.name == name })
    let bytes = try #require(Self.files.first { $0.name == name }).bytes
    let image = try ImageCodec.decode(bytes, name: name)
    #expect(image.width == fixture.width)
    #expect(image.height == fixture.height)
    #expect(image.colourModel == (fixture.isGrey ? .grey : .rgb))
    #expect(image.hasAlpha == fixture.hasAlpha)
    #expect(image.bitDepth == fixture.bits)
    let raw = [UInt8](try #require(Data(base64Encoded: fixture.samples)))
    let (actual, expected): ([Int], [Int]) =
      switch image.samples {
      case .uint8(let values): (values.map { Int($0) }, raw.map { Int($0) })
      case .uint16(let values):
        (values.map { Int($0) }, stride(from: 0, to: raw.count, by: 2).map { Int(raw[$0]) | Int(raw[$0 + 1]) << 8 })
      }
    try #require(actual.count == expected.count)
    let difference = zip(actual, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(difference <= fixture.tolerance, "\(name): off by \(difference)")
  }

  @Test(arguments: Fixtures.refused.map(\.name)) func refuses(name: String) throws {
    let fixture = try #require(Fixtures.refused.first { $0.name == name })
    let bytes = [UInt8](try #require(Data(base64Encoded: fixture.file)))
    let error = #expect(throws: ImageError.self) { try ImageCodec.decode(bytes, name: name) }
    guard case .unsupported(_, _, let reason) = error else {
      Issue.record("\(name): \(String(describing: error))")
      return
    }
    #expect(reason.contains(fixture.reason), "\(name): \(reason)")
  }

  /// The kinds that others write, cut short at every length: never a picture that differs.
  @Test(arguments: Fixtures.all.map(\.name)) func truncation(name: String) throws {
    let bytes = try #require(Self.files.first { $0.name == name }).bytes
    let whole = try ImageCodec.decode(bytes)
    let limits = DecodingLimits(pixels: 1 << 16, bytes: 1 << 20)
    for length in 0..<bytes.count {
      guard let image = try? ImageCodec.decode(Array(bytes[..<length]), limits: limits) else { continue }
      #expect(image.samples == whole.samples, "\(name) cut to \(length) of \(bytes.count) bytes")
    }
  }

  @Test func randomDamage() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("random damage to the fixtures: seed \(seed)")
    var generator = SplitMix64(seed: seed)
    for round in 0..<10_000 {
      var bytes = Self.files[round % Self.files.count].bytes
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      _ = try? ImageCodec.decode(bytes, limits: DecodingLimits(pixels: 1 << 16, bytes: 1 << 20))
    }
  }
}
