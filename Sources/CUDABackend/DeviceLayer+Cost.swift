import Execution
import Networks
import Tensors

/// What a kernel costs a layer. The floor of any is what all multiprocessors do at once, and what the memory moves; above it lie
/// multiprocessors without a block: deep layers have few pixels, and so few tiles, and many channels. There the blocks of a tile share
/// the input channels, and a second kernel adds what they leave, in their order.
extension DeviceLayer {
  /// The time of a kernel that can run the layer, estimated from tiles, products and bytes, with the splits that suit it.
  package func nanoseconds(of kernel: CUDAKernel) -> Double {
    nanoseconds(of: kernel, splits: splits(of: kernel))
  }

  /// Blocks that share the input channels of a tile: as many as pay. Each has two units of channels at least.
  package func splits(of kernel: CUDAKernel) -> Int {
    guard let unit = kernel.channelsPerUnit else { return 1 }
    let units = input.shape.channels.ceilingDivided(by: unit), usual = nanoseconds(of: kernel, splits: 1)
    var best = (splits: 1, cost: usual)
    for splits in 2...32 where splits * 2 <= units && allows(splits, of: kernel) {
      let cost = nanoseconds(of: kernel, splits: splits)
      if cost < best.cost { best = (splits, cost) }
    }
    return best.splits
  }

  /// Whether so many blocks share the channels without one that has none, and a launch has room for them.
  func allows(_ splits: Int, of kernel: CUDAKernel) -> Bool {
    guard splits > 1 else { return splits == 1 }
    guard let unit = kernel.channelsPerUnit else { return false }
    let units = input.shape.channels.ceilingDivided(by: unit)
    return (splits - 1) * units.ceilingDivided(by: splits) < units
      && output.shape.batch * computedGroups * splits <= 65535
      && partsByteCount(splits) / 4 < 1 << 31
  }

  /// Of the sums that splits leave.
  private func partsByteCount(_ splits: Int) -> Int {
    splits * output.shape.batch * computed.height * computed.width * computedGroups * DeviceLayout.groupLanes * 4
  }

  /// Output channels of a block of `Tiled`.
  static let tiledOutputs = 16

  /// Bytes in a nanosecond that the memory of an H100 moves.
  private static let memoryRate = 2000.0
  /// The same of sums that splits leave, which are written and read in long runs, and what the second-level cache moves of them.
  private static let sumsRate = 3000.0, sumsCacheRate = 5000.0
  /// Nanoseconds of one more launch.
  static let launch = 2000.0
  /// Of a pixel of a residual block of separable layers, on one multiprocessor.
  static let separableBlockNanoseconds = Double(2 * (64 + 72) * 64) / 500
  /// Bytes in a nanosecond that kernels move that do little else, and nanoseconds before the first.
  private static let streamRate = 2500.0, start = 2000.0

