import Tensors

/// One thing to fuzz: bytes go in, and whatever holds of every input is checked.
protocol FuzzTarget: Sendable {
  /// `image`: what the command line calls it.
  var name: String { get }
  /// The longest input, in bytes.
  var sizeLimit: Int { get }
  /// Small inputs that reach far, made by our own writers.
  func seeds() throws -> [[UInt8]]
  /// Words that inputs are made of.
  var dictionary: [String] { get }
  /// Runs the input. Traps where something does not hold.
  func run(_ bytes: [UInt8])
  /// The input changed as its format wants it; `plain` changes bytes without regard to a format.
  func mutated(_ bytes: [UInt8], limit: Int, using generator: inout SplitMix64, plain: ([UInt8]) -> [UInt8]) -> [UInt8]
}

extension FuzzTarget {
  var sizeLimit: Int { 4096 }
  var dictionary: [String] { [] }
  func mutated(_ bytes: [UInt8], limit: Int, using generator: inout SplitMix64, plain: ([UInt8]) -> [UInt8]) -> [UInt8] {
    plain(bytes)
  }
}

/// Every target, in the order in which they run.
let targets: [any FuzzTarget] = [
  EngineTarget(), RoundTripTarget(), ImageTarget(), SafetensorsTarget(), NPYTarget(), HDF5Target(), CheckpointTarget(),
  NetworkTarget(),
  ONNXTarget(), TextTarget(),
]
