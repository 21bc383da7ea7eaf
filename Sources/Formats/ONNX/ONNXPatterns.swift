import ONNXProto
import Tensors

/// Activations, and tables of integers, that files spell out in operators of their own.
enum ONNXPatterns {
  static let silu = "swiftlet.Silu"
  static let gelu = "swiftlet.Gelu"
  static let hardSwish = "swiftlet.HardSwish"
  /// Inputs: integers, table, scale, zero point, and what is taken off the integers to pick by, or no name.
  static let lookup = "swiftlet.Lookup"

  /// The nodes, each pattern replaced by one node of the types above; what nothing reads any more is left out.
  static func replacing(
    _ nodes: [ONNXNode], outputs: [String], initializer: (String) -> ONNXTensorProto?
  ) -> [ONNXNode] {
    let marks: Set<String> = ["Sigmoid", "Erf", "Clip", "HardSigmoid", "Softplus", "QuantizeLinear"]
    guard nodes.contains(where: { marks.contains($0.type) }) else { return nodes }
    // The finder holds on to the closure for this call alone.
    var result = nodes
    withoutActuallyEscaping(initializer) { initializer in
      let finder = Finder(nodes, outputs: outputs, initializer: initializer)
      for (index, node) in nodes.enumerated() {
        guard let (type, inputs) = finder.pattern(endingAt: index) else { continue }
        result[index] = ONNXNode(type: type, label: node.label, inputs: inputs, outputs: node.outputs)
      }
    }
    var needed = Set(outputs)
    var kept: [ONNXNode] = []
    for node in result.reversed() where node.outputs.contains(where: needed.contains) {
      kept.append(node)
      needed.formUnion(node.inputs)
    }
    return kept.reversed()
  }

  private struct Finder {
    let nodes: [ONNXNode]
    let initializer: (String) -> ONNXTensorProto?
    /// The node that makes a value.
    private var makers: [String: Int] = [:]
    private var readCounts: [String: Int] = [:]

    init(_ nodes: [ONNXNode], outputs: [String], initializer: @escaping (String) -> ONNXTensorProto?) {
      self.nodes = nodes
      self.initializer = initializer
      for (index, node) in nodes.enumerated() {
        for output in node.outputs { makers[output] = index }
        for input in node.inputs { readCounts[input, default: 0] += 1 }
      }
      for output in outputs { readCounts[output, default: 0] += 1 }
    }

    /// The node of that type that makes a value which is read only here.
    private func maker(_ value: String, _ type: String) -> ONNXNode? {
      guard readCounts[value] == 1, let index = makers[value], nodes[index].type == type, nodes[index].outputs.count == 1 else {
        return nil
      }
      return nodes[index]
    }

    /// The number that a value is; nil where it is none.
    private func number(_ value: String) -> Double? {
      var proto = initializer(value)
      if let index = makers[value], nodes[index].type == "Constant" {
        if let float = nodes[index].float("value_float") { return Double(float) }
        proto = nodes[index].tensor("value")
      }
      guard let proto, proto.dims.allSatisfy({ $0 == 1 }), proto.dims.count <= 8 else { return nil }
      var reader = ONNXTensorReader(path: nil)
      do throws(ONNXProblem) { return try reader.constant(proto).scalar } catch { return nil }
    }

    private func isNumber(_ value: String, _ expected: Double) -> Bool {
      guard let number = number(value) else { return false }
      return abs(number - expected) <= 1e-5 * abs(expected)
    }

    /// What a node multiplies by the number; nil where it does not.
    private func multiplied(_ node: ONNXNode, by factor: Double) -> String? {
      guard node.inputs.count == 2 else { return nil }
      if node.type == "Div" { return isNumber(node.inputs[1], 1 / factor) ? node.inputs[0] : nil }
      guard node.type == "Mul" else { return nil }
      if isNumber(node.inputs[1], factor) { return node.inputs[0] }
      return isNumber(node.inputs[0], factor) ? node.inputs[1] : nil
    }

    /// The type and the inputs of what the node completes.
    func pattern(endingAt index: Int) -> (type: String, inputs: [String])? {
      let node = nodes[index]
      if let inputs = lookupInputs(node) { return (ONNXPatterns.lookup, inputs) }
      if let x = softplusInput(node) { return ("Softplus", [x]) }
      guard node.type == "Mul" || node.type == "Div", node.inputs.count == 2, node.outputs.count == 1 else { return nil }
      if let x = siluInput(node) { return (ONNXPatterns.silu, [x]) }
      if let x = geluInput(node) { return (ONNXPatterns.gelu, [x]) }
      if let x = hardSwishInput(node) { return (ONNXPatterns.hardSwish, [x]) }
      return nil
    }

