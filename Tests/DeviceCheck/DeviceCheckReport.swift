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
    package var kernels: [Kernel]

    /// Of the kernels one by one, without the copies, over the graph's: what taking moments between them costs.
    package var apartRatio: Double {
      let sum = kernels.filter { $0.kernel != "copy" }.reduce(0) { $0 + $1.microseconds } / 1e3
      return milliseconds > 0 ? sum / milliseconds : 0
    }
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
  package var times: [Timing] = []
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
    let rows = operations + networks
    let isFailed = rows.contains { if case .failed = $0.outcome { true } else { false } }
    let isChecked = rows.contains { if case .equal = $0.outcome { true } else { false } }
    return isChecked && !isFailed
  }

  /// The other program's best time in the same precision, and how it was had.
  package func best(_ timing: Timing) -> (mode: String, milliseconds: Double)? {
    let ending = timing.precision == CUDAPrecision.float16.rawValue ? "16" : "32"
    // TF32 is another precision.
    return peerTimes[timing.name]?.filter { $0.key.hasSuffix(ending) && !$0.key.hasSuffix("tf32") }.min { $0.value < $1.value }
      .map { ($0.key, $0.value) }
  }
}

extension DeviceCheckReport {
  /// For people: what failed, how many were equal or refused, and the times.
  package var text: String {
    var text = "\(device.name), compute capability \(device.capability), CUDA \(driver), beside \(host)\n\n"
    text += Self.summary("operations", operations) + Self.summary("networks", networks)
    return text + timesText + choicesText
  }

  private var timesText: String {
    guard !times.isEmpty else { return "" }
    var text = ""
    var table = TextTable(
      ["network", "input", "precision", "ms", "with copies", "kernels"] + (peer.map { [$0, "as", "ours / best"] } ?? []))
    for row in times {
      var cells = [
        row.name, row.input, row.precision, TextFormat.fixed(row.milliseconds, 3),
        TextFormat.fixed(row.withCopiesMilliseconds, 3), "\(row.kernels.count { $0.kernel != "copy" })",
      ]
      if let best = best(row) {
        cells += [
          TextFormat.fixed(best.milliseconds, 3), best.mode, TextFormat.fixed(row.milliseconds / best.milliseconds, 2),
        ]
      }
      table.append(cells)
    }
    text += "\n" + table.text() + "\n"
    for precision in Set(times.map(\.precision)).sorted() {
      for (small, large) in [
        ("edsr_separable", "edsr"), ("edsr_separable_720p", "edsr_720p"), ("unet_separable", "unet"),
        ("unet_separable_b4", "unet_b4"), ("dark_lighter", "dark_base"), ("small_resnet_selection", "small_resnet"),
        ("resnet18_selection", "resnet18"),
      ] {
        let pair = [small, large].compactMap { name in times.first { $0.name == name && $0.precision == precision } }
        guard pair.count == 2 else { continue }
        text += "\(precision): \(small) / \(large) \(TextFormat.fixed(pair[0].milliseconds / pair[1].milliseconds, 2))\n"
      }
    }
    return text
  }

  /// Where another kernel is faster than the one that is taken, by how much of the network's time.
  private var choicesText: String {
    guard !choices.isEmpty else { return "" }
    var table = TextTable(["network", "precision", "layer", "taken", "us", "fastest", "us"])
    for (_, rows) in Dictionary(grouping: choices, by: { "\($0.network) \($0.precision) \($0.node) \($0.layer)" })
      .sorted(by: { $0.key < $1.key })
    {
      guard let taken = rows.first(where: \.isChosen), let best = rows.min(by: { $0.microseconds < $1.microseconds }),
        best.microseconds < 0.95 * taken.microseconds
      else { continue }
      func name(_ row: Choice) -> String { row.kernel + (row.splits > 1 ? " / \(row.splits)" : "") }
      table.append([
        taken.network, taken.precision, taken.layer, name(taken), TextFormat.fixed(taken.microseconds, 1), name(best),
        TextFormat.fixed(best.microseconds, 1),
      ])
    }
    return "\n\(choices.count) times of kernels; where the one that is taken is not the fastest:\n" + table.text() + "\n"
  }

  private static func summary(_ what: String, _ rows: [Row]) -> String {
    var text = ""
    for precision in Set(rows.map(\.precision)).sorted() {
      let mine = rows.filter { $0.precision == precision }
      func count(_ isOne: (Outcome) -> Bool) -> Int { mine.count { isOne($0.outcome) } }
      let equal = count { if case .equal = $0 { true } else { false } }
      let refused = count { if case .refused = $0 { true } else { false } }
      let failed = count { if case .failed = $0 { true } else { false } }
      let left = count { $0 == .notRun }
      text += "\(what), \(precision): \(equal) equal, \(refused) refused, \(failed) FAILED"
      text += left > 0 ? ", \(left) not run: out of time\n" : "\n"
      for row in mine { if case .failed = row.outcome { text += "  \(row.name): \(row.outcome.text)\n" } }
    }
    return text
  }
}
