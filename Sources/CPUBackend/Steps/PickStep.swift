import CKernels
import Execution

/// Pixels whose channels are picked from those of other values, of the same size.
final class PickStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let output: ValueLayout
  private let kernel: Kernel
  private let picks: ConstantTable<sw_pick>
  /// Of each vector of an output pixel the end of its picks.
  private let ends: ConstantTable<Int32>
  /// Of each input.
  private let bytesPerPixel: ConstantTable<Int>

  /// - Parameters:
  ///   - inputs: interleaved, as the output.
  ///   - channels: for each output channel the input and its channel.
  init(
    node: String, inputs: [(value: Int, layout: ValueLayout)], channels: [(input: Int, channel: Int)],
    output: (value: Int, layout: ValueLayout), table: KernelTable
  ) {
    self.node = node
    reads = inputs.map(\.value)
    writes = output.value
    self.output = output.layout
    kernel = table.kernel(.pick, output.layout.element, output.layout.element)
    let lanes = table.instructionSet.lanes
    var picks: [sw_pick] = [], ends: [Int32] = []
    for first in stride(from: 0, to: output.layout.storedChannels, by: lanes) {
      // From each place in memory as many lanes as it has.
      var left = Array(first..<min(first + lanes, max(channels.count, first)))
      while let next = left.min(by: { channels[$0] < channels[$1] }) {
        let (input, channel) = channels[next]
        let start = min(channel, inputs[input].layout.storedChannels - lanes)
        func isThere(_ index: Int) -> Bool {
          channels[index].input == input && (start..<start + lanes).contains(channels[index].channel)
        }
        var pick = sw_pick()
        pick.input = Int32(input)
        pick.first = Int32(start)
        withUnsafeMutableBytes(of: &pick.lanes) { bytes in
          let lanes = bytes.bindMemory(to: Int32.self)
          for lane in lanes.indices { lanes[lane] = -1 }
          for index in left where isThere(index) { lanes[index - first] = Int32(channels[index].channel - start) }
        }
        picks.append(pick)
        left.removeAll(where: isThere)
      }
      ends.append(Int32(picks.count))
    }
    self.picks = ConstantTable(picks)
    self.ends = ConstantTable(ends)
    bytesPerPixel = ConstantTable(inputs.map(\.layout.bytesPerPixel))
  }

  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.movement) }
  var rowCount: Int { output.height }
  var isLight: Bool { true }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { rows }
  var tableByteCount: Int { picks.count * MemoryLayout<sw_pick>.stride }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.pointers(reads.count) } }

  private func tasks(_ region: WorkRegion) -> RowTasks { RowTasks(region) }
  func taskCount(_ region: WorkRegion) -> Int { tasks(region).count }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(scratch)
    guard let rows = cursor.pointers(reads.count) else { return }
    for n in tasks(region).range(task) {
      let (image, y) = region.place(n)
      for index in reads.indices { rows[index] = UnsafeRawPointer(memory[reads[index]].row(image, y)) }
      var arguments = sw_pick_arguments(
        in: rows, in_pixel: bytesPerPixel.elements, picks: picks.elements, ends: ends.elements, vectors: ends.count,
        count: output.width, out: memory[writes].row(image, y), out_pixel: output.bytesPerPixel)
      kernel.pick(&arguments)
    }
  }
}
