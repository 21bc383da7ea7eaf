/// Runs before those that count.
package enum WarmUp {
  /// For so long a network is run at least, in seconds: short runs are over before the system has given each thread a core, and before a
  /// session has found out whether its threads help.
  private static let leastSeconds = 0.05

  /// Runs `count` times, and on for a moment where that was short; not at all for 0. How often it ran.
  package static func run<E: Error>(_ count: Int, _ body: () throws(E) -> Void) throws(E) -> Int {
    let start = Machine.seconds
    var done = 0
    while done < count || done > 0 && Machine.seconds - start < leastSeconds {
      try body()
      done += 1
    }
    return done
  }
}
