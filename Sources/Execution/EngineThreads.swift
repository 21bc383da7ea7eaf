import Synchronization

/// The threads of an engine: they start when the first session comes that has work for them, serve one run at a time, and end with the
/// engine and what it made.
package final class EngineThreads: Sendable {
  package let threadCount: Int
  private let granted: Int
  private let pool = Mutex<ThreadPool?>(nil)
  private let isTaken = Atomic<Bool>(false)

  /// - Parameter granted: the most threads beside the caller's, as if the system granted no more.
  package init(threadCount: Int, granted: Int) {
    self.threadCount = threadCount
    self.granted = granted
  }

  deinit { pool.withLock { $0?.stop() } }

  /// Starts them, if that has not been done: by the time that they are wanted they have found a core.
  @discardableResult
  package func start() -> ThreadPool {
    pool.withLock { pool in
      if let pool { return pool }
      let started = ThreadPool(threadCount: threadCount, granted: granted)
      pool = started
      return started
    }
  }

  /// The threads, until they are given back; nil where another run has them, and whoever asks does his work alone.
  package func take() -> ThreadPool? {
    guard isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else { return nil }
    return start()
  }

  package func giveBack() { isTaken.store(false, ordering: .releasing) }
}
