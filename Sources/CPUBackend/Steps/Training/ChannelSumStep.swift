import CKernels
import Execution
import Networks

/// Sums over the pixels of a run for each channel: of a value, what batch normalisation takes of the batch, what its gradient needs.
///
/// The output has a row for each run of rows, of one pixel for each sum; `ChannelTotalStep` adds them.
final class ChannelSumStep: RunSumStep {
  enum Kind: Hashable {
    /// Σ x
    case sum
    /// The mean, and the sum of the squares of the differences from it.
    case moments
    /// Σ g and Σ g · (x - mean), of g, x and moments of the batch; behind a ReLU also of weight and bias, and of g where it lets pass.
    case gradientSums(epsilon: Float, rectifies: Bool)

    var count: Int { self == .sum ? 1 : 2 }
    fileprivate var isOfGradients: Bool { if case .gradientSums = self { true } else { false } }
  }

  let node: String
  let reads: [Int]
  let writes: Int
  let runs: RowRuns
  private let kind: Kind
  private let inputs: [ValueLayout]
  private let sum: Kernel
  private let products: Kernel
  private let stored: Int

  /// - Parameter inputs: interleaved float32, but for moments, weight and bias, whose rows each lie in a row.
  init(
    node: String, _ kind: Kind, _ inputs: [(value: Int, layout: ValueLayout)], _ runs: RowRuns, output: Int, table: KernelTable
  ) {
    self.node = node
    self.kind = kind
    self.runs = runs
    reads = inputs.map(\.value)
    writes = output
    self.inputs = inputs.map(\.layout)
    sum = table.kernel(.sum, .float32, .float32)
    products = table.kernel(.channelProducts, .float32, .float32)
    stored = inputs[0].layout.storedChannels
  }

  /// The rows of an image that sums are taken of.
  static func runs(of image: ValueLayout) -> RowRuns {
    RowRuns(height: image.height, bytesPerRow: image.width * image.pixelByteCount)
  }

  var kernelNames: [String] { kind == .sum ? [sum.name] : kind == .moments ? [sum.name, products.name] : [products.name] }
  var work: Work { Work(.reduction) }
  func readsWhole(_ index: Int) -> Bool { kind.isOfGradients && index >= 2 }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    readsWhole(index) ? 0..<inputs[index].height : runs.rows(of: rows)
  }
  var scratchByteCount: Int { ScratchCursor.byteCount { vectors(&$0) } }

  private struct Vectors {
    var mean: UnsafeMutablePointer<Float>?
    var maskFactor, maskShift: UnsafeMutablePointer<Float>?
  }

  private func vectors(_ cursor: inout ScratchCursor) -> Vectors {
    var vectors = Vectors(mean: cursor.floats(stored))
    if case .gradientSums(_, rectifies: true) = kind {
      (vectors.maskFactor, vectors.maskShift) = (cursor.floats(stored), cursor.floats(stored))
    }
    return vectors
  }

  /// Fills what gradients take of the batch; padding stays 0.
  private func fill(_ vectors: Vectors, _ memory: RunMemory) {
    guard case .gradientSums(let epsilon, _) = kind, let mean = vectors.mean else { return }
    let channels = inputs[0].channels
    mean.update(repeating: 0, count: stored)
    mean.update(from: memory[reads[2]].floats(0, 0), count: channels)
    guard let factor = vectors.maskFactor, let shift = vectors.maskShift else { return }
    for vector in [factor, shift] { vector.update(repeating: 0, count: stored) }
    BatchAffine(
      moments: (mean, memory[reads[2]].floats(1, 0)), weight: memory[reads[3]].floats(0, 0),
      bias: memory[reads[4]].floats(0, 0),
      epsilon: epsilon
    ).fill(factor, shift, count: channels)
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let vectors = vectors(&cursor), first = inputs[0], width = first.width
    fill(vectors, memory)
    var reader = RowReader(memory[reads[0]], first),
      second = kind.isOfGradients ? RowReader(memory[reads[1]], inputs[1]) : reader
    forEachRun(task, of: region, memory, sumCount: kind.count * stored) { image, rows, sums in
      func add(_ y: Int) {
        reader.read(image, y..<y + 1)
        sum.sum(memory[reads[0]].row(image, y), first.bytesPerPixel, width, stored, sums)
      }
      switch kind {
      case .sum: for y in rows { add(y) }
      case .moments:
        for y in rows { add(y) }
        let share = 1 / Float(rows.count * width)
        for channel in 0..<stored { sums[channel] *= share }
        for y in rows {
          products.channelProducts(
            nil, 0, memory[reads[0]].row(image, y), first.bytesPerPixel, sums, nil, nil, width, stored, nil, sums + stored)
        }
      case .gradientSums:
        // The mean is taken off before: Σ g · x - mean · Σ g would lose bits.
        for y in rows {
          reader.read(image, y..<y + 1)
          second.read(image, y..<y + 1)
          products.channelProducts(
            memory[reads[0]].row(image, y), first.bytesPerPixel, memory[reads[1]].row(image, y), inputs[1].bytesPerPixel,
            vectors.mean, vectors.maskFactor, vectors.maskShift, width, stored, sums, sums + stored)
        }
      }
    }
  }
}

