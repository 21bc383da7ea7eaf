import Execution
import Files
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
/// - Alpha is enlarged by bicubic interpolation, or by the network where that is asked for and it is soft; the colours of pixels that are fully transparent give way to those of their neighbours.
///
/// Depth, metadata and colour model stay. The samples do not depend on tiles or threads. Not safe to use from two threads at
/// once.
public final class Upscaler {
  /// How pictures are enlarged: what memory it takes, and whether eight results are averaged.
  public struct Options: Hashable, Sendable {
    public var tile: TilePolicy
    /// The most bytes that the process may hold in memory at any time, base, pictures and encoder included; nil for no limit.
    /// With a limit the C library is told to give freed memory back at once, for good.
    public var memoryLimit: Int?
    /// Averages the results for the eight flips and turns of the picture: slower by eight times, better by about 0.1 dB.
    public var usesTestTimeAugmentation: Bool
    /// The threads for the work on pixels; the engine has its own count.
    public var threadCount: Int
    public var alpha: AlphaEnlarging
    /// The most pixels of a picture and of what becomes of it; nil for 2^28 and 2^30.
    public var pixelLimit: Int?

    public init(
      tile: TilePolicy = .automatic, memoryLimit: Int? = nil, usesTestTimeAugmentation: Bool = false,
      threadCount: Int = Machine.processorCount, alpha: AlphaEnlarging = .bicubic, pixelLimit: Int? = nil
    ) {
      self.alpha = alpha
      self.pixelLimit = pixelLimit
      self.tile = tile
      self.memoryLimit = memoryLimit
      self.usesTestTimeAugmentation = usesTestTimeAugmentation
      self.threadCount = max(threadCount, 1)
    }

    /// Of pictures that are read: 16 bits a channel at most.
    var decodingLimits: DecodingLimits { pixelLimit.map { DecodingLimits(pixels: $0, bytes: $0 * 8) } ?? DecodingLimits() }
    /// Of results.
    var resultLimit: Int { pixelLimit ?? 1 << 30 }
  }

  public let options: Options
  public let contract: ImageContract
  let runner: ModelRunner
  let workers: Workers
  /// Where the network runs on a device that is watched.
  let watch: DeviceWatch?
  /// What the process holds in memory at this moment; tests say a number of their own.
  package var residentByteCount: () -> Int = { Machine.residentByteCount }
  /// What the system leaves at this moment; tests say a limit of their own.
  package var systemLimit: () -> MemoryLimit = { .current }

  public convenience init(_ network: Network, backend: any Backend, options: Options = Options()) throws(EvaluationError) {
    try self.init(network, backend: backend, options: options, workerCount: options.threadCount)
  }

  /// - Parameter workerCount: the threads that work; memory is told as for those of the options.
  init(_ network: Network, backend: any Backend, options: Options, workerCount: Int) throws(EvaluationError) {
    contract = try network.checkedImageContract()
    runner = try ModelRunner(network, backend: backend, tile: options.tile)
    if options.memoryLimit != nil { Machine.givesBackFreedMemory() }
    self.options = options
    watch = (backend as? any DeviceBackend)?.watch
    workers = Workers(threadCount: workerCount)
  }

  /// The factor where none is asked for: the network's own, or 2.
  public var defaultScale: Double { Double(contract.scale ?? 2) }

  /// The picture enlarged `scale` times: each side times `scale`, rounded to nearest.
  ///
  /// - Parameters:
  ///   - scale: at least 1; `defaultScale` unless given.
  ///   - progress: called with the share of the network's work done, 0...1.
  public func upscale(
    _ image: Image, scale: Double? = nil, progress: ((Double) -> Void)? = nil
  ) throws(EvaluationError) -> Image {
    let rows = RowsOfImage(image)
    let size = try size(width: image.width, height: image.height, scale: scale)
    let result = RowCollector(image.properties.resized(size))
    // The picture is in memory already; nothing is decoded or encoded here.
    let resident = residentByteCount()
    let job = try job(
      image.properties, size, held: resident, opening: 0, reading: 0,
      writing: { properties, _ in properties.sampleByteCount }, bound(resident: resident))
    let alpha = try networkAlpha(image.properties, size) { (RowsOfImage(image), 0) }
    let target: any RowTarget = alpha.map { AlphaTarget(result, job.memory.sizes.result, alpha: $0) } ?? result
    try run(job, rows, into: target, progress: progress)
    return result.image
  }

