import CProcessor
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Threads that run the tasks of one loop at a time.
///
/// The caller works too, and a loop ends when its tasks are done: a thread that is asleep, or that the system runs elsewhere, is
/// waited for only while it holds a task. Each thread begins with its own share of consecutive tasks, the same share in each loop, so
/// that the rows it wrote in one step of a network are in its cache in the next (cores that share no cache: a third of the time of a
/// network of small layers); then it takes tasks one by one from the ends of the others' shares. Which thread runs a task must not
/// matter to its result.
///
/// Between loops threads stay awake for a moment, because the loops of a network follow each other closely. They soon offer their core
/// to whoever else wants to run, and at last sleep. Sendable because all shared state is atomic, or is read by those alone who hold
/// a task, while the caller waits for them.
package final class ThreadPool: @unchecked Sendable {
  package let threadCount: Int

  /// What is left of each thread's share.
  private let shares: UnsafeMutablePointer<Share>
  /// Tasks of the loop that are not done yet.
  private let unfinished: UnsafeMutablePointer<Share>
  /// Counts loops: threads without a task wait for it to change.
  private let generation = Atomic<Int>(0)
  private var body: ((Int, Int) -> Void)?
  /// Consecutive tasks that are taken at once, and all of the loop.
  private var tasksPerUnit = 1
  private var taskCount = 0
  /// The threads that share the loop.
  private let sharingCount = Atomic<Int>(0)
  private let isStopping = Atomic<Bool>(false)
  private let sleeping = Atomic<Int>(0)
  private let callerSleeps = Atomic<Bool>(false)
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  /// Work has come, and the last of it is done.
  private let wake: UnsafeMutablePointer<pthread_cond_t>
  private let done: UnsafeMutablePointer<pthread_cond_t>
  private var threads: [pthread_t] = []

  /// A number in a pair of cache lines of its own: threads that take from their own shares do not meet.
  private struct Share: ~Copyable {
    let value = Atomic<UInt64>(0)
    private let padding = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  }

  /// Nanoseconds for which a thread that has nothing to do looks for work without pause, and for which it then stays awake, offering
  /// its core to others at each look.
  private static let spinning: UInt64 = 20_000
  private static let yielding: UInt64 = 100_000

  /// Starts `threadCount - 1` threads, or as many as the system grants: the loops run on those there are. Traps when the count is
  /// below 1.
  ///
  /// - Parameter granted: the most threads to start, as if the system granted no more.
  package init(threadCount: Int, granted: Int = .max) {
    precondition(threadCount >= 1, "a pool has at least one thread")
    self.threadCount = threadCount
    shares = .allocate(capacity: threadCount)
    for worker in 0..<threadCount { (shares + worker).initialize(to: Share()) }
    unfinished = .allocate(capacity: 1)
    unfinished.initialize(to: Share())
    lock = .allocate(capacity: 1)
    wake = .allocate(capacity: 1)
    done = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(wake, nil)
    pthread_cond_init(done, nil)
    for worker in 1..<max(threadCount, 1) where threads.count < granted { start(worker) }
  }

  deinit {
    shares.deinitialize(count: threadCount)
    shares.deallocate()
    unfinished.deinitialize(count: 1)
    unfinished.deallocate()
    pthread_mutex_destroy(lock)
    pthread_cond_destroy(wake)
    pthread_cond_destroy(done)
    lock.deallocate()
    wake.deallocate()
    done.deallocate()
  }

  /// Ends the threads. Called by the owner when it is done with the pool; the threads hold the pool until then.
  package func stop() {
    isStopping.store(true, ordering: .sequentiallyConsistent)
    wakeThreads()
    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }

  /// Wakes the threads, because loops follow: they find the first of them at once.
  package func wakeThreads() {
    generation.add(1, ordering: .sequentiallyConsistent)
    if sleeping.load(ordering: .sequentiallyConsistent) > 0 {
      pthread_mutex_lock(lock)
      pthread_cond_broadcast(wake)
      pthread_mutex_unlock(lock)
    }
  }

  /// Calls `body(worker, task)` once for each task in 0 ..< count, worker in 0 ..< threadCount, and returns when all are done.
  /// Must not be called from two threads at once, nor from inside a body.
  ///
  /// - Parameter threads: those that share the tasks, the caller and others: for loops that are done before more have heard of them.
  package func run(count: Int, threads sharing: Int = .max, _ body: (_ worker: Int, _ task: Int) -> Void) {
    let sharing = min(sharing, threadCount, count)
    if threads.isEmpty || sharing <= 1 {
      for task in 0..<count { body(0, task) }
      return
    }
    withoutActuallyEscaping(body) { body in
      // No share has anything left, so that nobody reads what is set here before it is given out below.
      self.body = body
      taskCount = count
      tasksPerUnit = (count + Span.mostUnits - 1) / Span.mostUnits
      let units = (count + tasksPerUnit - 1) / tasksPerUnit
      unfinished.pointee.value.store(UInt64(units), ordering: .relaxed)
      // Of a thread that reads the number before nothing depends on it: it takes a task like any other.
      sharingCount.store(sharing, ordering: .relaxed)
      for worker in 0..<sharing {
        let span = Span(first: units * worker / sharing, end: units * (worker + 1) / sharing)
        shares[worker].value.store(span.bits, ordering: .releasing)
      }
      wakeThreads()
      help(0)
      waitForOthers()
      self.body = nil
    }
  }

  // MARK: Tasks

  /// The units that are left of a share, in one word: whoever changes it from one state to another has taken what lies between,
  /// of whichever loop is running then.
  private struct Span {
    static let mostUnits = 1 << 16
    var first: Int
    var end: Int

    init(first: Int, end: Int) {
      self.first = first
      self.end = end
    }

    init(bits: UInt64) {
      first = Int(bits >> 32)
      end = Int(bits & 0xffff_ffff)
    }

    var bits: UInt64 { UInt64(first) << 32 | UInt64(end) }
  }

  /// Takes a unit: the next of the worker's own share, or the last of another's. Nil where all are taken.
  private func take(_ worker: Int) -> Int? {
    let sharing = sharingCount.load(ordering: .relaxed)
    guard worker < sharing else { return nil }
    for other in 0..<sharing {
      let index = worker + other < sharing ? worker + other : worker + other - sharing
      var bits = shares[index].value.load(ordering: .relaxed)
      while true {
        var span = Span(bits: bits)
        guard span.first < span.end else { break }
        let unit = other == 0 ? span.first : span.end - 1
        if other == 0 { span.first += 1 } else { span.end -= 1 }
        let result = shares[index].value.compareExchange(
          expected: bits, desired: span.bits, successOrdering: .acquiring, failureOrdering: .relaxed)
        if result.exchanged { return unit }
        bits = result.original
      }
    }
    return nil
  }

  /// Runs tasks until none is left to take.
  private func help(_ worker: Int) {
    guard let unit = take(worker) else { return }
    // The loop waits from here on, and what belongs to it may be read.
    let count = work(worker, from: unit)
    // It may be over from here on.
    let left = unfinished.pointee.value.subtract(UInt64(count), ordering: .sequentiallyConsistent).newValue
    if left == 0, worker > 0, callerSleeps.load(ordering: .sequentiallyConsistent) {
      pthread_mutex_lock(lock)
      pthread_cond_signal(done)
      pthread_mutex_unlock(lock)
    }
  }

  /// Runs a unit that was taken, and others until none is left; how many. Not inlined: the body is let go of before this returns.
  @inline(never)
  private func work(_ worker: Int, from first: Int) -> Int {
    guard let body else { return 0 }
    var unit = first, count = 0
    while true {
      for task in unit * tasksPerUnit..<min((unit + 1) * tasksPerUnit, taskCount) { body(worker, task) }
      count += 1
      guard let next = take(worker) else { return count }
      unit = next
    }
  }

  /// Waits until the tasks are done that other threads have taken.
  private func waitForOthers() {
    if isTrueSoon({ unfinished.pointee.value.load(ordering: .acquiring) == 0 }) { return }
    // A sleeping caller leaves its core to the threads that it waits for.
    callerSleeps.store(true, ordering: .sequentiallyConsistent)
    pthread_mutex_lock(lock)
    while unfinished.pointee.value.load(ordering: .sequentiallyConsistent) > 0 { pthread_cond_wait(done, lock) }
    pthread_mutex_unlock(lock)
    callerSleeps.store(false, ordering: .relaxed)
  }

  // MARK: Threads

  private func loop(_ worker: Int) {
    while true {
      let seen = generation.load(ordering: .sequentiallyConsistent)
      if isStopping.load(ordering: .sequentiallyConsistent) { return }
      help(worker)
      if !isTrueSoon({ generation.load(ordering: .acquiring) != seen }) { sleep(while: seen) }
    }
  }

  private func sleep(while seen: Int) {
    sleeping.add(1, ordering: .sequentiallyConsistent)
    pthread_mutex_lock(lock)
    while generation.load(ordering: .sequentiallyConsistent) == seen { pthread_cond_wait(wake, lock) }
    pthread_mutex_unlock(lock)
    sleeping.subtract(1, ordering: .sequentiallyConsistent)
  }

  /// Whether something comes true while it is worth to stay awake for it.
  @inline(__always)
  private func isTrueSoon(_ condition: () -> Bool) -> Bool {
    var start: UInt64 = 0
    while true {
      for _ in 0..<32 {
        if condition() { return true }
        sw_relax()
      }
      let now = Self.nanoseconds
      if start == 0 { start = now }
      if now - start < Self.spinning { continue }
      if now - start > Self.spinning + Self.yielding { return false }
      sched_yield()
    }
  }

  /// From a fixed point, for differences.
  package static var nanoseconds: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  private func start(_ worker: Int) {
    final class Start {
      let pool: ThreadPool
      let worker: Int
      init(_ pool: ThreadPool, _ worker: Int) {
        self.pool = pool
        self.worker = worker
      }
    }
    let argument = Unmanaged.passRetained(Start(self, worker)).toOpaque()
    #if canImport(Darwin)
      var thread: pthread_t?
      let status = pthread_create(
        &thread, nil,
        { raw in
          let start = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
          start.pool.loop(start.worker)
          return nil
        }, argument)
      if status == 0, let thread { threads.append(thread); return }
    #else
      var thread = pthread_t()
      let status = pthread_create(
        &thread, nil,
        { raw in
          if let raw {
            let start = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
            start.pool.loop(start.worker)
          }
          return nil
        }, argument)
      if status == 0 { threads.append(thread); return }
    #endif
    // No thread to be had: the loops run on those there are, with the same results.
    Unmanaged<Start>.fromOpaque(argument).release()
  }
}
