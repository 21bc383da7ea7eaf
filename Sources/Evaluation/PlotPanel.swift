import Files

/// What is drawn as one curve.
struct PlotSeries {
  var name: String
  var points: [(x: Double, y: Double)]
}

/// Curves of one scale.
struct PlotPanel {
  var name: String
  var series: [PlotSeries]

  private static let firstTop = 40.0, height = 190.0
  private static let left = 70.0
  private static let right = 640.0

  /// Panels below one another.
  ///
  /// - Parameters:
  ///   - below: what lies along the horizontal axis.
  ///   - wholeNumbers: whether its ticks are such.
  static func document(_ panels: [PlotPanel], title: String, below: String, wholeNumbers: Bool) -> String {
    var document = SVGDocument(width: 760, height: firstTop + height * Double(panels.count))
    document.addText(title.onOneLine, x: left, y: 26, size: 16)
    for (index, panel) in panels.enumerated() {
      panel.draw(
        in: &document, top: firstTop + height * Double(index), below: index == panels.count - 1 ? below : nil, wholeNumbers)
    }
    return document.text
  }

  private func draw(in document: inout SVGDocument, top: Double, below: String?, _ wholeNumbers: Bool) {
    let (left, right) = (Self.left, Self.right), plotTop = top + 18, plotBottom = top + Self.height - 34
    let points = series.flatMap(\.points).filter { $0.y.isFinite }
    let x = wholeNumbers ? Self.epochs(points.map(\.x)) : PlotAxis(spanning: points.map(\.x), from: left, to: right)
    let y = PlotAxis(spanning: points.map(\.y), from: plotBottom, to: plotTop)
    document.addText(name, x: left, y: plotTop - 6, colour: "#333")
    for tick in y.ticks {
      let at = y.position(tick.value)
      document.addLine(x1: left, y1: at, x2: right, y2: at, colour: "#ddd")
      document.addText(tick.label, x: left - 6, y: at + 4, anchor: .end, colour: "#555")
    }
    for tick in x.ticks {
      document.addText(tick.label, x: x.position(tick.value), y: plotBottom + 16, anchor: .middle, colour: "#555")
    }
    if let below { document.addText(below, x: (left + right) / 2, y: plotBottom + 30, anchor: .middle, colour: "#333") }
    for (index, one) in series.enumerated() {
      let colour = SVGDocument.colours[index % SVGDocument.colours.count]
      let places = one.points.filter { $0.y.isFinite }.map { (x: x.position($0.x), y: y.position($0.y)) }
      if places.count == 1 {
        document.addDot(x: places[0].x, y: places[0].y, radius: 3, colour: colour)
      } else if places.count > 1 {
        document.addCurve(places, colour: colour, width: 1.5)
      }
      guard series.count > 1 else { continue }
      let at = plotTop + 14 + 18 * Double(index)
      document.addLine(x1: right + 10, y1: at - 4, x2: right + 30, y2: at - 4, colour: colour, width: 2)
      document.addText(one.name, x: right + 36, y: at)
    }
  }

  private static func epochs(_ epochs: [Double]) -> PlotAxis {
    let last = max(epochs.max() ?? 1, 1), first = min(epochs.min() ?? 0, last - 1)
    let step = max(PlotAxis.step((last - first) / 6).rounded(.up), 1)
    return PlotAxis(from: left, to: right, low: first, high: last, step: step)
  }
}
