import Execution
import Imaging
import Networks

/// Enlarges pictures with a network.
///
/// - A luma network gets the BT.601 luma of the picture; Cb, Cr and alpha are enlarged by bicubic interpolation. A grey picture
///   enters as the luma that it has, and stays grey.
/// - An RGB network gets red, green and blue; a grey picture three times, and leaves as the BT.601 mix of what comes out.
/// - The network enlarges by its own scale; where another is asked for, a MATLAB-equal bicubic resize makes the rest. A network
///   that takes enlarged pictures (VDSR) gets them at the size asked for.
///
/// Depth, metadata and colour model stay. The samples do not depend on tiles or threads. Not safe to use from two threads at once.
public final class Upscaler {
  /// How pictures are enlarged: what memory it takes, and whether eight results are averaged.
  public struct Options: Hashable, Sendable {
    public var tile: TilePolicy
    /// The most bytes that the process may hold in memory at any time, base, pictures and encoder included; nil for no limit. With a
    /// limit the C library is told to give freed memory back at once, for good.
    public var memoryLimit: Int?
    /// Averages the results for the eight flips and turns of the picture: slower by eight times, better by about 0.1 dB.
    public var usesTestTimeAugmentation: Bool
    /// The threads for the work on pixels; the engine has its own count.
    public var threadCount: Int

    public init(
      tile: TilePolicy = .automatic, memoryLimit: Int? = nil, usesTestTimeAugmentation: Bool = false,
      threadCount: Int = Machine.processorCount
    ) {
      self.tile = tile
      self.memoryLimit = memoryLimit
      self.usesTestTimeAugmentation = usesTestTimeAugmentation
      self.threadCount = max(threadCount, 1)
    }
  }

  public let options: Options
  let runner: ModelRunner
  let workers: Workers
  /// What the process holds in memory at this moment; tests say a number of their own.
  package var residentByteCount: () -> Int = { Machine.residentByteCount }

  /// The most pixels of an output.
  static let pixelLimit = 1 << 30

  public init(_ network: Network, backend: any Backend, options: Options = Options()) throws(EvaluationError) {
    runner = try ModelRunner(network, backend: backend, tile: options.tile)
    if options.memoryLimit != nil { Machine.givesBackFreedMemory() }
    self.options = options
    workers = Workers(threadCount: options.threadCount)
  }

  /// The factor where none is asked for: the network's own, or 2.
  public var defaultScale: Double { Double(runner.contract.scale ?? 2) }

  /// The picture enlarged `scale` times: each side times `scale`, rounded to nearest.
  ///
  /// - Parameters:
  ///   - scale: at least 1; `defaultScale` unless given.
  ///   - progress: called with the share of the network's work done, 0...1.
  public func upscale(
    _ image: Image, scale: Double? = nil, progress: ((Double) -> Void)? = nil
  ) throws(EvaluationError) -> Image {
    let size = try size(width: image.width, height: image.height, scale: scale)
    let header = ImageHeader(
      format: .png, width: image.width, height: image.height, channels: image.channels, bits: image.bitDepth)
    // The picture is in memory already, and nothing is encoded here.
    let resident = residentByteCount()
    var memory = memory(header, size, fileByteCount: 0, encoding: nil, held: max(resident - header.sampleByteCount, 0))
    memory.reading = 0
    return try upscale(image, size, memory, bound(resident: resident), progress: progress)
  }

  /// The size of the result and of what leads to it; throws where it is none that is made.
  func size(width: Int, height: Int, scale: Double?) throws(EvaluationError) -> UpscaleSize {
    let scale = scale ?? defaultScale
    guard scale >= 1, scale <= 64 else { throw .scale(scale) }
    let size = UpscaleSize(
      width: width, height: height, outputWidth: Int((Double(width) * scale).rounded()),
      outputHeight: Int((Double(height) * scale).rounded()), runner)
    guard max(size.width * size.height, size.networkWidth * size.networkHeight) <= Self.pixelLimit else {
      throw .outputTooLarge(width: size.width, height: size.height, limit: Self.pixelLimit)
    }
    return size
  }

