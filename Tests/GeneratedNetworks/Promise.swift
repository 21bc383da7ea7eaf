/// Something that should hold of every input does not.
package struct BrokenPromise: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// What is checked of inputs that nobody chose.
package enum Promise {
  package static func holds(_ holds: Bool, _ what: @autoclosure () -> String) throws(BrokenPromise) {
    if !holds { throw BrokenPromise(what()) }
  }

  /// What the body makes; nil where it refuses. A refusal is one line of printable text.
  package static func made<Value>(_ body: () throws -> Value) throws(BrokenPromise) -> Value? {
    do {
      return try body()
    } catch {
      try isLine("\(error)")
      return nil
    }
  }

  /// Text from a file must not reach a terminal as control characters, nor break a line.
  package static func isLine(_ text: String) throws(BrokenPromise) {
    try holds(!text.isEmpty, "an error without a text")
    try holds(text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }, "control characters in '\(text)'")
    try holds(text.utf8.count <= 1 << 14, "an error of \(text.utf8.count) bytes")
  }
}
