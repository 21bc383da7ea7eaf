import Execution
import Synchronization
import Tensors

/// Samples put together: `[count, …]` of the inputs and of the targets.
public struct Batch: Equatable, Sendable {
  public var epoch: Int
  /// In its epoch, from 0 on.
  public var step: Int
  public var input: Tensor
  public var target: Tensor
  /// The samples' numbers in the source, in the order of the batch.
  public var indices: [Int]
}

/// Makes batches of a source ahead of whoever takes them, on threads of its own.
///
/// Each epoch is a permutation of the samples that depends on seed and epoch alone, cut into batches; a sample is what its source makes of
/// seed, epoch and number. So batches are the same bits for any number of threads, and a loader that begins at some step gives what
/// one that came to it from the beginning gives. At most `ahead` batches are made before they are asked for.
///
/// `next()` is for one thread at a time.
public final class BatchLoader: Sendable {
  /// What becomes of a sample whose file cannot be read.
  public enum DamagePolicy: String, Hashable, Sendable, CaseIterable {
    /// `next()` throws.
    case stop
    /// The sample of the next number whose file can be read takes its place; the file is noted in `skipped`.
    case skip
  }

  public struct Options: Hashable, Sendable {
    public var batchSize = 16
    public var seed: UInt64 = 1
    /// Whether an epoch is in random order; else it is in the order of the source.
    public var shuffles = true
    /// Whether the last samples of an epoch, too few for a batch, make a smaller one; else they are left out of this epoch.
    public var keepsRemainder = false
    public var damaged = DamagePolicy.stop
    /// 0: batches are made when they are asked for.
    public var threadCount = 1
    /// Batches that are made before they are asked for, at least 1.
    public var ahead = 3

    public init() {}
  }

  /// Where the time of whoever takes batches went.
  public struct Waiting: Hashable, Sendable {
    /// Batches taken.
    public var batches = 0
    /// Seconds inside `next()`, all told, and in the last call.
    public var seconds = 0.0
    public var last = 0.0
  }

  /// A file that was passed over.
  public struct Skipped: Hashable, Sendable {
    /// What is wrong with it; names the file.
    public var reason: String
  }

  public let options: Options
  /// The batches of an epoch, at least 1.
  public let stepsPerEpoch: Int
  private let work: LoaderWork
  private let threads: [WorkThread]
  private let waiting = Mutex(Waiting())

  /// - Parameters:
  ///   - epoch: the first.
  ///   - step: the first batch of the first epoch.
  ///   - endEpoch: the first that is not wanted; nil for no end.
  public init(
    _ source: any SampleSource, options: Options, epoch: Int = 0, step: Int = 0, endEpoch: Int? = nil
  ) throws(DataError) {
    guard options.batchSize >= 1, options.batchSize <= source.count || options.keepsRemainder, source.count > 0 else {
      throw .option(
        name: "the batch size", value: "\(options.batchSize)",
        allowed: "1 to \(source.count), which are the samples of an epoch")
    }
    guard (0...256).contains(options.threadCount), (1...1024).contains(options.ahead) else {
      throw .option(name: "threads", value: "\(options.threadCount)", allowed: "0 to 256")
    }
    let (whole, rest) = source.count.quotientAndRemainder(dividingBy: options.batchSize)
    let stepsPerEpoch = whole + (options.keepsRemainder && rest > 0 ? 1 : 0)
    self.stepsPerEpoch = stepsPerEpoch
    guard epoch >= 0, step >= 0, step <= stepsPerEpoch else {
      throw .option(
        name: "the first step", value: "\(step)", allowed: "0 to \(stepsPerEpoch), which are the batches of an epoch")
    }
    self.options = options
    let first = epoch * stepsPerEpoch + step
    let work = LoaderWork(source, options, stepsPerEpoch, first, endEpoch.map { max($0 * stepsPerEpoch, first) })
    self.work = work
    threads = (0..<options.threadCount).compactMap { _ in WorkThread { work.makeBatches() } }
    work.areMadeByOthers = !threads.isEmpty
  }

  deinit {
    work.stop()
    for thread in threads { thread.join() }
  }

  /// The next batch; nil behind the last epoch. After an error there is no other batch.
  public func next() throws(DataError) -> Batch? {
    let start = ContinuousClock.now
    defer {
      let duration = (ContinuousClock.now - start).components
      let seconds = Double(duration.seconds) + 1e-18 * Double(duration.attoseconds)
      waiting.withLock { waiting in
        waiting.batches += 1
        waiting.seconds += seconds
        waiting.last = seconds
      }
    }
    return try work.take()
  }

  /// How long batches were waited for.
  public var waited: Waiting { waiting.withLock { $0 } }

  /// The files that were passed over so far, each once, in the order of their names.
  public var skipped: [Skipped] { work.skippedReasons.sorted().map { Skipped(reason: $0) } }

  /// What makes the set a poor one to learn from with batches of this size, a line each.
  public static func warnings(of source: any SampleSource, batchSize: Int) -> [String] {
    var lines = source.warnings
    if source.count < 4 * batchSize {
      let batches = source.count / max(batchSize, 1)
      lines.append(
        "\(source.count) \(source.count == 1 ? "sample is" : "samples are") \(batches == 1 ? "1 batch" : "\(batches) batches") of \(batchSize) an "
          + "epoch; smaller batches learn more from them")
    }
    return lines
  }
}
