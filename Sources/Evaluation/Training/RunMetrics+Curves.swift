import Files

extension RunMetrics {
  /// Curves over epochs as an SVG: the loss, with that of validation beside it, and below it each other figure.
  public func curves(title: String) -> String {
    var panels: [Panel] = []
    var losses = [Series(name: "training", points: rows.map { (Double($0.epoch), $0.loss) })]
    for (index, name) in names.enumerated() {
      let points = rows.compactMap { row in row.validation[index].map { (Double(row.epoch), $0) } }
      if name == "validation_loss" {
        losses.append(Series(name: "validation", points: points))
      } else {
        panels.append(Panel(name: name, series: [Series(name: name, points: points)]))
      }
    }
    panels.insert(Panel(name: "loss", series: losses), at: 0)
    let rates = Series(name: "learning rate", points: rows.map { (Double($0.epoch), $0.learningRate) })
    panels.append(Panel(name: "learning rate", series: [rates]))
    var document = SVGDocument(width: 760, height: Panel.firstTop + Panel.height * Double(panels.count))
    document.addText(title.onOneLine, x: Panel.left, y: 26, size: 16)
    for (index, panel) in panels.enumerated() {
      panel.draw(in: &document, top: Panel.firstTop + Panel.height * Double(index), isLast: index == panels.count - 1)
    }
    return document.text
  }
}

/// What is drawn as one curve.
private struct Series {
  var name: String
  var points: [(x: Double, y: Double)]
}

/// Curves of one scale.
private struct Panel {
  var name: String
  var series: [Series]

  static let firstTop = 40.0, height = 190.0
  static let left = 70.0
  private static let right = 640.0

  func draw(in document: inout SVGDocument, top: Double, isLast: Bool) {
    let (left, right) = (Self.left, Self.right), plotTop = top + 18, plotBottom = top + Self.height - 34
    let points = series.flatMap(\.points).filter { $0.y.isFinite }
    let x = Self.epochs(points.map(\.x)), y = Self.values(points.map(\.y), from: plotBottom, to: plotTop)
    document.addText(name, x: left, y: plotTop - 6, colour: "#333")
    for tick in y.ticks {
      let at = y.position(tick.value)
      document.addLine(x1: left, y1: at, x2: right, y2: at, colour: "#ddd")
      document.addText(tick.label, x: left - 6, y: at + 4, anchor: .end, colour: "#555")
    }
    for tick in x.ticks {
      document.addText(tick.label, x: x.position(tick.value), y: plotBottom + 16, anchor: .middle, colour: "#555")
    }
    if isLast { document.addText("epoch", x: (left + right) / 2, y: plotBottom + 30, anchor: .middle, colour: "#333") }
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

  /// Both ends are ticks.
  private static func values(_ values: [Double], from: Double, to: Double) -> PlotAxis {
    var low = values.min() ?? 0, high = values.max() ?? 1
    if high - low < 1e-12 * max(abs(high), 1e-300) || high == low {
      (low, high) = (low - max(abs(low) * 0.1, 1e-6), high + max(abs(high) * 0.1, 1e-6))
    }
    let step = PlotAxis.step((high - low) / 4)
    return PlotAxis(
      from: from, to: to, low: (low / step).rounded(.down) * step, high: (high / step).rounded(.up) * step, step: step)
  }
}
