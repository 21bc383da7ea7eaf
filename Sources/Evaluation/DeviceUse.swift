import Execution

/// How busy a device was while pictures were enlarged, and what it waited for. All shares are of the whole time, and together are 1.
public struct DeviceUse: Hashable, Codable, Sendable {
  public var seconds: Double
  /// The share of the time in which kernels ran.
  public var busy: Double
  /// The shares in which none ran, by what was done instead: `copies` to the device and back, beside which nothing ran; `decode`, `convert` (to numbers
  /// and back), `resize`, `encode`, `store` (files to the disk), `prepare` (files opened, sessions made), `hand_over` (values to the memory that the device
  /// reads, and back); and the `rest`.
  public var waitedFor: [String: Double]

  init(_ account: DeviceAccount) {
    let whole = Double(max(account.span, 1))
    seconds = Double(account.span) * 1e-9
    busy = Double(account.busy) / whole
    waitedFor = ["copies": Double(account.copies) / whole]
    for work in DeviceAccount.Work.allCases { waitedFor[work.name] = account.waited(for: work) / whole }
    waitedFor["rest"] = Double(account.rest) / whole
  }

  /// For people, a line: `the device was busy 12 % of 3.4 s; it waited for decoding 41 %, encoding 30 %, other work 17 %`. Whole numbers that add up to
  /// 100.
  public var text: String {
    let waits = waitedFor.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
    let percent = Self.percent([busy] + waits.map(\.value))
    let parts = zip(waits, percent.dropFirst()).filter { $0.1 > 0 }.map { "\(Self.title($0.0.key)) \($0.1) %" }
    let start = "the device was busy \(percent[0]) % of \(TextFormat.fixed(seconds, 2)) s"
    return parts.isEmpty ? start : "\(start); it waited for \(parts.joined(separator: ", "))"
  }

  /// Shares as whole parts of a hundred that add up to as much as they do: those with the largest remainders are rounded up.
  static func percent(_ shares: [Double]) -> [Int] {
    var result = shares.map { Int(($0 * 100).rounded(.down)) }
    let missing = Int((shares.reduce(0, +) * 100).rounded()) - result.reduce(0, +)
    let order = shares.indices.sorted {
      (shares[$0] * 100 - Double(result[$0]), $1) > (shares[$1] * 100 - Double(result[$1]), $0)
    }
    for index in order.prefix(max(missing, 0)) { result[index] += 1 }
    return result
  }

  private static func title(_ name: String) -> String {
    if name == "copies" { return name }
    return DeviceAccount.Work.allCases.first { $0.name == name }?.title ?? "other work"
  }
}

extension DeviceAccount.Work {
  /// In reports.
  fileprivate var name: String {
    switch self {
    case .decode: "decode"
    case .convert: "convert"
    case .resize: "resize"
    case .encode: "encode"
    case .store: "store"
    case .prepare: "prepare"
    case .handOver: "hand_over"
    }
  }

  /// For people.
  fileprivate var title: String {
    switch self {
    case .decode: "decoding"
    case .convert: "conversion"
    case .resize: "resizing"
    case .encode: "encoding"
    case .store: "writing"
    case .prepare: "preparation"
    case .handOver: "handing over"
    }
  }
}
