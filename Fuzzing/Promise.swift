/// Traps with a line that libFuzzer prints with the input.
func promise(_ holds: @autoclosure () throws -> Bool, _ what: @autoclosure () -> String) {
  do {
    guard try holds() else { fatalError("broken promise: \(what())") }
  } catch {
    fatalError("broken promise: \(what()): \(error)")
  }
}

/// What the body makes; nil where it refuses. A refusal is one line of printable text.
func made<Value>(_ body: () throws -> Value) -> Value? {
  do {
    return try body()
  } catch {
    checkLine("\(error)")
    return nil
  }
}

/// Text from a file must not reach a terminal as control characters, nor break a line.
func checkLine(_ text: String) {
  promise(!text.isEmpty, "an error without a text")
  promise(text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }, "control characters in '\(text)'")
  promise(text.utf8.count <= 1 << 14, "an error of \(text.utf8.count) bytes")
}