  package func nanoseconds(of kernel: CUDAKernel, splits: Int) -> Double {
    let image = computed, channels = Double(input.shape.channels), images = Double(output.shape.batch)
    // 64 outputs of a pixel; for each of them what is multiplied, and products of a multiprocessor in a nanosecond. Those of dense kernels of
    // 16 bits, and what begins and ends their blocks, are fitted to an H200, which has the H100's multiprocessors.
    let work: (products: Double, rate: Double)
    var ends = 0.0
    switch kernel.family {
    case .dense(_, let size, _):
      // Those of one tap wait for what they multiply.
      let isTall = kernel.tileHeight == 32
      work = (64 * channels.roundedUp(to: 16) * Double(size * size), size == 1 ? 800 : isTall ? 1830 : 1500)
      ends = isTall ? 5700 : 3900
    // Weights stay in shared memory, and blocks stay, too.
    case .denseHopper:
      work = (64 * 64 * 9, 1870)
      ends = 3500
    case .denseWide:
      work = (64 * channels.roundedUp(to: 16) * 9, 2200)
      ends = 3300
    // Three products of TF32 for one, at three quarters of the rate of those, or one; not measured.
    case .denseWideFloat(let products, _): work = (64 * channels.roundedUp(to: 8) * 9, products == .one ? 950 : 350)
    case .denseFloat(let products, let size, _):
      let isTall = kernel.tileHeight > 16
      work = (
        64 * channels.roundedUp(to: 8) * Double(size * size), products == .one ? (isTall ? 800 : 700) : isTall ? 330 : 300
      )
    case .pointwiseHopper: return pointwiseNanoseconds(of: kernel, splits: splits)
    // Likewise, and the depthwise part as plain sums; not measured.
    case .separableFloat(let products): work = ((64 + 9) * channels.roundedUp(to: 8), products == .one ? 250 : 170)
    case .separable: work = ((64 + 72) * channels.roundedUp(to: 16), kernel.isForHopper ? 900 : 750)
    case .selection: work = (64 * channels.roundedUp(to: 16) * 1.3 + 72 * 64, 500)
    case .headFloat(let planes): work = (64 * Double(9 * planes).roundedUp(to: 8), 130)
    case .tail(.float32): work = (8 * channels.roundedUp(to: 8) * 9, 100)
    case .head(_, let size, _): work = (64 * Double(size) * Double(size).roundedUp(to: 4) * 4, 600)
    // Bytes, and a launch.
    case .pointwisePlanes, .linear, .meanOfPixels: work = (0, 1)
    case .depthwise(_, let size, _): work = (64 * Double(size * size), 60)
    case .tail: work = (8 * channels.roundedUp(to: 16) * 9, 300)
    case .separableBlock: work = (2 * (64 + 72) * 64, 500)
    // Not measured: twice the rate of 16 bits.
    case .denseIntegers(let size, _):
      work = (64 * channels.roundedUp(to: 32) * Double(size * size), size == 1 ? 1600 : 3000)
      ends = 3900
    case .depthwiseIntegers(let size, _): work = (64 * Double(size * size), 60)
    case .directIntegers: work = (Double(directProducts * output.lanes), 4)
    case .meanOfIntegers: work = (64 * Double(windowSize), 20)
    case .maximumPool, .windows, .integers, .elementByElement, .move, .resample, .sumParts, .reduce,
      .normalize, .multiplyMatrices, .samplesToPlanes, .planesToSamples, .training, .weightGradientTiles:
      work = (64 * 9, 100)
    // A load from the cache for each product; of planes there are no more than are wanted.
    case .tiled: work = (9 * channels.roundedUp(to: 8) * Double(Self.tiledOutputs), 60)
    case .direct:
      work = (Double(directProducts * (output.isPlanar ? output.shape.channels : 64)), 4)
    }
    var groups = Double(computedGroups)
    if case .tiled = kernel.family {
      groups = Double(output.lanes.ceilingDivided(by: Self.tiledOutputs))
    }
    let bytes = Double(
      input.byteCount + output.byteCount + (residual?.byteCount ?? 0) + weightByteCount)
    let memory = bytes / Self.memoryRate
    switch kernel.family {
    case .pointwisePlanes, .linear, .meanOfPixels, .depthwise, .depthwiseIntegers:
      let products = images * Double(image.height * image.width) * groups * work.products / work.rate
      let time = max(products / Double(device.multiprocessorCount), bytes / Self.streamRate) + Self.start
      // A warp takes 32 channels after the other, where those of `Linear` share them.
      if case .pointwisePlanes = kernel.family { return time + channels.roundedUp(to: 32) / 32 * 200 }
      return time
    // One thread does the work of an output, one load after the other: 80 nanoseconds for a product, 150 for an element of a window.
    case .direct, .windows, .directIntegers, .meanOfIntegers:
      let products = images * Double(image.height * image.width) * groups * work.products / work.rate
      let alone = Double(directProducts) * 80 + Double(windowSize) * 150
      return max(products / Double(device.multiprocessorCount), memory, alone) + Self.start
    default: break
    }
    guard kernel.tileWidth > 0 else {
      let pixels = images * Double(image.height * image.width)
      return max(pixels * groups * work.products / work.rate / Double(device.multiprocessorCount), memory)
    }
    var pixels = kernel.tileWidth * kernel.tileHeight
    // Squares outside the image are left out.
    switch kernel.family {
    case .denseWide, .denseWideFloat: pixels = min(image.height.rounded(to: 8), 16) * min(image.width.rounded(to: 8), 16)
    default: break
    }
    let blocks =
      Double(image.height.ceilingDivided(by: kernel.tileHeight) * image.width.ceilingDivided(by: kernel.tileWidth)) * images
      * groups / Double(kernel.groupsPerBlock) * Double(splits)
    // Blocks of a multiprocessor share its rate; the last wave is a whole one.
    let waves = (blocks / Double(device.multiprocessorCount)).rounded(.up)
    var share = 1.0
    if let unit = kernel.channelsPerUnit {
      let units = input.shape.channels.ceilingDivided(by: unit)
      share = Double(units.ceilingDivided(by: splits)) / Double(units)
    }
    // However few blocks there are, one takes its units one after the other: measured on an H200.
    let alone: Double
    switch kernel.family {
    case .separable: alone = (channels / 16).rounded(.up) * 700 * share
    case .selection: alone = (channels / 16).rounded(.up) * 450 * share
    default: alone = 0
    }
    let time = waves * Double(pixels * kernel.groupsPerBlock) * work.products / work.rate * share
    // The ends of a block are hidden behind those that share its multiprocessor.
    var rounds = (waves / Double(kernel.blocksPerMultiprocessor)).rounded(.up)
    if case .denseHopper = kernel.family { rounds = 1 }
    return max(time + rounds * ends, alone, memory) + sumNanoseconds(splits)
  }

