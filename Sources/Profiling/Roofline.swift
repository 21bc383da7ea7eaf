import Evaluation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The roofline of a profile as an SVG: for each layer the operations a second over the operations a byte, under what the machine
/// can do. The area of a dot is the layer's share of the time.
///
/// Operations are those that the kernels do: Winograd's transforms leave fewer than are written.
public struct Roofline: Sendable {
  private let profile: Profile

  public init(_ profile: Profile) { self.profile = profile }

  private static let width = 1040.0, height = 620.0
  private static let plot = (left: 80.0, right: 690.0, top: 56.0, bottom: 548.0)
  /// Okabe and Ito's, which everyone can tell apart.
  private static let colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]

  private struct Point {
    var layer: Profile.Layer
    var intensity: Double
    var rate: Double
  }

  /// A logarithmic axis from a power of ten to a little beyond the largest value.
  private struct Axis {
    /// Powers of ten.
    var low: Int
    var high: Double
    var from: Double
    var to: Double

    init(_ values: [Double], from: Double, to: Double) {
      let logs = values.filter { $0 > 0 && $0.isFinite }.map { log10($0) }
      low = Int((logs.min() ?? 0).rounded(.down))
      high = max((logs.max() ?? 1) + 0.2, Double(low + 1))
      self.from = from
      self.to = to
    }

    func position(_ value: Double) -> Double { from + (to - from) * (log10(value) - Double(low)) / (high - Double(low)) }

    var ticks: ClosedRange<Int> { low...Int(high) }
  }

  public var svg: String {
    let points = profile.layers.compactMap { layer -> Point? in
      guard layer.operations > 0, layer.traffic.bytesMoved > 0, layer.nanoseconds > 0 else { return nil }
      return Point(
        layer: layer, intensity: Double(layer.operations) / Double(layer.traffic.bytesMoved),
        rate: Double(layer.operations) / Double(layer.nanoseconds))
    }
    let roofs = profile.roofs, plot = Self.plot
    let ridge = roofs.memoryGbPerS > 0 ? roofs.gflopsPerS / roofs.memoryGbPerS : 1
    // Far enough to the left for the shorter slope to bear its name.
    let cacheRidge = roofs.cacheGbPerS > 0 ? roofs.gflopsPerS / roofs.cacheGbPerS : ridge
    let x = Axis(points.map(\.intensity) + [ridge, cacheRidge / 10, 1], from: plot.left, to: plot.right)
    let y = Axis(points.map(\.rate) + [roofs.gflopsPerS, roofs.gflopsPerS / 10], from: plot.bottom, to: plot.top)
    var lines = [
      #"<?xml version="1.0" encoding="UTF-8"?>"#,
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Self.number(Self.width))\" height=\"\(Self.number(Self.height))\" "
        + "viewBox=\"0 0 \(Self.number(Self.width)) \(Self.number(Self.height))\" font-family=\"sans-serif\" font-size=\"12\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      Self.label(
        "Roofline of \(profile.model), input \(profile.input), \(profile.precision), \(roofs.isa), \(roofs.threads) threads",
        plot.left, 26, size: 16),
      "<clipPath id=\"plot\"><rect x=\"\(plot.left)\" y=\"\(plot.top)\" width=\"\(plot.right - plot.left)\" "
        + "height=\"\(plot.bottom - plot.top)\"/></clipPath>",
    ]
    lines += grid(x, y)
    lines += dots(points, x, y)
    // Over the dots, which would hide their names.
    lines += roofLines(x, y)
    lines += legend(points)
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }

  private func grid(_ x: Axis, _ y: Axis) -> [String] {
    let plot = Self.plot
    var lines: [String] = []
    for power in x.ticks {
      let at = x.position(pow(10, Double(power)))
      lines.append(Self.line(at, plot.top, at, plot.bottom, "#e4e4e4"))
      lines.append(Self.label(Self.tick(power), at, plot.bottom + 18, anchor: "middle"))
    }
    for power in y.ticks {
      let at = y.position(pow(10, Double(power)))
      lines.append(Self.line(plot.left, at, plot.right, at, "#e4e4e4"))
      lines.append(Self.label(Self.tick(power), plot.left - 8, at + 4, anchor: "end"))
    }
    lines.append(Self.label("operations for each byte moved", (plot.left + plot.right) / 2, plot.bottom + 42, anchor: "middle"))
    let middle = Self.number((plot.top + plot.bottom) / 2)
    lines.append(
      "<text x=\"24\" y=\"\(middle)\" text-anchor=\"middle\" transform=\"rotate(-90 24 \(middle))\">GFLOP/s done</text>")
    return lines
  }

  private func roofLines(_ x: Axis, _ y: Axis) -> [String] {
    let roofs = profile.roofs, plot = Self.plot
    var lines: [String] = []
    let top = y.position(roofs.gflopsPerS)
    var peaks = [("multiply-add peak", roofs.gflopsPerS)]
    if roofs.float32GflopsPerS < 0.95 * roofs.gflopsPerS { peaks.append(("in float32", roofs.float32GflopsPerS)) }
    for (name, peak) in peaks where peak > 0 {
      let at = y.position(peak)
      lines.append(Self.line(plot.left, at, plot.right, at, "#404040", width: peak == roofs.gflopsPerS ? 2 : 1))
      lines.append(Self.label("\(name) \(TextFormat.fixed(peak, 0)) GFLOP/s", plot.right - 4, at - 6, anchor: "end"))
    }
    for (name, bandwidth, dash) in [("memory", roofs.memoryGbPerS, ""), ("last-level cache", roofs.cacheGbPerS, "6 4")]
    where bandwidth > 0 {
      // From the left edge, or where the line comes up from below, to the peak.
      let least = pow(10, Double(x.low)), floor = pow(10, Double(y.low))
      let start = max(least, floor / bandwidth), end = roofs.gflopsPerS / bandwidth
      guard end > start else { continue }
      let (x1, y1) = (x.position(start), y.position(start * bandwidth)), (x2, y2) = (x.position(end), top)
      lines.append(Self.line(x1, y1, x2, y2, "#404040", width: 2, dash: dash, isClipped: true))
      let angle = -atan2(y1 - y2, x2 - x1) * 180 / Double.pi
      // Near the foot, so that the name of a short line ends below the peak.
      let at = (x: x1 + (x2 - x1) * 0.05, y: y1 + (y2 - y1) * 0.05)
      let place = "\(Self.number(at.x)) \(Self.number(at.y))"
      lines.append(
        "<text x=\"\(Self.number(at.x))\" y=\"\(Self.number(at.y - 6))\" transform=\"rotate(\(Self.number(angle)) \(place))\">"
          + "\(name) \(TextFormat.fixed(bandwidth, 0)) GB/s</text>")
    }
    return lines
  }

  private func dots(_ points: [Point], _ x: Axis, _ y: Axis) -> [String] {
    let whole = Double(max(profile.nanoseconds, 1))
    let colours = operationColours(points)
    // Large ones first, so that none hides another.
    return points.sorted { ($0.layer.nanoseconds, $1.layer.name) > ($1.layer.nanoseconds, $0.layer.name) }.map { point in
      let share = Double(point.layer.nanoseconds) / whole
      let title =
        "\(point.layer.name): \(point.layer.operation), \(ProfileTable.time(Double(point.layer.nanoseconds))), "
        + "\(TextFormat.fixed(point.rate, 1)) GFLOP/s, \(ProfileTable.percent(profile.roofShare(point.layer))) of its roof"
      return "<circle cx=\"\(Self.number(x.position(point.intensity)))\" cy=\"\(Self.number(y.position(point.rate)))\" "
        + "r=\"\(Self.number(max(3.5, 48 * share.squareRoot())))\" fill=\"\(colours[point.layer.operation] ?? "#000000")\" "
        + "fill-opacity=\"0.55\" stroke=\"white\"><title>\(Self.escaped(title))</title></circle>"
    }
  }

  private func operationColours(_ points: [Point]) -> [String: String] {
    var colours: [String: String] = [:]
    for point in points where colours[point.layer.operation] == nil {
      colours[point.layer.operation] = Self.colours[colours.count % Self.colours.count]
    }
    return colours
  }

  private func legend(_ points: [Point]) -> [String] {
    let colours = operationColours(points)
    var seen: Set<String> = []
    var lines: [String] = []
    var at = Self.plot.top + 12
    for point in points where seen.insert(point.layer.operation).inserted {
      let layers = points.filter { $0.layer.operation == point.layer.operation }
      let time = layers.reduce(0) { $0 + $1.layer.nanoseconds }
      lines.append(
        "<circle cx=\"\(Self.number(Self.plot.right + 22))\" cy=\"\(Self.number(at - 4))\" r=\"6\" fill-opacity=\"0.55\" "
          + "fill=\"\(colours[point.layer.operation] ?? "#000000")\"/>")
      lines.append(Self.label(point.layer.operation, Self.plot.right + 34, at))
      let share = ProfileTable.percent(Double(time) / Double(max(profile.nanoseconds, 1)))
      lines.append(
        Self.label(
          "\(layers.count) \(layers.count == 1 ? "layer" : "layers"), \(share) of the time", Self.plot.right + 34, at + 15,
          colour: "#666666"))
      at += 40
    }
    let others = profile.layers.count - points.count
    if others > 0 {
      lines.append(Self.label("\(others) without multiply-adds not shown", Self.plot.right + 16, at, colour: "#666666"))
    }
    return lines
  }

  // MARK: Elements

  private static func number(_ value: Double) -> String { TextFormat.short(value) }

  private static func tick(_ power: Int) -> String { TextFormat.short(pow(10, Double(power))) }

  private static func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String, width: Double = 1, dash: String = "",
    isClipped: Bool = false
  ) -> String {
    "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" stroke=\"\(colour)\" "
      + "stroke-width=\"\(number(width))\"\(dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"")"
      + "\(isClipped ? " clip-path=\"url(#plot)\"" : "")/>"
  }

  private static func label(
    _ text: String, _ x: Double, _ y: Double, size: Int = 12, anchor: String = "start", colour: String = "black"
  ) -> String {
    "<text x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(size)\" text-anchor=\"\(anchor)\" fill=\"\(colour)\">"
      + "\(escaped(text))</text>"
  }

  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }
}
