import Execution

/// What a device does at most in practice, from which follows what a kernel takes at least.
package struct DeviceCeilings: Hashable, Sendable {
  /// Bytes in a nanosecond that its memory moves, read and written.
  package var memoryRate: Double
  package var multiprocessorCount: Int
  /// Multiply-accumulates in a nanosecond, by what multiplies.
  private var products: [Work.Unit: Double]

  /// What follows from multiprocessors, clocks and bus, by the shares of these that large products of matrices, and copies, reach on an H100: 51.9
  /// TFLOP/s of float32, 386 of TF32, 686 of float16, 902 TOP/s of int8, 2,987 GB/s.
  package init(_ device: CUDADevice) {
    multiprocessorCount = max(device.multiprocessorCount, 1)
    let gigahertz = Double(device.clockKilohertz) / 1e6
    func rate(_ perCycle: Double, _ share: Double) -> Double {
      max(perCycle * share * Double(device.multiprocessorCount) * gigahertz, 1)
    }
    let cycle = device.productsPerCycle
    products = [
      .float32: rate(cycle.float32, 0.776), .tensorFloat32: rate(cycle.tensorFloat32 / 3, 0.721),
      .float16: rate(cycle.float16, 0.641), .bfloat16Pairs: rate(cycle.float16, 0.641),
      .integers: rate(cycle.integers, 0.421),
    ]
    // Two transfers a cycle.
    memoryRate = max(0.891 * 2 * Double(device.memoryClockKilohertz) / 1e6 * Double(device.memoryBusBits / 8), 1)
  }

  /// Of kernels that give each output a thread no tensor core multiplies.
  func productRate(_ kernel: CUDAKernel) -> Double {
    let work = kernel.work, rate = products[work.isVectorised ? work.unit : .float32] ?? 1
    return kernel.family.products == .one ? 3 * rate : rate
  }
}

extension CUDADevice {
  /// Multiply-accumulates of a multiprocessor in a cycle: without tensor cores, and with them.
  ///
  /// - Source: tables of throughput of the CUDA C++ Programming Guide, and of dense rates in NVIDIA's architecture whitepapers of GA100,
  ///   GA102, AD102 and GH100. Later devices do at least as much as the least of these.
  package var productsPerCycle: (float32: Double, tensorFloat32: Double, float16: Double, integers: Double) {
    switch (capability.major, capability.minor) {
    case (8, 0): (64, 512, 1024, 2048)
    case (9, _): (128, 1024, 2048, 4096)
    default: (128, 256, 512, 1024)
    }
  }
}

extension DevicePlan.Step {
  /// What bounds a kernel from below.
  package enum Bound: String, Hashable, Codable, Sendable {
    case memory, products
  }

  /// Nanoseconds that the kernel takes at least: its values and weights are moved once, and its products are done, whichever takes longer. Neither
  /// a launch nor a cache counts.
  package func least(_ ceilings: DeviceCeilings) -> (nanoseconds: Double, bound: Bound) {
    let memory = Double(byteCount + weightByteCount) / ceilings.memoryRate
    let products = Double(multiplyAccumulates) / ceilings.productRate(kernel)
    return memory >= products ? (memory, .memory) : (products, .products)
  }

  /// The selector's estimate of the kernel that it takes; of what is not weighed what it takes at least, and a launch.
  package func expectedNanoseconds(_ ceilings: DeviceCeilings) -> Double {
    if case .separableBlock = kernel.family {
      // A multiprocessor has one block, which takes as long as one of two layers that stay in shared memory did on an H200.
      let rounds = (blockCount + ceilings.multiprocessorCount - 1) / ceilings.multiprocessorCount
      return Double(rounds * kernel.tileWidth * kernel.tileHeight) * DeviceLayer.separableBlockNanoseconds
    }
    return candidates.first { $0.method == kernel }?.cost ?? least(ceilings).nanoseconds + DeviceLayer.launch
  }
}

extension DevicePlan {
  /// Of all kernels, one after the other.
  package func leastNanoseconds(_ ceilings: DeviceCeilings) -> Double {
    steps.reduce(0) { $0 + $1.least(ceilings).nanoseconds }
  }

  /// Of all kernels, one after the other.
  package func expectedNanoseconds(_ ceilings: DeviceCeilings) -> Double {
    steps.reduce(0) { $0 + $1.expectedNanoseconds(ceilings) }
  }
}
