import Evaluation
import Files
import Tensors

extension Explanation {
  /// For people: a line for each layer, or for those that are alike, the notes that some of them refer to, and the whole.
  ///
  /// - Parameters:
  ///   - groupsAlike: layers of one operation and extents of which the same is said share a line, with the sum of their times.
  ///   - width: the characters of a line that notes are broken at; nil for any number.
  public func text(groupsAlike: Bool = true, width: Int? = nil) -> String {
    var notes = Notes()
    var table = TextTable(["layer", "operation", "time", "ideal", "of roof", "GFLOP", "moved", "bound by", "see"])
    for group in groups(groupsAlike) {
      let layer = group.sum
      let gain = max(layer.nanoseconds - layer.idealNanoseconds, 0)
      let note = layer.note.map { notes.number($0, gain: gain, lines: group.names.count) }
      table.append([
        TextFormat.alike(group.names), layer.operation, Self.ms(Double(layer.nanoseconds)),
        Self.ms(Double(layer.idealNanoseconds)), "\(TextFormat.fixed(100 * layer.roofShare, 0))%",
        layer.operations > 0 ? Self.giga(layer.operations) : "--", TextFormat.bytes(layer.bytesMoved), layer.bound.text,
        note ?? "",
      ])
    }
    table.append(["engine", "", Self.ms(Double(engineNanoseconds))])
    table.append(["in all", "", Self.ms(Double(nanoseconds)), Self.ms(Double(idealNanoseconds))])
    return heading + "\n" + table.text + "\n" + notes.text(width: width) + summary(groupsAlike)
  }

  /// Layers that share a line, and what they take together.
  private func groups(_ groupsAlike: Bool) -> [(sum: Layer, names: [String])] {
    var groups: [(first: Layer, sum: Layer, names: [String])] = []
    for layer in layers {
      guard groupsAlike, let place = groups.firstIndex(where: { $0.first.isAlike(layer) }) else {
        groups.append((layer, layer, [layer.name]))
        continue
      }
      groups[place].names.append(layer.name)
      groups[place].sum.nanoseconds += layer.nanoseconds
      groups[place].sum.idealNanoseconds += layer.idealNanoseconds
      groups[place].sum.operations += layer.operations
      groups[place].sum.bytesMoved += layer.bytesMoved
    }
    return groups.map { ($0.sum, $0.names) }
  }

  private func summary(_ groupsAlike: Bool) -> String {
    if isUnreliable {
      return "The machine was busy and the roofs are unreliable: nothing is judged by them. Measure again when it is idle.\n"
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

  /// A line for each, or several where it would be wider than `width`, and an empty one; nothing where there are none.
  func text(width: Int?) -> String {
    if sentences.isEmpty { return "" }
    var text = ""
    for (index, sentence) in sentences.enumerated() {
      let layers = "\(sentence.lines) \(sentence.lines == 1 ? "layer" : "layers")"
      let gain = sentence.nanoseconds > 0 ? ", \(Explanation.ms(Double(sentence.nanoseconds))) above the ideal" : ""
      text += TextFormat.wrapped("\(index + 1)  (\(layers)\(gain)) \(sentence.text)", width: max(width ?? .max, 40), indent: 3)
    }
    return text + "\n"
  }
}

extension Explanation.Layer {
  /// How near it comes to its roof, 1 at it.
  var roofShare: Double { nanoseconds > 0 ? Double(idealNanoseconds) / Double(nanoseconds) : 0 }

  /// Whether the same is said of both, but for their names and times.
  fileprivate func isAlike(_ other: Explanation.Layer) -> Bool {
    operation == other.operation && bound == other.bound && operations == other.operations && bytesMoved == other.bytesMoved
      && reason == other.reason && change == other.change
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
    case .unreliable: "?"
    case .fallbackKernel: "fallback kernel"
    }
  }
}

extension String {
  var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}

extension Shape {
  /// The channels of an image, else the last extent.
  var imageChannels: Int { isImage ? channels : extents.last ?? 1 }
}
