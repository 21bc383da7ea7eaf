// BMP has no C library that is packaged everywhere and both reads and writes; the kinds in use are few, so it is done here:
// uncompressed 1, 4 and 8 bits with a palette, 16, 24 and 32 bits, bit fields, rows in either order. Run-length coding is
// refused.

extension ImageCodec.Source {
  private func number(_ offset: Int, _ size: Int) -> Int {
    var value = 0
    for i in (0..<size).reversed() { value = value << 8 | Int(bytes[offset + i]) }
    return value
  }

  private func signed(_ offset: Int) -> Int { Int(Int32(truncatingIfNeeded: number(offset, 4))) }

  private func unsupported(_ reason: String) -> ImageError { .unsupported(name: name, format: .bmp, reason: reason) }

  /// What stands before the palette and the pixels.
  private struct Head {
    let headerSize: Int
    let width: Int
    /// Below 0 where the rows run from top to bottom.
    let signedHeight: Int
    let bits: Int

    var isOld: Bool { headerSize == 12 }
    var height: Int { abs(signedHeight) }
  }

  private func bitmapHead() throws(ImageError) -> Head {
    guard bytes.count >= 26 else { throw corrupt("the header is cut short") }
    let headerSize = number(14, 4)
    let isOld = headerSize == 12
    guard isOld || (40...256).contains(headerSize) else { throw corrupt("the header claims \(headerSize) bytes") }
    guard bytes.count >= 14 + headerSize else { throw corrupt("the header is cut short") }
    let head = Head(
      headerSize: headerSize, width: isOld ? number(18, 2) : signed(18), signedHeight: isOld ? number(20, 2) : signed(22),
      bits: number(isOld ? 24 : 28, 2))
    guard [1, 4, 8, 16, 24, 32].contains(head.bits) else { throw corrupt("\(head.bits) bits a pixel") }
    return head
  }

  func bitmapHeader() throws(ImageError) -> ImageHeader {
    let head = try bitmapHead()
    try check(width: head.width, height: head.height, channels: 4, bits: 8)
    return ImageHeader(
      format: .bmp, width: head.width, height: head.height, channels: head.bits == 16 || head.bits == 32 ? 4 : 3, bits: 8)
  }

  func decodeBitmap() throws(ImageError) -> Image {
    let head = try bitmapHead()
    let pixelOffset = number(10, 4)
    let (headerSize, width, height, bits) = (head.headerSize, head.width, head.height, head.bits)
    let compression = head.isOld ? 0 : number(30, 4)
    guard compression == 0 || (bits >= 16 && bits != 24 && (compression == 3 || compression == 6)) else {
      throw unsupported("compression \(compression)")
    }
    try check(width: width, height: height, channels: 4, bits: 8)
    let rowBytes = (width * bits + 31) / 32 * 4
    guard pixelOffset >= 14 + headerSize, pixelOffset <= bytes.count, bytes.count - pixelOffset >= rowBytes * height else {
      throw corrupt("the pixels need \(rowBytes * height) bytes from byte \(pixelOffset) on, the file has \(bytes.count)")
    }
    let rows = Rows(
      width: width, height: height, start: pixelOffset, rowBytes: rowBytes, isTopDown: head.signedHeight < 0, bits: bits)
    if bits <= 8 { return try decodePalette(rows, headerSize: headerSize) }
    if bits == 24 { return decodeTrueColour(rows) }
    let masks = try bitMasks(bits: bits, headerSize: headerSize, compression: compression)
    return decodeBitFields(rows, masks)
  }

  /// Where the rows of a bitmap lie.
  private struct Rows {
    let width: Int
    let height: Int
    let start: Int
    let rowBytes: Int
    let isTopDown: Bool
    let bits: Int

    /// The offset of row `y` from the top.
    func offset(_ y: Int) -> Int { start + rowBytes * (isTopDown ? y : height - 1 - y) }
  }

  private func decodePalette(_ rows: Rows, headerSize: Int) throws(ImageError) -> Image {
    let entryBytes = headerSize == 12 ? 3 : 4
    let used = headerSize >= 40 ? number(46, 4) : 0
    let entries = used == 0 ? 1 << rows.bits : used
    let paletteStart = 14 + headerSize
    guard entries <= 256, paletteStart + entries * entryBytes <= rows.start else { throw corrupt("the palette does not fit") }
    let palette = (0..<entries).map { entry in
      let at = paletteStart + entry * entryBytes
      return (bytes[at + 2], bytes[at + 1], bytes[at])
    }
    let isGrey = palette.allSatisfy { $0 == $1 && $1 == $2 }
    var samples: [UInt8] = []
    samples.reserveCapacity(rows.width * rows.height * (isGrey ? 1 : 3))
    let perByte = 8 / rows.bits
    for y in 0..<rows.height {
      let row = rows.offset(y)
      for x in 0..<rows.width {
        let shift = 8 - rows.bits * (x % perByte + 1)
        let index = Int(bytes[row + x / perByte] >> UInt8(shift)) & ((1 << rows.bits) - 1)
        guard index < entries else { throw corrupt("a pixel names colour \(index) of \(entries)") }
        let (red, green, blue) = palette[index]
        samples.append(red)
        if !isGrey {
          samples.append(green)
          samples.append(blue)
        }
      }
    }
    return Image(
      width: rows.width, height: rows.height, colourModel: isGrey ? .grey : .rgb, samples: .uint8(samples))
  }

