import Files

/// A file that data are read from.
public struct DataFile: Hashable, Sendable {
  /// What it is called in the set, whatever the set's own folder is called.
  public var name: String
  public var path: String

  public init(name: String, path: String) {
    self.name = name
    self.path = path
  }

  init(_ name: String, in folder: String) { self.init(name: name, path: Folder.joined(folder, name)) }
}

/// What tells one set of data from another: names, sizes and contents of its files, in their order.
public struct DataFingerprint: Hashable, Sendable {
  /// 16 hexadecimal digits.
  public let text: String
  public let fileCount: Int
  public let byteCount: Int

  /// Reads all files. Cost: about a second for a gigabyte.
  public init(_ files: [DataFile]) throws(DataError) {
    var fingerprint = Fingerprint()
    var total = 0
    for file in files {
      try wrapping { () throws(FileError) in
        let opened = try RandomAccessFile(path: file.path, limit: .max, memory: 1 << 30)
        fingerprint.add(file.name.utf8)
        // No name holds a 0: so names, sizes and contents cannot run into each other.
        fingerprint.add([0])
        fingerprint.add(String(opened.byteCount).utf8)
        fingerprint.add([0])
        for offset in stride(from: 0, to: opened.byteCount, by: 1 << 20) { fingerprint.add(opened.bytes(1 << 20, at: offset)) }
        total += opened.byteCount
      }
    }
    text = fingerprint.hexadecimal
    fileCount = files.count
    byteCount = total
  }
}
