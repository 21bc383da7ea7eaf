import CKernels
import Execution
import Networks
import Tensors

/// One number of many along some axes.
///
/// Where neighbours in memory are kept apart, vectors run over them (across); where they are reduced, along them. Images whose rows and
/// batch are kept go row by row, so that they join the bands of the steps around them; all else works on whole values. No sum is split
/// among tasks.
final class ReductionStep: Step {
  /// An axis and what a step along it is, in floats, in the input and in the output.
  private struct Axis: BitwiseCopyable {
    var extent: Int
    var from: Int
    var to: Int
  }

  let node: String
  let reads: [Int]
  let writes: Int
  private let input: ValueLayout
  private let output: ValueLayout
  private let kind: sw_reduction_kind
  private let along: Kernel
  private let across: Kernel
  /// The axes that tasks run over; without rows and batch where the step goes row by row.
  private let kept: ConstantTable<Axis>
  /// The axes that are reduced, the innermost last; none is left out.
  private let reduced: ConstantTable<Axis>
  /// Neighbours in memory that are kept; one where neighbours are reduced.
  private let lanes: Axis
  private let isAcross: Bool
  private let lanesPerTask: Int
  private let positionCount: Int
  private let goesByRow: Bool
  /// The pixels of a row, where the channels of each become one number.
  private let pixels: Axis?
  /// Of a mean.
  private let divisor: Float

  /// Both values are float32; the shapes are those that they have in the network.
  init(
    node: String, _ payload: Reduction, shape: Shape, input: (value: Int, layout: ValueLayout), outputShape: Shape,
    output: (value: Int, layout: ValueLayout), table: KernelTable, threadCount: Int
  ) {
    self.node = node
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    along = table.kernel(.reduceAlong, .float32, .float32)
    across = table.kernel(.reduceAcross, .float32, .float32)
    kind =
      switch payload.function {
      case .mean, .sum: SW_REDUCTION_SUM
      case .sumOfMagnitudes: SW_REDUCTION_SUM_OF_MAGNITUDES
      case .sumOfSquares: SW_REDUCTION_SUM_OF_SQUARES
      case .product: SW_REDUCTION_PRODUCT
      case .maximum: SW_REDUCTION_MAXIMUM
      case .minimum: SW_REDUCTION_MINIMUM
      }
    divisor = payload.function == .mean ? Float(shape.count / outputShape.count) : 1
    goesByRow =
      shape.isImage && outputShape.isImage && payload.keepsAxes && !payload.axes.contains(0) && !payload.axes.contains(2)

    let from = input.layout.strides(of: shape), to = output.layout.strides(of: outputShape)
    var kept: [Axis] = [], reduced: [Axis] = []
    var place = 0
    for axis in 0..<shape.rank {
      if payload.axes.contains(axis) {
        reduced.append(Axis(extent: shape[axis], from: from[axis], to: 0))
        if payload.keepsAxes { place += 1 }
      } else {
        if !goesByRow || axis == 1 || axis == 3 { kept.append(Axis(extent: shape[axis], from: from[axis], to: to[place])) }
        place += 1
      }
    }
    reduced.sort { $0.from > $1.from }
    // Groups of channels alone: every channel by itself.
    if reduced.isEmpty { reduced.append(Axis(extent: 1, from: 1, to: 0)) }
    // The pixels of a planar row are neighbours even where there is one, so that a tile of one pixel sums as its image does.
    let neighbours =
      kept.firstIndex { $0.from == 1 && $0.extent > 1 }
      ?? (goesByRow && input.layout.order == .planar && !payload.axes.contains(3) ? kept.count - 1 : nil)
    if let neighbours {
      isAcross = true
      lanes = kept.remove(at: neighbours)
    } else {
      // Neighbours are reduced, or there is one element alone; strides of more than 1 are taken across one lane.
      isAcross = reduced[reduced.count - 1].from != 1
      lanes = Axis(extent: 1, from: 1, to: 1)
    }
    self.kept = ConstantTable(kept)
    self.reduced = ConstantTable(reduced)
    pixels = goesByRow && !isAcross && reduced.count == 1 && kept.count == 1 && output.layout.order == .planar ? kept[0] : nil
    let positions = kept.reduce(1) { $0 * $1.extent }
    lanesPerTask =
      goesByRow ? lanes.extent : max(Int(SW_CHANNEL_BLOCK), min(256, paddedChannels(lanes.extent / (2 * threadCount))))
    positionCount = positions * ((lanes.extent + lanesPerTask - 1) / lanesPerTask)
  }

