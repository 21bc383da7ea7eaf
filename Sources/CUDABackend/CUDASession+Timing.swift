import Execution
import Networks
import Tensors

extension CUDASession {
  /// Nanoseconds of each of some runs of the kernels alone, as one graph on values that are on the device: what PyTorch's captured graphs are
  /// timed by.
  package func kernelNanoseconds(_ inputs: [Tensor], runs: Int) throws(ExecutionError) -> [Int] {
    var outputs: [Tensor] = [], times: [Int] = []
    try run(inputs, into: &outputs) { () throws(CUDAError) in
      if plan.inputByteCount > 0 { try stream.upload(inputAddress, stage.base, plan.inputByteCount) }
      let graph = try stream.captured { () throws(CUDAError) in
        for step in program.steps { try launch(step, addresses, overlaps: overlaps) }
      }
      times = try stream.nanoseconds(of: graph, runs: runs, ahead: 3)
      if plan.outputByteCount > 0 {
        try stream.download(stage.base + plan.inputByteCount, outputAddress, plan.outputByteCount)
        try stream.synchronize()
      }
    }
    return times
  }

  func launch(
    _ step: DeviceProgram.Step, _ addresses: DeviceProgram.Addresses, overlaps: Bool
  ) throws(CUDAError) {
    try stream.launch(step.kernel, step.grid, step.arguments(addresses, step), overlaps: overlaps && step.overlaps)
  }

  /// How long a layer's kernel takes in the midst of others.
  package struct LayerTime: Sendable {
    package var node: String
    package var layer: DeviceLayer
    package var kernel: CUDAKernel
    /// Blocks that share the input channels of a tile.
    package var splits: Int
    package var nanoseconds: Double
  }

  /// The layers that were weighed, each run again and again as one graph, with the kernel that adds its parts: the least time of a run.
  ///
  /// - Parameters:
  ///   - repeats: runs in the graph.
  ///   - isWanted: which layers; the others take no time.
  package func layerTimes(
    _ inputs: [Tensor], repeats: Int = 16, isWanted: (DeviceLayer, CUDAKernel, Int) -> Bool
  ) throws(ExecutionError) -> [LayerTime] {
    var outputs: [Tensor] = [], times: [LayerTime] = []
    try run(inputs, into: &outputs) { () throws(CUDAError) in
      if plan.inputByteCount > 0 { try stream.upload(inputAddress, stage.base, plan.inputByteCount) }
      for step in program.steps { try launch(step, addresses, overlaps: overlaps) }
      for (index, layer) in weighed.sorted(by: { $0.key < $1.key }) {
        let step = program.steps[index]
        var steps = [step], splits = 1
        if index + 1 < program.steps.count, case .sumParts = program.steps[index + 1].kernel.family {
          steps.append(program.steps[index + 1])
          splits = program.values[step.writes].layout.shape.batch / layer.output.shape.batch
        }
        guard isWanted(layer, step.kernel, splits) else { continue }
        let graph = try stream.captured { () throws(CUDAError) in
          for _ in 0..<repeats { for step in steps { try launch(step, addresses, overlaps: overlaps) } }
        }
        let least = try stream.nanoseconds(of: graph, runs: 4).min() ?? 0
        times.append(
          LayerTime(
            node: step.node, layer: layer, kernel: step.kernel, splits: splits, nanoseconds: Double(least) / Double(repeats)))
      }
      if plan.outputByteCount > 0 {
        try stream.download(stage.base + plan.inputByteCount, outputAddress, plan.outputByteCount)
        try stream.synchronize()
      }
    }
    return times
  }
}

extension DeviceLayout {
  /// Without what lies between its pixels where it is part of a concatenation.
  var ownByteCount: Int {
    isPlanar ? byteCount : shape.batch * shape.height * shape.width * lanes * element.byteCount
  }
}
