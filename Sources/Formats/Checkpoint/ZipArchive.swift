import CZip

/// A zip file in memory, read through libzip: entries stored or deflated, with their checksums proven.
struct ZipArchive: ~Copyable {
  private let archive: OpaquePointer
  /// What all entries together may still unpack to: a few bytes can deflate to a thousand times as many.
  private var budget: Int
  /// The entries by name; of two with one name the first.
  let indices: [String: UInt64]

  /// Opens the archive. `bytes` must outlive it.
  init(_ bytes: UnsafeRawBufferPointer) throws(FormatProblem) {
    let archive = try Self.open(bytes)
    var indices: [String: UInt64] = [:]
    for index in 0..<UInt64(max(zip_get_num_entries(archive, 0), 0)) {
      guard let name = zip_get_name(archive, index, zip_flags_t(ZIP_FL_ENC_RAW)).map({ String(cString: $0) }) else { continue }
      if indices[name] == nil { indices[name] = index }
    }
    self.indices = indices
    self.archive = archive
    let (size, overflow) = bytes.count.multipliedReportingOverflow(by: 32)
    budget = overflow ? .max : max(1 << 28, size)
  }

  private static func open(_ bytes: UnsafeRawBufferPointer) throws(FormatProblem) -> OpaquePointer {
    var problem = zip_error_t()
    zip_error_init(&problem)
    defer { zip_error_fini(&problem) }
    guard let source = zip_source_buffer_create(bytes.baseAddress, UInt64(bytes.count), 0, &problem) else {
      throw .malformed(.checkpoint, part: text(&problem))
    }
    if let archive = zip_open_from_source(source, ZIP_RDONLY, &problem) { return archive }
    zip_source_free(source)
    // The directory is at the end: without it the file was cut.
    throw zip_error_code_zip(&problem) == ZIP_ER_NOZIP
      ? .truncated(.checkpoint, part: "the zip archive") : .malformed(.checkpoint, part: text(&problem))
  }

  deinit { zip_discard(archive) }

  /// Unpacks an entry, or returns nil where there is none of that name.
  mutating func entry(_ name: String, limit: Int) throws(FormatProblem) -> [UInt8]? {
    guard let index = indices[name] else { return nil }
    var status = zip_stat_t()
    zip_stat_init(&status)
    guard zip_stat_index(archive, index, 0, &status) == 0, let size = Int(exactly: status.size) else {
      throw .malformed(.checkpoint, part: "the entry '\(name)' of the zip archive")
    }
    guard size <= limit else { throw .limit(.checkpoint, part: "the entry '\(name)' takes \(size) bytes", limit: limit) }
    guard size <= budget else {
      throw .limit(.checkpoint, part: "the entry '\(name)' unpacks to far more than the file", limit: budget)
    }
    budget -= size
    guard let file = zip_fopen_index(archive, index, 0) else {
      throw .malformed(.checkpoint, part: "the entry '\(name)': \(Self.text(zip_get_error(archive)))")
    }
    defer { zip_fclose(file) }
    // The stated size may be a lie: memory is taken as the bytes come.
    var result: [UInt8] = []
    let chunkSize = 1 << 20
    while true {
      var got = 0
      let room = min(chunkSize, size - result.count + 1)
      let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
        got = Int(zip_fread(file, buffer.baseAddress, UInt64(room)))
        count = max(got, 0)
      }
      guard got >= 0 else {
        throw .malformed(.checkpoint, part: "the entry '\(name)': \(Self.text(zip_file_get_error(file)))")
      }
      if got == 0 { break }
      result += chunk
      guard result.count <= size else { throw .malformed(.checkpoint, part: "the entry '\(name)' is longer than it says") }
    }
    guard result.count == size else { throw .truncated(.checkpoint, part: "the entry '\(name)'") }
    return result
  }

  private static func text(_ error: UnsafeMutablePointer<zip_error_t>?) -> String {
    guard let error, let text = zip_error_strerror(error) else { return "the zip archive" }
    return "the zip archive (\(String(cString: text)))"
  }
}
