import CUDABackend
import Evaluation

/// What a check of a device found.
package struct DeviceCheckReport: Codable, Sendable {
  package enum Outcome: Hashable, Codable, Sendable {
    /// Within the bound.
    case equal(error: Double, bound: Double)
    /// Not done by the device, which says why.
    case refused(String)
    case failed(String)
    /// There was no time left.
    case notRun

    var text: String {
      switch self {
      case .equal(let error, let bound):
        "equal, error \(TextFormat.scientific(error)) of at most \(TextFormat.scientific(bound))"
      case .refused(let reason): "refused: \(reason)"
      case .failed(let reason): "FAILED: \(reason)"
      case .notRun: "not run: out of time"
      }
    }
  }

  package struct Row: Hashable, Codable, Sendable {
    package var name: String
    package var precision: String
    package var outcome: Outcome
  }

  package struct Kernel: Hashable, Codable, Sendable {
    package var node: String
    package var kernel: String
    /// The median, launched by itself.
    package var microseconds: Double
    /// What its products, or its values and weights moved once, take at what such a device reaches; nil of copies.
    package var leastMicroseconds: Double?
    /// Of values that are read and written.
    package var bytes: Int
  }

  package struct Timing: Hashable, Codable, Sendable {
    package var name: String
    package var precision: String
    package var input: String
    /// Of all kernels as one graph, values and weights on the device: the median.
    package var milliseconds: Double
    /// Of a run as programs see it, with the copies there and back.
    package var withCopiesMilliseconds: Double
    /// Of all kernels, planned: at the least, by products and bytes, and as the selector estimates.
    package var leastMilliseconds: Double
    package var expectedMilliseconds: Double
    /// A run as a profile tells it: the sum of its rows, gaps among them.
    package var profileMilliseconds: Double
    package var kernels: [Kernel]

    /// Of the kernels one by one, without the copies, over the graph's: what taking moments between them costs.
    package var apartRatio: Double {
      let sum = kernels.filter { $0.kernel != "copy" }.reduce(0) { $0 + $1.microseconds } / 1e3
      return milliseconds > 0 ? sum / milliseconds : 0
    }
  }

  /// What a run of a network takes of the mains.
  package struct Use: Hashable, Codable, Sendable {
    package var name: String
    package var precision: String
    package var joules: Double
    package var watts: Double
  }

  /// A kernel that can do a layer.
  package struct Choice: Hashable, Codable, Sendable {
    package var network: String
    package var precision: String
    package var node: String
    package var layer: String
    package var kernel: String
    /// Blocks that share the input channels of a tile.
    package var splits: Int
    /// What the selector expects, and what was measured, in microseconds.
    package var estimate: Double
    package var microseconds: Double
    /// Whether the selector takes it.
    package var isChosen: Bool
  }

  /// Times of another program: milliseconds by its mode, for each network.
  package typealias PeerTimes = [String: [String: Double]]

  package var device: CUDADevice
  package var driver: String
  /// The processor beside it.
  package var host: String
  package var operations: [Row] = []
  package var networks: [Row] = []
  /// Steps of training.
  package var training: [Row] = []
  package var times: [Timing] = []
  package var trainingTimes: [Timing] = []
  package var energies: [Use] = []
  /// What could not be timed, and why.
  package var faults: [String] = []
  package var choices: [Choice] = []
  package var peer: String?
  package var peerTimes: PeerTimes = [:]

  package init(device: CUDADevice, driver: String, host: String = Machine.processorName) {
    self.device = device
    self.driver = driver
    self.host = host
  }

  private struct Peer: Codable {
    var program: String
    var times: PeerTimes
  }

  /// Takes what `torch_times.py` wrote; false where the bytes are none of its files.
  package mutating func takePeer(_ bytes: [UInt8]) -> Bool {
    guard let read = Peer(json: bytes) else { return false }
    (peer, peerTimes) = (read.program, read.times)
    return true
  }

  /// Whether nothing failed, and something was checked.
  package var isSound: Bool {
    let rows = operations + networks + training
    let isFailed = rows.contains { if case .failed = $0.outcome { true } else { false } }
    let isChecked = rows.contains { if case .equal = $0.outcome { true } else { false } }
    return isChecked && !isFailed && faults.isEmpty
  }

  /// The other program's best time in the same precision, and how it was had.
  package func best(_ timing: Timing) -> (mode: String, milliseconds: Double)? {
    // TF32 is another precision than float32; those of 16 bits are one.
    let ending = timing.precision == CUDAPrecision.float32.rawValue ? "32" : timing.precision == "tf32" ? "tf32" : "16"
    return peerTimes[timing.name]?.filter { $0.key.hasSuffix(ending) && (ending == "tf32" || !$0.key.hasSuffix("tf32")) }
      .min { $0.value < $1.value }.map { ($0.key, $0.value) }
  }
}
