import Execution

/// What a device does at most, measured by what the engine asks of it.
extension CUDAEngine {
  /// Bytes that a copy within the device's memory moves in a nanosecond, read and written: the best of some graphs of copies one after the
  /// other, without what a copy of next to nothing takes.
  ///
  /// - Parameter byteCount: of each copy. Small ones stay in the second-level cache.
  package func copyRate(byteCount: Int, count: Int = 8) throws(ExecutionError) -> Double {
    try onDevice { () throws(CUDAError) in
      let from = try DeviceMemory(context, byteCount: byteCount), to = try DeviceMemory(context, byteCount: byteCount)
      let stream = try DeviceStream(context)
      func time(_ bytes: Int) throws(CUDAError) -> Double {
        let graph = try stream.captured { () throws(CUDAError) in
          for index in 0..<count {
            let forth = index % 2 == 0
            try stream.copy(forth ? to.address : from.address, forth ? from.address : to.address, bytes)
          }
        }
        return try Double(leastNanoseconds(graph, stream)) / Double(count)
      }
      let whole = try time(byteCount), nothing = try time(min(byteCount, 256))
      return 2 * Double(byteCount) / (whole > 2 * nothing ? whole - nothing : max(whole, 1))
    }
  }

  /// Bytes that pinned copies between host and device move in a nanosecond, in the faster direction.
  package func transferRate(byteCount: Int) throws(ExecutionError) -> Double {
    try onDevice { () throws(CUDAError) in
      let stage = try PinnedMemory(context, byteCount: byteCount), memory = try DeviceMemory(context, byteCount: byteCount)
      let stream = try DeviceStream(context)
      let up = try stream.captured { () throws(CUDAError) in try stream.upload(memory.address, stage.base, byteCount) }
      let down = try stream.captured { () throws(CUDAError) in try stream.download(stage.base, memory.address, byteCount) }
      let least = try min(leastNanoseconds(up, stream), leastNanoseconds(down, stream))
      return Double(byteCount) / Double(max(least, 1))
    }
  }

  /// The fastest of some runs.
  private func leastNanoseconds(_ graph: DeviceGraph, _ stream: DeviceStream) throws(CUDAError) -> Int {
    try stream.nanoseconds(of: graph, runs: 6).min() ?? 0
  }
}
