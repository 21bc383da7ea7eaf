import Execution
import Imaging
import Networks

/// How a picture's rows are taken through a network, from its sizes.
struct StreamSizes {
  /// Of the original, and of the result.
  let properties: ImageProperties
  let result: ImageProperties
  let size: UpscaleSize
  let planes: PicturePlanes
  let channels: Int
  /// Output pixels for an input pixel of the network.
  let scale: Int
  /// From the picture to the network's input; for chroma and alpha; from the network's output to the result. Nil where there is
  /// none.
  let enlarging: BicubicResize?
  let beside: BicubicResize?
  let finishing: BicubicResize?
  /// All results of the network are needed before the first row of the picture.
  let collectsAll: Bool
  /// What a device does between samples and planes.
  let conversion: SampleConversion
  private let runsOnDevice: Bool
  private let bandByteCount: Int

  init(
    _ properties: ImageProperties, _ size: UpscaleSize, _ contract: ImageContract, _ runner: ModelRunner,
    _ options: Upscaler.Options
  ) {
    self.properties = properties
    self.size = size
    result = properties.resized(size)
    planes = PicturePlanes(properties.colourModel, hasAlpha: properties.hasAlpha, colour: contract.colour)
    channels = runner.channels
    scale = runner.scale
    let toResult = {
      BicubicResize(width: properties.width, height: properties.height, toWidth: size.width, toHeight: size.height)
    }
    let isEnlarged = contract.inputSize == .bicubicEnlarged
    let resize = isEnlarged || planes.besideCount > 0 ? toResult() : nil
    enlarging = isEnlarged ? resize : nil
    beside = planes.besideCount > 0 ? resize : nil
    finishing =
      size.isNetworkSize
      ? nil
      : BicubicResize(width: size.networkWidth, height: size.networkHeight, toWidth: size.width, toHeight: size.height)
    collectsAll = options.usesTestTimeAugmentation
    runsOnDevice = runner.backend is any DeviceBackend
    conversion =
      runsOnDevice && !collectsAll
      ? SampleConversion(
        input: enlarging == nil
          ? planes.sampleInput(properties, channels: channels, unit: contract.maximum / 255) : nil,
        output: finishing == nil
          ? ImageComposer.sampleOutput(result, contract.colour, factor: 255 / contract.maximum) : nil)
      : SampleConversion()
    // Some turns for each thread, each of some hundred KiB; with a limit fewer.
    let share = options.memoryLimit == nil ? 16 << 20 : 2 << 20
    bandByteCount = share * min(options.threadCount, 4)
  }

  /// Whether a row of tiles is read before the one ahead of it is done.
  private func isAhead(_ plan: ModelRunner.Plan) -> Bool { runsOnDevice && !collectsAll && plan.tileCount > 1 }

  func stream(_ plan: ModelRunner.Plan) -> StreamPlan {
    StreamPlan(
      sourceHeight: properties.height, rows: collectsAll ? nil : plan.rows, scale: scale, enlarging: enlarging, beside: beside,
      finishing: finishing, outputHeight: size.networkHeight, resultHeight: size.height, isAhead: isAhead(plan))
  }

  /// Rows of the result that are put together and encoded at once: encoders like multiples of 128.
  var bandHeight: Int {
    let rows = max(1, bandByteCount / result.rowByteCount)
    return min(rows > 128 ? rows / 128 * 128 : rows > 16 ? rows / 16 * 16 : rows, size.height)
  }

  /// Whether the network's output is kept until later: for the steps after, or for all symmetries.
  var keepsOutput: Bool { collectsAll || finishing != nil }
}

/// What enlarging one picture holds in memory: a pure account from sizes, so that a limit is kept or refused before anything is
/// decoded.
///
/// The picture is made ready, and then flows: rows are decoded, run and encoded. All hold `held`, what the process held before
/// the picture came (code, libraries, threads, the network), and `slack`, what allocators keep and what is too small to be
/// listed.
struct UpscaleMemory {
  let sizes: StreamSizes
  var held: Int
  var slack: Int
  /// What is held until the first row can be read.
  var opening: Int
  /// What is held beside windows and sessions: reader, writer, a band of the result, weights and rows of interpolations.
  var flowing: Int
  /// What of all that stands in memory as a whole.
  var causes: [MemoryNeed.Cause] = []

