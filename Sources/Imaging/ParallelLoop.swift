/// Runs the turns of a loop, at once where it can.
package protocol ParallelLoop {
  /// Calls `turn` once for each number below `count`, on any threads and in no given order, and returns when all are done.
  func run(count: Int, _ turn: (Int) -> Void)
}

/// One turn after the other.
package struct LoopInOrder: ParallelLoop {
  package init() {}
  package func run(count: Int, _ turn: (Int) -> Void) { for index in 0..<count { turn(index) } }
}

/// Does something else, once, beside the turns of the first loop.
final class LoopWithCompany: ParallelLoop {
  private let base: any ParallelLoop
  private var work: (() -> Void)?

  init(_ base: any ParallelLoop, _ work: (() -> Void)?) {
    self.base = base
    self.work = work
  }

  func run(count: Int, _ turn: (Int) -> Void) {
    guard let work else { return base.run(count: count, turn) }
    self.work = nil
    // First, for it is one long turn.
    base.run(count: count + 1) { $0 == 0 ? work() : turn($0 - 1) }
  }

  /// Does it now where no loop came.
  func finish() {
    work?()
    work = nil
  }
}
