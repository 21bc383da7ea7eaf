import CKernels
import Execution
import Networks

/// Activation, scale, per-channel multiplier and shift, addition: one pass over a value, in either layout.
final class ElementwiseStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let layout: ValueLayout
  private let inputPixel: Int
  private let outputPixel: Int
  private let residualPixel: Int
  private let multiplier: Pack?
  private let epilogue: EpilogueParameters
  private let kernel: Kernel
  private let clearsPadding: Bool

  /// - Parameters:
  ///   - multiplier: one value a channel.
  ///   - residual: a value of the same order.
  ///   - clearsPadding: for functions that make no finite number of some: padding lanes meet zero weights.
  init(
    node: String, input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout), table: KernelTable,
    packs: PackStore,
    multiplier: ParameterTensor? = nil, bias: ParameterTensor? = nil, slopes: ParameterTensor? = nil,
    epilogue: CanonicalEpilogue, residual: (value: Int, layout: ValueLayout)? = nil, clearsPadding: Bool = false
  ) {
    self.node = node
    reads = [input.value] + (residual.map { [$0.value] } ?? [])
    writes = output.value
    let layout = output.layout
    self.layout = layout
    inputPixel = input.layout.bytesPerPixel
    outputPixel = layout.bytesPerPixel
    residualPixel = residual?.layout.bytesPerPixel ?? 0
    let order = (0..<paddedChannels(layout.channels)).map { $0 < layout.channels ? $0 : nil }
    self.multiplier = multiplier.map { packs.pack(ChannelPack(values: $0, order: order)) }
    self.epilogue = EpilogueParameters(epilogue, order: order, bias: bias, slopes: slopes, packs: packs)
    kernel = table.kernel(.elementwise, input.layout.element, layout.element)
    self.clearsPadding = clearsPadding && layout.channels < layout.storedChannels
  }

  var isLight: Bool { true }
  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.elementwise) }
  var rowCount: Int { layout.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { rows }

  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }
  var scratchByteCount: Int { 0 }
  var packs: [Pack] { epilogue.packs + (multiplier.map { [$0] } ?? []) }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let input = memory[reads[0]], output = memory[writes], residual = reads.count > 1 ? memory[reads[1]] : nil
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let from = input.row(image, y), to = output.row(image, y), added = residual?.row(image, y)
      switch layout.order {
      case .interleaved:
        withUnsafePointer(to: epilogue.structure) { epilogue in
          kernel.elementwise(
            from, inputPixel, multiplier.map { UnsafePointer($0.floats) }, added, residualPixel, to, outputPixel, layout.width,
            layout.storedChannels, epilogue)
        }
        if clearsPadding { for x in 0..<layout.width { layout.clearPadding(to + x * outputPixel) } }
      case .planar:
        for channel in 0..<layout.channels {
          let offset = layout.byteOffset(channel: channel)
          var shifted = epilogue.structure
          shifted.move(by: channel)
          kernel.elementwise(
            from + offset, 4, multiplier.map { UnsafePointer($0.floats + channel) }, added.map { $0 + offset }, 4, to + offset,
            4,
            layout.width, 0, &shifted)
        }
      }
    }
  }
}
