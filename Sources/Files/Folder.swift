#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the system says about paths.
package enum Folder {
  /// Whether the path is a folder; false where there is nothing.
  package static func exists(_ path: String) -> Bool { FileStatus(path)?.isFolder ?? false }

  /// Whether the path is something else than a folder; false where there is nothing.
  package static func fileExists(_ path: String) -> Bool { FileStatus(path).map { !$0.isFolder } ?? false }

  /// Whether a file stands there that has no bytes.
  package static func isEmptyFile(_ path: String) -> Bool {
    FileStatus(path).map { $0.isRegular && $0.byteCount == 0 } ?? false
  }

  /// Whether a pipe or a device stands there, which no output of a folder can take the place of.
  package static func isDevice(_ path: String) -> Bool { FileStatus(path).map { !$0.isFolder && !$0.isRegular } ?? false }

  /// Whether the path leads to a file that can be read again; false where there is nothing.
  package static func isPlainFile(_ path: String) -> Bool { FileStatus(path)?.isRegular ?? false }

  /// Which file a path leads to, whatever it is called; nil where there is nothing.
  package static func identity(_ path: String) -> FileIdentity? { FileStatus(path)?.identity }

  /// The names in a folder, sorted; those that begin with a dot are left out.
  package static func names(in path: String) throws(FileError) -> [String] {
    var names: [String] = []
    let isRead = visitNames(in: path) { name in
      if !name.hasPrefix(".") { names.append(name) }
    }
    guard isRead else {
      let code = errno
      if code == ENOTDIR, fileExists(path) { throw .notDirectory(path: path) }
      throw FileError(code, path: path, action: .read)
    }
    // By their bytes: two that look alike are two.
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Calls `body` with each name in a folder, in the order of the system; false, and `errno`, where it cannot be read.
  static func visitNames(in path: String, _ body: (String) -> Void) -> Bool {
    guard let stream = path.withSystemPath({ opendir($0) }) else { return false }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) {
          String(systemPath: $0)
        }
      }
      body(name)
    }
    return true
  }

  /// The regular files below a folder as paths relative to it, in order; folders below it only where `recursive`. Links to folders are
  /// not followed, so that there is an end.
  ///
  /// - Parameters:
  ///   - excluded: a folder below it, whatever it is called, whose files are left out.
  ///   - unreadable: gets the error of each folder below it that cannot be read; without it that is thrown.
  package static func files(
    in path: String, recursive: Bool, excluding excluded: String? = nil, unreadable: ((FileError) -> Void)? = nil
  ) throws(FileError) -> [String] {
    var result: [String] = []
    for name in try names(in: path) {
      let full = joined(path, name)
      // A pipe or a device in a folder is no file of it, and opening it might never end. What is not there any more others report.
      if let status = FileStatus(full), !status.isFolder, !status.isRegular { continue }
      guard exists(full) else {
        result.append(name)
        continue
      }
      guard recursive, isEntered(full, excluding: excluded) else { continue }
      do throws(FileError) {
        result += try files(in: full, recursive: true, excluding: excluded, unreadable: unreadable).map { joined(name, $0) }
      } catch {
        guard let unreadable else { throw error }
        unreadable(error)
      }
    }
    return result
  }

  /// The files below a folder, by their paths, where that lies somewhere in another one; none where it does not, or is that one itself.
  package static func files(below folder: String, in outer: String) throws(FileError) -> [String] {
    guard let inner = resolved(folder), let outer = resolved(outer),
      inner != outer, inner.hasPrefix(outer.hasSuffix("/") ? outer : outer + "/")
    else { return [] }
    return try files(in: folder, recursive: true).map { joined(folder, $0) }
  }

  /// The names of the folders in a folder that `files(in:recursive:excluding:)` enters where it is recursive.
  package static func folders(in path: String, excluding excluded: String? = nil) throws(FileError) -> [String] {
    try names(in: path).filter { isEntered(joined(path, $0), excluding: excluded) }
  }

  private static func isEntered(_ path: String, excluding excluded: String?) -> Bool {
    exists(path) && !isLink(path) && excluded.map { !isSame(path, $0) } ?? true
  }

  /// Makes a folder, and those it lies in, where they are missing.
  package static func create(_ path: String) throws(FileError) {
    if exists(path) { return }
    if let parent = parent(path), parent != path { try create(parent) }
    guard path.withSystemPath({ mkdir($0, 0o777) }) != 0 else { return }
    // The next call may set another.
    let code = errno
    guard code != EEXIST || !exists(path) else { return }
    if code == ENOENT, let parent = parent(path), exists(parent) { throw .noFilesTaken(path: path, folder: parent) }
    throw FileError(code, path: path, action: .write)
  }

  /// Claims an output before work starts (see `FileClaims`), and throws where it could not be written; `-` is standard output.
  package static func claimOutput(_ path: String, for purpose: String = "output") throws(FileError) {
    try FileClaims.writes(path, for: purpose)
    if path != "-" { try checkWritable(path) }
  }

  /// Whether the name of an output ends in one of the extensions, or is not that of a file: devices and pipes are called as they are.
  package static func isOutput(_ path: String, of known: [String]) -> Bool {
    if path == "-" || known.contains(where: { path.lowercased().hasSuffix($0) }) { return true }
    return FileStatus(path).map { !$0.isRegular } ?? false
  }

  /// Throws where a file at the path could not be written, as far as that can be told without writing.
  package static func checkWritable(_ path: String) throws(FileError) {
    let folder = parent(path) ?? "."
    guard exists(folder) else { throw .noFolder(path: path, folder: folder) }
    if let status = FileStatus(path) {
      if status.isFolder { throw .isDirectory(path: path) }
      guard status.isRegular else { return }
    }
    guard folder.withSystemPath({ access($0, W_OK) }) == 0 else { throw .notPermitted(path: path, action: .write) }
  }

  package static func joined(_ folder: String, _ name: String) -> String {
    folder.utf8.last == UInt8(ascii: "/") ? folder + name : "\(folder)/\(name)"
  }

  /// The folder that the last part of a path lies in; nil where the path is one name.
  package static func parent(_ path: String) -> String? {
    var text = Substring(path).unicodeScalars
    while text.count > 1, text.last == "/" { text.removeLast() }
    guard let slash = text.lastIndex(of: "/") else { return nil }
    return slash == text.startIndex ? "/" : String(text[..<slash])
  }

  /// The last part of a path.
  package static func name(_ path: String) -> String {
    path.unicodeScalars.split(separator: "/").last.map { String($0) } ?? path
  }

  /// A path in three: `photos/cat.jpg` is `photos/`, `cat` and `.jpg`.
  package static func split(_ path: String) -> (folder: String, stem: String, suffix: String) {
    let scalars = path.unicodeScalars
    let slash = path.lastSlash.map { scalars.index(after: $0) } ?? scalars.startIndex
    let name = scalars[slash...]
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return (String(scalars[..<slash]), String(name), "") }
    return (String(scalars[..<slash]), String(name[..<dot]), String(name[dot...]))
  }

  /// The path without links and dots; nil where it leads to nothing.
  package static func resolved(_ path: String) -> String? {
    guard let real = path.withSystemPath({ realpath($0, nil) }) else { return nil }
    defer { free(real) }
    return String(systemPath: real)
  }

  /// Whether one file was written before another was; not where one of them is not there.
  package static func isOlder(_ path: String, than other: String) -> Bool {
    guard let status = FileStatus(path), let second = FileStatus(other) else { return false }
    return status.writingTime < second.writingTime
  }

  /// Where a link leads that leads to nothing yet, and the path itself where it is no link.
  static func destination(_ path: String) -> String {
    var path = path
    // As many as the system follows.
    for _ in 0..<40 where FileStatus(withoutFollowing: path)?.isLink ?? false {
      let target = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { bytes -> String? in
        guard let base = bytes.baseAddress else { return nil }
        let count = path.withSystemPath { readlink($0, base, bytes.count) }
        guard count > 0, count < bytes.count else { return nil }
        bytes[count] = 0
        return String(systemPath: base)
      }
      guard let target else { return path }
      path = target.hasPrefix("/") ? target : parent(path).map { joined($0, target) } ?? target
    }
    return path
  }

  private static func isSame(_ path: String, _ other: String) -> Bool {
    guard let status = FileStatus(path), let second = FileStatus(other) else { return false }
    return status.identity == second.identity
  }

  package static func isLink(_ path: String) -> Bool { FileStatus(withoutFollowing: path)?.isLink ?? false }
}
