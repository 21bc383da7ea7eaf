import Networks
import ONNXProto
import Tensors

/// A node of an ONNX graph with its attributes by name.
struct ONNXNode {
  let type: String
  /// Its name, or its first output where it has none: for people.
  let label: String
  /// The names of the values it reads; an empty name stands for an optional input that is absent.
  let inputs: [String]
  let outputs: [String]
  private let attributes: [String: ONNXAttributeProto]

  init(_ proto: ONNXNodeProto, index: Int) throws(ONNXProblem) {
    // ONNX Runtime's own forms of these two take more types, and are the same on those that both take.
    let isPlain =
      proto.domain.isEmpty || proto.domain == "ai.onnx"
      || (proto.domain == "com.microsoft" && ["QuantizeLinear", "DequantizeLinear"].contains(proto.opType))
    type = isPlain ? proto.opType : "\(proto.domain).\(proto.opType)"
    let output = proto.output.first { !$0.isEmpty } ?? ""
    label = !proto.name.isEmpty ? proto.name : !output.isEmpty ? output : "number \(index)"
    inputs = proto.input
    outputs = proto.output
    var attributes: [String: ONNXAttributeProto] = [:]
    for attribute in proto.attribute {
      guard attributes.updateValue(attribute, forKey: attribute.name) == nil else {
        throw .attribute(node: label, type: type, reason: "the attribute '\(attribute.name)' stands twice")
      }
    }
    self.attributes = attributes
  }

  /// A node made by the importer in place of a pattern.
  init(type: String, label: String, inputs: [String], outputs: [String]) {
    self.type = type
    self.label = label
    self.inputs = inputs
    self.outputs = outputs
    attributes = [:]
  }

  /// Another operator with the attributes and outputs of a node.
  init(_ node: ONNXNode, type: String, inputs: [String]) {
    (self.type, label, outputs, attributes) = (type, node.label, node.outputs, node.attributes)
    self.inputs = inputs
  }

  /// The same node with another first input.
  func reading(_ name: String) -> ONNXNode { ONNXNode(self, type: type, inputs: [name] + inputs.dropFirst()) }

  /// The same node with other inputs.
  func reading(_ names: [String]) -> ONNXNode { ONNXNode(self, type: type, inputs: names) }

  /// The name of an input, nil where it is absent.
  func input(_ index: Int) -> String? {
    guard index < inputs.count, !inputs[index].isEmpty else { return nil }
    return inputs[index]
  }

  func integer(_ name: String) -> Int? { attributes[name].map { Int($0.i) } }
  func integer(_ name: String, default value: Int) -> Int { integer(name) ?? value }
  func integers(_ name: String) -> [Int]? { attributes[name].map { $0.ints.map { Int($0) } } }
  func float(_ name: String) -> Float? { attributes[name].map(\.f) }
  func float(_ name: String, default value: Float) -> Float { float(name) ?? value }
  func floats(_ name: String) -> [Float]? { attributes[name].map(\.floats) }
  func tensor(_ name: String) -> ONNXTensorProto? { attributes[name]?.t }
  func has(_ name: String) -> Bool { attributes[name] != nil }

  func text(_ name: String, default value: String) -> String {
    attributes[name].map { String(decoding: $0.s, as: UTF8.self) } ?? value
  }

  /// A list of that many integers; all `value` where the attribute is absent.
  func integers(_ name: String, count: Int, default value: Int) throws(ONNXProblem) -> [Int] {
    guard let list = integers(name), !list.isEmpty else { return Array(repeating: value, count: count) }
    guard list.count == count else {
      throw invalid("the attribute '\(name)' has \(list.count) values, not \(count)")
    }
    // Far beyond what a network may hold, and small enough to reckon with.
    for number in list where abs(number.clamped) > 1 << 24 { throw invalid("the attribute '\(name)' holds \(number)") }
    return list
  }

  func invalid(_ reason: String) -> ONNXProblem { .attribute(node: label, type: type, reason: reason) }
  func unsupported(_ reason: String) -> ONNXProblem { .unsupportedUse(node: label, type: type, reason: reason) }

  /// Checks the number of inputs.
  func checkInputs(_ range: ClosedRange<Int>) throws(ONNXProblem) {
    guard range.contains(inputs.count) else {
      throw .operands(node: label, type: type, expected: range, got: inputs.count)
    }
  }
}

extension Int {
  /// The number within ±2^62, where a sum of two does not overflow.
  var clamped: Int { Swift.min(Swift.max(self, -(1 << 62)), 1 << 62) }
}
