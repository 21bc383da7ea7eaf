import CKernels
import CPUBackend
import Evaluation
import Execution

/// What this machine can do at most with an instruction set and a number of threads, or a CUDA device: measured, not looked up.
public struct Roofs: Hashable, Codable, Sendable {
  /// Of a device its architecture: sm_90.
  public var isa: String
  /// Of a device its multiprocessors.
  public var threads: Int
  /// Multiply-adds in registers, in 10⁹ operations a second, two for each. Of a device those of the densest layer that its kernels do.
  public var gflopsPerS: Double
  /// The same of float32 numbers, which is what bfloat16 kernels do that take them one by one. Of a device those without tensor cores, computed.
  public var float32GflopsPerS: Double
  /// The same of integers of 8 bits, which are summed in int32; nil of a device, where tiles of registers do them, and in profiles of older versions.
  public var integerGopsPerS: Double?
  /// Reading or copying arrays far larger than the caches, whichever moves more, in 10⁹ bytes a second.
  public var memoryGbPerS: Double
  /// The same for arrays of `cacheByteCount` together: the last-level cache.
  public var cacheGbPerS: Double

  /// From the beginning of a loop over all threads to its end when there is nothing to do, in nanoseconds. Of a device from one kernel to the
  /// next in a graph.
  public var launchNanoseconds: Int
  /// By what share the lowest of several measurements of one of the figures stayed below the highest; nil where there was one, and in profiles of older
  /// versions.
  public var disagreement: Double?

  /// Whether some of the figures are better ones, seen on this machine before; nil in profiles of older versions.
  public var areRemembered: Bool?

  /// Of a device what its tensor cores do by their number, clock and products a cycle: computed, not measured; nil of a processor.
  public var computedGflopsPerS: Double?
  /// Of a device what copies between it and the host move, in 10⁹ bytes a second; nil of a processor.
  public var transferGbPerS: Double?

  /// What is sure to stay in the last-level cache, in bytes.
  public static let cacheByteCount = 8 << 20

  /// `float32GflopsPerS` is `gflopsPerS` unless given.
  public init(
    isa: String, threads: Int, gflopsPerS: Double, float32GflopsPerS: Double? = nil, memoryGbPerS: Double, cacheGbPerS: Double,
    launchNanoseconds: Int
  ) {
    self.isa = isa
    self.threads = threads
    self.gflopsPerS = gflopsPerS
    self.float32GflopsPerS = float32GflopsPerS ?? gflopsPerS
    self.memoryGbPerS = memoryGbPerS
    self.cacheGbPerS = cacheGbPerS
    self.launchNanoseconds = launchNanoseconds
  }

  /// Measures. Takes about half a second and 256 MiB; traps as `CPUEngine.init` does.
  public init(instructionSet: InstructionSet, threadCount: Int, precision: Precision = .float32) {
    precondition(instructionSet.isAvailable && threadCount >= 1)
    let pool = ThreadPool(threadCount: threadCount)
    defer { pool.stop() }
    self.init(
      isa: instructionSet.rawValue, threads: threadCount, gflopsPerS: Self.peak(instructionSet, precision.tag, pool),
      float32GflopsPerS: Self.float32Peak(instructionSet, precision, pool),
      memoryGbPerS: Self.bandwidth(pool, byteCount: 256 << 20, passes: 1),
      cacheGbPerS: Self.bandwidth(pool, byteCount: Self.cacheByteCount, passes: 8),
      launchNanoseconds: Self.launch(pool))
    integerGopsPerS = Self.integerPeak(instructionSet, pool)
  }

  /// Measures what an engine of these options can do at most.
  init(_ options: CPUOptions) {
    self.init(instructionSet: options.instructionSet, threadCount: options.threadCount, precision: options.precision)
  }

