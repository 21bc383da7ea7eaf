import CImageCodecs
import Files

/// The rows of a picture as its file has them.
protocol RowSource: AnyObject {
  var header: ImageHeader { get }
  /// What stands before the pixels.
  var metadata: ImageMetadata { get }
  /// The orientation tag of a TIFF file.
  var orientationTag: Int? { get }
  var hasGreyPalette: Bool { get }
  /// What its red, green and blue are made of, as a clause to be told, where the file has other colours.
  var mixture: String? { get }
  var obstacle: ImageObstacle? { get }
  /// What is held while rows are read, the rows themselves not counted.
  var heldByteCount: Int { get }
  /// Pages, or pictures that follow each other in time; one of them is read.
  var pictureCount: Int { get }
  /// What one of them is called: `page`.
  var pictureKind: String { get }
  /// Frames that are one picture, the one that is read; 1 elsewhere.
  var layerCount: Int { get }
  /// Of a TIFF file.
  var pages: TIFFPages? { get }
  /// After `finish`: all pixels are there, and no more than the mark or the padding that ends the file is missing.
  var lacksEnd: Bool { get }
  /// After `finish`: the pixels that a tolerant source found missing.
  var missing: MissingPixels? { get }
  /// After rows could not be read: whether a tolerant source gives some of them, as far as that is known.
  var helpsTolerance: Bool { get }
  /// The next rows; all of them at once where there is an obstacle.
  func read(_ count: Int, into rows: UnsafeMutableRawPointer) throws(ImageError)
  /// Checks that the file is complete, and gives all metadata.
  func finish() throws(ImageError) -> ImageMetadata
}

/// What a file that is cut in its pixels lacks, where that is no error. Middle grey stands for what is not there, or what the decoder makes
/// of the part before.
struct MissingPixels: Hashable, Sendable {
  /// The rows that are there; of a picture that is stored from the bottom up these are its lower ones.
  var rows: Int
  /// All rows are there, but their details are not.
  var isCoarse = false

  /// A clause.
  func remark(height: Int) -> String {
    isCoarse
      ? "the file is cut short: all \(height) rows were there, but not in full detail"
      : "the file is cut short: \(rows) of \(height) rows were there, and the rest is filled"
  }
}

/// Rows by one of the C libraries.
final class LibraryRows: RowSource {
  let header: ImageHeader
  private(set) var metadata = ImageMetadata()
  let orientationTag: Int?
  let hasGreyPalette: Bool
  let mixture: String?
  let obstacle: ImageObstacle?
  let heldByteCount: Int
  let pictureCount: Int
  let pictureKind: String
  let layerCount: Int
  let pages: TIFFPages?
  private let name: String
  private let file: RandomAccessFile
  private let reader: UnsafeMutablePointer<image_reader>
  /// The reader keeps its address.
  private let input: UnsafeMutablePointer<image_codec_input>
  private var blocks = image_codec_metadata()
  /// What is read here and not by the library.
  private var beside = ImageMetadata()

  private typealias Open = (
    UnsafePointer<image_codec_input>?, UnsafeMutablePointer<image_codec_metadata>?,
    UnsafeMutablePointer<UnsafeMutablePointer<image_reader>?>?, UnsafeMutablePointer<CChar>?
  ) -> Int32

