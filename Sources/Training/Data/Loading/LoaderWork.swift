import Synchronization
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the threads of a `BatchLoader` share: samples to make, in order, and batches that are under way or done.
///
/// Sendable because all that changes is read and written while `lock` is held.
final class LoaderWork: @unchecked Sendable {
  /// A batch of which samples are made; those of one step belong together.
  private final class Pending {
    let epoch: Int
    let step: Int
    let indices: [Int]
    var samples: [Result<Sample, DataError>?]
    var nextSlot = 0
    var unfinished: Int
    var result: Result<Batch, DataError>?

    init(epoch: Int, step: Int, indices: [Int]) {
      self.epoch = epoch
      self.step = step
      self.indices = indices
      samples = Array(repeating: nil, count: indices.count)
      unfinished = indices.count
    }
  }

  private let source: any SampleSource
  private let options: BatchLoader.Options
  private let stepsPerEpoch: Int
  /// Steps counted over all epochs.
  private let end: Int?
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  /// There is room for another batch, or the end has come; and: a batch is done.
  private let room: UnsafeMutablePointer<pthread_cond_t>
  private let done: UnsafeMutablePointer<pthread_cond_t>

  // Under the lock.
  private var pending: [Pending] = []
  /// The step of `pending`'s first, and the next to be begun.
  private var nextTaken: Int
  private var nextBegun: Int
  private var order: (epoch: Int, indices: [Int])?
  private var isStopping = false
  private var failure: DataError?
  private var reasons: Set<String> = []
  /// Whether there are threads; set before any batch is asked for.
  var areMadeByOthers = false

  init(_ source: any SampleSource, _ options: BatchLoader.Options, _ stepsPerEpoch: Int, _ first: Int, _ end: Int?) {
    self.source = source
    self.options = options
    self.stepsPerEpoch = stepsPerEpoch
    self.end = end
    nextTaken = first
    nextBegun = first
    lock = .allocate(capacity: 1)
    room = .allocate(capacity: 1)
    done = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(room, nil)
    pthread_cond_init(done, nil)
  }

  deinit {
    pthread_cond_destroy(done)
    pthread_cond_destroy(room)
    pthread_mutex_destroy(lock)
    done.deallocate()
    room.deallocate()
    lock.deallocate()
  }

  private func locked<R>(_ body: () -> R) -> R {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return body()
  }

  func stop() {
    locked {
      isStopping = true
      pthread_cond_broadcast(room)
    }
  }

  var skippedReasons: Set<String> { locked { reasons } }

  /// The body of a thread: makes samples until there is nothing to make.
  func makeBatches() {
    while let (batch, slot) = locked({ nextSample(waits: true) }) { make(batch, slot) }
  }

  /// A sample that nobody makes yet, of the earliest batch that has one. Under the lock.
  ///
  /// - Parameter waits: whether to wait for room; else a batch is begun in any case.
  private func nextSample(waits: Bool) -> (Pending, slot: Int)? {
    while true {
      if isStopping || failure != nil { return nil }
      if let batch = pending.first(where: { $0.nextSlot < $0.indices.count }) {
        batch.nextSlot += 1
        return (batch, batch.nextSlot - 1)
      }
      if let end, nextBegun >= end { return nil }
      if pending.count < options.ahead || !waits {
        pending.append(begin(nextBegun))
        nextBegun += 1
        continue
      }
      pthread_cond_wait(room, lock)
    }
  }

  /// Under the lock.
  private func begin(_ position: Int) -> Pending {
    let (epoch, step) = position.quotientAndRemainder(dividingBy: stepsPerEpoch)
    let indices: [Int]
    if let order, order.epoch == epoch {
      indices = order.indices
    } else {
      // Apart from the numbers of samples, whose keys have three parts.
      var generator = SplitMix64(mixing: [options.seed, UInt64(epoch)])
      indices = options.shuffles ? generator.permutation(source.count) : Array(0..<source.count)
      order = (epoch, indices)
    }
    let start = step * options.batchSize
    return Pending(epoch: epoch, step: step, indices: Array(indices[start..<min(start + options.batchSize, indices.count)]))
  }

  private func make(_ batch: Pending, _ slot: Int) {
    let sample = sample(epoch: batch.epoch, index: batch.indices[slot])
    let isLast = locked {
      batch.samples[slot] = sample
      batch.unfinished -= 1
      return batch.unfinished == 0
    }
    guard isLast else { return }
    // Nobody else touches the samples any more.
    let result = Self.joined(batch.samples, epoch: batch.epoch, step: batch.step, indices: batch.indices)
    locked {
      batch.result = result
      batch.samples = []
      pthread_cond_broadcast(done)
    }
  }

  private func sample(epoch: Int, index: Int) -> Result<Sample, DataError> {
    var first: DataError?
    for step in 0..<source.count {
      do throws(DataError) {
        let key = SampleKey(seed: options.seed, epoch: epoch, index: (index + step) % source.count)
        return .success(try source.sample(key))
      } catch {
        guard options.damaged == .skip, error.isOfOneFile else { return .failure(error) }
        if first == nil { first = error }
        let reason = error.description
        let isStopping = locked {
          reasons.insert(reason)
          return self.isStopping
        }
        if isStopping { break }
      }
    }
    return .failure(.allDamaged(count: source.count, first: first?.description ?? ""))
  }

  /// The samples one behind the other; the first error where there is one.
  private static func joined(
    _ samples: [Result<Sample, DataError>?], epoch: Int, step: Int, indices: [Int]
  ) -> Result<Batch, DataError> {
    do throws(DataError) {
      var whole: [Sample] = []
      for case let sample? in samples { whole.append(try sample.get()) }
      let batch = Batch(
        epoch: epoch, step: step, input: try joined(whole.map(\.input)), target: try joined(whole.map(\.target)),
        indices: indices)
      return .success(batch)
    } catch { return .failure(error) }
  }

  private static func joined(_ tensors: [Tensor]) throws(DataError) -> Tensor {
    let shape = tensors[0].shape
    if let other = tensors.first(where: { $0.shape != shape }) { throw .sampleShapes(shape, other.shape) }
    return Tensor(unsafeUninitialized: Shape([tensors.count] + shape.extents)) { target in
      var start = 0
      for tensor in tensors {
        tensor.withUnsafeBytes { source in
          UnsafeMutableRawBufferPointer(rebasing: target[start..<start + source.count]).copyMemory(from: source)
        }
        start += tensor.byteCount
      }
    }
  }

  /// The next batch, when it is done; nil at the end.
  func take() throws(DataError) -> Batch? {
    while !areMadeByOthers {
      // Nobody else works: the samples of one batch are made here.
      guard !locked({ pending.first?.result != nil || failure != nil }),
        let (batch, slot) = locked({ nextSample(waits: false) })
      else { break }
      make(batch, slot)
    }
    let result = locked { () -> Result<Batch, DataError>? in
      while true {
        if let failure { return .failure(failure) }
        if let first = pending.first, let result = first.result {
          pending.removeFirst()
          nextTaken += 1
          if case .failure(let error) = result { failure = error }
          pthread_cond_broadcast(room)
          return result
        }
        if pending.isEmpty, let end, nextTaken >= end { return nil }
        pthread_cond_wait(done, lock)
      }
    }
    return try result?.get()
  }
}
