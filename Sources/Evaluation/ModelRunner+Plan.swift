import Execution
import Networks
import Tensors

extension ModelRunner {
  /// How one image is cut.
  struct Plan {
    /// `[1, channels, height, width]` of the network's input.
    var whole: Shape
    var rows: [TileSpan]
    var columns: [TileSpan]
    /// The bytes that sessions may hold together.
    var budget: Int
    var scale: Int

    var tileCount: Int { rows.count * columns.count }

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

  /// What the automatic tile lets a session take where there is no limit: engines work in bands that stay in the caches, so that
  /// larger tiles gain nothing, while smaller ones lose to their halos.
  static let automaticBudget = 256 << 20
  /// More than this is not even tried.
  private static let preparationLimit = 8 << 30

  /// The plan for an input of that size.
  ///
  /// - Parameters:
  ///   - budget: the bytes that sessions may hold, and what the caller keeps for tiles; nil where only `tile` speaks.
  ///   - rows: what the caller keeps beside the sessions of a plan.
  /// Throws `.memoryLimit` with what the smallest tile needs where the budget is too small.
  func plan(
    height: Int, width: Int, budget: Int? = nil, rows: (Plan) -> Int = { _ in 0 }
  ) throws(EvaluationError) -> Plan {
    let whole = Shape(channels: channels, height: height, width: width)
    let shapes = try inferredShapes(whole)
    let geometry = TileGeometry(of: fused, shapes: shapes) { backend.outputGrid(of: $0, in: fused, shapes: shapes) }
    let untiled = Plan(
      whole: whole, rows: [TileSpan(read: 0..<height, keep: 0..<height)],
      columns: [TileSpan(read: 0..<width, keep: 0..<width)],
      budget: budget ?? (tile == .automatic ? Self.automaticBudget : .max), scale: scale)

    switch tile {
    case .pixels(let side):
      guard let geometry else { throw .notTileable(network: network.name) }
      return try checked(untiled.cut(side, geometry), budget, rows)
    case .none:
      return try checked(untiled, budget, rows)
    case .automatic:
      guard let geometry else { return try checked(untiled, budget, rows) }
      return try largestPlan(untiled, geometry, budget, rows)
    }
  }

  /// The largest tile that takes no more than the budget, nor than the automatic one: guessed by area, and tried.
  private func largestPlan(
    _ untiled: Plan, _ geometry: TileGeometry, _ budget: Int?, _ rows: (Plan) -> Int
  ) throws(EvaluationError) -> Plan {
    let allowed = min(budget ?? .max, Self.automaticBudget)
    var candidate = untiled
    var side = max(untiled.whole.height, untiled.whole.width)
    while true {
      var needed = try roughByteCount(candidate)
      var target = Self.preparationLimit
      if needed <= target {
        needed = try byteCount(candidate, side > geometry.alignment ? allowed : .max, rows)
        target = allowed
      }
      // The smallest is taken as long as it fits at all.
      if needed <= target || (side <= geometry.alignment && needed <= budget ?? .max) {
        return candidate.keeping(rows(candidate))
      }
      if side <= geometry.alignment { throw .memoryLimit(limit: allowed, needed: needed) }
      let share = min((Double(target) / Double(needed)).squareRoot() * 0.97, 1)
      side = max(min(Int(Double(side) * share), side - 1) / geometry.alignment, 1) * geometry.alignment
      candidate = untiled.cut(side, geometry).balanced(side, geometry)
    }
  }

  private func checked(_ plan: Plan, _ budget: Int?, _ rows: (Plan) -> Int) throws(EvaluationError) -> Plan {
    guard let budget else { return plan }
    var needed = try roughByteCount(plan)
    if needed <= Self.preparationLimit { needed = try byteCount(plan, .max, rows) }
    guard needed <= budget else { throw .memoryLimit(limit: budget, needed: needed) }
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

  private func inferredShapes(_ whole: Shape) throws(EvaluationError) -> [String: Shape] {
    let shapes = try wrapping { () throws(NetworkError) in try fused.inferredShapes(inputs: [whole]) }
    let expected = Shape(channels: channels, height: whole.height * scale, width: whole.width * scale)
    guard let output = fused.outputs.first.flatMap({ shapes[$0] }), output == expected else {
      throw .contract(network: network.name, reason: "its output for an input of \(whole) is not \(expected)")
    }
    return shapes
  }
}

extension ModelRunner.Plan {
  /// The same image in tiles.
  fileprivate func cut(_ side: Int, _ geometry: TileGeometry) -> Self {
    var result = self
    result.rows = TileSpan.covering(whole.height, tile: side, geometry: geometry)
    result.columns = TileSpan.covering(whole.width, tile: side, geometry: geometry)
    return result
  }

  /// The same number of tiles of that side, no larger than they need to be.
  fileprivate func balanced(_ side: Int, _ geometry: TileGeometry) -> Self {
    func spans(_ extent: Int, _ old: [TileSpan]) -> [TileSpan] {
      var best = old
      for smaller in stride(from: side - geometry.alignment, to: 0, by: -geometry.alignment) {
        let candidate = TileSpan.covering(extent, tile: smaller, geometry: geometry)
        guard candidate.count == old.count else { break }
        best = candidate
      }
      return best
    }
    var result = self
    result.rows = spans(whole.height, rows)
    result.columns = spans(whole.width, columns)
    return result
  }
}
