/// Whether threads share the work of a loop.
enum Sharing {
  /// It is done before another thread has heard of it.
  case never
  /// Depending on how far the cores are from each other at the moment, and on who else uses them: see `SharingTrial`.
  case whenItPays
  case always
}

/// Finds out, run by run, whether loops of middling length are done sooner with other threads or without.
///
/// What sharing such a loop costs is mostly the way of its data from core to core, which a program cannot know: under a hypervisor two
/// cores are now neighbours and now far apart (a round trip of 65 ns, or 425), and another program may hold one of them. So both are
/// tried, at first and then two runs in 64, and the quicker is kept. No bit of a result depends on it.
struct SharingTrial {
  /// Whether such loops are shared in the next run.
  private(set) var isShared = true

  /// Nanoseconds of a run with and without: of the one that is kept a smooth mean, of the other the better of its last trial.
  private var shared = Double.infinity
  private var alone = Double.infinity
  private var keepsShared = true
  private var run = 0

  /// Runs of each at first; the first of them meets cold caches and does not count.
  private static let firstRuns = 3
  private static let period = 64
  private static let trialRuns = 2

  /// Takes the time of a run done as `isShared` says.
  mutating func record(nanoseconds: Double) {
    run += 1
    let first = Self.firstRuns
    switch run {
    case ...first:
      if run > 1 { shared = min(shared, nanoseconds) }
      isShared = run < first
    case ...(2 * first):
      if run > first + 1 { alone = min(alone, nanoseconds) }
      if run == 2 * first { keep(shared <= alone) }
    default:
      let place = (run - 2 * first - 1) % Self.period, trial = Self.period - Self.trialRuns
      if place < trial {
        // A run that was held up tells little.
        if keepsShared { Self.smooth(&shared, nanoseconds) } else { Self.smooth(&alone, nanoseconds) }
        if place == trial - 1 { isShared = !keepsShared }
      } else if place == Self.period - 1 {
        if keepsShared { alone = nanoseconds } else { shared = nanoseconds }
        // A clear gain, or the two would take turns.
        keep(keepsShared ? shared <= 1.03 * alone : shared < 0.97 * alone)
      }
    }
  }

  private mutating func keep(_ shares: Bool) {
    keepsShared = shares
    isShared = shares
  }

  private static func smooth(_ mean: inout Double, _ value: Double) { mean += (min(value, 2 * mean) - mean) / 8 }
}
