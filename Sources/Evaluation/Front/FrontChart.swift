import Files

/// Quality over what it costs: a dot for each variant, and a line along those that no other dominates in these two.
struct FrontChart {
  /// Colours by what they are for, as SVG has them.
  struct Colours {
    var page: String
    var ink: String
    var faint: String
    var grid: String
    /// Of the front, and of what is dominated.
    var front: String
    var dominated: String

    /// For a file of its own.
    static let plain = Colours(
      page: "white", ink: "#222", faint: "#555", grid: "#ddd", front: SVGDocument.colours[0], dominated: "#888")
    /// Those of a page, which has them for light and dark.
    static let ofPage = Colours(
      page: "var(--card)", ink: "var(--ink)", faint: "var(--faint)", grid: "var(--grid)", front: "var(--front)",
      dominated: "var(--dominated)")
  }

  /// One dot.
  struct Point {
    var name: String
    var x: Double
    /// Where x lies with a probability of 0.95.
    var interval: ClosedRange<Double>
    var y: Double
    var isDominated: Bool
  }

  var name: String
  /// Below the horizontal axis, and above the vertical one.
  var below: String
  var above: String
  var points: [Point]
  /// Whether more of y is better.
  var isLargerBetter = true

  static let width = 400.0, height = 320.0
  private static let left = 54.0, right = 388.0, top = 50.0, bottom = 264.0
  private static let textSize = 12

  /// The chart of a table's quality over one of its costs.
  init(
    _ table: FrontTable, name: String, below: String, cost: (FrontTable.Row) -> (Double, ClosedRange<Double>),
    objective: (FrontTable.Row) -> ParetoFront.Objective
  ) {
    self.name = name
    self.below = below
    above = FrontTable.heading(table.qualityNames[table.decisive])
    isLargerBetter = table.isLargerBetter
    let dominators = ParetoFront.dominators(table.rows.map { [table.quality($0), objective($0)] })
    points = []
    for (row, others) in zip(table.rows, dominators) {
      let y = row.figures.quality[table.decisive], (x, interval) = cost(row)
      guard y.isFinite, x.isFinite else { continue }
      points.append(Point(name: row.name, x: x, interval: interval, y: y, isDominated: !others.isEmpty))
    }
  }

  /// Those of a table: over time, and over the bytes of the file.
  static func all(of table: FrontTable) -> [FrontChart] {
    [
      FrontChart(
        table, name: "Quality over time", below: "ms of a run",
        cost: { ($0.times.ms, $0.times.leastMs...$0.times.mostMs) }, objective: table.time),
      FrontChart(
        table, name: "Quality over size", below: "KiB of the model file",
        cost: { row in
          let size = Double(row.figures.fileBytes) / 1024
          return (size, size...size)
        }, objective: table.bytes),
    ]
  }

  /// The chart by itself, to stand within a page.
  func element(_ colours: Colours) -> String {
    var document = SVGDocument(
      width: Self.width, height: Self.height, background: colours.page, label: "\(name): \(above) by \(below)")
    draw(in: &document, top: 0, colours)
    return document.element
  }

  /// Charts below one another, as a file.
  static func document(_ charts: [FrontChart], title: String) -> String {
    var document = SVGDocument(width: width, height: 30 + height * Double(charts.count))
    document.addText(title.onOneLine, x: 16, y: 24, size: 16)
    for (index, chart) in charts.enumerated() { chart.draw(in: &document, top: 30 + height * Double(index), .plain) }
    return document.text
  }

