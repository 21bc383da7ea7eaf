import Files

/// What the processor says that it has used, where it says so.
///
/// - Source: Linux's powercap interface to RAPL counters, in microjoules from some time on. One socket is read.
enum Energy {
  private static let path = "/sys/class/powercap/intel-rapl:0/energy_uj"

  /// Since some time; nil where the machine does not tell.
  static var joules: Double? {
    guard let bytes = try? FileClaims.apart({ () throws(FileError) in try FileReader.bytes(of: path, limit: 64) }) else {
      return nil
    }
    return Double(String(decoding: bytes, as: UTF8.self).filter(\.isNumber)).map { $0 / 1e6 }
  }

  static let reason = "this machine does not say what it uses ('\(path)' cannot be read)"
}
