import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import Transforms

/// Runs a generated network in many ways that must agree: a CPU engine with the reference within the bound of rounding, and with
/// itself to the last bit for every thread count, height of bands, cache, second run and cut into tiles.
package struct NetworkCheck {
  package enum Outcome: Hashable, Sendable {
    case agrees
    /// A backend cannot run the network, and says so.
    case refused(String)
    case fault(String)
  }

  private let network: Network
  private let inputs: [Tensor]
  private var choices: ChoiceSource

  /// Winograd's stated bound on the rounding of a convolution; see `Tolerance`.
  private static let winogradFactor = 10.0
  private static let instructionSets = InstructionSet.allCases.filter(\.isAvailable)

  /// A network of the seed, and all that is to be said of it.
  package static func run(seed: UInt64) -> Outcome {
    var choices = ChoiceSource(seed: seed)
    return run(&choices)
  }

  /// The same with the choices of a fuzzer.
  package static func run(_ choices: inout ChoiceSource) -> Outcome {
    let kind = choices.pick(GeneratedNetwork.Kind.allCases)
    guard let generated = GeneratedNetwork(kind, &choices) else { return .refused("no network") }
    let isOptimised = choices.oneIn(2)
    var check = NetworkCheck(
      isOptimised ? generated.network.optimizedForInference() : generated.network, generated.inputs, choices)
    do throws(ExecutionError) {
      guard let fault = try check.fault() else { return .agrees }
      let description = check.network.nodes.map { "\($0)" }.joined(separator: "\n  ")
      return .fault("\(fault)\n  inputs \(generated.inputShapes)\n  \(description)\n  outputs \(check.network.outputs)")
    } catch {
      if case .unsupported = error { return .refused("\(error)") }
      return .fault("\(error)")
    }
  }

  private init(_ network: Network, _ inputs: [Tensor], _ choices: ChoiceSource) {
    self.network = network
    self.inputs = inputs
    self.choices = choices
  }

  private mutating func fault() throws(ExecutionError) -> String? {
    let expected = try ReferenceEngine().prepare(network, inputs: inputs.map(\.shape)).run(inputs)
    let precision = choices.oneIn(4) ? Precision.bfloat16 : .float32
    let instructionSet = choices.pick(Self.instructionSets.map { ($0, $0 == .best ? Self.instructionSets.count : 1) })
    var engine = CPUEngine(
      instructionSet: instructionSet, threadCount: 1, precision: precision, machine: choices.pick(MachineDescription.families))
    engine.preferredMethod = choices.pick([nil, nil, nil] + ConvolutionMethod.allCases.map { $0 })
    engine.preferredTransposedMethod = choices.pick([nil, nil, nil] + TransposedMethod.allCases.map { $0 })
    return try fault(of: engine, expected).map { "\(instructionSet), \(precision): \($0)" }
  }

  private mutating func fault(of engine: CPUEngine, _ expected: [Tensor]) throws(ExecutionError) -> String? {
    var plain = engine
    plain.cacheByteCount = 0
    let truth = try run(plain)
    let storage = engine.precision == .bfloat16 ? Tolerance.bfloat16Epsilon : 0
    guard
      let tolerances = try? Tolerance.outputs(
        of: network, inputs: inputs, convolutionFactor: Self.winogradFactor, storage: storage)
    else { return "the network has no tolerances" }
    for (index, name) in network.outputs.enumerated() {
      let difference = truth[index].difference(from: expected[index])
      // Written so that a NaN is a fault; what is infinite in the reference need not be the same here.
      if tolerances[index].error < Double(Float.greatestFiniteMagnitude), !(difference.maximum <= tolerances[index].error) {
        return "'\(name)' is \(difference.maximum) from the reference, \(tolerances[index].error) is allowed"
      }
    }
    for _ in 0..<3 {
      var machine = engine.machine
      machine.caches = choices.pick([machine.caches, machine.caches, CacheSizes(level2: 128 << 10, lastLevel: 1 << 20)])
      var other = CPUEngine(
        instructionSet: engine.instructionSet, threadCount: choices.pick(Array(1...8) + [16]), precision: engine.precision,
        machine: machine)
      other.preferredMethod = engine.preferredMethod
      other.preferredTransposedMethod = engine.preferredTransposedMethod
      other.cacheByteCount = choices.pick([1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 30, 1 << 30])
      other.bandPixels = choices.pick([1, 16, 64, 256, 1536])
      // Every loop is cut for so many threads, or those that are worth it. Mostly the caller does all of the tasks, which is quick, and
      // most faults lie in the cuts.
      if !choices.oneIn(5) { other.leastSharedCycles = 0 }
      if !choices.oneIn(6) { other.grantedThreadCount = 0 }
      // A model that had other parameters, of which it has run, is like one that was made with these.
      let learns = choices.oneIn(3)
      let model = try other.prepare(learns ? network.withOtherParameters : network)
      let session = try model.session(inputs: inputs.map(\.shape))
      var result: [Tensor] = []
      if learns {
        result = try session.run(inputs)
        try model.setParameters(network.parameters)
      }
      for run in 1...2 {
        // Into the outputs of the run before.
        try session.run(inputs, into: &result)
        for (index, name) in network.outputs.enumerated() where result[index] != truth[index] {
          return """
            '\(name)' has other bits with \(other.threadCount) threads, a cache of \(other.cacheByteCount), \
            \(other.machine.caches.level2) of level 2, bands of \(other.bandPixels) pixels, \(learns ? "parameters set, " : "")method \(other.preferredMethod.map { "\($0)" } ?? "any"), in run \(run)
            """
        }
      }
    }
    // Kept values change what lies where, and what goes in bands.
    var everything = network
    everything.outputs = network.nodes.map(\.name)
    let values = try engine.prepare(everything, inputs: inputs.map(\.shape)).run(inputs)
    for (name, value) in zip(everything.outputs, values) {
      if let index = network.outputs.firstIndex(of: name), value != truth[index] {
        return "'\(name)' has other bits where every value leaves the network"
      }
    }
    return try tileFault(engine, truth)
  }

  private func run(_ engine: CPUEngine) throws(ExecutionError) -> [Tensor] {
    try engine.prepare(network, inputs: inputs.map(\.shape)).run(inputs)
  }

  // MARK: Tiles

  private mutating func tileFault(_ engine: CPUEngine, _ truth: [Tensor]) throws(ExecutionError) -> String? {
    guard inputs.count == 1 else { return nil }
    // Values that nothing reads may not fit a tile.
    let network = network.eliminatingDeadNodes(), whole = inputs[0].shape
    guard let check = try TileCheck(network, on: engine, image: inputs[0], truth: truth[0]) else { return nil }
    let wanted = choices.pick([1, 16, 32, 64, 100]), size = check.side(wanted)
    guard size < max(whole.height, whole.width) else { return nil }
    // Every tile of the first column, and some of the others.
    return try check.fault(height: size, width: size) { _, x in x == 0 || wanted > 1 && choices.oneIn(2) }
  }
}

extension Network {
  /// Each parameter twice as large.
  fileprivate var withOtherParameters: Network {
    var result = self
    result.parameters = parameters.mapValues { tensor in Tensor(tensor.shape, tensor.floats.map { 2 * $0 }) }
    return result
  }
}
