import Files
import Foundation
import Testing

@testable import Imaging

extension TestPictures {
  /// A picture of a kind whose neighbours are alike, with some noise.
  static func smooth(_ kind: Image, width: Int, height: Int) -> Image {
    var generator = SplitMix64(seed: UInt64(width * 7 + height))
    let channels = kind.channels, most = kind.bitDepth == 16 ? 65_535 : 255
    var values: [Int] = []
    for y in 0..<height {
      for x in 0..<width {
        for channel in 0..<channels {
          let wave = (x * (3 + channel) + y * 2) % 400
          values.append((wave < 200 ? wave : 400 - wave) * most / 220 + Int(generator.next() % UInt64(most / 24)))
        }
      }
    }
    return Image(
      width: width, height: height, colourModel: kind.colourModel, hasAlpha: kind.hasAlpha,
      samples: most == 255 ? .uint8(values.map { UInt8($0) }) : .uint16(values.map { UInt16($0) }))
  }

  /// Where the first chunk of a kind stands in a PNG file.
  static func chunk(_ kind: String, of png: [UInt8]) -> Range<Int>? {
    var at = 8
    while at + 12 <= png.count {
      let length = png[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
      if png[at + 4..<at + 8].elementsEqual(Array(kind.utf8)) { return at..<at + 12 + length }
      at += 12 + length
    }
    return nil
  }
}

extension Image {
  /// Of an 8-bit picture: its colours over white.
  fileprivate var overWhite: Image {
    guard hasAlpha else { return self }
    let conversion = RowConversion(properties: properties, laysOverWhite: true)
    let samples = Samples.made(width * height * colourModel.channels, bitDepth: 8) { target in
      withUnsafeSampleBytes { conversion.convert($0.baseAddress!, count: height, into: target.baseAddress!) }
    }
    return Image(conversion.result, samples: samples)
  }
}

/// Pictures that are written and read some rows at a time are those that are coded at once.
@Suite struct StreamingTests {
  /// Turns in another order than one after the other, on several threads.
  struct Backwards: ParallelLoop {
    func run(count: Int, _ turn: (Int) -> Void) { for index in (0..<count).reversed() { turn(index) } }
  }

  private static let encodings: [ImageEncoding] = [
    .png, .jpeg(quality: 92), .jpeg(quality: 60), .tiff, .bmp, .webpLossless, .webp(quality: 80),
  ]

  private func encoded(_ image: Image, _ encoding: ImageEncoding, bands: () -> Int, beside: Bool) throws -> [UInt8] {
    let sink = MemorySink()
    let writer = try ImageWriter(image.properties, as: encoding, to: sink)
    var row = 0
    while row < image.height {
      let count = min(bands(), image.height - row)
      var visits = 0
      let problem = image.withUnsafeSampleBytes { samples -> ImageError? in
        do throws(ImageError) {
          try writer.append(
            samples.baseAddress! + row * image.properties.rowByteCount, count: count, on: Backwards(),
            beside: beside ? { visits += 1 } : nil)
          return nil
        } catch { return error }
      }
      if let problem { throw problem }
      #expect(visits == (beside ? 1 : 0))
      row += count
    }
    try writer.finish(on: Backwards())
    return sink.bytes
  }

  @Test(arguments: encodings) func `bands, threads and company change no byte`(encoding: ImageEncoding) throws {
    var generator = SplitMix64(seed: 7)
    for kind in TestPictures.kinds {
      for (width, height) in [(1, 1), (1, 70), (300, 1), (33, 65), (700, 389), (129, 1100)] {
        let image = TestPictures.smooth(kind, width: width, height: height)
        let whole = try image.encoded(as: encoding)
        for most in [1, 7, 64, 500] {
          let bands = try encoded(image, encoding, bands: { 1 + Int(generator.next() % UInt64(most)) }, beside: most == 7)
          #expect(bands == whole, "\(image) in bands of up to \(most)")
        }
      }
    }
  }

  @Test func `a JPEG of several parts is a JPEG`() throws {
    for quality in [60, 92] {
      for hasAlpha in [false, true] {
        let image = TestPictures.smooth(TestPictures.noise(.rgb, alpha: hasAlpha), width: 1000, height: 1303)
        let back = try ImageCodec.decode(image.encoded(as: .jpeg(quality: quality)))
        let truth = PlanarImage<Double>(image.overWhite).colour, found = PlanarImage<Double>(back).colour
        #expect(back.width == 1000 && back.height == 1303)
        #expect(ImageMetric.peakSignalToNoiseRatio(truth, found) > 32)
      }
    }
  }

  @Test func `rows that are read one after the other are the picture`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "streaming-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // Each JPEG, progressive ones too, once more with the right side up.
    let exif = Array("Exif\0\0".utf8) + TestPictures.exif(orientation: 6)
    let turned = FixtureTests.files.filter { $0.bytes.starts(with: [0xFF, 0xD8]) }.map { file in
      ("turned \(file.name)", file.bytes[..<2] + [0xFF, 0xE1, 0, UInt8(exif.count + 2)] + exif + file.bytes[2...])
    }
    #expect(try turned.contains { try ImageReader(RandomAccessFile(Array($0.1), path: "x"), name: "x").obstacle == .turned })
    for (name, bytes) in TestPictures.files + FixtureTests.files + turned.map({ ($0.0, Array($0.1)) }) {
      let whole = try ImageCodec.decode(bytes)
      try AtomicFile.write(bytes, to: folder + "/picture")
      let onDisk = try RandomAccessFile(path: folder + "/picture", limit: 1 << 24, memory: 0)
      for file in [RandomAccessFile(bytes, path: "picture"), onDisk] {
        let reader = try ImageReader(file, name: name)
        try reader.start()
        let properties = reader.properties
        #expect(properties == whole.properties, "\(name)")
        let samples = try Image.Samples.made(whole.samples.count, bitDepth: properties.bitDepth) {
          (buffer) throws(ImageError) in
          var row = 0
          while row < properties.height {
            let count = min(1 + row % 3, properties.height - row)
            try reader.read(count, into: buffer.baseAddress! + row * properties.rowByteCount)
            row += count
          }
        }
        try reader.finish()
        #expect(samples == whole.samples, "\(name)")
      }
    }
  }

  @Test func `what cannot be read in rows says why`() throws {
    func obstacle(_ bytes: [UInt8]) throws -> ImageObstacle? {
      try ImageReader(RandomAccessFile(bytes, path: "x"), name: "x").obstacle
    }
    var image = TestPictures.noise(.rgb)
    for encoding in [ImageEncoding.png, .jpeg(quality: 90), .tiff, .bmp] {
      #expect(try obstacle(image.encoded(as: encoding)) == nil)
    }
    #expect(try obstacle(image.encoded(as: .webpLossless)) == .library(.webp))
    image.metadata.exif = TestPictures.exif(orientation: 6)
    #expect(try obstacle(image.encoded(as: .jpeg(quality: 90))) == .turned)
    // EXIF behind the pixels.
    let early = try image.encoded(as: .png)
    let chunk = try #require(TestPictures.chunk("eXIf", of: early))
    let end = early.count - 12
    let late = Array(early[..<chunk.lowerBound] + early[chunk.upperBound..<end] + early[chunk] + early[end...])
    #expect(try obstacle(late) == .lateMetadata)
    #expect(try ImageCodec.decode(late) == ImageCodec.decode(early))
  }
}
