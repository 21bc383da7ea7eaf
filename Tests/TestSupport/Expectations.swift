import Tensors
import Testing

/// Records an issue, with the seed and the worst place, unless shapes agree and no element differs by more than `tolerance`.
package func expectClose(
  _ result: Tensor, _ expected: Tensor, tolerance: Double, seed: UInt64? = nil, _ context: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let label = [context(), seed.map { "seed \($0)" } ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")
  guard result.shape == expected.shape else {
    Issue.record("\(label): the shape is \(result.shape), not \(expected.shape)", sourceLocation: sourceLocation)
    return
  }
  let difference = result.difference(from: expected)
  // Written so that a NaN fails.
  if difference.maximum <= tolerance { return }
  let index = difference.worstIndex
  var place: [Int] = []
  var rest = index
  for extent in expected.shape.extents.reversed() {
    place.insert(rest % extent, at: 0)
    rest /= extent
  }
  Issue.record(
    """
    \(label): at \(place) of \(expected.shape) the result is \(result.floats[index]) and not \(expected.floats[index]); \
    they differ by \(difference.maximum), the tolerance is \(tolerance), the mean difference \(difference.mean)
    """, sourceLocation: sourceLocation)
}

/// Records an issue unless the two tensors hold the same bits.
package func expectSameBits(
  _ result: Tensor, _ expected: Tensor, _ context: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  if result == expected { return }
  expectClose(result, expected, tolerance: -1, context(), sourceLocation: sourceLocation)
}
