import CPUBackend
import Execution
import Formats
import Networks
import ReferenceBackend
import Tensors
import Transforms

/// What holds of every network that verifies: it prints, comes back from each file format as it was, and makes the same on every engine,
/// behind every pass and behind ONNX.
package struct NetworkPromises {
  private let network: Network

  package init(_ network: Network) { self.network = network }

  /// A network of the choices; none where they lead to none.
  package static func check(_ choices: inout ChoiceSource) throws(BrokenPromise) {
    let kind = choices.pick(GeneratedNetwork.Kind.allCases)
    guard let generated = GeneratedNetwork(kind, &choices) else { return }
    try NetworkPromises(generated.network).check(inputs: generated.inputShapes)
  }

  private static let sizes = [(17, 13), (16, 16), (32, 32), (8, 5), (1, 1), (33, 48)]
  /// What a run may cost: the reference takes nanoseconds a product, and an input some thousandths of a second.
  private static let workLimit = 1 << 20
  private static let byteLimit = 1 << 24
  /// The last one's loops are cut for three, whatever they cost, and done by the caller.
  private static let engines: [CPUEngine] = {
    var cut = CPUEngine(threadCount: 3)
    cut.leastSharedCycles = 0
    cut.grantedThreadCount = 0
    return [CPUEngine(threadCount: 1), CPUEngine(threadCount: 2), cut]
  }()

  /// With images of the first size of several that the network takes; or with inputs of the given shapes.
  package func check(inputs given: [Shape]? = nil) throws(BrokenPromise) {
    do throws(BrokenPromise) {
      try checkAll(given)
    } catch {
      throw BrokenPromise("\(error)\n\(network.text)")
    }
  }

  private func checkAll(_ given: [Shape]?) throws(BrokenPromise) {
    try Promise.holds(try Promise.made { try network.verify() } != nil, "a network that was read does not verify")
    try Promise.holds(
      try Promise.made { try NetworkGraph(json: network.graph.json) } == network.graph, "a graph came back changed")
    try Promise.holds(
      try Promise.made { try ModelFile.read(bytes: ModelFile.contents(of: network).encoded()) } == network,
      "a network came back changed")
    for line in network.text.split(separator: "\n") { try Promise.isLine(String(line)) }
    let optimized = network.optimizedForInference()
    try Promise.holds(try Promise.made { try optimized.verify() } != nil, "an optimised network does not verify")
    try Promise.holds(optimized.optimizedForInference() == optimized, "optimising twice changes a network")
    if let given {
      return try Promise.holds(try run(given, optimized), "a network that was made for \(given) does not take them")
    }
    for (height, width) in Self.sizes {
      let shapes = network.inputs.map { input in
        Shape(input.axes.enumerated().map { $1 ?? ($0 == 0 ? 1 : $0 == input.axes.count - 1 ? width : height) })
      }
      if try run(shapes, optimized) { break }
    }
  }

  /// False where the network does not take the shapes.
  private func run(_ shapes: [Shape], _ optimized: Network) throws(BrokenPromise) -> Bool {
    // Images and channels of one pixel cost more than their elements say.
    guard
      shapes.allSatisfy({
        ($0.checkedCount ?? .max) <= 1 << 20 && ($0.extents.first ?? 1) <= 1 << 12
          && ($0.extents.dropFirst().first ?? 1) <= 1 << 14
      }),
      try Promise.made({ try network.inferredShapes(inputs: shapes) }) != nil
    else {
      return false
    }
    guard let ledger = try Promise.made({ try network.ledger(inputs: shapes) }) else {
      throw BrokenPromise("no ledger for \(shapes)")
    }
    guard ledger.multiplyAccumulates <= Self.workLimit, ledger.peakActivationByteCount <= Self.byteLimit,
      ledger.bytesMoved <= Self.byteLimit
    else { return true }
    guard network.inputs.allSatisfy({ $0.element == .float32 }) else {
      try moves(shapes)
      return true
    }
    var generator = SplitMix64(seed: 1)
    let inputs = shapes.map { Tensor(uniform: $0, bound: 1, using: &generator) }
    guard let expected = try Promise.made({ try ReferenceEngine().prepare(network, inputs: shapes).run(inputs) }) else {
      throw BrokenPromise("the reference does not run what it takes")
    }
    for (form, isOptimized) in [(network, false), (optimized, true)] {
      var first: [Tensor]?
      for engine in Self.engines {
        // An engine may refuse a network when it prepares it, and then every time; never when it runs it.
        guard let session = try Promise.made({ try engine.prepare(form, inputs: shapes) }) else {
          try Promise.holds(first == nil, "refused with \(engine.threadCount) threads, not with one")
          break
        }
        guard let outputs = try Promise.made({ try session.run(inputs) }) else {
          throw BrokenPromise("a prepared network does not run")
        }
        try Promise.holds(zip(outputs, expected).allSatisfy { $0.shape == $1.shape }, "outputs of other shapes")
        if let first {
          try Promise.holds(
            zip(outputs, first).allSatisfy { Self.sameBits($0, $1) }, "\(engine.threadCount) threads give other bits than one")
        } else {
          first = outputs
        }
      }
      if let first { try compare(first, expected, inputs, isOptimized ? "optimised" : "plain", factor: isOptimized ? 16 : 10) }
    }
    try export(shapes, inputs, expected)
    return true
  }

  /// Elements of other types are moved by the reference, and refused elsewhere.
  private func moves(_ shapes: [Shape]) throws(BrokenPromise) {
    let inputs = zip(network.inputs, shapes).map { Tensor(zeros: $1, $0.element) }
    guard try Promise.made({ try ReferenceEngine().prepare(network, inputs: shapes).run(inputs) }) != nil else {
      throw BrokenPromise("the reference does not run what it takes")
    }
    for engine in Self.engines {
      try Promise.holds(
        try Promise.made { try engine.prepare(network, inputs: shapes) } == nil,
        "an engine takes elements that it does not know")
    }
  }

  private func export(_ shapes: [Shape], _ inputs: [Tensor], _ expected: [Tensor]) throws(BrokenPromise) {
    guard let bytes = try Promise.made({ try ONNXFile.bytes(of: network) }) else { return }
    guard let again = try Promise.made({ try ONNXFile.read(bytes: bytes) }) else {
      // Refusals by name are no wrong values.
      return
    }
    try Promise.holds(again.outputs == network.outputs, "outputs \(network.outputs) are called \(again.outputs) behind ONNX")
    let outputs: [Tensor]
    do {
      outputs = try ReferenceEngine().prepare(again, inputs: shapes).run(inputs)
    } catch {
      throw BrokenPromise("a network that was exported and read again does not run at \(shapes): \(error)\n\(again.text)")
    }
    try Promise.holds(zip(outputs, expected).allSatisfy { $0.shape == $1.shape }, "outputs of other shapes behind ONNX")
    try compare(outputs, expected, inputs, "exported", factor: 4)
  }

  private func compare(_ outputs: [Tensor], _ expected: [Tensor], _ inputs: [Tensor], _ what: String, factor: Double)
    throws(BrokenPromise)
  {
    // No bound is known behind a division by what may be 0.
    let divides = network.nodes.contains { if case .binary(.divide) = $0.operation { true } else { false } }
    guard !divides,
      let bounds = try Promise.made({ try Tolerance.outputs(of: network, inputs: inputs, convolutionFactor: factor) })
    else {
      return
    }
    for (index, (output, wanted)) in zip(outputs, expected).enumerated() {
      guard bounds[index].magnitude < 1e30, bounds[index].error.isFinite, wanted.floats.allSatisfy(\.isFinite) else { continue }
      let difference = output.difference(from: wanted)
      let bound = factor * bounds[index].error + 1e-30
      try Promise.holds(
        difference.maximum <= bound,
        "\(what) output \(index) is off by \(difference.maximum), more than \(bound)")
    }
  }

  package static func sameBits(_ a: Tensor, _ b: Tensor) -> Bool {
    a.shape == b.shape && a.dataType == b.dataType
      && a.withUnsafeBytes { first in b.withUnsafeBytes { second in first.elementsEqual(second) } }
  }

  package static func sameBits(_ a: [String: Tensor], _ b: [String: Tensor]) -> Bool {
    a.count == b.count && a.allSatisfy { name, tensor in b[name].map { sameBits($0, tensor) } ?? false }
  }
}