  private func decodeTrueColour(_ rows: Rows) -> Image {
    let count = rows.width * rows.height * 3
    let samples = [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
      bytes.withUnsafeBufferPointer { source in
        var target = 0
        for y in 0..<rows.height {
          var at = rows.offset(y)
          for _ in 0..<rows.width {
            output[target] = source[at + 2]
            output[target + 1] = source[at + 1]
            output[target + 2] = source[at]
            target += 3
            at += 3
          }
        }
      }
      initialized = count
    }
    return Image(width: rows.width, height: rows.height, colourModel: .rgb, samples: .uint8(samples))
  }

  /// The masks of red, green, blue and alpha (0 for none).
  private func bitMasks(bits: Int, headerSize: Int, compression: Int) throws(ImageError) -> [UInt32] {
    var masks: [UInt32] = bits == 16 ? [0x7C00, 0x03E0, 0x001F, 0] : [0xFF0000, 0x00FF00, 0x0000FF, 0]
    if compression != 0 {
      let hasAlphaMask = headerSize >= 56 || compression == 6
      let count = hasAlphaMask ? 4 : 3
      guard bytes.count >= 54 + 4 * count else { throw corrupt("the bit masks are cut short") }
      for i in 0..<count { masks[i] = UInt32(truncatingIfNeeded: number(54 + 4 * i, 4)) }
    }
    for mask in masks where mask != 0 {
      let shifted = mask >> UInt32(mask.trailingZeroBitCount)
      guard shifted & (shifted &+ 1) == 0 else { throw corrupt("a bit mask has gaps") }
    }
    return masks
  }

  private func decodeBitFields(_ rows: Rows, _ masks: [UInt32]) -> Image {
    let hasAlpha = masks[3] != 0
    let channels = hasAlpha ? 4 : 3
    var samples = [UInt8](repeating: 0, count: rows.width * rows.height * channels)
    let size = rows.bits / 8
    let shifts = masks.map { UInt32($0.trailingZeroBitCount & 31) }
    var target = 0
    for y in 0..<rows.height {
      var at = rows.offset(y)
      for _ in 0..<rows.width {
        let pixel = UInt32(number(at, size))
        for channel in 0..<channels where masks[channel] != 0 {
          let maximum = UInt64(masks[channel] >> shifts[channel])
          let value = UInt64((pixel & masks[channel]) >> shifts[channel])
          samples[target + channel] = UInt8((value * 255 + maximum / 2) / maximum)
        }
        target += channels
        at += size
      }
    }
    return Image(
      width: rows.width, height: rows.height, colourModel: .rgb, hasAlpha: hasAlpha, samples: .uint8(samples))
  }
}

extension Image {
  /// An 8-bit image as BMP: grey as a palette of 256 greys, RGB with 24 bits, RGBA with 32 bits and masks.
  func encodedAsBitmap() throws(ImageError) -> [UInt8] {
    guard case .uint8(let samples) = samples else {
      throw .encodingFailed(format: .bmp, reason: "it has 16-bit samples")
    }
    let isGrey = colourModel == .grey
    let bits = isGrey ? 8 : hasAlpha ? 32 : 24
    let headerSize = hasAlpha ? 108 : 40
    let paletteBytes = isGrey ? 1024 : 0
    let rowBytes = (width * bits + 31) / 32 * 4
    let start = 14 + headerSize + paletteBytes
    let size = start + rowBytes * height
    guard size <= Int(UInt32.max) else { throw .tooLargeForFormat(format: .bmp, width: width, height: height) }
    var file: [UInt8] = []
    file.reserveCapacity(size)
    func append(_ value: Int, _ size: Int) { for i in 0..<size { file.append(UInt8(truncatingIfNeeded: value >> (8 * i))) } }
    file += Array("BM".utf8)
    for value in [size, 0, start, headerSize, width, height] { append(value, 4) }
    append(1, 2)
    append(bits, 2)
    // Compression, bytes of pixels, pixels a metre (72 dpi), colours used and important.
    for value in [hasAlpha ? 3 : 0, rowBytes * height, 2835, 2835, 0, 0] { append(value, 4) }
    if hasAlpha {
      for mask in [0xFF0000, 0x00FF00, 0x0000FF, 0xFF00_0000] { append(mask, 4) }
      file += Array("BGRs".utf8)
      file += Array(repeating: 0, count: 48)
    }
    if isGrey { for value in 0..<256 { append(value * 0x010101, 4) } }
    for y in (0..<height).reversed() {
      for x in 0..<width {
        let at = (y * width + x) * channels
        if isGrey {
          file.append(samples[at])
        } else {
          file.append(samples[at + 2])
          file.append(samples[at + 1])
          file.append(samples[at])
          if hasAlpha { file.append(samples[at + 3]) }
        }
      }
      file += Array(repeating: 0, count: rowBytes - (width * bits + 7) / 8)
    }
    return file
  }
}
