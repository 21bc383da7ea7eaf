/// How the part that goes grows over the rounds of pruning, with training between them.
public enum PruningSchedule: String, Hashable, Codable, Sendable, CaseIterable {
  /// All in the first round.
  case once
  /// `s · i / n` in round i of n.
  case linear
  /// `s · (1 - (1 - i / n)³)`, most at first: Zhu and Gupta, To Prune or Not to Prune, 2017.
  case agp

  /// The part of the original that is gone after round `round` of `rounds`, counted from 1.
  public func share(_ final: Double, round: Int, of rounds: Int) -> Double {
    guard round < rounds else { return final }
    let part = Double(round) / Double(rounds)
    switch self {
    case .once: return final
    case .linear: return final * part
    case .agp: return final * (1 - (1 - part) * (1 - part) * (1 - part))
    }
  }
}
