import Execution
import Files
import Imaging

extension Upscaler {
  /// What binds: the limit that was asked for, or one of the process or the machine where that is tighter.
  struct Bound {
    var byteCount: Int
    /// Nil for the limit that was asked for.
    var system: MemoryLimit?

    /// - Parameters:
    ///   - limit: what was asked for; nil for nothing.
    ///   - resident: what is in memory.
    init(limit: Int?, system: MemoryLimit, resident: Int) {
      // Address space is taken by more than what is in memory: stacks and what allocators ask for ahead.
      let left =
        switch system.cause {
        case .machine, .container: system.byteCount
        case .addressSpace, .data: resident + max(system.byteCount - MemoryLimit.reserve, 0)
        }
      byteCount = min(left, limit ?? .max)
      self.system = left < limit ?? .max ? system : nil
    }

    func error(needed: MemoryNeed) -> EvaluationError {
      system.map { .memoryOfProcess(limit: $0.description, needed: needed) } ?? .memoryLimit(limit: byteCount, needed: needed)
    }
  }

  /// At this moment, with so many bytes in memory.
  func bound(resident: Int) -> Bound {
    Bound(limit: options.memoryLimit, system: systemLimit(), resident: resident)
  }

  /// How one picture is enlarged: sizes, tiles, and what memory that takes.
  struct Job {
    /// Of the original.
    var properties: ImageProperties
    var size: UpscaleSize
    var memory: UpscaleMemory
    var bound: Bound
    var plan: ModelRunner.Plan
    var stream: StreamPlan

    /// One line where tiles do the work many times over, with the mend; nil elsewhere.
    func notice(_ tile: TilePolicy) -> String? {
      guard plan.repeatsMuch else { return nil }
      let times = "do the work \(TextFormat.fixed(plan.repetition, 0)) times over"
      if case .pixels(let side) = tile {
        return "tiles of \(side) \(times), for each is read with what lies around it; give a larger --tile, or none"
      }
      let keep = plan.columns.reduce(0) { max($0, $1.keep.count) }
      let line = "the memory is enough for tiles of \(keep), which \(times)"
      return plan.quickByteCount.map { "\(line); allow \(MemoryNeed.mebibytes(memory.peak(sessions: $0))) for larger ones" }
        ?? line
    }
  }

  /// The job for a picture, such that all of its phases keep the bound; throws what would be enough where none do.
  ///
  /// - Parameters:
  ///   - held: what the process holds before.
  ///   - opening: what is held until the first row can be read, file included.
  ///   - reading: what the picture's file and its decoder hold from then on.
  ///   - writing: what those who take the rows hold, of a result of some properties whose rows come at most so many at once.
  ///   - causes: what of this stands in memory as a whole, for a refusal.
  func job(
    _ properties: ImageProperties, _ size: UpscaleSize, held: Int, opening: Int, reading: Int,
    writing: (_ result: ImageProperties, _ rows: Int) -> Int, causes: [MemoryNeed.Cause] = [], _ bound: Bound
  ) throws(EvaluationError) -> Job {
    var memory = UpscaleMemory(
      properties, size: size, contract: contract, runner: runner, options, held: held, opening: opening, reading: reading,
      writing: writing)
    memory.causes = causes
    let plan = try plan(memory, bound, height: size.inputHeight, width: size.inputWidth)
    return Job(
      properties: properties, size: size, memory: memory, bound: bound, plan: plan, stream: memory.sizes.stream(plan))
  }

  /// The tiles for a picture, or for one that is turned.
  func plan(
    _ memory: UpscaleMemory, _ bound: Bound, height: Int, width: Int
  ) throws(EvaluationError) -> ModelRunner.Plan {
    let budget = memory.budget(bound.byteCount)
    do throws(EvaluationError) {
      let plan = try runner.plan(height: height, width: width, budget: budget) { memory.byteCount(of: $0) }
      let needed = memory.peak(sessions: 0)
      guard needed <= bound.byteCount else { throw .memoryLimit(limit: budget, needed: MemoryNeed(0)) }
      return plan
    } catch {
      guard case .memoryLimit(_, let sessions) = error else { throw error }
      runner.releaseAll()
      throw bound.error(needed: memory.need(sessions))
    }
  }
}
