import Evaluation
import Files
import Tensors

extension Explanation {
  /// As `report`, laid out.
  public func text(groupsAlike: Bool = true, width: Int? = nil) -> String {
    report(groupsAlike: groupsAlike).text(width: width)
  }

  /// For people: a line for each layer, or for those that are alike, the notes that some of them refer to, and the whole.
  ///
  /// - Parameter groupsAlike: layers of one operation and extents share a line, with the sum of their times and what is said of most of them.
  public func report(groupsAlike: Bool = true) -> ReportText {
    var notes = Notes()
    // Roofs that disagree judge nothing: what is known without them is told.
    let judgements = isUnreliable ? [] : ["ideal", "of roof"],
      last = isUnreliable ? ["kernel", "taken, because"] : ["bound by", "see"]
    var table = TextTable(
      ["layer", "operation", "time"] + judgements + ["GFLOP", "moved"] + last,
      shortening: ["layer": 16, "operation": 20, "kernel": 16, "taken, because": 24],
      leavingOut: isUnreliable ? ["operation", "moved", "taken, because"] : ["moved", "GFLOP", "operation", "ideal"])
    for group in groups(groupsAlike) {
      let layer = group.sum
      let gain = max(layer.nanoseconds - layer.idealNanoseconds, 0)
      let note = isUnreliable ? nil : layer.note.map { notes.number($0, gain: gain, lines: group.names.count) }
      let ideal = [Self.ms(Double(layer.idealNanoseconds)), "\(TextFormat.fixed(100 * layer.roofShare, 0))%"]
      let work = [layer.operations > 0 ? Self.giga(layer.operations) : "--", TextFormat.bytes(layer.bytesMoved)]
      table.append(
        [TextFormat.alike(group.names), layer.operation, Self.ms(Double(layer.nanoseconds))] + (isUnreliable ? [] : ideal)
          + work
          + (isUnreliable
            ? [layer.kernels.joined(separator: ", "), layer.choice ?? "--"] : [layer.bound.text, note ?? ""]))
    }
    table.append([engineName, "", Self.ms(Double(engineNanoseconds))])
    table.append(["in all", "", Self.ms(Double(nanoseconds))] + (isUnreliable ? [] : [Self.ms(Double(idealNanoseconds))]))
    return "\(heading)\n\(table)\n\(notes.report)\(summary(groupsAlike))"
  }

  /// Layers that share a line, and what they take together.
  private func groups(_ groupsAlike: Bool) -> [(sum: Layer, names: [String])] {
    var groups: [[Layer]] = []
    for layer in layers {
      if groupsAlike, let place = groups.firstIndex(where: { $0[0].isAlike(layer) }) {
        groups[place].append(layer)
      } else {
        groups.append([layer])
      }
    }
    return groups.map { members in
      var sum = members.mostFrequent { Judgement(bound: $0.bound, reason: $0.reason, change: $0.change) }
      sum.nanoseconds = members.reduce(0) { $0 + $1.nanoseconds }
      sum.idealNanoseconds = members.reduce(0) { $0 + $1.idealNanoseconds }
      sum.operations = members.reduce(0) { $0 + $1.operations }
      sum.bytesMoved = members.reduce(0) { $0 + $1.bytesMoved }
      return (sum, members.map(\.name))
    }
  }

  private struct Judgement: Hashable {
    var bound: Bound
    var reason: String
    var change: String?
  }

  private func summary(_ groupsAlike: Bool) -> String {
    if isUnreliable {
      return
        "Left out, because they follow from the roofs: the ideal times, the shares of the roof, what bounds each layer and what to change. "
        + "Run it again when the machine is idle.\n"
    }
    let gains = groups(groupsAlike).enumerated()
      .map { (gain: $1.sum.nanoseconds - $1.sum.idealNanoseconds, index: $0, name: TextFormat.alike($1.names)) }
      .filter { $0.gain * 50 > nanoseconds }.sorted { ($0.gain, $1.index) > ($1.gain, $0.index) }
    if gains.isEmpty { return "No single layer has much to gain.\n" }
    let best = gains.prefix(3).map { "\($0.name.onOneLine) (\(Self.ms(Double($0.gain))))" }
    return "Most is to be gained in \(best.joined(separator: ", ")).\n"
  }

  static func ms(_ nanoseconds: Double) -> String {
    nanoseconds < 1e6 ? "\(TextFormat.fixed(nanoseconds / 1e3, 1)) us" : "\(TextFormat.fixed(nanoseconds / 1e6, 2)) ms"
  }

  static func giga(_ operations: Int) -> String {
    TextFormat.fixed(Double(operations) / 1e9, operations < 100_000_000 ? 4 : 2)
  }
}

/// Sentences that several lines of a table refer to by number.
struct Notes {
  private var sentences: [(text: String, lines: Int, nanoseconds: Int)] = []

  /// The number of the sentence, which one more line refers to. `gain` are the nanoseconds that the line could save, where known, of so
  /// many layers.
  mutating func number(_ sentence: String, gain: Int = 0, lines: Int = 1) -> String {
    let place = sentences.firstIndex { $0.text == sentence } ?? sentences.count
    if place == sentences.count { sentences.append((sentence, 0, 0)) }
    sentences[place].lines += lines
    sentences[place].nanoseconds += gain
    return "\(place + 1)"
  }

  /// A line for each, and an empty one; nothing where there are none.
  var report: ReportText {
    if sentences.isEmpty { return "" }
    var text = ReportText()
    for (index, sentence) in sentences.enumerated() {
      let layers = "\(sentence.lines) \(sentence.lines == 1 ? "layer" : "layers")"
      let gain = sentence.nanoseconds > 0 ? ", \(Explanation.ms(Double(sentence.nanoseconds))) above the ideal" : ""
      text.append("\(index + 1)  (\(layers)\(gain)) \(sentence.text)\n", indent: 3)
    }
    text += "\n"
    return text
  }
}

extension Explanation.Layer {
  /// How near it comes to its roof, 1 at it.
  var roofShare: Double { nanoseconds > 0 ? Double(idealNanoseconds) / Double(nanoseconds) : 0 }

  /// Whether both do the same work.
  fileprivate func isAlike(_ other: Explanation.Layer) -> Bool {
    operation == other.operation && operations == other.operations && bytesMoved == other.bytesMoved
  }

  /// `bound by …. To change: ….`; nil where that helps no one.
  var note: String? {
    if reason.isEmpty { return nil }
    return reason.capitalisedFirst + "." + (change.map { " To change: \($0)." } ?? "")
  }
}

extension Explanation.Bound {
  var text: String {
    switch self {
    case .arithmetic, .memory, .launch, .copy: rawValue
    case .oddChannels: "odd channels"
    case .blocks: "few blocks"
    case .unreliable: "?"
    case .fallbackKernel: "fallback kernel"
    }
  }
}

extension Array {
  /// The first of those whose key most have; the array is not empty.
  func mostFrequent<Key: Hashable>(_ key: (Element) -> Key) -> Element {
    let counts = Dictionary(map { (key($0), 1) }, uniquingKeysWith: +)
    let most = counts.values.max() ?? 0
    return first { counts[key($0)] == most } ?? self[0]
  }
}

extension String {
  var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}

extension Shape {
  /// The channels of an image, else the last extent.
  var imageChannels: Int { isImage ? channels : extents.last ?? 1 }
}
