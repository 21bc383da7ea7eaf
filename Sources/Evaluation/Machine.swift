import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the process runs on, and what it takes of it.
public enum Machine {
  /// The processors that the system offers to this process: those that it may run on, and no more than it is granted the time of.
  public static var processorCount: Int {
    // A process may be confined to some of the processors.
    let list = field("Cpus_allowed_list", of: "/proc/self/status").flatMap(processorCount(ofList:))
    let offered = list ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    return min(offered, grantedProcessorCount ?? offered)
  }

  /// The processor's name, as it says it itself.
  public static var processorName: String {
    #if canImport(Darwin)
      var size = 0
      guard sysctlbyname("machdep.cpu.brand_string", nil, &size, nil, 0) == 0, size > 0 else { return "unknown" }
      var name = [CChar](repeating: 0, count: size)
      guard sysctlbyname("machdep.cpu.brand_string", &name, &size, nil, 0) == 0 else { return "unknown" }
      return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    #else
      // x86-64 has a name; arm64 has numbers only.
      return field("model name", of: "/proc/cpuinfo") ?? field("CPU part", of: "/proc/cpuinfo").map { "arm64 part \($0)" }
        ?? "unknown"
    #endif
  }

  /// What tells this program from another, also of one version: 16 digits that stand for its file; nil where that cannot be read.
  static let programFingerprint: String? = {
    #if canImport(Darwin)
      let name = CommandLine.arguments[0]
    #else
      let name = "/proc/self/exe"
    #endif
    guard let file = try? FileClaims.apart({ () throws(FileError) in try FileReader.bytes(of: name, limit: 1 << 30) }) else {
      return nil
    }
    var fingerprint = Fingerprint()
    fingerprint.add(file)
    return fingerprint.hexadecimal
  }()

  /// The most memory that the process has held so far.
  public static var peakResidentByteCount: Int {
    #if canImport(Darwin)
      var usage = rusage()
      guard getrusage(RUSAGE_SELF, &usage) == 0 else { return 0 }
      return usage.ru_maxrss
    #else
      // VmHWM counts this program alone; getrusage starts with what the parent held at the fork.
      guard let text = field("VmHWM", of: "/proc/self/status"), let kib = Int(text.prefix { $0.isNumber }) else { return 0 }
      return kib * 1024
    #endif
  }

  /// The memory that the process holds now.
  static var residentByteCount: Int {
    #if canImport(Darwin)
      // Not less than that.
      return peakResidentByteCount
    #else
      // The counters of `status` are behind by some pages for each processor.
      guard let text = field("Rss", of: "/proc/self/smaps_rollup") ?? field("VmRSS", of: "/proc/self/status"),
        let kib = Int(text.prefix { $0.isNumber })
      else { return peakResidentByteCount }
      return kib * 1024
    #endif
  }

  /// From here on the C library gives freed memory back to the system at once where it is more than some pages, and keeps few lists of
  /// it. By itself it keeps what was freed, up to 64 MiB, for the next who asks: faster, and no bound on memory holds. For good.
  package static func givesBackFreedMemory() {
    #if canImport(Glibc)
      // malloc.h is in no module.
      typealias Mallopt = @convention(c) (Int32, Int32) -> Int32
      guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "mallopt") else { return }
      let mallopt = unsafeBitCast(symbol, to: Mallopt.self)
      // M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX; a threshold that is set no longer grows with what is freed.
      for (parameter, value) in [(-3, 256 << 10), (-1, 256 << 10), (-8, 2)] { _ = mallopt(Int32(parameter), Int32(value)) }
    #endif
  }

  /// Seconds from a fixed point, for differences.
  public static var seconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// What a control group, such as that of a container, grants: threads beyond it would only wait for each other. Nil for no limit.
  private static var grantedProcessorCount: Int? {
    guard let groups = text(of: "/proc/self/cgroup") else { return nil }
    var least: Int?
    for (folder, path) in controlGroups(groups) {
      // A limit may stand at any level.
      var parts = path.split(separator: "/")
      while true {
        let level = ([folder] + parts.map(String.init)).joined(separator: "/")
        let quota =
          text(of: level + "/cpu.max")
          ?? text(of: level + "/cpu.cfs_quota_us").map { quota in
            quota + " " + (text(of: level + "/cpu.cfs_period_us") ?? "")
          }
        if let count = quota.flatMap(processorCount(ofQuota:)) { least = min(least ?? count, count) }
        if parts.isEmpty { break }
        parts.removeLast()
      }
    }
    return least
  }

  /// Where the groups that limit processors lie, and the path of each below that: of the lines `0::/path` (version 2) and
  /// `3:cpu,cpuacct:/path` (version 1) of `/proc/self/cgroup`.
  static func controlGroups(_ text: String) -> [(folder: String, path: String)] {
    text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return nil }
      if fields[1].isEmpty { return ("/sys/fs/cgroup", String(fields[2])) }
      return fields[1].split(separator: ",").contains("cpu") ? ("/sys/fs/cgroup/\(fields[1])", String(fields[2])) : nil
    }
  }

  /// The processors' worth of time, rounded up, in a quota and a period in microseconds such as `150000 100000`; nil for `max`, -1
  /// and whatever is none.
  static func processorCount(ofQuota text: String) -> Int? {
    let numbers = text.split(whereSeparator: \.isWhitespace).map { Int($0) }
    guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0 else { return nil }
    return (quota - 1) / period + 1
  }

  private static func text(of path: String) -> String? {
    (try? FileReader.bytes(of: path, limit: 1 << 16)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The number of processors in `0-3,8`; nil where the text is none.
  static func processorCount(ofList list: String) -> Int? {
    var count = 0
    for part in list.split(separator: ",") {
      let ends = part.split(separator: "-").map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, last >= first else { return nil }
      count += last - first + 1
    }
    return count > 0 ? count : nil
  }

  /// The value of the first line `name : value` of a file of the system.
  private static func field(_ name: String, of path: String) -> String? {
    guard let bytes = try? FileReader.bytes(of: path, limit: 1 << 22) else { return nil }
    for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: name.utf8) {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
      let rest = line[(colon + 1)...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      return String(decoding: rest, as: UTF8.self)
    }
    return nil
  }
}
