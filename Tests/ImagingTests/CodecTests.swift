import Testing

@testable import Imaging

@Suite struct CodecTests {
  @Test(arguments: TestPictures.kinds) func losslessRoundTrip(image: Image) throws {
    var image = image
    image.metadata = TestPictures.metadata(image.colourModel)
    let png = try ImageCodec.decode(image.encoded(as: .png))
    #expect(png.metadata == image.metadata)
    #expect(png.samples == image.samples)
    #expect(png == image)

    var withoutExif = image
    withoutExif.metadata.exif = nil
    #expect(try ImageCodec.decode(image.encoded(as: .tiff)) == withoutExif)

    #expect(try ImageCodec.decode(image.encoded(as: .webpLossless)) == image.reducedTo8Bits.inRGB)

    var bare = image.hasAlpha ? image.reducedTo8Bits.inRGB : image.reducedTo8Bits
    bare.metadata = ImageMetadata()
    #expect(try ImageCodec.decode(image.encoded(as: .bmp)) == bare)
  }

  @Test(arguments: [Image.ColourModel.grey, .rgb]) func lossyRoundTrip(model: Image.ColourModel) throws {
    let chart = TestChart.image(width: 90, height: 64)
    var image = model == .rgb ? chart : Image(PlanarImage<Float>(colour: [chart.floatPlane(1)]), bitDepth: 8)
    image.metadata = TestPictures.metadata(model)
    let jpeg = try ImageCodec.decode(image.encoded(as: .jpeg(quality: 95)))
    #expect(jpeg.colourModel == model)
    #expect(jpeg.metadata == image.metadata)
    #expect(ratio(jpeg, image) > 35)
    let poor = try ImageCodec.decode(image.encoded(as: .jpeg(quality: 20)))
    #expect(ratio(poor, image) < ratio(jpeg, image) - 5)
    let webp = try ImageCodec.decode(image.encoded(as: .webp(quality: 95)))
    #expect(webp.colourModel == .rgb)
    #expect(webp.metadata.exif == image.metadata.exif)
    #expect(webp.metadata.xmp == image.metadata.xmp)
    #expect(ratio(webp, image.inRGB) > 25)
  }

  private func ratio(_ a: Image, _ b: Image) -> Double {
    ImageMetric.peakSignalToNoiseRatio(PlanarImage<Double>(a).colour, PlanarImage<Double>(b).colour)
  }

  @Test func alphaIsLaidOverWhiteInJPEG() throws {
    let image = Image(
      width: 8, height: 8, colourModel: .rgb, hasAlpha: true, samples: .uint8((0..<64).flatMap { _ in [200, 0, 100, 128] }))
    let back = try ImageCodec.decode(image.encoded(as: .jpeg(quality: 100)))
    #expect(!back.hasAlpha)
    for (channel, expected) in [227.0, 127, 177].enumerated() {
      #expect(abs(back.doublePlane(channel)[3, 3] - expected) < 2.5)
    }
  }

  @Test func losslessWebPKeepsColourUnderTransparency() throws {
    let samples = TestPictures.noise(.rgb, width: 16, height: 1).samples
    guard case .uint8(var values) = samples else { return }
    for alpha in stride(from: 3, to: 48, by: 4) { values[alpha] = 0 }
    let image = Image(width: 12, height: 1, colourModel: .rgb, hasAlpha: true, samples: .uint8(values))
    #expect(try ImageCodec.decode(image.encoded(as: .webpLossless)) == image)
  }

  @Test func profilesStayWhereTheyFit() throws {
    var image = TestPictures.noise(.grey)
    image.metadata.iccProfile = TestPictures.profile("RGB ")
    #expect(try ImageCodec.decode(image.encoded(as: .webpLossless)).metadata == image.metadata)
    #expect(try ImageCodec.decode(image.encoded(as: .png)).metadata.iccProfile == nil)
    image.metadata.iccProfile = TestPictures.profile("GRAY")
    #expect(try ImageCodec.decode(image.encoded(as: .webpLossless)).metadata.iccProfile == nil)
    #expect(try ImageCodec.decode(image.encoded(as: .png)).metadata == image.metadata)
  }

  @Test func largeProfileSpansSeveralMarkers() throws {
    var image = TestPictures.noise(.rgb)
    image.metadata.iccProfile = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    #expect(try ImageCodec.decode(image.encoded(as: .jpeg(quality: 90))).metadata == image.metadata)
  }

