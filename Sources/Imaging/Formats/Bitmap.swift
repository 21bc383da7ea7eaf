// BMP has no C library that is packaged everywhere and both reads and writes; the kinds in use are few, so it is done here:
// 1, 4 and 8 bits with a palette, these also in run-length coding, 16, 24 and 32 bits, bit fields, rows in either order.

import Files

/// A BMP file and its header.
struct BitmapFile {
  let file: RandomAccessFile
  let name: String
  let headerSize: Int
  let width: Int
  /// Below 0 where the rows run from top to bottom.
  private let signedHeight: Int
  let bits: Int
  /// The first bytes of the file: the header, bit masks and palette lie in them.
  private let start: [UInt8]

  init(file: RandomAccessFile, name: String) throws(ImageError) {
    self.file = file
    self.name = name
    let start = file.bytes(2048, at: 0)
    func corrupt(_ reason: String) -> ImageError { .corrupt(name: name, format: .bmp, reason: reason) }
    guard start.count >= 26 else { throw corrupt("the header is cut short") }
    let size = Self.number(start, 14, 4)
    let isOld = size == 12
    guard isOld || (40...256).contains(size) else { throw corrupt("the header claims \(size) bytes") }
    guard start.count >= 14 + size else { throw corrupt("the header is cut short") }
    func signed(_ offset: Int) -> Int { Int(Int32(truncatingIfNeeded: Self.number(start, offset, 4))) }
    self.start = start
    headerSize = size
    width = isOld ? Self.number(start, 18, 2) : signed(18)
    signedHeight = isOld ? Self.number(start, 20, 2) : signed(22)
    bits = Self.number(start, isOld ? 24 : 28, 2)
    guard [1, 4, 8, 16, 24, 32].contains(bits) else { throw corrupt("\(bits) bits a pixel") }
  }

  var height: Int { abs(signedHeight) }
  var isTopDown: Bool { signedHeight < 0 }
  var rowByteCount: Int { (width * bits + 31) / 32 * 4 }
  var byteCount: Int { file.byteCount }
  var compression: Int { headerSize == 12 ? 0 : number(30, 4) }

  /// A number of the first bytes; the caller knows that they are there.
  func number(_ offset: Int, _ size: Int) -> Int { Self.number(start, offset, size) }

  /// How many of the first bytes there are.
  var startByteCount: Int { start.count }

  static func number(_ bytes: [UInt8], _ offset: Int, _ size: Int) -> Int {
    (0..<size).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
  }

  func corrupt(_ reason: String) -> ImageError { .corrupt(name: name, format: .bmp, reason: reason) }
  func unsupported(_ reason: String) -> ImageError { .unsupported(name: name, format: .bmp, reason: reason) }
}

/// The rows of a BMP file.
final class BitmapRows: RowSource {
  private enum Pixels {
    /// Red, green and blue of each entry.
    case palette([(UInt8, UInt8, UInt8)], isGrey: Bool)
    case trueColour
    /// The masks of red, green, blue and alpha (0 for none).
    case bitFields([UInt32])
  }

  let header: ImageHeader
  let metadata: ImageMetadata
  let orientationTag: Int? = nil
  let hasGreyPalette = false
  let mixture: String? = nil
  /// Run-length coding is unpacked as a whole.
  let obstacle: ImageObstacle?
  let pictureCount = 1
  let pictureKind = "picture"
  let layerCount = 1
  let pages: TIFFPages? = nil
  let helpsTolerance = true
  private(set) var lacksEnd = false
  private(set) var missing: MissingPixels?
  private let bitmap: BitmapFile
  private let pixels: Pixels
  private let start: Int
  private let isPacked: Bool
  private let isTolerant: Bool
  private var y = 0

  init(_ bitmap: BitmapFile, isTolerant: Bool = false) throws(ImageError) {
    self.bitmap = bitmap
    self.isTolerant = isTolerant
    start = bitmap.number(10, 4)
    let bits = bitmap.bits, compression = bitmap.compression
    isPacked = (bits == 8 && compression == 1) || (bits == 4 && compression == 2)
    guard compression == 0 || isPacked || (bits >= 16 && bits != 24 && (compression == 3 || compression == 6)) else {
      throw bitmap.unsupported("compression \(compression)")
    }
    pixels =
      switch bits {
      case ...8: try Self.palette(bitmap, start: start)
      case 24: .trueColour
      default: .bitFields(try Self.bitMasks(bitmap))
      }
    let channels =
      switch pixels {
      case .palette(_, let isGrey): isGrey ? 1 : 3
      case .trueColour: 3
      case .bitFields(let masks): masks[3] == 0 ? 3 : 4
      }
    obstacle = isPacked ? .library(.bmp) : nil
    metadata = ImageMetadata(
      resolution: bitmap.headerSize >= 40 ? ImageResolution(perMetre: bitmap.number(38, 4), bitmap.number(42, 4)) : nil)
    header = ImageHeader(format: .bmp, width: bitmap.width, height: bitmap.height, channels: channels, bits: 8)
  }

