import Execution
import Networks

/// Elements left out at random: the number of each follows from its place alone.
final class DropoutStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let payload: Dropout
  private let input: ValueLayout
  private let output: ValueLayout
  let kernelNames = ["dropout"]

  /// Both images are interleaved float32, or both planar; behind the input comes the step.
  init(
    node: String, _ payload: Dropout, input: (value: Int, layout: ValueLayout), step: Int,
    output: (value: Int, layout: ValueLayout)
  ) {
    self.node = node
    self.payload = payload
    reads = [input.value, step]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
  }

  var isLight: Bool { true }
  var takesWholeBatch: Bool { true }
  var work: Work { Work(.elementwise, isVectorised: false) }
  var rowCount: Int { output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { index == 0 ? rows : 0..<1 }
  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }
  var scratchByteCount: Int { 0 }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let factor = payload.factors(step: memory[reads[1]].floats(0, 0)[0])
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let from = memory[reads[0]].floats(image, y), to = memory[writes].floats(image, y)
      for channel in 0..<output.channels {
        let first = ((image * output.channels + channel) * output.height + y) * output.width
        let (source, place) = (channel * input.floats.channel, channel * output.floats.channel)
        let (step, outputStep) = (input.floats.pixel, output.floats.pixel)
        for x in 0..<output.width { to[place + x * outputStep] = from[source + x * step] * factor(first + x) }
      }
      guard output.order == .interleaved else { continue }
      for x in 0..<output.width { output.clearPadding(to + x * output.floats.pixel) }
    }
  }
}
