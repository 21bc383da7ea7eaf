import Execution
import Networks
import Tensors

/// What makes integers of 8 bits, reads them as numbers, or reckons with them.
extension Lowering {
  mutating func lowerInteger(_ node: Node, _ operation: IntegerOperation, _ inputs: [Int]) throws(ExecutionError) -> Int {
    switch operation {
    case .quantize(let payload): return try quantized(node, inputs[0], payload)
    case .dequantize: return try dequantized(node, inputs[0])
    case .add(let requantization):
      guard let first = codes(of: node.inputs[0]), let second = codes(of: node.inputs[1]) else {
        throw .invalidNetwork("the node '\(node.name)' adds what is no integer")
      }
      let output = try addOutput(node, valueLayout(try shape(of: node.name)))
      result.steps.append(
        CodeSumStep(
          node: node.name, inputs: inputs.map { ($0, result.layouts[$0]) },
          scaled: [first.scaled(to: requantization), second.scaled(to: requantization)], stored: requantization.stored,
          output: (output, result.layouts[output]), table: table))
      return output
    case .lookup(let payload):
      let output = try addOutput(node, valueLayout(try shape(of: node.name)))
      let entries = LookupTable.parameter(try parameter(.table, of: node), flip: Codes.flip(of: payload.element))
      result.steps.append(
        LookupStep(
          node: node.name, table: entries, input: (inputs[0], result.layouts[inputs[0]]),
          output: (output, result.layouts[output]),
          kernels: table, packs: packs))
      return output
    }
  }

  /// Integers of the numbers of a value, in its order.
  mutating func quantized(_ node: Node, _ input: Int, _ payload: Quantize) throws(ExecutionError) -> Int {
    let from = float32(node, input), order = result.layouts[from].order
    let output = try addOutput(node, ValueLayout(result.layouts[from].shape, order, .uint8))
    result.steps.append(
      QuantizeStep(
        node: node.name, payload, input: (from, result.layouts[from]), output: (output, result.layouts[output]), table: table))
    return output
  }

  private mutating func dequantized(_ node: Node, _ input: Int) throws(ExecutionError) -> Int {
    guard let codes = codes(of: node.inputs[0]) else {
      throw .invalidNetwork("the node '\(node.name)' takes what is no integer")
    }
    let output = addFloat32(ValueLayout(result.layouts[input].shape, result.layouts[input].order))
    result.steps.append(
      DequantizeStep(
        node: node.name, codes, input: (input, result.layouts[input]), output: output, table: table))
    return convert(output.value, to: valueLayout(try shape(of: node.name)), node: node.name)
  }
}

extension Epilogue {
  /// What is done to numbers before they become integers, and the shuffle behind.
  var withoutQuantize: Epilogue {
    Epilogue(steps.filter { if case .quantize = $0 { false } else { true } })
  }
}
