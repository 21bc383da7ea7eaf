import CKernels
import Networks

/// Activation, scale, per-channel multiplier and shift, addition: one pass over a value, in either layout.
final class ElementwiseStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let layout: ValueLayout
  private let multiplier: AlignedFloats?
  private let epilogue: EpilogueParameters
  private let kernel: Kernel
  /// Rows of an interleaved value, planes of a planar one.
  private let tasks: RowTasks

  /// - Parameters:
  ///   - multiplier: one value a channel.
  ///   - residual: a value of the same layout.
  init(
    node: String, input: Int, output: Int, layout: ValueLayout, table: KernelTable, threadCount: Int, multiplier: [Float]? = nil,
    bias: [Float]? = nil, slopes: [Float]? = nil, epilogue: CanonicalEpilogue, residual: Int? = nil
  ) {
    self.node = node
    reads = residual.map { [input, $0] } ?? [input]
    writes = output
    self.layout = layout
    let order = (0..<paddedChannels(layout.channels)).map { $0 < layout.channels ? $0 : nil }
    self.multiplier = multiplier.map { values in AlignedFloats(order.map { $0.map { values[$0] } ?? 0 }) }
    self.epilogue = EpilogueParameters(epilogue, order: order, bias: bias, slopes: slopes)
    kernel = table.kernel(.elementwise, rows: 1)
    tasks = RowTasks(
      rows: layout.order == .interleaved ? layout.batch * layout.height : layout.batch * layout.channels,
      threadCount: threadCount)
  }

  var kernelNames: [String] { [kernel.name] }
  var taskCount: Int { tasks.count }
  var scratchByteCount: Int { 0 }
  var constantByteCount: Int { epilogue.byteCount + (multiplier?.byteCount ?? 0) }

  func perform(_ task: Int, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let input = memory.read(reads[0]), output = memory.write(writes)
    let residual = reads.count > 1 ? memory.read(reads[1]) : nil
    let rows = tasks.range(task)
    switch layout.order {
    case .interleaved:
      let offset = rows.lowerBound * layout.rowStride
      withUnsafePointer(to: epilogue.structure) { epilogue in
        kernel.elementwise(
          input + offset, multiplier.map { UnsafePointer($0.base) }, residual.map { $0 + offset }, output + offset,
          rows.count * layout.width, layout.storedChannels, epilogue)
      }
    case .planar:
      for plane in rows {
        let channel = plane % layout.channels, offset = plane * layout.planeStride
        var shifted = epilogue.structure
        shifted.bias = shifted.bias.map { $0 + channel }
        shifted.before.slopes = shifted.before.slopes.map { $0 + channel }
        shifted.after.slopes = shifted.after.slopes.map { $0 + channel }
        kernel.elementwise(
          input + offset, multiplier.map { UnsafePointer($0.base + channel) }, residual.map { $0 + offset }, output + offset,
          layout.planeStride, 0, &shifted)
      }
    }
  }
}
