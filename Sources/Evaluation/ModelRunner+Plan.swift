import Execution
import Networks
import Tensors

extension ModelRunner {
  /// How one image is cut.
  struct Plan {
    /// `[1, channels, height, width]` of the network's input: the image, continued where it must be.
    var whole: Shape
    /// How the image is continued.
    var continuation: ImageContinuation
    /// What a device converts.
    var conversion = SampleConversion()
    var rows: [TileSpan]
    var columns: [TileSpan]
    /// The bytes that sessions may hold together.
    var budget: Int
    var scale: Int
    /// Whether the network may see the image in parts.
    var isCuttable: Bool
    /// Where small tiles do the work many times over: what sessions and rows of larger ones take.
    var quickByteCount: Int?
    /// How often the work may be done before that is worth a word.
    var worthyRepetition = Self.automaticRepetition
    /// Whether a device had no memory for larger tiles.
    var isShortOfDevice = false

    var tileCount: Int { rows.count * columns.count }
    /// The pixels that all tiles read, halos included.
    var readArea: Int { rows.reduce(0) { $0 + $1.read.count } * columns.reduce(0) { $0 + $1.read.count } }

    /// The rows of the output that belong to a row of tiles.
    func outputRows(_ index: Int) -> Range<Int> { continuation.kept(rows[index].keep, of: continuation.height, scale: scale) }

    /// How many times the tiles together do the work of the whole image, for their halos are read again.
    var repetition: Double { Double(readArea) / Double(max(whole[2] * whole[3], 1)) }
    /// What is worth a word where a limit on memory makes tiles small: with what small tiles cost besides it is three times the time and more.
    static let notableRepetition = 2.5
    /// The same of tiles that are asked for, or that the automatic budget makes. Tiles as large as their halos do four times the work.
    static let automaticRepetition = 6.0
    var repeatsMuch: Bool { repetition > worthyRepetition }

    /// Of the tiles, each once.
    var shapes: Set<Shape> {
      var result: Set<Shape> = []
      for height in Set(rows.map(\.read.count)) {
        for width in Set(columns.map(\.read.count)) {
          var shape = whole
          shape[2] = height
          shape[3] = width
          result.insert(shape)
        }
      }
      return result
    }

    /// With a smaller budget: so many bytes are for something else.
    func keeping(_ byteCount: Int) -> Plan {
      var plan = self
      plan.budget = max(budget - byteCount, 0)
      return plan
    }

    /// The largest tile.
    var largest: Shape {
      var shape = whole
      shape[2] = rows.reduce(0) { max($0, $1.read.count) }
      shape[3] = columns.reduce(0) { max($0, $1.read.count) }
      return shape
    }
  }

  /// What the automatic tile lets a session take where there is no limit: engines work in bands that stay in the caches, so
  /// that larger tiles gain nothing, while smaller ones lose to their halos.
  static let automaticBudget = 256 << 20
  /// More than this is not even tried.
  private static let preparationLimit = 8 << 30

  /// The plan for an input of that size.
  ///
  /// - Parameters:
  ///   - conversion: what the engine, a device, converts.
  ///   - budget: the bytes that sessions may hold, and what the caller keeps for tiles; nil where only `tile` speaks.
  ///   - rows: what the caller keeps beside the sessions of a plan.
  /// Throws `.memoryLimit` with what the smallest tile needs, and what one needs that is not slow, where the budget is too small.
  func plan(
    height: Int, width: Int, budget: Int? = nil, converting conversion: SampleConversion = SampleConversion(),
    rows: (Plan) -> Int = { _ in 0 }
  ) throws(EvaluationError) -> Plan {
    let (continuation, shapes) = try continuation(height: height, width: width)
    let whole = shape(continuation)
    let geometry = TileGeometry(of: fused, shapes: shapes) { backend.outputGrid(of: $0, in: fused, shapes: shapes) }
    let untiled = Plan(
      whole: whole, continuation: continuation, conversion: conversion, rows: [TileSpan(whole: whole.height)],
      columns: [TileSpan(whole: whole.width)],
      budget: budget ?? (tile == .automatic ? Self.automaticBudget : .max), scale: scale,
      isCuttable: geometry != nil && tile != .none,
      worthyRepetition: tile == .automatic && budget ?? .max < Self.automaticBudget
        ? Plan.notableRepetition : Plan.automaticRepetition)

    shortage = nil
    do throws(EvaluationError) {
      var plan = try tiles(of: untiled, geometry, budget, rows)
      plan.isShortOfDevice = shortage != nil
      return plan
    } catch {
      // What the device has is the limit.
      if case .memoryLimit = error, let shortage { throw .execution(network: network.name, shortage) }
      throw error
    }
  }

