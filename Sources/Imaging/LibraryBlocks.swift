import CImageCodecs

extension ImageProperties {
  /// As the C functions take it.
  var libraryHeader: image_codec_header {
    var header = image_codec_header()
    header.width = UInt32(width)
    header.height = UInt32(height)
    header.channels = UInt8(channels)
    header.bits = UInt8(bitDepth)
    return header
  }
}

extension ImageMetadata {
  /// The blocks as the C functions take them, during the call.
  func withLibraryBlocks<R>(_ body: (UnsafePointer<image_codec_metadata>) -> R) -> R {
    var blocks = image_codec_metadata()
    if let resolution { Self.setDensity(resolution, &blocks) }
    // Nothing is written through the pointers.
    func buffer(_ bytes: UnsafeBufferPointer<UInt8>) -> image_codec_buffer {
      image_codec_buffer(bytes: UnsafeMutablePointer(mutating: bytes.baseAddress), count: bytes.count)
    }
    return (iccProfile ?? []).withUnsafeBufferPointer { profile in
      (exif ?? []).withUnsafeBufferPointer { exif in
        (xmp ?? []).withUnsafeBufferPointer { xmp in
          (iptc.map { PhotoshopResources.bytes(iptc: $0) } ?? []).withUnsafeBufferPointer { photoshop in
            comments.withUnsafeBufferPointer { comments in
              blocks.icc = buffer(profile)
              blocks.exif = buffer(exif)
              blocks.xmp = buffer(xmp)
              blocks.photoshop = buffer(photoshop)
              blocks.comments = buffer(comments)
              return withUnsafePointer(to: blocks, body)
            }
          }
        }
      }
    }
  }

  /// Texts that are comments, each behind its length in 32 bits, cut to what a marker holds.
  private var comments: [UInt8] {
    chunks.filter { $0.keyword == Self.commentKeyword }.compactMap(\.string).flatMap { text in
      let bytes = Array(text.utf8.prefix(65_533))
      return withUnsafeBytes(of: UInt32(bytes.count)) { Array($0) } + bytes
    }
  }

  /// As JFIF has it, in 16 bits.
  private static func setDensity(_ resolution: ImageResolution, _ blocks: inout image_codec_metadata) {
    func whole(_ value: Double) -> UInt16 { UInt16(min(max(value.rounded(), 1), 65_535)) }
    blocks.density_x = whole(resolution.horizontal)
    blocks.density_y = whole(resolution.vertical)
    blocks.density_unit =
      switch resolution.unit {
      case .ratio: 0
      case .inch: 1
      case .centimetre: 2
      }
  }
}

/// What a C function that writes left: a buffer, which is freed with the value, and a status with its reason.
struct LibraryOutput: ~Copyable {
  var buffer = image_codec_buffer()
  var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))
  var status = Int32(IMAGE_CODEC_OK)

  deinit {
    var buffer = buffer
    image_codec_buffer_free(&buffer)
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.count) }

  func check(_ format: ImageFormat) throws(ImageError) {
    guard status != IMAGE_CODEC_OK else { return }
    throw ImageError(writing: format, status, message)
  }
}

extension ImageError {
  /// What a C function that writes answered.
  init(writing format: ImageFormat, _ status: Int32, _ message: [CChar]) {
    self =
      switch Int(status) {
      case Int(IMAGE_CODEC_MEMORY): .outOfMemory(name: "the \(format.title) output")
      case Int(IMAGE_CODEC_NO_LIBRARY): .libraryMissing(name: nil, format: format, package: Self.line(message))
      default: .encodingFailed(format: format, reason: Self.line(message))
      }
  }
}
