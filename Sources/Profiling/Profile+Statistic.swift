extension Profile {
  /// How several runs become one profile. In both the rows add up to the whole.
  public enum Statistic: String, Hashable, Codable, Sendable, CaseIterable {
    /// The one run that is the median of all by the whole time.
    case medianRun
    /// Each layer, and the engine, in the run in which it was fastest. What disturbs a layer only ever makes it slower, so this
    /// is what the kernels can do; no single run was like it.
    case fastestOfEachLayer
  }

  /// One profile of the runs of one session, of which there is at least one.
  static func combining(_ runs: [Profile], _ statistic: Statistic) -> Profile {
    var result = runs.sorted { $0.nanoseconds < $1.nanoseconds }[(runs.count - 1) / 2]
    result.statistic = statistic
    guard statistic == .fastestOfEachLayer else { return result }
    let engine = runs.reduce(Int.max) { min($0, $1.engineNanoseconds) }
    for index in result.layers.indices {
      for run in runs {
        let layer = run.layers[index]
        result.layers[index].nanoseconds = min(result.layers[index].nanoseconds, layer.nanoseconds)
        result.layers[index].totalNanoseconds = min(result.layers[index].totalNanoseconds, layer.totalNanoseconds)
      }
    }
    result.nanoseconds = result.layers.reduce(engine) { $0 + $1.nanoseconds }
    // They are those of one run.
    result.events = []
    return result
  }

  /// `the median of 10 runs after 3`.
  var statisticText: String {
    switch statistic {
    case .medianRun: "the median of \(runs) runs after \(warmup)"
    case .fastestOfEachLayer: "each layer at its fastest of \(runs) runs after \(warmup)"
    }
  }
}
