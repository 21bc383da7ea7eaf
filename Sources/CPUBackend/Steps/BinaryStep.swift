import CKernels
import Execution
import Networks

/// A function of two values, the smaller repeated along the axes where its extent is 1.
final class BinaryStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let kind: sw_binary_kind
  private let operands: [ValueLayout]
  private let output: ValueLayout
  private let kernel: Kernel

  /// Of an interleaved result an operand is interleaved, or has one channel and is planar; of a planar one all are planar.
  init(
    node: String, _ function: BinaryFunction, _ operands: [(value: Int, layout: ValueLayout)],
    output: (value: Int, layout: ValueLayout), table: KernelTable
  ) {
    self.node = node
    reads = operands.map(\.value)
    self.operands = operands.map(\.layout)
    writes = output.value
    self.output = output.layout
    kernel = table.kernel(.binary, output.layout.element, output.layout.element)
    kind =
      switch function {
      case .add: SW_BINARY_ADD
      case .subtract: SW_BINARY_SUBTRACT
      case .multiply: SW_BINARY_MULTIPLY
      case .divide: SW_BINARY_DIVIDE
      case .minimum: SW_BINARY_MINIMUM
      case .maximum: SW_BINARY_MAXIMUM
      case .power: SW_BINARY_POWER
      case .mask: SW_BINARY_MASK
      case .equal: SW_BINARY_EQUAL
      case .less: SW_BINARY_LESS
      case .lessOrEqual: SW_BINARY_LESS_OR_EQUAL
      }
  }

  var isLight: Bool { true }
  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.elementwise) }
  var rowCount: Int { output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { operands[index].height == 1 ? 0..<1 : rows }
  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }
  var scratchByteCount: Int { 0 }

  /// The row of an operand that meets row `y`, of one channel where planar.
  private func operand(_ index: Int, _ memory: RunMemory, image: Int, y: Int, channel: Int) -> sw_operand {
    let layout = operands[index]
    var base = memory[reads[index]].row(layout.batch == 1 ? 0 : image, layout.height == 1 ? 0 : y)
    if layout.order == .planar, layout.channels > 1 { base += layout.byteOffset(channel: channel) }
    return sw_operand(
      base: base, pixel: layout.width == 1 ? 0 : layout.bytesPerPixel, repeats_channel: layout.order == .planar ? 1 : 0)
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let binary = kernel.binary
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let to = memory[writes].row(image, y)
      switch output.order {
      case .interleaved:
        var a = operand(0, memory, image: image, y: y, channel: 0), b = operand(1, memory, image: image, y: y, channel: 0)
        binary(kind, &a, &b, output.width, output.storedChannels, to, output.bytesPerPixel)
        // 0 / 0, powers: padding lanes meet zero weights and must be finite.
        if kind == SW_BINARY_DIVIDE || kind == SW_BINARY_POWER, output.channels < output.storedChannels {
          for x in 0..<output.width { output.clearPadding(to + x * output.bytesPerPixel) }
        }
      case .planar:
        for channel in 0..<output.channels {
          var a = operand(0, memory, image: image, y: y, channel: channel)
          var b = operand(1, memory, image: image, y: y, channel: channel)
          binary(kind, &a, &b, output.width, 0, to + output.byteOffset(channel: channel), output.bytesPerPixel)
        }
      }
    }
  }
}
