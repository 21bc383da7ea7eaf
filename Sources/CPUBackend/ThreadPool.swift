import CKernels
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
/// The caller works too. Each thread begins with its own share of consecutive tasks, the same share in each loop, so that the rows it
/// wrote in one step of a network are in its cache in the next (cores that share no cache: a third of the time of a network of small
/// layers); then it takes tasks one by one from the others, so that a thread that is held up costs little. Which thread runs a task
/// must not matter to its result. Threads spin for some hundred microseconds between loops, because the loops of a network follow each
/// other closely, and then sleep. Sendable because all shared state is atomic or written before the generation counter is.
package final class ThreadPool: @unchecked Sendable {
  package let threadCount: Int

  private let generation = Atomic<Int>(0)
  private let shares: UnsafeMutablePointer<Share>
  private let running = Atomic<Int>(0)
  private let sleeping = Atomic<Int>(0)
  private var body: ((Int, Int) -> Void)?
  private var isStopping = false
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let wake: UnsafeMutablePointer<pthread_cond_t>
  private var threads: [pthread_t] = []

  /// The tasks that a thread begins with. Fills a pair of cache lines: threads that take from their own shares do not meet.
  private struct Share: ~Copyable {
    let next = Atomic<Int>(0)
    var end = 0
    private let padding = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  }

  /// Some 200 microseconds of pauses: waking a sleeping thread takes as long as a small layer.
  private static let spins = 8_000

  /// Starts `threadCount - 1` threads. Traps when the count is below 1.
  package init(threadCount: Int) {
    precondition(threadCount >= 1, "a pool has at least one thread")
    self.threadCount = threadCount
    shares = .allocate(capacity: threadCount)
    for worker in 0..<threadCount { (shares + worker).initialize(to: Share()) }
    lock = .allocate(capacity: 1)
    wake = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(wake, nil)
    for worker in 1..<max(threadCount, 1) { start(worker) }
  }

  deinit {
    shares.deinitialize(count: threadCount)
    shares.deallocate()
    pthread_mutex_destroy(lock)
    pthread_cond_destroy(wake)
    lock.deallocate()
    wake.deallocate()
  }

  /// Ends the threads. Called by the owner when it is done with the pool; the threads hold the pool until then.
  package func stop() {
    isStopping = true
    announce()
    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }

  /// Calls `body(worker, task)` once for each task in 0 ..< count, worker in 0 ..< threadCount, and returns when all are done.
  /// Must not be called from two threads at once, nor from inside a body.
  package func run(count: Int, _ body: (_ worker: Int, _ task: Int) -> Void) {
    if threads.isEmpty || count <= 1 {
      for task in 0..<count { body(0, task) }
      return
    }
    withoutActuallyEscaping(body) { body in
      self.body = body
      for worker in 0..<threadCount {
        shares[worker].end = count * (worker + 1) / threadCount
        shares[worker].next.store(count * worker / threadCount, ordering: .relaxed)
      }
      running.store(threads.count, ordering: .relaxed)
      announce()
      work(0, body)
      var spins = 0
      while running.load(ordering: .acquiring) > 0 {
        spins += 1
        if spins < Self.spins { sw_relax() } else { sched_yield() }
      }
      self.body = nil
    }
  }

  private func announce() {
    generation.add(1, ordering: .sequentiallyConsistent)
    if sleeping.load(ordering: .sequentiallyConsistent) > 0 {
      pthread_mutex_lock(lock)
      pthread_cond_broadcast(wake)
      pthread_mutex_unlock(lock)
    }
  }

  private func work(_ worker: Int, _ body: (Int, Int) -> Void) {
    for other in 0..<threadCount {
      let share = (worker + other) % threadCount
      while true {
        let task = shares[share].next.add(1, ordering: .relaxed).oldValue
        guard task < shares[share].end else { break }
        body(worker, task)
      }
    }
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

  private func loop(_ worker: Int) {
    var seen = 0
    while true {
      var spins = 0
      while generation.load(ordering: .acquiring) == seen {
        spins += 1
        if spins < Self.spins { sw_relax() } else { sleep(while: seen) }
      }
      seen += 1
      if isStopping { return }
      if let body { work(worker, body) }
      running.subtract(1, ordering: .releasing)
    }
  }

  private func sleep(while seen: Int) {
    sleeping.add(1, ordering: .sequentiallyConsistent)
    pthread_mutex_lock(lock)
    while generation.load(ordering: .sequentiallyConsistent) == seen { pthread_cond_wait(wake, lock) }
    pthread_mutex_unlock(lock)
    sleeping.subtract(1, ordering: .sequentiallyConsistent)
  }
}
