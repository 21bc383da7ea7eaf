/// What a device says of itself.
public struct CUDADevice: Hashable, Codable, Sendable {
  /// What a device can do: 9.0.
  public struct Capability: Hashable, Codable, Sendable, Comparable, CustomStringConvertible {
    public var major: Int
    public var minor: Int

    public init(major: Int, minor: Int) {
      self.major = major
      self.minor = minor
    }

    public var description: String { "\(major).\(minor)" }

    public static func < (a: Capability, b: Capability) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
  }

  /// Its place among the driver's devices.
  public var index: Int
  public var name: String
  public var capability: Capability
  public var memoryByteCount: Int
  public var multiprocessorCount: Int
  public var mostThreadsPerBlock: Int
  public var mostThreadsPerMultiprocessor: Int
  /// Along x, y and z.
  public var mostBlockExtents: [Int]
  /// Along x, y and z.
  public var mostGridExtents: [Int]
  public var warpSize: Int
  /// Shared memory of a block, without asking for more.
  public var sharedByteCount: Int
  /// Shared memory that a block may ask for.
  public var mostSharedByteCount: Int
  public var sharedByteCountPerMultiprocessor: Int
  /// The level-2 cache.
  public var cacheByteCount: Int
  public var clockKilohertz: Int
  public var memoryClockKilohertz: Int
  public var memoryBusBits: Int
}

extension CUDADevice {
  /// Whether it runs what is compiled for compute capability 9.0 alone.
  var isHopper: Bool { capability.major == 9 }

  /// What a row of a table of devices says, in order.
  public var rows: [(name: String, value: String)] {
    func extents(_ values: [Int]) -> String { values.map(String.init).joined(separator: " x ") }
    func megabytes(_ count: Int) -> String { "\(count >> 20) MiB" }
    return [
      ("name", name), ("compute capability", "\(capability)"), ("memory", megabytes(memoryByteCount)),
      ("multiprocessors", "\(multiprocessorCount)"), ("threads a block", "\(mostThreadsPerBlock)"),
      ("threads a multiprocessor", "\(mostThreadsPerMultiprocessor)"), ("block", extents(mostBlockExtents)),
      ("grid", extents(mostGridExtents)), ("warp", "\(warpSize) threads"),
      ("shared memory a block", "\(sharedByteCount >> 10) KiB, on demand \(mostSharedByteCount >> 10)"),
      ("shared memory a multiprocessor", "\(sharedByteCountPerMultiprocessor >> 10) KiB"),
      ("level-2 cache", megabytes(cacheByteCount)), ("clock", "\(clockKilohertz / 1000) MHz"),
      ("memory clock", "\(memoryClockKilohertz / 1000) MHz, \(memoryBusBits) bits"),
    ]
  }
}
