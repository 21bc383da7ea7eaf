import CUDAEmulation
import Testing

/// The kernels for CUDA devices, each carried out on the CPU by its definition, with threads in random order, against a plain reference.
@Suite struct CUDAKernelTests {
  private static let kernels: [(index: Int32, name: String)] = {
    var all: [(Int32, String)] = []
    while let name = cudaKernelName(Int32(all.count)) { all.append((Int32(all.count), String(cString: name))) }
    return all
  }()

  /// Runs one of the functions that write a text.
  private func text(_ write: (UnsafeMutablePointer<CChar>, Int32) -> Void) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 300) { buffer in
      write(buffer.baseAddress!, 300)
      return String(cString: buffer.baseAddress!)
    }
  }

  /// What rounding to the kernel's elements may cost: a result is rounded once, and the middle of two layers once more.
  private func bound(_ name: String) -> Double {
    if name.contains("maximumPool") { return 0 }
    if ["_float", "tail", "_planes", "Planes"].contains(where: name.contains) { return 2e-6 }
    // One rounding of each factor.
    if name.contains("tf32") { return 4e-4 }
    return name.contains("bfloat16") ? 4e-3 : 5e-4
  }

  @Test(arguments: 0..<kernels.count) func everyKernelIsTheReference(at place: Int) {
    let (index, name) = Self.kernels[place]
    var generator = SystemRandomNumberGenerator()
    let fixed = cudaKernelFixedInputs(index), step = cudaKernelInputUnit(index), outputStep = cudaKernelOutputUnit(index)
    let most = cudaKernelMostOutputs(index), residuals = cudaKernelResiduals(index) == 1
    // Odd sizes, several images and tiles, one pixel; one unit of channels and several; all kinds of stores.
    let shapes: [(images: Int32, height: Int32, width: Int32)] = [(1, 19, 37), (2, 5, 3), (1, 16, 16), (1, 2, 2)]
    for (number, shape) in shapes.enumerated() {
      let inputs = fixed > 0 ? fixed : min(step * [3, 5, 1, 2][number], cudaKernelMostInputs(index))
      let shuffles = number == 1 && cudaKernelShuffles(index) == 1
      let outputs: Int32
      switch outputStep {
      case 0: outputs = inputs
      case 4: outputs = 4 * Int32(number + 1)
      // Whole groups of 64 channels, and a last one that has fewer.
      case 64, 128:
        outputs = most == 64 ? 64 : shuffles ? 192 : [outputStep, outputStep - 16, outputStep - 48, 128][number]
      default: outputs = Int32(number + 1)
      }
      let seed = generator.next() as UInt32
      // Blocks that share the channels: each has some.
      let unit = cudaKernelSplitUnit(index), units = max((inputs + unit - 1) / unit, 1)
      let splits = (1...units).filter { ($0 - 1) * ((units + $0 - 1) / $0) < units }
      let layer = CUDAKernelCase(
        images: shape.images, height: shape.height, width: shape.width, inputChannels: inputs, outputChannels: outputs,
        shuffle: shuffles ? 2 : 1, residual: residuals && number % 3 == 0 ? 1 : 0, second: residuals && number == 0 ? 1 : 0,
        rectifies: residuals && number % 2 == 0 ? 1 : 0, splits: 1, seed: seed)
      for splits in cudaKernelSplits(index) == 1 ? splits : [1] {
        var layer = layer
        layer.splits = splits
        var error = 0.0
        let fault = text { error = cudaKernelError(index, layer, $0, $1) }
        #expect(
          fault == "" && error <= bound(name),
          "\(name), \(shape), \(inputs) to \(outputs) channels, \(splits) splits, seed \(seed): \(error) \(fault)")
      }
    }
  }

  /// What the emulation is there to find is found, whatever the order of threads, and nothing where there is nothing.
  @Test(
    arguments: [
      cudaFaultOfMissingBarrier, cudaFaultOfReadOutside, cudaFaultOfUnwaitedCopy, cudaFaultOfUnpublishedOperand,
    ] as [@Sendable (Int32, UInt32, UnsafeMutablePointer<CChar>?, Int32) -> Void])
  func plantedFaultsAreFound(find: @Sendable (Int32, UInt32, UnsafeMutablePointer<CChar>?, Int32) -> Void) {
    for seed in UInt32(0)..<20 {
      #expect(text { find(0, seed, $0, $1) } == "")
      #expect(text { find(1, seed, $0, $1) } != "")
    }
  }
}
