#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#else
  import Darwin
#endif

/// The learning rate of each step: a base, and how it changes.
public struct LearningRate: Hashable, Sendable {
  /// After the warm-up, by the number of epochs that are done, whole ones but for `cosine`.
  public enum Change: Hashable, Sendable {
    case constant
    /// Times `factor` each so many epochs: the VDSR project's `step`.
    case step(epochs: Int, factor: Double)
    /// Times `factor` at each of these epochs.
    case milestones([Int], factor: Double)
    /// Along half a cosine from the base to `least` at the last epoch. Loshchilov and Hutter 2017.
    case cosine(epochs: Int, least: Double)
  }

  public var base: Double
  public var change: Change
  /// Steps at first in which it grows in proportion from base / (steps + 1) on.
  public var warmUpSteps: Int

  public init(_ base: Double, _ change: Change = .constant, warmUpSteps: Int = 0) {
    self.base = base
    self.change = change
    self.warmUpSteps = warmUpSteps
  }

  /// Of a step, counted from the first of all.
  public func value(step: Int, stepsPerEpoch: Int) -> Double {
    if step < warmUpSteps { return base * Double(step + 1) / Double(warmUpSteps + 1) }
    let epoch = step / max(stepsPerEpoch, 1)
    func times(_ factor: Double, _ count: Int) -> Double { (0..<count).reduce(base) { value, _ in value * factor } }
    switch change {
    case .constant: return base
    case .step(let epochs, let factor): return times(factor, epoch / max(epochs, 1))
    case .milestones(let epochs, let factor): return times(factor, epochs.count { $0 <= epoch })
    case .cosine(let epochs, let least):
      let share = min(1, Double(step) / Double(max(epochs * stepsPerEpoch, 1)))
      return least + (base - least) * (1 + cos(.pi * share)) / 2
    }
  }
}
