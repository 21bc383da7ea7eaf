@testable import CPUBackend
import Execution
import GeneratedNetworks
import Networks
import Tensors
import Testing

/// A session that needs more memory than its engine may take is refused with the amount that is enough.
@Suite struct MemoryLimitTests {
  /// The bytes that the error names.
  private static func refused(_ network: Network, _ inputs: [Shape], limit: Int, threads: Int) throws -> Int? {
    let engine = CPUEngine(threadCount: threads, memoryLimit: limit)
    do throws(ExecutionError) {
      _ = try engine.prepare(network, inputs: inputs)
      return nil
    } catch {
      guard case .memory(let needed, let available) = error else { throw error }
      #expect(available == limit && needed > limit)
      return needed
    }
  }

  @Test(arguments: 0..<40) func theAmountOfARefusalIsEnough(seed: Int) throws {
    var choices = ChoiceSource(seed: UInt64(seed))
    let kinds = GeneratedNetwork.Kind.allCases
    guard let generated = GeneratedNetwork(kinds[seed % kinds.count], &choices) else { return }
    let network = generated.network, inputs = generated.inputShapes
    let threads = 1 + seed % 4
    let whole = try CPUEngine(threadCount: threads).prepare(network, inputs: inputs).peakMemoryByteCount
    for limit in [0, whole / 8, whole - 1] {
      let needed = try #require(try Self.refused(network, inputs, limit: limit, threads: threads))
      #expect(needed == whole)
      #expect(try Self.refused(network, inputs, limit: needed, threads: threads) == nil)
    }
  }

  /// A picture that no machine holds is planned all the same: what is named is all of it, not its largest value.
  @Test func largePicturesAreAddedUp() throws {
    var builder = NetworkBuilder("large")
    let x = builder.input("x", channels: 16)
    let a = builder.convolution("a", x, outChannels: 16, kernel: 3, padding: 1)
    builder.output(builder.convolution("b", a, outChannels: 16, kernel: 3, padding: 1))
    let network = try builder.build(.zeros), shape = Shape(channels: 16, height: 1 << 16, width: 1 << 15)
    #expect(throws: ExecutionError.self) { try CPUEngine(threadCount: 2).prepare(network, inputs: [shape]) }
    let needed = try #require(try Self.refused(network, [shape], limit: 1 << 30, threads: 2))
    #expect(needed > 2 * 4 * shape.count)
  }
}
