import Execution
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import Testing

/// What operations say about themselves holds of what the reference computes, for every case of the shared list that is one node.
@Suite struct OperationDescriptionTests {
  static let cases = OperationCase.all.filter { $0.network.nodes.count == 1 && !$0.network.nodes[0].inputs.isEmpty }

  /// Rows and columns of the first operand that are changed change no output but those whose window holds them.
  @Test(arguments: cases)
  func windowsHoldWhatIsLookedAt(_ example: OperationCase) throws {
    let node = example.network.nodes[0]
    guard let window = node.operation.window,
      let input = example.network.inputs.firstIndex(where: { $0.name == node.inputs[0] }),
      example.inputShapes[input].isImage
    else { return }
    let before = try run(example, example.inputs)
    for (axis, span) in [(2, window.vertical), (3, window.horizontal)] {
      let extent = example.inputShapes[input][axis]
      // The only row or column that there is, which a function of two values repeats.
      if case .binary = node.operation, extent == 1 { continue }
      for place in Set([0, extent / 3, extent / 2, extent - 1]) {
        // What is at the border may be read in place of what is beyond it.
        let changed = try run(example, changed(example, operand: input, axis: axis, place: place))
        for output in places(of: axis, where: before, and: changed) {
          let inner = output / window.shuffle
          let read = span.inputs(of: inner..<inner + 1)
          let isRead =
            read.contains(place) || (place == 0 && read.lowerBound < 0) || (place == extent - 1 && read.upperBound > extent)
          #expect(isRead, "row or column \(output) of the output depends on \(place), outside \(read)")
        }
      }
    }
  }

  /// A channel of an operand that is changed changes no channel of the output but those that it feeds.
  @Test(arguments: cases)
  func channelsFlowAsDescribed(_ example: OperationCase) throws {
    let node = example.network.nodes[0]
    let before = try run(example, example.inputs)
    guard before.shape.rank > 1 else { return }
    for operand in node.elementInputs.indices {
      guard let input = example.network.inputs.firstIndex(where: { $0.name == node.inputs[operand] }) else { continue }
      guard example.inputShapes[input].rank > 1 else { continue }
      let flow = node.operation.definition.channelFlow(of: operand)
      let operands = node.inputs.map { name in
        let shape = example.network.inputs.firstIndex { $0.name == name }.map { example.inputShapes[$0] }
        return shape.map { $0.rank > 1 ? $0.channels : 1 } ?? 1
      }
      let channels = operands[operand]
      for channel in Set([0, channels / 2, channels - 1]) {
        let after = try run(example, changed(example, operand: input, axis: 1, place: channel))
        for output in places(of: 1, where: before, and: after) {
          var sources: [Int] = []
          // The same input may be several operands.
          for other in node.inputs.indices where node.inputs[other] == node.inputs[operand] {
            sources += node.operation.definition.channelFlow(of: other).sources(
              of: output, of: before.shape[1], operand: other, operands: operands)
          }
          #expect(sources.contains(channel), "channel \(output) depends on \(channel); \(flow) says \(sources)")
        }
      }
    }
  }

  /// Each part has weights of the shape that it says, and the operation a bias where the part has one.
  @Test(arguments: OperationCase.all)
  func linearPartsAreTheWeights(_ example: OperationCase) throws {
    for node in example.network.nodes {
      for part in node.operation.linearParts {
        let weight = try #require(example.network.parameter(part.weightRole, of: node))
        #expect(weight.shape[0] == part.rows && weight.shape[1] == part.columns)
        #expect(weight.count == part.rows * part.columns * part.taps)
        let bias = example.network.parameter(part.biasRole, of: node)
        #expect(bias?.shape == (part.hasBias ? [part.outChannels] : nil))
      }
      let parameters = node.operation.parameters
      #expect(Set(parameters.map(\.role)).count == parameters.count)
    }
  }

  private func run(_ example: OperationCase, _ inputs: [Tensor]) throws -> Tensor {
    try ReferenceEngine().prepare(example.network, inputs: example.inputShapes).run(inputs)[0]
  }

  /// Other numbers in one row, column or channel of one input.
  private func changed(_ example: OperationCase, operand: Int, axis: Int, place: Int) -> [Tensor] {
    var inputs = example.inputs
    let shape = inputs[operand].shape, inner = shape.extents[(axis + 1)...].reduce(1, *)
    inputs[operand].withUnsafeMutableFloats { values in
      for index in values.indices where index / inner % shape[axis] == place { values[index] = 0.75 - values[index] * 2 }
    }
    return inputs
  }

  private func places(of axis: Int, where a: Tensor, and b: Tensor) -> [Int] {
    guard axis < a.shape.rank else { return [] }
    let inner = a.shape.extents[(axis + 1)...].reduce(1, *)
    var places: Set<Int> = []
    for (index, (x, y)) in zip(a.floats, b.floats).enumerated() where x.bitPattern != y.bitPattern {
      places.insert(index / inner % a.shape[axis])
    }
    return places.sorted()
  }
}
