#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much memory the process may still take, and what says so.
package struct MemoryLimit: Hashable, Sendable {
  package enum Cause: Hashable, Sendable {
    /// What the machine has.
    case machine
    /// What the group of processes (a container, a job) may take.
    case container
    /// `ulimit -v`.
    case addressSpace
    /// `ulimit -d`.
    case data
  }

  package var byteCount: Int
  package var cause: Cause

  package init(byteCount: Int, cause: Cause) {
    self.byteCount = byteCount
    self.cause = cause
  }

  /// The tightest of all limits at this moment. Those of a machine and of a container are whole, for nobody knows what other processes
  /// give back; of the others what is left is counted.
  package static var current: MemoryLimit {
    let pages = sysconf(Int32(_SC_PHYS_PAGES)), size = sysconf(Int32(_SC_PAGESIZE))
    var limit = MemoryLimit(byteCount: pages > 0 && size > 0 ? pages * size : .max, cause: .machine)
    if let container, container < limit.byteCount { limit = MemoryLimit(byteCount: container, cause: .container) }
    if let left = ofProcess, left.byteCount < limit.byteCount { limit = left }
    return limit
  }

  /// What `ulimit -v` and `ulimit -d` leave; nil where there are none.
  package static var ofProcess: MemoryLimit? {
    #if os(Linux)
      let space = limit(__rlimit_resource_t(RLIMIT_AS.rawValue)), data = limit(__rlimit_resource_t(RLIMIT_DATA.rawValue))
      guard space != nil || data != nil, let taken = taken else { return nil }
      let left = [
        space.map { MemoryLimit(byteCount: max($0 - taken.space, 0), cause: .addressSpace) },
        data.map { MemoryLimit(byteCount: max($0 - taken.data, 0), cause: .data) },
      ]
      return left.compactMap(\.self).min { $0.byteCount < $1.byteCount }
    #else
      return nil
    #endif
  }

  /// What is left alone under `ulimit -v`: code takes memory in small pieces, too, and ends where it gets none.
  package static let reserve = 24 << 20

  /// Whether the process may take so many bytes more, as far as `ulimit` goes.
  package static func allows(_ byteCount: Int) -> Bool {
    guard let left = ofProcess else { return true }
    return byteCount <= left.byteCount - reserve
  }

  #if os(Linux)
    private static func limit(_ resource: __rlimit_resource_t) -> Int? {
      var limits = rlimit()
      guard getrlimit(resource, &limits) == 0 else { return nil }
      // RLIM_INFINITY is all ones.
      return limits.rlim_cur < UInt64(Int.max) ? Int(limits.rlim_cur) : nil
    }

    /// Address space and data of the process, without taking memory: it may be asked where none is left.
    private static var taken: (space: Int, data: Int)? {
      let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
      defer { close(descriptor) }
      return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 128) { buffer -> (space: Int, data: Int)? in
        let count = read(descriptor, buffer.baseAddress, 128)
        var fields = (0, 0, 0, 0, 0, 0), index = 0
        for position in 0..<max(count, 0) {
          let byte = buffer[position]
          guard byte >= 48, byte <= 57 else {
            index += 1
            if index > 5 { break }
            continue
          }
          let digit = Int(byte) - 48
          switch index {
          case 0: fields.0 = fields.0 * 10 + digit
          case 5: fields.5 = fields.5 * 10 + digit
          default: break
          }
        }
        let page = sysconf(Int32(_SC_PAGESIZE))
        return index >= 5 ? (fields.0 * page, fields.5 * page) : nil
      }
    }
  #endif

  /// The bound of the control groups that the process is in; nil without one.
  private static let container: Int? = {
    #if os(Linux)
      func number(_ path: String) -> Int? {
        guard let bytes = try? FileReader.bytes(of: path, limit: 1 << 12) else { return nil }
        return Int(String(decoding: bytes.prefix { $0 > 32 }, as: UTF8.self))
      }
      var least = number("/sys/fs/cgroup/memory/memory.limit_in_bytes")
      let groups = (try? FileReader.bytes(of: "/proc/self/cgroup", limit: 1 << 16)) ?? []
      // Version 2: one line, `0::/path`. Each group above it binds, too.
      var path = ""
      for line in groups.split(separator: 10) where line.starts(with: "0::".utf8) {
        path = String(decoding: line.dropFirst(3), as: UTF8.self)
      }
      while true {
        if let bound = number("/sys/fs/cgroup\(path == "/" ? "" : path)/memory.max") { least = min(least ?? .max, bound) }
        guard let slash = path.lastIndex(of: "/") else { return least }
        path = String(path[..<slash])
      }
    #else
      return nil
    #endif
  }()
}

extension MemoryLimit {
  /// The same cause with another number: what was left when it mattered.
  package func with(_ byteCount: Int) -> MemoryLimit { MemoryLimit(byteCount: byteCount, cause: cause) }
}

extension MemoryLimit: CustomStringConvertible {
  /// A clause that follows what is needed: `and the machine has 23.5 GiB`.
  package var description: String {
    let mebibytes = Double(byteCount) / 1_048_576
    let tenths = Int((mebibytes < 1024 ? mebibytes : mebibytes / 1024) * 10)
    let amount = "\(tenths / 10).\(tenths % 10) \(mebibytes < 1024 ? "MiB" : "GiB")"
    return switch cause {
    case .machine: "the machine has \(amount)"
    case .container: "the processes of this container may take \(amount)"
    case .addressSpace: "the limit of address space (ulimit -v) leaves \(amount)"
    case .data: "the limit of data (ulimit -d) leaves \(amount)"
    }
  }
}
