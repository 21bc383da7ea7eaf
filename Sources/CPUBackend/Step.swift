/// One pass of a program over one output value: a kernel chosen, its constants packed, its work cut into independent tasks.
protocol Step: AnyObject {
  /// The node that the step belongs to.
  var node: String { get }
  /// The kernels that do the work, for people.
  var kernelNames: [String] { get }
  /// The values read, and the one written.
  var reads: [Int] { get }
  var writes: Int { get }
  /// Tasks may run in any order and on any thread; no result depends on it.
  var taskCount: Int { get }
  /// Scratch bytes that one worker needs.
  var scratchByteCount: Int { get }
  /// Bytes of packed constants.
  var constantByteCount: Int { get }
  func perform(_ task: Int, _ memory: RunMemory, scratch: UnsafeMutableRawPointer)
}

/// Where the values of a run lie.
struct RunMemory {
  /// The first float of each value.
  let values: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  func read(_ value: Int) -> UnsafePointer<Float> { UnsafePointer(values[value]) }
  func write(_ value: Int) -> UnsafeMutablePointer<Float> { values[value] }
}

/// Hands out aligned pieces of a worker's scratch memory, and with a nil base only counts them: a step measures its need with the
/// same lines that take the memory.
struct ScratchCursor {
  private let base: UnsafeMutableRawPointer?
  private(set) var byteCount = 0

  init(_ base: UnsafeMutableRawPointer?) { self.base = base }

  mutating func floats(_ count: Int) -> UnsafeMutablePointer<Float>? { take(count * 4)?.assumingMemoryBound(to: Float.self) }

  mutating func pointers(_ count: Int) -> UnsafeMutablePointer<UnsafePointer<Float>?>? {
    take(count * MemoryLayout<UnsafePointer<Float>?>.stride)?.assumingMemoryBound(to: UnsafePointer<Float>?.self)
  }

  private mutating func take(_ bytes: Int) -> UnsafeMutableRawPointer? {
    defer { byteCount += (bytes + 63) / 64 * 64 }
    return base.map { $0 + byteCount }
  }
}