  /// - Parameter known: the pages of a TIFF file, where somebody has counted them already.
  init(
    _ original: RandomAccessFile, name: String, _ format: ImageFormat, isTolerant: Bool = false, page: Int = 0,
    pages known: TIFFPages? = nil
  ) throws(ImageError) {
    var file = original
    let open: Open
    var pictureCount = 1, directory = 0
    var pages: TIFFPages?
    var pictureKind = format == .tiff ? "page" : format == .avif || format == .heic ? "picture" : "frame"
    switch format {
    case .png:
      open = image_png_open
      let chunks = PNGChunks(file)
      beside.chunks = chunks.kept
      beside.resolution = chunks.resolution
      beside.iptc = beside.iptcOfChunks
      pictureCount = chunks.frameCount
    case .jpeg: open = image_jpeg_open
    case .gif: open = image_gif_open
    case .webp, .avif, .heic, .jxl:
      if format == .webp {
        open = image_webp_open
      } else if format == .jxl {
        open = image_jxl_open
      } else {
        open = image_heif_open
      }
      if file.bytes == nil {
        guard MemoryLimit.allows(file.byteCount) else { throw .outOfMemory(name: name) }
        file = RandomAccessFile(file.bytes(file.byteCount, at: 0), path: file.path)
      }
      if let sequence = MovingPictures(file) {
        guard sequence.hasStill else {
          throw .unsupported(name: name, format: format, reason: "it holds moving pictures and no still one")
        }
        (pictureCount, pictureKind) = (sequence.frameCount, "frame")
      }
    case .tiff:
      open = image_tiff_open
      let found = if let known { known } else { try TIFFPages(file, name: name) }
      directory = found.directory(ofPage: page)
      pictureCount = found.count
      try found.add(to: &beside, page: page, name: name)
      pages = found
    case .bmp: preconditionFailure("BMP is read by no library")
    }
    let input = UnsafeMutablePointer<image_codec_input>.allocate(capacity: 1)
    // An array in a class that is held does not move.
    let bytes = file.bytes?.withUnsafeBufferPointer { $0.baseAddress }
    input.initialize(
      to: image_codec_input(
        bytes: file.descriptor < 0 ? bytes ?? nil : nil, count: file.byteCount, descriptor: file.descriptor,
        directory: UInt64(directory), is_tolerant: isTolerant ? 1 : 0))
    var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))
    var opened: UnsafeMutablePointer<image_reader>?
    let status = open(input, &blocks, &opened, &message)
    guard status == IMAGE_CODEC_OK, let opened else {
      image_codec_metadata_free(&blocks)
      input.deallocate()
      throw ImageError(status, message, name: name, format)
    }
    self.name = name
    self.file = file
    self.input = input
    self.pages = pages
    self.pictureKind = pictureKind
    layerCount = max(opened.pointee.layer_count, 1)
    reader = opened
    let found = opened.pointee.header
    header = ImageHeader(
      format: format, width: Int(found.width), height: Int(found.height), channels: Int(found.channels), bits: Int(found.bits))
    hasGreyPalette = found.has_grey_palette != 0
    mixture =
      switch Int(found.mixed_from) {
      case Int(IMAGE_CODEC_INKS):
        "its inks (CMYK) become RGB by the plain product of ink and black, whatever their profile says"
      case Int(IMAGE_CODEC_LAB):
        "its Lab colours become RGB with sRGB's curve, whatever their profile says"
      default: nil
      }
    orientationTag = blocks.orientation == 0 ? nil : Int(blocks.orientation)
    // What was read into memory for the library.
    let isInMemory = [.webp, .avif, .heic, .jxl].contains(format)
    heldByteCount = opened.pointee.held_bytes + (isInMemory ? file.byteCount : 0)
    obstacle =
      switch Int(opened.pointee.obstacle) {
      case Int(IMAGE_CODEC_STREAMS): nil
      case Int(IMAGE_CODEC_INTERLACED): .interlaced
      case Int(IMAGE_CODEC_LATE_METADATA): .lateMetadata
      case Int(IMAGE_CODEC_PROGRESSIVE): .progressive
      case Int(IMAGE_CODEC_SEPARATE_PLANES): .separatePlanes
      case Int(IMAGE_CODEC_CONVERTED): .converted
      default: .library(format)
      }
    self.pictureCount = max(pictureCount, opened.pointee.picture_count)
    metadata = ImageMetadata(blocks, beside)
  }

  var lacksEnd: Bool { reader.pointee.lacks_end != 0 }
  var missing: MissingPixels? {
    let lack = reader.pointee.lack
    return lack.is_lacking == 0 ? nil : MissingPixels(rows: lack.rows, isCoarse: lack.is_coarse != 0)
  }

  var helpsTolerance: Bool {
    switch header.format {
    // Nothing, or what the reader found.
    case .avif, .heic: false
    case .jxl: reader.pointee.lack.is_lacking != 0
    case .png, .jpeg, .webp, .tiff, .bmp, .gif: true
    }
  }

  deinit {
    reader.pointee.close(reader)
    image_codec_metadata_free(&blocks)
    input.deallocate()
  }

  func read(_ count: Int, into rows: UnsafeMutableRawPointer) throws(ImageError) {
    var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))
    let status = reader.pointee.read(reader, rows, count, &message)
    guard status == IMAGE_CODEC_OK else { throw ImageError(status, message, name: name, header.format) }
  }

  func finish() throws(ImageError) -> ImageMetadata {
    var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))
    let status = reader.pointee.finish(reader, &blocks, &message)
    guard status == IMAGE_CODEC_OK else { throw ImageError(status, message, name: name, header.format) }
    metadata = ImageMetadata(blocks, beside)
    return metadata
  }
}

