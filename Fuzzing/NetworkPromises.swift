import CPUBackend
import Execution
import Formats
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Transforms

/// What holds of every network that verifies.
struct NetworkPromises {
  let network: Network

  init(_ network: Network) { self.network = network }

  private static let sizes = [(17, 13), (16, 16), (32, 32), (8, 5), (1, 1), (33, 48)]
  /// What a run may cost: the reference takes nanoseconds a product, and an input some thousandths of a second.
  private static let workLimit = 1 << 20
  private static let byteLimit = 1 << 24
  private static let engines = [1, 2, 3].map { CPUEngine(threadCount: $0) }

  /// With images of the first size of several that the network takes; or with inputs of the given shapes.
  func check(inputs given: [Shape]? = nil) {
    promise(made { try network.verify() } != nil, "a network that was read does not verify")
    promise(made { try NetworkGraph(json: network.graph.json) } == network.graph, "a graph came back changed")
    for line in network.text.split(separator: "\n") { checkLine(String(line)) }
    let optimized = network.optimizedForInference()
    promise(made { try optimized.verify() } != nil, "an optimised network does not verify")
    promise(optimized.optimizedForInference() == optimized, "optimising twice changes a network")
    if let given {
      promise(run(given, optimized), "a network that was made for \(given) does not take them")
      return
    }
    for (height, width) in Self.sizes {
      let shapes = network.inputs.map { input in
        Shape(input.axes.enumerated().map { $1 ?? ($0 == 0 ? 1 : $0 == input.axes.count - 1 ? width : height) })
      }
      if run(shapes, optimized) { break }
    }
  }

  /// False where the network does not take the shapes.
  private func run(_ shapes: [Shape], _ optimized: Network) -> Bool {
    guard shapes.allSatisfy({ $0.checkedCount ?? .max <= 1 << 20 }), made({ try network.inferredShapes(inputs: shapes) }) != nil
    else {
      return false
    }
    guard let ledger = made({ try network.ledger(inputs: shapes) }) else {
      fatalError("broken promise: no ledger for \(shapes)")
    }
    guard ledger.multiplyAccumulates <= Self.workLimit, ledger.peakActivationByteCount <= Self.byteLimit,
      ledger.bytesMoved <= Self.byteLimit
    else { return true }
    var generator = SplitMix64(seed: 1)
    let inputs = shapes.map { Tensor(uniform: $0, bound: 1, using: &generator) }
    guard let expected = made({ try ReferenceEngine().prepare(network, inputs: shapes).run(inputs) }) else {
      fatalError("broken promise: the reference does not run what it takes")
    }
    for (form, isOptimized) in [(network, false), (optimized, true)] {
      var first: [Tensor]?
      for engine in Self.engines {
        // An engine may refuse a network when it prepares it, and then every time; never when it runs it.
        guard let session = made({ try engine.prepare(form, inputs: shapes) }) else {
          promise(first == nil, "refused with \(engine.threadCount) threads, not with one")
          break
        }
        guard let outputs = made({ try session.run(inputs) }) else {
          fatalError("broken promise: a prepared network does not run")
        }
        promise(zip(outputs, expected).allSatisfy { $0.shape == $1.shape }, "outputs of other shapes")
        if let first {
          promise(
            zip(outputs, first).allSatisfy { Self.sameBits($0, $1) }, "\(engine.threadCount) threads give other bits than one")
        } else {
          first = outputs
        }
      }
      if let first { compare(first, expected, inputs, isOptimized ? "optimised" : "plain", factor: isOptimized ? 16 : 10) }
    }
    export(shapes, inputs, expected)
    return true
  }

  private func export(_ shapes: [Shape], _ inputs: [Tensor], _ expected: [Tensor]) {
    guard let bytes = made({ try ONNXFile.bytes(of: network) }) else { return }
    guard let again = made({ try ONNXFile.read(bytes: bytes) }) else {
      // Refusals by name are no wrong values.
      return
    }
    guard let outputs = made({ try ReferenceEngine().prepare(again, inputs: shapes).run(inputs) }) else {
      fatalError("broken promise: a network that was exported and read again does not run at \(shapes)")
    }
    promise(zip(outputs, expected).allSatisfy { $0.shape == $1.shape }, "outputs of other shapes behind ONNX")
    compare(outputs, expected, inputs, "exported", factor: 4)
  }

  private func compare(_ outputs: [Tensor], _ expected: [Tensor], _ inputs: [Tensor], _ what: String, factor: Double) {
    // No bound is known behind a division by what may be 0.
    let divides = network.nodes.contains { if case .binary(.divide) = $0.operation { true } else { false } }
    guard !divides, let bounds = made({ try Tolerance.outputs(of: network, inputs: inputs, convolutionFactor: factor) }) else {
      return
    }
    for (index, (output, wanted)) in zip(outputs, expected).enumerated() {
      guard bounds[index].magnitude < 1e30, wanted.floats.allSatisfy(\.isFinite) else { continue }
      let difference = output.difference(from: wanted)
      let bound = factor * bounds[index].error + 1e-30
      promise(
        difference.maximum <= bound,
        "\(what) output \(index) is off by \(difference.maximum), more than \(bound)\n\(network.text)")
    }
  }

  static func sameBits(_ a: Tensor, _ b: Tensor) -> Bool {
    a.shape == b.shape && a.dataType == b.dataType
      && a.withUnsafeBytes { first in b.withUnsafeBytes { second in first.elementsEqual(second) } }
  }

  static func sameBits(_ a: [String: Tensor], _ b: [String: Tensor]) -> Bool {
    a.count == b.count && a.allSatisfy { name, tensor in b[name].map { sameBits($0, tensor) } ?? false }
  }
}
