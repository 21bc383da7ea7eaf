import Files
import Networks

/// Why a text is no predicate.
public struct NodePredicateError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The condition that is not understood.
  public var condition: String

  public var description: String {
    "the condition '\(condition.onOneLine)' is not understood; give name=body.*, operation=convolution, kernel=3, in>=64 or out<=512, joined by "
      + "commas, each negated by a leading !"
  }
}

extension NodePredicate {
  /// Reads conditions joined by commas, all of which must hold: `name=body.*,kernel=3x5,in>=64,out<=512,!name=body.0.a`.
  ///
  /// `name` takes a pattern with `*` and `?`, `operation` a type name, `kernel` a side or `height x width`; `in` and `out` take channels with
  /// `=`, `>=` or `<=`. Throws at the first condition that is none of these.
  public init(_ text: String) throws(NodePredicateError) {
    var conditions: [NodePredicate] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let condition = Self.condition(part) else { throw NodePredicateError(condition: String(part)) }
      conditions.append(condition)
    }
    self = conditions.count == 1 ? conditions[0] : .every(conditions)
  }

  private static func condition(_ text: Substring) -> NodePredicate? {
    if text.hasPrefix("!") { return condition(text.dropFirst()).map { .not($0) } }
    guard let sign = text.firstIndex(where: { "=<>".contains($0) }) else { return nil }
    let key = text[..<sign], rest = text[sign...]
    let value: Substring
    let range: (Int) -> ClosedRange<Int>
    if rest.hasPrefix(">=") {
      (value, range) = (rest.dropFirst(2), { $0...Int.max })
    } else if rest.hasPrefix("<=") {
      (value, range) = (rest.dropFirst(2), { 0...$0 })
    } else if rest.hasPrefix("=") {
      (value, range) = (rest.dropFirst(), { $0...$0 })
    } else {
      return nil
    }
    guard !value.isEmpty else { return nil }
    switch key {
    case "in", "out":
      guard let count = number(value) else { return nil }
      return key == "in" ? .inChannels(range(count)) : .outChannels(range(count))
    case "kernel":
      let sides = value.split(separator: "x", omittingEmptySubsequences: false).map(number)
      guard rest.hasPrefix("="), let height = sides[0], sides.count <= 2, let width = sides[sides.count - 1] else { return nil }
      return .kernel(Pair(height: height, width: width))
    case "name":
      guard rest.hasPrefix("=") else { return nil }
      return value.contains { "*?".contains($0) } ? .namePattern("\(value)") : .name("\(value)")
    case "operation": return rest.hasPrefix("=") ? .operation("\(value)") : nil
    default: return nil
    }
  }

  /// Digits only.
  private static func number(_ text: Substring) -> Int? { text.allSatisfy(\.isNumber) ? Int(text) : nil }
}
