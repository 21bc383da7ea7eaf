import Swiftlet
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What happens when a person or the system ends the command early: one line says what stands, and the process ends by the signal, which a shell
/// shows as 130 (SIGINT), 143 (SIGTERM) or 129 (SIGHUP), so that scripts end, too.
enum Interruption {
  /// The work at hand has ended because somebody asked for it; what stands, a line.
  struct Stop: Error {
    let line: String

    init(_ line: String) { self.line = line }
  }

  private static let waited = Atomic(false), requested = Atomic(false)
  /// The signal that asked; 0 for none.
  private static let signalNumber = Atomic<Int32>(0)

  /// Whether the work at hand looks at `isRequested` and ends by itself. The second signal ends the process in any case.
  static var isWaited: Bool {
    get { waited.load(ordering: .relaxed) }
    set { waited.store(newValue, ordering: .relaxed) }
  }

  /// What is said when a signal ends the process: a line; nil for how many files were written.
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
      signalNumber.store(number, ordering: .relaxed)
      requested.store(true, ordering: .relaxed)
      guard sigwait(&signals, &number) == 0 else { return nil }
    }
    Terminal.clearProgress()
    AtomicFile.removePartialFiles()
    Folder.removeEmptyNew()
    Terminal.printError("swiftlet: \(note ?? standing)")
    die(by: number)
  }

  /// What stands of a command that says nothing of its own.
  private static var standing: String {
    let count = AtomicFile.writtenCount
    return switch count {
    case 0: "interrupted; no file was written"
    case 1: "interrupted; 1 file was written in full, and none in part"
    default: "interrupted; \(count) files were written in full, and none in part"
    }
  }

  /// Ends the process as the signal would that asked for it, when all has been said.
  static func end() -> Never {
    let number = signalNumber.load(ordering: .relaxed)
    // What was printed on standard output arrives.
    Terminal.flush()
    die(by: number == 0 ? SIGINT : number)
  }

  private static func die(by number: Int32) -> Never {
    signal(number, SIG_DFL)
    var own = sigset_t()
    sigemptyset(&own)
    sigaddset(&own, number)
    pthread_sigmask(SIG_UNBLOCK, &own, nil)
    raise(number)
    // Who traces the process may have taken the signal.
    _exit(128 + number)
  }
}