  /// Takes the better of each figure: what disturbs a measurement only ever makes it worse.
  mutating func raise(to other: Roofs) {
    func apart(_ a: Double, _ b: Double) -> Double { max(a, b) > 0 ? 1 - min(a, b) / max(a, b) : 0 }
    let pairs = [
      (gflopsPerS, other.gflopsPerS), (float32GflopsPerS, other.float32GflopsPerS), (memoryGbPerS, other.memoryGbPerS),
      (cacheGbPerS, other.cacheGbPerS), (integerGopsPerS ?? 0, other.integerGopsPerS ?? integerGopsPerS ?? 0),
    ]
    if other.areRemembered == true { areRemembered = true }
    disagreement = max(disagreement ?? 0, other.disagreement ?? 0, pairs.map(apart).max() ?? 0)
    gflopsPerS = max(gflopsPerS, other.gflopsPerS)
    float32GflopsPerS = max(float32GflopsPerS, other.float32GflopsPerS)
    if let a = integerGopsPerS, let b = other.integerGopsPerS { integerGopsPerS = max(a, b) }
    memoryGbPerS = max(memoryGbPerS, other.memoryGbPerS)
    cacheGbPerS = max(cacheGbPerS, other.cacheGbPerS)
    launchNanoseconds = min(launchNanoseconds, other.launchNanoseconds)
    if let a = transferGbPerS, let b = other.transferGbPerS { transferGbPerS = max(a, b) }
  }

  /// What the quickest tenth of many loops takes, that follow each other as those of a network do: other programs that hold a
  /// processor for a moment make the rest slower.
  private static func launch(_ pool: ThreadPool) -> Int {
    var times: [Double] = []
    for _ in 0..<201 {
      let start = Machine.seconds
      pool.run(count: pool.threadCount) { _, _ in }
      times.append(Machine.seconds - start)
    }
    return Int(times.sorted()[20] * 1e9)
  }

  /// The best of some tries, each about 20 ms: what disturbs a measurement only ever makes it slower.
  private static func peak(_ instructionSet: InstructionSet, _ element: sw_element, _ pool: ThreadPool) -> Double {
    let isa = instructionSet.tag
    func seconds(_ rounds: Int) -> Double {
      let start = Machine.seconds
      pool.run(count: pool.threadCount) { _, _ in _ = sw_peak(isa, element, rounds, 0.5, 0.25) }
      return Machine.seconds - start
    }
    var rounds = 1 << 14
    while seconds(rounds) < 0.005 { rounds *= 2 }
    var best = Double.infinity
    for _ in 0..<8 { best = min(best, seconds(4 * rounds)) }
    return Double(pool.threadCount) * Double(sw_peak_operations(isa, element, 4 * rounds)) / best / 1e9
  }

  /// Nil where all is float32.
  private static func float32Peak(_ instructionSet: InstructionSet, _ precision: Precision, _ pool: ThreadPool) -> Double? {
    switch precision {
    case .float32: nil
    case .bfloat16: peak(instructionSet, SW_ELEMENT_FLOAT32, pool)
    }
  }

  /// Nil where tiles of registers do them.
  private static func integerPeak(_ instructionSet: InstructionSet, _ pool: ThreadPool) -> Double? {
    guard sw_peak_operations(instructionSet.tag, SW_ELEMENT_UINT8, 1) > 0 else { return nil }
    return peak(instructionSet, SW_ELEMENT_UINT8, pool)
  }

  /// Of the two halves of a block of memory: reading both, and copying one over the other.
  private static func bandwidth(_ pool: ThreadPool, byteCount: Int, passes: Int) -> Double {
    let threads = pool.threadCount
    // Whole lines for each thread and half.
    let part = byteCount / 2 / threads / 256 * 256
    guard part > 0, let arena = Arena(byteCount: 2 * part * threads) else { return 0 }
    let half = part * threads
    pool.run(count: threads) { _, task in
      for base in [arena.base, arena.base + half] {
        (base + task * part).initializeMemory(as: UInt8.self, repeating: 0, count: part)
      }
    }
    func seconds(_ work: (Int) -> Void) -> Double {
      var best = Double.infinity
      for _ in 0..<3 {
        let start = Machine.seconds
        pool.run(count: threads) { _, task in for _ in 0..<passes { work(task) } }
        best = min(best, Machine.seconds - start)
      }
      return best
    }
    let read = seconds { task in
      for base in [arena.base, arena.base + half] {
        _ = sw_read((base + task * part).assumingMemoryBound(to: Float.self), part / 4)
      }
    }
    let copy = seconds { task in (arena.base + half + task * part).copyMemory(from: arena.base + task * part, byteCount: part) }
    return Double(2 * half * passes) / min(read, copy) / 1e9
  }
}
