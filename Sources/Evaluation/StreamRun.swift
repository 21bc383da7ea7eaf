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
    input = PictureInput(
      rows, sizes.planes, job.stream, sizes.conversion.input, workers: workers, watch: upscaler.watch)
    network = NetworkInputPlanes(
      input.window, planes: sizes.planes.networkPlanes(channels: sizes.channels), enlarged: sizes.enlarging,
      unit: contract.maximum / 255, workers: workers)
    composer = ImageComposer(
      properties: sizes.result, colour: contract.colour, planes: sizes.planes, window: input.window,
      firstBeside: input.firstBeside, resize: sizes.beside, workers: workers)
    band = .allocate(byteCount: sizes.bandHeight * sizes.result.rowByteCount, alignment: 64)
  }

  deinit { band.deallocate() }

  private var runner: ModelRunner { upscaler.runner }
  private var watch: DeviceWatch? { upscaler.watch }

  func perform(progress: ((Double) -> Void)?) throws(EvaluationError) {
    if sizes.collectsAll { try collectAll(progress) } else { try flow(progress) }
    check.input.include(input.range)
    try check.verify(network: runner.network.name, black: upscaler.contract.colour == .luma ? LumaWeights.black : 0)
  }

  private func collectAll(_ progress: ((Double) -> Void)?) throws(EvaluationError) {
    try advance(to: job.stream.steps[0])
    let output = try upscaler.collect(network, symmetries: Symmetry.all, check: &check, progress: progress) {
      (height, width) throws(EvaluationError) in
      try upscaler.plan(job.memory, job.bound, height: height, width: width)
    }
    try finish(job.stream.steps[0], ahead: nil, Source(output), factor: 1)
  }

  private func flow(_ progress: ((Double) -> Void)?) throws(EvaluationError) {
    let plan = job.plan, steps = job.stream.steps
    let width = network.width * plan.scale
    let factor = 255 / upscaler.contract.maximum
    let window =
      sizes.keepsOutput
      ? PlaneWindow(
        count: sizes.channels, width: width, height: sizes.size.networkHeight, capacity: job.stream.outputRows) : nil
    let row = TileRow(plan, sizes, keepsNothing: window != nil)
    var done = 0
    let begin = { (index: Int) throws(EvaluationError) in
      try self.advance(to: steps[index])
    }
    try runner.run(plan, beginRow: begin, filling) { (result) throws(EvaluationError) in
      let index = done / plan.columns.count
      if done % plan.columns.count == 0 {
        window?.makeRoom(for: steps[index].output)
        row.begin(plan.outputRows(index))
      }
      done += 1
      let source = watch.during(.convert) { take(result, factor, window, row) }
      if done % plan.columns.count == 0 {
        try finish(
          steps[index], ahead: job.stream.rowsAhead(of: index), source, factor: window == nil ? factor : 1)
      }
      progress?(Double(done) / Double(plan.tileCount))
    }
  }

  /// What tiles are filled with.
  private var filling: ModelRunner.Filling {
    if let samples = input.samples { return .samples { UnsafeRawPointer(samples.row($0, of: 0)) } }
    let work = sizes.enlarging == nil ? DeviceAccount.Work.convert : .resize
    return .planes { rows, columns, target in
      self.watch.during(work) { self.network.fill(rows: rows, columns: columns, .identity, into: target) }
    }
  }

  /// Puts a tile's result where it is kept.
  ///
  /// - Parameters:
  ///   - factor: from the network's numbers to the scale 0...255.
  ///   - window: what keeps it until later; nil where the row of tiles does.
  /// - Returns: what is kept, or the result where nothing is.
  private func take(
    _ result: ModelRunner.TileResult, _ factor: Float, _ window: PlaneWindow?, _ row: TileRow
  ) -> Source {
    if let range = result.input { check.input.include(range) }
    if let range = result.output { check.include(range, factor: factor) }
    switch result.content {
    case .planes(let region):
      check.include(region, channels: sizes.channels, factor: factor, upscaler.workers)
      window?.put(region, factor: factor, upscaler.workers)
      row.planes?.put(region, factor: 1, upscaler.workers)
      return window.map { Source($0) } ?? row.planes.map { Source($0) } ?? .planes(region, window: nil)
    case .samples(let region):
      row.put(region, upscaler.workers)
      return .samples(row.samplesRegion ?? region)
    }
  }

  private func advance(to step: StreamPlan.Step) throws(EvaluationError) {
    if let problem { throw .image(problem) }
    try wrapping { () throws(ImageError) in try input.advance(to: step.source) }
  }

  /// The network's output: a region, or rows of a window, which interpolation wants.
  private enum Source {
    case planes(ModelRunner.Region, window: PlaneWindow?)
    case samples(ModelRunner.SampleRegion)

    init(_ window: PlaneWindow) {
      let region = ModelRunner.Region(
        rows: window.rows, columns: 0..<window.width, base: UnsafePointer(window.row(window.rows.lowerBound, of: 0)),
        planeStride: window.capacity * window.width, rowStride: window.width)
      self = .planes(region, window: window)
    }
  }

  /// Puts the rows of a step's result together and hands them on, some at once.
  private func finish(
    _ step: StreamPlan.Step, ahead: Range<Int>?, _ source: Source, factor: Float
  ) throws(EvaluationError) {
    let height = sizes.bandHeight, loop = upscaler.workers
    for start in stride(from: step.result.lowerBound, to: step.result.upperBound, by: height) {
      let rows = start..<min(start + height, step.result.upperBound)
      watch.during(.resize) {
        switch source {
        case .samples(let region): composer.place(rows, of: region, into: band)
        case .planes(let region, let window):
          if let resize = sizes.finishing, let window {
            composeFinished(rows, resize, window)
          } else {
            composer.compose(rows, of: region, factor: factor, into: band)
          }
        }
      }
      // Rows of later steps are read as the rows of this one go.
      var company: (() -> Void)?
      if let ahead {
        let share = Double(rows.upperBound - step.result.lowerBound) / Double(step.result.count)
        let row = ahead.lowerBound + Int((Double(ahead.count) * share).rounded(.up))
        company = { self.readAhead(to: min(row, ahead.upperBound)) }
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

/// A row of tiles side by side, where there are several and nothing else keeps them.
private final class TileRow {
  let planes: PlaneWindow?
  private let samples: SampleWindow?
  private let pixelByteCount: Int

  init(_ plan: ModelRunner.Plan, _ sizes: StreamSizes, keepsNothing: Bool) {
    let format = sizes.conversion.output?.format, width = sizes.size.networkWidth, height = sizes.size.networkHeight
    pixelByteCount = format?.pixelByteCount ?? 0
    guard plan.columns.count > 1, !keepsNothing else {
      (planes, samples) = (nil, nil)
      return
    }
    let capacity = plan.rows.indices.reduce(0) { max($0, plan.outputRows($1).count) }
    planes = format == nil ? PlaneWindow(count: sizes.channels, width: width, height: height, capacity: capacity) : nil
    samples =
      format == nil ? nil : SampleWindow(count: 1, width: width * pixelByteCount, height: height, capacity: capacity)
  }

  func begin(_ rows: Range<Int>) {
    planes?.makeRoom(for: rows)
    samples?.makeRoom(for: rows)
  }

  /// What is there; nil where nothing is kept.
  var samplesRegion: ModelRunner.SampleRegion? {
    samples.map {
      ModelRunner.SampleRegion(
        rows: $0.rows, columns: 0..<$0.width / pixelByteCount, base: UnsafeRawPointer($0.row($0.rows.lowerBound, of: 0)),
        rowByteCount: $0.width)
    }
  }

  func put(_ region: ModelRunner.SampleRegion, _ workers: Workers) {
    guard let samples else { return }
    workers.forEachBand(of: region.rows) { part in
      for row in part {
        let target = UnsafeMutableRawPointer(samples.row(row, of: 0)) + region.columns.lowerBound * pixelByteCount
        target.copyMemory(
          from: region.base + (row - region.rows.lowerBound) * region.rowByteCount,
          byteCount: region.columns.count * pixelByteCount)
      }
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