    /// `QuantizeLinear(Gather(table, Cast(x) - least))`, as our own files have tables.
    private func lookupInputs(_ node: ONNXNode) -> [String]? {
      guard node.type == "QuantizeLinear", node.inputs.count >= 2, let gather = maker(node.inputs[0], "Gather"),
        gather.inputs.count == 2, gather.integer("axis", default: 0) == 0
      else { return nil }
      var index = gather.inputs[1], least = ""
      if let difference = maker(index, "Sub"), difference.inputs.count == 2, number(difference.inputs[1]) != nil {
        (index, least) = (difference.inputs[0], difference.inputs[1])
      }
      guard let cast = maker(index, "Cast"), cast.inputs.count == 1, [6, 7].contains(cast.integer("to", default: 1)) else {
        return nil
      }
      return [cast.inputs[0], gather.inputs[0], node.inputs[1], node.input(2) ?? "", least]
    }

    /// `x > 20 ? x : softplus(x)`, which float32 does not tell from softplus.
    private func softplusInput(_ node: ONNXNode) -> String? {
      guard node.type == "Where", node.inputs.count == 3, let softplus = maker(node.inputs[2], "Softplus"),
        softplus.inputs == [node.inputs[1]], let condition = maker(node.inputs[0], "Greater"), condition.inputs.count == 2,
        condition.inputs[0] == node.inputs[1], let threshold = number(condition.inputs[1]), threshold >= 20
      else { return nil }
      return node.inputs[1]
    }

    /// `x · sigmoid(x)`
    private func siluInput(_ node: ONNXNode) -> String? {
      guard node.type == "Mul" else { return nil }
      for (x, gate) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
        if let sigmoid = maker(gate, "Sigmoid"), sigmoid.inputs == [x] { return x }
      }
      return nil
    }

    /// `x / 2 · (1 + erf(x / √2))`, multiplied in any order.
    private func geluInput(_ node: ONNXNode) -> String? {
      // (x · sum) / 2
      if let product = multiplied(node, by: 0.5), let inner = maker(product, "Mul"), inner.inputs.count == 2 {
        for (x, sum) in [(inner.inputs[0], inner.inputs[1]), (inner.inputs[1], inner.inputs[0])] where erfInput(sum) == x {
          return x
        }
      }
      guard node.type == "Mul" else { return nil }
      for (a, b) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
        // (x / 2) · sum
        if let x = erfInput(b), let half = maker(a, "Mul") ?? maker(a, "Div"), multiplied(half, by: 0.5) == x { return x }
        // x · (sum / 2)
        if let half = maker(b, "Mul") ?? maker(b, "Div"), let sum = multiplied(half, by: 0.5), erfInput(sum) == a { return a }
      }
      return nil
    }

    /// x, where the value is `1 + erf(x / √2)`.
    private func erfInput(_ value: String) -> String? {
      guard let sum = maker(value, "Add"), sum.inputs.count == 2 else { return nil }
      for (erf, one) in [(sum.inputs[0], sum.inputs[1]), (sum.inputs[1], sum.inputs[0])] where isNumber(one, 1) {
        guard let function = maker(erf, "Erf"), let inner = function.inputs.first,
          let scaled = maker(inner, "Mul") ?? maker(inner, "Div")
        else { continue }
        return multiplied(scaled, by: 0.5.squareRoot())
      }
      return nil
    }

    /// `x · clip(x + 3, 0, 6) / 6` in either order, or `x · hardSigmoid(x)` with PyTorch's line.
    private func hardSwishInput(_ node: ONNXNode) -> String? {
      if let product = multiplied(node, by: 1.0 / 6), let inner = maker(product, "Mul"), inner.inputs.count == 2 {
        for (x, gate) in [(inner.inputs[0], inner.inputs[1]), (inner.inputs[1], inner.inputs[0])] where clipInput(gate) == x {
          return x
        }
      }
      guard node.type == "Mul" else { return nil }
      for (x, gate) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
        if let sixth = maker(gate, "Mul") ?? maker(gate, "Div"), let clip = multiplied(sixth, by: 1.0 / 6), clipInput(clip) == x
        {
          return x
        }
        if let line = maker(gate, "HardSigmoid"), line.inputs == [x], line.float("beta", default: 0.5) == 0.5,
          abs(line.float("alpha", default: 0.2) - 1 / 6) < 1e-5
        {
          return x
        }
      }
      return nil
    }

    /// x, where the value is `clip(x + 3, 0, 6)`.
    private func clipInput(_ value: String) -> String? {
      guard let clip = maker(value, "Clip"), let inner = clip.inputs.first, let sum = maker(inner, "Add"), sum.inputs.count == 2
      else { return nil }
      let low = clip.input(1).flatMap { number($0) } ?? clip.float("min").map(Double.init)
      let high = clip.input(2).flatMap { number($0) } ?? clip.float("max").map(Double.init)
      guard low == 0, high == 6 else { return nil }
      if isNumber(sum.inputs[1], 3) { return sum.inputs[0] }
      return isNumber(sum.inputs[0], 3) ? sum.inputs[1] : nil
    }
  }
}
