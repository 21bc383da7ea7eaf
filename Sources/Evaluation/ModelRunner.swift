import Execution
import Imaging
import Networks
import Tensors
import Transforms

/// A network that makes an image of an image, on an engine: takes planes of any size, runs them whole or in tiles, and returns planes.
///
/// Sessions are kept for the next image of the same size as long as they fit the memory budget. Not safe to use from two
/// threads at once.
public final class ModelRunner {
  /// The network as it was given.
  public let network: Network
  public let tile: TilePolicy
  /// The channels that enter.
  public let channels: Int
  /// The channels that leave.
  public let outputChannels: Int
  /// Output pixels per input pixel along each axis.
  public let scale: Int
  let backend: any Backend
  /// What runs: the network optimised for inference.
  let fused: Network
  /// What the sessions share.
  private var model: (any Model)?
  private var sessions: [Shape: CachedSession] = [:]
  private var sessionUses = 0
  /// What sessions of the shapes that were prepared take.
  private var sessionSizes: [Shape: Int] = [:]
  /// The whole shape that the sessions' kernels were chosen for.
  private var sessionsWhole: Shape?
  /// What a device converts in them.
  private var sessionsConversion = SampleConversion()
  /// The bytes that sessions may hold together, as long as one fits at all.
  private var sessionBudget = ModelRunner.automaticBudget

  /// What runners of the same network, of that name, have found out about sessions; nil for one that goes by its own.
  var known: (sizes: SessionSizes, network: String)?
  /// What a device said that had no memory for a session, since tiles were last chosen; nil where it had enough.
  var shortage: ExecutionError?

  /// What sessions have run for so far, their preparation not counted.
  public internal(set) var runSeconds = 0.0

  private struct CachedSession {
    var session: any Session
    var lastUse: Int
  }

  /// Throws where the network has no image contract, does not keep it, or holds parameters that are not finite.
  public convenience init(
    _ network: Network, backend: any Backend, tile: TilePolicy = .automatic
  ) throws(EvaluationError) {
    let contract = try network.checkedImageContract(), channels = contract.colour == .luma ? 1 : 3
    self.init(
      network, backend: backend, tile: tile, channels: channels, outputChannels: channels,
      scale: contract.inputSize == .lowResolution ? contract.scale ?? 1 : 1)
  }

  /// For a network that was checked; what it makes of an image is checked when it is planned.
  init(_ network: Network, backend: any Backend, tile: TilePolicy, channels: Int, outputChannels: Int, scale: Int) {
    self.network = network
    self.backend = backend
    self.tile = tile
    self.channels = channels
    self.outputChannels = outputChannels
    self.scale = scale
    fused = network.optimizedForInference()
  }

  /// Of those that are in memory.
  var sessionCount: Int { sessions.count }

  /// Lets go of the sessions and their memory; packed weights stay for the next.
  func releaseSessions() {
    sessions = [:]
    sessionSizes = [:]
  }

  /// Lets go of the sessions and all their memory, packed weights included.
  public func releaseAll() {
    releaseSessions()
    model = nil
  }
}

extension ModelRunner {
  /// Lets go of sessions for another image size.
  func useSessions(for plan: Plan) {
    if sessionsWhole != plan.whole || sessionsConversion != plan.conversion {
      sessions = [:]
      sessionSizes = [:]
      sessionsWhole = plan.whole
      sessionsConversion = plan.conversion
    }
    sessionBudget = plan.budget
  }

  /// What a session for the shape takes; it is prepared for that, and kept. Where the system, or the device, does not give it the memory it
  /// takes more than there is.
  func sessionByteCount(_ shape: Shape, whole: Shape) throws(EvaluationError) -> Int {
    if let byteCount = knownByteCount(shape, whole: whole) { return byteCount }
    do throws(EvaluationError) {
      return try session(for: shape, whole: whole).peakMemoryByteCount
    } catch {
      switch error {
      case .execution(_, .memory(let needed, _)): return max(needed, sessionBudget + 1)
      case .execution(_, .deviceMemory(let needed, let free)):
        shortage = .deviceMemory(needed: needed, free: free)
        return max(needed, sessionBudget + 1)
      default: throw error
      }
    }
  }

  private func knownByteCount(_ shape: Shape, whole: Shape) -> Int? {
    sessionSizes[shape] ?? known.flatMap { $0.sizes.byteCount($0.network, shape, whole: whole, sessionsConversion) }
  }

  /// Lets go of the sessions that a plan does not need.
  ///
  /// - Returns: the bytes that those that it needs hold together at most.
  func settle(_ plan: Plan) -> Int {
    let shapes = plan.shapes
    sessions = sessions.filter { shapes.contains($0.key) }
    return min(shapes.reduce(0) { $0 + (knownByteCount($1, whole: plan.whole) ?? plan.budget) }, plan.budget)
  }

  func session(for shape: Shape, whole: Shape) throws(EvaluationError) -> any Session {
    sessionUses += 1
    if let cached = sessions[shape] {
      sessions[shape]?.lastUse = sessionUses
      return cached.session
    }
    // What is not known to need less needs about what the others need; they go first, so that two never stand above the budget.
    var held = sessions.values.reduce(0) { $0 + $1.session.peakMemoryByteCount }
    let needed = knownByteCount(shape, whole: whole) ?? sessions.values.reduce(0) { max($0, $1.session.peakMemoryByteCount) }
    while held + needed > sessionBudget, let oldest = sessions.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      held -= oldest.value.session.peakMemoryByteCount
      sessions[oldest.key] = nil
    }
    let session: any Session
    do throws(ExecutionError) {
      let model: any Model = if let made = self.model { made } else { try backend.prepare(fused) }
      self.model = model
      do throws(ExecutionError) {
        session = try makeSession(model, shape, whole)
      } catch {
        // A device has less memory than the host, on which the budget is set.
        guard case .deviceMemory = error, !sessions.isEmpty else { throw error }
        sessions = [:]
        session = try makeSession(model, shape, whole)
      }
    } catch {
      throw .execution(network: network.name, error)
    }
    sessionSizes[shape] = session.peakMemoryByteCount
    known?.sizes.note(session.peakMemoryByteCount, known?.network ?? "", shape, whole: whole, sessionsConversion)
    sessions[shape] = CachedSession(session: session, lastUse: sessionUses)
    return session
  }

  private func makeSession(_ model: any Model, _ shape: Shape, _ whole: Shape) throws(ExecutionError) -> any Session {
    guard backend is any DeviceBackend, let staged = model as? any StagedModel else {
      return try model.session(inputs: [shape], kernelsFor: [whole])
    }
    return try staged.session(input: shape, kernelsFor: whole, converting: sessionsConversion)
  }
}
