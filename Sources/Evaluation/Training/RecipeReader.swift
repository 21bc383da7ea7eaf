import Formats

/// A mapping of a recipe under reading: each key that is asked for is known, and `finish` refuses the others.
struct RecipeReader {
  let path: String?
  /// The keys that lead here, for messages: `data`.
  private let prefix: String
  private let line: Int
  private var members: [String: YAMLNode.Member] = [:]
  private var order: [String] = []
  private(set) var known: [String] = []

  init(_ node: YAMLNode, path: String?, prefix: String = "") throws(RecipeError) {
    self.path = path
    self.prefix = prefix
    line = node.line
    switch node.content {
    case .mapping(let found):
      for member in found {
        members[member.key] = member
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
    RecipeError(path: path, line: members[key]?.line ?? line, problem: problem)
  }

  func refusal(_ key: String, _ value: String, _ allowed: String) -> RecipeError {
    error(key, .value(key: fullName(key), value: value, allowed: allowed))
  }

  func contains(_ key: String) -> Bool { members[key] != nil }

  /// What stands under a key, which is not thereby known.
  func value(_ key: String) -> YAMLNode? { members[key]?.value }

  /// Throws where keys are left that nobody asked for.
  func finish() throws(RecipeError) {
    for key in order where !known.contains(key) {
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
    return text
  }

  mutating func required(_ key: String) throws(RecipeError) -> String {
    guard let text = try text(key), !text.isEmpty else { throw error(key, .missingKey(fullName(key))) }
    return text
  }

  mutating func integer(_ key: String, _ standard: Int, in range: ClosedRange<Int>) throws(RecipeError) -> Int {
    try optionalInteger(key, in: range) ?? standard
  }

  mutating func optionalInteger(_ key: String, in range: ClosedRange<Int>) throws(RecipeError) -> Int? {
    guard let text = try text(key) else { return nil }
    guard let value = Int(text), range.contains(value) else {
      throw refusal(
        key, text,
        range.upperBound == .max && !(text.count > 18 && text.allSatisfy(\.isNumber))
          ? "a whole number from \(range.lowerBound) on" : "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  mutating func number(_ key: String, _ standard: Double, in range: ClosedRange<Double>) throws(RecipeError) -> Double {
    try optionalNumber(key, in: range) ?? standard
  }

  mutating func optionalNumber(_ key: String, in range: ClosedRange<Double>) throws(RecipeError) -> Double? {
    guard let text = try text(key) else { return nil }
    guard let value = Double(text), range.contains(value) else {
      throw refusal(key, text, "a number from \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))")
    }
    return value
  }

  mutating func boolean(_ key: String, _ standard: Bool) throws(RecipeError) -> Bool {
    guard let text = try text(key) else { return standard }
    guard let value = ["true": true, "false": false, "yes": true, "no": false][text] else {
      throw refusal(key, text, "true or false")
    }
    return value
  }

  mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, _ standard: Choice?
  ) throws(RecipeError) -> Choice {
    guard let text = try text(key) else {
      guard let standard else { throw error(key, .missingKey(fullName(key))) }
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
    case .scalar(let text, _): return [text]
    case .sequence(let elements):
      var texts: [String] = []
      for element in elements {
        guard case .scalar(let text, _) = element.content else { throw refusal(key, Self.short(element), "a list of values") }
        texts.append(text)
      }
      return texts
    case .mapping: throw refusal(key, Self.short(node), "a list of values")
    }
  }

  mutating func integers(_ key: String, _ standard: [Int], in range: ClosedRange<Int>) throws(RecipeError) -> [Int] {
    guard let texts = try texts(key) else { return standard }
    var values: [Int] = []
    for text in texts {
      guard let value = Int(text), range.contains(value) else {
        throw refusal(key, text, "whole numbers from \(range.lowerBound) to \(range.upperBound)")
      }
      values.append(value)
    }
    return values
  }

  mutating func numbers(_ key: String, _ standard: [Double], in range: ClosedRange<Double>) throws(RecipeError) -> [Double] {
    guard let texts = try texts(key) else { return standard }
    var values: [Double] = []
    for text in texts {
      guard let value = Double(text), range.contains(value) else {
        throw refusal(key, text, "numbers from \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))")
      }
      values.append(value)
    }
    return values
  }

  /// `low-high`, or one number.
  mutating func range(
    _ key: String, _ standard: ClosedRange<Double>, in limits: ClosedRange<Double>
  ) throws(RecipeError) -> ClosedRange<Double> {
    guard let texts = try texts(key) else { return standard }
    let values = texts.compactMap { Double($0) }
    guard values.count == texts.count, values.count == 1 || values.count == 2, let low = values.first, let high = values.last,
      low <= high, limits.contains(low), limits.contains(high)
    else {
      throw refusal(
        key, texts.joined(separator: ", "),
        "a number or [least, most] from \(Self.short(limits.lowerBound)) to \(Self.short(limits.upperBound))")
    }
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
    return try RecipeReader(YAMLNode(node.content, line: members[key]?.line ?? node.line), path: path, prefix: fullName(key))
  }

  /// A text, or a mapping whose one key is the text that stands for it.
  mutating func textOrSection(_ key: String) throws(RecipeError) -> (text: String?, section: RecipeReader?) {
    guard let node = node(key) else { return (nil, nil) }
    if case .scalar(let text, _) = node.content { return (text, nil) }
    return (nil, try RecipeReader(node, path: path, prefix: fullName(key)))
  }

  /// All keys with texts as values.
  mutating func dictionary() throws(RecipeError) -> [String: String] {
    var result: [String: String] = [:]
    for key in order { result[key] = try text(key) }
    return result
  }

  static func list(_ names: [String]) -> String {
    names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
  }

  private static func short(_ node: YAMLNode) -> String {
    String(node.text.split(separator: "\n").joined(separator: " ").prefix(40))
  }

  private static func short(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }
}
