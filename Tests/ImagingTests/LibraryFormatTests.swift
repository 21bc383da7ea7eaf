import Foundation
import TestSupport
import Testing

@testable import Imaging

/// Formats whose libraries are looked for when they are needed: GIF, AVIF, HEIC and JPEG XL.
@Suite struct LibraryFormatTests {
  private func read(_ bytes: [UInt8], isTolerant: Bool = false) throws -> (image: Image, remarks: [String]) {
    let reader = try ImageReader(.init(bytes, path: "x"), name: "x", isTolerant: isTolerant)
    return (try reader.decoded(), reader.remarks)
  }

  // MARK: GIF

  /// A frame, at a place of the screen.
  struct Frame {
    var left = 0, top = 0
    var width: Int, height: Int
    var indices: [UInt8]
    var transparent: UInt8?
    var isInterlaced = false
  }

  /// A GIF file whose pixels are not compressed: a code that clears the table comes before codes would grow.
  static func gif(
    width: Int, height: Int, palette: [[UInt8]], frames: [Frame], comment: String? = nil, bits: Int = 8
  ) -> [UInt8] {
    func little(_ value: Int) -> [UInt8] { TIFFStructure.Entry.little(value, 2) }
    var file = Array("GIF89a".utf8) + little(width) + little(height) + [0x80 | UInt8(bits - 1), 0, 0]
    for index in 0..<1 << bits { file += index < palette.count ? palette[index] : [0, 0, 0] }
    if let comment { file += [0x21, 0xFE, UInt8(comment.utf8.count)] + Array(comment.utf8) + [0] }
    for frame in frames {
      if let transparent = frame.transparent { file += [0x21, 0xF9, 4, 1, 0, 0, transparent, 0] }
      file += [0x2C] + little(frame.left) + little(frame.top) + little(frame.width) + little(frame.height)
      file += [frame.isInterlaced ? 0x40 : 0, UInt8(max(bits, 2))]
      var order = Array(0..<frame.height)
      if frame.isInterlaced {
        order = [(0, 8), (4, 8), (2, 4), (1, 2)].flatMap { Array(stride(from: $0.0, to: frame.height, by: $0.1)) }
      }
      let codeBits = max(bits, 2) + 1, clear = 1 << max(bits, 2)
      var codes = [clear], sinceClear = 0
      for row in order {
        for index in frame.indices[row * frame.width..<(row + 1) * frame.width] {
          codes.append(Int(index))
          sinceClear += 1
          if sinceClear == clear - 3 {
            codes.append(clear)
            sinceClear = 0
          }
        }
      }
      codes.append(clear + 1)
      var data: [UInt8] = [], pending = 0, count = 0
      for code in codes {
        pending |= code << count
        count += codeBits
        while count >= 8 {
          data.append(UInt8(pending & 255))
          pending >>= 8
          count -= 8
        }
      }
      if count > 0 { data.append(UInt8(pending & 255)) }
      for start in stride(from: 0, to: data.count, by: 255) {
        let block = data[start..<min(start + 255, data.count)]
        file += [UInt8(block.count)] + block
      }
      file.append(0)
    }
    return file + [0x3B]
  }

  static let palette: [[UInt8]] = (0..<256).map { [UInt8($0), UInt8($0 * 7 % 256), UInt8(255 - $0)] }

  private static func indices(_ count: Int, seed: UInt64 = 3) -> [UInt8] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  private static func isInstalled(_ body: () throws -> Void) -> Bool {
    do {
      try body()
    } catch {
      if case .libraryMissing = error as? ImageError { return false }
    }
    return true
  }

  static let hasGIF = isInstalled {
    _ = try ImageCodec.decode(
      gif(width: 1, height: 1, palette: palette, frames: [Frame(width: 1, height: 1, indices: [1])]))
  }
  static let hasAVIF = isInstalled { _ = try TestPictures.noise(.rgb).encoded(as: .avif(quality: 90)) }
  static let hasHEIC = isInstalled { _ = try ImageCodec.decode([UInt8](Data(base64Encoded: PictureFixtures.heic) ?? Data())) }
  static let hasJXL = isInstalled { _ = try TestPictures.noise(.rgb).encoded(as: .jxlLossless) }