  /// What splits leave is written and read, and added by another kernel.
  private func sumNanoseconds(_ splits: Int) -> Double {
    guard splits > 1 else { return 0 }
    let parts = partsByteCount(splits), rate = parts * 2 < device.cacheByteCount ? Self.sumsCacheRate : Self.sumsRate
    return Double(2 * parts) / rate + Self.launch
  }

  /// Of a run of pixels: a multiprocessor waits for its operands, which come from the cache at 32 bytes a nanosecond, or multiplies 2,600
  /// numbers in one; and what begins and ends a block is hidden where another one is there.
  private func pointwiseNanoseconds(of kernel: CUDAKernel, splits: Int) -> Double {
    let pixels = output.shape.batch * computed.height * computed.width, outputs = 64 * kernel.groupsPerBlock
    let units = Double(input.shape.channels.ceilingDivided(by: 32).ceilingDivided(by: splits))
    let blocks = pixels.ceilingDivided(by: kernel.tileWidth) * computedGroups / kernel.groupsPerBlock * splits
    let perMultiprocessor = Double(blocks.ceilingDivided(by: device.multiprocessorCount))
    let loaded = units * Double((kernel.tileWidth + outputs) * 64) + Double(kernel.tileWidth * outputs * (splits > 1 ? 4 : 2))
    let multiplied = units * Double(32 * kernel.tileWidth * outputs)
    let ends = 1500 * (kernel.blocksPerMultiprocessor > 1 ? 1 : perMultiprocessor)
    let bytes = Double(input.byteCount + output.byteCount + (residual?.byteCount ?? 0) + weightByteCount)
    // More than these floors, as measured on an H200: nothing hides the ends of blocks that have a multiprocessor for themselves.
    let over = kernel.blocksPerMultiprocessor > 1 ? 1.25 : 1.6
    return over * (max(perMultiprocessor * max(loaded / 32, multiplied / 2600), bytes / Self.memoryRate) + ends)
      + sumNanoseconds(splits)
  }

  /// Of a layer that has any, as they are without padding.
  private var weightByteCount: Int {
    let count: Int
    switch form {
    case .convolution(let p): count = p.outChannels * p.inChannels / p.groups * p.kernel.height * p.kernel.width
    case .transposed(let p): count = p.outChannels * p.inChannels / p.groups * p.kernel.height * p.kernel.width
    case .separable(let p): count = p.outChannels * p.inChannels
    case .maximumPool, .averagePool: count = 0
    }
    return count * output.element.byteCount
  }

  /// What a kernel computes before pixels are shuffled, or spread.
  var computed: (height: Int, width: Int) {
    if case .transposed(let payload) = form, payload.spreadsPixels { return (input.shape.height, input.shape.width) }
    return (output.shape.height / epilogue.shuffle, output.shape.width / epilogue.shuffle)
  }

  /// Groups of 64 channels before pixels are shuffled, or spread.
  var computedGroups: Int {
    var runs = epilogue.shuffle * epilogue.shuffle
    if case .transposed(let payload) = form, payload.spreadsPixels { runs = 4 }
    return runs * output.groupCount
  }

  /// Elements that a pool looks at for one.
  private var windowSize: Int {
    switch form {
    case .maximumPool(let pool), .averagePool(let pool): pool.kernel.height * pool.kernel.width
    case .convolution, .separable, .transposed: 0
    }
  }

  private var directProducts: Int {
    switch form {
    case .convolution(let payload): payload.kernel.height * payload.kernel.width * payload.inChannels / payload.groups
    case .transposed(let payload): payload.kernel.height * payload.kernel.width * payload.inChannels / payload.groups
    case .separable: 1
    case .maximumPool, .averagePool: 0
    }
  }
}

extension Double {
  fileprivate func roundedUp(to unit: Int) -> Double { (self / Double(unit)).rounded(.up) * Double(unit) }
}

extension Int {
  fileprivate func rounded(to unit: Int) -> Int { ceilingDivided(by: unit) * unit }
}
