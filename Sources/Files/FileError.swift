/// Why a file could not be read or written. `description` is one line for people.
public enum FileError: Error, Hashable, Sendable {
  case notFound(path: String)
  case isDirectory(path: String)
  case notDirectory(path: String)
  case notPermitted(path: String, action: FileAction)
  /// The file holds more bytes than the reader is willing to take.
  case tooLarge(path: String, limit: Int)
  /// The disk, or the share of it that the user has, is full; nothing was left behind.
  case diskFull(path: String)
  /// The process may not take as much memory as the file needs.
  case memory(path: String)
  /// The folder that should hold the file is absent.
  case noFolder(path: String, folder: String)
  /// The folder is there and takes no new files, whoever asks: one of the system's own.
  case noFilesTaken(path: String, folder: String)
  /// The system allows no file of that size; nothing was left behind.
  case fileSizeLimit(path: String)
  /// The output is a file that is read, under the same name or another.
  case isRead(path: String, as: String)
  /// The output is another output, too.
  case isWritten(path: String, as: String)
  /// Any other refusal of the system, by its error number.
  case system(path: String, action: FileAction, code: Int32)
}

/// What was attempted when a file failed.
public enum FileAction: String, Hashable, Sendable {
  case read, write
}
