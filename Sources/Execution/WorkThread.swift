#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A thread with a body of its own, for work that waits: those of `ThreadPool` run short loops.
package struct WorkThread: @unchecked Sendable {
  private final class Body {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private let thread: pthread_t

  /// Nil where the system grants no thread.
  package init?(_ run: @escaping @Sendable () -> Void) {
    let argument = Unmanaged.passRetained(Body(run)).toOpaque()
    #if canImport(Darwin)
      var started: pthread_t?
      let status = pthread_create(
        &started, nil,
        { raw in
          Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
          return nil
        }, argument)
      if status == 0, let started {
        thread = started
        return
      }
    #else
      var started = pthread_t()
      let status = pthread_create(
        &started, nil,
        { raw in
          if let raw { Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run() }
          return nil
        }, argument)
      if status == 0 {
        thread = started
        return
      }
    #endif
    Unmanaged<Body>.fromOpaque(argument).release()
    return nil
  }

  /// Waits for its end.
  package func join() { pthread_join(thread, nil) }
}
