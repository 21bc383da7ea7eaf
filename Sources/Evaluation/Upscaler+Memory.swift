import Execution
import Files
import Imaging

extension Upscaler {
  /// What binds: the limit that was asked for, or one of the process or the machine where that is tighter.
  struct Bound {
    var byteCount: Int
    /// Nil for the limit that was asked for.
    var system: MemoryLimit?

    func error(needed: Int) -> EvaluationError {
      system.map { .memoryOfProcess(limit: $0.description, needed: needed) } ?? .memoryLimit(limit: byteCount, needed: needed)
    }
  }

  /// At this moment, with so many bytes in memory.
  func bound(resident: Int) -> Bound {
    var bound = Bound(byteCount: options.memoryLimit ?? .max)
    let system = MemoryLimit.current
    // Address space is taken by more than what is in memory: stacks and what allocators ask for ahead.
    let left =
      switch system.cause {
      case .machine, .container: system.byteCount
      case .addressSpace, .data: resident + max(system.byteCount - MemoryLimit.reserve, 0)
      }
    if left < bound.byteCount { bound = Bound(byteCount: left, system: system) }
    return bound
  }

  /// The tiles for a picture, such that all of its phases keep the bound; throws what would be enough where none do.
  func plan(
    _ memory: UpscaleMemory, _ bound: Bound, height: Int, width: Int
  ) throws(EvaluationError) -> ModelRunner.Plan {
    let budget = memory.budget(bound.byteCount)
    do throws(EvaluationError) {
      let plan = try runner.plan(height: height, width: width, budget: budget) { memory.rows.byteCount($0) }
      let needed = memory.peak(sessions: 0)
      guard needed <= bound.byteCount else { throw .memoryLimit(limit: budget, needed: 0) }
      return plan
    } catch {
      guard case .memoryLimit(_, let sessions) = error else { throw error }
      runner.releaseSessions()
      throw bound.error(needed: memory.peak(sessions: sessions))
    }
  }
}