  /// The size of the result and of what leads to it; throws where it is none that is made.
  func size(width: Int, height: Int, scale: Double?) throws(EvaluationError) -> UpscaleSize {
    let scale = scale ?? defaultScale
    guard scale >= 1, scale <= TargetSize.largestScale else { throw .scale(scale) }
    let size = UpscaleSize(
      width: width, height: height, outputWidth: Int((Double(width) * scale).rounded()),
      outputHeight: Int((Double(height) * scale).rounded()), contract, scale: runner.scale)
    guard max(size.width * size.height, size.networkWidth * size.networkHeight) <= options.resultLimit else {
      throw .outputTooLarge(width: size.width, height: size.height, limit: options.resultLimit)
    }
    return size
  }

  /// Enlarges what the rows hold, row of tiles after row of tiles.
  func run(
    _ job: Job, _ rows: any ImageRows, into target: any RowTarget, progress: ((Double) -> Void)?
  ) throws(EvaluationError) {
    // What nobody sees must not bleed into what is seen.
    let run = StreamRun(self, job, rows.properties.hasAlpha ? ColourSpreadingRows(rows) : rows, target)
    try run.perform(progress: progress)
    if options.memoryLimit != nil { runner.releaseAll() }
  }

  /// The network's whole output on the scale 0...255, the mean over the symmetries.
  func collect(
    _ input: NetworkInputPlanes, symmetries: [Symmetry], check: inout OutputCheck, progress: ((Double) -> Void)?,
    plan: (_ height: Int, _ width: Int) throws(EvaluationError) -> ModelRunner.Plan
  ) throws(EvaluationError) -> PlaneWindow {
    let factor = 255 / contract.maximum / Float(symmetries.count)
    let width = input.width * runner.scale, height = input.height * runner.scale
    let sums = PlaneWindow(count: runner.channels, width: width, height: height, capacity: height)
    sums.makeRoom(for: 0..<height)
    for channel in 0..<sums.count { sums.row(0, of: channel).update(repeating: 0, count: width * height) }
    for (index, symmetry) in symmetries.enumerated() {
      let turned = symmetry.size(height: input.height, width: input.width)
      let plan = try plan(turned.height, turned.width)
      var done = 0
      let fill = { (rows: Range<Int>, columns: Range<Int>, target: UnsafeMutablePointer<Float>) in
        self.watch.during(.convert) { input.fill(rows: rows, columns: columns, symmetry, into: target) }
      }
      try runner.run(plan, fill: fill) { (region) throws(EvaluationError) in
        watch.during(.convert) {
          check.include(region, channels: runner.channels, factor: 255 / contract.maximum, workers)
          for channel in 0..<sums.count {
            region.add(channel, factor, to: sums.row(0, of: channel), height: height, width: width, symmetry)
          }
        }
        done += 1
        progress?((Double(index) + Double(done) / Double(plan.tileCount)) / Double(symmetries.count))
      }
    }
    return sums
  }
}

/// The sizes that a picture passes through.
struct UpscaleSize: Hashable {
  /// Of the result.
  let width: Int
  let height: Int
  /// Of the network's input.
  let inputWidth: Int
  let inputHeight: Int
  /// Of the network's output.
  let networkWidth: Int
  let networkHeight: Int

  init(width: Int, height: Int, outputWidth: Int, outputHeight: Int, _ contract: ImageContract, scale: Int) {
    self.width = outputWidth
    self.height = outputHeight
    let isEnlarged = contract.inputSize == .bicubicEnlarged
    inputWidth = isEnlarged ? outputWidth : width
    inputHeight = isEnlarged ? outputHeight : height
    networkWidth = isEnlarged ? outputWidth : width * scale
    networkHeight = isEnlarged ? outputHeight : height * scale
  }

  var isNetworkSize: Bool { width == networkWidth && height == networkHeight }
}

extension ImageProperties {
  /// Of the enlarged picture.
  func resized(_ size: UpscaleSize) -> ImageProperties {
    var result = self
    (result.width, result.height) = (size.width, size.height)
    return result
  }
}