  /// A lead of JPEG inside the block, once more or where it does not belong, hides no orientation from one reader and shows it to the next.
  @Test(arguments: [ImageEncoding.jpeg(quality: 90), .webpLossless]) func leadInsideTheBlock(_ encoding: ImageEncoding) throws {
    var image = TestChart.image(width: 7, height: 4)
    let block = TestPictures.exif(orientation: 6)
    for leads in 1...2 {
      image.metadata.exif = Array((0..<leads).map { _ in Array("Exif\0\0".utf8) }.joined()) + block
      let read = try ImageCodec.decode(image.encoded(as: encoding))
      #expect(read.width == 4 && read.height == 7)
      #expect(read.metadata.exif == TestPictures.exif(orientation: 1))
      for next in [ImageEncoding.jpeg(quality: 90), .png, .webpLossless] {
        let again = try ImageCodec.decode(read.encoded(as: next))
        #expect(again.width == 4 && again.height == 7)
      }
    }
    image.metadata.exif = Array("no TIFF structure".utf8)
    #expect(try ImageCodec.decode(image.encoded(as: encoding)).metadata.exif == nil)
  }

  @Test(arguments: Orientation.allCases, [true, false])
  func orientationIsApplied(orientation: Orientation, isLittleEndian: Bool) throws {
    let upright = TestPictures.noise(.rgb)
    var stored = upright.oriented(orientation.inverse)
    stored.metadata.exif = TestPictures.exif(orientation: UInt8(orientation.rawValue), isLittleEndian: isLittleEndian)
    stored.metadata.xmp = TestPictures.xmp(orientation: orientation.rawValue)
    for encoding in [ImageEncoding.png, .webpLossless] {
      let image = try ImageCodec.decode(stored.encoded(as: encoding))
      #expect(image.samples == upright.samples)
      #expect(image.width == upright.width)
      #expect(image.metadata.exif == TestPictures.exif(orientation: 1, isLittleEndian: isLittleEndian))
      #expect(image.metadata.xmp == TestPictures.xmp(orientation: 1))
    }
  }

  @Test func orientationsDoWhatTheirNamesSay() {
    let plane = Plane<Float>(width: 3, height: 2, elements: [1, 2, 3, 4, 5, 6])
    let expected: [Orientation: [Float]] = [
      .upright: [1, 2, 3, 4, 5, 6], .flippedHorizontally: [3, 2, 1, 6, 5, 4], .rotatedHalf: [6, 5, 4, 3, 2, 1],
      .flippedVertically: [4, 5, 6, 1, 2, 3], .transposed: [1, 4, 2, 5, 3, 6], .rotatedClockwise: [4, 1, 5, 2, 6, 3],
      .transversed: [6, 3, 5, 2, 4, 1], .rotatedAnticlockwise: [3, 6, 2, 5, 1, 4],
    ]
    for orientation in Orientation.allCases {
      let turned = plane.oriented(orientation)
      #expect(turned.elements == expected[orientation], "\(orientation)")
      #expect(turned.width == (orientation.swapsSides ? 2 : 3))
      #expect(turned.oriented(orientation.inverse) == plane)
    }
  }

  @Test func limitsOfTheFormatsAreNamed() {
    var image = TestPictures.noise(.grey, width: 16_384, height: 1)
    #expect(throws: ImageError.tooLargeForFormat(format: .webp, width: 16_384, height: 1)) {
      try image.encoded(as: .webpLossless)
    }
    #expect(throws: ImageError.invalidQuality(format: .jpeg, quality: 0)) { try image.encoded(as: .jpeg(quality: 0)) }
    image = TestPictures.noise(.grey)
    #expect(throws: ImageError.invalidQuality(format: .webp, quality: 101)) { try image.encoded(as: .webp(quality: 101)) }
    image.metadata.exif = Array(repeating: 0, count: 65_528)
    #expect(throws: ImageError.metadataTooLarge(format: .jpeg, block: "EXIF", bytes: 65_528, limit: 65_527)) {
      try image.encoded(as: .jpeg(quality: 90))
    }
    #expect(throws: ImageError.unknownExtension(name: "a/b.psd")) { try ImageEncoding(path: "a/b.psd") }
    #expect(throws: ImageError.notWritten(format: .gif)) { try ImageEncoding(path: "a/b.gif") }
    #expect(throws: ImageError.notWritten(format: .heic)) { try ImageEncoding(path: "a/b.HEIC") }
    #expect(throws: ImageError.unknownFormat(name: "x")) { try ImageCodec.decode(Array("GIF90a".utf8), name: "x") }
    #expect(throws: ImageError.empty(name: "x")) { try ImageCodec.decode([], name: "x") }
  }

  @Test func formatsFromNames() throws {
    #expect(ImageFormat(path: "/a.b/photo.JPG") == .jpeg)
    #expect(ImageFormat(path: "photo.tar.tif") == .tiff)
    #expect(ImageFormat(path: "/a.png/photo") == nil)
    #expect(try ImageEncoding(path: "x.webp", quality: 3) == .webp(quality: 3))
    #expect(try ImageEncoding(path: "x.webp") == .webpLossless)
  }
}
