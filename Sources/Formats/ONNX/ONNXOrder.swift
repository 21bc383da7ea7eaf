import ONNXProto

/// The nodes that the outputs of a graph need, in topological order.
struct ONNXOrder {
  private(set) var nodes: [ONNXNode] = []

  /// Throws where a value is made twice or not at all, or depends on itself.
  init(
    _ graph: ONNXGraphProto, inputs: [String], initializers: [String: ONNXTensorProto]
  ) throws(ONNXProblem) {
    var all: [ONNXNode] = []
    var makers: [String: Int] = [:]
    var given: Set<String> = []
    for input in inputs where !given.insert(input).inserted { throw .duplicateValue(input) }
    for (index, proto) in graph.node.enumerated() {
      let node = try ONNXNode(proto, index: index)
      all.append(node)
      for output in node.outputs where !output.isEmpty {
        guard makers.updateValue(index, forKey: output) == nil, !given.contains(output), initializers[output] == nil else {
          throw .duplicateValue(output)
        }
      }
    }
    if graph.output.isEmpty { throw .network(.noOutputs) }

    // Depth first with a stack of its own; a node is done when everything it reads is.
    enum State { case waiting, open, done }
    var states = [State](repeating: .waiting, count: all.count)
    var stack: [(node: Int, input: Int)] = []
    var sorted: [Int] = []
    for output in graph.output.map(\.name) {
      guard let maker = makers[output] else {
        if given.contains(output) || initializers[output] != nil { continue }
        throw .unknownOutput(output)
      }
      if states[maker] == .waiting {
        stack.append((maker, 0))
        states[maker] = .open
      }
      while let (index, position) = stack.last {
        let node = all[index]
        guard position < node.inputs.count else {
          states[index] = .done
          sorted.append(index)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].input += 1
        let input = node.inputs[position]
        if input.isEmpty { continue }
        guard let maker = makers[input] else {
          guard given.contains(input) || initializers[input] != nil else { throw .unknownValue(input, node: node.label) }
          continue
        }
        switch states[maker] {
        case .done: continue
        case .open: throw .cycle(node: all[maker].label)
        case .waiting:
          states[maker] = .open
          stack.append((maker, 0))
        }
      }
    }
    // The file's own order is kept where it is one.
    let inFileOrder = sorted.sorted()
    let isTopological = inFileOrder.allSatisfy { index in
      all[index].inputs.allSatisfy { input in makers[input].map { $0 < index } ?? true }
    }
    nodes = (isTopological ? inFileOrder : sorted).map { all[$0] }
  }
}
