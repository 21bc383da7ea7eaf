import CKernels
import Execution
import Tensors

/// Elements fetched from strided places: transposition, slices of any axis, repeated axes.
///
/// Works on whole values, because any row of the result may look at any row and image of the input.
final class StridedStep: Step {
  /// An axis of the result, and what a step along it is in the input, in floats: 0 repeats.
  struct Axis {
    var extent: Int
    var stride: Int
  }

  let node: String
  let reads: [Int]
  let writes: Int
  let kernelNames: [String]
  private let offset: Int
  /// At least four: batch, channels, those that make up the rows, width.
  private let axes: [Axis]
  private let input: ValueLayout
  private let output: ValueLayout

  /// - Parameters:
  ///   - offset: of the first element in the input, in floats.
  ///   - axes: those of the result's shape, in order.
  init(
    node: String, name: String, offset: Int = 0, axes: [Axis], input: (value: Int, layout: ValueLayout),
    output: (value: Int, layout: ValueLayout)
  ) {
    self.node = node
    kernelNames = [name]
    self.offset = offset
    let one = Axis(extent: 1, stride: 0)
    let front = axes + Array(repeating: one, count: max(0, 2 - axes.count))
    let rows = front.count > 3 ? Array(front[2..<front.count - 1]) : [one]
    self.axes = Array(front[..<2]) + rows + [front.count > 2 ? front[front.count - 1] : one]
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
  }

  var rowCount: Int { 1 }
  var work: Work { Work(.movement, isVectorised: false) }
  var outputRowsPerRow: Int { output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<input.height }
  var scratchByteCount: Int { 0 }

  private func rowsPerTask(_ region: WorkRegion) -> Int {
    max(1, min(8, region.images.count * output.height / (4 * region.threadCount)))
  }

  func taskCount(_ region: WorkRegion) -> Int {
    (region.images.count * output.height + rowsPerTask(region) - 1) / rowsPerTask(region)
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let from = UnsafePointer(memory[reads[0]].floats(0, 0)) + offset
    let channels = axes[1], columns = axes[axes.count - 1]
    let rowsPerTask = rowsPerTask(region)
    for n in task * rowsPerTask..<min((task + 1) * rowsPerTask, region.images.count * output.height) {
      let image = region.images.lowerBound + n / output.height, y = n % output.height
      let to = memory[writes].floats(image, y)
      var source = from + image * axes[0].stride
      var rest = y
      for axis in axes[2..<axes.count - 1].reversed() {
        source += rest % axis.extent * axis.stride
        rest /= axis.extent
      }
      if output.order == .planar {
        for channel in 0..<output.channels {
          for x in 0..<output.width {
            to[channel * output.floats.plane + x] = source[channel * channels.stride + x * columns.stride]
          }
        }
      } else {
        for x in 0..<output.width {
          let pixel = to + x * output.floats.pixel
          for channel in 0..<output.channels { pixel[channel] = source[channel * channels.stride + x * columns.stride] }
          // Padding lanes meet zero weights and must be finite.
          for channel in output.channels..<output.storedChannels { pixel[channel] = 0 }
        }
      }
    }
  }
}

extension ValueLayout {
  /// Floats from one element to the next along each axis of the shape that the value has in the network.
  func strides(of shape: Shape) -> [Int] {
    let floats = floats
    return (0..<shape.rank).map { axis in
      switch axis {
      case 0: floats.image
      case 1: floats.channel
      case shape.rank - 1: floats.pixel
      default: shape.extents[(axis + 1)..<(shape.rank - 1)].reduce(floats.row, *)
      }
    }
  }
}