  func memory(
    _ header: ImageHeader, _ size: UpscaleSize, fileByteCount: Int, encoding: ImageEncoding?, held: Int
  ) -> UpscaleMemory {
    UpscaleMemory(
      header, fileByteCount: fileByteCount, size: size, runner: runner, isCollected: isCollected(size), encoding: encoding,
      threadCount: options.threadCount, held: held)
  }

  /// Whether the network's output is needed as a whole before the picture is put together.
  private func isCollected(_ size: UpscaleSize) -> Bool { options.usesTestTimeAugmentation || !size.isNetworkSize }

  func upscale(
    _ image: Image, _ size: UpscaleSize, _ memory: UpscaleMemory, _ bound: Bound, progress: ((Double) -> Void)?
  ) throws(EvaluationError) -> Image {
    let composed = try compose(image, size, memory, bound, progress: progress)
    if options.memoryLimit != nil { runner.releaseSessions() }
    return composed
  }

  private func compose(
    _ image: Image, _ size: UpscaleSize, _ memory: UpscaleMemory, _ bound: Bound, progress: ((Double) -> Void)?
  ) throws(EvaluationError) -> Image {
    let contract = runner.contract
    let isCollected = isCollected(size)
    let isEnlarged = contract.inputSize == .bicubicEnlarged
    // Before any plane is made: what cannot be done is told at once.
    let first = try plan(
      memory, bound, height: isEnlarged ? size.height : image.height, width: isEnlarged ? size.width : image.width)
    let planes = ImagePlanes(image, colour: contract.colour, workers: workers)
    let resize = BicubicResize(width: image.width, height: image.height, toWidth: size.width, toHeight: size.height)
    var composer = ImageComposer(like: image, planes, colour: contract.colour, resize: resize, workers: workers)
    var check = OutputCheck()
    for plane in planes.network { check.input.include(plane) }
    let enlarged = contract.inputSize == .bicubicEnlarged ? resize : nil
    let input = NetworkInputPlanes(planes.network, enlarged: enlarged, unit: contract.maximum / 255, workers: workers)
    let factor = 255 / contract.maximum

    if isCollected {
      let collected = try collect(
        input, width: size.networkWidth, height: size.networkHeight,
        symmetries: options.usesTestTimeAugmentation ? Symmetry.all : [.identity], check: &check, progress: progress
      ) { (height, width) throws(EvaluationError) in try plan(memory, bound, height: height, width: width) }
      compose(collected, size, into: &composer)
    } else {
      try stream(input, first, into: &composer, factor: factor, check: &check, progress: progress)
    }
    try check.verify(network: runner.network.name, black: contract.colour == .luma ? LumaWeights.black : 0)
    return composer.image
  }

  /// Composes each row of tiles as soon as it is there, so that the network's output never stands in memory as a whole.
  private func stream(
    _ input: NetworkInputPlanes, _ plan: ModelRunner.Plan, into composer: inout ImageComposer, factor: Float,
    check: inout OutputCheck, progress: ((Double) -> Void)?
  ) throws(EvaluationError) {
    let width = input.width * plan.scale
    let isWide = plan.columns.count == 1
    let bandRows = isWide ? 0 : plan.rows.reduce(0) { max($0, $1.keep.count) } * plan.scale
    var band = [Float](repeating: 0, count: runner.channels * bandRows * width)
    var done = 0
    let channels = runner.channels
    try runner.run(plan, fill: { input.fill(rows: $0, columns: $1, .identity, into: $2) }) { (region) throws(EvaluationError) in
      check.include(region, channels: channels, factor: factor)
      if isWide {
        composer.compose(region, factor: factor)
      } else {
        band.withUnsafeMutableBufferPointer { band in
          guard let base = band.baseAddress else { return }
          let planeStride = region.rows.count * width
          for channel in 0..<channels {
            for row in 0..<region.rows.count {
              let source = region.base + channel * region.planeStride + row * region.rowStride
              (base + channel * planeStride + row * width + region.columns.lowerBound).update(
                from: source, count: region.columns.count)
            }
          }
          guard region.columns.upperBound == width else { return }
          composer.compose(
            ModelRunner.Region(
              rows: region.rows, columns: 0..<width, base: UnsafePointer(base), planeStride: planeStride, rowStride: width),
            factor: factor)
        }
      }
      done += 1
      progress?(Double(done) / Double(plan.tileCount))
    }
  }

