import CUDAKernels
import Execution
import Networks
import Tensors

/// The steps of layers that are bound by bytes, whose kernels have no tiles.
extension DevicePlanner {
  /// Channels that are made of a pixel before pixels are shuffled, lanes beyond the last among them.
  func computedChannels(_ layer: DeviceLayer) -> Int { layer.output.lanes * layer.epilogue.shuffle * layer.epilogue.shuffle }

  /// `Depthwise`, `PointwisePlanes` and `Linear`.
  mutating func emitUntiled(
    _ node: Node, _ product: Product, _ layer: DeviceLayer, _ kernel: CUDAKernel, from input: Int, to output: Int,
    adding residual: Int?
  ) throws(ExecutionError) {
    let to = layer.output, from = layer.input, computed = layer.computed, epilogue = layer.epilogue
    let images = to.shape.batch, outputs = computedChannels(layer), groups = to.groupCount
    let weights = try constant(packedWeights(node, product, layer, kernel, groups: groups, isShuffled: false))
    let bias = try constant(packedBias(node, product, layer, kernel, groups: groups, isShuffled: false))
    let unit = from.element == .float32 ? 8 : 16, pixels = computed.height * computed.width
    var common = ConvolutionArguments()
    (common.height, common.width) = (Int32(from.shape.height), Int32(from.shape.width))
    (common.outputHeight, common.outputWidth) = (Int32(computed.height), Int32(computed.width))
    (common.inputChannels, common.inputStride) = (
      Int32(from.shape.channels.ceilingDivided(by: unit) * unit), Int32(from.pixelStride)
    )
    (common.outputChannels, common.outputStride) = (Int32(outputs), Int32(to.isPlanar ? outputs : to.pixelStride))
    (common.groups, common.shuffle, common.splits) = (1, Int32(epilogue.shuffle), 1)
    common.images = Int32(images)
    (common.slope, common.scale) = (epilogue.leakySlope ?? 1, epilogue.scale)
    common.rectifies = epilogue.after == .relu ? 1 : 0
    let grid: LaunchGrid
    var takesSecond = false
    switch kernel.family {
    case .depthwise(_, let size, let stride):
      // Outputs of a thread.
      let columns = size == 3 ? 4 / stride : 2
      let threads = computed.height * computed.width.ceilingDivided(by: columns) * to.lanes / 8
      grid = LaunchGrid(x: threads.ceilingDivided(by: 256), y: images)
      takesSecond = epilogue.after == nil
    case .pointwisePlanes: grid = LaunchGrid(x: (images * pixels).ceilingDivided(by: 256), y: 1)
    // A warp makes an output of four images.
    case .linear: grid = LaunchGrid(x: outputs.ceilingDivided(by: 8), y: images.ceilingDivided(by: 4))
    default: preconditionFailure("\(kernel.name) has tiles, or is a pool")
    }
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: kernel, grid: grid, reads: [input] + (residual.map { [$0] } ?? []), writes: output,
        takesSecond: takesSecond
      ) { [common] addresses, step in
        var a = common
        a.input = UnsafeRawPointer(addresses.pointer(input))
        a.weights = UnsafeRawPointer(addresses.floats(weights))
        a.bias = addresses.floats(bias)
        a.residual = residual.flatMap { UnsafeRawPointer(addresses.pointer($0)) }
        a.second = step.second.flatMap { UnsafeRawPointer(addresses.pointer($0)) }
        a.output = addresses.pointer(step.writes)
        return argumentBytes(a)
      })
  }
}

extension SeparableConvolution {
  /// Whether one dense convolution is the same: nothing is done between the parts, and no bias of the first lies beyond the border, where
  /// the second pads with zeros.
  var isOneConvolution: Bool {
    middle == nil && middleRequantization == nil && (order == .depthwiseFirst || !pointwiseHasBias)
  }

  /// That convolution.
  var asOneConvolution: Convolution {
    Convolution(
      inChannels: inChannels, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
      hasBias: depthwiseHasBias || pointwiseHasBias, epilogue: epilogue)
  }

  /// Its weights `[outChannels, inChannels, kernel.height, kernel.width]`: products of one weight of each part.
  func composedWeights(pointwise: [Float], depthwise: [Float]) -> [Float] {
    let taps = kernel.height * kernel.width
    var result: [Float] = []
    result.reserveCapacity(pointwise.count * taps)
    for output in 0..<outChannels {
      for input in 0..<inChannels {
        let channel = order == .depthwiseFirst ? input : output
        for tap in 0..<taps {
          result.append(Float(Double(pointwise[output * inChannels + input]) * Double(depthwise[channel * taps + tap])))
        }
      }
    }
    return result
  }
}
