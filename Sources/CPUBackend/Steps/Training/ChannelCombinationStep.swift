import CKernels
import Execution
import Networks

/// A sum of values, each times a number of its channel, and a number of the channel: one pass. The numbers follow from values, too.
final class ChannelCombinationStep: Step {
  enum Kind: Hashable {
    /// x · v, of x and v.
    case product
    /// (x - mean) / √(variance + epsilon) · weight + bias and an epilogue, of x, what that adds, moments, weight and bias.
    case normalization(epsilon: Float, CanonicalEpilogue)
    /// weight / √(variance + epsilon) · (g - s₀ / M - x̂ · s₁ / M), of g, x, moments, sums and weight; behind a ReLU also of the bias.
    case normalizationGradient(epsilon: Float, rectifies: Bool)
  }

  let node: String
  let reads: [Int]
  let writes: Int
  private let kind: Kind
  private let inputs: [ValueLayout]
  private let output: ValueLayout
  private let kernel: Kernel

  /// The images are interleaved float32; of the others each row lies in a row.
  init(
    node: String, _ kind: Kind, _ inputs: [(value: Int, layout: ValueLayout)], output: (value: Int, layout: ValueLayout),
    table: KernelTable
  ) {
    self.node = node
    self.kind = kind
    reads = inputs.map(\.value)
    writes = output.value
    self.inputs = inputs.map(\.layout)
    self.output = output.layout
    let family: Kernel.Family = if case .normalization = kind { .elementwise } else { .channelCombination }
    kernel = table.kernel(family, .float32, .float32)
  }

  private var imageCount: Int {
    switch kind {
    case .product: 1
    case .normalization(_, let epilogue): epilogue.adds ? 2 : 1
    case .normalizationGradient: 2
    }
  }

  var isLight: Bool { true }
  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.elementwise) }
  var rowCount: Int { output.height }
  // The vectors have other images than the batch has.
  func readsWhole(_ index: Int) -> Bool { index >= imageCount }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { index < imageCount ? rows : 0..<inputs[index].height }
  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }
  var scratchByteCount: Int { ScratchCursor.byteCount { factors(&$0) } }

  private struct Factors {
    var a, b, shift: UnsafeMutablePointer<Float>?
    var maskFactor, maskShift: UnsafeMutablePointer<Float>?
  }

  private func factors(_ cursor: inout ScratchCursor) -> Factors {
    let stored = output.storedChannels
    var factors = Factors(a: cursor.floats(stored), b: cursor.floats(stored), shift: cursor.floats(stored))
    if case .normalizationGradient(_, rectifies: true) = kind {
      (factors.maskFactor, factors.maskShift) = (cursor.floats(stored), cursor.floats(stored))
    }
    return factors
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let factors = factors(&cursor), stored = output.storedChannels
    guard let a = factors.a, let b = factors.b, let shift = factors.shift else { return }
    let pointers = [a, b, shift, factors.maskFactor, factors.maskShift]
    for pointer in pointers { pointer?.update(repeating: 0, count: stored) }
    fill(factors, memory)
    let first = inputs[0], second = imageCount == 2 ? inputs[1] : nil
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let from = memory[reads[0]].row(image, y), other = second == nil ? nil : memory[reads[1]].row(image, y)
      let to = memory[writes].row(image, y)
      if case .normalization(_, let steps) = kind {
        var epilogue = sw_epilogue(
          bias: UnsafePointer(shift), before: EpilogueParameters.activation(steps.before, shift), scale: steps.scale,
          after: EpilogueParameters.activation(steps.after, shift), integers: sw_integers())
        kernel.elementwise(
          from, first.bytesPerPixel, a, other, second?.bytesPerPixel ?? 0, to, output.bytesPerPixel, output.width, stored,
          &epilogue)
      } else {
        kernel.channelCombination(
          from, first.bytesPerPixel, a, other, second?.bytesPerPixel ?? 0, b, kind == .product ? nil : shift,
          factors.maskFactor,
          factors.maskShift, to, output.bytesPerPixel, output.width, stored)
      }
    }
  }

  /// What follows from the vectors; what there is of padding stays 0.
  private func fill(_ factors: Factors, _ memory: RunMemory) {
    guard let a = factors.a, let b = factors.b, let shift = factors.shift else { return }
    let channels = output.channels, vectors = imageCount
    /// The rows of the operands behind the images.
    func row(_ index: Int, _ row: Int = 0) -> UnsafeMutablePointer<Float> { memory[reads[vectors + index]].floats(row, 0) }
    switch kind {
    case .product: a.update(from: row(0), count: channels)
    case .normalization(let epsilon, _):
      BatchAffine(moments: (row(0), row(0, 1)), weight: row(1), bias: row(2), epsilon: epsilon).fill(a, shift, count: channels)
    case .normalizationGradient(let epsilon, _):
      let mean = row(0), variance = row(0, 1), first = row(1), second = row(1, 1), weight = row(2)
      let count = Float(output.batch * output.height * output.width)
      for channel in 0..<channels {
        let factor = 1 / (variance[channel] + epsilon).squareRoot()
        a[channel] = weight[channel] * factor
        b[channel] = -a[channel] * factor * second[channel] / count
        shift[channel] = -a[channel] * first[channel] / count - b[channel] * mean[channel]
      }
      if let maskFactor = factors.maskFactor, let maskShift = factors.maskShift {
        BatchAffine(moments: (mean, variance), weight: weight, bias: row(3), epsilon: epsilon)
          .fill(maskFactor, maskShift, count: channels)
      }
    }
  }
}

/// What a batch norm does to each channel, x · factor + shift: the same bits wherever it is worked out.
struct BatchAffine {
  /// Mean and variance.
  var moments: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)
  var weight: UnsafeMutablePointer<Float>
  var bias: UnsafeMutablePointer<Float>
  var epsilon: Float

  func fill(_ factor: UnsafeMutablePointer<Float>, _ shift: UnsafeMutablePointer<Float>, count: Int) {
    for channel in 0..<count {
      factor[channel] = weight[channel] / (moments.1[channel] + epsilon).squareRoot()
      shift[channel] = bias[channel] - moments.0[channel] * factor[channel]
    }
  }
}
