import Tensors

/// The inputs behind one another along the channels (axis 1), in order.
///
/// - Input: two or more `[N, C_k, H, W]` (or `[N, C_k]`) that differ in their channels only. Output: `[N, Σ C_k, H, W]`.
/// - Cost: no MACs.
struct Concatenation: OperationDefinition {
  var typeName: String { "concatenation" }
  var inputCount: ClosedRange<Int> { 2...4096 }

  func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    var output = inputs[0]
    guard output.rank >= 2 else { throw ShapeMismatch("the input \(output) has no channels") }
    for input in inputs.dropFirst() {
      // Sums of legal extents: 4096 · 2^36 fits.
      var expected = input
      if input.rank == output.rank { expected[1] = output[1] }
      guard expected == output else {
        throw ShapeMismatch("\(inputs[0]) and \(input) differ in more than their channels")
      }
      output[1] += input[1]
    }
    return output
  }
}
