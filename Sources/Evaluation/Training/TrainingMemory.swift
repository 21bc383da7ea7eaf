import Execution
import Files
import Tensors
import Training

/// What a training holds in memory beside its session, so that a limit for the whole process is kept or refused before the first step.
struct TrainingMemory {
  let limit: Int
  /// What the process holds beside sessions and batches: code, libraries, parameters and what is remembered of them.
  let held: Int
  /// What allocators keep, stacks of threads, and what is too small to be listed.
  let slack: Int
  /// Of a batch, inputs and targets.
  private let batch: Int
  /// What the process took while it made a sample.
  private let making: Int
  /// Sets of data that keep decoded pictures.
  private let cacheCount: Int
  private let loadingThreadCount: Int
  /// The batches ahead that were asked for.
  private let mostAhead: Int

  /// Of a limit, for pictures that are kept decoded.
  static func cacheByteCount(_ limit: Int) -> Int { max(limit / 16, 1 << 20) }

  /// What begins under a limit must be able to go on under it. So at the beginning what is remembered of parameters counts, which lies in no memory before
  /// the first step, and something for what reading a checkpoint leaves; and who goes on has less of a reserve, as much of that is held by then.
  ///
  /// - Parameters:
  ///   - held: by the process before batches are made.
  ///   - unheld: of that what is not there yet.
  ///   - making: what the process took while it made a sample.
  ///   - cacheCount: sets of data that keep decoded pictures.
  ///   - options: gets fewer batches ahead where they are large.
  init(
    limit: Int, held: Int, unheld: Int, isResumed: Bool, batch: Int, making: Int, cacheCount: Int, threadCount: Int,
    options: inout BatchLoader.Options
  ) {
    self.limit = limit
    self.held = held + unheld
    self.batch = batch
    self.making = making
    self.cacheCount = cacheCount
    loadingThreadCount = options.threadCount
    mostAhead = options.ahead
    let threads = threadCount + options.threadCount
    slack = isResumed ? (12 << 20) + threads * (1 << 19) : (16 << 20) + threads * (1 << 20)
    options.ahead = ahead(limit)
  }

  private func ahead(_ limit: Int) -> Int { min(mostAhead, max(limit / 16 / max(batch, 1) - 2, 1)) }

  /// Pictures that are kept decoded, batches, and what it takes to make samples. Of batches one is at work, some are ahead, and each thread puts one
  /// together.
  private func loading(_ limit: Int) -> Int {
    cacheCount * Self.cacheByteCount(limit) + (1 + ahead(limit) + loadingThreadCount) * batch + max(loadingThreadCount, 1)
      * making
  }

  private func sessionByteCount(_ limit: Int) -> Int { max(limit - held - loading(limit) - slack, 0) }

  /// What a session may hold.
  var sessionByteCount: Int { sessionByteCount(limit) }

  /// What the process holds with a session of so many bytes.
  func total(session: Int) -> Int { held + loading(limit) + slack + session }

  /// A limit that is enough for a session of so many bytes, in whole MiB: what is kept decoded, and the batches ahead, grow with it.
  func needed(session: Int) -> Int {
    let mebibyte = 1 << 20
    var enough = max(limit, total(session: session)) / mebibyte * mebibyte
    // No two processes hold quite the same, and one that keeps more pictures holds them when that is measured.
    func reserve() -> Int { 2 * mebibyte + batch + min(making, cacheCount * Self.cacheByteCount(enough)) }
    while sessionByteCount(enough) < session + reserve() { enough += mebibyte }
    return enough
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

extension TrainingNetwork {
  /// The bytes of what steps change: weights, which are others than those that the network begins with, and what an optimiser remembers of them.
  var rememberedByteCount: Int {
    network.updates.reduce(0) { $0 + (network.parameters[$1.parameter]?.byteCount ?? 0) }
  }
}
