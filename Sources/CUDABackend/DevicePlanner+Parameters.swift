import CUDAKernels
import Execution
import Networks
import Tensors

/// Parameters as values, packs that the run makes of them, and what a run sets them to.
extension DevicePlanner {
  /// Values that lie as parameters do: those themselves, what follows from these alone, and gradients and statistics of them.
  static func flatValues(of network: Network, shapes: [String: Shape]) -> Set<String> {
    var flat = Set(network.graph.readParameters.keys)
    var constants: Set<String> = []
    for node in network.nodes {
      func followsFromFlat() -> Bool {
        let inputs = node.elementInputs
        return inputs.contains(where: flat.contains)
          && inputs.allSatisfy { name in
            flat.contains(name) || constants.contains(name) || shapes[name].map { $0.rank == 1 || $0.count == 1 } ?? false
          }
      }
      let isFlat: Bool
      switch node.operation {
      case .constant:
        constants.insert(node.name)
        isFlat = false
      case .training(.movingAverage), .training(.parameterStep), .training(.channelSum): isFlat = true
      case .training(.batchNormalization(let payload)): isFlat = payload.part == .moments || payload.part == .gradientSums
      case .training(.convolutionProduct(let payload)): isFlat = payload.result == .weightGradient
      case .activation, .scale, .add, .binary, .slice, .reshape, .flatten, .transpose, .expand, .concatenation, .reduction,
        .training(.activationGradient), .training(.adjoint), .training(.fakeQuantize), .training(.channelProduct):
        isFlat = followsFromFlat()
      case .convolution, .separableConvolution, .transposedConvolution, .linear, .batchNorm, .channelAffine, .matrixMultiply,
        .pixelShuffle, .pixelUnshuffle, .resize, .maximumPool, .averagePool, .globalAveragePool, .softmax, .pad, .maximumIndex,
        .normalization, .integer, .training(.maximumPoolGradient), .training(.dropout):
        isFlat = false
      }
      if isFlat { flat.insert(node.name) }
    }
    return flat
  }

  /// Values of a training that stay float32 where others are stored in 16 bits: all but images that
  /// layers make, read, and pass gradients to. Losses and what leads to them are exact, and so are parameters, their gradients and averages, which lie flat anyway.
  static func exactValues(of network: Network, shapes: [String: Shape]) -> Set<String> {
    var exact = Set(network.inputs.map(\.name))
    for node in network.nodes {
      guard case .training(.convolutionProduct) = node.operation else { continue }
      exact.subtract(node.inputs)
    }
    for node in network.nodes {
      let isOfLayers: Bool
      switch node.operation {
      case .activation(let function):
        switch function {
        case .relu, .leakyReLU, .prelu, .clip: isOfLayers = true
        default: isOfLayers = false
        }
      case .convolution, .separableConvolution, .transposedConvolution, .batchNorm, .channelAffine, .add, .scale,
        .concatenation,
        .slice, .pad, .pixelShuffle, .pixelUnshuffle, .resize, .maximumPool, .averagePool,
        .training(.convolutionProduct), .training(.batchNormalization), .training(.activationGradient),
        .training(.maximumPoolGradient), .training(.adjoint), .training(.channelProduct), .training(.dropout),
        .training(.fakeQuantize):
        isOfLayers = true
      case .linear, .globalAveragePool, .matrixMultiply, .binary, .softmax, .reduction, .maximumIndex, .normalization, .flatten,
        .reshape, .transpose, .expand, .constant, .integer, .training(.channelSum), .training(.movingAverage),
        .training(.parameterStep):
        isOfLayers = false
      }
      if !isOfLayers || shapes[node.name]?.rank != 4 { exact.insert(node.name) }
    }
    return exact
  }

  /// The parameters that nodes read as values, and those that the run changes.
  mutating func addParameters() throws(ExecutionError) {
    for name in Set(network.graph.readParameters.keys).union(updatedParameters).sorted() { _ = try parameterValue(name) }
  }

  private mutating func parameterValue(_ name: String) throws(ExecutionError) -> Int {
    if let known = values[name] { return known }
    guard let tensor = network.parameters[name] else { throw unknown(name) }
    guard tensor.dataType == .float32, let image = DeviceLayout.image(tensor.shape) else {
      throw .device(
        "the parameter '\(name)' is \(tensor.dataType.rawValue) \(tensor.shape), and a CUDA device keeps those of float32 and of 1, 2 "
          + "or 4 axes as values")
    }
    let value = program.add(DeviceLayout(planesOf: image), .parameter(name))
    values[name] = value
    return value
  }

  /// Whether the numbers of that name are not known before the run: a parameter that runs change, or a value.
  func isMade(_ name: String) -> Bool {
    updatedParameters.contains(name) || (network.parameters[name] == nil && types[name] != nil)
  }

  /// Whether a parameter of the node is.
  func isMade(_ node: Node) -> Bool { node.parameterNames.contains(where: isMade) }

  /// The value of that name where it is made and lies as a tensor does.
  func flatValue(_ name: String) -> Int? {
    guard isMade(name), let value = values[name], layout(value) == DeviceLayout(planesOf: layout(value).shape) else {
      return nil
    }
    return value
  }

  /// The value of that name as its tensor lies.
  mutating func plain(_ name: String) throws(ExecutionError) -> Int {
    let value = try parameterValue(name)
    let planes = DeviceLayout(planesOf: layout(value).shape)
    if layout(value) == planes { return value }
    let copy = program.add(planes)
    appendMove(current, value, to: copy) { _, _ in }
    return copy
  }

  // MARK: Packs

