import Files
import Testing

@testable import Imaging

/// What travels beside the pixels, from each format to each.
@Suite struct MetadataTests {
  /// As much as a picture can have.
  static func full(_ model: Image.ColourModel = .rgb) -> Image {
    var image = TestPictures.noise(model, width: 24, height: 16)
    image.metadata.exif = exif(width: 24, height: 16)
    image.metadata.xmp = TestPictures.xmp(orientation: 1)
    image.metadata.iptc = [0x1C, 2, 5, 0, 3] + Array("cat".utf8)
    image.metadata.resolution = ImageResolution(horizontal: 300, vertical: 300, unit: .inch)
    image.metadata.chunks = [
      PNGChunk(kind: "gAMA", bytes: [0, 1, 0x86, 0xA0]), PNGChunk(keyword: "Comment", text: "größer"),
      PNGChunk(keyword: "parameters", text: "a cat, steps: 20"),
    ]
    return image
  }

  /// EXIF with a maker, a resolution, a child with sizes and a date, and a small picture behind it.
  static func exif(width: Int, height: Int, thumbnail: Int = 0, isLittle: Bool = true, isLong: Bool = false) -> [UInt8] {
    var structure = TIFFStructure()
    let make = Array("Maker\0".utf8)
    structure.entries[0x010F] = .init(type: 2, count: make.count, bytes: make)
    structure.entries.merge(ImageResolution(horizontal: 300, vertical: 300, unit: .inch).entries) { $1 }
    var child = TIFFStructure()
    let date = Array("2020:01:02 03:04:05\0".utf8)
    child.entries[0x9003] = .init(type: 2, count: date.count, bytes: date)
    child.entries[0xA002] = isLong ? .long(width) : .short(width)
    child.entries[0xA003] = isLong ? .long(height) : .short(height)
    structure.children[0x8769] = child
    var gps = TIFFStructure()
    gps.entries[0x0001] = .init(type: 2, count: 2, bytes: [0x4E, 0])
    structure.children[0x8825] = gps
    let plain = structure.bytes(at: 8)
    guard thumbnail > 0 else { return [0x49, 0x49, 42, 0, 8, 0, 0, 0] + plain }
    let second = 8 + plain.count + plain.count % 2
    var small = TIFFStructure()
    small.entries[0x0201] = .long(second + 30)
    small.entries[0x0202] = .long(thumbnail)
    let first = structure.bytes(at: 8, next: second)
    return [0x49, 0x49, 42, 0, 8, 0, 0, 0] + first + [UInt8](repeating: 0, count: first.count % 2) + small.bytes(at: second)
      + [UInt8](repeating: 0xAB, count: thumbnail)
  }

  static let encodings: [ImageEncoding] = [.png, .jpeg(quality: 90), .webpLossless, .tiff, .bmp]

  /// From every format to every other: each block is there, or the list of what is lost names it.
  @Test(arguments: encodings, encodings) func matrix(first: ImageEncoding, second: ImageEncoding) throws {
    let original = Self.full()
    let start = try ImageCodec.decode(original.encoded(as: first))
    let end = try ImageCodec.decode(start.encoded(as: second))
    for (before, after, format) in [(original, start, first.format), (start, end, second.format)] {
      let lost = before.metadata.lost(in: format).joined(separator: ", ")
      let (old, new) = (before.metadata, after.metadata)
      #expect((old.xmp == nil) == (new.xmp == nil) || lost.contains("XMP"), "\(first) to \(second): \(lost)")
      #expect(old.iptc == new.iptc || lost.contains("IPTC"), "\(first) to \(second): \(lost)")
      #expect(old.resolution == new.resolution || lost.contains("resolution"), "\(first) to \(second): \(lost)")
      let tags = old.exif.flatMap(ExifBlock.init)?.structure, kept = new.exif.flatMap(ExifBlock.init)?.structure
      #expect(tags?.entries[0x010F] == kept?.entries[0x010F] || lost.contains("EXIF"), "\(first) to \(second): \(lost)")
      #expect(tags?.children == kept?.children || lost.contains("EXIF"), "\(first) to \(second): \(lost)")
      for chunk in old.chunks where !new.chunks.contains(chunk) {
        let isRaw = chunk.keyword == ImageMetadata.iptcKeyword
        #expect(isRaw || lost.contains("text") || lost.contains(chunk.kind), "\(first) to \(second): \(chunk.kind), \(lost)")
      }
    }
  }

