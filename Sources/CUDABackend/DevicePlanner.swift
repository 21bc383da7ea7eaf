import CUDAKernels
import Execution
import Networks
import Tensors

/// From a network to a program: layouts, kernels, constants. Pure.
struct DevicePlanner {
  /// Its sizes are numbers, and every node of it has a kernel.
  let network: Network
  let types: [String: ValueType]
  let shapes: [String: Shape]
  /// Those of the image that the inputs are cut from: they choose the kernels.
  let wholeShapes: [String: Shape]
  let precision: CUDAPrecision
  let device: CUDADevice
  /// Taken in place of the cheapest wherever they can: to test every kernel.
  let preferred: [CUDAKernel]
  /// Blocks that share the input channels of a tile, wherever that can be: likewise.
  let preferredSplits: Int?
  /// What happens at either end of the network.
  let conversion: SampleConversion

  var program = DeviceProgram()
  var values: [String: Int] = [:]
  /// What kernels were weighed for, by the place of the step.
  var weighed: [Int: DeviceLayer] = [:]
  /// The values that are written where a concatenation wants them, and from which channel of it on.
  private var parts: [String: (whole: String, channel: Int)] = [:]
  /// The first layers of residual blocks that are one kernel, by the second's name.
  var blocks: [String: Node] = [:]
  /// The values of those.
  var insideBlocks: Set<String> = []
  /// Values that lie as parameters do, whatever the number of their channels: what follows from these alone, and what becomes of them.
  private(set) var flatValues: Set<String> = []
  /// Values that are float32 though the precision is of 16 bits; see `exactValues(of:shapes:)`.
  private(set) var exactValues: Set<String> = []
  /// Those that the run changes.
  private(set) var updatedParameters: Set<String> = []
  /// Values whose squares of 2x2 pixels are one, by the values that they are made of.
  var squares: [Int: Int] = [:]
  /// The node that is planned.
  var current = ""

  init(
    _ network: Network, types: [String: ValueType], wholeShapes: [String: Shape], precision: CUDAPrecision, device: CUDADevice,
    preferred: [CUDAKernel] = [], preferredSplits: Int? = nil, conversion: SampleConversion = SampleConversion()
  ) {
    self.network = network
    self.types = types
    shapes = types.mapValues(\.shape)
    self.wholeShapes = wholeShapes
    self.precision = precision
    self.device = device
    self.preferred = preferred
    self.preferredSplits = preferredSplits
    self.conversion = conversion
    flatValues = Self.flatValues(of: network, shapes: shapes)
    updatedParameters = Set(network.updates.map(\.parameter))
    exactValues = updatedParameters.isEmpty ? [] : Self.exactValues(of: network, shapes: shapes)
  }

  /// The whole program.
  mutating func plan() throws(ExecutionError) -> DeviceProgram {
    try checkConversion()
    findParts()
    findBlocks()
    try addParameters()
    for input in network.inputs {
      guard let shape = shapes[input.name], let image = DeviceLayout.image(shape) else { throw unknown(input.name) }
      let layout = try valueLayout(input.name)
      let raw: Int
      if let samples = conversion.input {
        raw = planSamples(input.name, samples, to: image)
      } else {
        raw = program.add(DeviceLayout(planesOf: image, layout.element.isCode ? layout.element : .float32), .input)
        program.inputs.append(raw)
      }
      guard layout != program.values[raw].layout else {
        values[input.name] = raw
        continue
      }
      let value = program.add(layout)
      values[input.name] = value
      move(input.name, raw, to: value)
    }
    for node in network.nodes { try plan(node) }
    for name in network.outputs {
      let value = try self.value(name)
      if let samples = conversion.output {
        planSamples(name, samples, from: value)
        continue
      }
      if program.values[value].place == .output, !program.outputs.contains(value) {
        program.outputs.append(value)
        continue
      }
      let made = layout(value)
      let output = program.add(DeviceLayout(planesOf: made.shape, made.element.isCode ? made.element : .float32), .output)
      program.outputs.append(output)
      move(name, value, to: output)
    }
    try planUpdates()
    keepApart()
    waitForPacks()
    return program
  }

  /// Blocks that begin before the kernel ahead is done go where there is room at that moment: several to one multiprocessor, where they
  /// could have had one each. A kernel that takes long and has no blocks for most of the places begins after the one ahead.
  private mutating func keepApart() {
    for (index, layer) in weighed {
      let step = program.steps[index], places = step.kernel.blocksPerMultiprocessor * device.multiprocessorCount
      let isPartial = step.kernel.blocksPerMultiprocessor > 1 && step.grid.blockCount * 4 <= places * 3
      if isPartial, layer.nanoseconds(of: step.kernel) > Self.longKernel { program.steps[index].overlaps = false }
    }
  }

  /// Nanoseconds, of which a launch is about a tenth.
  private static let longKernel = 15_000.0

