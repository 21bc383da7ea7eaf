import Testing

@testable import Imaging

/// Pictures whose files are cut: what is there is read where that is asked for, and how much that is is said.
@Suite struct TolerantTests {
  private func read(_ bytes: [UInt8], isTolerant: Bool = true) throws -> (image: Image, remarks: [String]) {
    let reader = try ImageReader(.init(bytes, path: "x"), name: "x", isTolerant: isTolerant)
    return (try reader.decoded(), reader.remarks)
  }

  /// Row after row, as a picture is enlarged.
  private func streamed(_ bytes: [UInt8], piece: Int) throws -> (image: Image, remarks: [String]) {
    let reader = try ImageReader(.init(bytes, path: "x"), name: "x", isTolerant: true)
    try reader.start()
    let properties = reader.properties
    let samples = try Image.Samples.made(properties.sampleByteCount / (properties.bitDepth / 8), bitDepth: properties.bitDepth)
    {
      (bytes) throws(ImageError) in
      guard let base = bytes.baseAddress else { return }
      for start in stride(from: 0, to: properties.height, by: piece) {
        try reader.read(min(piece, properties.height - start), into: base + start * properties.rowByteCount)
      }
    }
    try reader.finish()
    return (Image(properties, samples: samples), reader.remarks)
  }

  /// The number in "N of M rows were there".
  private func rowsThere(_ remarks: [String]) -> Int? {
    guard remarks.count == 1, let text = remarks.first, text.contains(" rows were there") else { return nil }
    let words = text.split(separator: " ")
    return words.firstIndex(of: "of").flatMap { Int(words[$0 - 1]) }
  }

  /// A picture that compresses badly, so that each row takes its share of the file.
  private static func picture(_ model: Image.ColourModel, alpha: Bool, bits: Int) -> Image {
    TestPictures.noise(model, alpha: alpha, bits: bits, width: 61, height: 90, seed: 7)
  }

  private func row(_ y: Int, of image: Image) -> [Double] {
    (0..<image.channels).flatMap { channel in
      let plane = image.doublePlane(channel)
      return (0..<image.width).map { plane[$0, y] }
    }
  }

  private func isFilled(_ y: Int, of image: Image) -> Bool {
    let count = image.width * image.colourModel.channels, row = row(y, of: image)
    return row.prefix(count).allSatisfy { abs($0 - 128) < 0.6 } && row.dropFirst(count).allSatisfy { $0 == 255 }
  }

  /// Formats that lose nothing: the rows that are said to be there are those of the picture, the others are grey, and no fewer are read
  /// than the share of the file, but for a strip, or what is coded together.
  @Test(arguments: [ImageEncoding.png, .bmp, .webpLossless]) func cutAnywhere(_ encoding: ImageEncoding) throws {
    for (model, alpha, bits) in [(Image.ColourModel.rgb, false, 8), (.rgb, true, 8), (.grey, false, 16), (.rgb, true, 16)] {
      let image = Self.picture(model, alpha: alpha, bits: bits)
      let whole = try image.encoded(as: encoding), expected = try ImageCodec.decode(whole)
      #expect(try read(whole) == (expected, []))
      var last = -1
      for share in [0.02, 0.1, 0.33, 0.5, 0.71, 0.9, 0.97] {
        let cut = Array(whole.prefix(Int(Double(whole.count) * share)))
        #expect(throws: ImageError.self) { try read(cut, isTolerant: false) }
        guard let (result, remarks) = try? read(cut) else {
          #expect(share < 0.2, "\(encoding) \(image) \(share)")
          continue
        }
        let there = try #require(rowsThere(remarks), "\(remarks)")
        #expect(there >= last && there < image.height && there > 0)
        // WebP holds back some rows; it and BMP, for its palette, spend bytes before the first.
        #expect(Double(there) > share * 90 - (encoding == .png ? 3 : 20), "\(encoding) \(image) \(share): \(there)")
        last = there
        for y in 0..<image.height {
          let place = encoding == .bmp ? image.height - 1 - y : y
          if place < there {
            #expect(row(y, of: result) == row(y, of: expected), "\(encoding) \(image) \(share): row \(y) of \(there)")
          } else {
            #expect(isFilled(y, of: result), "\(encoding) \(image) \(share): row \(y) of \(there)")
          }
        }
        for piece in [1, 13] {
          let pieces = try streamed(cut, piece: piece)
          #expect(pieces.image == result && pieces.remarks == remarks)
        }
      }
    }
  }

