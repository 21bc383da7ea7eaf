import CUDAEmulation
import Execution
import GeneratedNetworks
import Networks
import ReferenceBackend
import Tensors
import Testing

@testable import CUDABackend

/// Networks of integers on the device: the bits of the reference, which are those of the CPU engine.
@Suite struct IntegerDeviceTests {
  /// Whether every number of a network follows from exact operations: no layer sums float32.
  private func isExact(_ network: Network) -> Bool { network.nodes.allSatisfy { $0.operation.epilogue?.quantize == nil } }

  private func expectBits(_ example: CodeCase, _ session: any Session, _ context: String) throws {
    let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputs.map(\.shape)).run(example.inputs)
    let outputs: [Tensor]
    do {
      // Twice: memory that a run leaves must not reach the next.
      _ = try session.run(example.inputs)
      outputs = try session.run(example.inputs)
    } catch {
      Issue.record("\(example.name), \(context): \(error) \(EmulatedDevice.fault)")
      return
    }
    for (output, wanted) in zip(outputs, expected) where output != wanted {
      let places = zip(output.numbers, wanted.numbers).enumerated().filter { $0.element.0 != $0.element.1 }
      Issue.record(
        """
        \(example.name), \(context): \(output.shape) \(output.dataType), \(places.count) of \(output.count) differ, first at \
        \(places.first.map { "\($0.offset): \($0.element.0), not \($0.element.1)" } ?? "none")
        """)
      return
    }
  }

  /// By the kernels that are chosen, and with float16 for what is no integer where the output is of integers.
  @Test(arguments: CodeCase.all) func bitsAreThoseOfTheReference(_ example: CodeCase) throws {
    guard isExact(example.network) else { return }
    let shapes = example.inputs.map(\.shape)
    try expectBits(example, try EmulatedDevice.engine(.float32).prepare(example.network, inputs: shapes), "chosen")
    let types = try example.network.inferredTypes(inputs: shapes)
    if example.network.outputs.allSatisfy({ types[$0]?.element.isCode ?? false }) {
      try expectBits(
        example, try EmulatedDevice.engine(.float16).prepare(example.network, inputs: shapes), "beside float16")
    }
  }

  /// Every kernel for integers, wherever it can be taken, its values in one memory as on a real device.
  @Test(arguments: CUDAKernel.allCases.filter { $0.family.takesIntegers && $0.family != .integers })
  func everyKernelHasTheBits(_ kernel: CUDAKernel) throws {
    var engine = try EmulatedDevice.engine(.float32, separatesValues: false)
    engine.preferredKernels = [kernel]
    var count = 0
    for example in CodeCase.all where isExact(example.network) && count < 20 {
      let session = try engine.prepare(example.network, inputs: example.inputs.map(\.shape))
      guard session.deviceKernels.contains(kernel.name) else { continue }
      try expectBits(example, session, kernel.name)
      count += 1
    }
    #expect(count > 0)
  }

  /// Where a first layer sums float32 the last bits of that may differ, and integers with them: that it runs; the list of operations says
  /// how far it may be off.
  @Test func sumsOfFloatAreStoredAsIntegers() throws {
    for example in CodeCase.all where !isExact(example.network) {
      for precision in CUDAPrecision.allCases {
        let session = try EmulatedDevice.engine(precision).prepare(example.network, inputs: example.inputs.map(\.shape))
        #expect(throws: Never.self, "\(example.name) \(EmulatedDevice.fault)") { _ = try session.run(example.inputs) }
      }
    }
  }
}