  private func draw(in document: inout SVGDocument, top offset: Double, _ colours: Colours) {
    let (left, right) = (Self.left, Self.right), top = offset + Self.top, bottom = offset + Self.bottom
    let x = PlotAxis(spanning: points.flatMap { [$0.interval.lowerBound, $0.interval.upperBound] }, from: left, to: right)
    let y = PlotAxis(spanning: points.map(\.y), from: bottom, to: top)
    document.addText(name, x: left - 42, y: offset + 20, size: 15, colour: colours.ink)
    document.addText(above, x: left - 42, y: offset + 37, size: Self.textSize, colour: colours.faint)
    for tick in y.ticks {
      let at = y.position(tick.value)
      document.addLine(x1: left, y1: at, x2: right, y2: at, colour: colours.grid)
      document.addText(tick.label, x: left - 6, y: at + 4, size: Self.textSize, anchor: .end, colour: colours.faint)
    }
    for tick in x.ticks {
      let at = x.position(tick.value)
      document.addLine(x1: at, y1: bottom, x2: at, y2: bottom + 4, colour: colours.faint)
      document.addText(tick.label, x: at, y: bottom + 18, size: Self.textSize, anchor: .middle, colour: colours.faint)
    }
    document.addText(below, x: (left + right) / 2, y: bottom + 38, size: Self.textSize, anchor: .middle, colour: colours.faint)
    let front = points.filter { !$0.isDominated }.sorted { ($0.x, $0.y) < ($1.x, $1.y) }
    var stairs: [(x: Double, y: Double)] = []
    for point in front {
      if let last = stairs.last { stairs.append((x.position(point.x), last.y)) }
      stairs.append((x.position(point.x), y.position(point.y)))
    }
    var lines = zip(stairs, stairs.dropFirst()).map { ($0.0.x, $0.0.y, $0.1.x, $0.1.y) }
    lines += points.map {
      (x.position($0.interval.lowerBound), y.position($0.y), x.position($0.interval.upperBound), y.position($0.y))
    }
    if stairs.count > 1 { document.addCurve(stairs, colour: colours.front, width: 1.5) }
    for point in points {
      let colour = point.isDominated ? colours.dominated : colours.front, at = y.position(point.y)
      let ends = [point.interval.lowerBound, point.interval.upperBound].map(x.position)
      if ends[1] - ends[0] > 1 { document.addLine(x1: ends[0], y1: at, x2: ends[1], y2: at, colour: colour, width: 2) }
      document.addDot(x: x.position(point.x), y: at, radius: 5, colour: colour, title: point.name)
    }
    let places = Self.labelPlaces(
      points.map { (x.position($0.x), y.position($0.y), Self.label($0.name)) }, beside: lines, left: left, right: right,
      top: top - 12, bottom: bottom)
    for (point, place) in zip(points, places) {
      document.addText(
        Self.label(point.name), x: place.x, y: place.y, size: Self.textSize, anchor: place.anchor,
        colour: point.isDominated ? colours.faint : colours.ink, hasHalo: true)
    }
  }

  private static func label(_ name: String) -> String { name.count > 22 ? name.prefix(21) + "…" : name }

  /// Where labels stand: each beside its dot, where it covers least of lines, other dots and labels.
  static func labelPlaces(
    _ dots: [(x: Double, y: Double, label: String)], beside lines: [(Double, Double, Double, Double)] = [], left: Double,
    right: Double, top: Double, bottom: Double
  ) -> [(x: Double, y: Double, anchor: SVGDocument.Anchor)] {
    struct Box {
      var x: ClosedRange<Double>
      var y: ClosedRange<Double>

      func covered(by other: Box) -> Double {
        let width = min(x.upperBound, other.x.upperBound) - max(x.lowerBound, other.x.lowerBound)
        let height = min(y.upperBound, other.y.upperBound) - max(y.lowerBound, other.y.lowerBound)
        return max(width, 0) * max(height, 0)
      }
    }
    let page = Box(x: left...right, y: top...bottom)
    var taken = dots.map { Box(x: $0.x - 6...$0.x + 6, y: $0.y - 6...$0.y + 6) }
    for (x1, y1, x2, y2) in lines {
      taken.append(Box(x: min(x1, x2) - 3...max(x1, x2) + 3, y: min(y1, y2) - 3...max(y1, y2) + 3))
    }
    return dots.map { dot in
      // The width of most letters of a font without serifs.
      let width = 0.56 * Double(textSize) * Double(dot.label.count), height = 12.0
      var best: (cost: Double, x: Double, y: Double, anchor: SVGDocument.Anchor, box: Box)?
      for distance in [0.0, 8, 16] {
        for (dx, dy, anchor) in [
          (9.0, 4.0 - distance, SVGDocument.Anchor.start), (9, 4 + distance, .start), (-9, 4 - distance, .end),
          (-9, 4 + distance, .end), (0, -10 - distance, .middle), (0, 18 + distance, .middle),
        ] {
          let x = dot.x + dx, y = dot.y + dy
          let start = anchor == .start ? x : anchor == .end ? x - width : x - width / 2
          let box = Box(x: start...start + width, y: y - height + 2...y + 2)
          let outside = width * height - box.covered(by: page)
          let cost = taken.reduce(3 * outside + distance) { $0 + $1.covered(by: box) }
          if best.map({ cost < $0.cost }) ?? true { best = (cost, x, y, anchor, box) }
        }
      }
      guard let best else { return (dot.x, dot.y, .start) }
      taken.append(best.box)
      return (best.x, best.y, best.anchor)
    }
  }
}