  @Test(.enabled(if: hasGIF, "giflib is not installed")) func palettesOfGIF() throws {
    let indices = Self.indices(13 * 11)
    let file = Self.gif(
      width: 13, height: 11, palette: Self.palette, frames: [Frame(width: 13, height: 11, indices: indices)], comment: "größer")
    let (image, remarks) = try read(file)
    #expect(remarks.isEmpty && image.width == 13 && image.height == 11 && !image.hasAlpha)
    #expect(image.samples == .uint8(indices.flatMap { Self.palette[Int($0)] }))
    #expect(image.metadata.chunks == [PNGChunk(keyword: "Comment", text: "größer")])
    let interlaced = Self.gif(
      width: 13, height: 11, palette: Self.palette, frames: [Frame(width: 13, height: 11, indices: indices, isInterlaced: true)]
    )
    #expect(try read(interlaced).image.samples == image.samples)
    let greys = (0..<4).map { [UInt8](repeating: UInt8($0 * 80), count: 3) }
    let small = indices.map { $0 % 4 }
    let grey = try read(
      Self.gif(width: 13, height: 11, palette: greys, frames: [Frame(width: 13, height: 11, indices: small)], bits: 2)
    ).image
    #expect(grey.colourModel == .grey && grey.samples == .uint8(small.map { $0 * 80 }))
  }

  /// The first frame alone, where it lies on the screen; what it does not cover, and one colour, are transparent.
  @Test(.enabled(if: hasGIF, "giflib is not installed")) func framesOfGIF() throws {
    let first = Frame(left: 2, top: 3, width: 4, height: 5, indices: Self.indices(20), transparent: Self.indices(20)[7])
    let second = Frame(width: 9, height: 9, indices: Self.indices(81, seed: 4))
    let (image, remarks) = try read(Self.gif(width: 9, height: 9, palette: Self.palette, frames: [first, second, second]))
    #expect(remarks.count == 1 && remarks[0].contains("first of 3 frames"))
    var expected = [UInt8](repeating: 0, count: 9 * 9 * 4)
    for y in 0..<5 {
      for x in 0..<4 where first.indices[4 * y + x] != first.transparent {
        let at = ((y + 3) * 9 + x + 2) * 4
        expected.replaceSubrange(at..<at + 4, with: Self.palette[Int(first.indices[4 * y + x])] + [255])
      }
    }
    #expect(image.hasAlpha && image.samples == .uint8(expected))
    // A frame beyond the screen widens it.
    let wide = try read(Self.gif(width: 3, height: 4, palette: Self.palette, frames: [first])).image
    #expect((wide.width, wide.height) == (6, 8))
    let bad = Self.gif(
      width: 2, height: 1, palette: Array(Self.palette.prefix(4)), frames: [Frame(width: 2, height: 1, indices: [1, 2])],
      bits: 2)
    #expect(try read(bad).image.width == 2)
    #expect(throws: ImageError.self) { try read(Self.gif(width: 2, height: 1, palette: Self.palette, frames: [])) }
  }