  private mutating func plan(_ node: Node) throws(ExecutionError) {
    if insideBlocks.contains(node.name) { return }
    current = node.name
    if let first = blocks[node.name] { return try planBlock(first, node) }
    switch node.operation {
    case .convolution(let payload): try planConvolution(node, payload)
    case .separableConvolution(let payload): try planSeparable(node, payload)
    case .transposedConvolution(let payload): try planTransposed(node, payload)
    case .linear(let payload): try planLinear(node, payload)
    case .maximumPool(let pool): try planPool(node, .maximumPool(pool))
    case .averagePool(let pool): try planPool(node, .averagePool(pool))
    case .globalAveragePool:
      let input = try shape(node.inputs[0])
      try planPool(node, .averagePool(Pool(kernel: Pair(height: input.height, width: input.width))))
    case .batchNorm, .activation, .scale, .channelAffine, .add, .binary: try planElementwise(node)
    case .concatenation(let payload): try planConcatenation(node, payload)
    case .pixelShuffle, .pixelUnshuffle, .flatten, .slice, .pad, .reshape, .transpose, .expand: try planMovement(node)
    case .resize(let payload): try planResize(node, payload)
    case .constant: try planConstant(node)
    case .matrixMultiply: try planMatrices(node)
    case .softmax(let payload): try planSoftmax(node, payload)
    case .reduction(let payload): try planReduction(node, payload)
    case .maximumIndex(let payload): try planMaximumIndex(node, payload)
    case .normalization(let payload): try planNormalization(node, payload)
    case .integer(let operation): try planInteger(node, operation)
    case .training(let operation): try planTraining(node, operation)
    }
  }
}

// MARK: Values

extension DevicePlanner {
  func unknown(_ name: String) -> ExecutionError { .invalidNetwork("the value '\(name)' is not known") }

  func value(_ name: String) throws(ExecutionError) -> Int {
    guard let value = values[name] else { throw unknown(name) }
    return value
  }

  func layout(_ value: Int) -> DeviceLayout { program.values[value].layout }

  /// The axis of a value's image that an axis of its own is: a value of one axis is a row of pixels.
  func imageAxis(_ axis: Int, of name: String) -> Int { types[name]?.shape.rank == 1 ? 3 : axis }

  /// The shape of a value as an image.
  func shape(_ name: String) throws(ExecutionError) -> Shape {
    guard let shape = shapes[name].flatMap(DeviceLayout.image) else { throw unknown(name) }
    return shape
  }

  /// How the value of that name lies unless it has a reason to lie otherwise.
  func valueLayout(_ name: String) throws(ExecutionError) -> DeviceLayout {
    let stored = exactValues.contains(name) ? .float32 : precision
    guard let layout = types[name].flatMap({ DeviceLayout($0, stored) }) else { throw unknown(name) }
    return flatValues.contains(name) ? DeviceLayout(planesOf: layout.shape) : layout
  }

  /// The value that a node writes.
  mutating func output(_ node: Node) throws(ExecutionError) -> Int { try output(node.name) }

  /// Whether the value leaves the device as it is made.
  private func leavesAsMade(_ name: String) -> Bool { conversion.output == nil && network.outputs.contains(name) }

  mutating func output(_ name: String) throws(ExecutionError) -> Int {
    if let known = values[name] { return known }
    var layout = try valueLayout(name)
    let value: Int
    if let part = parts[name] {
      let whole = try output(part.whole)
      layout.pixelStride = self.layout(whole).pixelStride
      value = program.add(layout, .part(of: whole, byteOffset: part.channel * layout.element.byteCount))
    } else {
      // A linear layer leaves the network as it is made, where nobody else reads it.
      if network.outputs.contains(name), readerCount(name) == 1, isLinear(name), !layout.element.isCode {
        layout = DeviceLayout(planesOf: layout.shape)
      }
      value = program.add(layout, layout.isPlanar && leavesAsMade(name) ? .output : .arena)
    }
    values[name] = value
    return value
  }

  /// Finds the values that may be written where a concatenation of channels wants them: each begins at a whole group of channels, and
  /// none is added to or from what lies in other places.
  private mutating func findParts() {
    var added: Set<String> = []
    for node in network.nodes {
      guard let epilogue = node.operation.epilogue, epilogue.extraInputCount > 0 else { continue }
      added.formUnion(node.inputs.dropFirst())
      added.insert(node.name)
    }
    let made = Set(network.nodes.map(\.name))
    for node in network.nodes {
      guard case .concatenation(let payload) = node.operation, payload.axis == 1,
        types[node.name]?.shape.rank != 1, let whole = try? valueLayout(node.name), !whole.isPlanar
      else { continue }
      var channel = 0, found: [(name: String, channel: Int)] = []
      for name in node.inputs {
        guard let layout = try? valueLayout(name) else { break }
        if channel % DeviceLayout.laneUnit == 0, !layout.isPlanar, made.contains(name), parts[name] == nil,
          !added.contains(name),
          !isConstant(name), node.inputs.count(where: { $0 == name }) == 1
        {
          found.append((name, channel))
        }
        channel += layout.shape.channels
      }
      for part in found { parts[part.name] = (node.name, part.channel) }
    }
  }

  func isConstant(_ name: String) -> Bool {
    network.nodes.contains { node in
      if case .constant = node.operation { node.name == name } else { false }
    }
  }

  private func isLinear(_ name: String) -> Bool {
    network.nodes.contains { node in
      if case .linear = node.operation { node.name == name } else { false }
    }
  }

  /// Whether the value lies in a concatenation.
  func isPart(_ name: String) -> Bool { parts[name] != nil }

  /// Whether the value lies in the concatenation already.
  func isPart(_ name: String, of whole: String) -> Bool { parts[name]?.whole == whole }
}
