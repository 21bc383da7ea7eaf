import Execution
import Synchronization
import Tensors
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Every task once, by a thread of the pool, before the loop returns; whatever the number of threads, and whenever they come.
@Suite struct ThreadPoolTests {
  /// What the tasks of a loop have done.
  private final class Tally: Sendable {
    let counts: [Counter]
    let strangers = Atomic<Int>(0)

    final class Counter: Sendable { let value = Atomic<Int>(0) }

    init(_ count: Int) { counts = (0..<count).map { _ in Counter() } }

    /// The tasks that did not run just once, and those that a worker without a number ran.
    var faults: Int {
      counts.count { $0.value.load(ordering: .relaxed) != 1 } + strangers.load(ordering: .relaxed)
    }
  }

  private static func pause(nanoseconds: Int) {
    var time = timespec(tv_sec: 0, tv_nsec: nanoseconds)
    nanosleep(&time, nil)
  }

  private static func faults(_ pool: ThreadPool, count: Int, task work: (Int) -> Void = { _ in }) -> Int {
    let tally = Tally(count)
    pool.run(count: count) { worker, task in
      if !(0..<pool.threadCount).contains(worker) { tally.strangers.add(1, ordering: .relaxed) }
      tally.counts[task].value.add(1, ordering: .relaxed)
      work(task)
    }
    return tally.faults
  }

  @Test(arguments: 1...16) func everyTaskRunsOnce(threads: Int) {
    let pool = ThreadPool(threadCount: threads)
    defer { pool.stop() }
    var random = SplitMix64(seed: UInt64(threads))
    for loop in 0..<2_000 {
      let count = Int(random.next() % 40)
      #expect(Self.faults(pool, count: count) == 0, "loop \(loop) of \(count) tasks")
    }
  }

  /// Tasks that take long, threads that went to sleep between two loops, and loops that follow at once.
  @Test(arguments: [2, 3, 5, 16]) func delaysChangeNothing(threads: Int) {
    let pool = ThreadPool(threadCount: threads)
    defer { pool.stop() }
    var random = SplitMix64(seed: 7)
    for loop in 0..<150 {
      let count = 1 + Int(random.next() % 12), slow = Int(random.next() % 24), delay = Int(random.next() % 400_000)
      let faults = Self.faults(pool, count: count) { task in if task == slow { Self.pause(nanoseconds: delay) } }
      #expect(faults == 0, "loop \(loop)")
      if random.next() % 3 == 0 { Self.pause(nanoseconds: Int(random.next() % 300_000)) }
      if random.next() % 3 == 0 { pool.wakeThreads() }
    }
  }

  /// What a loop computes is there when it returns, and what the next one reads: each task adds what the tasks before it left.
  @Test(arguments: [2, 3, 8]) func loopsSeeWhatEarlierOnesWrote(threads: Int) {
    let pool = ThreadPool(threadCount: threads)
    defer { pool.stop() }
    var values = [Int](repeating: 1, count: 64)
    for _ in 0..<20 {
      let before = values
      values.withUnsafeMutableBufferPointer { buffer in
        nonisolated(unsafe) let buffer = buffer
        pool.run(count: 64) { _, task in buffer[task] = before[(task + 1) % 64] + before[(task + 31) % 64] }
      }
    }
    #expect(values == [Int](repeating: 1 << 20, count: 64))
  }

  /// A loop waits for work, not for threads: with many more threads than cores each would have to be scheduled before a loop could
  /// end, which takes milliseconds a loop.
  @Test func loopsDoNotWaitForThreadsWithoutATask() {
    let pool = ThreadPool(threadCount: 64)
    defer { pool.stop() }
    let clock = ContinuousClock()
    // The quickest tenth: other programs may hold the cores.
    let times = (0..<400).map { _ in clock.measure { pool.run(count: 2) { _, _ in } } }.sorted()
    #expect(times[40] < .milliseconds(1))
  }

  @Test(arguments: [0, 1, 3]) func threadsThatAreNotGrantedAreDoneWithout(granted: Int) {
    let pool = ThreadPool(threadCount: 6, granted: granted)
    defer { pool.stop() }
    for count in [0, 1, 2, 5, 6, 7, 100] { #expect(Self.faults(pool, count: count) == 0) }
  }

  @Test func longLoopsAreTakenInPieces() {
    let pool = ThreadPool(threadCount: 3)
    defer { pool.stop() }
    for count in [65_535, 65_536, 65_537, 1_000_001] { #expect(Self.faults(pool, count: count) == 0) }
  }

  @Test func shortLoopsStayWithTheCaller() {
    let pool = ThreadPool(threadCount: 4)
    defer { pool.stop() }
    var tasks: [Int] = []
    pool.run(count: 100, threads: 1) { worker, task in
      #expect(worker == 0)
      tasks.append(task)
    }
    #expect(tasks == Array(0..<100))
  }

  /// As many threads as a loop is worth, a different number in each: every task once, by those threads or by one that came late.
  @Test func fewThreadsShareALoop() {
    let pool = ThreadPool(threadCount: 8)
    defer { pool.stop() }
    for round in 0..<2000 {
      let count = round % 23, counts = (0..<count).map { _ in Atomic32() }
      pool.run(count: count, threads: 1 + round % 9) { _, task in counts[task].add() }
      #expect(counts.allSatisfy { $0.value == 1 })
    }
  }

  private final class Atomic32: Sendable {
    private let number = Atomic<Int>(0)
    var value: Int { number.load(ordering: .relaxed) }
    func add() { number.add(1, ordering: .relaxed) }
  }

  /// Threads end whether they look for work, sleep, or were never given any.
  @Test func poolsStop() {
    for round in 0..<60 {
      let pool = ThreadPool(threadCount: 1 + round % 9)
      if round % 2 == 0 { pool.run(count: 8) { _, _ in } }
      if round % 3 == 0 { Self.pause(nanoseconds: 400_000) }
      pool.stop()
    }
  }
}
