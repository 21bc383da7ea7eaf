import Files

/// A drawing of lines, texts and dots as an SVG, element by element: later ones lie over earlier ones. Lengths are pixels.
package struct SVGDocument {
  /// Okabe and Ito's, which everyone can tell apart; black is the last.
  package static let colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]

  package enum Anchor: String {
    case start, middle, end
  }

  private var elements: [String]
  /// Around dots, so that those over one another are told apart.
  private let background: String

  /// - Parameters:
  ///   - background: the colour of the page.
  ///   - label: what the drawing shows, for those who do not see it; nil for a drawing whose texts say it.
  package init(width: Double, height: Double, background: String = "white", label: String? = nil) {
    let (width, height) = (Self.number(width), Self.number(height))
    self.background = background
    let role = label.map { " role=\"img\" aria-label=\"\($0.escapedForXML)\"" } ?? ""
    elements = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" viewBox=\"0 0 \(width) \(height)\" "
        + "font-family=\"sans-serif\" font-size=\"12\"\(role)>",
      "<rect width=\"100%\" height=\"100%\" fill=\"\(background)\"/>",
    ]
  }

  /// The whole file.
  package var text: String { #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n" + element }

  /// To stand within a page.
  package var element: String { (elements + ["</svg>"]).joined(separator: "\n") + "\n" }

  /// - Parameters:
  ///   - angle: in degrees, clockwise, about the point `(x, y + offset)`.
  ///   - hasHalo: whether lines below it end before it.
  package mutating func addText(
    _ text: String, x: Double, y: Double, size: Int = 12, anchor: Anchor = .start, colour: String = "black",
    turned angle: Double = 0, about offset: Double = 0, hasHalo: Bool = false
  ) {
    let turn =
      angle == 0 ? "" : " transform=\"rotate(\(Self.number(angle)) \(Self.number(x)) \(Self.number(y + offset)))\""
    let halo =
      hasHalo ? " stroke=\"\(background)\" stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\"" : ""
    elements.append(
      "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" font-size=\"\(size)\" text-anchor=\"\(anchor.rawValue)\" "
        + "fill=\"\(colour)\"\(turn)\(halo)>\(text.escapedForXML)</text>")
  }

  /// - Parameters:
  ///   - dash: lengths of strokes and gaps, `6 4`; nil for one stroke.
  ///   - area: the name of what `addClippingArea` added, outside of which nothing is drawn.
  package mutating func addLine(
    x1: Double, y1: Double, x2: Double, y2: Double, colour: String, width: Double = 1, dash: String? = nil,
    inside area: String? = nil
  ) {
    elements.append(
      "<line x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\" x2=\"\(Self.number(x2))\" y2=\"\(Self.number(y2))\" "
        + "stroke=\"\(colour)\" stroke-width=\"\(Self.number(width))\"\(dash.map { " stroke-dasharray=\"\($0)\"" } ?? "")"
        + "\(area.map { " clip-path=\"url(#\($0))\"" } ?? "")/>")
  }

  /// Straight strokes from each point to the next.
  package mutating func addCurve(_ points: [(x: Double, y: Double)], colour: String, width: Double) {
    let places = points.map { "\(Self.number($0.x)),\(Self.number($0.y))" }.joined(separator: " ")
    elements.append(
      "<polyline points=\"\(places)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"\(Self.number(width))\"/>")
  }

  /// - Parameter title: what is shown when it is pointed at.
  package mutating func addDot(
    x: Double, y: Double, radius: Double, colour: String, opacity: Double = 1, title: String? = nil
  ) {
    elements.append(
      "<circle cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"\(Self.number(radius))\" fill=\"\(colour)\" "
        + "fill-opacity=\"\(Self.number(opacity))\" stroke=\"\(background)\""
        + "\(title.map { "><title>\($0.escapedForXML)</title></circle>" } ?? "/>")")
  }

  /// Adds a rectangle under a name, which is not drawn.
  package mutating func addClippingArea(_ name: String, x: Double, y: Double, width: Double, height: Double) {
    elements.append(
      "<clipPath id=\"\(name)\"><rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\" "
        + "height=\"\(Self.number(height))\"/></clipPath>")
  }

  private static func number(_ value: Double) -> String { TextFormat.short(value) }
}
