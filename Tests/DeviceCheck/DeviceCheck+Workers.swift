import Execution

extension DeviceCheck {
  typealias Row = DeviceCheckReport.Row

  /// What `body` gives for each number below `count`, in their order; the workers take one after the other.
  func inTurn(_ count: Int, _ body: @escaping @Sendable (Int) -> [Row]) -> [Row] {
    let note = note
    let body: @Sendable (Int) -> [Row] = { index in
      let rows = body(index)
      note(rows)
      return rows
    }
    // Of one worker it is the caller's thread: an emulated device is one's own.
    guard workerCount > 1 else { return (0..<count).flatMap(body) }
    let state = Monitor((next: 0, results: [Int: [Row]]()))
    let work: @Sendable () -> Void = {
      while true {
        let index = state.change { state in
          defer { state.next += 1 }
          return state.next
        }
        guard index < count else { return }
        let result = body(index)
        state.change { $0.results[index] = result }
      }
    }
    let threads = (1..<workerCount).compactMap { _ in WorkThread(work) }
    work()
    for thread in threads { thread.join() }
    return state.change { state in (0..<count).flatMap { state.results[$0] ?? [] } }
  }
}
