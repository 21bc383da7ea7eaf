import Synchronization
import Tensors
import Testing

@testable import Training

/// Samples that say what they were made of; some of them damaged, some slow.
private struct NumberSource: SampleSource {
  var count: Int
  var damaged: Set<Int> = []
  /// Samples of this number are of another shape.
  var oddIndex = -1
  var delay: Duration = .zero
  let madeCount = Atomic64()

  /// Counts what was made, on any thread.
  final class Atomic64: Sendable {
    private let value = Mutex(0)
    func add() { value.withLock { $0 += 1 } }
    var count: Int { value.withLock { $0 } }
  }

  var files: [DataFile] { [] }
  var warnings: [String] { [] }

  func sample(_ key: SampleKey) throws(DataError) -> Sample {
    madeCount.add()
    if damaged.contains(key.index) {
      throw .image(.unknownFormat(name: "\(key.index).png"))
    }
    var generator = key.generator
    if delay > .zero {
      // Threads come in any order.
      let end = ContinuousClock.now + delay * (key.index % 4)
      while ContinuousClock.now < end {}
    }
    let values = (0..<6).map { _ in generator.nextUnit() }
    let target = Tensor([2], [Float(key.epoch), Float(key.index)])
    return Sample(input: key.index == oddIndex ? Tensor([6], values) : Tensor([1, 2, 3], values), target: target)
  }
}

@Suite struct BatchLoaderTests {
  private func options(_ change: (inout BatchLoader.Options) -> Void = { _ in }) -> BatchLoader.Options {
    var options = BatchLoader.Options()
    options.batchSize = 4
    options.seed = 11
    change(&options)
    return options
  }

  private func batches(
    _ source: some SampleSource, _ options: BatchLoader.Options, epoch: Int = 0, step: Int = 0, endEpoch: Int
  ) throws -> [Batch] {
    let loader = try BatchLoader(source, options: options, epoch: epoch, step: step, endEpoch: endEpoch)
    var result: [Batch] = []
    while let batch = try loader.next() { result.append(batch) }
    #expect(try loader.next() == nil)
    return result
  }

