import Networks
import Tensors
import Testing

@testable import CPUBackend

#if DEBUG
  /// Builds that check rows (`make test-checked`) do trap.
  @Suite struct LiveRowTests {
    @Test func rowsThatAreNotThereTrap() async {
      await #expect(processExitsWith: .success) { _ = Self.memory().row(0, 5) }
      await #expect(processExitsWith: .failure) { _ = Self.memory().row(0, 3) }
      await #expect(processExitsWith: .failure) { _ = Self.memory().row(0, 8) }
      await #expect(processExitsWith: .failure) { _ = Self.memory().row(1, 5) }
    }

    /// A ring of 4 of 16 rows, of which 8 are made.
    private static func memory() -> ValueMemory {
      let layout = ValueLayout(Shape(channels: 16, height: 16, width: 4))
      let base = UnsafeMutableRawPointer.allocate(byteCount: 4 * layout.bytesPerRow, alignment: 64)
      var memory = ValueMemory(base, layout, images: 1, ring: 4)
      memory.live = (0..<1, 4..<8)
      return memory
    }
  }
#endif
