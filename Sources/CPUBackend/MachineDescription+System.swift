import CKernels
import Files

#if canImport(Darwin)
  import Darwin
#endif

extension MachineDescription {
  /// What is known of the machine that this runs on: the rates of its processor's family and the caches that the system tells of. The
  /// same in every run.
  public static let current: MachineDescription = {
    let processor = sw_processor_here()
    let vendor = withUnsafeBytes(of: processor.vendor) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    var result = family(vendor: vendor, family: Int(processor.family), model: Int(processor.model))
    result.caches = CacheSizes.current(else: result.caches)
    return result
  }()
}

extension CacheSizes {
  /// What the system says of the first processor's caches; `known` stands in for what it does not say. Sizes that no processor has
  /// are not believed.
  fileprivate static func current(else known: CacheSizes) -> CacheSizes {
    var sizes = known
    #if canImport(Darwin)
      func size(_ names: String...) -> Int? {
        for name in names {
          var value = 0, length = MemoryLayout<Int>.size
          if sysctlbyname(name, &value, &length, nil, 0) == 0, value > 0 { return value }
        }
        return nil
      }
      sizes.level1 = size("hw.perflevel0.l1dcachesize", "hw.l1dcachesize") ?? sizes.level1
      sizes.level2 = size("hw.perflevel0.l2cachesize", "hw.l2cachesize") ?? sizes.level2
      // The level-2 cache is what cores share.
      sizes.lastLevel = size("hw.l3cachesize") ?? sizes.level2
    #else
      let folder = "/sys/devices/system/cpu/cpu0/cache"
      var last = 0
      for index in 0..<8 {
        guard let level = text("\(folder)/index\(index)/level").flatMap({ Int($0) }) else { break }
        guard let size = text("\(folder)/index\(index)/size").flatMap(byteCount(of:)),
          text("\(folder)/index\(index)/type") != "Instruction"
        else { continue }
        if level == 1 { sizes.level1 = size }
        if level == 2 { sizes.level2 = size }
        if level >= 2 { last = max(last, size) }
      }
      if last > 0 { sizes.lastLevel = last }
    #endif
    return sizes.believed
  }

  /// Within what blocks of work are made for. A last-level cache may serve a hundred cores of other programs.
  var believed: CacheSizes {
    CacheSizes(
      level1: min(max(level1, 16 << 10), 256 << 10), level2: min(max(level2, 128 << 10), 4 << 20),
      lastLevel: min(max(lastLevel, 1 << 20), 64 << 20))
  }

  /// The bytes of `48K` or `32M`.
  static func byteCount(of text: String) -> Int? {
    guard let number = Int(text.prefix { $0.isNumber }), number > 0, number < 1 << 30 else { return nil }
    switch text.drop(while: \.isNumber) {
    case "": return number
    case "K": return number << 10
    case "M": return number << 20
    default: return nil
    }
  }

  #if !canImport(Darwin)
    private static func text(_ path: String) -> String? {
      guard let bytes = try? FileReader.bytes(of: path, limit: 4096) else { return nil }
      return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
  #endif
}
