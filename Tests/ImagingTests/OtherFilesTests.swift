import Testing

@testable import Imaging

/// Pictures of other people's programs, made here byte by byte.
@Suite struct OtherFilesTests {
  /// A TIFF file of uncompressed pictures, one a page.
  static func tiff(_ pages: [(entries: [UInt16: Int], lists: [UInt16: [Int]], pixels: [UInt8])]) -> [UInt8] {
    var file: [UInt8] = [0x49, 0x49, 42, 0]
    var directories: [TIFFStructure] = []
    var body: [UInt8] = []
    for page in pages {
      var structure = TIFFStructure()
      for (tag, value) in page.entries { structure.entries[tag] = .long(value) }
      for (tag, list) in page.lists {
        structure.entries[tag] = .init(type: 3, count: list.count, bytes: list.flatMap { TIFFStructure.Entry.little($0, 2) })
      }
      structure.entries[273] = .long(8 + body.count)
      structure.entries[279] = .long(page.pixels.count)
      body += page.pixels + [UInt8](repeating: 0, count: page.pixels.count % 2)
      directories.append(structure)
    }
    var place = 8 + body.count
    file += TIFFStructure.Entry.little(place, 4) + body
    for (index, structure) in directories.enumerated() {
      let size = structure.bytes(at: place).count, padding = size % 2
      let isLast = index == directories.count - 1
      file += structure.bytes(at: place, next: isLast ? 0 : place + size + padding) + [UInt8](repeating: 0, count: padding)
      place += size + padding
    }
    return file
  }

  /// One page of 2x1 pixels.
  static func page(
    photometric: Int, samples: [Int], bits: Int = 8, extra: [Int] = [], kind: Int = 0
  ) -> (entries: [UInt16: Int], lists: [UInt16: [Int]], pixels: [UInt8]) {
    let count = samples.count / 2
    var lists: [UInt16: [Int]] = [258: [Int](repeating: bits, count: count)]
    if !extra.isEmpty { lists[338] = extra }
    return (
      [254: kind, 256: 2, 257: 1, 259: 1, 262: photometric, 277: count, 278: 1], lists,
      samples.flatMap { TIFFStructure.Entry.little($0, bits / 8) }
    )
  }

  private func samples(_ bytes: [UInt8]) throws -> (channels: Int, values: [Int]) {
    let image = try ImageCodec.decode(bytes)
    switch image.samples {
    case .uint8(let values): return (image.channels, values.map(Int.init))
    case .uint16(let values): return (image.channels, values.map(Int.init))
    }
  }

  /// A grey of Lab is that grey in sRGB, and primaries are within a level of what LittleCMS makes of them.
  @Test func lab() throws {
    // L 53.585 is sRGB 128; the primaries of sRGB as Lab of D50.
    let cases: [(lab: (Double, Double, Double), rgb: [Int])] = [
      ((53.585, 0, 0), [128, 128, 128]), ((100, 0, 0), [255, 255, 255]), ((0, 0, 0), [0, 0, 0]),
      ((54.29, 80.80, 69.89), [255, 0, 0]), ((87.82, -79.27, 80.99), [0, 255, 0]), ((29.57, 68.29, -112.03), [0, 0, 255]),
    ]
    for (lab, rgb) in cases {
      func pixel(_ bits: Int) -> [Int] {
        let unit = bits == 8 ? 1.0 : 256
        let lightness = Int((lab.0 / 100 * (bits == 8 ? 255 : 65_535)).rounded())
        return [lightness] + [lab.1, lab.2].map { Int(($0 * unit).rounded()) & (bits == 8 ? 255 : 65_535) }
      }
      for bits in [8, 16] {
        let (channels, values) = try samples(
          Self.tiff([Self.page(photometric: 8, samples: pixel(bits) + pixel(bits), bits: bits)]))
        #expect(channels == 3)
        // Steps of 8 bits in Lab are coarse.
        let tolerance = bits == 8 ? 12 : 257
        for (value, expected) in zip(values, rgb) {
          #expect(abs(value - expected * (bits == 8 ? 1 : 257)) <= tolerance, "\(lab) in \(bits) bits: \(values.prefix(3))")
        }
      }
    }
  }