  var isLight: Bool { true }
  var takesWholeBatch: Bool { !goesByRow }
  var kernelNames: [String] { [isAcross ? across.name : along.name] }
  var work: Work { Work(.reduction) }
  var rowCount: Int { goesByRow ? output.height : 1 }
  var outputRowsPerRow: Int { goesByRow ? 1 : output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { goesByRow ? rows : 0..<input.height }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.floats(lanesPerTask) } }

  func taskCount(_ region: WorkRegion) -> Int {
    if goesByRow { return RowTasks(region).count }
    let positionsPerTask = positionsPerTask(region)
    return 1 + (positionCount + positionsPerTask - 1) / positionsPerTask
  }

  private func positionsPerTask(_ region: WorkRegion) -> Int { max(1, positionCount / (4 * region.threadCount)) }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    guard let results = cursor.floats(lanesPerTask) else { return }
    if goesByRow {
      for n in RowTasks(region).range(task) {
        let (image, y) = region.place(n)
        let to = memory[writes].floats(image, y)
        if let pixels {
          let from = UnsafePointer(memory[reads[0]].floats(image, y)), function = along.reduceAlong
          for x in 0..<pixels.extent {
            to[x * pixels.to] = function(kind, from + x * pixels.from, reduced.elements[0].extent) / divisor
          }
          continue
        }
        for position in 0..<positionCount { reduce(position, memory[reads[0]].floats(image, y), to, results) }
        if output.order == .interleaved { for x in 0..<output.width { output.clearPadding(to + x * output.floats.pixel) } }
      }
      return
    }
    let to = memory[writes].floats(0, 0)
    // Lanes that hold no channel are written by none of the others.
    if task == 0 { return output.clearAllPadding(to) }
    let positionsPerTask = positionsPerTask(region)
    for position in (task - 1) * positionsPerTask..<min(task * positionsPerTask, positionCount) {
      reduce(position, memory[reads[0]].floats(0, 0), to, results)
    }
  }

  /// One position of the kept axes, or some lanes of it.
  private func reduce(
    _ position: Int, _ input: UnsafeMutablePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    _ results: UnsafeMutablePointer<Float>
  ) {
    let blocks = (lanes.extent + lanesPerTask - 1) / lanesPerTask
    let first = position % blocks * lanesPerTask, count = min(lanesPerTask, lanes.extent - first)
    var rest = position / blocks
    var from = UnsafePointer(input) + first * lanes.from, to = output + first * lanes.to
    for axis in kept.values.reversed() {
      let index = rest % axis.extent
      from += index * axis.from
      to += index * axis.to
      rest /= axis.extent
    }
    if isAcross {
      results.update(repeating: initial, count: count)
      takeAcross(from, 0, count, results)
      for lane in 0..<count { to[lane * lanes.to] = results[lane] / divisor }
    } else {
      to[0] = takeAlong(from, 0) / divisor
    }
  }

  private var initial: Float {
    switch kind {
    case SW_REDUCTION_PRODUCT: 1
    case SW_REDUCTION_MAXIMUM: -.infinity
    case SW_REDUCTION_MINIMUM: .infinity
    default: 0
    }
  }

  private func takeAcross(
    _ from: UnsafePointer<Float>, _ level: Int, _ count: Int, _ results: UnsafeMutablePointer<Float>
  ) {
    let axis = reduced.elements[level]
    if level == reduced.count - 1 {
      across.reduceAcross(kind, from, axis.from, axis.extent, count, results)
    } else {
      for index in 0..<axis.extent { takeAcross(from + index * axis.from, level + 1, count, results) }
    }
  }

  private func takeAlong(_ from: UnsafePointer<Float>, _ level: Int) -> Float {
    let axis = reduced.elements[level]
    if level == reduced.count - 1 { return along.reduceAlong(kind, from, axis.extent) }
    var result = initial
    for index in 0..<axis.extent {
      let next = takeAlong(from + index * axis.from, level + 1)
      switch kind {
      case SW_REDUCTION_PRODUCT: result *= next
      case SW_REDUCTION_MAXIMUM: result = result.isNaN || result > next ? result : next
      case SW_REDUCTION_MINIMUM: result = result.isNaN || result < next ? result : next
      default: result += next
      }
    }
    return result
  }
}
