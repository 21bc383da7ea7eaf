import Execution
import Networks

/// The gradient of the weight of a convolution in groups of several channels, which few networks have: plain loops, a task for each output channel.
final class GroupedWeightGradientStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  let kernelNames = ["grouped_weight_gradient"]
  private let payload: Convolution
  private let x: ValueLayout
  private let g: ValueLayout
  private let output: ValueLayout

  /// x and g are interleaved; float32.
  init(
    node: String, _ payload: Convolution, x: (value: Int, layout: ValueLayout), g: (value: Int, layout: ValueLayout),
    output: (value: Int, layout: ValueLayout)
  ) {
    self.node = node
    self.payload = payload
    reads = [x.value, g.value]
    writes = output.value
    self.x = x.layout
    self.g = g.layout
    self.output = output.layout
  }

  var work: Work { Work(.gatheredProducts, isVectorised: false) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  var takesWholeBatch: Bool { true }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<(index == 0 ? x : g).height }
  var scratchByteCount: Int { 0 }
  func taskCount(_ region: WorkRegion) -> Int { payload.outChannels }

  func perform(_ channel: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let inputs = payload.inChannels / payload.groups, group = channel / (payload.outChannels / payload.groups)
    for u in 0..<payload.kernel.height {
      let to = memory[writes].floats(channel, u)
      for v in 0..<payload.kernel.width {
        for input in 0..<inputs {
          to[v * output.floats.pixel + input * output.floats.channel] = sum(
            memory, channel: channel, input: group * inputs + input, u: u, v: v)
        }
        if output.order == .interleaved { output.clearPadding(to + v * output.floats.pixel) }
      }
    }
  }

  private func sum(_ memory: RunMemory, channel: Int, input: Int, u: Int, v: Int) -> Float {
    let top = u * payload.dilation.height - payload.padding.top, left = v * payload.dilation.width - payload.padding.left
    let columns = WeightProducts.inside(0..<g.width, stride: payload.stride.width, offset: left, extent: x.width)
    var total: Float = 0
    for image in 0..<g.batch {
      for y in WeightProducts.inside(0..<g.height, stride: payload.stride.height, offset: top, extent: x.height) {
        let gradient = memory[reads[1]].floats(image, y) + channel
        let from = memory[reads[0]].floats(image, y * payload.stride.height + top) + input
        var row: Float = 0
        for column in columns {
          row += gradient[column * g.floats.pixel] * from[(column * payload.stride.width + left) * x.floats.pixel]
        }
        total += row
      }
    }
    return total
  }
}
