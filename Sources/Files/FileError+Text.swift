#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension FileError: CustomStringConvertible {
  /// What is wrong and the mend, in one line.
  public var description: String {
    switch self {
    case .notFound(let path):
      "\(Self.quoted(path)) does not exist; check the path"
    case .isDirectory(let path):
      "\(Self.quoted(path)) is a folder, where a file belongs; name a file, or move the folder away"
    case .notDirectory(let path):
      "\(Self.quoted(path)) is no folder; name the folder that the files lie in"
    case .notPermitted(let path, let action):
      "no permission to \(action.rawValue) \(Self.quoted(path)); change its permissions or choose another place"
    case .tooLarge(let path, let limit):
      "\(Self.quoted(path)) is larger than the \(limit.byteText) that are read at most; give a smaller file, or allow more memory where a limit was given"
    case .diskFull(let path):
      "the disk is full and \(Self.quoted(path)) was not written; free some space or choose another place"
    case .noFolder(let path, let folder):
      "\(Self.quoted(path)) cannot be written because the folder \(Self.quoted(folder)) does not exist; create it first"
    case .noFilesTaken(let path, let folder):
      "\(Self.quoted(path)) cannot be written because \(Self.quoted(folder)) takes no files; choose another place"
    case .memory(let path):
      "\(Self.quoted(path)) needs more memory than this process may take; raise the limit (ulimit -v)"
    case .fileSizeLimit(let path):
      "the system allows no file as large as \(Self.quoted(path)), and it was not written; raise the limit (ulimit -f) or choose another place"
    case .isRead(let path, let other):
      Self.same(path, other, "is read by this command and is not overwritten; choose another output")
    case .isWritten(let path, let other):
      Self.same(path, other, "is written by this command already; give each output a file of its own")
    case .system(let path, let action, let code):
      "cannot \(action.rawValue) \(Self.quoted(path)): \(String(cString: strerror(code)))"
    }
  }
}

extension FileError {
  /// What is said of one file under two names.
  private static func same(_ path: String, _ other: String, _ what: String) -> String {
    path == other ? "\(quoted(path)) \(what)" : "\(quoted(path)) is the same file as \(quoted(other)), which \(what)"
  }

  /// Streams are no files of that name.
  private static func quoted(_ name: String) -> String {
    [standardInput, standardOutput, standardError].contains(name) ? name : "'\(name.onOneLine)'"
  }
}
