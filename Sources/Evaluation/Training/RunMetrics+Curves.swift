import Files

extension RunMetrics {
  /// Curves over epochs as an SVG: the loss, with that of validation beside it, and below it each other figure.
  public func curves(title: String) -> String {
    var panels: [(name: String, series: [Series])] = []
    var losses = [Series(name: "training", points: rows.map { (Double($0.epoch), $0.loss) })]
    for (index, name) in names.enumerated() {
      let points = rows.compactMap { row in row.validation[index].map { (Double(row.epoch), $0) } }
      if name == "validation_loss" {
        losses.append(Series(name: "validation", points: points))
      } else {
        panels.append((name, [Series(name: name, points: points)]))
      }
    }
    panels.insert(("loss", losses), at: 0)
    panels.append(("learning rate", [Series(name: "learning rate", points: rows.map { (Double($0.epoch), $0.learningRate) })]))
    let height = 40 + Self.panelHeight * panels.count
    var lines = [
      #"<?xml version="1.0" encoding="UTF-8"?>"#,
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Self.width)\" height=\"\(height)\" viewBox=\"0 0 \(Self.width) \(height)\" "
        + "font-family=\"sans-serif\" font-size=\"12\">",
      #"<rect width="100%" height="100%" fill="white"/>"#,
      "<text x=\"70\" y=\"26\" font-size=\"16\">\(Self.escaped(title))</text>",
    ]
    for (index, panel) in panels.enumerated() {
      lines += Self.panel(panel.name, panel.series, top: 40 + Self.panelHeight * index, isLast: index == panels.count - 1)
    }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private struct Series {
    var name: String
    var points: [(x: Double, y: Double)]
  }

  private static let width = 760, panelHeight = 190
  private static let left = 70.0, right = 640.0
  /// Okabe and Ito's, which everyone can tell apart.
  private static let colours = ["#0072B2", "#D55E00"]

  private static func panel(_ name: String, _ series: [Series], top: Int, isLast: Bool) -> [String] {
    let plotTop = Double(top) + 18, plotBottom = Double(top + panelHeight) - 34
    let points = series.flatMap(\.points).filter { $0.y.isFinite }
    let lastX = max(points.map(\.x).max() ?? 1, 1), firstX = min(points.map(\.x).min() ?? 0, lastX - 1)
    var low = points.map(\.y).min() ?? 0, high = points.map(\.y).max() ?? 1
    if high - low < 1e-12 * max(abs(high), 1e-300) || high == low {
      (low, high) = (low - max(abs(low) * 0.1, 1e-6), high + max(abs(high) * 0.1, 1e-6))
    }
    let step = niceStep((high - low) / 4)
    (low, high) = ((low / step).rounded(.down) * step, (high / step).rounded(.up) * step)
    func x(_ value: Double) -> Double { left + (right - left) * (value - firstX) / (lastX - firstX) }
    func y(_ value: Double) -> Double { plotBottom - (plotBottom - plotTop) * (value - low) / (high - low) }
    var lines = ["<text x=\"\(number(left))\" y=\"\(number(plotTop - 6))\" fill=\"#333\">\(escaped(name))</text>"]
    var tick = low
    while tick <= high + step / 2 {
      lines.append(
        "<line x1=\"\(number(left))\" x2=\"\(number(right))\" y1=\"\(number(y(tick)))\" y2=\"\(number(y(tick)))\" stroke=\"#ddd\"/>"
          + "<text x=\"\(number(left - 6))\" y=\"\(number(y(tick) + 4))\" text-anchor=\"end\" fill=\"#555\">\(label(tick, step))</text>"
      )
      tick += step
    }
    let stepX = max(niceStep((lastX - firstX) / 6).rounded(.up), 1)
    var tickX = (firstX / stepX).rounded(.up) * stepX
    while tickX <= lastX + 1e-9 {
      lines.append(
        "<text x=\"\(number(x(tickX)))\" y=\"\(number(plotBottom + 16))\" text-anchor=\"middle\" fill=\"#555\">\(label(tickX, stepX))</text>"
      )
      tickX += stepX
    }
    if isLast {
      lines.append(
        "<text x=\"\(number((left + right) / 2))\" y=\"\(number(plotBottom + 30))\" text-anchor=\"middle\" fill=\"#333\">epoch</text>"
      )
    }
    for (index, one) in series.enumerated() {
      let points = one.points.filter { $0.y.isFinite }
      let colour = colours[index % colours.count]
      if points.count == 1 {
        lines.append("<circle cx=\"\(number(x(points[0].x)))\" cy=\"\(number(y(points[0].y)))\" r=\"3\" fill=\"\(colour)\"/>")
      } else if points.count > 1 {
        let path = points.map { "\(number(x($0.x))),\(number(y($0.y)))" }.joined(separator: " ")
        lines.append("<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.5\"/>")
      }
      guard series.count > 1 else { continue }
      let textY = plotTop + 14 + 18 * Double(index)
      lines.append(
        "<line x1=\"\(number(right + 10))\" x2=\"\(number(right + 30))\" y1=\"\(number(textY - 4))\" y2=\"\(number(textY - 4))\" "
          + "stroke=\"\(colour)\" stroke-width=\"2\"/><text x=\"\(number(right + 36))\" y=\"\(number(textY))\">\(escaped(one.name))</text>"
      )
    }
    return lines
  }

  /// 1, 2 or 5 times a power of ten, at least as large.
  private static func niceStep(_ least: Double) -> Double {
    var power = 1.0
    while power > least { power /= 10 }
    while power * 10 <= least { power *= 10 }
    return [1.0, 2, 5, 10].first { $0 * power >= least }.map { $0 * power } ?? power * 10
  }

  private static func label(_ value: Double, _ step: Double) -> String {
    if step < 1e-4 {
      // Few digits, as in 2e-05.
      var exponent = 0, mantissa = value
      guard value != 0 else { return "0" }
      while abs(mantissa) < 1 {
        mantissa *= 10
        exponent -= 1
      }
      return "\(TextFormat.fixed(mantissa, 1))e\(exponent)"
    }
    var decimals = 0, scaled = step
    while scaled < 0.999 {
      scaled *= 10
      decimals += 1
    }
    return TextFormat.fixed(value, decimals)
  }

  private static func number(_ value: Double) -> String { TextFormat.fixed(value, 1) }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.onOneLine {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(character)
      }
    }
    return result
  }
}