  private func tiles(
    of untiled: Plan, _ geometry: TileGeometry?, _ budget: Int?, _ rows: (Plan) -> Int
  ) throws(EvaluationError) -> Plan {
    switch tile {
    case .pixels(let side):
      guard let geometry else { throw .notTileable(network: network.name) }
      return try checked(
        untiled.cut(height: side, width: side, geometry), budget, rows, cause: "tiles of \(side) are asked for by --tile")
    case .none:
      return try checked(
        untiled, budget, rows, cause: geometry == nil ? Self.wholeCause : "--tile none takes the whole picture at once")
    case .automatic:
      guard let geometry else { return try checked(untiled, budget, rows, cause: Self.wholeCause) }
      return try largestPlan(untiled, geometry, budget, rows)
    }
  }

  /// The tiles of those that take no more than the budget, nor than the automatic one, that read the least: for some numbers of
  /// columns the highest that fit, guessed by area and tried.
  private func largestPlan(
    _ untiled: Plan, _ geometry: TileGeometry, _ budget: Int?, _ rows: (Plan) -> Int
  ) throws(EvaluationError) -> Plan {
    let allowed = min(budget ?? .max, Self.automaticBudget)
    let whole = untiled.whole, alignment = geometry.alignment
    var best: Plan?
    for columns in [1, 2, 3, 4, 6, 8, 12, 16] {
      let width = columns == 1 ? whole.width : (whole.width / columns / alignment + 1) * alignment
      guard columns == 1 || width < whole.width && width >= 2 * geometry.halo else { break }
      guard let plan = try highestPlan(untiled, geometry, width: width, allowed, rows) else { continue }
      if plan.tileCount == 1 { return plan.keeping(rows(plan)) }
      if plan.readArea < best?.readArea ?? .max { best = plan }
    }
    if var best {
      if best.repeatsMuch {
        let quick = leastQuickPlan(untiled, geometry), enough = try needed(quick, .max, rows)
        if enough <= budget ?? .max { return quick.keeping(rows(quick)) }
        best.quickByteCount = enough
      }
      return best.keeping(rows(best))
    }

    // Smaller ones, and the smallest as long as it fits at all.
    var side = min(max(whole.height, whole.width), 1 << 10)
    var quick: Plan?
    while true {
      side = max(side * 3 / 4 / alignment, 1) * alignment
      let plan = untiled.cut(height: side, width: side, geometry).balanced(height: side, width: side, geometry)
      let isSmallest = side <= alignment
      if !plan.repeatsMuch { quick = plan }
      let needed = try self.needed(plan, isSmallest ? .max : allowed, rows)
      let fits = needed <= (isSmallest ? budget ?? .max : allowed)
      if fits, !plan.repeatsMuch { return plan.keeping(rows(plan)) }
      guard fits || isSmallest else { continue }
      var need = MemoryNeed(needed, repetition: plan.repetition)
      if plan.repeatsMuch, let quick {
        let enough = try self.needed(quick, .max, rows)
        // More than the automatic tile takes is better than the same work many times over.
        if enough <= budget ?? .max { return quick.keeping(rows(quick)) }
        need.quickByteCount = enough
      }
      guard fits else { throw .memoryLimit(limit: allowed, needed: need) }
      var result = plan.keeping(rows(plan))
      result.quickByteCount = need.quickByteCount
      return result
    }
  }

  /// The smallest tiles of equal sides that do not do the work many times over; the whole where none do less.
  private func leastQuickPlan(_ untiled: Plan, _ geometry: TileGeometry) -> Plan {
    let alignment = geometry.alignment
    var side = (max(geometry.halo, 1) + alignment - 1) / alignment * alignment
    while side < max(untiled.whole.height, untiled.whole.width) {
      let plan = untiled.cut(height: side, width: side, geometry).balanced(height: side, width: side, geometry)
      if !plan.repeatsMuch { return plan }
      side += max(side / 8 / alignment, 1) * alignment
    }
    return untiled
  }

  /// The highest tiles of a width that take no more than is allowed; nil where they would be mostly halo.
  private func highestPlan(
    _ untiled: Plan, _ geometry: TileGeometry, width: Int, _ allowed: Int, _ rows: (Plan) -> Int
  ) throws(EvaluationError) -> Plan? {
    let least = max(2 * geometry.halo, geometry.alignment, 16)
    var height = untiled.whole.height
    while true {
      let plan = untiled.cut(height: height, width: width, geometry).balanced(height: height, width: width, geometry)
      let needed = try self.needed(plan, allowed, rows)
      if needed <= allowed { return plan }
      let lower = Int(Double(height) * min(Double(allowed) / Double(needed) * 0.97, 0.97))
      height = max(lower / geometry.alignment, 1) * geometry.alignment
      if lower < least { return nil }
    }
  }

