import Execution
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import TestSupport
import Testing

@Suite struct ReferenceEngineTests {
  @Test(arguments: OperationCase.all)
  func runsEveryCase(operationCase: OperationCase) throws {
    let session = try ReferenceEngine().prepare(operationCase.network, inputs: operationCase.inputShapes)
    let inputs = operationCase.inputs
    let outputs = try session.run(inputs)
    #expect(session.inputShapes == operationCase.inputShapes)
    #expect(outputs.map(\.shape) == session.outputShapes)
    #expect(outputs.allSatisfy { $0.floats.allSatisfy(\.isFinite) })
    // The bounds hold for the values they are made for.
    let bounds = try Tolerance.outputs(of: operationCase.network, inputs: inputs)
    for (output, bound) in zip(outputs, bounds) { #expect(output.largestMagnitude <= bound.magnitude * (1 + 1e-6)) }
    // Float32 sums in another order stay within the tolerance, and the tolerance is a small part of the values.
    let sloppy = operationCase.network.nodes.count == 1 ? try sloppyConvolution(operationCase, inputs) : nil
    if let sloppy { expectClose(sloppy, outputs[0], tolerance: bounds[0].error, seed: operationCase.seed, operationCase.name) }
  }

  /// An independent direct convolution: the definition, index by index, summed in Float from the last product to the first. Nil
  /// for anything but a convolution without epilogue.
  private func sloppyConvolution(_ operationCase: OperationCase, _ inputs: [Tensor]) throws -> Tensor? {
    let network = operationCase.network
    guard case .convolution(let payload) = network.nodes[0].operation, payload.epilogue.isEmpty else { return nil }
    let shape = try payload.shapeBeforeShuffle(inputs[0].shape)
    guard try network.nodes[0].operation.multiplyAccumulates([inputs[0].shape]) < 400_000 else { return nil }
    let weight = try #require(network.parameter(.weight, of: network.nodes[0]))
    let bias = network.parameter(.bias, of: network.nodes[0])?.floats
    let (x, w, input) = (inputs[0].floats, weight.floats, inputs[0].shape)
    let groupInputs = weight.shape[1]
    var result: [Float] = []
    for n in 0..<shape.batch {
      for o in 0..<shape.channels {
        for i in 0..<shape.height {
          for j in 0..<shape.width {
            var sum: Float = 0
            for c in (0..<groupInputs).reversed() {
              for u in (0..<payload.kernel.height).reversed() {
                for v in (0..<payload.kernel.width).reversed() {
                  let row = i * payload.stride.height + u * payload.dilation.height - payload.padding.top
                  let column = j * payload.stride.width + v * payload.dilation.width - payload.padding.left
                  guard row >= 0, row < input.height, column >= 0, column < input.width else { continue }
                  let channel = o / (payload.outChannels / payload.groups) * groupInputs + c
                  let pixel = x[((n * input.channels + channel) * input.height + row) * input.width + column]
                  sum += pixel * w[((o * groupInputs + c) * payload.kernel.height + u) * payload.kernel.width + v]
                }
              }
            }
            result.append(sum + (bias?[o] ?? 0))
          }
        }
      }
    }
    return Tensor(shape, result)
  }

  @Test func nonFiniteValuesPassThrough() throws {
    for function in [ActivationFunction.relu, .leakyReLU(slope: 0.1), .clip(minimum: 0, maximum: 1), .sigmoid, .tanh] {
      var builder = NetworkBuilder("n")
      let x = builder.input("x", channels: 1)
      builder.output(builder.activation("y", x, function))
      let session = try ReferenceEngine().prepare(builder.build(.zeros), inputs: [[1, 1, 1, 2]])
      #expect(try session.run([Tensor([1, 1, 1, 2], [.nan, 1])])[0].floats[0].isNaN, "\(function)")
    }
    var builder = NetworkBuilder("n")
    let x = builder.input("x", channels: 1)
    builder.output(builder.maximumPool("y", x, Pool(kernel: 2)))
    let session = try ReferenceEngine().prepare(builder.build(.zeros), inputs: [[1, 1, 2, 2]])
    #expect(try session.run([Tensor([1, 1, 2, 2], [1, .nan, 2, 3])])[0].floats[0].isNaN)
  }

  @Test func valuesByName() throws {
    let operationCase = try #require(OperationCase.all.first { $0.name == "residual block" })
    let inputs = operationCase.inputs
    let values = try ReferenceEngine().values(of: operationCase.network, inputs: inputs)
    #expect(Set(values.keys) == ["x0", "a", "relu", "b", "scaled", "sum"])
    let outputs = try ReferenceEngine().prepare(operationCase.network, inputs: operationCase.inputShapes).run(inputs)
    #expect(values["sum"] == outputs[0])
    #expect(values["x0"] == inputs[0])
  }

  @Test func wrongInputs() throws {
    var builder = NetworkBuilder("n")
    let x = builder.input("x", channels: 3)
    builder.output(builder.activation("y", x, .relu))
    let network = try builder.build(.zeros)
    let session = try ReferenceEngine().prepare(network, inputs: [[1, 3, 2, 2]])
    #expect(session.peakMemoryByteCount == 96)
    #expect(throws: ExecutionError.inputCount(expected: 1, got: 0)) { try session.run([]) }
    #expect(throws: ExecutionError.inputShape(name: "x", expected: [1, 3, 2, 2], got: [1, 3, 2, 3])) {
      try session.run([Tensor(zeros: [1, 3, 2, 3])])
    }
    var broken = network
    broken.nodes[0].inputs = ["z"]
    #expect(
      throws: ExecutionError.invalidNetwork(
        "the node 'y' reads 'z', which is no input of the network, no parameter and no node before it")
    ) { try ReferenceEngine().prepare(broken, inputs: [[1, 3, 2, 2]]) }
    #expect(throws: ExecutionError.invalidNetwork("the input 'x' is 1x1x2x2 and must be [N, 3, H, W]")) {
      try ReferenceEngine().prepare(network, inputs: [[1, 1, 2, 2]])
    }
  }
}
