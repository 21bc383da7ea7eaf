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
        for step in program.steps { try stream.launch(step.kernel, step.grid, step.arguments(addresses, step)) }
      }
      let start = try DeviceEvent(stream.context), end = try DeviceEvent(stream.context)
      // The first ones bring the clocks up.
      for index in -3..<runs {
        try start.record(stream)
        try stream.launch(graph)
        try end.record(stream)
        try stream.synchronize()
        if index >= 0 { times.append(try end.nanoseconds(since: start)) }
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
