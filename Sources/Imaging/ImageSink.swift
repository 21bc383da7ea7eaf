import Files

/// Where the file of a picture goes while it is made.
package protocol ImageSink: AnyObject {
  /// Takes bytes of the file; places may come in any order.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError)
}

/// A file in memory.
package final class MemorySink: ImageSink {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package func write(_ piece: UnsafeRawBufferPointer, at offset: Int) {
    if offset == bytes.count {
      bytes.append(contentsOf: piece)
    } else {
      let end = offset + piece.count
      if end > bytes.count { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
      bytes.withUnsafeMutableBytes { $0[offset..<end].copyBytes(from: piece) }
    }
  }
}

/// Writes a file from front to back.
struct SequentialSink {
  private let sink: any ImageSink
  private var byteCount = 0

  init(_ sink: any ImageSink) { self.sink = sink }

  mutating func append(_ bytes: [UInt8]) throws(ImageError) {
    try sink.put(bytes, at: byteCount)
    byteCount += bytes.count
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
    try sink.put(bytes, at: byteCount)
    byteCount += bytes.count
  }
}

/// A file that appears complete or not at all. What cannot be written in any order, such as a pipe, gets all of it at the end.
package final class FileSink: ImageSink {
  private var file: AtomicFile?
  private let memory: MemorySink?

  /// Opens the partial file; `-` is standard output.
  package init(path: String) throws(FileError) {
    let opened = try AtomicFile(path: path == "-" ? "/dev/stdout" : path)
    memory = opened.isPartial ? nil : MemorySink()
    file = consume opened
  }

  /// Whether a file would be in memory until it is complete.
  package static func isHeld(_ path: String) -> Bool { !AtomicFile.isPartial(path) }

  /// Whether the file is in memory until it is complete.
  package var isHeld: Bool { memory != nil }

  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
    if let memory {
      memory.write(bytes, at: offset)
    } else {
      try file?.write(bytes, at: offset)
    }
  }

  /// As of `AtomicFile`.
  package func mark(maker: String) { file?.mark(maker: maker) }

  /// Puts the file in its place.
  package func commit() throws(FileError) {
    if let memory { try file?.write(memory.bytes) }
    try file.take()?.commit()
  }
}
