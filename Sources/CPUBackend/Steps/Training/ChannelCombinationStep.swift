import CKernels
import Execution
import Networks

/// A sum of values, each times a number of its channel, and a number of the channel: one pass. The numbers follow from values, too.
final class ChannelCombinationStep: Step {
  enum Kind: Hashable {
    /// x · v, of x and v.
    case product
    /// (x - mean) / √(variance + epsilon) · weight + bias, of x, moments, weight and bias.
    case normalization(epsilon: Float)
    /// weight / √(variance + epsilon) · (g - s₀ / M - x̂ · s₁ / M), of g, x, moments, sums and weight.
    case normalizationGradient(epsilon: Float)
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
    kernel = table.kernel(.channelCombination, .float32, .float32)
  }

  private var imageCount: Int { if case .normalizationGradient = kind { 2 } else { 1 } }

  var isLight: Bool { true }
  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.elementwise) }
  var rowCount: Int { output.height }
  // The vectors have other images than the batch has.
  func readsWhole(_ index: Int) -> Bool { index >= imageCount }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { index < imageCount ? rows : 0..<inputs[index].height }
  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }
  var scratchByteCount: Int { ScratchCursor.byteCount { factors(&$0) } }

  private func factors(_ cursor: inout ScratchCursor) -> [UnsafeMutablePointer<Float>?] {
    [cursor.floats(output.storedChannels), cursor.floats(output.storedChannels), cursor.floats(output.storedChannels)]
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let stored = output.storedChannels
    guard let a = cursor.floats(stored), let b = cursor.floats(stored), let shift = cursor.floats(stored) else { return }
    fill(a, b, shift, memory)
    let hasSecond = imageCount == 2, hasShift = kind != .product
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      kernel.channelCombination(
        memory[reads[0]].row(image, y), inputs[0].bytesPerPixel, a,
        hasSecond ? UnsafeRawPointer(memory[reads[1]].row(image, y)) : nil, hasSecond ? inputs[1].bytesPerPixel : 0, b,
        hasShift ? shift : nil, memory[writes].row(image, y), output.bytesPerPixel, output.width, stored)
    }
  }

  private func fill(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, _ shift: UnsafeMutablePointer<Float>,
    _ memory: RunMemory
  ) {
    let channels = output.channels
    for factors in [a, b, shift] { factors.update(repeating: 0, count: output.storedChannels) }
    func row(_ index: Int, _ row: Int = 0) -> UnsafeMutablePointer<Float> { memory[reads[index]].floats(row, 0) }
    switch kind {
    case .product: a.update(from: row(1), count: channels)
    case .normalization(let epsilon):
      let mean = row(1), variance = row(1, 1), weight = row(2), bias = row(3)
      for channel in 0..<channels {
        a[channel] = weight[channel] / (variance[channel] + epsilon).squareRoot()
        shift[channel] = bias[channel] - mean[channel] * a[channel]
      }
    case .normalizationGradient(let epsilon):
      let mean = row(2), variance = row(2, 1), first = row(3), second = row(3, 1), weight = row(4)
      let count = Float(output.batch * output.height * output.width)
      for channel in 0..<channels {
        let factor = 1 / (variance[channel] + epsilon).squareRoot()
        a[channel] = weight[channel] * factor
        b[channel] = -a[channel] * factor * second[channel] / count
        shift[channel] = -a[channel] * first[channel] / count - b[channel] * mean[channel]
      }
    }
  }
}