  var heldByteCount: Int { (isPacked ? bitmap.width * bitmap.height + bitmap.byteCount : bitmap.rowByteCount) + (1 << 16) }

  func read(_ count: Int, into rows: UnsafeMutableRawPointer) throws(ImageError) {
    if isPacked { return try readPacked(into: rows.assumingMemoryBound(to: UInt8.self)) }
    let rowByteCount = bitmap.rowByteCount
    // What fills the last row up to four bytes may be missing.
    let pixelByteCount = (bitmap.width * bitmap.bits + 7) / 8
    if y == 0 {
      let needed = rowByteCount * (bitmap.height - 1) + pixelByteCount
      let available = bitmap.byteCount - start
      lacksEnd = available < rowByteCount * bitmap.height && available >= needed
      // The rows that are there whole, but for what fills the last.
      let rowsThere = max(available + rowByteCount - pixelByteCount, 0) / rowByteCount
      let isCut = isTolerant && rowsThere > 0 && rowsThere < bitmap.height
      if isCut { missing = MissingPixels(rows: rowsThere) }
      guard start >= 14 + bitmap.headerSize, start <= bitmap.byteCount, available >= needed || isCut else {
        throw bitmap.corrupt("the pixels need \(needed) bytes from byte \(start) on, the file has \(bitmap.byteCount)")
      }
    }
    let row = UnsafeMutablePointer<UInt8>.allocate(capacity: rowByteCount)
    defer { row.deallocate() }
    let samples = rows.assumingMemoryBound(to: UInt8.self)
    for index in 0..<count {
      let place = bitmap.isTopDown ? y : bitmap.height - 1 - y
      if let missing, place >= missing.rows {
        fill(samples + index * header.width * header.channels, count: 1)
        y += 1
        continue
      }
      guard bitmap.file.read(rowByteCount, at: start + rowByteCount * place, into: row) >= pixelByteCount else {
        throw bitmap.corrupt("the file is cut short")
      }
      try decode(row, into: samples + index * header.width * header.channels)
      y += 1
    }
  }

  func finish() throws(ImageError) -> ImageMetadata { metadata }

  /// Rows that are missing.
  private func fill(_ rows: UnsafeMutablePointer<UInt8>, count: Int) {
    let channels = header.channels
    rows.update(repeating: 0x80, count: count * header.width * channels)
    guard channels == 4 else { return }
    for pixel in 0..<count * header.width { rows[4 * pixel + 3] = 255 }
  }

  /// Run-length coding (RLE8, RLE4): a count and a colour (in RLE4 two that take turns); or 0 and: 0 the end of the row, 1 of the
  /// picture, 2 a move to the right and up, or so many pixels one by one, made even. Pixels that are left out have colour 0.
  private func readPacked(into samples: UnsafeMutablePointer<UInt8>) throws(ImageError) {
    guard case .palette(let entries, let isGrey) = pixels else { return }
    let (width, height, bits) = (bitmap.width, bitmap.height, bitmap.bits)
    guard start >= 14 + bitmap.headerSize, start <= bitmap.byteCount else {
      throw bitmap.corrupt("the pixels lie beyond the file")
    }
    let bytes = bitmap.file.bytes(bitmap.byteCount - start, at: start)
    var indices = [UInt8](repeating: 0, count: width * height)
    var at = 0, x = 0, row = 0
    func put(_ index: UInt8) throws(ImageError) {
      // What goes beyond a row is cut off, as other programs do.
      guard x < width, row < height else {
        x += 1
        return
      }
      guard Int(index) < entries.count else { throw bitmap.corrupt("a pixel names colour \(index) of \(entries.count)") }
      indices[(bitmap.isTopDown ? row : height - 1 - row) * width + x] = index
      x += 1
    }
    func next() throws(ImageError) -> Int {
      guard at < bytes.count else { throw bitmap.corrupt("the file is cut short") }
      at += 1
      return Int(bytes[at - 1])
    }
    /// One code; false at the end of the picture.
    func step() throws(ImageError) -> Bool {
      // A file may end with its last row.
      if at == bytes.count, row == height - 1, x >= width {
        lacksEnd = true
        return false
      }
      let count = try next(), value = try next()
      if count > 0 {
        for step in 0..<count { try put(UInt8(bits == 8 ? value : step % 2 == 0 ? value >> 4 : value & 15)) }
        return true
      }
      switch value {
      case 0: (x, row) = (0, row + 1)
      case 1: return false
      case 2:
        x += try next()
        row += try next()
      default:
        var pair = 0
        for step in 0..<value {
          if bits == 8 || step % 2 == 0 { pair = try next() }
          try put(UInt8(bits == 8 ? pair : step % 2 == 0 ? pair >> 4 : pair & 15))
        }
        if (bits == 8 ? value : (value + 1) / 2) % 2 == 1 { at += 1 }
      }
      return true
    }
    do throws(ImageError) {
      while row < height, try step() {}
    } catch {
      // A row that was just finished has all of its pixels, though no code says so.
      let whole = row + (x >= width ? 1 : 0)
      guard isTolerant, whole > 0 else { throw error }
      if whole < height { missing = MissingPixels(rows: whole) } else { lacksEnd = true }
    }
    var target = samples
    for index in indices {
      // Colours that are left out of an empty palette.
      let (red, green, blue) = entries.isEmpty ? (0, 0, 0) : entries[Int(index)]
      target[0] = red
      if !isGrey { (target[1], target[2]) = (green, blue) }
      target += isGrey ? 1 : 3
    }
    if let missing {
      let rowByteCount = width * (isGrey ? 1 : 3)
      fill(samples + (bitmap.isTopDown ? missing.rows * rowByteCount : 0), count: height - missing.rows)
    }
  }

