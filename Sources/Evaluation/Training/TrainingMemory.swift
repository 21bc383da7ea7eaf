import Execution
import Files
import Tensors
import Training

/// What a training holds in memory beside its session, so that a limit for the whole process is kept or refused before the first step.
struct TrainingMemory {
  let limit: Int
  /// What the process held before batches were made: code, libraries, parameters.
  let held: Int
  /// Pictures that are kept decoded, batches ahead, and what it takes to make samples.
  let loading: Int
  /// What allocators keep, stacks of threads, and what is too small to be listed.
  let slack: Int

  /// Of a limit, for pictures that are kept decoded.
  static func cacheByteCount(_ limit: Int) -> Int { max(limit / 16, 1 << 20) }

  /// - Parameters:
  ///   - batch: the bytes of one, inputs and targets.
  ///   - making: what the process took while it made a sample.
  ///   - cacheCount: sets of data that keep decoded pictures.
  ///   - options: gets fewer batches ahead where they are large.
  init(
    limit: Int, held: Int, batch: Int, making: Int, cacheCount: Int, threadCount: Int, options: inout BatchLoader.Options
  ) {
    options.ahead = min(options.ahead, max(limit / 16 / max(batch, 1) - 2, 1))
    self.limit = limit
    self.held = held
    // One that is at work, those ahead, one that each thread puts together.
    loading =
      cacheCount * Self.cacheByteCount(limit) + (1 + options.ahead + options.threadCount) * batch
      + max(options.threadCount, 1) * making
    slack = (16 << 20) + (threadCount + options.threadCount) * (1 << 20)
  }

  /// What a session may hold.
  var sessionByteCount: Int { max(limit - held - loading - slack, 0) }

  /// What the process holds with a session of so many bytes.
  func total(session: Int) -> Int { held + loading + slack + session }

  /// A limit that is enough for a session of so many bytes: what is kept decoded grows with it.
  func needed(session: Int) -> Int {
    let more = max(total(session: session) - limit, 0)
    return limit + more + more / 4 + (1 << 20)
  }

  /// A line: what the sessions take, and what that costs. One does a step; of two the first takes all parts of a batch but the last.
  func text(_ sessions: [any Session], parts: Int) -> String {
    func bytes(_ count: (any Session) -> Int) -> String {
      TextFormat.bytes(total(session: sessions.reduce(0) { $0 + count($1) }))
    }
    let peak = "\(bytes(\.peakMemoryByteCount)) of \(TextFormat.bytes(limit))"
    let done = sessions.compactMap(\.recomputation)
    guard let last = done.last else { return "memory: \(peak), nothing computed again\n" }
    let all = zip(sessions, sessions.count == 1 ? [1] : [parts - 1, 1])
    let extra = all.reduce(0) { $0 + ($1.0.recomputation?.extraMultiplyAccumulates ?? 0) * $1.1 }
    let share = 100 * Double(extra) / Double(max(last.multiplyAccumulates * parts, 1))
    return "memory: \(bytes { $0.recomputation?.plainByteCount ?? $0.peakMemoryByteCount }) without a limit; \(peak) with "
      + "\(last.repeatedValueCount) of \(last.valueCount) values computed again, +\(TextFormat.fixed(share, 0)) % multiply-accumulates\n"
  }
}