  /// A constant of the program; where it follows from numbers that the run makes, a kernel packs them before they are read.
  mutating func constant(_ constant: DeviceProgram.Constant) throws(ExecutionError) -> Int {
    guard constant.parameters.contains(where: isMade) else { return program.add(constant) }
    if let known = program.constants.firstIndex(where: { $0.key == constant.key }) { return known }
    var names: [String] = []
    for name in constant.parameters where !names.contains(name) && (network.parameters[name] != nil || types[name] != nil) {
      names.append(name)
    }
    var sources: [Int] = []
    for name in names { sources.append(try plain(name)) }
    let shapes = names.map { network.parameters[$0]?.shape ?? self.shapes[$0] ?? [1] }
    let packing = PackTable(constant, zip(names, shapes).map { (name: $0, shape: $1) }, of: network)
    guard sources.count <= 4, let count = packing.count else {
      throw .unsupported(
        node: current, operation: "packing", backend: CUDAEngine.backendName,
        reason: "what its kernel reads is more than its parameters in another order")
    }
    let table = program.add(
      DeviceProgram.Constant(key: "\(constant.key) places", parameters: []) { _ in packing.bytes() })
    let precision = constant.precision
    let packed = program.add(
      DeviceLayout(planesOf: Shape(batch: 1, channels: 1, height: 1, width: max(count, 1)), precision.element), .own)
    program.steps.append(
      DeviceProgram.Step(
        node: current, kernel: .any(.training(.gather)), grid: LaunchGrid(x: max(count.ceilingDivided(by: 256), 1)),
        reads: sources, writes: packed, isCopy: true
      ) { addresses, _ in
        var a = GatherArguments()
        func source(_ index: Int) -> UnsafePointer<Float>? {
          index < sources.count ? UnsafePointer(bitPattern: UInt(addresses.values[sources[index]])) : nil
        }
        a.sources = (source(0), source(1), source(2), source(3))
        a.places = UnsafeRawPointer(addresses.integers(table))?.assumingMemoryBound(to: UInt32.self)
        a.output = addresses.pointer(packed)
        (a.count, a.element) = (Int32(count), precision == .tensorFloat32 ? 5 : precision.element.number)
        return argumentBytes(a)
      })
    return program.add(
      DeviceProgram.Constant(
        key: constant.key, parameters: constant.parameters, bytes: { _ in [] }, precision: precision, value: packed))
  }

  /// Kernels read packs before they wait for those ahead of them; so the one behind a packing begins when that is done.
  mutating func waitForPacks() {
    for index in program.steps.indices.dropFirst()
    where program.steps[index - 1].kernel.family == .training(.gather)
      && program.steps[index].kernel.family != .training(.gather)
    {
      program.steps[index].overlaps = false
    }
  }

  // MARK: Updates

  /// At the end of a run its values take the places of parameters, all at once.
  mutating func planUpdates() throws(ExecutionError) {
    guard !network.updates.isEmpty else { return }
    var entries: [(source: Int, target: Int, count: Int, note: Int)] = [], noteCount = 0
    for update in network.updates {
      current = update.value
      var source = try plain(update.value)
      if case .parameter = program.values[source].place {
        // It might be changed itself.
        let copy = program.add(layout(source))
        appendMove(current, source, to: copy) { _, _ in }
        source = copy
      }
      let count = layout(source).shape.count, blocks = count.ceilingDivided(by: Int(commitCount))
      entries.append((source, try value(update.parameter), count, noteCount))
      program.updates.append(DeviceProgram.Update(parameter: update.parameter, notes: noteCount..<noteCount + blocks))
      noteCount += blocks
    }
    let notes = program.add(DeviceLayout(planesOf: Shape(batch: 1, channels: 1, height: 1, width: noteCount)), .output)
    program.notes = notes
    for start in stride(from: 0, to: entries.count, by: Int(commitEntries)) {
      let part = Array(entries[start..<min(start + Int(commitEntries), entries.count)])
      let longest = part.map(\.count).max() ?? 1
      program.steps.append(
        DeviceProgram.Step(
          node: current, kernel: .any(.training(.commit)),
          grid: LaunchGrid(x: longest.ceilingDivided(by: Int(commitCount)), y: part.count), reads: part.map(\.source),
          writes: notes
        ) { addresses, _ in
          var a = CommitArguments()
          withUnsafeMutableBytes(of: &a) { bytes in
            let places = bytes.bindMemory(to: CommitEntry.self)
            for (index, entry) in part.enumerated() {
              places[index] = CommitEntry(
                source: UnsafePointer(bitPattern: UInt(addresses.values[entry.source])),
                target: UnsafeMutablePointer(bitPattern: UInt(addresses.values[entry.target])),
                notes: UnsafeMutablePointer(bitPattern: UInt(addresses.values[notes]) + UInt(entry.note * 4)),
                count: Int64(entry.count))
            }
          }
          return argumentBytes(a)
        })
    }
  }
}

extension Convolution {
  /// The weights of this convolution turned around, as the convolution that makes its input's gradient has them:
  /// `[inChannels, outChannels / groups, kernel.height, kernel.width]`.
  func weightTurnedAround(_ weight: Tensor) -> Tensor {
    let inputs = inChannels / groups, outputs = outChannels / groups, taps = kernel.height * kernel.width
    let values = weight.floats
    var result: [Float] = []
    result.reserveCapacity(values.count)
    for channel in 0..<inChannels {
      let (group, input) = channel.quotientAndRemainder(dividingBy: inputs)
      for output in group * outputs..<(group + 1) * outputs {
        for tap in (0..<taps).reversed() { result.append(values[(output * inputs + input) * taps + tap]) }
      }
    }
    return Tensor([inChannels, outputs, kernel.height, kernel.width], result)
  }
}