  private func decode(_ row: UnsafePointer<UInt8>, into output: UnsafeMutablePointer<UInt8>) throws(ImageError) {
    let width = header.width
    switch pixels {
    case .palette(let entries, let isGrey):
      let bits = bitmap.bits, perByte = 8 / bits
      var target = output
      for x in 0..<width {
        let shift = 8 - bits * (x % perByte + 1)
        let index = Int(row[x / perByte] >> UInt8(shift)) & ((1 << bits) - 1)
        guard index < entries.count else { throw bitmap.corrupt("a pixel names colour \(index) of \(entries.count)") }
        let (red, green, blue) = entries[index]
        target[0] = red
        if !isGrey {
          target[1] = green
          target[2] = blue
        }
        target += isGrey ? 1 : 3
      }
    case .trueColour:
      for at in stride(from: 0, to: 3 * width, by: 3) {
        output[at] = row[at + 2]
        output[at + 1] = row[at + 1]
        output[at + 2] = row[at]
      }
    case .bitFields(let masks):
      let size = bitmap.bits / 8, channels = header.channels
      let shifts = masks.map { UInt32($0.trailingZeroBitCount & 31) }
      for x in 0..<width {
        var pixel: UInt32 = 0
        for byte in (0..<size).reversed() { pixel = pixel << 8 | UInt32(row[x * size + byte]) }
        for channel in 0..<channels {
          let mask = masks[channel]
          guard mask != 0 else {
            output[x * channels + channel] = 0
            continue
          }
          let maximum = UInt64(mask >> shifts[channel])
          let value = UInt64((pixel & mask) >> shifts[channel])
          output[x * channels + channel] = UInt8((value * 255 + maximum / 2) / maximum)
        }
      }
    }
  }

  private static func palette(_ bitmap: BitmapFile, start: Int) throws(ImageError) -> Pixels {
    let entryBytes = bitmap.headerSize == 12 ? 3 : 4
    let used = bitmap.headerSize >= 40 ? bitmap.number(46, 4) : 0
    let paletteStart = 14 + bitmap.headerSize
    // Files may hold fewer colours than they could name (of OS/2, none tells how many), or tell of more than pixels can name.
    let room = (min(start, bitmap.startByteCount) - paletteStart) / entryBytes
    let entries = min(used == 0 ? 1 << bitmap.bits : used, 1 << bitmap.bits, max(room, 0))
    guard entries > 0 else { throw bitmap.corrupt("the palette does not fit") }
    let palette = (0..<entries).map { entry in
      let at = paletteStart + entry * entryBytes
      func byte(_ offset: Int) -> UInt8 { UInt8(bitmap.number(at + offset, 1)) }
      return (byte(2), byte(1), byte(0))
    }
    return .palette(palette, isGrey: palette.allSatisfy { $0 == $1 && $1 == $2 })
  }

  private static func bitMasks(_ bitmap: BitmapFile) throws(ImageError) -> [UInt32] {
    var masks: [UInt32] = bitmap.bits == 16 ? [0x7C00, 0x03E0, 0x001F, 0] : [0xFF0000, 0x00FF00, 0x0000FF, 0]
    if bitmap.compression != 0 {
      let hasAlphaMask = bitmap.headerSize >= 56 || bitmap.compression == 6
      let count = hasAlphaMask ? 4 : 3
      guard bitmap.startByteCount >= 54 + 4 * count else { throw bitmap.corrupt("the bit masks are cut short") }
      for i in 0..<count { masks[i] = UInt32(truncatingIfNeeded: bitmap.number(54 + 4 * i, 4)) }
    }
    for mask in masks where mask != 0 {
      let shifted = mask >> UInt32(mask.trailingZeroBitCount)
      guard shifted & (shifted &+ 1) == 0 else { throw bitmap.corrupt("a bit mask has gaps") }
    }
    return masks
  }
}