  /// The network's whole output on the scale 0...255, the mean over the symmetries.
  func collect(
    _ input: NetworkInputPlanes, width: Int, height: Int, symmetries: [Symmetry], check: inout OutputCheck,
    progress: ((Double) -> Void)?, plan: (_ height: Int, _ width: Int) throws(EvaluationError) -> ModelRunner.Plan
  ) throws(EvaluationError) -> [Plane<Float>] {
    let factor = 255 / runner.contract.maximum / Float(symmetries.count)
    var sums = (0..<runner.channels).map { _ in [Float](repeating: 0, count: width * height) }
    for (index, symmetry) in symmetries.enumerated() {
      let turned = symmetry.size(height: input.height, width: input.width)
      let plan = try plan(turned.height, turned.width)
      var done = 0
      let fill = { input.fill(rows: $0, columns: $1, symmetry, into: $2) }
      try runner.run(plan, fill: fill) { (region) throws(EvaluationError) in
        check.include(region, channels: runner.channels, factor: 255 / runner.contract.maximum)
        for channel in sums.indices {
          sums[channel].withUnsafeMutableBufferPointer { sum in
            guard let base = sum.baseAddress else { return }
            region.add(channel, factor, to: base, height: height, width: width, symmetry)
          }
        }
        done += 1
        progress?((Double(index) + Double(done) / Double(plan.tileCount)) / Double(symmetries.count))
      }
    }
    return sums.map { Plane(width: width, height: height, elements: $0) }
  }

  /// Composes collected planes, resized to the size asked for.
  private func compose(_ planes: [Plane<Float>], _ size: UpscaleSize, into composer: inout ImageComposer) {
    let resize =
      size.isNetworkSize
      ? nil
      : BicubicResize(
        width: size.networkWidth, height: size.networkHeight, toWidth: size.width, toHeight: size.height)
    for start in stride(from: 0, to: size.height, by: 128) {
      let rows = start..<min(start + 128, size.height)
      let count = rows.count * size.width
      let band = [Float](unsafeUninitializedCapacity: planes.count * count) { output, initialized in
        initialized = planes.count * count
        guard let base = output.baseAddress else { return }
        workers.forEachBand(of: rows) { part in
          for (channel, plane) in planes.enumerated() {
            let target = base + channel * count + (part.lowerBound - start) * size.width
            if let resize {
              target.update(from: resize.rows(part, of: plane).elements, count: part.count * size.width)
            } else {
              plane.elements.withUnsafeBufferPointer {
                if let source = $0.baseAddress {
                  target.update(from: source + part.lowerBound * size.width, count: part.count * size.width)
                }
              }
            }
          }
        }
      }
      band.withUnsafeBufferPointer { band in
        guard let base = band.baseAddress else { return }
        composer.compose(
          ModelRunner.Region(
            rows: rows, columns: 0..<size.width, base: base, planeStride: count, rowStride: size.width), factor: 1)
      }
    }
  }
}

/// The sizes that a picture passes through.
struct UpscaleSize {
  /// Of the result.
  let width: Int
  let height: Int
  /// Of the network's output.
  let networkWidth: Int
  let networkHeight: Int

  init(width: Int, height: Int, outputWidth: Int, outputHeight: Int, _ runner: ModelRunner) {
    self.width = outputWidth
    self.height = outputHeight
    let isEnlarged = runner.contract.inputSize == .bicubicEnlarged
    networkWidth = isEnlarged ? outputWidth : width * runner.scale
    networkHeight = isEnlarged ? outputHeight : height * runner.scale
  }

  var isNetworkSize: Bool { width == networkWidth && height == networkHeight }
}
