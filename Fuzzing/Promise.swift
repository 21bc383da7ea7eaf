import GeneratedNetworks
import Networks

/// Traps with a line that libFuzzer prints with the input.
private func kept<Value>(_ body: () throws -> Value) -> Value {
  do { return try body() } catch { fatalError("broken promise: \(error)") }
}

func promise(_ holds: @autoclosure () throws -> Bool, _ what: @autoclosure () -> String) {
  kept { try Promise.holds(try holds(), what()) }
}

/// What the body makes; nil where it refuses.
func made<Value>(_ body: () throws -> Value) -> Value? { kept { try Promise.made(body) } }

func checkLine(_ text: String) { kept { try Promise.isLine(text) } }

extension Network {
  /// Of a network that was read.
  func checkPromises() { kept { try NetworkPromises(self).check() } }
}

extension ChoiceSource {
  /// Of a network that is made of the choices.
  mutating func checkPromises() { kept { try NetworkPromises.check(&self) } }
}
