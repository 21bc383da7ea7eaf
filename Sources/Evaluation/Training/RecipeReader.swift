import Formats

/// What is known of a recipe's keys when it is read, whether they stood there or not.
final class RecipeRecord {
  /// What the keys that were asked for come to, by their full names, as text: of those that are not there what they are by default.
  var values: [String: String] = [:]
}

/// A mapping of a recipe under reading: each key that is asked for is known, and `finish` refuses the others. A key whose value is null is not there.
struct RecipeReader {
  /// A key that has no meaning beside what was chosen.
  private struct Reserved {
    var choice: String
    var owners: [String]
    var chosen: String
  }

  let path: String?
  let record: RecipeRecord
  /// The keys that lead here, for messages: `data`.
  private let prefix: String
  private let line: Int
  private var members: [String: YAMLNode.Member] = [:]
  /// Of the keys, those that are null included.
  private var lines: [String: Int] = [:]
  private var order: [String] = []
  private(set) var known: [String] = []
  private var reserved: [String: Reserved] = [:]

  init(
    _ node: YAMLNode, path: String?, prefix: String = "", record: RecipeRecord = RecipeRecord()
  ) throws(RecipeError) {
    self.path = path
    self.record = record
    self.prefix = prefix
    line = node.line
    switch node.content {
    case .mapping(let found):
      for member in found {
        if !member.value.isNull { members[member.key] = member }
        lines[member.key] = member.line
        order.append(member.key)
      }
    case .scalar("", isPlain: true): break
    case .scalar, .sequence:
      throw RecipeError(
        path: path, line: node.line, problem: .value(key: prefix, value: Self.short(node), allowed: "keys with values")
      )
    }
  }

  func fullName(_ key: String) -> String { prefix.isEmpty ? key : "\(prefix).\(key)" }

  func error(_ key: String, _ problem: RecipeError.Problem) -> RecipeError {
    RecipeError(path: path, line: lines[key] ?? line, problem: problem)
  }

  func refusal(_ key: String, _ value: String, _ allowed: String) -> RecipeError {
    error(key, .value(key: fullName(key), value: value, allowed: allowed))
  }

  func contains(_ key: String) -> Bool { members[key] != nil }

  /// Notes what a key comes to.
  func note(_ key: String, _ value: String) { record.values[fullName(key)] = value }

  /// Says which of the values of a choice some keys belong to, so that `finish` can say it of one that is there.
  ///
  /// - Parameters:
  ///   - owners: values of the choice; keys of the chosen one are not reserved.
  ///   - choice: the key that chooses.
  mutating func reserve(_ keys: [String], for owners: [String], of choice: String, chosen: String) {
    guard !owners.contains(chosen) else { return }
    for key in keys { reserved[key] = Reserved(choice: fullName(choice), owners: owners, chosen: chosen) }
  }

  /// What stands under a key, which is not thereby known.
  func value(_ key: String) -> YAMLNode? { members[key]?.value }

  /// Throws where keys are left that nobody asked for.
  func finish() throws(RecipeError) {
    for key in order where !known.contains(key) {
      if let reserved = reserved[key] {
        if members[key] == nil { continue }
        throw error(
          key, .reserved(fullName(key), choice: reserved.choice, owners: reserved.owners, chosen: reserved.chosen))
      }
      throw error(key, .unknownKey(fullName(key), nearest: TextFormat.nearest(to: key, among: known), known: known))
    }
  }

  private mutating func node(_ key: String) -> YAMLNode? {
    known.append(key)
    return members[key]?.value
  }