  @Test func epochsArePermutationsOfAllSamples() throws {
    let all = try batches(NumberSource(count: 12), options(), endEpoch: 3)
    #expect(all.map(\.epoch) == [0, 0, 0, 1, 1, 1, 2, 2, 2] && all.map(\.step) == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    for epoch in 0..<3 {
      let indices = all.filter { $0.epoch == epoch }.flatMap(\.indices)
      #expect(indices.sorted() == Array(0..<12))
      #expect(epoch == 0 || indices != all.filter { $0.epoch == epoch - 1 }.flatMap(\.indices))
    }
    for batch in all {
      #expect(batch.input.shape == [4, 1, 2, 3] && batch.target.shape == [4, 2])
      #expect(batch.target.floats == batch.indices.flatMap { [Float(batch.epoch), Float($0)] })
    }
  }

  @Test(arguments: [0, 1, 2, 3, 7], [1, 2, 16])
  func sameBitsForAnyThreads(threadCount: Int, ahead: Int) throws {
    let expected = try batches(NumberSource(count: 30), options { $0.threadCount = 0 }, endEpoch: 3)
    let source = NumberSource(count: 30, delay: .microseconds(50))
    let got = try batches(
      source,
      options {
        $0.threadCount = threadCount
        $0.ahead = ahead
      }, endEpoch: 3)
    #expect(got.count == expected.count && zip(got, expected).allSatisfy { $0 == $1 })
  }

  @Test(arguments: [0, 2]) func beginsAnywhere(threadCount: Int) throws {
    let source = NumberSource(count: 13)
    let options = options {
      $0.threadCount = threadCount
      $0.keepsRemainder = true
    }
    let all = try batches(source, options, endEpoch: 3)
    #expect(all.count == 12 && all[3].indices.count == 1 && all[3].input.shape == [1, 1, 2, 3])
    for start in 0...all.count {
      let rest = try batches(source, options, epoch: start / 4, step: start % 4, endEpoch: 3)
      #expect(rest == Array(all[start...]))
    }
  }

  @Test func orderOfTheSource() throws {
    let all = try batches(
      NumberSource(count: 10),
      options {
        $0.shuffles = false
        $0.keepsRemainder = true
      }, endEpoch: 1)
    #expect(all.map(\.indices) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
  }

  @Test func otherSeedsMakeOtherOrders() throws {
    let first = try batches(NumberSource(count: 64), options(), endEpoch: 1).flatMap(\.indices)
    let other = try batches(NumberSource(count: 64), options { $0.seed = 12 }, endEpoch: 1).flatMap(\.indices)
    #expect(first != other)
  }

  @Test func isMadeAheadUpToABound() throws {
    let source = NumberSource(count: 400)
    let loader = try BatchLoader(
      source,
      options: options {
        $0.threadCount = 2
        $0.ahead = 3
      })
    // The threads fill what there is room for, and stop there.
    var last = -1, quiet = 0
    while quiet < 20 {
      quiet = source.madeCount.count == last ? quiet + 1 : 0
      last = source.madeCount.count
      let end = ContinuousClock.now + .milliseconds(5)
      while ContinuousClock.now < end {}
    }
    #expect(last == 12)
    _ = try loader.next()
    _ = try loader.next()
    #expect(source.madeCount.count <= 20)
    #expect(loader.waited.batches == 2 && loader.waited.seconds >= loader.waited.last && loader.waited.last >= 0)
  }

  @Test func waitingIsMeasured() throws {
    let slow = NumberSource(count: 64, delay: .milliseconds(2))
    let loader = try BatchLoader(slow, options: options { $0.threadCount = 0 })
    let start = ContinuousClock.now
    for _ in 0..<8 { _ = try loader.next() }
    let passed = (ContinuousClock.now - start).components
    let seconds = Double(passed.seconds) + 1e-18 * Double(passed.attoseconds)
    // All the time went there.
    #expect(loader.waited.seconds > 0.9 * seconds && loader.waited.seconds <= seconds)
  }

  @Test(arguments: [0, 3]) func damagedSamplesStopTheWork(threadCount: Int) throws {
    let source = NumberSource(count: 40, damaged: [7, 23])
    let options = options { $0.threadCount = threadCount }
    let loader = try BatchLoader(source, options: options, endEpoch: 1)
    let order = try batches(NumberSource(count: 40), options, endEpoch: 1).map(\.indices)
    let first = try #require(order.firstIndex { $0.contains(7) || $0.contains(23) })
    for _ in 0..<first { #expect(try loader.next() != nil) }
    let name = try #require(order[first].first { $0 == 7 || $0 == 23 })
    for _ in 0..<2 { #expect(throws: DataError.image(.unknownFormat(name: "\(name).png"))) { try loader.next() } }
  }

  @Test(arguments: [0, 1, 3]) func damagedSamplesAreReplaced(threadCount: Int) throws {
    let source = NumberSource(count: 40, damaged: [7, 8, 39])
    let loader = try BatchLoader(
      source,
      options: options {
        $0.threadCount = threadCount
        $0.damaged = .skip
      }, endEpoch: 1)
    var targets: [(asked: Int, got: Int)] = []
    while let batch = try loader.next() {
      for (slot, index) in batch.indices.enumerated() { targets.append((index, Int(batch.target.floats[2 * slot + 1]))) }
    }
    for (asked, got) in targets { #expect(got == (asked == 7 || asked == 8 ? 9 : asked == 39 ? 0 : asked)) }
    let lines = [39, 7, 8].map {
      "'\($0).png': not a picture that is read here; give one of PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, HEIC, JPEG XL"
    }
    #expect(loader.skipped.map(\.reason) == lines)
  }

  @Test func nothingThatCanBeRead() throws {
    let source = NumberSource(count: 4, damaged: [0, 1, 2, 3])
    let loader = try BatchLoader(source, options: options { $0.damaged = .skip })
    #expect { try loader.next() } throws: { "\($0)".hasPrefix("none of 4 samples can be read; the first: '") }
  }

  @Test func samplesOfSeveralShapes() throws {
    let loader = try BatchLoader(
      NumberSource(count: 4, oddIndex: 2), options: options { $0.shuffles = false })
    #expect(throws: DataError.sampleShapes([1, 2, 3], [6])) { try loader.next() }
  }

  @Test func optionsOutOfRange() {
    for change: (inout BatchLoader.Options) -> Void in [
      { $0.batchSize = 0 }, { $0.batchSize = 11 }, { $0.threadCount = -1 }, { $0.ahead = 0 },
    ] {
      #expect(throws: DataError.self) { try BatchLoader(NumberSource(count: 10), options: options(change)) }
    }
    #expect(throws: DataError.self) { try BatchLoader(NumberSource(count: 10), options: options(), step: 3) }
    #expect(throws: DataError.self) { try BatchLoader(NumberSource(count: 0), options: options()) }
  }

  @Test func endsInTheMiddleWithoutWaitingForAll() throws {
    for _ in 0..<20 {
      let loader = try BatchLoader(
        NumberSource(count: 1000, delay: .microseconds(100)),
        options: options {
          $0.threadCount = 3
          $0.ahead = 4
        })
      _ = try loader.next()
    }
  }

  @Test func smallSetsAreWarnedOf() {
    #expect(BatchLoader.warnings(of: NumberSource(count: 10), batchSize: 4).count == 1)
    #expect(BatchLoader.warnings(of: NumberSource(count: 16), batchSize: 4).isEmpty)
  }
}
