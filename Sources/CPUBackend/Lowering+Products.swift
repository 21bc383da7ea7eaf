import Execution
import Networks
import Tensors

/// Products of matrices.
extension Lowering {
  mutating func lowerLinear(_ node: Node, _ payload: Linear, _ input: Int) throws(ExecutionError) -> Int {
    let (from, to) = try interleaved(node, input)
    result.steps.append(
      LinearStep(
        node: node.name, payload, weight: try weight(.weight, of: node),
        bias: payload.hasBias ? try parameter(.bias, of: node) : nil, input: from, output: to, table: table, packs: packs))
    return convert(to.value, to: valueLayout(try shape(of: node.name)), node: node.name)
  }

  mutating func lowerMatrixMultiply(_ node: Node, _ inputs: [Int]) throws(ExecutionError) -> Int {
    let shape = try shape(of: node.name)
    var operands: [(value: Int, layout: ValueLayout)] = [], shapes: [Shape] = []
    for (name, input) in zip(node.inputs, inputs) {
      let operand = convert(input, to: valueLayout(result.layouts[input].shape, .planar), node: node.name)
      operands.append((operand, result.layouts[operand]))
      shapes.append(try self.shape(of: name))
    }
    let layout = valueLayout(shape, .planar), output = addValue(layout)
    result.steps.append(
      MatrixMultiplyStep(
        node: node.name, inputs: operands, shapes: shapes, product: shape, output: (output, layout), table: table))
    return convert(output, to: valueLayout(shape), node: node.name)
  }
}
