import Execution
import Imaging
import Networks
import Tensors
import Transforms

/// An image-to-image network on an engine: takes planes of any size, runs them whole or in tiles, and returns planes.
///
/// Sessions are kept for the next image of the same size as long as they fit the memory budget. Not safe to use from two threads
/// at once.
public final class ModelRunner {
  /// The network as it was given.
  public let network: Network
  public let contract: ImageContract
  public let tile: TilePolicy
  let backend: any Backend
  /// What runs: the network with its passes over memory joined.
  private let fused: Network
  private var sessions: [Shape: CachedSession] = [:]
  private var sessionUses = 0
  /// The whole shape that the sessions' kernels were chosen for.
  private var sessionsWhole: Shape?
  /// The bytes that sessions may hold together, as long as one fits at all.
  private var sessionBudget = ModelRunner.automaticBudget

  /// What sessions have run for so far, their preparation not counted.
  public private(set) var runSeconds = 0.0

  private struct CachedSession {
    var session: any Session
    var lastUse: Int
  }

  /// What the automatic tile lets activations, packed weights and scratch take: larger tiles gain nothing, smaller ones lose to
  /// their halos.
  public static let automaticBudget = 256 << 20

  /// Throws where the network has no image contract, does not keep it, or holds parameters that are not finite.
  public init(
    _ network: Network, backend: any Backend, tile: TilePolicy = .automatic
  ) throws(EvaluationError) {
    self.network = network
    contract = try network.checkedImageContract()
    self.backend = backend
    self.tile = tile
    fused = network.fusing()
  }

  /// Output pixels per input pixel along each axis: the contract's scale, or 1 where the image is enlarged before it enters.
  public var scale: Int { contract.inputSize == .lowResolution ? contract.scale ?? 1 : 1 }

  /// The channels that enter and leave.
  public var channels: Int { contract.colour == .luma ? 1 : 3 }