  /// What the caller's rows and the session of any tile take together; a part of it, or a rough account, where that is more
  /// than `allowed` already.
  private func needed(_ plan: Plan, _ allowed: Int, _ rows: (Plan) -> Int) throws(EvaluationError) -> Int {
    let rough = try roughByteCount(plan)
    return rough <= Self.preparationLimit ? try byteCount(plan, allowed, rows) : max(rough, allowed == .max ? 0 : allowed + 1)
  }

  /// What `UpscaleResult.heldWhole` says, too.
  static let wholeCause = "the network looks at the whole picture at once"

  /// - Parameter cause: why the session is as large as it is.
  private func checked(
    _ plan: Plan, _ budget: Int?, _ rows: (Plan) -> Int, cause: String
  ) throws(EvaluationError) -> Plan {
    guard let budget else { return plan }
    let needed = try needed(plan, .max, rows)
    guard needed <= budget else {
      throw .memoryLimit(
        limit: budget, needed: MemoryNeed(needed, causes: [MemoryNeed.Cause(text: cause, byteCount: needed)]))
    }
    return plan.keeping(rows(plan))
  }

  /// What the caller's rows and the session of any tile take together; a part of it where that is more than `allowed` already.
  private func byteCount(_ plan: Plan, _ allowed: Int, _ rows: (Plan) -> Int) throws(EvaluationError) -> Int {
    let own = rows(plan)
    useSessions(for: plan.keeping(own))
    var most = 0
    for shape in [plan.largest] + plan.shapes where own + most <= allowed {
      most = max(most, try sessionByteCount(shape, whole: plan.whole))
    }
    return own + most
  }

  /// What the largest tile takes at most, were every value kept in full.
  private func roughByteCount(_ plan: Plan) throws(EvaluationError) -> Int {
    try wrapping { () throws(NetworkError) in try fused.ledger(inputs: [plan.largest]).peakActivationByteCount }
  }

  private func shape(_ continuation: ImageContinuation) -> Shape {
    Shape(channels: channels, height: continuation.fullHeight, width: continuation.fullWidth)
  }

  /// The least continuation of an image of that size that the network takes, with the shapes of its values.
  private func continuation(
    height: Int, width: Int
  ) throws(EvaluationError) -> (ImageContinuation, shapes: [String: Shape]) {
    let (multiple, shapes) = try ImageContinuation.leastMultiple { multiple throws(EvaluationError) in
      try inferredShapes(shape(ImageContinuation(height: height, width: width, multiple: multiple)))
    }
    return (ImageContinuation(height: height, width: width, multiple: multiple), shapes)
  }

  private func inferredShapes(_ whole: Shape) throws(EvaluationError) -> [String: Shape] {
    let shapes = try wrapping { () throws(NetworkError) in try fused.inferredShapes(inputs: [whole]) }
    let expected = Shape(channels: outputChannels, height: whole.height * scale, width: whole.width * scale)
    guard let output = fused.outputs.first.flatMap({ shapes[$0] }), output == expected else {
      throw .contract(network: network.name, reason: "its output for an input of \(whole) is not \(expected)")
    }
    return shapes
  }
}

extension ModelRunner.Plan {
  /// The same image in tiles.
  fileprivate func cut(height: Int, width: Int, _ geometry: TileGeometry) -> Self {
    var result = self
    if height < whole.height { result.rows = TileSpan.covering(whole.height, tile: height, geometry: geometry) }
    if width < whole.width { result.columns = TileSpan.covering(whole.width, tile: width, geometry: geometry) }
    return result
  }

  /// The same number of tiles of those sides, no larger than they need to be.
  fileprivate func balanced(height: Int, width: Int, _ geometry: TileGeometry) -> Self {
    func spans(_ extent: Int, _ side: Int, _ old: [TileSpan]) -> [TileSpan] {
      var best = old
      for smaller in stride(from: side - geometry.alignment, to: 0, by: -geometry.alignment) {
        let candidate = TileSpan.covering(extent, tile: smaller, geometry: geometry)
        guard candidate.count == old.count else { break }
        best = candidate
      }
      return best
    }
    var result = self
    if height < whole.height { result.rows = spans(whole.height, height, rows) }
    if width < whole.width { result.columns = spans(whole.width, width, columns) }
    return result
  }
}
