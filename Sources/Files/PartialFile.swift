#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

import Synchronization

/// The files that an `AtomicFile` writes before it renames them: `.name.partial-BOOT-NUMBER` in the same folder.
///
/// A process that is killed leaves its partial file behind; the next that writes into the folder removes it. The owner holds a lock
/// (`flock`) on its partial file as long as it lives, so that one whose lock can be taken has no owner. A lock is seen by all
/// processes of one system, but on a network disk not always by other machines: there, and on disks of unknown kind, only files
/// are removed that were made since this system started, as `BOOT` says.
enum PartialFile {
  /// The folders that were looked through: once is enough for a process.
  private static let visited = Mutex<Set<FileIdentity>>([])

  /// Makes a partial file and locks it; nil and `errno` where the folder takes none.
  static func make(in folder: String, for name: String, mode: mode_t) -> (path: String, descriptor: Int32)? {
    // A name near the limit of 255 bytes would not fit with the additions; its beginning serves as well.
    let stem = name.utf8.count > 200 ? String(name.prefix(40)) : name
    for _ in 0..<100 {
      let number = hexadecimal(.random(in: 0 ... .max))
      let path = Folder.joined(folder, ".\(stem)\(marker)\(boot)-\(number)")
      let descriptor = path.withSystemPath { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode) }
      if descriptor < 0 {
        if errno == EEXIST { continue }
        return nil
      }
      // Another process may have looked through the folder between the two lines, and taken the file for one without an owner.
      if lock(descriptor) != .taken, stands(path, descriptor) { return (path, descriptor) }
      _ = path.withSystemPath { unlink($0) }
      close(descriptor)
    }
    errno = EEXIST
    return nil
  }

  /// Removes the partial files in a folder whose owners are gone; once for a process, unless `again`.
  static func removeAbandoned(in folder: String, again: Bool = false) {
    guard let identity = FileStatus(folder)?.identity, visited.withLock({ $0.insert(identity).inserted }) || again else {
      return
    }
    var isLocal: Bool?
    _ = Folder.visitNames(in: folder) { name in
      guard let made = bootOfMaker(name) else { return }
      if made != boot {
        if isLocal == nil { isLocal = isOnLocalDisk(folder) }
        guard isLocal == true else { return }
      }
      removeIfAbandoned(Folder.joined(folder, name))
    }
  }

  private static func removeIfAbandoned(_ path: String) {
    // Some network disks lock only what is open for writing.
    let descriptor = path.withSystemPath { open($0, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard FileStatus(descriptor: descriptor)?.isRegular ?? false, lock(descriptor) == .held, stands(path, descriptor) else {
      return
    }
    _ = path.withSystemPath { unlink($0) }
  }

  private enum Lock {
    case held, taken
    /// The disk has no locks, for no process.
    case none
  }

  private static func lock(_ descriptor: Int32) -> Lock {
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      return errno == EWOULDBLOCK ? .taken : .none
    }
    return .held
  }

  /// Whether the path still leads to the open file.
  private static func stands(_ path: String, _ descriptor: Int32) -> Bool {
    guard let named = FileStatus(withoutFollowing: path), let opened = FileStatus(descriptor: descriptor) else { return false }
    return named.identity == opened.identity
  }

  private static let marker = ".partial-"

  /// `BOOT` of a partial file's name; nil for all other names.
  static func bootOfMaker(_ name: String) -> String? {
    let bytes = Array(name.utf8), ending = marker.utf8.count + 17
    guard bytes.first == UInt8(ascii: "."), bytes.count > ending else { return nil }
    let tail = bytes.suffix(ending)
    guard tail.starts(with: marker.utf8) else { return nil }
    let numbers = tail.suffix(17)
    let parts = numbers.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.count == 8 && $0.allSatisfy(isHexadecimal) }) else { return nil }
    return String(decoding: parts[0], as: UTF8.self)
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  private static func hexadecimal(_ number: UInt32) -> String { String(hexadecimal: number, digits: 8) }

  /// A number of this start of this system: the same for all its processes, in containers too, and for no other machine.
  static let boot: String = {
    var text: [UInt8] = []
    #if canImport(Darwin)
      var size = 0
      if sysctlbyname("kern.bootsessionuuid", nil, &size, nil, 0) == 0, size > 0 {
        text = [UInt8](repeating: 0, count: size)
        if sysctlbyname("kern.bootsessionuuid", &text, &size, nil, 0) != 0 { text = [] }
      }
    #else
      let descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
      if descriptor >= 0 {
        text = [UInt8](repeating: 0, count: 36)
        let count = read(descriptor, &text, 36)
        text.removeLast(36 - max(count, 0))
        close(descriptor)
      }
    #endif
    // FNV-1a. Without a number of the system the process has one of its own, and others leave its files alone.
    guard !text.isEmpty else { return hexadecimal(.random(in: 0 ... .max)) }
    return hexadecimal(text.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 })
  }()

  /// Whether all locks on the disk are known to this system.
  private static func isOnLocalDisk(_ folder: String) -> Bool {
    #if canImport(Darwin)
      var status = statfs()
      return folder.withSystemPath { statfs($0, &status) } == 0 && status.f_flags & UInt32(MNT_LOCAL) != 0
    #else
      guard let real = Folder.resolved(folder), let mounts = try? FileReader.bytes(of: "/proc/self/mountinfo", limit: 1 << 24)
      else { return false }
      return localDisks.contains(diskKind(of: real, mounts: String(decoding: mounts, as: UTF8.self)) ?? "")
    #endif
  }

  private static let localDisks: Set<String> = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "zfs", "tmpfs", "ramfs", "overlay", "vfat", "msdos", "exfat",
    "ntfs3", "jfs", "nilfs2",
  ]

  /// The kind of file system that a folder without links lies on, by the text of `/proc/self/mountinfo`: that of the longest mount
  /// point above it, the last of equals.
  static func diskKind(of folder: String, mounts: String) -> String? {
    var best: (length: Int, kind: String)?
    for line in mounts.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 6, let dash = fields[6...].firstIndex(of: "-"), dash + 1 < fields.count else { continue }
      // A blank in a path is written in octal.
      let point = fields[4].replacingOctal
      guard folder == point || folder.hasPrefix(point == "/" ? point : point + "/"), point.utf8.count >= best?.length ?? 0
      else { continue }
      best = (point.utf8.count, String(fields[dash + 1]))
    }
    return best?.kind
  }
}

extension Substring {
  /// With each backslash and its three octal digits as the byte that they mean.
  fileprivate var replacingOctal: String {
    let bytes = Array(utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "\\"), index + 3 < bytes.count,
        let byte = UInt8(String(decoding: bytes[index + 1...index + 3], as: UTF8.self), radix: 8)
      {
        result.append(byte)
        index += 4
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