  @Test(arguments: [8, 16]) func inks(bits: Int) throws {
    let full = bits == 8 ? 255 : 65_535
    let (channels, values) = try samples(
      Self.tiff([Self.page(photometric: 5, samples: [0, full, 0, 0, full / 5, 0, 0, full / 3], bits: bits)]))
    #expect(channels == 3)
    let expected = [1.0, 0, 1, 0.8 * 2 / 3, 2.0 / 3, 2.0 / 3].map { Int(($0 * Double(full)).rounded()) }
    for (value, wanted) in zip(values, expected) { #expect(abs(value - wanted) <= 1, "\(values)") }
  }

  /// Which extra sample is alpha, and whether colours were multiplied by it.
  @Test(arguments: [8, 16]) func alphaKinds(bits: Int) throws {
    let unit = bits == 8 ? 1 : 257
    func read(_ pixel: [Int], extra: [Int]) throws -> (Int, [Int]) {
      let (channels, values) = try samples(
        Self.tiff([Self.page(photometric: 2, samples: (pixel + pixel).map { $0 * unit }, bits: bits, extra: extra)]))
      return (channels, values.prefix(channels).map { ($0 + unit / 2) / unit })
    }
    #expect(try read([10, 20, 30, 40], extra: [2]) == (4, [10, 20, 30, 40]))
    #expect(try read([10, 20, 30, 40], extra: [0]) == (4, [10, 20, 30, 40]))
    #expect(try read([10, 20, 30, 40, 50], extra: [0, 2]) == (4, [10, 20, 30, 50]))
    #expect(try read([10, 20, 30, 40, 50], extra: [0, 0]) == (3, [10, 20, 30]))
    #expect(try read([10, 20, 30, 128], extra: [1]) == (4, [20, 40, 60, 128]))
    #expect(try read([10, 20, 30, 7, 128], extra: [0, 1]) == (4, [20, 40, 60, 128]))
  }

  /// A first page that is a small picture of the next is not the picture; of several pages the others are mentioned.
  @Test func pages() throws {
    func grey(_ value: Int, kind: Int = 0) -> (entries: [UInt16: Int], lists: [UInt16: [Int]], pixels: [UInt8]) {
      Self.page(photometric: 1, samples: [value, value], kind: kind)
    }
    func read(_ file: [UInt8]) throws -> (value: Int, remarks: [String]) {
      let reader = try ImageReader(.init(file, path: "x.tif"), name: "x.tif")
      guard case .uint8(let values) = try reader.decoded().samples else { return (-1, []) }
      return (Int(values[0]), reader.remarks)
    }
    #expect(try read(Self.tiff([grey(1, kind: 1), grey(2)])) == (2, []))
    #expect(try read(Self.tiff([grey(3)])) == (3, []))
    let several = try read(Self.tiff([grey(4), grey(5), grey(6, kind: 1), grey(7)]))
    #expect(several.value == 4)
    #expect(several.remarks.count == 1 && several.remarks[0].contains("first of 3 pages"))
  }

  /// Pages of any kind, chained as they come, each with what it has beside its pixels; in 32 bits and in 64.
  @Test(arguments: [false, true]) func pagesAreWritten(isBig: Bool) throws {
    var images = TestPictures.kinds.enumerated().map { index, kind in
      TestPictures.smooth(kind, width: 30 + 7 * index, height: 90 - 11 * index)
    }
    for index in images.indices {
      if index % 3 == 0 { images[index].metadata = MetadataTests.full().metadata }
      if index % 3 == 1 { images[index].metadata.resolution = ImageResolution(horizontal: 70, vertical: 71, unit: .inch) }
      images[index].metadata.chunks = []
    }
    for count in 1...images.count {
      let sink = MemorySink(), chain = TIFFPageChain(byteCount: isBig ? 1 << 33 : 1 << 20)
      for image in images.prefix(count) {
        let writer = try ImageWriter(image.properties, as: .tiff, to: sink, pages: chain)
        for start in stride(from: 0, to: image.height, by: 13) {
          image.withUnsafeSampleBytes { samples in
            guard let base = samples.baseAddress else { return }
            do throws(ImageError) {
              try writer.append(base + start * image.properties.rowByteCount, count: min(13, image.height - start))
            } catch { Issue.record("\(error)") }
          }
        }
        try writer.finish()
      }
      #expect(sink.bytes.starts(with: [0x49, 0x49, isBig ? 43 : 42]))
      for (index, image) in images.prefix(count).enumerated() {
        let reader = try ImageReader(.init(sink.bytes, path: "x.tif"), name: "x.tif", page: index)
        #expect(reader.pageCount == count)
        let result = try reader.decoded()
        #expect(reader.remarks.isEmpty)
        #expect(result.samples == image.samples && result.properties.channels == image.properties.channels, "page \(index)")
        #expect(result.metadata.resolution == image.metadata.resolution && result.metadata.iptc == image.metadata.iptc)
        #expect(result.metadata.xmp == image.metadata.xmp)
        // As the page would be alone.
        #expect(try result.metadata == ImageCodec.decode(image.encoded(as: .tiff)).metadata)
      }
      if count > 1 {
        let first = try ImageReader(.init(sink.bytes, path: "x.tif"), name: "x.tif")
        _ = try first.decoded()
        #expect(first.remarks.count == 1)
      }
    }
  }

  /// What libtiff does not convert is refused as such, and not called damaged.
  @Test func kindsThatAreNotRead() throws {
    var float = Self.page(photometric: 1, samples: [0, 0, 0, 0])
    float.entries[277] = 1
    float.lists = [258: [32], 339: [3]]
    for file in [
      Self.tiff([float]), Self.tiff([Self.page(photometric: 5, samples: [1, 2, 3, 4, 5, 6])]),
      Self.tiff([Self.page(photometric: 32_844, samples: [1, 2], bits: 8)]),
    ] {
      do {
        _ = try ImageCodec.decode(file)
        Issue.record("a strange TIFF was read")
      } catch {
        guard case .unsupported = error else {
          Issue.record("\(error)")
          continue
        }
      }
    }
  }

  // MARK: BMP

  /// A BMP file of a palette.
  static func bitmap(
    width: Int, height: Int, bits: Int, compression: Int, colours: [[UInt8]], used: Int, pixels: [UInt8], isOld: Bool = false
  ) -> [UInt8] {
    var header: [UInt8] = []
    func put(_ value: Int, _ size: Int) { header += TIFFStructure.Entry.little(value, size) }
    let palette: [UInt8] = colours.flatMap { (colour: [UInt8]) -> [UInt8] in isOld ? colour : colour + [0] }
    let start = 14 + (isOld ? 12 : 40) + palette.count
    header += Array("BM".utf8)
    put(start + pixels.count, 4)
    put(0, 4)
    put(start, 4)
    put(isOld ? 12 : 40, 4)
    put(width, isOld ? 2 : 4)
    put(height, isOld ? 2 : 4)
    put(1, 2)
    put(bits, 2)
    if !isOld { for value in [compression, pixels.count, 0, 0, used, 0] { put(value, 4) } }
    return header + palette + pixels
  }

  static let colours: [[UInt8]] = (0..<16).map { (index: UInt8) -> [UInt8] in [index * 3, index * 5, index * 7] }

  @Test func palettes() throws {
    let rows: [UInt8] = [0, 1, 2, 0, 15, 14, 3, 0]
    let expected: [Int] = [15, 14, 3, 0, 1, 2].flatMap { (index: Int) -> [Int] in [7 * index, 5 * index, 3 * index] }
    // OS/2 with fewer colours than could be named; more colours than could be named; as many as it says.
    let many = Self.colours + (16..<300).map { [UInt8($0 % 256), 0, 0] }
    for file in [
      Self.bitmap(width: 3, height: 2, bits: 8, compression: 0, colours: Self.colours, used: 0, pixels: rows, isOld: true),
      Self.bitmap(width: 3, height: 2, bits: 8, compression: 0, colours: many, used: 300, pixels: rows),
      Self.bitmap(width: 3, height: 2, bits: 8, compression: 0, colours: Self.colours, used: 16, pixels: rows),
    ] {
      #expect(try samples(file).values == expected)
    }
    // A colour that is not there.
    let bad = Self.bitmap(
      width: 3, height: 1, bits: 8, compression: 0, colours: Self.colours, used: 16, pixels: [0, 16, 0, 0])
    #expect(throws: ImageError.self) { try ImageCodec.decode(bad) }
  }

  @Test func runLengths() throws {
    func read(_ bits: Int, _ pixels: [UInt8], width: Int = 6, height: Int = 3) throws -> [Int] {
      let file = Self.bitmap(
        width: width, height: height, bits: bits, compression: bits == 8 ? 1 : 2, colours: Self.colours, used: 16,
        pixels: pixels)
      return try samples(file).values.enumerated().filter { $0.offset % 3 == 2 }.map { $0.element / 3 }
    }
    // Rows from the bottom: a run; pixels one by one (an odd number of bytes, made even); a move and the end of the picture.
    let eight: [UInt8] = [6, 5, 0, 0, 0, 3, 1, 2, 3, 0, 3, 4, 0, 0, 0, 2, 2, 0, 1, 9, 0, 1]
    #expect(try read(8, eight) == [0, 0, 9, 0, 0, 0, 1, 2, 3, 4, 4, 4, 5, 5, 5, 5, 5, 5])
    let four: [UInt8] = [6, 0x5A, 0, 0, 0, 5, 0x12, 0x34, 0x50, 0, 1, 0x60, 0, 0, 6, 0x77, 0, 1]
    #expect(try read(4, four) == [7, 7, 7, 7, 7, 7, 1, 2, 3, 4, 5, 6, 5, 10, 5, 10, 5, 10])
    // Runs beyond a row are cut off; a file that ends with its last row, or in the middle.
    #expect(try read(8, [200, 1, 0, 0, 6, 2, 0, 0, 6, 3, 0, 1]) == [3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1])
    #expect(try read(8, [6, 1, 0, 0, 6, 2, 0, 0, 6, 3]).count == 18)
    #expect(throws: ImageError.self) { try read(8, [6, 1, 0, 0, 6]) }
    #expect(throws: ImageError.self) { try read(8, [6, 1, 0, 0]) }
    #expect(throws: ImageError.self) { try read(8, [6, 99, 0, 1]) }
    var generator = SplitMix64(seed: .random(in: 0 ... .max))
    for _ in 0..<5000 {
      let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...20, using: &generator) }
      _ = try? read(Bool.random(using: &generator) ? 8 : 4, bytes)
    }
  }

  // MARK: Ends

  /// What lacks no more than its end is read, with a remark; what lacks a pixel is not.
  @Test func missingEnds() throws {
    let chart = TestChart.image(width: 61, height: 47)
    func read(_ bytes: [UInt8]) throws -> (image: Image, remarks: [String]) {
      let reader = try ImageReader(.init(bytes, path: "x"), name: "x")
      return (try reader.decoded(), reader.remarks)
    }
    for (encoding, end) in [(ImageEncoding.jpeg(quality: 90), 2), (.png, 12), (.bmp, 1)] {
      let whole = try chart.encoded(as: encoding), image = try ImageCodec.decode(whole)
      #expect(try read(whole).remarks.isEmpty)
      for missing in 1...end {
        let (cut, remarks) = try read(Array(whole.dropLast(missing)))
        #expect(cut == image, "\(encoding) without \(missing) bytes")
        #expect(remarks.count == 1, "\(encoding) without \(missing) bytes")
      }
      for missing in [end + 8, end + 100, whole.count / 2] {
        #expect(throws: ImageError.self, "\(encoding) without \(missing) bytes") { try read(Array(whole.dropLast(missing))) }
      }
    }
  }

  // MARK: Alpha

  private final class Pieces: ImageRows {
    let rows: RowsOfImage
    init(_ image: Image) { rows = RowsOfImage(image) }
    var properties: ImageProperties { rows.properties }
    func read(_ count: Int, into target: UnsafeMutableRawPointer) { rows.read(count, into: target) }
  }

  private func spread(_ image: Image, piece: Int) throws -> Image {
    let rows = ColourSpreadingRows(Pieces(image))
    let properties = image.properties
    let samples = try Image.Samples.made(image.samples.count, bitDepth: image.bitDepth) { (bytes) throws(ImageError) in
      for start in stride(from: 0, to: image.height, by: piece) {
        guard let base = bytes.baseAddress else { return }
        try rows.read(min(piece, image.height - start), into: base + start * properties.rowByteCount)
      }
    }
    return Image(properties, samples: samples)
  }

  /// Visible pixels stay, hidden ones near them get their colour, and the pieces in which rows are asked for do not matter.
  @Test(arguments: [8, 16]) func coloursSpread(bits: Int) throws {
    for (model, seed) in [(Image.ColourModel.rgb, UInt64(1)), (.rgb, 2), (.grey, 3)] {
      let (width, height) = (37, 131)
      var generator = SplitMix64(seed: seed)
      let channels = model.channels + 1, full = bits == 8 ? 255 : 65_535
      var values = (0..<width * height * channels).map { _ in Int.random(in: 0...full, using: &generator) }
      // A disc that is seen, of one colour, and some lone pixels.
      for y in 0..<height {
        for x in 0..<width {
          let isSeen = (x - 15) * (x - 15) + (y - 60) * (y - 60) < 150 || (seed == 2 && x * y % 97 == 5)
          let at = (y * width + x) * channels
          values[at + channels - 1] = isSeen ? max(values[at + channels - 1], 1) : 0
          if isSeen { for channel in 0..<channels - 1 { values[at + channel] = full * 3 / 4 } }
        }
      }
      let image = Image(
        width: width, height: height, colourModel: model, hasAlpha: true,
        samples: bits == 8 ? .uint8(values.map { UInt8($0) }) : .uint16(values.map { UInt16($0) }))
      let whole = try spread(image, piece: height)
      for piece in [1, 7, 32, 33, 100] { #expect(try spread(image, piece: piece) == whole, "pieces of \(piece)") }
      let alpha = image.doublePlane(channels - 1), result = whole.doublePlane(0), before = image.doublePlane(0)
      #expect(whole.doublePlane(channels - 1) == alpha)
      for y in 0..<height {
        for x in 0..<width {
          let distance = Double((x - 15) * (x - 15) + (y - 60) * (y - 60)).squareRoot()
          if alpha[x, y] > 0 { #expect(result[x, y] == before[x, y]) }
          if distance < 22 { #expect(abs(result[x, y] - Double(full * 3 / 4) * 255 / Double(full)) < 1e-9, "\(x), \(y)") }
        }
      }
    }
  }

  @Test func opaquePicturesStay() throws {
    for image in TestPictures.kinds where image.hasAlpha {
      guard case .uint8(let bytes) = image.reducedTo8Bits.samples else { continue }
      var opaque = bytes
      for at in stride(from: image.channels - 1, to: opaque.count, by: image.channels) { opaque[at] = max(opaque[at], 1) }
      let seen = Image(
        width: image.width, height: image.height, colourModel: image.colourModel, hasAlpha: true, samples: .uint8(opaque))
      #expect(try spread(seen, piece: 3) == seen)
      for at in stride(from: image.channels - 1, to: opaque.count, by: image.channels) { opaque[at] = 0 }
      let hidden = Image(
        width: image.width, height: image.height, colourModel: image.colourModel, hasAlpha: true, samples: .uint8(opaque))
      #expect(try spread(hidden, piece: 3) == hidden)
    }
  }
}
