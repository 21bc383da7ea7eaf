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
    var profile = iccProfile ?? [], exif = exif ?? [], xmp = xmp ?? []
    return profile.withUnsafeMutableBufferPointer { profile in
      exif.withUnsafeMutableBufferPointer { exif in
        xmp.withUnsafeMutableBufferPointer { xmp in
          let blocks = image_codec_metadata(
            icc: image_codec_buffer(bytes: profile.baseAddress, count: profile.count),
            exif: image_codec_buffer(bytes: exif.baseAddress, count: exif.count),
            xmp: image_codec_buffer(bytes: xmp.baseAddress, count: xmp.count), orientation: 0)
          return withUnsafePointer(to: blocks, body)
        }
      }
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
      status == Int32(IMAGE_CODEC_MEMORY)
      ? .outOfMemory(name: "the \(format.title) output") : .encodingFailed(format: format, reason: Self.line(message))
  }
}
