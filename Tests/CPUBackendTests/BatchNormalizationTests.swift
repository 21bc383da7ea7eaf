import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Transforms

/// Batch norms of training with what is fused into them.
@Suite struct BatchNormalizationTests {
  /// Additions and ReLUs behind batch norms, and their gradients.
  private func network(_ shape: Shape) throws -> Network {
    var builder = NetworkBuilder("n")
    let x = builder.input("x", channels: shape.channels)
    var y = builder.activation("relu1", builder.batchNorm("norm1", x), .relu)
    y = builder.activation("relu2", builder.add("sum", builder.batchNorm("norm2", y), x), .relu)
    y = builder.activation("relu3", builder.batchNorm("norm3", y), .relu)
    builder.output(builder.node("loss", .reduction(Reduction(.sumOfSquares, axes: [0, 1, 2, 3])), [y], channels: 1))
    let built = try builder.build(.random(seed: 3)).inTrainingForm()
    let differentiated = try built.differentiated("loss", by: ["x"] + built.parameters.keys.sorted(), inputs: [shape])
    var result = differentiated.network
    result.outputs += differentiated.gradients.sorted { $0.key < $1.key }.map(\.value)
    result.updates = []
    return result.eliminatingDeadNodes()
  }

  @Test(arguments: [[3, 5, 7, 9], [2, 16, 12, 4], [1, 37, 20, 33], [5, 64, 3, 5]] as [Shape])
  func fusingChangesNoBit(_ shape: Shape) throws {
    let network = try network(shape), fused = network.fusing()
    #expect(throws: Never.self) { try fused.verify() }
    #expect(fused.fusing() == fused)
    // That of the ReLU behind the addition is read by both operands' gradients.
    let gradients = fused.nodes.filter { $0.operation.typeName == "activationGradient" }.map(\.name)
    #expect(gradients == ["relu2.gradient.input"])
    #expect(!fused.nodes.contains { ["relu", "add"].contains($0.operation.typeName) && !$0.name.contains("gradient") })
    var random = SplitMix64(seed: 5)
    let input = Tensor(uniform: shape, bound: 2, using: &random)
    let reference = try ReferenceEngine().prepare(network, inputs: [shape]).run([input])
    #expect(try ReferenceEngine().prepare(fused, inputs: [shape]).run([input]) == reference)
    for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
      let plain = try CPUEngine(instructionSet: instructionSet, threadCount: 1).prepare(network, inputs: [shape]).run([input])
      for threads in 1...3 {
        var engine = CPUEngine(instructionSet: instructionSet, threadCount: threads)
        engine.leastSharedCycles = 0
        #expect(try engine.prepare(fused, inputs: [shape]).run([input]) == plain, "\(instructionSet), \(threads) threads")
      }
    }
  }
}
