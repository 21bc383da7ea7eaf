extension ImageMetadata {
  /// What a picture of this size says of itself: the sizes in EXIF are true, and no small picture of another is in it.
  mutating func describe(width: Int, height: Int) {
    guard let exif, var block = ExifBlock(exif) else { return }
    block.describe(width: width, height: height)
    self.exif = block.bytes
  }

  /// Blocks whose length a format bounds: their names, bytes, and the most that it holds.
  func blocks(limitedBy format: ImageFormat) -> [(block: String, bytes: Int, limit: Int)] {
    // The markers of JPEG count their length in 16 bits; a profile may span 255 of them.
    guard format == .jpeg else { return [] }
    return [
      ("EXIF", exif?.count ?? 0, 65_527), ("XMP", xmp?.count ?? 0, 65_504),
      ("ICC profile", iccProfile?.count ?? 0, 255 * 65_519),
    ]
  }

  /// What a file of the format does not hold of these, in words: the picture is written without them.
  package func lost(in format: ImageFormat) -> [String] {
    var result: [String] = []
    func note(_ isThere: Bool, _ words: String) { if isThere { result.append(words) } }
    let isJPEG = format == .jpeg
    // Profile, EXIF and XMP are all that they hold.
    let isBare = format == .webp || format == .avif || format == .jxl
    note(format == .bmp && iccProfile != nil, "the colour profile")
    note(format == .bmp && exif != nil, "EXIF")
    note(format == .bmp && xmp != nil, "XMP")
    note((format == .bmp || isBare) && iptc != nil, "IPTC")
    // EXIF may hold it beside.
    let isInExif = exif.flatMap(ExifBlock.init)?.structure.flatMap(ImageResolution.init) != nil
    note(isBare && !isInExif && saysResolution, "the resolution")
    guard format != .png else { return result }
    let colours = chunks.filter { $0.isOfColour && $0.kind != "sRGB" }.map(\.kind)
    note(!colours.isEmpty, "what PNG says of colours (\(colours.joined(separator: ", ")))")
    let texts = chunks.filter { !$0.isOfColour && $0.keyword != Self.iptcKeyword }.compactMap(\.keyword)
      .filter { !(isJPEG && $0 == Self.commentKeyword) }
    if let first = texts.first {
      let others = texts.count > 1 ? " and \(texts.count - 1) more" : ""
      note(true, "the text '\(first)'\(others)")
    }
    return result
  }

  /// Whether the resolution is more than square pixels of no length.
  private var saysResolution: Bool { resolution.map { $0.unit != .ratio || $0.horizontal != $0.vertical } ?? false }
}