extension ImageError {
  /// What a C function answered. Its reason may quote the file: all but printable ASCII becomes a space.
  init(_ status: Int32, _ message: [CChar], name: String, _ format: ImageFormat) {
    let text = Self.line(message)
    self =
      switch Int(status) {
      case Int(IMAGE_CODEC_MEMORY): .outOfMemory(name: name)
      case Int(IMAGE_CODEC_UNSUPPORTED): .unsupported(name: name, format: format, reason: text)
      case Int(IMAGE_CODEC_NO_LIBRARY): .libraryMissing(name: name, format: format, package: text)
      default: .corrupt(name: name, format: format, reason: text)
      }
  }

  static func line(_ message: [CChar]) -> String {
    let bytes = message.prefix { $0 != 0 }.map { (32..<127).contains($0) ? UInt8(bitPattern: $0) : 32 }
    // Some libraries end their lines.
    return String(decoding: bytes.prefix((bytes.lastIndex { $0 != 32 } ?? -1) + 1), as: UTF8.self)
  }
}

extension ImageMetadata {
  /// What a library read, and what was read beside it.
  init(_ blocks: image_codec_metadata, _ beside: ImageMetadata) {
    self = beside
    iccProfile = blocks.icc.array
    xmp = blocks.xmp.array
    exif = blocks.exif.array.flatMap(ExifOrientation.block) ?? beside.exif
    if let photoshop = blocks.photoshop.array { iptc = PhotoshopResources(photoshop).iptc }
    chunks += Self.texts(ofComments: blocks.comments.array ?? [])
    if blocks.density_x > 0 {
      resolution = ImageResolution(
        horizontal: Double(blocks.density_x), vertical: Double(blocks.density_y),
        unit: blocks.density_unit == 1 ? .inch : blocks.density_unit == 2 ? .centimetre : .ratio)
    }
    // JFIF's ratio of 1 to 1 says nothing; EXIF may.
    if let found = resolution, found.unit != .ratio || found.horizontal != found.vertical { return }
    resolution = exif.flatMap(ExifBlock.init)?.structure.flatMap(ImageResolution.init)
  }

  /// Comments of a JPEG file, each behind its length.
  private static func texts(ofComments bytes: [UInt8]) -> [PNGChunk] {
    var result: [PNGChunk] = []
    var at = 0
    while at + 4 <= bytes.count {
      let count = bytes[at..<at + 4].withUnsafeBytes { Int($0.loadUnaligned(as: UInt32.self)) }
      let comment = bytes[at + 4..<min(at + 4 + count, bytes.count)].filter { $0 != 0 }
      let text =
        String(validating: comment, as: UTF8.self)
        ?? String(String.UnicodeScalarView(comment.map { Unicode.Scalar($0) }))
      if !text.isEmpty { result.append(PNGChunk(keyword: Self.commentKeyword, text: text)) }
      at += 4 + count
    }
    return result
  }

  static let commentKeyword = "Comment"
}

extension image_codec_buffer {
  /// The bytes, or nil where there are none.
  fileprivate var array: [UInt8]? { count == 0 ? nil : Array(UnsafeBufferPointer(start: bytes, count: count)) }
}
