import CPUBackend
import CUDABackend
import Evaluation
import Execution
import Networks
import Tensors
import Transforms

/// Profiles networks on the CPU engine, or on a CUDA device.
public struct Profiler: Sendable {
  /// A network and what it is run on.
  public struct Subject: Sendable {
    public var network: Network
    /// What the profile calls it.
    public var model: String
    public var input: Tensor

    public init(_ network: Network, model: String, input: Tensor) {
      self.network = network
      self.model = model
      self.input = input
    }
  }

  public var engine: Engine
  /// Runs before those that count.
  public var warmup: Int
  /// At least 1.
  public var runs: Int
  /// What becomes of the runs.
  public var statistic: Profile.Statistic
  /// Measured where none are given.
  public var roofs: Roofs?
  /// Where roofs of earlier measurements are kept; nil for nowhere.
  public var memory: RoofMemory?

  public init(
    engine: Engine, warmup: Int = 3, runs: Int = 10, statistic: Profile.Statistic = .medianRun, roofs: Roofs? = nil,
    memory: RoofMemory? = nil
  ) {
    self.engine = engine
    self.warmup = max(warmup, 0)
    self.runs = max(runs, 1)
    self.statistic = statistic
    self.roofs = roofs
    self.memory = memory
  }

  /// Runs the network, as optimised for inference, on a tensor. `model` is what the profile calls it.
  public func profile(_ network: Network, model: String, input: Tensor) throws(EvaluationError) -> Profile {
    try profiles([Subject(network, model: model, input: input)])[0]
  }

  /// Profiles of several networks, which run in turn, so that all meet the same disturbances. All sessions are held at once.
  public func profiles(_ subjects: [Subject]) throws(EvaluationError) -> [Profile] {
    let engine = try timedEngine
    var meter: (() throws(EvaluationError) -> Roofs)?
    var roofs: Roofs
    if let given = self.roofs {
      roofs = given
    } else {
      let made = try engine.roofMeter
      roofs = try made()
      meter = made
    }
    var measurements: [Measurement] = []
    for subject in subjects { measurements.append(try Measurement(subject, engine)) }
    var warmups: [Int] = []
    for index in measurements.indices {
      warmups.append(try WarmUp.run(warmup) { () throws(EvaluationError) in try measurements[index].warmUp() })
    }
    for _ in 0..<runs {
      for index in measurements.indices { try measurements[index].run() }
    }
    // Once more: a machine that is slow for a moment shows only one of the two.
    if let meter {
      roofs.raise(to: try meter())
      if let memory {
        roofs = memory.raised(roofs, machine: engine.machineName, precision: engine.precision)
      }
      roofs.areRemembered = roofs.areRemembered ?? false
    }
    return zip(measurements, warmups).map { measurement, warmup in
      var profile = measurement.profile(statistic, roofs)
      profile.warmup = warmup
      return profile
    }
  }

  /// A device that is there already, in place of the one that the engine names: tests have one that is emulated.
  var device: CUDAEngine?

  private var timedEngine: TimedEngine {
    get throws(EvaluationError) {
      switch engine {
      case .cpu(let options): return .cpu(options)
      case .cuda(let options):
        if let device { return .cuda(options, device) }
        return .cuda(options, try options.makeEngine())
      case .reference: throw .untimedEngine(name: engine.name.description)
      }
    }
  }
}

/// An engine that can be timed from within.
private enum TimedEngine {
  case cpu(CPUOptions)
  case cuda(CUDAOptions, CUDAEngine)

  func backend() throws(EvaluationError) -> any Backend {
    switch self {
    case .cpu(let options): try options.makeEngine()
    case .cuda(_, let engine): engine
    }
  }

  /// Measures what the machine can do at most.
  var roofMeter: () throws(EvaluationError) -> Roofs {
    get throws(EvaluationError) {
      switch self {
      case .cpu(let options): return { () throws(EvaluationError) in Roofs(options) }
      case .cuda(_, let engine): return try DeviceRoofMeter(engine).measured
      }
    }
  }

  var name: EngineName {
    switch self {
    case .cpu(let options): Engine.cpu(options).name
    case .cuda(let options, _): Engine.cuda(options).name
    }
  }

