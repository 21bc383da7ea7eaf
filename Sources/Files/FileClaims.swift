#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

import Synchronization

/// Which files a job reads and which it writes, so that no file is both and no two outputs are one.
///
/// Files are compared by identity (`FileIdentity`). Inside `together`, `FileReader` notes each file that it opens and `AtomicFile` each that it writes, so that no command can forget one;
/// what is known before work starts is claimed before, and refused before. The claim that comes second is the one that throws.
/// They travel as a task-local value: a reader deep in a file format has no other way to say what it opens.
public final class FileClaims: Sendable {
  /// Those of the job at work; nil outside one, where nothing is checked.
  @TaskLocal static var current: FileClaims?

  /// The place of a file that is not there yet.
  private struct Place: Hashable {
    /// Nil where that is not there, either.
    var folder: FileIdentity?
    /// Its bytes: names that look alike are two.
    var name: [UInt8]
  }

  private struct State {
    /// What each is called.
    var read: [FileIdentity: String] = [:]
    /// Outputs that stand, old or finished, and the streams that the process began with.
    var written: [FileIdentity: String] = [:]
    /// Outputs that do not stand yet.
    var planned: [Place: String] = [:]
    /// All outputs that were claimed, by the bytes of what they are called, and what for.
    var outputs: [[UInt8]: String] = [:]
  }

  private let state = Mutex(State())

  init() {}

  /// Runs a job: what is read and written inside is claimed together. Inside another job it is a part of that one.
  public static func together<R, E>(_ body: () throws(E) -> R) throws(E) -> R {
    if current != nil { return try body() }
    // `withValue` knows no typed errors.
    let result = $current.withValue(FileClaims()) {
      do throws(E) { return Result<R, E>.success(try body()) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Runs work on files that are a job's own state, which it reads and replaces again and again: nothing is claimed inside.
  package static func apart<R, E>(_ body: () throws(E) -> R) throws(E) -> R {
    let result = $current.withValue(nil) {
      do throws(E) { return Result<R, E>.success(try body()) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// What runs a part of the job at work on another thread, which knows nothing of it by itself.
  package static var inherited: @Sendable (_ body: () -> Void) -> Void {
    let claims = current
    return { body in $current.withValue(claims) { body() } }
  }

  /// Claims standard output and standard error, which may lead to files.
  public static func writesStandardStreams() {
    for (descriptor, name) in [(STDERR_FILENO, FileError.standardError), (STDOUT_FILENO, FileError.standardOutput)] {
      guard let identity = FileStatus(descriptor: descriptor)?.claimed else { continue }
      current?.state.withLock { $0.written[identity] = name }
    }
  }

  /// Claims a file that will be read. What is not there, or is no regular file, is passed over.
  public static func reads(_ path: String) throws(FileError) {
    guard let current else { return }
    let status = path == "-" ? FileStatus(descriptor: STDIN_FILENO) : FileStatus(path)
    if let identity = status?.claimed { try current.read(identity, path) }
  }

  /// Claims a file that will be written; `-` is standard output. Nothing is created.
  ///
  /// - Parameter purpose: what is written there, such as the option that names it: no file has two.
  public static func writes(_ path: String, for purpose: String = "output") throws(FileError) {
    try current?.write(path, for: purpose)
  }
}

extension FileClaims {
  /// Notes a file that is open for reading.
  func reads(_ descriptor: Int32, _ path: String) throws(FileError) {
    if let identity = FileStatus(descriptor: descriptor)?.claimed { try read(identity, path) }
  }

  private func read(_ identity: FileIdentity, _ path: String) throws(FileError) {
    let name = path == "-" ? FileError.standardInput : path
    let output = state.withLock { state in
      if state.read[identity] == nil { state.read[identity] = name }
      return state.written[identity]
    }
    if let output { throw .isRead(path: output, as: name) }
  }

  /// Claims an output, or checks one again that was claimed before.
  func write(_ path: String, for purpose: String? = nil) throws(FileError) {
    let isStream = path == "-" || path == "/dev/stdout"
    let name = isStream ? FileError.standardOutput : path
    let identity = (isStream ? FileStatus(descriptor: STDOUT_FILENO) : FileStatus(path))?.claimed
    let place = identity == nil && !isStream ? Self.place(of: path) : nil
    let problem = state.withLock { state -> FileError? in
      if let identity {
        if let input = state.read[identity] { return .isRead(path: name, as: input) }
        if let other = state.written[identity], other != name, Self.stands(other, identity) {
          return .isWritten(path: name, as: other)
        }
        state.written[identity] = name
      } else if let place {
        if let other = state.planned[place], other != name { return .isWritten(path: name, as: other) }
        state.planned[place] = name
      }
      let bytes = name.systemPathBytes, known = state.outputs[bytes]
      if let known, let purpose, known != purpose { return .isWritten(path: name, as: name) }
      state.outputs[bytes] = known ?? purpose ?? ""
      return nil
    }
    if let problem { throw problem }
  }

  /// Notes that an output stands: it has become the file behind `descriptor`.
  func wrote(_ path: String, _ descriptor: Int32) {
    let identity = FileStatus(descriptor: descriptor)?.claimed
    state.withLock { state in
      // The number of the file that was replaced may be given to another.
      for old in state.written.keys where state.written[old] == path { state.written[old] = nil }
      if let identity { state.written[identity] = path }
    }
  }

  /// Whether an output is still the file that it was: the number of one that another process has replaced since may be any other file's now.
  private static func stands(_ name: String, _ identity: FileIdentity) -> Bool {
    [FileError.standardOutput, FileError.standardError].contains(name) || FileStatus(name)?.identity == identity
  }

  /// Nil for a device or a pipe, and where the folder is not there: nothing can be lost in it.
  private static func place(of path: String) -> Place? {
    if FileStatus(path) != nil { return nil }
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    guard let folder = FileStatus(slash.map { String(path[...$0]) } ?? ".") else { return Place(name: path.systemPathBytes) }
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    return Place(folder: folder.identity, name: name.systemPathBytes)
  }
}

extension FileStatus {
  /// Nil for what is no regular file: a device or a pipe loses nothing.
  fileprivate var claimed: FileIdentity? { isRegular ? identity : nil }
}

extension FileError {
  /// What the streams are called in errors and reports.
  static let standardInput = "standard input"
  static let standardOutput = "standard output"
  static let standardError = "standard error"
}
