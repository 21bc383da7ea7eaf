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

    /// One line where tiles do the work many times over, with the mend, or are as small as they are for want of a device's memory; nil elsewhere.
    func notice(_ tile: TilePolicy) -> String? {
      guard plan.repeatsMuch else {
        guard plan.isShortOfDevice else { return nil }
        let shape = plan.largest
        return "the device has memory for tiles of \(shape.width)x\(shape.height) alone, which changes nothing but the time"
      }
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
  ///   - readingAgain: what a second decoder of the picture holds, where alpha is made before the colours.
  ///   - writing: what those who take the rows hold, of a result of some properties whose rows come at most so many at once.
  ///   - causes: what of this stands in memory as a whole, for a refusal.
  func job(
    _ properties: ImageProperties, _ size: UpscaleSize, held: Int, opening: Int, reading: Int, readingAgain: Int = 0,
    writing: (_ result: ImageProperties, _ rows: Int) -> Int, causes: [MemoryNeed.Cause] = [], _ bound: Bound
  ) throws(EvaluationError) -> Job {
    var memory = UpscaleMemory(
      properties, size: size, contract: contract, runner: runner, options, held: held, opening: opening, reading: reading,
      writing: writing)
    memory.causes = causes
    var refusal: EvaluationError?
    if makesAlpha(properties) {
      memory.waitsForColours(alphaByteCount: properties.alpha.resized(size).sampleByteCount)
      // What is refused is refused before anything is decoded, and what is named is enough for both.
      do throws(EvaluationError) {
        _ = try alphaJob(
          properties, size, held: held, opening: opening, reading: reading + readingAgain, bound)
      } catch {
        guard error.neededByteCount != nil else { throw error }
        refusal = error
      }
    }
    let plan: ModelRunner.Plan
    do throws(EvaluationError) {
      plan = try self.plan(memory, bound, height: size.inputHeight, width: size.inputWidth)
    } catch {
      guard let refusal, let more = refusal.neededByteCount, let needed = error.neededByteCount, more > needed else {
        throw error
      }
      throw refusal
    }
    if let refusal { throw refusal }
    return Job(
      properties: properties, size: size, memory: memory, bound: bound, plan: plan, stream: memory.sizes.stream(plan))
  }

  /// The job for a picture's alpha, as a grey picture that stays in memory.
  func alphaJob(
    _ properties: ImageProperties, _ size: UpscaleSize, held: Int, opening: Int, reading: Int, _ bound: Bound
  ) throws(EvaluationError) -> Job {
    try job(
      properties.alpha, size, held: held, opening: opening, reading: reading + AlphaRows.heldByteCount(properties),
      writing: { properties, _ in properties.sampleByteCount }, bound)
  }

  /// The tiles for a picture, or for one that is turned.
  func plan(
    _ memory: UpscaleMemory, _ bound: Bound, height: Int, width: Int
  ) throws(EvaluationError) -> ModelRunner.Plan {
    let budget = memory.budget(bound.byteCount)
    do throws(EvaluationError) {
      let plan = try runner.plan(height: height, width: width, budget: budget, converting: memory.sizes.conversion) {
        memory.byteCount(of: $0)
      }
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

extension EvaluationError {
  /// What memory would be enough; nil of errors of another kind.
  fileprivate var neededByteCount: Int? {
    switch self {
    case .memoryLimit(_, let needed), .memoryOfProcess(_, let needed): needed.byteCount
    default: nil
    }
  }
}