  var machineName: String {
    switch self {
    case .cpu: Machine.processorName
    case .cuda(_, let engine): engine.device.name
    }
  }

  var machine: MachineDescription? {
    switch self {
    case .cpu(let options): options.machine
    case .cuda: nil
    }
  }

  var precision: String {
    switch self {
    case .cpu(let options): options.precision.rawValue
    case .cuda(_, let engine): engine.precision.rawValue
    }
  }
}

/// A network being measured.
private struct Measurement {
  private let subject: Profiler.Subject
  private let engine: TimedEngine
  private let optimised: Network
  private let shapes: [String: Shape]
  private let ledger: Ledger
  private let session: any TimingSession
  private var timelines: [RunTimeline] = []
  /// Nanoseconds of runs that nobody timed from within.
  private var plain: [Int] = []

  init(_ subject: Profiler.Subject, _ engine: TimedEngine) throws(EvaluationError) {
    let optimised = subject.network.optimizedForInference(), input = subject.input.shape
    let backend = try engine.backend()
    shapes = try wrapping { () throws(NetworkError) in try optimised.inferredShapes(inputs: [input]) }
    ledger = try wrapping { () throws(NetworkError) in try optimised.ledger(inputs: [input]) }
    do throws(ExecutionError) {
      guard let session = try backend.prepare(optimised, inputs: [input]) as? any TimingSession else {
        throw .invalidNetwork("the backend \(backend.name) does not say where its time goes")
      }
      self.session = session
    } catch {
      throw .execution(network: subject.network.name, error)
    }
    self.subject = subject
    self.engine = engine
    self.optimised = optimised
  }

  func warmUp() throws(EvaluationError) {
    do throws(ExecutionError) { _ = try session.run([subject.input]) } catch { throw wrapped(error) }
  }

  /// One run of each kind, in turn, so that both meet the same disturbances.
  mutating func run() throws(EvaluationError) {
    let start = Machine.seconds
    try warmUp()
    plain.append(Int((Machine.seconds - start) * 1e9))
    do throws(ExecutionError) {
      timelines.append(try session.timedRun([subject.input]).timeline)
    } catch {
      throw wrapped(error)
    }
  }

  private func wrapped(_ error: ExecutionError) -> EvaluationError { .execution(network: subject.network.name, error) }

  /// Of all runs so far, at least one.
  func profile(_ statistic: Profile.Statistic, _ roofs: Roofs) -> Profile {
    let sorted = plain.sorted()
    let profiles = timelines.map { timeline in
      let layers = LayerTable(optimised, shapes: shapes, ledger: ledger, timeline)
      var profile = Profile(
        model: subject.model, input: subject.input.shape.description, cpu: engine.machineName, engine: engine.name,
        machine: engine.machine, precision: engine.precision, runs: timelines.count,
        parameterCount: subject.network.parameterCount,
        sessionBytes: session.peakMemoryByteCount, roofs: roofs, nanoseconds: timeline.nanoseconds,
        plainNanoseconds: sorted[(sorted.count - 1) / 2], layers: layers.layers, events: layers.events)
      if case .cuda(_, let device) = engine, let host = timeline.host {
        profile.device = Profile.DeviceRun(
          device: device.device, host: host, kernelCount: timeline.steps.count { $0.blocks != nil })
      }
      profile.fastestNanoseconds = sorted[0]
      profile.slowNanoseconds = sorted[sorted.count * 3 / 4]
      return profile
    }
    var profile = Profile.combining(profiles, statistic)
    if profile.device != nil { profile.raiseProducts() }
    let choices = choices
    for index in profile.layers.indices { profile.layers[index].choice = choices[profile.layers[index].name] }
    return profile
  }

  /// Why kernels were taken, by the node.
  private var choices: [String: String] {
    let report =
      switch engine {
      case .cpu(let options): try? KernelReport(subject.network, input: subject.input.shape, options: options)
      case .cuda(_, let device):
        try? KernelReport(
          subject.network, input: subject.input.shape, precision: device.precision, device: device.device)
      }
    return Dictionary((report?.choices ?? []).map { ($0.node, $0.reason) }) { first, _ in first }
  }
}
