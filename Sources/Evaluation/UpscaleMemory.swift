import Imaging
import Networks

/// What enlarging one picture holds in memory, phase by phase: a pure account from sizes, so that a limit is kept or refused before
/// anything is decoded.
///
/// The phases are reading, running and encoding; each holds `held`, what the process held before the picture came (code, libraries,
/// threads, the network), and `slack`, what allocators keep and what is too small to be listed.
struct UpscaleMemory: Hashable {
  var held: Int
  var slack: Int
  /// The file, the samples and what the decoder keeps.
  var reading: Int
  /// The picture, its planes, the output and the rows in work; all but what depends on tiles.
  var running: Int
  /// The picture, the output and what the encoder keeps; 0 where nothing is encoded.
  var encoding: Int
  /// What a plan adds to `running` beside its sessions.
  var rows: Rows

  /// The rows that tiles need beside their sessions.
  struct Rows: Hashable {
    /// Channels of the network.
    var channels: Int
    /// Whether the input is enlarged on its way in, band by band.
    var isEnlarged: Bool
    /// Whether the network's output is collected as a whole, so that no band of it is.
    var isCollected: Bool

    func byteCount(_ plan: ModelRunner.Plan) -> Int {
      let shape = plan.largest
      // The next band is made while the last one is there.
      var count = isEnlarged ? 2 * channels * shape[2] * plan.whole[3] * 4 : 0
      let kept = plan.rows.reduce(0) { max($0, $1.keep.count) } * plan.scale
      if !isCollected, plan.columns.count > 1 { count += channels * kept * plan.whole[3] * plan.scale * 4 }
      return count
    }
  }

  init(
    _ header: ImageHeader, fileByteCount: Int, size: UpscaleSize, runner: ModelRunner, isCollected: Bool,
    encoding encoder: ImageEncoding?, threadCount: Int, held: Int
  ) {
    self.held = held
    let threads = threadCount
    // A thread touches little of its stack; it may have an allocator of its own, which keeps what was freed last.
    slack = (6 << 20) + threads * (512 << 10)
    let input = header.sampleByteCount
    let outputPixels = size.width * size.height
    let output = outputPixels * header.channels * header.bits / 8
    reading = fileByteCount + header.decodingByteCount

    let colour = runner.contract.colour
    let isGrey = header.channels < 3, hasAlpha = header.channels % 2 == 0
    // Those that go through the network or beside it, and of these the ones that bicubic interpolation enlarges.
    let planes = (isGrey ? 1 : 3) + (hasAlpha ? 1 : 0)
    let resized = (colour == .luma && !isGrey ? 2 : 0) + (hasAlpha ? 1 : 0)
    // Bicubic interpolation: weights for both sides, in double and as they are made; for each thread 16 rows of each plane, the
    // rows that they are mixed from in its lanes, and the weights once more.
    let isInterpolating = resized > 0 || runner.contract.inputSize == .bicubicEnlarged || !size.isNetworkSize
    let sides = size.width + size.height + header.width + header.height
    let inner = max(header.width, size.networkWidth)
    let perThread = max(resized, 1) * 16 * size.width * 4 + inner * 80 + sides * 32
    let interpolation = isInterpolating ? 256 * sides + threads * perThread : 0
    rows = Rows(
      channels: runner.channels, isEnlarged: runner.contract.inputSize == .bicubicEnlarged, isCollected: isCollected)
    running = input + planes * header.pixels * 4 + output + interpolation
    if isCollected {
      running += runner.channels * (size.networkWidth * size.networkHeight + 128 * size.width) * 4
    }
    encoding =
      encoder.map {
        input + output + $0.peakByteCount(width: size.width, height: size.height, channels: header.channels, bits: header.bits)
      } ?? 0
  }

  /// What a limit leaves for sessions and the rows of tiles.
  func budget(_ limit: Int) -> Int { max(limit - held - slack - running, 0) / 20 * 19 }

  /// What is held at most, with sessions and rows of so many bytes.
  func peak(sessions: Int) -> Int {
    // What `budget` sets aside, and what differs from one run to the next.
    held + slack + max(reading, running + sessions / 19 * 20 + 64, encoding) + (1 << 20)
  }
}