  init(
    _ properties: ImageProperties, size: UpscaleSize, contract: ImageContract, runner: ModelRunner, _ options: Upscaler.Options,
    held: Int, opening: Int,
    reading: Int, writing: (_ result: ImageProperties, _ rows: Int) -> Int
  ) {
    let sizes = StreamSizes(properties, size, contract, runner, options)
    self.sizes = sizes
    self.held = held
    self.opening = opening
    let threads = options.threadCount
    // A thread touches little of its stack; it may have an allocator of its own, which keeps what was freed last.
    slack = (6 << 20) + threads * (512 << 10)
    let band = sizes.bandHeight
    // Bicubic interpolation: weights for both sides, in double and as they are made; for each thread 16 rows of each plane, the
    // rows that they are mixed from in its lanes, and the weights once more.
    let isInterpolating = sizes.enlarging != nil || sizes.beside != nil || sizes.finishing != nil
    let sides = size.width + size.height + properties.width + properties.height
    let inner = max(properties.width, size.networkWidth)
    let perThread = max(sizes.planes.besideCount, 1) * 16 * size.width * 4 + inner * 80 + sides * 32
    let interpolation = isInterpolating ? 256 * sides + threads * perThread : 0
    let finished = sizes.finishing == nil ? 0 : sizes.channels * band * size.width * 4
    flowing =
      reading + ColourSpreadingRows.heldByteCount(properties) + writing(sizes.result, band) + band * sizes.result.rowByteCount
      + interpolation + finished
  }

  /// Alpha is there before the colours, and is put into the rows of a copy of each band.
  mutating func waitsForColours(alphaByteCount: Int) {
    flowing += alphaByteCount + sizes.bandHeight * sizes.result.rowByteCount
    causes.append(MemoryNeed.Cause(text: Upscaler.alphaCause, byteCount: alphaByteCount))
  }

  /// What a plan adds beside its sessions: windows, and rows that tiles need.
  func byteCount(of plan: ModelRunner.Plan) -> Int {
    let stream = sizes.stream(plan)
    var count = PictureInput.byteCount(stream, sizes.properties, sizes.planes, sizes.conversion.input)
    if sizes.keepsOutput {
      count += PlaneWindow.byteCount(count: sizes.channels, width: sizes.size.networkWidth, capacity: stream.outputRows)
    }
    let shape = plan.largest
    if sizes.conversion.input == nil {
      count += plan.continuation.heldByteCount(rows: shape[2], columns: shape[3], channels: sizes.channels)
    }
    if sizes.enlarging != nil { count += sizes.channels * shape[2] * plan.whole[3] * 4 }
    // A row of tiles side by side.
    let kept = plan.rows.reduce(0) { max($0, $1.keep.count) } * plan.scale
    if !sizes.keepsOutput, plan.columns.count > 1 {
      count += (sizes.conversion.output?.format.pixelByteCount ?? sizes.channels * 4) * kept * plan.whole[3] * plan.scale
    }
    return count
  }

  /// What a limit leaves for sessions and windows.
  func budget(_ limit: Int) -> Int { max(limit - held - slack - flowing, 0) / 20 * 19 }

  /// What is held at most, with sessions and windows of so many bytes.
  func peak(sessions: Int) -> Int {
    // What `budget` sets aside, and what differs from one run to the next.
    held + slack + max(opening, flowing + sessions / 19 * 20 + 64) + (1 << 20)
  }

  /// What would be enough for the picture, of what would be for its sessions and windows. What takes no fourth of it is no cause.
  func need(_ sessions: MemoryNeed) -> MemoryNeed {
    let byteCount = peak(sessions: sessions.byteCount)
    return MemoryNeed(
      byteCount, repetition: sessions.repetition, quickByteCount: sessions.quickByteCount.map { peak(sessions: $0) },
      causes: (sessions.causes + causes).filter { $0.byteCount > (byteCount - held) / 4 })
  }
}
