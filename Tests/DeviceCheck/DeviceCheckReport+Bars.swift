import CUDABackend
import Evaluation

extension DeviceCheckReport {
  /// What a figure is held to.
  package struct Bar: Hashable, Sendable {
    package var name: String
    /// Of a figure that is to be no more.
    package var limit: Double
    /// Nil where it was not measured.
    package var value: Double?

    var verdict: String {
      guard let value else { return "not measured" }
      return value <= limit ? "kept" : "MISSED"
    }
  }

  /// Our time over the best of PyTorch's in the same precision.
  private static let peerBars: [(precision: CUDAPrecision, name: String, limit: Double)] = [
    (.float16, "edsr", 0.80), (.float16, "edsr_separable", 0.50), (.float16, "vdsr", 0.85), (.float16, "unet", 1),
    (.float16, "unet_separable", 0.55), (.float16, "dark_lighter", 0.60), (.float16, "small_resnet_selection", 0.60),
    (.float16, "resnet18_selection", 0.70), (.float32, "edsr", 0.55), (.float32, "unet", 0.55),
    (.float32, "edsr_separable", 0.40),
  ]
  /// The time of a network of cheap convolutions over that of the plain one. Without a limit it is only told.
  private static let pairs: [(small: String, large: String, limit: Double?)] = [
    ("edsr_separable", "edsr", 0.6), ("edsr_separable_720p", "edsr_720p", 0.6), ("unet_separable", "unet", nil),
    ("unet_separable_b4", "unet_b4", 0.6), ("dark_lighter", "dark_base", nil), ("small_resnet_selection", "small_resnet", nil),
    ("resnet18_selection", "resnet18", nil),
  ]
  /// How far the rows of a profile may be from the run.
  private static let mostProfileError = 0.02

  package var bars: [Bar] {
    var bars: [Bar] = []
    for bar in Self.peerBars {
      let row = timing(bar.name, bar.precision)
      let value = row.flatMap { row in best(row).map { row.milliseconds / $0.milliseconds } }
      bars.append(Bar(name: "\(bar.precision.rawValue): \(bar.name), ours / best", limit: bar.limit, value: value))
    }
    for pair in Self.pairs {
      guard let limit = pair.limit else { continue }
      bars.append(
        Bar(
          name: "float16: \(pair.small) / \(pair.large)", limit: limit, value: ratio(pair.small, pair.large, .float16)))
    }
    let errors = times.filter { $0.withCopiesMilliseconds > 0 }
      .map { abs($0.profileMilliseconds / $0.withCopiesMilliseconds - 1) }.sorted()
    bars.append(
      Bar(
        name: "rows of a profile / run - 1, the median network", limit: Self.mostProfileError,
        value: errors.isEmpty ? nil : errors[errors.count / 2]))
    return bars
  }

  private func timing(_ name: String, _ precision: CUDAPrecision) -> Timing? {
    times.first { $0.name == name && $0.precision == precision.rawValue }
  }

  private func ratio(_ small: String, _ large: String, _ precision: CUDAPrecision) -> Double? {
    guard let a = timing(small, precision), let b = timing(large, precision), b.milliseconds > 0 else { return nil }
    return a.milliseconds / b.milliseconds
  }

  /// The bars, and the other pairs of cheap and plain networks.
  var barsText: String {
    guard !times.isEmpty else { return "" }
    var table = TextTable(["bar", "at most", "measured", ""])
    for bar in bars {
      table.append([
        bar.name, TextFormat.fixed(bar.limit, 2), bar.value.map { TextFormat.fixed($0, 2) } ?? "--", bar.verdict,
      ])
    }
    var text = "\n" + table.text()
    for precision in CUDAPrecision.allCases {
      for pair in Self.pairs where pair.limit == nil || precision != .float16 {
        guard let ratio = ratio(pair.small, pair.large, precision) else { continue }
        text += "\(precision.rawValue): \(pair.small) / \(pair.large) \(TextFormat.fixed(ratio, 2))\n"
      }
    }
    return text
  }
}
