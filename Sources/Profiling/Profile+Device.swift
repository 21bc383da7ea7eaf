import CUDABackend
import Evaluation
import Execution

extension Profile {
  /// What a run of a CUDA device has besides its layers: one graph of a copy there, kernels, and a copy back, launched and waited for by a host.
  public struct DeviceRun: Hashable, Codable, Sendable {
    public var device: CUDADevice
    public var host: RunTimeline.Host
    /// Graphs that a run launches.
    public var graphCount: Int
    /// Kernels in them.
    public var kernelCount: Int

    public init(device: CUDADevice, host: RunTimeline.Host, graphCount: Int = 1, kernelCount: Int) {
      self.device = device
      self.host = host
      self.graphCount = graphCount
      self.kernelCount = kernelCount
    }

    /// What a layer may move and yet find in the second-level cache, in bytes: half of it, since other values are there as well.
    var residentByteCount: Int { device.cacheByteCount / 2 }

    /// What the host does, as rows, in order; together they are the run.
    var hostRows: [(name: String, nanoseconds: Int)] {
      [
        ("inputs to pinned memory", host.staging), ("launch of the graph", host.launching),
        ("wait for the device", host.waiting), ("outputs from pinned memory", host.taking),
      ]
    }

    /// One sentence of how the device was used.
    var launchText: String {
      let graphs = graphCount == 1 ? "one graph" : "\(graphCount) graphs"
      let kernels = kernelCount == 1 ? "1 kernel" : "\(kernelCount) kernels"
      let moment =
        host.moment > 0
        ? "; times are without the \(ProfileTable.time(Double(host.moment))) that each moment taken between them cost" : ""
      return "a run is \(graphs): a copy to the device, \(kernels), a copy back\(moment)"
    }
  }

  /// The row of the time that no layer took.
  var engineName: String { device == nil ? ProfileTable.engineName : ProfileTable.gapsName }
}

extension Roofs {
  /// `132 multiprocessors`, `2 threads`.
  func threadText(isOfDevice: Bool) -> String {
    let name = isOfDevice ? "multiprocessor" : "thread"
    return "\(threads) \(name)\(threads == 1 ? "" : "s")"
  }
}

extension Profile {
  /// Layers of the network may be denser than those that the roof was measured by: what one of them does the device can do.
  mutating func raiseProducts() {
    // What was taken off for moments is no more than a small part of it.
    let least = 8 * (device?.host.moment ?? 0)
    for layer in layers where layer.usesFastUnit && layer.nanoseconds > max(least, 0) {
      roofs.gflopsPerS = max(roofs.gflopsPerS, Double(layer.operations) / Double(layer.nanoseconds))
    }
  }
}

extension Roofs {
  /// The figures of a device for people.
  func deviceText(_ transferGbPerS: Double) -> String {
    func fixed(_ value: Double) -> String { TextFormat.fixed(value, 1) }
    let computed =
      computedGflopsPerS.map { ", where multiprocessors, clock and products a cycle allow \(fixed($0 / 1000))" } ?? ""
    return
      "\(fixed(gflopsPerS / 1000)) TFLOP/s, those of the densest layer that its kernels do\(computed); "
      + "\(fixed(float32GflopsPerS / 1000)) without tensor cores, computed; memory \(fixed(memoryGbPerS)) GB/s, level-2 cache "
      + "\(fixed(cacheGbPerS)) GB/s, between host and device \(fixed(transferGbPerS)) GB/s; a kernel with nothing to do takes "
      + ProfileTable.time(Double(launchNanoseconds))
  }
}