  /// The rows that are said to be there are those of the whole file, but for the last, which smooth into what is missing.
  @Test(arguments: [75, 95]) func cutJPEG(quality: Int) throws {
    for model in [Image.ColourModel.grey, .rgb] {
      let whole = try Self.picture(model, alpha: false, bits: 8).encoded(as: .jpeg(quality: quality))
      let expected = try ImageCodec.decode(whole)
      for share in [0.33, 0.5, 0.8, 0.97] {
        let cut = Array(whole.prefix(Int(Double(whole.count) * share)))
        #expect(throws: ImageError.self) { try read(cut, isTolerant: false) }
        let (result, remarks) = try read(cut)
        let there = try #require(rowsThere(remarks), "\(remarks)")
        #expect(there % 8 == 0 && Double(there) > share * 90 - 24 && there < 90, "\(there) at \(share)")
        for y in 0..<there - 2 { #expect(row(y, of: result) == row(y, of: expected), "row \(y) of \(there)") }
        let pieces = try streamed(cut, piece: 7)
        #expect(pieces.image == result && pieces.remarks == remarks)
      }
      // Not a block is there.
      #expect(throws: ImageError.self) { try read(Array(whole.prefix(whole.count / 20))) }
    }
  }

  /// Strips behind the directory, as cameras write them, plain or compressed, and planes behind each other.
  @Test func cutTIFF() throws {
    let image = Self.picture(.rgb, alpha: false, bits: 8)
    guard case .uint8(let samples) = image.samples else { return }
    let rowByteCount = 61 * 3
    for height in [90, 7] {
      let file = Self.tiff(samples, width: 61, height: 90, stripHeight: height)
      #expect(try read(file.bytes) == (image, []))
      for rows in [1, 7, 20, 63, 89] {
        let cut = Array(file.bytes.prefix(file.start + rows * rowByteCount + rowByteCount / 2))
        #expect(throws: ImageError.self) { try read(cut, isTolerant: false) }
        for result in [try read(cut), try streamed(cut, piece: 1), try streamed(cut, piece: 11)] {
          #expect(rowsThere(result.remarks) == rows)
          for y in 0..<90 {
            #expect(y < rows ? row(y, of: result.image) == row(y, of: image) : isFilled(y, of: result.image), "\(y) of \(rows)")
          }
        }
      }
      #expect(throws: ImageError.self) { try read(Array(file.bytes.prefix(file.start + 5))) }
    }
    // A palette goes another way through libtiff.
    let indices = Array(samples.prefix(61 * 90))
    let palette = Self.tiff(indices, width: 61, height: 90, stripHeight: 10, isPalette: true)
    let expected = try read(palette.bytes).image
    let result = try read(Array(palette.bytes.prefix(palette.start + 61 * 35)))
    #expect(rowsThere(result.remarks) == 30)
    for y in 0..<90 {
      #expect(y < 30 ? row(y, of: result.image) == row(y, of: expected) : isFilled(y, of: result.image), "\(y)")
    }
    // Our own files have their directory at the end: nothing is there without it.
    let own = try image.encoded(as: .tiff)
    #expect(throws: ImageError.self) { try read(Array(own.prefix(own.count * 9 / 10))) }
  }

  /// An uncompressed file whose directory lies before its pixels.
  static func tiff(
    _ samples: [UInt8], width: Int, height: Int, stripHeight: Int, isPalette: Bool = false
  ) -> (bytes: [UInt8], start: Int) {
    let channels = isPalette ? 1 : 3, rowByteCount = width * channels
    let strips = (height + stripHeight - 1) / stripHeight
    var structure = TIFFStructure()
    for (tag, value) in [256: width, 257: height, 259: 1, 262: isPalette ? 3 : 2, 277: channels, 278: stripHeight] {
      structure.entries[UInt16(tag)] = .long(value)
    }
    func list(_ values: [Int], _ size: Int) -> TIFFStructure.Entry {
      .init(type: size == 2 ? 3 : 4, count: values.count, bytes: values.flatMap { TIFFStructure.Entry.little($0, size) })
    }
    structure.entries[258] = list([Int](repeating: 8, count: channels), 2)
    if isPalette { structure.entries[320] = list((0..<768).map { $0 * 37 % 256 * 257 }, 2) }
    structure.entries[279] = list((0..<strips).map { min(stripHeight, height - $0 * stripHeight) * rowByteCount }, 4)
    structure.entries[273] = list([Int](repeating: 0, count: strips), 4)
    let start = 8 + structure.bytes(at: 8).count
    structure.entries[273] = list((0..<strips).map { start + $0 * stripHeight * rowByteCount }, 4)
    return ([0x49, 0x49, 42, 0, 8, 0, 0, 0] + structure.bytes(at: 8) + samples, start)
  }

  @Test func cutRunLengths() throws {
    func file(_ pixels: [UInt8]) -> [UInt8] {
      OtherFilesTests.bitmap(
        width: 6, height: 3, bits: 8, compression: 1, colours: OtherFilesTests.colours, used: 16, pixels: pixels)
    }
    #expect(throws: ImageError.self) { try read(file([6, 1, 0, 0, 6]), isTolerant: false) }
    let (image, remarks) = try read(file([6, 1, 0, 0, 6]))
    #expect(rowsThere(remarks) == 1)
    #expect(isFilled(0, of: image) && isFilled(1, of: image) && row(2, of: image)[0] == 7)
    #expect(throws: ImageError.self) { try read(file([5, 1])) }
    #expect(try rowsThere(read(file([6, 1, 0, 0, 6, 2])).remarks) == 2)
  }

  /// Of an interlaced or progressive picture all rows are there soon, in less detail.
  @Test func cutInterlaced() throws {
    var cuts = 0
    for (name, bytes) in FixtureTests.files where name.contains("interlaced") || name.contains("progressive") {
      let image = try ImageCodec.decode(bytes)
      for count in stride(from: 40, to: bytes.count - 16, by: 1) {
        guard let (result, remarks) = try? read(Array(bytes.prefix(count))) else { continue }
        #expect((result.width, result.height) == (image.width, image.height))
        #expect(remarks.count == 1, "\(remarks)")
        if remarks.first?.contains("not in full detail") == true { cuts += 1 }
      }
    }
    #expect(cuts > 0)
  }

  /// Whatever is read of a damaged file, it is a picture or an error of one line.
  @Test func randomDamage() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SplitMix64(seed: seed)
    for _ in 0..<1500 {
      var bytes = TestPictures.files.randomElement(using: &generator)!.bytes
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
      do {
        let reader = try ImageReader(
          .init(bytes, path: "x"), name: "x", limits: DecodingLimits(pixels: 1 << 16), isTolerant: true)
        _ = try reader.decoded()
      } catch {
        #expect(!"\(error)".contains("\n"), "seed \(seed)")
      }
    }
  }
}
