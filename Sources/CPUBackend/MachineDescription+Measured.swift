import CKernels
import Execution
import Networks
import Tensors

extension MachineDescription {
  /// The rates of this machine's instruction sets and memory, measured; all else as the machine is known, or as it is given. Takes about half a second and
  /// some hundred MiB.
  ///
  /// Figures differ a little from one measurement to the next, and so may choices that are close: keep the one that is used.
  public static func measured(from known: MachineDescription = .current) -> MachineDescription {
    var result = known
    result.name = "measured"
    for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
      result[instructionSet] = InstructionRates(measuredFor: instructionSet)
    }
    result.memory.lastLevel = bytesPerCycle(reading: result.caches.lastLevel / 8, passes: 16)
    result.memory.memory = min(bytesPerCycle(reading: 4 * result.caches.lastLevel, passes: 1), result.memory.lastLevel)
    return result
  }

  private static func bytesPerCycle(reading byteCount: Int, passes: Int) -> Double {
    let block = AlignedBytes(count: byteCount)
    return Stopwatch.rate(of: Double(byteCount * passes)) {
      for _ in 0..<passes { _ = sw_read(block.base.floats, byteCount / 4) }
    }
  }
}

extension InstructionRates {
  /// What the kernels do with data that lies in the level-1 cache.
  fileprivate init(measuredFor instructionSet: InstructionSet) {
    let table = KernelTable(instructionSet)
    // The lowest instruction set below has no pairs.
    let wide = KernelTable(instructionSet.levels.last ?? instructionSet)
    self.init(
      products: Self.products(table, .float32), widenedProducts: Self.products(wide, .bfloat16),
      pairedProducts: instructionSet.multipliesPairs ? Self.products(table, .bfloat16) : 0,
      integerProducts: Self.integerProducts(table.withoutTiles),
      tiledIntegerProducts: instructionSet.hasTiles ? Self.integerProducts(table) : 0, additions: Self.additions(table))
  }

  private static func products(_ table: KernelTable, _ element: DataType) -> Double {
    let kernel = table.tiles(.multiply, element, .float32)[0], depth = 64, times = 2000, row = depth * element.byteCount
    let left = AlignedBytes(count: kernel.rows * row), right = AlignedBytes(count: kernel.weightByteCount(depth: depth))
    let product = AlignedBytes(count: kernel.rows * kernel.columns * 4), function = kernel.multiply
    return Stopwatch.rate(of: Double(times * kernel.rows * kernel.columns * depth)) {
      for _ in 0..<times { function(left.base, row, right.base, depth, product.base.floats, kernel.columns, nil) }
    }
  }

  private static func integerProducts(_ table: KernelTable) -> Double {
    let kernel = table.tiles(.gather, .uint8, .int32)[0], depth = 256, times = 2000
    let left = AlignedBytes(count: kernel.rows * depth), right = AlignedBytes(count: kernel.weightByteCount(depth: depth))
    let sums = AlignedBytes(count: kernel.rows * kernel.columns * 4), function = kernel.gather
    let rows = (0..<kernel.rows).map { Optional(UnsafeRawPointer(left.base) + $0 * depth) }
    return Stopwatch.rate(of: Double(times * kernel.rows * kernel.columns * depth)) {
      for _ in 0..<times { function(rows, 0, 1, right.base, depth, 0, sums.base.floats, kernel.columns, nil) }
    }
  }

  /// By the transforms of F(4x4, 3x3), as `KernelRates.transformAdditions` counts them.
  private static func additions(_ table: KernelTable) -> Double {
    let size = 4, points = 6, positions = 36, tiles = 4, channels = 16, times = 1000
    let input = table.kernel(.winogradInput, .float32, .float32, rows: size).winogradInput
    let output = table.kernel(.winogradOutput, .float32, .float32, rows: size).winogradOutput
    let width = size * tiles + 2
    let pixel = channels * 4, row = width * pixel
    let image = AlignedBytes(count: points * row), result = AlignedBytes(count: size * row)
    // One line more than a multiple of 4096 bytes apart, as in a convolution.
    let stride = tiles * channels + 16, transformed = AlignedBytes(count: positions * stride * 4)
    let strip = AlignedBytes(count: (size * tiles + 2) * points * channels * 4)
    let rows = (0..<points).map { Optional(UnsafeRawPointer(image.base) + $0 * row) }, offsets = [0]
    let epilogue = EpilogueParameters(
      CanonicalEpilogue(), order: [Int?](repeating: nil, count: channels), bias: nil, slopes: nil,
      packs: PackStore([:]))
    return offsets.withUnsafeBufferPointer { offsets in
      var destination = sw_destination(
        base: result.base, row: row, pixel: pixel, block: offsets.baseAddress)
      var residual = sw_source(base: nil, row: 0, pixel: 0)
      let count = times * tiles * positions * 2 * channels
      return withUnsafePointer(to: epilogue.structure) { epilogue in
        KernelRates.transformAdditions
          * Stopwatch.rate(of: Double(count)) {
            for _ in 0..<times {
              input(
                rows, pixel, 0, width, tiles, channels / table.instructionSet.lanes, transformed.base.floats, channels, stride,
                strip.base.floats)
              for tile in 0..<tiles {
                output(
                  transformed.base.floats + tile * channels, stride, 0, 1, 0, tile * size, size, size, &destination, &residual,
                  epilogue)
              }
            }
          }
      }
    }
  }
}

/// Work by cycles of the core, whatever its frequency is at the moment.
private enum Stopwatch {
  /// `amount` by the cycles that `work` takes: the best of some tries of each, for what disturbs one makes it slower.
  static func rate(of amount: Double, _ work: () -> Void) -> Double {
    let waited: Int64 = 200_000
    var time = UInt64.max, cycles = UInt64.max
    for _ in 0..<8 {
      let start = ThreadPool.nanoseconds
      work()
      let middle = ThreadPool.nanoseconds
      _ = sw_wait_cycles(waited)
      time = min(time, middle - start)
      cycles = min(cycles, ThreadPool.nanoseconds - middle)
    }
    return amount * Double(cycles) / Double(waited) / Double(max(time, 1))
  }
}
