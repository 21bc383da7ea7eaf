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

  private static let plot = (left: 80.0, right: 690.0, top: 56.0, bottom: 548.0)

  private struct Point {
    var layer: Profile.Layer
    var intensity: Double
    var rate: Double
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
    let x = PlotAxis(
      logarithmic: points.map(\.intensity) + [ridge, cacheRidge / 10, 1], from: plot.left, to: plot.right)
    let y = PlotAxis(
      logarithmic: points.map(\.rate) + [highestPeak, roofs.gflopsPerS / 10], from: plot.bottom, to: plot.top)
    var document = SVGDocument(width: 1040, height: 620)
    document.addText(
      "Roofline of \(profile.model), input \(profile.input), \(profile.precision), \(roofs.isa), \(roofs.threadText(isOfDevice: profile.device != nil))",
      x: plot.left, y: 26, size: 16)
    document.addClippingArea(
      "plot", x: plot.left, y: plot.top, width: plot.right - plot.left, height: plot.bottom - plot.top)
    drawGrid(x, y, in: &document)
    drawDots(points, x, y, in: &document)
    // Over the dots, which would hide their names.
    drawRoofs(x, y, in: &document)
    drawLegend(points, in: &document)
    return document.text
  }

  private func drawGrid(_ x: PlotAxis, _ y: PlotAxis, in document: inout SVGDocument) {
    let plot = Self.plot
    for tick in x.ticks {
      let at = x.position(tick.value)
      document.addLine(x1: at, y1: plot.top, x2: at, y2: plot.bottom, colour: "#e4e4e4")
      document.addText(tick.label, x: at, y: plot.bottom + 18, anchor: .middle)
    }
    for tick in y.ticks {
      let at = y.position(tick.value)
      document.addLine(x1: plot.left, y1: at, x2: plot.right, y2: at, colour: "#e4e4e4")
      document.addText(tick.label, x: plot.left - 8, y: at + 4, anchor: .end)
    }
    document.addText(
      "operations for each byte moved", x: (plot.left + plot.right) / 2, y: plot.bottom + 42, anchor: .middle)
    document.addText("GFLOP/s done", x: 24, y: (plot.top + plot.bottom) / 2, anchor: .middle, turned: -90)
  }

  /// Of a network that has layers of integers.
  private var integerPeak: Double? {
    profile.layers.contains { $0.unit == .integers } ? profile.roofs.integerGopsPerS : nil
  }

  private var highestPeak: Double { max(profile.roofs.gflopsPerS, integerPeak ?? 0) }

  private func drawRoofs(_ x: PlotAxis, _ y: PlotAxis, in document: inout SVGDocument) {
    let roofs = profile.roofs, plot = Self.plot
    let top = y.position(highestPeak)
    var peaks = [(profile.device == nil ? "multiply-add peak" : "densest layer", roofs.gflopsPerS)]
    if roofs.float32GflopsPerS < 0.95 * roofs.gflopsPerS {
      peaks.append((profile.device == nil ? "in float32" : "without tensor cores", roofs.float32GflopsPerS))
    }
    if let peak = integerPeak { peaks.append(("of integers", peak)) }
    for (name, peak) in peaks where peak > 0 {
      let at = y.position(peak)
      document.addLine(
        x1: plot.left, y1: at, x2: plot.right, y2: at, colour: "#404040", width: peak == highestPeak ? 2 : 1)
      document.addText("\(name) \(TextFormat.fixed(peak, 0)) GFLOP/s", x: plot.right - 4, y: at - 6, anchor: .end)
    }
    let slopes: [(name: String, bandwidth: Double, dash: String?)] = [
      ("memory", roofs.memoryGbPerS, nil),
      (profile.device == nil ? "last-level cache" : "level-2 cache", roofs.cacheGbPerS, "6 4"),
    ]
    for (name, bandwidth, dash) in slopes where bandwidth > 0 {
      // From the left edge, or where the line comes up from below, to the peak.
      let start = max(x.least, y.least / bandwidth), end = highestPeak / bandwidth
      guard end > start else { continue }
      let (x1, y1) = (x.position(start), y.position(start * bandwidth)), (x2, y2) = (x.position(end), top)
      document.addLine(x1: x1, y1: y1, x2: x2, y2: y2, colour: "#404040", width: 2, dash: dash, inside: "plot")
      // Near the foot, so that the name of a short line ends below the peak.
      document.addText(
        "\(name) \(TextFormat.fixed(bandwidth, 0)) GB/s", x: x1 + (x2 - x1) * 0.05, y: y1 + (y2 - y1) * 0.05 - 6,
        turned: -atan2(y1 - y2, x2 - x1) * 180 / Double.pi, about: 6)
    }
  }

  private func drawDots(_ points: [Point], _ x: PlotAxis, _ y: PlotAxis, in document: inout SVGDocument) {
    let whole = Double(max(profile.nanoseconds, 1))
    let colours = operationColours(points)
    // Large ones first, so that none hides another.
    for point in points.sorted(by: { ($0.layer.nanoseconds, $1.layer.name) > ($1.layer.nanoseconds, $0.layer.name) }) {
      let share = Double(point.layer.nanoseconds) / whole
      let title =
        "\(point.layer.name): \(point.layer.operation), \(ProfileTable.time(Double(point.layer.nanoseconds))), "
        + "\(TextFormat.fixed(point.rate, 1)) GFLOP/s, \(ProfileTable.percent(profile.roofShare(point.layer))) of its roof"
      document.addDot(
        x: x.position(point.intensity), y: y.position(point.rate), radius: max(3.5, 48 * share.squareRoot()),
        colour: colours[point.layer.operation] ?? Self.black, opacity: Self.opacity, title: title)
    }
  }

  private static let opacity = 0.55
  private static let black = "#000000"

  private func operationColours(_ points: [Point]) -> [String: String] {
    var colours: [String: String] = [:]
    for point in points where colours[point.layer.operation] == nil {
      colours[point.layer.operation] = SVGDocument.colours[colours.count % SVGDocument.colours.count]
    }
    return colours
  }

  private func drawLegend(_ points: [Point], in document: inout SVGDocument) {
    let colours = operationColours(points), left = Self.plot.right
    var seen: Set<String> = []
    var at = Self.plot.top + 12
    for point in points where seen.insert(point.layer.operation).inserted {
      let layers = points.filter { $0.layer.operation == point.layer.operation }
      let time = layers.reduce(0) { $0 + $1.layer.nanoseconds }
      document.addDot(
        x: left + 22, y: at - 4, radius: 6, colour: colours[point.layer.operation] ?? Self.black, opacity: Self.opacity)
      document.addText(point.layer.operation, x: left + 34, y: at)
      let share = ProfileTable.percent(Double(time) / Double(max(profile.nanoseconds, 1)))
      document.addText(
        "\(layers.count) \(layers.count == 1 ? "layer" : "layers"), \(share) of the time", x: left + 34, y: at + 15,
        colour: "#666666")
      at += 40
    }
    let others = profile.layers.count - points.count
    if others > 0 {
      document.addText("\(others) without multiply-adds not shown", x: left + 16, y: at, colour: "#666666")
    }
  }
}
