import CKernels
import Execution
import Networks
import Tensors

/// A transposed convolution to a few planes.
///
/// Columns of a product would be mostly padding here. So the input's pixels are turned into planes, some rows of a strip at a time,
/// and vectors run over pixels: each vector that is loaded serves all phases that read it (`PhaseGroup.joined`), one tap and channel
/// after another. The phases of a row then go side by side into the output. A row of work is a row of the grid, as in
/// `TransposedConvolutionStep`.
final class TransposedPlanesStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let payload: TransposedConvolution
  private let input: ValueLayout
  private let output: ValueLayout
  private let plan: TransposedPlanes
  private let epilogue: EpilogueParameters
  private let weights: Pack
  private let parts: ConstantTable<Part>
  private let taps: ConstantTable<PhaseGroup.Tap>
  private let deinterleave: sw_deinterleave_function
  private let spread: Kernel
  /// Work pixels of a row, and of a strip of it.
  private let gridWidth: Int
  private let strip: Int
  /// Floats from one plane of a strip to the next, and between the sums of two output planes.
  private let plane: Int
  private let sumPlane: Int

  /// Output planes that are computed together: some phases of a group and channels. Holds no references.
  private struct Part: BitwiseCopyable {
    let kernel: Kernel
    let firstTap: Int
    let tapCount: Int
    let weightOffset: Int
    /// Where the sums of each output go, counted in planes.
    let places: (Int, Int, Int, Int)
  }

  /// - Parameters:
  ///   - input: interleaved.
  ///   - residual: planar, of the output's shape.
  ///   - output: planar.
  init(
    node: String, _ payload: TransposedConvolution, weight: ParameterTensor, bias: ParameterTensor?, slopes: ParameterTensor?,
    epilogue: CanonicalEpilogue, input: (value: Int, layout: ValueLayout), residual: (value: Int, layout: ValueLayout)?,
    output: (value: Int, layout: ValueLayout), table: KernelTable, threadCount: Int, packs: PackStore
  ) {
    self.node = node
    self.payload = payload
    reads = [input.value] + (residual.map { [$0.value] } ?? [])
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    let plan = TransposedPlanes(payload, height: output.layout.height, width: output.layout.width)
    self.plan = plan
    gridWidth = (output.layout.width + payload.stride.width - 1) / payload.stride.width
    deinterleave = table.kernel(.deinterleave, input.layout.element, .float32).deinterleave
    spread = table.kernel(.spread, .float32, .float32)
    self.epilogue = EpilogueParameters(
      epilogue, order: (0..<paddedChannels(payload.outChannels)).map { $0 < payload.outChannels ? $0 : nil }, bias: bias,
      slopes: slopes, packs: packs)

    let lanes = table.instructionSet.lanes, slack = 3 * lanes
    strip = Self.strip(plan, depth: payload.inChannels, width: gridWidth, threadCount: threadCount, table.caches)
    // An odd number of cache lines: planes a power of two apart would meet in few cache sets.
    plane = ((strip + plan.columns.count + slack + 15) / 16) * 16 | 16
    sumPlane = (strip + slack + 15) / 16 * 16

    var parts: [Part] = [], taps: [PhaseGroup.Tap] = [], weightOffset = 0
    for group in plan.groups {
      for range in TransposedPlanes.parts(group.phases.count * payload.outChannels) {
        let outputs = range.map { (group.phases[$0 / payload.outChannels], $0 % payload.outChannels) }
        let places = outputs.map { ($0.row * payload.outChannels + $1) * payload.stride.width + $0.column }
        func place(_ index: Int) -> Int { places[min(index, places.count - 1)] }
        parts.append(
          Part(
            kernel: table.kernel(.planes, .float32, .float32, rows: range.count), firstTap: taps.count,
            tapCount: group.taps.count,
            weightOffset: weightOffset, places: (place(0), place(1), place(2), place(3))))
        weightOffset += group.taps.count * payload.inChannels * range.count
      }
      // Parts of a group read the same taps.
      taps += group.taps
    }
    self.parts = ConstantTable(parts)
    self.taps = ConstantTable(taps)
    weights = packs.pack(Layout(weight: weight, payload: payload, groups: plan.groups, count: weightOffset))
  }

  /// By part, then tap, input channel, output.
  private struct Layout: PackLayout {
    let weight: ParameterTensor
    let payload: TransposedConvolution
    let groups: [PhaseGroup]
    /// Of floats.
    let count: Int

    var sources: [ParameterTensor] { [weight] }
    var byteCount: Int { count * 4 }
    var partCount: Int { 1 }

    func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
      let area = payload.kernel.height * payload.kernel.width
      var to = base.floats
      tensors[0].withUnsafeFloats { source in
        for group in groups {
          for range in TransposedPlanes.parts(group.phases.count * payload.outChannels) {
            for tap in group.taps.indices {
              for k in 0..<payload.inChannels {
                for output in range {
                  let position = group.phases[output / payload.outChannels].kernelPositions[tap]
                  to.pointee =
                    position.map { source[(k * payload.outChannels + output % payload.outChannels) * area + $0] } ?? 0
                  to += 1
                }
              }
            }
          }
        }
      }
    }
  }

  var kernelNames: [String] { Set(parts.values.map(\.kernel.name)).sorted() + [spread.name] }
  var work: Work { Work(.planes) }
  var packs: [Pack] { [weights] + epilogue.packs }

  var rowCount: Int { (output.height + payload.stride.height - 1) / payload.stride.height }
  var outputRowsPerRow: Int { payload.stride.height }

  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    // The residual is read where the output is written.
    if index == 1 { return rows.lowerBound * payload.stride.height..<rows.upperBound * payload.stride.height }
    return rows.lowerBound + plan.rows.lowerBound..<rows.upperBound + plan.rows.upperBound - 1
  }

  // MARK: Tasks

  /// Work pixels that fill the widest register tile for the most part.
  private static let leastStrip = 64

  private static func strip(
    _ plan: TransposedPlanes, depth: Int, width: Int, threadCount: Int, _ caches: CacheSizes
  ) -> Int {
    // The planes of a strip, for all rows that a row of work reads: a part of a core's level-2 cache.
    let planeByteCount = caches.level2 / 32 * 9
    let fitting = max(leastStrip, planeByteCount / max(plan.rows.count * depth * 4, 1))
    // Strips share no rows, which would be turned into planes by each task anew: better two narrow tall tasks than two wide low ones.
    let wanted = max(leastStrip, (width + threadCount - 1) / threadCount)
    let count = (width + min(fitting, wanted) - 1) / min(fitting, wanted)
    return ((width + count - 1) / count + 15) / 16 * 16
  }

  private var stripCount: Int { (gridWidth + strip - 1) / strip }

  private func rowsPerTask(_ region: WorkRegion) -> Int {
    let even = region.imageRows * stripCount / (4 * region.threadCount)
    return min(max(even, 2 * plan.rows.count - 2, 4), 32)
  }

  func taskCount(_ region: WorkRegion) -> Int {
    let rows = rowsPerTask(region)
    return (region.imageRows + rows - 1) / rows * stripCount
  }

  private struct Scratch {
    /// By input row modulo the rows that a row of work reads, then channel.
    var planes: UnsafeMutablePointer<Float>?
    /// By row of the output within the row of work, then channel, then column of the phase.
    var sums: UnsafeMutablePointer<Float>?
    var taps: UnsafeMutablePointer<UnsafePointer<Float>?>?
    var phases: UnsafeMutablePointer<UnsafePointer<Float>?>?
  }

  private func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    let s = payload.stride
    return Scratch(
      planes: cursor.floats(plan.rows.count * payload.inChannels * plane),
      sums: cursor.floats(s.height * s.width * payload.outChannels * sumPlane), taps: cursor.floatPointers(taps.count),
      phases: cursor.floatPointers(s.width))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let planes = scratch.planes, let sums = scratch.sums, let left = scratch.taps, let phases = scratch.phases else {
      return
    }
    let height = rowsPerTask(region), first = task / stripCount * height
    let columns = task % stripCount * strip..<min((task % stripCount + 1) * strip, gridWidth)
    // Of the image that is being worked on.
    var current = -1, copied = 0
    for n in first..<min(first + height, region.imageRows) {
      let (image, y) = region.place(n)
      if image != current { (current, copied) = (image, Int.min) }
      let needed = max(y + plan.rows.lowerBound, 0)..<max(min(y + plan.rows.upperBound, input.height), 0)
      for row in max(needed.lowerBound, copied)..<max(needed.upperBound, needed.lowerBound, copied) {
        copyRow(memory[reads[0]].row(image, row), columns, to: planes + slot(row))
        copied = row + 1
      }
      sum(y, needed, columns.count, planes, sums, left)
      store(image: image, y: y, columns, sums, phases, memory)
    }
  }

  private func slot(_ row: Int) -> Int { row % plan.rows.count * payload.inChannels * plane }

  /// The pixels of a row that a strip reads, plane by plane; zeros outside the image.
  private func copyRow(_ row: UnsafeRawPointer, _ columns: Range<Int>, to planes: UnsafeMutablePointer<Float>) {
    let first = columns.lowerBound + plan.columns.lowerBound, count = columns.count + plan.columns.count - 1
    let start = min(max(-first, 0), count), end = min(max(input.width - first, start), count)
    if start > 0 || end < count {
      for channel in 0..<payload.inChannels {
        let plane = planes + channel * plane
        plane.update(repeating: 0, count: start)
        (plane + end).update(repeating: 0, count: count - end)
      }
    }
    guard end > start else { return }
    deinterleave(
      row + (first + start) * input.bytesPerPixel, input.bytesPerPixel, payload.inChannels, planes + start, plane, end - start)
  }

  /// The sums of a row of work.
  private func sum(
    _ y: Int, _ rows: Range<Int>, _ count: Int, _ planes: UnsafeMutablePointer<Float>, _ sums: UnsafeMutablePointer<Float>,
    _ left: UnsafeMutablePointer<UnsafePointer<Float>?>
  ) {
    for index in 0..<taps.count {
      let tap = taps.elements[index], row = y + tap.row
      left[index] = rows.contains(row) ? UnsafePointer(planes + slot(row) + tap.column - plan.columns.lowerBound) : nil
    }
    for index in 0..<parts.count {
      let part = parts.elements[index]
      var out:
        (UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?)
      out.0 = sums + part.places.0 * sumPlane
      out.1 = sums + part.places.1 * sumPlane
      out.2 = sums + part.places.2 * sumPlane
      out.3 = sums + part.places.3 * sumPlane
      withUnsafeBytes(of: &out) { out in
        var arguments = sw_planes_arguments(
          left: left + part.firstTap, taps: part.tapCount, depth: payload.inChannels, plane: plane,
          right: weights.floats + part.weightOffset, count: count,
          out: out.baseAddress?.assumingMemoryBound(to: UnsafeMutablePointer<Float>?.self))
        part.kernel.planes(&arguments)
      }
    }
  }

  /// Stores a row of work: the rows of the output that there are.
  private func store(
    image: Int, y: Int, _ columns: Range<Int>, _ sums: UnsafeMutablePointer<Float>,
    _ phases: UnsafeMutablePointer<UnsafePointer<Float>?>, _ memory: RunMemory
  ) {
    let s = payload.stride
    let first = columns.lowerBound * s.width, count = min(columns.upperBound * s.width, output.width) - first
    withUnsafePointer(to: epilogue.structure) { epilogue in
      for row in 0..<min(s.height, output.height - y * s.height) {
        let out = memory[writes].floats(image, y * s.height + row)
        let residual = reads.count > 1 ? UnsafePointer(memory[reads[1]].floats(image, y * s.height + row)) : nil
        for channel in 0..<payload.outChannels {
          for column in 0..<s.width {
            phases[column] = UnsafePointer(sums + ((row * payload.outChannels + channel) * s.width + column) * sumPlane)
          }
          let place = channel * output.floats.plane + first
          var arguments = sw_spread_arguments(
            in: phases, factor: s.width, count: count, out: out + place, residual: residual.map { $0 + place },
            channel: channel,
            epilogue: epilogue)
          spread.spread(&arguments)
        }
      }
    }
  }
}