/// Adds what runs of rows came to, one after the other, and makes of it what is wanted of the channels.
final class ChannelTotalStep: Step {
  enum Kind: Hashable {
    case sum
    /// The mean, the mean of the squares of the differences from it, and that with one element less counted: rows of the output.
    case moments
    /// Σ g and Σ g · (x - mean) / √(variance + epsilon): rows of the output.
    case gradientSums(epsilon: Float)
  }

  let node: String
  let reads: [Int]
  let writes: Int
  let kernelNames = ["total"]
  private let kind: Kind
  private let sums: ValueLayout
  private let output: ValueLayout
  private let runs: RowRuns
  /// Of a row of the image.
  private let width: Int

  private static let channelsPerTask = 64

  /// - Parameter moments: for `gradientSums`.
  init(
    node: String, _ kind: Kind, sums: (value: Int, layout: ValueLayout), _ runs: RowRuns, width: Int, moments: Int? = nil,
    output: (value: Int, layout: ValueLayout)
  ) {
    self.node = node
    self.kind = kind
    self.runs = runs
    self.width = width
    reads = [sums.value] + (moments.map { [$0] } ?? [])
    writes = output.value
    self.sums = sums.layout
    self.output = output.layout
  }

  var work: Work { Work(.reduction) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  var takesWholeBatch: Bool { true }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { index == 0 ? 0..<sums.height : 0..<1 }
  func taskCount(_ region: WorkRegion) -> Int { (sums.storedChannels + Self.channelsPerTask - 1) / Self.channelsPerTask }
  var scratchByteCount: Int { ScratchCursor.byteCount { (cursor: inout ScratchCursor) in totals(&cursor) } }

  private func totals(
    _ cursor: inout ScratchCursor
  ) -> (first: UnsafeMutablePointer<Float>?, second: UnsafeMutablePointer<Float>?) {
    (cursor.floats(Self.channelsPerTask), cursor.floats(Self.channelsPerTask))
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let totals = totals(&cursor)
    guard let first = totals.first, let second = totals.second else { return }
    let start = task * Self.channelsPerTask, stored = sums.storedChannels, count = min(Self.channelsPerTask, stored - start)
    first.update(repeating: 0, count: count)
    second.update(repeating: 0, count: count)
    var pixels: Float = 0
    for image in 0..<sums.batch {
      for run in 0..<runs.count {
        let from = memory[reads[0]].floats(image, run) + start
        switch kind {
        case .sum: for channel in 0..<count { first[channel] += from[channel] }
        case .gradientSums:
          for channel in 0..<count { first[channel] += from[channel] }
          for channel in 0..<count { second[channel] += from[stored + channel] }
        case .moments:
          // Means and squares of two sets of pixels make those of both.
          let more = Float(runs.rows(run).count * width), share = more / (pixels + more), weight = pixels * share
          for channel in 0..<count {
            let distance = from[channel] - first[channel]
            first[channel] += distance * share
            second[channel] += from[stored + channel] + distance * distance * weight
          }
          pixels += more
        }
      }
    }
    let to = memory[writes]
    func store(_ values: UnsafeMutablePointer<Float>, row: Int) {
      let place = to.floats(row, 0)
      (place + start).update(from: values, count: min(count, sums.channels - start))
      if output.order == .interleaved, task == taskCount(region) - 1 { output.clearPadding(place) }
    }
    switch kind {
    case .sum: store(first, row: 0)
    case .moments:
      store(first, row: 0)
      for channel in 0..<count { second[channel] /= pixels }
      store(second, row: 1)
      let correction = pixels / max(pixels - 1, 1)
      for channel in 0..<count { second[channel] *= correction }
      store(second, row: 2)
    case .gradientSums(let epsilon):
      store(first, row: 0)
      let variance = memory[reads[1]].floats(1, 0) + start
      for channel in 0..<min(count, sums.channels - start) {
        second[channel] /= (variance[channel] + epsilon).squareRoot()
      }
      store(second, row: 1)
    }
  }
}
