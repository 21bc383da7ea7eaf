import Execution
import Tensors

extension ModelRunner {
  /// A rectangle of a result: `outputChannels` planes of rows.
  struct Region {
    /// Where the rectangle lies in the whole output.
    var rows: Range<Int>
    var columns: Range<Int>
    var base: UnsafePointer<Float>
    /// Floats from a plane, or a row, to the next.
    var planeStride: Int
    var rowStride: Int
  }

  /// A rectangle of a result, as the samples that a device has made of it.
  struct SampleRegion {
    /// Where the rectangle lies in the whole output.
    var rows: Range<Int>
    var columns: Range<Int>
    var base: UnsafeRawPointer
    /// Bytes from a row to the next.
    var rowByteCount: Int
  }

  /// Where the numbers of a tile come from: what a device converts comes as samples, all else as planes.
  enum Filling {
    /// Writes a rectangle of the image, plane after plane, row after row.
    case planes((_ rows: Range<Int>, _ columns: Range<Int>, UnsafeMutablePointer<Float>) -> Void)
    /// The samples of a row of the image.
    case samples((_ row: Int) -> UnsafeRawPointer)
  }

  /// What becomes of a tile; valid while it is delivered.
  struct TileResult {
    enum Content {
      case planes(Region)
      case samples(SampleRegion)
    }

    /// The kept part, which is empty where all of the tile is continuation.
    var content: Content
    /// What a device has seen of the image, on the scale 0...255; nil where it came as planes.
    var input: ValueRange?
    /// Likewise of the numbers that samples were made of, as the network made them.
    var output: ValueRange?
  }

  /// Runs the network tile by tile, of planes: see below.
  ///
  /// - Parameters:
  ///   - fill: writes a rectangle of the image, plane after plane, row after row.
  ///   - deliver: takes the kept part of a tile's result, which is empty where all of the tile is continuation; valid during the call only.
  func run(
    _ plan: Plan, fill: (_ rows: Range<Int>, _ columns: Range<Int>, UnsafeMutablePointer<Float>) -> Void,
    deliver: (Region) throws(EvaluationError) -> Void
  ) throws(EvaluationError) {
    precondition(plan.conversion.isEmpty, "samples do not come as planes")
    try withoutActuallyEscaping(fill) { (fill) throws(EvaluationError) in
      try run(plan, beginRow: { _ in }, .planes(fill)) { (result) throws(EvaluationError) in
        if case .planes(let region) = result.content { try deliver(region) }
      }
    }
  }

  /// Runs the network tile by tile, row of tiles after row of tiles.
  ///
  /// An image that the network does not take as it is enters continued, and what is made of the continuation nobody sees. Of a device a tile
  /// may be under way while the next is filled: then the last tiles of a row are delivered after the next row has begun (`StreamPlan.isAhead`).
  ///
  /// - Parameters:
  ///   - beginRow: called with the number of each row of tiles before it is read.
  ///   - filling: samples where the plan's conversion takes some, else planes.
  ///   - deliver: takes what becomes of each tile, one after the other; samples where the plan's conversion makes some, else planes.
  func run(
    _ plan: Plan, beginRow: (_ index: Int) throws(EvaluationError) -> Void, _ filling: Filling,
    deliver: (TileResult) throws(EvaluationError) -> Void
  ) throws(EvaluationError) {
    useSessions(for: plan)
    var runs: [StagedRun] = []
    do throws(EvaluationError) {
      for (index, rows) in plan.rows.enumerated() {
        // No more than one row of tiles is behind.
        while let first = runs.first, runs.count >= first.session.placeCount { try finishFirst(&runs, deliver) }
        try beginRow(index)
        for columns in plan.columns {
          let tile = Tile(
            plan: plan, rows: rows, columns: columns, outputRows: plan.outputRows(index), channels: channels)
          let session = try session(for: tile.shape, whole: plan.whole)
          guard let session = session as? any StagedSession else {
            try run(tile, filling, session, deliver)
            continue
          }
          while let first = runs.first, first.session !== session || runs.count >= session.placeCount {
            try finishFirst(&runs, deliver)
          }
          let place = ((runs.last?.place ?? -1) + 1) % session.placeCount
          runs.append(try begin(tile, filling, session, place))
        }
      }
      while !runs.isEmpty { try finishFirst(&runs, deliver) }
    } catch {
      // The sessions stay for other images.
      for run in runs { _ = try? run.session.finish(run.place) }
      throw error
    }
  }

  /// A tile that a device is at.
  private struct StagedRun {
    var tile: Tile
    var session: any StagedSession
    var place: Int
  }

