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
  /// The processors that the system offers to this process.
  public static var processorCount: Int {
    // A process may be confined to some of the processors.
    if let list = field("Cpus_allowed_list", of: "/proc/self/status"), let count = processorCount(ofList: list) { return count }
    return max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
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

  /// Seconds from a fixed point, for differences.
  public static var seconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
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
