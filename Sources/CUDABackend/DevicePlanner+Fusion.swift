import CUDAKernels
import Execution
import Networks
import Tensors

/// What the planner does in fewer steps than the network has nodes.
extension DevicePlanner {
  /// How often a value is read; leaving the network counts.
  func readerCount(_ name: String) -> Int {
    network.nodes.reduce(network.outputs.count { $0 == name }) { sum, node in sum + node.inputs.count { $0 == name } }
  }

  // MARK: Residual blocks

  /// Finds `x + scale · second(act(first(x)))` of two separable layers of up to 64 channels, which one kernel does: what lies between
  /// never reaches memory.
  mutating func findBlocks() {
    guard precision.element.byteCount == 2, blockKernel != nil else { return }
    let nodes = Dictionary(network.nodes.map { ($0.name, $0) }) { first, _ in first }
    for node in network.nodes {
      guard case .separableConvolution(let second) = node.operation, let first = node.inputs.first.flatMap({ nodes[$0] }),
        case .separableConvolution(let payload) = first.operation, node.inputs.count == 2,
        node.inputs[1] == first.inputs[0], !isConstant(first.inputs[0]), isBlockLayer(payload), isBlockLayer(second),
        let before = CanonicalEpilogue(payload.epilogue), let after = CanonicalEpilogue(second.epilogue),
        !before.adds, before.scale == 1, before.after == nil, before.shuffle == 1, let slope = before.leakySlope, slope <= 1,
        after.before == nil, after.adds, after.after == nil, after.shuffle == 1, readerCount(first.name) == 1,
        let shape = shapes[node.name], shape.isImage, shape.count < 1 << 28, shape.batch <= 65535
      else { continue }
      blocks[node.name] = first
      insideBlocks.insert(first.name)
    }
  }

  /// That of products of four warps where the device has them.
  private var blockKernel: CUDAKernel? {
    let kernels = CUDAKernel.allCases.filter {
      $0.family == .separableBlock(precision.element) && $0.sharedByteCount <= device.mostSharedByteCount
        && (device.isHopper || !$0.isForHopper) && (preferred.isEmpty || preferred.contains($0))
    }
    return kernels.first(where: \.isForHopper) ?? kernels.first
  }

  private func isBlockLayer(_ payload: SeparableConvolution) -> Bool {
    payload.order == .depthwiseFirst && payload.kernel == Pair(3) && payload.stride == Pair(1) && payload.dilation == Pair(1)
      && payload.padding == Padding(1) && payload.middle == nil && payload.middleRequantization == nil
      && payload.inChannels == payload.outChannels
      && payload.inChannels > DeviceLayout.mostPlanes && payload.inChannels <= DeviceLayout.groupLanes
  }

  mutating func planBlock(_ first: Node, _ node: Node) throws(ExecutionError) {
    guard let kernel = blockKernel, case .separableConvolution(let payload) = first.operation,
      case .separableConvolution(let second) = node.operation, let before = CanonicalEpilogue(payload.epilogue),
      let after = CanonicalEpilogue(second.epilogue)
    else { throw unknown(node.name) }
    let input = try value(first.inputs[0]), output = try output(node), from = layout(input), to = layout(output)
    // The weights of all four units of 16 channels have their places: those that are not there weigh nothing.
    func product(_ payload: SeparableConvolution) -> Product {
      Product(form: .separable(payload), weight: .pointwiseWeight, bias: nil, epilogue: CanonicalEpilogue())
    }
    let layer = DeviceLayer(
      form: .separable(payload), input: from, output: to, epilogue: CanonicalEpilogue(), residual: nil, device: device)
    let weights = [(first, payload), (node, second)].map { node, payload in
      packedWeights(node, product(payload), layer, kernel, groups: 1, isShuffled: false, leastInputs: DeviceLayout.groupLanes)
    }
    let biases = [(first, payload), (node, second)].map { node, payload in
      packedBias(node, product(payload), layer, kernel, groups: 1, isShuffled: false)
    }
    let packed = try constant(joined(weights)), bias = try constant(joined(biases))
    let grid = LaunchGrid(
      x: to.shape.width.ceilingDivided(by: kernel.tileWidth), y: to.shape.height.ceilingDivided(by: kernel.tileHeight),
      z: to.shape.batch)
    program.steps.append(
      DeviceProgram.Step(node: node.name, kernel: kernel, grid: grid, reads: [input], writes: output, takesSecond: true) {
        addresses, step in
        var a = ConvolutionArguments()
        a.input = UnsafeRawPointer(addresses.pointer(input))
        a.weights = UnsafeRawPointer(addresses.floats(packed))
        a.bias = addresses.floats(bias)
        a.second = step.second.flatMap { UnsafeRawPointer(addresses.pointer($0)) }
        a.output = addresses.pointer(step.writes)
        (a.height, a.width) = (Int32(to.shape.height), Int32(to.shape.width))
        (a.outputHeight, a.outputWidth) = (a.height, a.width)
        (a.inputChannels, a.inputStride) = (Int32(from.lanes), Int32(from.pixelStride))
        (a.outputChannels, a.outputStride) = (Int32(to.lanes), Int32(to.pixelStride))
        (a.groups, a.shuffle, a.splits, a.images) = (1, 1, 1, Int32(to.shape.batch))
        (a.tilesAcross, a.tilesDown) = (Int32(grid.x), Int32(grid.y))
        (a.slope, a.scale) = (before.leakySlope ?? 1, after.scale)
        return argumentBytes(a)
      })
  }

  /// Constants one behind the other.
  private func joined(_ constants: [DeviceProgram.Constant]) -> DeviceProgram.Constant {
    DeviceProgram.Constant(
      key: constants.map(\.key).joined(separator: " then "), parameters: constants.flatMap(\.parameters)
    ) { network in constants.flatMap { $0.bytes(network) } }
  }

  // MARK: Additions

  /// Lets the step that makes one operand of an addition add the other, which lies likewise: it rounds its result, adds and rounds again, as
  /// two steps would. False where none can.
  mutating func addedInPlace(_ node: Node) throws(ExecutionError) -> Bool {
    guard node.inputs.count == 2, node.inputs[0] != node.inputs[1] else { return false }
    let output = try output(node)
    for (name, other) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
      guard readerCount(name) == 1, let made = values[name], let added = values[other],
        program.values[made].place == .arena, layout(made) == layout(added), layout(made) == layout(output)
      else { continue }
      let writers = program.steps.indices.filter { program.steps[$0].writes == made }
      guard writers.count == 1, let index = writers.first, program.steps[index].takesSecond,
        program.steps[index].second == nil,
        // The other is complete before.
        !program.steps[index...].contains(where: { program.root($0.writes) == program.root(added) })
      else { continue }
      program.steps[index].second = added
      program.steps[index].reads.append(added)
      program.steps[index].writes = output
      return true
    }
    return false
  }
}
