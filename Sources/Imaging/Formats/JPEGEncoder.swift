import CImageCodecs
import Files

/// JPEG: parts of the picture are encoded as pictures of their own, at once, and joined. Each row of blocks begins anew
/// (restart markers), so that the joined file has the bytes of one that was made in one piece. A picture of one part has no
/// such markers, and codes chosen for it.
final class JPEGEncoder: RowEncoder {
  private let conversion: RowConversion
  private let properties: ImageProperties
  private let quality: Int
  private var output: SequentialSink
  private let partHeight: Int
  /// Rows that are no whole part yet.
  private var pending: [UInt8] = []
  private var pendingRows = 0
  private var doneRows = 0

  init(_ properties: ImageProperties, quality: Int, _ sink: any ImageSink) {
    conversion = RowConversion(properties: properties, reducesDepth: true, laysOverWhite: true)
    self.properties = properties
    self.quality = quality
    output = SequentialSink(sink)
    partHeight = Self.partHeight(properties, quality: quality)
  }

  /// Full chroma from there on.
  private static let fullChromaQuality = 90

  /// Markers are numbered modulo 8: a part is eight rows of blocks high, or a multiple, so that it costs more than its
  /// beginning.
  private static func partHeight(_ properties: ImageProperties, quality: Int) -> Int {
    let least = properties.colourModel == .rgb && quality < fullChromaQuality ? 128 : 64
    let pixels = 1 << 18
    return least * max(1, (pixels / properties.width + least - 1) / least)
  }

  static func heldByteCount(_ properties: ImageProperties, quality: Int, rows: Int, threads: Int) -> Int {
    let height = min(partHeight(properties, quality: quality), properties.height)
    let conversion = RowConversion(properties: properties, reducesDepth: true, laysOverWhite: true)
    let part = height * properties.width
    let colours = conversion.result.channels
    // The files of parts are rarely as large as their samples, and grow by halves. In one part, coefficients are held, too.
    let files = (rows + 2 * height) * properties.width * colours * 2
    let coefficients = height >= properties.height ? 2 * colours * (properties.width + 16) * (height + 16) : 0
    let converted = conversion.isNeeded ? threads * part * colours : 0
    return height * properties.rowByteCount + files + coefficients + converted + threads * 200 * properties.width
  }

  func append(_ rows: UnsafeRawPointer, count: Int, _ loop: any ParallelLoop, long: any ParallelLoop) throws(ImageError) {
    let rowByteCount = properties.rowByteCount
    // The first part may have begun with rows that came before.
    let missing = pendingRows == 0 ? 0 : min(partHeight - pendingRows, count)
    keep(rows, missing)
    let hasFirst = pendingRows == partHeight
    let wholeParts = (count - missing) / partHeight
    let direct = rows + missing * rowByteCount
    try pending.withPart { (first) throws(ImageError) in
      try encode(partCount: (hasFirst ? 1 : 0) + wholeParts, on: long) { index in
        hasFirst && index == 0
          ? (first, partHeight) : (direct + (index - (hasFirst ? 1 : 0)) * partHeight * rowByteCount, partHeight)
      }
    }
    if hasFirst {
      pending.removeAll(keepingCapacity: true)
      pendingRows = 0
    }
    let left = count - missing - wholeParts * partHeight
    keep(direct + wholeParts * partHeight * rowByteCount, left)
  }

  func finish(_ loop: any ParallelLoop) throws(ImageError) {
    if pendingRows > 0 {
      let count = pendingRows
      try pending.withPart { (rows) throws(ImageError) in try encode(partCount: 1, on: loop) { _ in (rows, count) } }
      pending = []
    }
    try output.append([0xFF, 0xD9])
  }

  private func keep(_ rows: UnsafeRawPointer, _ count: Int) {
    guard count > 0 else { return }
    // Arrays grow by doubling where nobody says how large they will be.
    pending.reserveCapacity(max(pending.capacity, min(partHeight, properties.height) * properties.rowByteCount))
    pending.append(contentsOf: UnsafeRawBufferPointer(start: rows, count: count * properties.rowByteCount))
    pendingRows += count
  }

  private func encode(
    partCount: Int, on loop: any ParallelLoop, _ part: (Int) -> (rows: UnsafeRawPointer, count: Int)
  ) throws(ImageError) {
    struct Part {
      var output = image_codec_buffer()
      var scan = 0
      var status = Int32(IMAGE_CODEC_OK)
      var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))
    }
    var parts = (0..<partCount).map { _ in Part() }
    defer { for index in parts.indices { image_codec_buffer_free(&parts[index].output) } }
    let isFirst = doneRows == 0
    parts.withUnsafeMutableBufferPointer { parts in
      loop.run(count: partCount) { index in
        let (rows, count) = part(index)
        withConverted(rows, count) { samples in
          var kind = conversion.result
          kind.height = count
          var header = kind.libraryHeader
          let metadata = isFirst && index == 0 ? properties.metadata : ImageMetadata()
          parts[index].status = metadata.withLibraryBlocks {
            image_jpeg_write(
              &header, UInt32(properties.height), samples, $0, Int32(quality), quality >= Self.fullChromaQuality ? 1 : 0,
              partHeight < properties.height ? 1 : 0, &parts[index].output, &parts[index].scan, &parts[index].message)
          }
        }
      }
    }
    for (index, result) in parts.enumerated() {
      guard result.status == IMAGE_CODEC_OK else { throw ImageError(writing: .jpeg, result.status, result.message) }
      let isHead = doneRows == 0
      // The seventh marker ends a part, as it would if the next row of blocks belonged to it.
      if !isHead { try output.append([0xFF, 0xD7]) }
      let start = isHead ? 0 : result.scan
      // Without the marker of its end.
      let bytes = UnsafeRawBufferPointer(start: result.output.bytes, count: result.output.count - 2)
      try output.append(UnsafeRawBufferPointer(rebasing: bytes[start...]))
      doneRows += part(index).count
    }
  }

  private func withConverted(_ rows: UnsafeRawPointer, _ count: Int, _ body: (UnsafeRawPointer) -> Void) {
    guard conversion.isNeeded else { return body(rows) }
    let converted = UnsafeMutableRawPointer.allocate(byteCount: conversion.result.rowByteCount * count, alignment: 16)
    defer { converted.deallocate() }
    conversion.convert(rows, count: count, into: converted)
    body(converted)
  }
}

extension [UInt8] {
  /// An empty array has some address.
  fileprivate func withPart(_ body: (UnsafeRawPointer) throws(ImageError) -> Void) throws(ImageError) {
    try withBytes { (bytes) throws(ImageError) in try body(bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!) }
  }
}