  /// Through tensors.
  private func run(
    _ tile: Tile, _ filling: Filling, _ session: any Session, _ deliver: (TileResult) throws(EvaluationError) -> Void
  ) throws(EvaluationError) {
    let input = Tensor(unsafeUninitialized: tile.shape) { bytes in
      if let base = bytes.baseAddress { tile.fill(base, from: filling) }
    }
    let output = try timed { () throws(ExecutionError) in try session.run([input])[0] }
    try output.withUnsafeFloats { (floats) throws(EvaluationError) in
      guard let base = floats.baseAddress else { return }
      try deliver(TileResult(content: tile.kept(base)))
    }
  }

  /// Puts a tile where a device copies it from.
  private func begin(
    _ tile: Tile, _ filling: Filling, _ session: any StagedSession, _ place: Int
  ) throws(EvaluationError) -> StagedRun {
    let inputs = session.inputPlaces(place)
    tile.fill(inputs[0], from: filling)
    if tile.plan.conversion.output != nil { tile.keptOfTile.write(to: inputs[1]) }
    try timed { () throws(ExecutionError) in try session.begin(place) }
    return StagedRun(tile: tile, session: session, place: place)
  }

  /// Takes what the device has made of the tile that began first.
  private func finishFirst(
    _ runs: inout [StagedRun], _ deliver: (TileResult) throws(EvaluationError) -> Void
  ) throws(EvaluationError) {
    let run = runs.removeFirst(), conversion = run.tile.plan.conversion
    let outputs = try timed { () throws(ExecutionError) in try run.session.finish(run.place) }
    func notes(_ index: Int) -> ValueRange {
      let base = outputs[index].assumingMemoryBound(to: Float.self)
      let notes = SampleNotes(UnsafeBufferPointer(start: base, count: run.session.outputShapes[index].count))
      return ValueRange(low: notes.low, high: notes.high, isFinite: notes.isFinite)
    }
    var result = TileResult(content: run.tile.kept(outputs[0]))
    if conversion.input != nil { result.input = notes(1) }
    if conversion.output != nil { result.output = notes(outputs.count - 1) }
    try deliver(result)
  }

  private func timed<R>(_ body: () throws(ExecutionError) -> R) throws(EvaluationError) -> R {
    let start = Machine.seconds
    defer { runSeconds += Machine.seconds - start }
    do throws(ExecutionError) {
      return try body()
    } catch {
      throw .execution(network: network.name, error)
    }
  }

  /// One tile of a plan.
  private struct Tile {
    let plan: Plan
    let rows: TileSpan
    let columns: TileSpan
    /// Of the whole output: those that are kept.
    let outputRows: Range<Int>
    let channels: Int

    /// Of what the network is given.
    var shape: Shape { Shape(channels: channels, height: rows.read.count, width: columns.read.count) }

    /// Of the whole output: those that are kept.
    var outputColumns: Range<Int> {
      plan.continuation.kept(columns.keep, of: plan.continuation.width, scale: plan.scale)
    }

    /// Of what the network makes of the tile: the part that is kept.
    var keptOfTile: SampleOutput.Kept {
      let top = (rows.keep.lowerBound - rows.read.lowerBound) * plan.scale
      let left = (columns.keep.lowerBound - columns.read.lowerBound) * plan.scale
      return SampleOutput.Kept(rows: top..<top + outputRows.count, columns: left..<left + outputColumns.count)
    }

    func fill(_ target: UnsafeMutableRawPointer, from filling: Filling) {
      switch filling {
      case .planes(let fill):
        let base = target.assumingMemoryBound(to: Float.self)
        plan.continuation.fill(rows.read, columns.read, channels: channels, base, from: fill)
      case .samples(let row):
        guard let format = plan.conversion.input?.format else { preconditionFailure("the plan takes no samples") }
        plan.continuation.fill(rows.read, columns.read, pixelByteCount: format.pixelByteCount, target, from: row)
      }
    }

    /// The kept part of what the network made of the tile.
    func kept(_ output: UnsafeRawPointer) -> TileResult.Content {
      let kept = keptOfTile, width = columns.read.count * plan.scale
      let first = kept.rows.lowerBound * width + kept.columns.lowerBound
      if let format = plan.conversion.output?.format {
        return .samples(
          SampleRegion(
            rows: outputRows, columns: outputColumns, base: output + first * format.pixelByteCount,
            rowByteCount: width * format.pixelByteCount))
      }
      return .planes(
        Region(
          rows: outputRows, columns: outputColumns, base: output.assumingMemoryBound(to: Float.self) + first,
          planeStride: rows.read.count * plan.scale * width, rowStride: width))
    }
  }
}
