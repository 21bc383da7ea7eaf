import CKernels
import Execution
import Networks
import Tensors

/// A transposed convolution as products over gathered rows, without a zero between.
///
/// Phases that read the same pixels are one product (`PhaseGroup`): all s² of them where the kernel is as large as the stride s. A row of
/// work is a row of the grid of (j, i), that is s rows of the output.
final class TransposedConvolutionStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let payload: TransposedConvolution
  private let input: ValueLayout
  private let output: ValueLayout
  private let groups: [PhaseGroup]
  /// The column blocks of all groups, in the order of their weights.
  private let units: [Unit]
  private let weights: Pack
  private let epilogue: EpilogueParameters
  private let blockOffsets: [Int]
  private let storeFunction: sw_store_function
  private let outside: Pack
  /// Work pixels of a row.
  private let gridWidth: Int
  /// Of the value that the epilogue adds; it has the output's shape.
  private let residual: ValueLayout?

  /// Both values are interleaved.
  init(
    node: String, _ payload: TransposedConvolution, weight: ParameterTensor, bias: ParameterTensor?, slopes: ParameterTensor?,
    epilogue: CanonicalEpilogue, sums: IntegerSums?, input: (value: Int, layout: ValueLayout),
    residual: (value: Int, layout: ValueLayout)?, output: (value: Int, layout: ValueLayout), table: KernelTable,
    packs: PackStore
  ) {
    self.node = node
    self.payload = payload
    reads = [input.value] + (residual.map { [$0.value] } ?? [])
    self.residual = residual?.layout
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    gridWidth = (output.layout.width + payload.stride.width - 1) / payload.stride.width
    groups = PhaseGroup.all(of: payload, height: output.layout.height, width: output.layout.width)
    let sumElement: DataType = sums == nil ? .float32 : .int32
    storeFunction = table.kernel(.store, sumElement, output.layout.element).store
    outside = packs.outside(input.layout, sums?.input)

    let stored = output.layout.storedChannels, block = Int(SW_CHANNEL_BLOCK)
    var made: [Unit] = []
    var order: [Int?] = []
    var offsets: [Int] = []
    var weightOffset = 0
    for (index, group) in groups.enumerated() {
      let columns = group.phases.count * stored
      let gathers = ColumnBlock.split(columns, into: table.tiles(.gather, input.layout.element, sumElement))
      for gather in gathers {
        made.append(
          Unit(
            group: index, gather: gather.kernel, multiply: sums == nil ? table.counterpart(of: gather.kernel, .multiply) : nil,
            firstColumn: gather.firstColumn,
            firstBlock: (order.count + gather.firstColumn) / block, weightOffset: weightOffset))
        weightOffset += group.taps.count * gather.kernel.weightByteCount(depth: payload.inChannels)
      }
      for phase in group.phases {
        for channel in 0..<stored {
          order.append(channel < payload.outChannels ? channel : nil)
          guard channel % block == 0 else { continue }
          offsets.append(
            phase.row * output.layout.bytesPerRow + phase.column * output.layout.bytesPerPixel
              + output.layout.byteOffset(channel: channel))
        }
      }
    }
    let units = made
    self.units = units
    blockOffsets = offsets
    var sums = sums
    sums?.columns = .phases(payload, groups, storedChannels: stored)
    self.epilogue = EpilogueParameters(epilogue, order: order, bias: bias, slopes: slopes, sums: sums, packs: packs)
    weights = packs.pack(
      Layout(weight: weight, payload: payload, groups: groups, units: units, storedChannels: stored, byteCount: weightOffset))
  }

  /// By unit, then tap, input channel, column. Groups of channels become one dense product with zeros between them.
  private struct Layout: PackLayout {
    let weight: ParameterTensor
    let payload: TransposedConvolution
    let groups: [PhaseGroup]
    let units: [Unit]
    let storedChannels: Int
    let byteCount: Int

    var sources: [ParameterTensor] { [weight] }
    var partCount: Int { units.count }

    func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
      let depth = payload.inChannels / payload.groups, outputs = payload.outChannels / payload.groups
      let area = payload.kernel.height * payload.kernel.width
      let unit = units[part], group = groups[unit.group], columns = unit.gather.columns
      func fill<Weight>(
        _ source: UnsafeBufferPointer<Weight>, _ pack: (Weight, _ k: Int, _ column: Int, UnsafeMutableRawPointer) -> Void
      ) {
        for column in 0..<columns {
          let phase = group.phases[(unit.firstColumn + column) / storedChannels]
          let channel = (unit.firstColumn + column) % storedChannels
          guard channel < payload.outChannels else { continue }
          let first = channel / outputs * depth
          for case (let tap, let position?) in phase.kernelPositions.enumerated() {
            let to = base + unit.weightOffset + tap * unit.gather.weightByteCount(depth: payload.inChannels)
            for k in 0..<depth {
              let value = source[((first + k) * outputs + channel % outputs) * area + position]
              pack(value, first + k, column, to)
            }
          }
        }
      }
      if tensors[0].dataType == .int8 {
        tensors[0].withUnsafeBytes { fill($0.bindMemory(to: Int8.self)) { unit.gather.pack($0, at: $1, column: $2, into: $3) } }
      } else {
        tensors[0].withUnsafeFloats { fill($0) { unit.gather.pack($0, at: $1, column: $2, into: $3) } }
      }
    }
  }

  var kernelNames: [String] { Set(units.map(\.gather.name)).sorted() + ["store"] }
  var work: Work { Work(.gatheredProducts, unit: units[0].gather.unit, productShare: Double(payload.groups)) }
  var packs: [Pack] { [weights, outside] + epilogue.packs }

  var rowCount: Int { (output.height + payload.stride.height - 1) / payload.stride.height }
  var outputRowsPerRow: Int { payload.stride.height }

  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    // The residual is read where the output is written.
    if index == 1 { return rows.lowerBound * payload.stride.height..<rows.upperBound * payload.stride.height }
    var first = 0, last = 0
    for group in groups {
      for tap in group.taps {
        first = min(first, tap.row)
        last = max(last, tap.row)
      }
    }
    return rows.lowerBound + first..<rows.upperBound + last
  }

  // MARK: Tasks

  /// Work pixels of a task: enough to use each block of weights often while it lies in the level-2 cache.
  private static let pixelsPerTask = 256

  /// Runs of rows times runs of units: the second so that every thread has work where pixels are few and weights are many.
  private struct Tasks {
    let rowsPerTask: Int
    let rowTaskCount: Int
    let unitsPerTask: Int
    let unitTaskCount: Int

    var count: Int { rowTaskCount * unitTaskCount }
  }

  private func tasks(_ region: WorkRegion) -> Tasks {
    let rows = region.imageRows
    let rowsPerTask = max(1, min(rows, Self.pixelsPerTask / max(gridWidth, 1)))
    let rowTaskCount = (rows + rowsPerTask - 1) / rowsPerTask
    let wanted = min(units.count, (4 * region.threadCount + rowTaskCount - 1) / max(rowTaskCount, 1))
    let unitsPerTask = (units.count + wanted - 1) / max(wanted, 1)
    let cut =
      rows == 0
      ? (rowsPerTask, unitsPerTask)
      : TaskCut.grid((rowsPerTask, unitsPerTask), of: (rows, units.count), threads: region.threadCount) { rows, units in
        // Each block of weights is read once for a task.
        Double(units) * (Double(rows * gridWidth) + 5)
      }
    return Tasks(
      rowsPerTask: cut.0, rowTaskCount: (rows + cut.0 - 1) / max(cut.0, 1), unitsPerTask: cut.1,
      unitTaskCount: (units.count + cut.1 - 1) / max(cut.1, 1))
  }

  func taskCount(_ region: WorkRegion) -> Int { tasks(region).count }

  private func scratch(
    _ cursor: inout ScratchCursor
  ) -> (product: UnsafeMutablePointer<Float>?, left: UnsafeMutablePointer<UnsafeRawPointer?>?) {
    var taps = 1
    for group in groups { taps = max(taps, group.taps.count) }
    return (cursor.floats(Kernel.mostRows * Kernel.mostColumns), cursor.pointers(Kernel.mostRows * taps))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let product = scratch.product, let left = scratch.left else { return }
    let tasks = tasks(region)
    // Tasks that share weights follow each other.
    let firstRow = task % tasks.rowTaskCount * tasks.rowsPerTask
    let firstUnit = task / tasks.rowTaskCount * tasks.unitsPerTask
    let pixels = firstRow * gridWidth..<min(firstRow + tasks.rowsPerTask, region.imageRows) * gridWidth
    for index in firstUnit..<min(firstUnit + tasks.unitsPerTask, units.count) {
      perform(units[index], pixels, of: region, memory, product, left)
    }
  }

  /// One block of columns for a run of work pixels, counted row by row of the region.
  private func perform(
    _ unit: Unit, _ pixels: Range<Int>, of region: WorkRegion, _ memory: RunMemory, _ product: UnsafeMutablePointer<Float>,
    _ left: UnsafeMutablePointer<UnsafeRawPointer?>
  ) {
    let source = memory[reads[0]], right = weights.base + unit.weightOffset
    let taps = groups[unit.group].taps, depth = payload.inChannels, columns = unit.gather.columns
    let gather = unit.gather.gather
    let isPlain = taps.count == 1 && taps[0] == PhaseGroup.Tap(row: 0, column: 0)
    var pixel = pixels.lowerBound
    while pixel < pixels.upperBound {
      let (image, y) = region.place(pixel / gridWidth), x = pixel % gridWidth
      let count: Int
      if isPlain, let multiply = unit.multiply, y < input.height, x + multiply.rows <= min(gridWidth, input.width) {
        // Neighbours in one row lie a pixel apart: no pointers are needed.
        count = multiply.rows
        multiply.multiply(
          source.row(image, y) + x * input.bytesPerPixel, input.bytesPerPixel, right, depth, product, columns, nil)
      } else {
        let rows = unit.gather.rows
        count = min(rows, pixels.upperBound - pixel)
        point(left, to: taps, pixel: pixel, count: count, rows: rows, region, source)
        gather(left, 0, taps.count, right, depth, 0, product, columns, nil)
      }
      store(unit, product, pixel: pixel, count: count, region, memory)
      pixel += count
    }
  }

  /// Where each tap of each pixel reads; outside the input, and past the last pixel, what lies outside.
  private func point(
    _ left: UnsafeMutablePointer<UnsafeRawPointer?>, to taps: [PhaseGroup.Tap], pixel: Int, count: Int, rows: Int,
    _ region: WorkRegion, _ source: ValueMemory
  ) {
    let outside = UnsafeRawPointer(outside.base)
    var (image, y) = region.place(pixel / gridWidth), x = pixel % gridWidth
    for row in 0..<rows {
      for tap in 0..<taps.count {
        let inY = y + taps[tap].row, inX = x + taps[tap].column
        let isInside = row < count && inY >= 0 && inY < input.height && inX >= 0 && inX < input.width
        left[tap * rows + row] = isInside ? UnsafeRawPointer(source.row(image, inY) + inX * input.bytesPerPixel) : outside
      }
      x += 1
      if x == gridWidth {
        x = 0
        y += 1
        if y == region.rows.upperBound {
          y = region.rows.lowerBound
          image += 1
        }
      }
    }
  }

  /// Stores the products of `count` pixels, cut at the ends of rows; where the output ends inside the last row or column of the grid,
  /// phase by phase.
  private func store(
    _ unit: Unit, _ product: UnsafePointer<Float>, pixel: Int, count: Int, _ region: WorkRegion, _ memory: RunMemory
  ) {
    let target = memory[writes]
    let s = payload.stride, columns = unit.gather.columns, block = Int(SW_CHANNEL_BLOCK)
    let isWhole = output.width % s.width == 0 && output.height % s.height == 0 && residual == nil
    var none = sw_source(base: nil, row: 0, pixel: 0)
    blockOffsets.withUnsafeBufferPointer { offsets in
      withUnsafePointer(to: epilogue.structure) { epilogue in
        var done = 0
        while done < count {
          let (image, y) = region.place((pixel + done) / gridWidth), x = (pixel + done) % gridWidth
          let run = min(count - done, gridWidth - x)
          var destination = sw_destination(
            base: target.row(image, y * s.height), row: 0, pixel: s.width * output.bytesPerPixel, block: offsets.baseAddress)
          let from = product + done * columns
          if isWhole {
            storeFunction(from, columns, run, unit.firstBlock, columns / block, 0, x, &destination, &none, epilogue)
          } else {
            let stored = output.storedChannels
            for part in 0..<columns / block {
              let phase = groups[unit.group].phases[(unit.firstColumn + part * block) / stored]
              let fitting = min(run, (output.width - phase.column + s.width - 1) / s.width - x)
              guard y * s.height + phase.row < output.height, fitting > 0 else { continue }
              var added = none
              if let residual {
                // The kernel counts channels over all phases; those of the residual begin anew in each.
                let channel = (unit.firstColumn + part * block) % stored - (unit.firstBlock + part) * block
                let row = memory[reads[1]].row(image, y * s.height + phase.row)
                added = sw_source(
                  base: UnsafeRawPointer(row) + phase.column * residual.bytesPerPixel + residual.byteOffset(channel: channel),
                  row: 0,
                  pixel: s.width * residual.bytesPerPixel)
              }
              storeFunction(
                from + part * block, columns, fitting, unit.firstBlock + part, 1, 0, x, &destination, &added, epilogue)
            }
          }
          done += run
        }
      }
    }
  }
}

/// A block of columns of one group of phases: what is computed and stored together. Holds no references.
private struct Unit: Hashable {
  var group: Int
  var gather: Kernel
  /// Nil where there is none.
  var multiply: Kernel?
  /// Among the columns of the group: phase by phase, the stored channels of each.
  var firstColumn: Int
  /// Among the blocks of 16 channels of all groups.
  var firstBlock: Int
  /// In bytes.
  var weightOffset: Int
}
