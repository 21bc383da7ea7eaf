import Execution
import Imaging
import Networks

/// One picture on its way through a network, in steps: rows are read, run, put together and handed on. While rows are encoded,
/// those of the next step are decoded.
final class StreamRun {
  private let upscaler: Upscaler
  private let job: Upscaler.Job
  private let target: any RowTarget
  private let input: PictureInput
  private let network: NetworkInputPlanes
  private let composer: ImageComposer
  private var check = OutputCheck()
  private let sizes: StreamSizes
  /// Samples of the rows that are put together.
  private let band: UnsafeMutableRawPointer
  /// What went wrong while rows were read beside other work.
  private var problem: ImageError?

  init(_ upscaler: Upscaler, _ job: Upscaler.Job, _ rows: any ImageRows, _ target: any RowTarget) {
    self.upscaler = upscaler
    self.job = job
    self.target = target
    let sizes = job.memory.sizes
    self.sizes = sizes
    let workers = upscaler.workers, contract = upscaler.contract
    input = PictureInput(rows, sizes.planes, job.stream, workers: workers, watch: upscaler.watch)
    network = NetworkInputPlanes(
      input.window, planes: sizes.planes.networkPlanes(channels: sizes.channels), enlarged: sizes.enlarging,
      unit: contract.maximum / 255, workers: workers)
    composer = ImageComposer(
      properties: sizes.result, colour: contract.colour, planes: sizes.planes, window: input.window, resize: sizes.beside,
      workers: workers)
    band = .allocate(byteCount: sizes.bandHeight * sizes.result.rowByteCount, alignment: 64)
  }

  deinit { band.deallocate() }

  private var runner: ModelRunner { upscaler.runner }
  private var watch: DeviceWatch? { upscaler.watch }

  func perform(progress: ((Double) -> Void)?) throws(EvaluationError) {
    if sizes.collectsAll { try collectAll(progress) } else { try flow(progress) }
    check.input = input.range
    try check.verify(network: runner.network.name, black: upscaler.contract.colour == .luma ? LumaWeights.black : 0)
  }

  private func collectAll(_ progress: ((Double) -> Void)?) throws(EvaluationError) {
    try advance(to: job.stream.steps[0])
    let output = try upscaler.collect(network, symmetries: Symmetry.all, check: &check, progress: progress) {
      (height, width) throws(EvaluationError) in
      try upscaler.plan(job.memory, job.bound, height: height, width: width)
    }
    try finish(job.stream.steps[0], next: nil, Source(output), factor: 1)
  }

  private func flow(_ progress: ((Double) -> Void)?) throws(EvaluationError) {
    let plan = job.plan, steps = job.stream.steps
    let width = network.width * plan.scale
    let factor = 255 / upscaler.contract.maximum
    let window =
      sizes.keepsOutput
      ? PlaneWindow(
        count: sizes.channels, width: width, height: sizes.size.networkHeight, capacity: job.stream.outputRows) : nil
    // A row of tiles side by side, where nothing else keeps it.
    let isWide = plan.columns.count == 1 || window != nil
    let kept = isWide ? 0 : plan.rows.indices.reduce(0) { max($0, plan.outputRows($1).count) }
    let row = isWide ? nil : PlaneWindow(count: sizes.channels, width: width, height: sizes.size.networkHeight, capacity: kept)
    var done = 0
    let filling = sizes.enlarging == nil ? DeviceAccount.Work.convert : .resize
    let fill = { (rows: Range<Int>, columns: Range<Int>, target: UnsafeMutablePointer<Float>) in
      self.watch.during(filling) { self.network.fill(rows: rows, columns: columns, .identity, into: target) }
    }
    let begin = { (index: Int) throws(EvaluationError) in
      try self.advance(to: steps[index])
      window?.makeRoom(for: steps[index].output)
      row?.makeRoom(for: plan.outputRows(index))
    }
    try runner.run(plan, beginRow: begin, fill: fill) { (region) throws(EvaluationError) in
      let index = done / plan.columns.count
      done += 1
      watch.during(.convert) {
        check.include(region, channels: sizes.channels, factor: factor, upscaler.workers)
        window?.put(region, factor: factor, upscaler.workers)
        row?.put(region, factor: 1, upscaler.workers)
      }
      if done % plan.columns.count == 0 {
        let next = index + 1 < steps.count ? steps[index + 1] : nil
        let source = window.map { Source($0) } ?? row.map { Source($0) } ?? Source(region)
        try finish(steps[index], next: next, source, factor: window == nil ? factor : 1)
      }
      progress?(Double(done) / Double(plan.tileCount))
    }
  }

