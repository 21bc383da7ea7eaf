import CKernels
import Execution
import Networks
import Tensors

/// A pass over the elements of one value or two of one shape and order, row by row.
protocol RowStep: Step {
  var layouts: [ValueLayout] { get }
  var output: ValueLayout { get }
  var kernel: Kernel { get }
}

extension RowStep {
  var isLight: Bool { true }
  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.elementwise) }
  var rowCount: Int { output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { rows }
  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }
  var scratchByteCount: Int { 0 }

  /// Calls its body for runs of elements: how many pixels there are, the bytes between those of each value, and the elements of each. Pixels that
  /// lie densely are one.
  @inline(__always)
  func forEachRun(
    _ task: Int, of region: WorkRegion, _ memory: RunMemory,
    _ body: (
      _ inputs: (UnsafeRawPointer, UnsafeRawPointer), _ output: UnsafeMutableRawPointer, _ pixels: Int, _ count: Int
    ) -> Void
  ) {
    let target = memory[writes], last = reads.count - 1, width = output.width
    let isDense = output.order == .interleaved && (layouts + [output]).allSatisfy { $0.bytesPerPixel == $0.pixelByteCount }
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let first = UnsafeRawPointer(memory[reads[0]].row(image, y)), second = UnsafeRawPointer(memory[reads[last]].row(image, y))
      let to = target.row(image, y)
      guard output.order == .planar else {
        body((first, second), to, isDense ? 1 : width, output.storedChannels * (isDense ? width : 1))
        continue
      }
      for channel in 0..<output.channels {
        body(
          (first + layouts[0].byteOffset(channel: channel), second + layouts[last].byteOffset(channel: channel)),
          to + output.byteOffset(channel: channel), 1, width)
      }
    }
  }
}

/// Integers of numbers.
final class QuantizeStep: RowStep {
  let node: String
  let reads: [Int]
  let writes: Int
  let layouts: [ValueLayout]
  let output: ValueLayout
  let kernel: Kernel
  private let payload: Quantize

  /// From float32; both values have the same order.
  init(
    node: String, _ payload: Quantize, input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout),
    table: KernelTable
  ) {
    self.node = node
    self.payload = payload
    reads = [input.value]
    writes = output.value
    layouts = [input.layout]
    self.output = output.layout
    kernel = table.kernel(.quantize, .float32, .uint8)
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    var stored = Requantization(payload.element, payload.quantization).stored
    let scale = payload.quantization.scale, quantize = kernel.quantize
    forEachRun(task, of: region, memory) { inputs, to, pixels, count in
      quantize(inputs.0, layouts[0].bytesPerPixel, scale, &stored, to, output.bytesPerPixel, pixels, count)
    }
  }
}

/// The numbers that integers stand for.
final class DequantizeStep: RowStep {
  let node: String
  let reads: [Int]
  let writes: Int
  let layouts: [ValueLayout]
  let output: ValueLayout
  let kernel: Kernel
  private let codes: Codes

  /// To float32; both values have the same order.
  init(
    node: String, _ codes: Codes, input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout),
    table: KernelTable
  ) {
    self.node = node
    self.codes = codes
    reads = [input.value]
    writes = output.value
    layouts = [input.layout]
    self.output = output.layout
    kernel = table.kernel(.dequantize, .uint8, .float32)
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    var scaled = codes.numbers
    let dequantize = kernel.dequantize
    forEachRun(task, of: region, memory) { inputs, to, pixels, count in
      dequantize(inputs.0, layouts[0].bytesPerPixel, &scaled, to, output.bytesPerPixel, pixels, count)
    }
  }
}

/// The sum of two values of integers, as integers.
final class CodeSumStep: RowStep {
  let node: String
  let reads: [Int]
  let writes: Int
  let layouts: [ValueLayout]
  let output: ValueLayout
  let kernel: Kernel
  private let scaled: [sw_scaled_codes]
  private let stored: sw_stored_codes

  /// All values have the same order.
  init(
    node: String, inputs: [(value: Int, layout: ValueLayout)], scaled: [sw_scaled_codes], stored: sw_stored_codes,
    output: (value: Int, layout: ValueLayout), table: KernelTable
  ) {
    self.node = node
    self.scaled = scaled
    self.stored = stored
    reads = inputs.map(\.value)
    layouts = inputs.map(\.layout)
    writes = output.value
    self.output = output.layout
    kernel = table.kernel(.codeSum, .uint8, .uint8)
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    var (first, second, stored) = (scaled[0], scaled[1], stored)
    let sum = kernel.codeSum
    forEachRun(task, of: region, memory) { inputs, to, pixels, count in
      sum(
        inputs.0, layouts[0].bytesPerPixel, &first, inputs.1, layouts[1].bytesPerPixel, &second, &stored, to,
        output.bytesPerPixel, pixels, count)
    }
  }
}

/// A table of bytes for bytes.
enum LookupTable: PackLayout {
  /// Signed bytes for unsigned ones, and back.
  case flip
  /// A parameter, whose first entry is that of the least integer.
  case parameter(ParameterTensor, flip: UInt8)

  var sources: [ParameterTensor] {
    switch self {
    case .flip: []
    case .parameter(let tensor, _): [tensor]
    }
  }
  var byteCount: Int { 256 }
  var partCount: Int { 1 }

  func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
    for index in 0..<256 {
      let byte: UInt8
      switch self {
      case .flip: byte = UInt8(index) ^ 0x80
      // The bytes of integers count from the least on, signed or not.
      case .parameter(_, let flip): byte = tensors[0].withUnsafeBytes { $0[index] } ^ flip
      }
      base.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
    }
  }
}

/// A function of integers as a table.
final class LookupStep: RowStep {
  let node: String
  let reads: [Int]
  let writes: Int
  let layouts: [ValueLayout]
  let output: ValueLayout
  let kernel: Kernel
  private let table: Pack

  /// Both values have the same order.
  init(
    node: String, table: LookupTable, input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout),
    kernels: KernelTable, packs: PackStore
  ) {
    self.node = node
    reads = [input.value]
    writes = output.value
    layouts = [input.layout]
    self.output = output.layout
    self.table = packs.pack(table)
    kernel = kernels.kernel(.lookup, .uint8, .uint8)
  }

  var packs: [Pack] { [table] }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let table = table.base.assumingMemoryBound(to: UInt8.self), lookup = kernel.lookup
    forEachRun(task, of: region, memory) { inputs, to, pixels, count in
      lookup(inputs.0, layouts[0].bytesPerPixel, table, to, output.bytesPerPixel, pixels, count)
    }
  }
}