  @Test(.enabled(if: hasGIF, "giflib is not installed")) func damagedGIF() throws {
    let frame = Frame(width: 61, height: 90, indices: Self.indices(61 * 90))
    var interlaced = frame
    interlaced.isInterlaced = true
    let whole = Self.gif(width: 61, height: 90, palette: Self.palette, frames: [frame])
    let image = try read(whole).image
    // The mark of the end alone.
    #expect(try read(Array(whole.dropLast())).remarks.count == 1)
    for share in [0.3, 0.5, 0.8] {
      let cut = Array(whole.prefix(Int(Double(whole.count) * share)))
      #expect(throws: ImageError.self) { try read(cut) }
      let (result, remarks) = try read(cut, isTolerant: true)
      let there = try #require(remarks.first.flatMap { $0.split(separator: " ").compactMap { Int($0) }.first })
      #expect(remarks[0].contains("\(there) of 90 rows were there") && Double(there) > share * 90 - 20 && there < 90)
      for channel in 0..<3 {
        let (a, b) = (result.doublePlane(channel), image.doublePlane(channel))
        for y in 0..<90 { #expect(y < there ? a[5, y] == b[5, y] : a[5, y] == 128, "row \(y) of \(there)") }
      }
      let coarse = Self.gif(width: 61, height: 90, palette: Self.palette, frames: [interlaced])
      let part = try read(Array(coarse.prefix(cut.count)), isTolerant: true)
      #expect(part.remarks.first?.contains("not in full detail") == true)
      #expect(part.image.doublePlane(0)[5, 8] == image.doublePlane(0)[5, 8])
    }
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SplitMix64(seed: seed)
    let small = Self.gif(
      width: 20, height: 12, palette: Self.palette,
      frames: [Frame(width: 20, height: 12, indices: Self.indices(240), transparent: 4, isInterlaced: true)], comment: "c")
    for _ in 0..<3000 {
      var bytes = small
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let end = Bool.random(using: &generator) ? bytes.count : 40
        bytes[Int.random(in: 0..<end, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      bytes.removeLast(Bool.random(using: &generator) ? 0 : Int.random(in: 0..<bytes.count, using: &generator))
      do {
        let reader = try ImageReader(
          .init(bytes, path: "x"), name: "x", limits: DecodingLimits(pixels: 1 << 16),
          isTolerant: Bool.random(using: &generator))
        _ = try reader.decoded()
      } catch {
        #expect(!"\(error)".contains("\n"), "seed \(seed)")
      }
    }
  }

  // MARK: AVIF, HEIC, JPEG XL

  @Test(.enabled(if: hasJXL, "libjxl is not installed"), arguments: TestPictures.kinds) func losslessJPEGXL(image: Image) throws
  {
    var image = image
    image.metadata = MetadataTests.full().metadata
    image.metadata.exif = MetadataTests.exif(width: image.width, height: image.height)
    let bytes = try image.encoded(as: .jxlLossless)
    #expect(ImageFormat(sniffing: bytes) == .jxl)
    let (result, remarks) = try read(bytes)
    #expect(remarks.isEmpty)
    #expect(result.samples == image.samples && result.colourModel == image.colourModel && result.hasAlpha == image.hasAlpha)
    #expect(result.metadata.exif == image.metadata.exif && result.metadata.xmp == image.metadata.xmp)
    #expect(result.metadata.resolution == image.metadata.resolution)
    #expect(image.metadata.lost(in: .jxl).contains("IPTC"))
    image.metadata = ImageMetadata()
    #expect(try read(image.encoded(as: .jxlLossless)).image == image)
    #expect(try read(image.encoded(as: .jxl(quality: 100))).image == image)
    for count in stride(from: 0, to: bytes.count, by: 7) {
      #expect(throws: ImageError.self) { try read(Array(bytes.prefix(count))) }
    }
  }

  @Test(.enabled(if: hasAVIF, "libheif with AV1 is not installed"), arguments: [8, 16], [false, true])
  func lossyAVIF(bits: Int, alpha: Bool) throws {
    for model in [Image.ColourModel.rgb, .grey] {
      var image = TestPictures.smooth(TestPictures.noise(model, alpha: alpha, bits: bits), width: 83, height: 61)
      image.metadata.exif = MetadataTests.exif(width: 83, height: 61)
      image.metadata.xmp = TestPictures.xmp(orientation: 1)
      let bytes = try image.encoded(as: .avif(quality: 95))
      #expect(ImageFormat(sniffing: bytes) == .avif)
      let (result, remarks) = try read(bytes)
      #expect(remarks.isEmpty && result.colourModel == model && result.hasAlpha == alpha && result.bitDepth == bits)
      #expect(difference(result, image) < 12, "\(image): \(difference(result, image))")
      #expect(result.metadata.exif == image.metadata.exif && result.metadata.xmp == image.metadata.xmp)
      #expect(try image.encoded(as: .avif(quality: 30)).count < bytes.count)
      for count in stride(from: 0, to: bytes.count - 1, by: 29) {
        if let part = try? read(Array(bytes.prefix(count))) { Issue.record("\(count) of \(bytes.count) bytes: \(part.image)") }
      }
    }
    #expect(throws: ImageError.invalidQuality(format: .avif, quality: 101)) {
      try TestPictures.noise(.rgb).encoded(as: .avif(quality: 101))
    }
  }

  @Test(.enabled(if: hasJXL, "libjxl is not installed")) func lossyJPEGXL() throws {
    let image = TestChart.image(width: 90, height: 64)
    let good = try image.encoded(as: .jxl(quality: 95)), poor = try image.encoded(as: .jxl(quality: 30))
    #expect(poor.count < good.count)
    let result = try read(good).image
    #expect(PeakSignalToNoise.of(result, image) > 30)
    #expect(PeakSignalToNoise.of(try read(poor).image, image) < PeakSignalToNoise.of(result, image) - 3)
  }

  /// A large picture lies in the file in parts: those that are there are drawn.
  @Test(.enabled(if: hasJXL, "libjxl is not installed")) func cutJPEGXL() throws {
    let bytes = try TestPictures.smooth(TestPictures.noise(.rgb), width: 700, height: 500).encoded(as: .jxl(quality: 80))
    let whole = try read(bytes).image, cut = Array(bytes.prefix(bytes.count * 7 / 10))
    #expect(throws: ImageError.self) { try read(cut) }
    let (part, remarks) = try read(cut, isTolerant: true)
    #expect(remarks.count == 1 && remarks[0].contains("not in full detail"), "\(remarks)")
    #expect((part.width, part.height) == (700, 500))
    #expect(PeakSignalToNoise.of(part, whole) > 15)
  }

  @Test(.enabled(if: hasHEIC, "libheif with HEVC is not installed")) func picturesOfPhones() throws {
    let bytes = [UInt8](try #require(Data(base64Encoded: PictureFixtures.heic)))
    #expect(ImageFormat(sniffing: bytes) == .heic)
    let (image, remarks) = try read(bytes)
    #expect(remarks.isEmpty && image.width == 32 && image.height == 24 && image.colourModel == .rgb)
    for (channel, mean) in [90.1, 73.5, 48.6].enumerated() {
      let plane = image.doublePlane(channel)
      #expect(abs(plane.elements.reduce(0, +) / 768 - mean) < 1, "channel \(channel)")
    }
    for count in stride(from: 0, to: bytes.count - 1, by: 13) {
      #expect(throws: ImageError.self) { try read(Array(bytes.prefix(count))) }
    }
  }

  /// Whatever is read of a damaged file, it is a picture or an error of one line.
  @Test(.enabled(if: hasAVIF && hasJXL, "libheif or libjxl is not installed")) func randomDamage() throws {
    let chart = TestChart.image(width: 40, height: 30)
    let files = [
      try chart.encoded(as: .avif(quality: 60)), try chart.encoded(as: .jxl(quality: 60)), try chart.encoded(as: .jxlLossless),
    ]
    let seed = UInt64.random(in: 0 ... .max)
    print("random damage to AVIF and JPEG XL: seed \(seed)")
    var generator = SplitMix64(seed: seed)
    for round in 0..<600 {
      var bytes = files[round % 3]
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      do {
        let reader = try ImageReader(
          .init(bytes, path: "x"), name: "x", limits: DecodingLimits(pixels: 1 << 16), isTolerant: round % 2 == 0)
        _ = try reader.decoded()
      } catch {
        #expect(!"\(error)".contains("\n"))
      }
    }
  }

  @Test func formatsByTheirFirstBytes() {
    func box(_ brand: String) -> [UInt8] { [0, 0, 0, 24] + Array("ftyp\(brand)".utf8) }
    #expect(ImageFormat(sniffing: box("avif")) == .avif && ImageFormat(sniffing: box("heix")) == .heic)
    #expect(ImageFormat(sniffing: box("mif1")) == .heic && ImageFormat(sniffing: box("isom")) == nil)
    #expect(ImageFormat(sniffing: [0xFF, 0x0A, 1]) == .jxl && ImageFormat(sniffing: Array("GIF87a".utf8)) == .gif)
    #expect(ImageFormat(path: "a.HEIF") == .heic && ImageFormat(path: "a.jxl") == .jxl && ImageFormat(path: "a.gif") == .gif)
  }

  /// The largest difference, in levels of 8 bits.
  private func difference(_ a: Image, _ b: Image) -> Double {
    (0..<a.channels).reduce(0) { largest, channel in
      zip(a.doublePlane(channel).elements, b.doublePlane(channel).elements).reduce(largest) { max($0, abs($1.0 - $1.1)) }
    }
  }

  private enum PeakSignalToNoise {
    static func of(_ a: Image, _ b: Image) -> Double {
      var sum = 0.0, count = 0.0
      for channel in 0..<a.channels {
        for (x, y) in zip(a.doublePlane(channel).elements, b.doublePlane(channel).elements) {
          sum += (x - y) * (x - y)
          count += 1
        }
      }
      return 20 * log10(255 / (sum / count).squareRoot())
    }
  }
}
