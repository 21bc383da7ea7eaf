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
/// tried: at first, soon again, for the first runs may have met a thread that was not awake yet, and then four runs in 128. The quicker
/// is kept. No bit of a result depends on it.
struct SharingTrial {
  /// Whether such loops are shared in the next run.
  private(set) var isShared = true

  /// Nanoseconds of a run with and without: of the one that is kept a smooth mean, of the other the best of its last trial.
  private var shared = Double.infinity
  private var alone = Double.infinity
  private var keepsShared = true
  private var run = 0
  /// Runs of the period that is going on, and those of it that are over.
  private var period = Self.firstPeriod
  private var place = 0

  /// Runs with and without at first; the very first meets cold caches and does not count.
  private static let firstShared = 3
  private static let firstAlone = 1
  /// Each period is twice as long as the one before. Its last runs are trials of the other way; the first of them wakes the other
  /// threads, whose caches are cold, and does not count.
  private static let firstPeriod = 12
  private static let longestPeriod = 128
  private static let trialRuns = 4

  /// Takes the time of a run done as `isShared` says.
  mutating func record(nanoseconds: Double) {
    run += 1
    switch run {
    case ...Self.firstShared:
      if run > 1 { shared = min(shared, nanoseconds) }
      isShared = run < Self.firstShared
    case ...(Self.firstShared + Self.firstAlone):
      alone = min(alone, nanoseconds)
      // As long as the two are close the others may not have begun.
      keep(shared <= 1.1 * alone)
    default:
      recordInPeriod(nanoseconds)
    }
  }

  private mutating func recordInPeriod(_ nanoseconds: Double) {
    place += 1
    let kept = period - Self.trialRuns
    if place <= kept {
      // A run that was held up tells little.
      if keepsShared { Self.smooth(&shared, nanoseconds) } else { Self.smooth(&alone, nanoseconds) }
      guard place == kept else { return }
      isShared = !keepsShared
      if keepsShared { alone = .infinity } else { shared = .infinity }
    } else {
      if place > kept + 1 { if keepsShared { alone = min(alone, nanoseconds) } else { shared = min(shared, nanoseconds) } }
      guard place == period else { return }
      // A clear gain, or the two would take turns.
      keep(keepsShared ? shared <= 1.03 * alone : shared < 0.97 * alone)
      place = 0
      period = min(2 * period, Self.longestPeriod)
    }
  }

  private mutating func keep(_ shares: Bool) {
    keepsShared = shares
    isShared = shares
  }

  private static func smooth(_ mean: inout Double, _ value: Double) { mean += (min(value, 2 * mean) - mean) / 8 }
}