/// How the phases of a transposed convolution to a few planes are computed: a pure function of its attributes.
struct TransposedPlanes {
  let groups: [PhaseGroup]
  /// The input rows and columns that a work pixel reads, counted from the one under it.
  let rows: Range<Int>
  let columns: Range<Int>

  init(_ payload: TransposedConvolution, height: Int, width: Int) {
    groups = PhaseGroup.joined(
      PhaseGroup.all(of: payload, height: height, width: width), channels: payload.outChannels, cost: Self.cost)
    let taps = groups.flatMap(\.taps)
    func range(_ places: [Int]) -> Range<Int> { (places.min() ?? 0)..<(places.max() ?? 0) + 1 }
    rows = range(taps.map(\.row))
    columns = range(taps.map(\.column))
  }

  /// Vector cycles of one tap and input channel of a group of that many outputs.
  static func cost(_ outputs: Int) -> Double {
    parts(outputs).reduce(0) { sum, part in
      let count = Double(part.count)
      // Two multiply-adds a cycle; a load crosses the end of a cache line, and the weights are loaded for six vectors at a time.
      return sum + max(count / 2, 1 + count / 12)
    }
  }

  /// As few parts as kernels allow, as even as may be.
  static func parts(_ outputs: Int) -> [Range<Int>] {
    let count = (outputs + 3) / 4
    return (0..<count).map { $0 * outputs / count..<($0 + 1) * outputs / count }
  }

  /// Vector cycles of all products of a work pixel.
  func cycles(_ payload: TransposedConvolution) -> Double {
    groups.reduce(0) { sum, group in
      sum + Double(group.taps.count * payload.inChannels) * Self.cost(group.phases.count * payload.outChannels)
    }
  }
}
