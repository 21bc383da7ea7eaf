import Synchronization

/// A backend whose networks run on a device of its own, beside the threads of the host: a host that works on several pictures at once keeps it busy.
package protocol DeviceBackend: Backend {
  /// Gets what sessions that are made from now on let the device do; nil for nothing.
  var watch: DeviceWatch? { get set }
}

/// Takes down what a device and the threads around it do, and makes an account of it as time goes: what is settled is kept as sums alone.
package final class DeviceWatch: Sendable {
  private struct State {
    /// The beginnings of what is under way.
    var open: [Int: DeviceAccount.Interval] = [:]
    /// When the device's runs began that are under way beside the host's work: what they tell lies behind.
    var runs: [Int: Int] = [:]
    var nextNumber = 0
    /// What is over and not settled, and how much of it there may be before it is.
    var closed: [DeviceAccount.Interval] = []
    var limit = DeviceWatch.capacity
    /// All before is in the account.
    var settled: Int
    var account = DeviceAccount()

    /// Brings everything before a moment into the account; nothing that comes later may lie there.
    mutating func settle(_ closed: [DeviceAccount.Interval], before end: Int) {
      guard end > settled else { return }
      account.add(closed, over: settled..<end)
      settled = end
    }
  }

  /// Intervals that are kept before they are settled.
  fileprivate static let capacity = 4096
  private let state: Mutex<State>

  /// The span begins.
  package init() { state = Mutex(State(settled: Self.now)) }

  private static var now: Int { Int(ThreadPool.nanoseconds) }

  /// What was done from the beginning to this moment.
  package var account: DeviceAccount {
    let now = Self.now
    return state.withLock { state in
      var copy = state
      copy.settle(
        state.closed + state.open.values.map { DeviceAccount.Interval($0.owner, from: $0.start, to: now) }, before: now)
      return copy.account
    }
  }

  /// Does a piece of work, which is told as such. Not inside another on the same thread, but for what the device does.
  package func during<R, E>(_ work: DeviceAccount.Work, _ body: () throws(E) -> R) throws(E) -> R {
    let number = state.withLock { state in
      state.nextNumber += 1
      state.open[state.nextNumber] = DeviceAccount.Interval(.host(work), from: Self.now, to: .max)
      return state.nextNumber
    }
    defer {
      state.withLock { state in
        let now = Self.now
        if var interval = state.open.removeValue(forKey: number) {
          interval.end = now
          state.closed.append(interval)
        }
        if state.closed.count >= state.limit {
          // What is under way may still tell what lies within it.
          let end = state.runs.values.reduce(state.open.values.reduce(now) { min($0, $1.start) }, min)
          state.settle(state.closed, before: end)
          state.closed.removeAll { $0.end <= end }
          state.limit = state.closed.count + Self.capacity
        }
      }
    }
    return try body()
  }

  /// Notes what the device did within the piece of work that is under way on this thread, and has ended at this moment: one after the other, in
  /// nanoseconds each.
  package func note(_ parts: [(owner: DeviceAccount.Owner, nanoseconds: Int)]) {
    var start = Self.now - parts.reduce(0) { $0 + $1.nanoseconds }
    state.withLock { state in
      for part in parts {
        state.closed.append(DeviceAccount.Interval(part.owner, from: start, to: start + part.nanoseconds))
        start += part.nanoseconds
      }
    }
  }

  /// A run of the device begins that goes on beside what the host does.
  ///
  /// - Returns: its number, to tell its parts by.
  package func beginRun() -> Int {
    state.withLock { state in
      state.nextNumber += 1
      state.runs[state.nextNumber] = Self.now
      return state.nextNumber
    }
  }

  /// Notes what the device did in a run that is over. What is said to lie outside of it counts nothing.
  package func note(_ parts: [DeviceAccount.Interval], ofRun number: Int) {
    state.withLock { state in
      guard let start = state.runs.removeValue(forKey: number) else { return }
      let now = Self.now
      for part in parts {
        state.closed.append(
          DeviceAccount.Interval(part.owner, from: max(part.start, start), to: min(part.end, now)))
      }
    }
  }
}

extension DeviceWatch? {
  /// Does a piece of work, which is told as such where anybody watches.
  package func during<R, E>(_ work: DeviceAccount.Work, _ body: () throws(E) -> R) throws(E) -> R {
    guard let self else { return try body() }
    return try self.during(work, body)
  }
}
