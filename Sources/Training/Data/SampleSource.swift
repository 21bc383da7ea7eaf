import Tensors

/// What a network learns from at once: one input and what should come out of it, both float32 and without the axis of the batch.
public struct Sample: Equatable, Sendable {
  /// `[channels, height, width]` of pictures.
  public var input: Tensor
  /// Of the shape of the network's output; of classes `[classes]`. No elements where there is nothing to learn.
  public var target: Tensor

  public init(input: Tensor, target: Tensor) {
    self.input = input
    self.target = target
  }
}

/// What a sample depends on, and nothing else: neither the order in which samples are made nor the thread that makes them.
public struct SampleKey: Hashable, Sendable {
  /// Of the whole training.
  public var seed: UInt64
  /// From 0 on.
  public var epoch: Int
  /// Of the sample in its source.
  public var index: Int

  public init(seed: UInt64, epoch: Int, index: Int) {
    self.seed = seed
    self.epoch = epoch
    self.index = index
  }

  /// The random numbers of this sample: those of keys that differ in anything have nothing in common.
  package var generator: SplitMix64 { SplitMix64(mixing: [seed, UInt64(epoch), UInt64(index)]) }
}

/// A set of samples to learn from.
public protocol SampleSource: Sendable {
  /// The samples of an epoch.
  var count: Int { get }

  /// The sample of a key whose index is below `count`: the same key gives the same bits, on any thread.
  func sample(_ key: SampleKey) throws(DataError) -> Sample

  /// The files that samples are made of, for a fingerprint of the data.
  var files: [DataFile] { get }

  /// What makes the set a poor one to learn from, a line each.
  var warnings: [String] { get }
}

extension SplitMix64 {
  /// A generator for numbers that stand for something: unlike seeds that follow each other, they are mixed one after the other.
  package init(mixing numbers: [UInt64]) {
    var state: UInt64 = 0
    for number in numbers {
      var mixed = SplitMix64(seed: state ^ number)
      state = mixed.next()
    }
    self.init(seed: state)
  }

  /// A number below `bound`, all equally likely. The library's own way to draw one may change; what is drawn here stays.
  ///
  /// - Source: Lemire, Fast Random Integer Generation in an Interval, 2019.
  package mutating func next(below bound: Int) -> Int {
    precondition(bound > 0, "there is no number below \(bound)")
    let bound = UInt64(bound)
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let least = (0 &- bound) % bound
      while product.low < least { product = next().multipliedFullWidth(by: bound) }
    }
    return Int(product.high)
  }

  /// A multiple of 2^-53 from [0, 1).
  package mutating func nextDouble() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number between two others.
  package mutating func next(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * nextDouble()
  }

  /// The numbers below `count`, each once, in random order.
  package mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for index in stride(from: count - 1, to: 0, by: -1) { order.swapAt(index, next(below: index + 1)) }
    return order
  }
}
