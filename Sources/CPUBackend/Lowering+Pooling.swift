import Execution
import Networks
import Tensors

/// Pools, over interleaved values.
extension Lowering {
  mutating func lowerMaximumPool(_ node: Node, _ pool: Pool, _ input: Int) throws(ExecutionError) -> Int {
    try lowerPool(node, .maximum, pool, input)
  }

  mutating func lowerAveragePool(_ node: Node, _ pool: Pool, _ input: Int) throws(ExecutionError) -> Int {
    try lowerPool(node, .average, pool, input)
  }

  private mutating func lowerPool(
    _ node: Node, _ kind: PoolStep.Kind, _ pool: Pool, _ input: Int
  ) throws(ExecutionError) -> Int {
    let (from, to) = try interleaved(node, input)
    result.steps.append(
      PoolStep(
        node: node.name, kind, pool, input: from, output: to, codes: codes(of: node.name), table: table))
    return convert(to.value, to: valueLayout(try shape(of: node.name)), node: node.name)
  }

  mutating func lowerGlobalAveragePool(_ node: Node, _ input: Int) throws(ExecutionError) -> Int {
    let (from, to) = try interleaved(node, input)
    result.steps.append(
      GlobalAveragePoolStep(node: node.name, input: from, output: to, codes: codes(of: node.name), table: table))
    return convert(to.value, to: valueLayout(try shape(of: node.name)), node: node.name)
  }

  /// The input and a new output of the node, both interleaved.
  mutating func interleaved(
    _ node: Node, _ input: Int
  ) throws(ExecutionError) -> (input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout)) {
    let from = convert(input, to: valueLayout(result.layouts[input].shape, .interleaved), node: node.name)
    let layout = valueLayout(try shape(of: node.name), .interleaved)
    let isFinal = valueLayout(layout.shape).order == .interleaved
    let to = isFinal ? try addOutput(node, layout) : addValue(layout)
    return ((from, result.layouts[from]), (to, result.layouts[to]))
  }
}
