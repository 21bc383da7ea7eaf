import Synchronization

/// Values that are costly to make and may be dropped: as many as their bytes allow, the oldest given up first.
///
/// Threads that want the same value at once may each make it; whoever makes a value must make the same one.
package final class BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct State {
    var values: [Key: (value: Value, byteCount: Int)] = [:]
    /// Keys in the order of their coming, from `first` on.
    var order: [Key] = []
    var first = 0
    var byteCount = 0
  }

  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter byteCount: the most bytes of all values together; 0 keeps none.
  package init(byteCount: Int) { limit = byteCount }

  /// The value of a key: the one that is kept, or what `make` makes.
  ///
  /// - Parameter size: the bytes of a value.
  package func value<E: Error>(
    _ key: Key, size: (Value) -> Int, make: () throws(E) -> Value
  ) throws(E) -> Value {
    if let kept = state.withLock({ $0.values[key]?.value }) { return kept }
    let value = try make()
    let byteCount = size(value)
    guard byteCount <= limit else { return value }
    state.withLock { state in
      guard state.values[key] == nil else { return }
      while state.byteCount + byteCount > limit, state.first < state.order.count {
        state.byteCount -= state.values.removeValue(forKey: state.order[state.first])?.byteCount ?? 0
        state.first += 1
      }
      if state.first > 1024, state.first > state.order.count / 2 {
        state.order.removeFirst(state.first)
        state.first = 0
      }
      state.values[key] = (value, byteCount)
      state.order.append(key)
      state.byteCount += byteCount
    }
    return value
  }

  /// The bytes of what is kept.
  package var byteCount: Int { state.withLock { $0.byteCount } }
}