  private func advance(to step: StreamPlan.Step) throws(EvaluationError) {
    if let problem { throw .image(problem) }
    try wrapping { () throws(ImageError) in try input.advance(to: step.source) }
  }

  /// The network's output: a region, or rows of a window.
  private struct Source {
    let region: ModelRunner.Region
    /// For interpolation.
    let window: PlaneWindow?

    init(_ region: ModelRunner.Region) {
      self.region = region
      window = nil
    }

    init(_ window: PlaneWindow) {
      self.window = window
      region = ModelRunner.Region(
        rows: window.rows, columns: 0..<window.width, base: UnsafePointer(window.row(window.rows.lowerBound, of: 0)),
        planeStride: window.capacity * window.width, rowStride: window.width)
    }
  }

  /// Puts the rows of a step's result together and hands them on, some at once.
  private func finish(
    _ step: StreamPlan.Step, next: StreamPlan.Step?, _ source: Source, factor: Float
  ) throws(EvaluationError) {
    let height = sizes.bandHeight, loop = upscaler.workers
    for start in stride(from: step.result.lowerBound, to: step.result.upperBound, by: height) {
      let rows = start..<min(start + height, step.result.upperBound)
      watch.during(.resize) {
        if let resize = sizes.finishing, let window = source.window {
          composeFinished(rows, resize, window)
        } else {
          composer.compose(rows, of: source.region, factor: factor, into: band)
        }
      }
      // The next step's rows are read as the rows of this one go.
      var company: (() -> Void)?
      if let next {
        let share = Double(rows.upperBound - step.result.lowerBound) / Double(step.result.count)
        let from = step.source.upperBound, to = next.source.upperBound
        let row = from + Int((Double(to - from) * share).rounded(.up))
        company = { self.readAhead(to: min(row, to)) }
      }
      // One thread does one after the other in any case.
      let beside = loop.threadCount > 1 ? company : nil
      try watch.during(.encode) { () throws(EvaluationError) in
        try wrapping { () throws(ImageError) in try target.append(band, count: rows.count, on: loop, beside: beside) }
      }
      if beside == nil { company?() }
      if let problem { throw .image(problem) }
    }
  }

  private func readAhead(to row: Int) {
    do throws(ImageError) { try input.readAhead(to: row) } catch { problem = error }
  }

  /// Resizes the network's output to rows of the result.
  private func composeFinished(_ rows: Range<Int>, _ resize: BicubicResize, _ window: PlaneWindow) {
    let width = sizes.size.width, count = rows.count * width
    let resized = [Float](unsafeUninitializedCapacity: sizes.channels * count) { output, initialized in
      initialized = sizes.channels * count
      guard let base = output.baseAddress else { return }
      upscaler.workers.forEachBand(of: rows) { part in
        for channel in 0..<sizes.channels {
          resize.rows(
            part, of: window.plane(channel), into: base + channel * count + (part.lowerBound - rows.lowerBound) * width)
        }
      }
    }
    resized.withUnsafeBufferPointer { resized in
      guard let base = resized.baseAddress else { return }
      let region = ModelRunner.Region(rows: rows, columns: 0..<width, base: base, planeStride: count, rowStride: width)
      composer.compose(rows, of: region, factor: 1, into: band)
    }
  }
}

extension PlaneWindow {
  /// Takes a region of as many channels, each number times `factor`; its rows must be in the window.
  fileprivate func put(_ region: ModelRunner.Region, factor: Float, _ workers: Workers) {
    workers.forEachBand(of: region.rows) { part in
      for channel in 0..<count {
        for row in part {
          let from = region.base + channel * region.planeStride + (row - region.rows.lowerBound) * region.rowStride
          let to = self.row(row, of: channel) + region.columns.lowerBound
          for x in 0..<region.columns.count { to[x] = from[x] * factor }
        }
      }
    }
  }
}