  mutating func text(_ key: String) throws(RecipeError) -> String? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text, _) = node.content else { throw refusal(key, Self.short(node), "one value") }
    note(key, text)
    return text
  }

  mutating func text(_ key: String, _ standard: String) throws(RecipeError) -> String {
    if let text = try text(key) { return text }
    note(key, standard)
    return standard
  }

  mutating func required(_ key: String) throws(RecipeError) -> String {
    guard let text = try text(key), !text.isEmpty else { throw missing(key) }
    return text
  }

  /// That a key is missing, or what stands there that nobody asks for and is nearly called so.
  private func missing(_ key: String) -> RecipeError {
    let strange = order.filter { members[$0] != nil && !known.contains($0) }
    guard let near = TextFormat.nearest(to: key, among: strange) else { return error(key, .missingKey(fullName(key))) }
    return error(near, .unknownKey(fullName(near), nearest: key, known: known))
  }

  mutating func integer(_ key: String, _ standard: Int, in range: ClosedRange<Int>) throws(RecipeError) -> Int {
    let value = try optionalInteger(key, in: range) ?? standard
    note(key, "\(value)")
    return value
  }

  mutating func optionalInteger(_ key: String, in range: ClosedRange<Int>) throws(RecipeError) -> Int? {
    guard let text = try text(key) else { return nil }
    guard let value = Int(text), range.contains(value) else {
      throw refusal(
        key, text,
        range.upperBound == .max && !(text.count > 18 && text.allSatisfy(\.isNumber))
          ? "a whole number from \(range.lowerBound) on" : "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    note(key, "\(value)")
    return value
  }

  mutating func number(_ key: String, _ standard: Double, in range: ClosedRange<Double>) throws(RecipeError) -> Double {
    let value = try optionalNumber(key, in: range) ?? standard
    note(key, Self.short(value))
    return value
  }

  mutating func optionalNumber(_ key: String, in range: ClosedRange<Double>) throws(RecipeError) -> Double? {
    guard let text = try text(key) else { return nil }
    guard let value = Double(text), range.contains(value) else {
      throw refusal(key, text, "a number from \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))")
    }
    note(key, Self.short(value))
    return value
  }

  mutating func boolean(_ key: String, _ standard: Bool) throws(RecipeError) -> Bool {
    guard let text = try text(key) else {
      note(key, "\(standard)")
      return standard
    }
    guard let value = ["true": true, "false": false, "yes": true, "no": false][text] else {
      throw refusal(key, text, "true or false")
    }
    note(key, "\(value)")
    return value
  }

  mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, _ standard: Choice?
  ) throws(RecipeError) -> Choice {
    guard let text = try text(key) else {
      guard let standard else { throw missing(key) }
      note(key, standard.rawValue)
      return standard
    }
    guard let value = Choice(rawValue: text) else {
      throw refusal(key, text, Self.list(Choice.allCases.map(\.rawValue)))
    }
    return value
  }

  /// A sequence of texts; one text stands for a sequence of one.
  mutating func texts(_ key: String) throws(RecipeError) -> [String]? {
    guard let node = node(key) else { return nil }
    switch node.content {
    case .scalar(let text, _):
      note(key, Self.listed([text]))
      return [text]
    case .sequence(let elements):
      var texts: [String] = []
      for element in elements {
        guard case .scalar(let text, _) = element.content else { throw refusal(key, Self.short(element), "a list of values") }
        texts.append(text)
      }
      note(key, Self.listed(texts))
      return texts
    case .mapping: throw refusal(key, Self.short(node), "a list of values")
    }
  }

  mutating func integers(_ key: String, _ standard: [Int], in range: ClosedRange<Int>) throws(RecipeError) -> [Int] {
    guard let texts = try texts(key) else {
      note(key, Self.listed(standard.map(String.init)))
      return standard
    }
    var values: [Int] = []
    for text in texts {
      guard let value = Int(text), range.contains(value) else {
        throw refusal(key, text, "whole numbers from \(range.lowerBound) to \(range.upperBound)")
      }
      values.append(value)
    }
    note(key, Self.listed(values.map(String.init)))
    return values
  }

  mutating func numbers(_ key: String, _ standard: [Double], in range: ClosedRange<Double>) throws(RecipeError) -> [Double] {
    guard let texts = try texts(key) else {
      note(key, Self.listed(standard.map(Self.short)))
      return standard
    }
    var values: [Double] = []
    for text in texts {
      guard let value = Double(text), range.contains(value) else {
        throw refusal(key, text, "numbers from \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))")
      }
      values.append(value)
    }
    note(key, Self.listed(values.map(Self.short)))
    return values
  }

  /// `low-high`, or one number.
  mutating func range(
    _ key: String, _ standard: ClosedRange<Double>, in limits: ClosedRange<Double>
  ) throws(RecipeError) -> ClosedRange<Double> {
    guard let texts = try texts(key) else {
      note(key, Self.listed([standard.lowerBound, standard.upperBound].map(Self.short)))
      return standard
    }
    let values = texts.compactMap { Double($0) }
    guard values.count == texts.count, values.count == 1 || values.count == 2, let low = values.first, let high = values.last,
      low <= high, limits.contains(low), limits.contains(high)
    else {
      throw refusal(
        key, texts.joined(separator: ", "),
        "a number or [least, most] from \(Self.short(limits.lowerBound)) to \(Self.short(limits.upperBound))")
    }
    note(key, Self.listed([low, high].map(Self.short)))
    return low...high
  }

  /// The elements of a sequence; nil where the key is not there.
  mutating func elements(_ key: String) throws(RecipeError) -> [YAMLNode]? {
    guard let node = node(key) else { return nil }
    guard case .sequence(let elements) = node.content else { throw refusal(key, Self.short(node), "a list") }
    return elements
  }

  /// Keys that may be there and say nothing here.
  mutating func ignore(_ keys: [String]) { known += keys }

  /// A mapping within; nil where the key is not there.
  mutating func section(_ key: String) throws(RecipeError) -> RecipeReader? {
    guard let node = node(key) else { return nil }
    return try RecipeReader(
      YAMLNode(node.content, line: members[key]?.line ?? node.line), path: path, prefix: fullName(key), record: record)
  }

  /// A text, or a mapping whose one key is the text that stands for it.
  mutating func textOrSection(_ key: String) throws(RecipeError) -> (text: String?, section: RecipeReader?) {
    guard let node = node(key) else { return (nil, nil) }
    if case .scalar(let text, _) = node.content {
      note(key, text)
      return (text, nil)
    }
    return (nil, try RecipeReader(node, path: path, prefix: fullName(key), record: record))
  }

  /// All keys with texts as values.
  mutating func dictionary() throws(RecipeError) -> [String: String] {
    var result: [String: String] = [:]
    // A key that is null is not there.
    for key in order { result[key] = try text(key) }
    return result
  }

  static func listed(_ values: [String]) -> String { "[\(values.joined(separator: ", "))]" }

  static func list(_ names: [String]) -> String {
    names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
  }

  private static func short(_ node: YAMLNode) -> String {
    String(node.text.split(separator: "\n").joined(separator: " ").prefix(40))
  }

  static func short(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }
}
