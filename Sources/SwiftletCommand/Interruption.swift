import Swiftlet
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What happens when a person or the system ends the command early.
enum Interruption {
  private static let waited = Atomic(false), requested = Atomic(false)

  /// Whether the work at hand looks at `isRequested` and ends by itself. The second signal ends the process in any case.
  static var isWaited: Bool {
    get { waited.load(ordering: .relaxed) }
    set { waited.store(newValue, ordering: .relaxed) }
  }

  /// What is said when a signal ends the process: a line; nil for nothing.
  static var note: String? {
    get { told.withLock { $0 } }
    set { told.withLock { $0 = newValue } }
  }
  private static let told = Mutex<String?>(nil)

  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// From here on SIGINT, SIGTERM and SIGHUP end the process only after the partial files are gone. Call it before any thread is
  /// started: threads inherit which signals they leave to others.
  static func removesPartialFiles() {
    // A file that outgrows its limit (`ulimit -f`) is then an error of the write, which is reported and leaves nothing behind.
    signal(SIGXFSZ, SIG_IGN)
    var signals = sigset_t()
    sigemptyset(&signals)
    // A signal that is ignored (nohup) stays ignored: waiting for it would take it.
    for number in [SIGINT, SIGTERM, SIGHUP] where !isIgnored(number) { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    #if canImport(Darwin)
      var thread: pthread_t?
      _ = pthread_create(&thread, nil, { _ in Interruption.wait() }, nil)
    #else
      var thread = pthread_t()
      _ = pthread_create(&thread, nil, { _ in Interruption.wait() }, nil)
    #endif
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    #if canImport(Darwin)
      let handler = action.__sigaction_u.__sa_handler
    #else
      let handler = action.__sigaction_handler.sa_handler
    #endif
    // SIG_IGN is the address 1; SIG_DFL is none.
    return unsafeBitCast(handler, to: Int.self) == 1
  }

  private static func wait() -> UnsafeMutableRawPointer? {
    var signals = sigset_t()
    pthread_sigmask(SIG_BLOCK, nil, &signals)
    var number: Int32 = 0
    guard sigwait(&signals, &number) == 0 else { return nil }
    if isWaited {
      requested.store(true, ordering: .relaxed)
      guard sigwait(&signals, &number) == 0 else { return nil }
    }
    Terminal.clearProgress()
    AtomicFile.removePartialFiles()
    if let note { Terminal.printError("swiftlet: \(note)") }
    signal(number, SIG_DFL)
    var own = sigset_t()
    sigemptyset(&own)
    sigaddset(&own, number)
    pthread_sigmask(SIG_UNBLOCK, &own, nil)
    raise(number)
    return nil
  }
}