  @Test func pngHasEachChunkOnce() throws {
    let bytes = try Self.full().encoded(as: .png)
    var kinds: [String] = []
    var at = 8
    while at + 8 <= bytes.count {
      kinds.append(String(decoding: bytes[at + 4..<at + 8], as: UTF8.self))
      at += 12 + bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    let texts = kinds.filter(PNGChunk.textKinds.contains)
    #expect(kinds.filter { $0 == "eXIf" }.count == 1)
    #expect(texts.count == 4)
    let pixels = try #require(kinds.firstIndex(of: "IDAT"))
    #expect(kinds[..<pixels].contains("eXIf") && kinds[..<pixels].contains("gAMA") && kinds[..<pixels].contains("pHYs"))
    #expect(kinds.last == "IEND")
  }

  /// Chunks that a reader would complain of do not travel.
  @Test func damagedChunksAreLeftOut() throws {
    let bad = [
      PNGChunk(kind: "gAMA", bytes: [0, 0, 0, 0]), PNGChunk(kind: "cHRM", bytes: [1, 2]), PNGChunk(kind: "sRGB", bytes: [9]),
      PNGChunk(kind: "tEXt", bytes: Array("no end".utf8)), PNGChunk(kind: "tEXt", bytes: Array(" lead\0text".utf8)),
      PNGChunk(kind: "tEXt", bytes: Array("a\0b\0c".utf8)), PNGChunk(kind: "tEXt", bytes: [0] + Array("text".utf8)),
      PNGChunk(kind: "zTXt", bytes: Array("key\0\0damaged".utf8)),
      PNGChunk(kind: "iTXt", bytes: Array("key\0".utf8) + [0, 0, 0]),
      PNGChunk(kind: "iTXt", bytes: Array("key\0".utf8) + [0, 0, 0, 0, 0xFF]),
      PNGChunk(kind: "tEXt", bytes: [UInt8](repeating: 65, count: 80) + [0] + Array("text".utf8)),
    ]
    let good = [
      PNGChunk(keyword: "Title", text: "plain"), PNGChunk(keyword: "Title", text: "größe"),
      PNGChunk(kind: "gAMA", bytes: [0, 0, 0xB1, 0x8F]), PNGChunk(kind: "cICP", bytes: [9, 16, 0, 1]),
    ]
    for chunk in bad { #expect(!chunk.isSound, "\(chunk)") }
    for chunk in good { #expect(chunk.isSound, "\(chunk)") }
    var image = TestPictures.noise(.rgb)
    image.metadata.chunks = bad + good
    let back = try ImageCodec.decode(image.encoded(as: .png))
    #expect(Set(back.metadata.chunks) == Set(good))
  }

  /// Sizes are true, and small pictures of what was before are gone, whatever the order of bytes and wherever they lie.
  @Test(arguments: [false, true]) func exifDescribesTheNewPicture(isLong: Bool) throws {
    let old = Self.exif(width: 24, height: 16, thumbnail: 500, isLong: isLong)
    var metadata = ImageMetadata(exif: old)
    metadata.describe(width: 70_000, height: 32)
    let block = try #require(metadata.exif)
    #expect(block.count <= old.count - 500)
    #expect(!block.contains(0xAB))
    let child = try #require(ExifBlock(block)?.structure?.children[0x8769])
    #expect(child.entries[0xA002]?.number == 70_000)
    #expect(child.entries[0xA003]?.number == 32)
    #expect(child.entries[0x9003] == ExifBlock(old)?.structure?.children[0x8769]?.entries[0x9003])
    #expect(ExifBlock(block)?.structure?.entries == ExifBlock(old)?.structure?.entries)
  }

  /// Any damage to EXIF ends in a block or in none, and what is described is described again without a change.
  @Test func damagedExif() {
    let whole = Self.exif(width: 24, height: 16, thumbnail: 60)
    var generator = SplitMix64(seed: .random(in: 0 ... .max))
    for round in 0..<20_000 {
      var bytes = round % 3 == 0 ? Array(whole.prefix(Int.random(in: 0...whole.count, using: &generator))) : whole
      for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      var metadata = ImageMetadata(exif: bytes)
      metadata.describe(width: 1000, height: 2000)
      let once = metadata
      metadata.describe(width: 1000, height: 2000)
      #expect(metadata == once)
      _ = metadata.tiffStructure.bytes(at: 8)
      _ = metadata.lost(in: .webp)
    }
  }

  @Test func orientationTurnsTheResolution() throws {
    var image = TestPictures.noise(.rgb)
    image.metadata.resolution = ImageResolution(horizontal: 300, vertical: 150, unit: .inch)
    image.metadata.exif = TestPictures.exif(orientation: 6)
    let turned = try ImageCodec.decode(image.encoded(as: .jpeg(quality: 90))).metadata.resolution
    #expect(turned == ImageResolution(horizontal: 150, vertical: 300, unit: .inch))
  }

  @Test func resolutionsOfAllUnits() throws {
    for resolution in [
      ImageResolution(horizontal: 72, vertical: 72, unit: .inch), ImageResolution(horizontal: 600, vertical: 1200, unit: .inch),
      ImageResolution(horizontal: 118, vertical: 118, unit: .centimetre),
      ImageResolution(horizontal: 4, vertical: 3, unit: .ratio),
    ] {
      var image = TestPictures.noise(.rgb)
      image.metadata.resolution = resolution
      for encoding in [ImageEncoding.png, .jpeg(quality: 90), .tiff] {
        #expect(try ImageCodec.decode(image.encoded(as: encoding)).metadata.resolution == resolution, "\(encoding)")
      }
    }
  }

  @Test func stripping() {
    let stripped = Self.full().metadata.coloursAlone
    #expect(stripped.chunks.map(\.kind) == ["gAMA"])
    #expect(stripped.exif == nil && stripped.xmp == nil && stripped.iptc == nil && stripped.resolution == nil)
  }

  /// Longer blocks than a marker holds are refused from the size alone, before there is a pixel.
  @Test func longBlocks() throws {
    var properties = TestPictures.noise(.rgb).properties
    properties.metadata.exif = Self.exif(width: 1, height: 1) + [UInt8](repeating: 1, count: 70_000)
    #expect(throws: ImageError.self) { try ImageEncoding.jpeg(quality: 90).check(properties) }
    try ImageEncoding.png.check(properties)
  }
}
