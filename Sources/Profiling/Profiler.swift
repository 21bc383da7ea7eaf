import CPUBackend
import Evaluation
import Execution
import Networks
import Tensors
import Transforms

/// Profiles networks on the CPU engine.
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
    let options = try self.options
    var roofs = self.roofs ?? Roofs(options)
    var measurements: [Measurement] = []
    for subject in subjects { measurements.append(try Measurement(subject, options)) }
    var warmups: [Int] = []
    for index in measurements.indices {
      warmups.append(try WarmUp.run(warmup) { () throws(EvaluationError) in try measurements[index].warmUp() })
    }
    for _ in 0..<runs {
      for index in measurements.indices { try measurements[index].run() }
    }
    // Once more: a machine that is slow for a moment shows only one of the two.
    if self.roofs == nil {
      roofs.raise(to: Roofs(options))
      if let memory {
        roofs = memory.raised(
          roofs, machine: Machine.processorName, precision: options.precision.rawValue)
      }
      roofs.areRemembered = roofs.areRemembered ?? false
    }
    return zip(measurements, warmups).map { measurement, warmup in
      var profile = measurement.profile(statistic, roofs)
      profile.warmup = warmup
      return profile
    }
  }

  /// Of the engine that can be timed from within.
  private var options: CPUOptions {
    get throws(EvaluationError) {
      switch engine {
      case .cpu(let options): options
      case .reference, .cuda: throw .untimedEngine(name: engine.name.description)
      }
    }
  }
}

/// A network being measured.
private struct Measurement {
  private let subject: Profiler.Subject
  private let options: CPUOptions
  private let optimised: Network
  private let shapes: [String: Shape]
  private let ledger: Ledger
  private let session: any TimingSession
  private var timelines: [RunTimeline] = []
  /// Nanoseconds of runs that nobody timed from within.
  private var plain: [Int] = []

  init(_ subject: Profiler.Subject, _ options: CPUOptions) throws(EvaluationError) {
    let optimised = subject.network.optimizedForInference(), input = subject.input.shape
    let backend = try options.makeEngine()
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
    self.options = options
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
        model: subject.model, input: subject.input.shape.description, cpu: Machine.processorName,
        engine: Engine.cpu(options).name, machine: options.machine,
        precision: options.precision.rawValue, runs: timelines.count, parameterCount: subject.network.parameterCount,
        sessionBytes: session.peakMemoryByteCount, roofs: roofs, nanoseconds: timeline.nanoseconds,
        plainNanoseconds: sorted[(sorted.count - 1) / 2], layers: layers.layers, events: layers.events)
      profile.fastestNanoseconds = sorted[0]
      profile.slowNanoseconds = sorted[sorted.count * 3 / 4]
      return profile
    }
    return Profile.combining(profiles, statistic)
  }
}

extension Profile.Layer.Convolution {
  fileprivate init?(_ operation: Operation) {
    if case .convolution(let payload) = operation {
      self.init(
        inChannels: payload.inChannels, outChannels: payload.outChannels,
        kernel: [payload.kernel.height, payload.kernel.width], groups: payload.groups)
    } else if case .separableConvolution(let payload) = operation {
      self.init(
        inChannels: payload.inChannels, outChannels: payload.outChannels,
        kernel: [payload.kernel.height, payload.kernel.width], isSeparable: true)
    } else {
      return nil
    }
  }
}

/// The layers of a profile from the steps of a run: a node's steps together, each copy by itself.
struct LayerTable {
  private(set) var layers: [Profile.Layer] = []
  private(set) var events: [Profile.Event] = []

  init(_ network: Network, shapes: [String: Shape], ledger: Ledger, _ timeline: RunTimeline) {
    let nodes = Dictionary(network.nodes.map { ($0.name, $0) }) { first, _ in first }
    let costs = Dictionary(ledger.entries.map { ($0.node, $0) }) { first, _ in first }
    var layerOfNode: [String: Int] = [:]
    var layerOfStep: [Int] = []
    for step in timeline.steps {
      var layer: Profile.Layer
      if let known = layerOfNode[step.node], !step.isCopy {
        layer = layers[known]
        layer.kernels += step.kernels.filter { !layer.kernels.contains($0) }
        layer.stepCount += 1
        layerOfStep.append(known)
      } else {
        let node = step.isCopy ? nil : nodes[step.node]
        layer = Self.layer(step, node, shapes: shapes, cost: node.flatMap { costs[$0.name] })
        layerOfStep.append(layers.count)
        if node != nil { layerOfNode[step.node] = layers.count }
        layers.append(layer)
      }
      layer.isVectorised = layer.isVectorised && step.work.isVectorised
      if step.work.method.isOfProducts {
        layer.method = step.work.method
        layer.unit = step.work.unit
        layer.operations = Int(2 * Double(layer.multiplyAccumulates) * step.work.productShare)
      }
      layer.traffic = layer.traffic.followed(by: step.traffic)
      layer.bandCount = 0
      layers[layerOfStep[layerOfStep.count - 1]] = layer
    }
    var bands = [Int](repeating: 0, count: timeline.steps.count)
    for event in timeline.events {
      let layer = layerOfStep[event.step]
      layers[layer].nanoseconds += event.duration
      bands[event.step] += 1
      layers[layer].bandCount = max(layers[layer].bandCount, bands[event.step])
      events.append(
        Profile.Event(layer: layer, start: event.start, duration: event.duration, threads: event.threadCount))
    }
    addTotals(timeline, layerOfStep, layerOfNode)
  }

  /// What copies took counts towards the total of the node they are made for.
  private mutating func addTotals(_ timeline: RunTimeline, _ layerOfStep: [Int], _ layerOfNode: [String: Int]) {
    for index in layers.indices { layers[index].totalNanoseconds = layers[index].nanoseconds }
    for (step, layer) in zip(timeline.steps, layerOfStep) where step.isCopy {
      if let owner = layerOfNode[step.node] { layers[owner].totalNanoseconds += layers[layer].nanoseconds }
    }
  }

  private static func layer(
    _ step: RunTimeline.Step, _ node: Node?, shapes: [String: Shape], cost: Ledger.Entry?
  ) -> Profile.Layer {
    let shape = shapes[step.node] ?? Shape([])
    guard let node else {
      var layer = Profile.Layer(
        "\(Profile.Layer.copyPrefix)\(step.node)", operation: "copy", kernels: step.kernels, inputShapes: [shape],
        outputShape: shape,
        nanoseconds: 0)
      layer.isCopy = true
      return layer
    }
    var layer = Profile.Layer(
      node.name, operation: node.operation.displayName, kernels: step.kernels,
      inputShapes: node.elementInputs.compactMap { shapes[$0] },
      outputShape: shape, nanoseconds: 0)
    layer.multiplyAccumulates = cost?.multiplyAccumulates ?? 0
    layer.convolution = Profile.Layer.Convolution(node.operation)
    return layer
  }
}
