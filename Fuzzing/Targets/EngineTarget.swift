import GeneratedNetworks
import Tensors

/// Networks made of the bytes: the engine agrees with the reference, and with itself to the bit, whatever threads, bands and tiles.
struct EngineTarget: FuzzTarget {
  let name = "engine"
  let sizeLimit = 512

  func run(_ bytes: [UInt8]) {
    var choices = ChoiceSource(bytes: bytes)
    if case .fault(let fault) = NetworkCheck.run(&choices) { fatalError("broken promise: \(fault)") }
  }

  func seeds() throws -> [[UInt8]] { Self.seeds }

  /// Random choices of several lengths.
  static let seeds: [[UInt8]] = {
    var generator = SplitMix64(seed: 1)
    return (1...64).map { index in (0..<8 * index).map { _ in UInt8.random(in: 0...255, using: &generator) } }
  }()
}

/// Networks made of the bytes: each comes back from JSON, from a model file and from ONNX, and optimised and exported it makes the same.
struct RoundTripTarget: FuzzTarget {
  let name = "roundtrip"
  let sizeLimit = 512

  func run(_ bytes: [UInt8]) {
    var choices = ChoiceSource(bytes: bytes)
    choices.checkPromises()
  }

  func seeds() throws -> [[UInt8]] { EngineTarget.seeds }
}