  /// Lets go of the sessions and their memory.
  public func releaseSessions() { sessions = [:] }
}

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
  }

  /// The plan for an input of that size.
  ///
  /// - Parameter budget: the bytes that sessions may hold; nil where only `tile` speaks.
  func plan(height: Int, width: Int, budget: Int? = nil) throws(EvaluationError) -> Plan {
    let whole = Shape(channels: channels, height: height, width: width)
    let shapes = try inferredShapes(whole)
    let geometry = TileGeometry(of: fused, shapes: shapes) { backend.outputGrid(of: $0, in: fused, shapes: shapes) }
    let allowed = budget ?? (tile == .automatic ? Self.automaticBudget : .max)
    func plan(_ side: Int?) -> Plan {
      guard let side, let geometry else {
        let rows = [TileSpan(read: 0..<height, keep: 0..<height)], columns = [TileSpan(read: 0..<width, keep: 0..<width)]
        return Plan(whole: whole, rows: rows, columns: columns, budget: allowed, scale: scale)
      }
      return Plan(
        whole: whole, rows: TileSpan.covering(height, tile: side, geometry: geometry),
        columns: TileSpan.covering(width, tile: side, geometry: geometry), budget: allowed, scale: scale)
    }
    switch tile {
    case .pixels(let side):
      guard geometry != nil else { throw .notTileable(network: network.name) }
      let result = plan(side)
      let needed = try sessionByteCount(result)
      guard needed <= allowed else { throw .memoryLimit(limit: allowed, needed: needed) }
      return result
    case .none:
      let result = plan(nil)
      let needed = budget == nil ? 0 : try sessionByteCount(result)
      guard needed <= allowed else { throw .memoryLimit(limit: allowed, needed: needed) }
      return result
    case .automatic:
      if try sessionByteCount(plan(nil)) <= allowed { return plan(nil) }
      guard let geometry else {
        // Nothing can be cut: the automatic budget is a wish, a limit is not.
        let needed = try sessionByteCount(plan(nil))
        guard budget == nil else { throw .memoryLimit(limit: allowed, needed: needed) }
        return plan(nil)
      }
      var sides: [Int] = []
      var side = max(height, width)
      while side > geometry.alignment {
        side = (side * 7 / 8) / geometry.alignment * geometry.alignment
        sides.append(max(side, geometry.alignment))
      }
      var smallest = plan(geometry.alignment)
      for side in sides {
        let candidate = plan(side)
        if try sessionByteCount(candidate) <= allowed { return balanced(candidate, side: side, geometry: geometry) }
        smallest = candidate
      }
      let needed = try sessionByteCount(smallest)
      guard budget == nil || needed <= allowed else { throw .memoryLimit(limit: allowed, needed: needed) }
      return smallest
    }
  }

  /// The same number of tiles, no larger than they need to be.
  private func balanced(_ plan: Plan, side: Int, geometry: TileGeometry) -> Plan {
    func spans(_ extent: Int, _ old: [TileSpan]) -> [TileSpan] {
      var best = old
      var side = side - geometry.alignment
      while side > 0 {
        let candidate = TileSpan.covering(extent, tile: side, geometry: geometry)
        guard candidate.count == old.count else { break }
        best = candidate
        side -= geometry.alignment
      }
      return best
    }
    var result = plan
    result.rows = spans(plan.whole.height, plan.rows)
    result.columns = spans(plan.whole.width, plan.columns)
    return result
  }

  /// An estimate of what the largest tile's session holds: values at their peak, weights in every packing (a Winograd kernel's
  /// are four times the size), scratch.
  private func sessionByteCount(_ plan: Plan) throws(EvaluationError) -> Int {
    let height = plan.rows.reduce(0) { max($0, $1.read.count) }, width = plan.columns.reduce(0) { max($0, $1.read.count) }
    let shape = Shape(channels: channels, height: height, width: width)
    let ledger = try wrapping { () throws(NetworkError) in try fused.ledger(inputs: [shape]) }
    // Counts of the ledger saturate.
    return min(ledger.peakActivationByteCount, 1 << 50) / 4 * 5 + fused.parameterCount * 4 * 5 + 8 << 20
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

extension ModelRunner {
  /// A rectangle of a result: `channels` planes of rows.
  struct Region {
    /// Where the rectangle lies in the whole output.
    var rows: Range<Int>
    var columns: Range<Int>
    var base: UnsafePointer<Float>
    /// Floats from a plane, or a row, to the next.
    var planeStride: Int
    var rowStride: Int
  }

  /// Runs the network tile by tile, row of tiles after row of tiles.
  ///
  /// - Parameters:
  ///   - fill: writes the input's rectangle, plane after plane, row after row.
  ///   - deliver: takes the kept part of a tile's result; valid during the call only.
  func run(
    _ plan: Plan, fill: (_ rows: Range<Int>, _ columns: Range<Int>, UnsafeMutablePointer<Float>) -> Void,
    deliver: (Region) throws(EvaluationError) -> Void
  ) throws(EvaluationError) {
    if sessionsWhole != plan.whole {
      releaseSessions()
      sessionsWhole = plan.whole
    }
    sessionBudget = plan.budget
    for rows in plan.rows {
      for columns in plan.columns {
        let shape = Shape(channels: channels, height: rows.read.count, width: columns.read.count)
        let input = Tensor(unsafeUninitialized: shape) { bytes in
          if let base = bytes.bindMemory(to: Float.self).baseAddress { fill(rows.read, columns.read, base) }
        }
        let output = try run(input, whole: plan.whole)
        let scale = plan.scale
        try output.withUnsafeFloats { (floats) throws(EvaluationError) in
          guard let base = floats.baseAddress else { return }
          let rowStride = columns.read.count * scale
          let offset =
            (rows.keep.lowerBound - rows.read.lowerBound) * scale * rowStride
            + (columns.keep.lowerBound - columns.read.lowerBound) * scale
          try deliver(
            Region(
              rows: rows.keep.lowerBound * scale..<rows.keep.upperBound * scale,
              columns: columns.keep.lowerBound * scale..<columns.keep.upperBound * scale, base: base + offset,
              planeStride: rows.read.count * scale * rowStride, rowStride: rowStride))
        }
      }
    }
  }

  private func run(_ input: Tensor, whole: Shape) throws(EvaluationError) -> Tensor {
    let session = try session(for: input.shape, whole: whole)
    let start = Machine.seconds
    defer { runSeconds += Machine.seconds - start }
    do throws(ExecutionError) {
      return try session.run([input])[0]
    } catch {
      throw .execution(network: network.name, error)
    }
  }

  private func session(for shape: Shape, whole: Shape) throws(EvaluationError) -> any Session {
    sessionUses += 1
    if let cached = sessions[shape] {
      sessions[shape]?.lastUse = sessionUses
      return cached.session
    }
    // What will be needed is about what the others need; they go first, so that two never stand above the budget.
    var held = sessions.values.reduce(0) { $0 + $1.session.peakMemoryByteCount }
    let largest = sessions.values.reduce(0) { max($0, $1.session.peakMemoryByteCount) }
    while held + largest > sessionBudget, let oldest = sessions.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      held -= oldest.value.session.peakMemoryByteCount
      sessions[oldest.key] = nil
    }
    let session: any Session
    do throws(ExecutionError) {
      session = try backend.prepare(fused, inputs: [shape], kernelsFor: [whole])
    } catch {
      throw .execution(network: network.name, error)
    }
    sessions[shape] = CachedSession(session: session, lastUse: sessionUses)
    return session
  }
}

extension Network {
  /// The contract of an image-to-image network, its inputs, outputs and parameters checked against it.
  func checkedImageContract() throws(EvaluationError) -> ImageContract {
    guard let contract = imageContract else { throw .noImageContract(network: name) }
    guard inputs.count == 1, outputs.count == 1 else {
      throw .contract(network: name, reason: "it has \(inputs.count) inputs and \(outputs.count) outputs instead of one")
    }
    let channels = contract.colour == .luma ? 1 : 3
    guard inputs[0].channels == channels else {
      throw .contract(network: name, reason: "its input has \(inputs[0].channels) channels instead of \(channels)")
    }
    guard contract.maximum.isFinite, contract.maximum > 0 else {
      throw .contract(network: name, reason: "its range ends at \(contract.maximum)")
    }
    if contract.inputSize == .lowResolution, !(1...64).contains(contract.scale ?? 0) {
      throw .contract(network: name, reason: "its scale is not in 1...64")
    }
    for (name, tensor) in parameters.sorted(by: { $0.key < $1.key }) where tensor.dataType == .float32 {
      guard tensor.withUnsafeFloats({ $0.allSatisfy(\.isFinite) }) else {
        throw .notFinite(network: self.name, what: "the parameter '\(name)'")
      }
    }
    return contract
  }
}
