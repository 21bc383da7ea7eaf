import Files
import Networks
import ONNXProto
import Tensors

/// Makes a network of an ONNX graph.
///
/// Nodes are taken in topological order. Each output becomes a constant (weights, shape arithmetic) or a view of a value of the
/// network. Time and memory are linear in the file: folding and reordering of constants draws on a budget.
struct ONNXImporter {
  /// What a name of the graph stands for.
  enum Value: Sendable {
    case constant(ONNXConstant)
    case view(ONNXView)
  }

  static let opsets = 9...24
  static let nodeLimit = 1 << 17

  let opset: Int
  let path: String?
  private(set) var initializers: [String: ONNXTensorProto] = [:]
  /// The integers that constants are the numbers of.
  var grids: [String: Grid] = [:]
  /// Those of the weights and biases of layers, by the names of nodes.
  var layers: [String: (weight: Grid, bias: Grid?)] = [:]
  /// What the integers of values stand for.
  var codes: [String: Quantize] = [:]
  var reader: ONNXTensorReader
  var symbols = SymbolTable()
  private var values: [String: Value] = [:]
  /// The values of the graph that hold bytes, as the file has them.
  private var bytes: Set<String> = []
  /// How many nodes and outputs read each value of the graph.
  private var readers: [String: Int] = [:]
  var names = ONNXNames()
  private(set) var nodes: [Node] = []
  private(set) var nodeIndices: [String: Int] = [:]
  /// The nodes that are called as modules of the file, and so are their weights.
  private(set) var modules: Set<String> = []
  private(set) var parameters: [String: Tensor] = [:]
  private let byteCount: Int
  private var elementsTaken = 0
  let sizes: ONNXSizes
  /// The name of each open axis of an input, and how many inputs have it.
  private var axisNames: [ONNXAxisName: Int] = [:]

  private init(opset: Int, path: String?, sizes: ONNXSizes, byteCount: Int) {
    self.opset = opset
    self.path = path
    self.sizes = sizes
    reader = ONNXTensorReader(path: path)
    self.byteCount = byteCount
  }

  /// The network of a model. `byteCount` is the size of its file and bounds what may be made of it.
  static func network(
    _ model: ONNXModelProto, path: String?, sizes: ONNXSizes, byteCount: Int
  ) throws(FormatProblem) -> Network {
    do throws(ONNXProblem) {
      guard model.hasGraph else { throw .noGraph }
      guard let opset = model.opsetImport.first(where: { $0.domain.isEmpty || $0.domain == "ai.onnx" })?.version else {
        throw .noOpset
      }
      let version = Int(opset)
      guard opsets.contains(version) else { throw .opset(version) }
      var importer = ONNXImporter(opset: version, path: path, sizes: sizes, byteCount: byteCount)
      return try checked(importer.network(model.graph))
    } catch {
      throw .onnx(error)
    }
  }

  /// The network, if it is one and its values fit at the size that the file fixes.
  private static func checked(_ network: Network) throws(ONNXProblem) -> Network {
    do throws(NetworkError) {
      try network.verify()
      let extents = network.inputs.map { $0.axes.compactMap { $0 } }
      if zip(network.inputs, extents).allSatisfy({ $0.axes.count == $1.count }) {
        _ = try network.inferredShapes(inputs: extents.map { Shape($0) })
      }
    } catch {
      throw .network(error)
    }
    return network
  }

  // MARK: The graph

  private mutating func network(_ graph: ONNXGraphProto) throws(ONNXProblem) -> Network {
    guard graph.sparseInitializer.isEmpty else { throw .sparseTensors }
    guard graph.node.count + graph.initializer.count + graph.input.count + graph.output.count <= Self.nodeLimit
    else {
      throw .nodeLimit(Self.nodeLimit)
    }
    for tensor in graph.initializer where initializers.updateValue(tensor, forKey: tensor.name) != nil {
      throw .duplicateValue(tensor.name)
    }
    let given = graph.input.filter { initializers[$0.name] == nil }
    let outputs = graph.output.map(\.name)
    let order = try ONNXOrder(graph, inputs: given.map(\.name), initializers: initializers)
    let sorted = ONNXPatterns.replacing(order.nodes, outputs: outputs) { initializers[$0] }
    try checkOperators(sorted)
    for node in sorted {
      for input in node.inputs { readers[input, default: 0] += 1 }
    }
    for output in outputs { readers[output, default: 0] += 1 }

    for input in given {
      for (axis, dimension) in input.type.tensorType.shape.dim.enumerated() {
        if let name = ONNXAxisName(dimension, axis: axis) { axisNames[name, default: 0] += 1 }
      }
    }
    var inputs: [NetworkInput] = []
    // Scales that are nodes are known before the inputs that they are of.
    for node in sorted where node.type == "Constant" { try lower(node) }
    let quantizations = try inputQuantizations(given, sorted)
    for input in given { inputs.append(try bind(input, quantizations[input.name])) }
    guard !inputs.isEmpty else { throw .network(.noInputs) }
    for node in sorted where node.type != "Constant" { try lower(node) }

    let results = try self.results(outputs, inputs: Set(inputs.map(\.name)))
    // What nodes demand of an axis that the file leaves open, such as the channels, is fixed.
    for (source, extent) in symbols.fixedSources {
      guard let index = inputs.firstIndex(where: { $0.name == source.input }) else { continue }
      inputs[index].axes[source.axis] = extent
    }
    return network(graph.name, inputs: inputs, outputs: results)
  }

  /// Declares an input of the network. What the file fixes is fixed; every other axis is a symbol of its own, unless several inputs
  /// give the same axis the same name.
  private mutating func bind(_ input: ONNXValueInfoProto, _ quantization: Quantize?) throws(ONNXProblem) -> NetworkInput {
    let tensor = input.type.tensorType
    let dimensions = tensor.shape.dim
    guard input.type.hasTensorType, tensor.hasShape, (1...Limits.rank).contains(dimensions.count) else {
      throw .input(input.name, reason: "has \(dimensions.count) axes; networks take 1 to \(Limits.rank), images [N, C, H, W]")
    }
    // Floats of any width, integers that stand for numbers, and bytes, which such graphs cast themselves.
    if tensor.elemType == 2, quantization == nil { bytes.insert(input.name) }
    guard [0, 1, 2, 10, 11, 16].contains(tensor.elemType) || quantization != nil else {
      throw .input(input.name, reason: "holds elements of type \(tensor.elemType); networks take float32")
    }
    let name = names.unique(input.name.isEmpty ? "input" : input.name.onOneLine)
    var result = NetworkInput(
      name: name, axes: [], axisNames: [], element: quantization?.element ?? .float32, quantization: quantization?.quantization)
    codes[name] = quantization
    var extents: [Extent] = []
    let opened = sizes == .any ? Self.sizeAxes(dimensions.map { Int($0.dimValue) }) : []
    for (axis, dimension) in dimensions.enumerated() {
      let declared = dimension.dimValue > 0 ? Int(dimension.dimValue) : nil
      guard declared ?? 1 <= Limits.attribute else {
        throw .input(input.name, reason: "has an extent of \(dimension.dimValue); networks take at most \(Limits.attribute)")
      }
      let named = ONNXAxisName(dimension, axis: axis).flatMap { axisNames[$0] ?? 0 > 1 ? $0 : nil }
      result.axisNames.append(named?.name)
      if let declared, !opened.contains(axis) {
        extents.append(Extent(declared))
        result.axes.append(declared)
      } else {
        extents.append(
          symbols.symbol(
            named.map { "\($0.axis):\($0.name)" } ?? "\(axis) of \(name)", source: .init(input: name, axis: axis),
            declared: declared))
        result.axes.append(nil)
      }
    }
    if result.axisNames.allSatisfy({ $0 == nil }) { result.axisNames = [] }
    try set(input.name, .view(ONNXView(name, extents)))
    return result
  }

  /// The axes of an input that say how many images there are, and how large: all but the channels, which stand first or last.
  private static func sizeAxes(_ extents: [Int]) -> Set<Int> {
    guard extents.count == 4 else { return [0] }
    let isChannelsLast = (1...4).contains(extents[3]) && !(1...4).contains(extents[1])
    return isChannelsLast ? [0, 1, 2] : [0, 2, 3]
  }

  /// What the network is called: as the graph is, or as the file where exporters give every graph one name.
  func title(_ graph: String) -> String {
    let unnamed: Set<String> = ["", "main_graph", "main", "graph", "torch_jit", "torch-jit-export", "torch_graph"]
    guard unnamed.contains(graph) else { return graph.onOneLine }
    let file = path.flatMap { $0.split(separator: "/").last }.flatMap { $0.split(separator: ".").first }
    return file.map { String($0).onOneLine } ?? "network"
  }

  private func checkOperators(_ nodes: [ONNXNode]) throws(ONNXProblem) {
    var types: [String] = []
    var labels: [String: [String]] = [:]
    for node in nodes where !Self.operators.contains(node.type) {
      if labels[node.type] == nil { types.append(node.type) }
      labels[node.type, default: []].append(node.label)
    }
    guard types.isEmpty else {
      var lines = types.prefix(100).map { type in
        let found = labels[type] ?? []
        let more = found.count > 1 ? " and \(found.count - 1) more" : ""
        return "\(type) (node '\(found.first ?? "")'\(more))"
      }
      if types.count > lines.count { lines.append("and \(types.count - lines.count) more") }
      throw .unsupportedOperators(lines)
    }
  }

  // MARK: Values

  /// What the name stands for; tensors of the file are read when they are asked for.
  mutating func value(_ name: String) throws(ONNXProblem) -> Value? {
    if let known = values[name] { return known }
    guard let proto = initializers[name] else { return nil }
    let value = Value.constant(try reader.constant(proto))
    values[name] = value
    return value
  }

  mutating func value(_ node: ONNXNode, _ index: Int) throws(ONNXProblem) -> Value? {
    guard let name = node.input(index) else { return nil }
    guard let value = try value(name) else { throw .unknownValue(name, node: node.label) }
    return value
  }

  /// The constant that an input is; nil where it is absent.
  mutating func constant(_ node: ONNXNode, _ index: Int) throws(ONNXProblem) -> ONNXConstant? {
    switch try value(node, index) {
    case .constant(let constant): return constant
    case nil: return nil
    case .view: throw node.unsupported("its input \(index) '\(node.inputs[index])' is computed; it must be a constant")
    }
  }

  /// The weights that an input is; nil where it is absent.
  mutating func weights(_ node: ONNXNode, _ index: Int) throws(ONNXProblem) -> Tensor? {
    try constant(node, index).map { (constant) throws(ONNXProblem) in try tensor(constant, index, node) }
  }

  /// The elements of the constant that an input is; throws where one depends on an open extent.
  func tensor(_ constant: ONNXConstant, _ index: Int, _ node: ONNXNode) throws(ONNXProblem) -> Tensor {
    guard let tensor = constant.tensor else { throw node.unsupported("its input \(index) depends on the size of the image") }
    return tensor
  }

  /// An input as a view, constants as values that nothing computes.
  mutating func computed(_ value: Value, _ index: Int, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    switch value {
    case .view(let view): return view
    case .constant(let constant): return try constantValue(tensor(constant, index, node), node)
    }
  }

  /// The view that an input is; throws where it is none.
  mutating func view(_ node: ONNXNode, _ index: Int = 0) throws(ONNXProblem) -> ONNXView {
    switch try value(node, index) {
    case .view(let view): return view
    case .constant: throw node.unsupported("its input \(index) '\(node.inputs[index])' is a constant; it must be computed")
    case nil: throw node.invalid("its input \(index) is absent")
    }
  }

  /// The input as a value of the network with that many axes; a view of other axes is made one by nodes.
  mutating func plain(_ node: ONNXNode, _ index: Int = 0, rank: Int? = nil) throws(ONNXProblem) -> ONNXView {
    let view = try view(node, index)
    if let rank, view.rank != rank {
      throw node.unsupported("its input '\(node.inputs[index])' has \(view.rank) axes, not \(rank)")
    }
    if view.isPlain { return view }
    var result = try plain(view, node)
    // The next reader finds it so; it is exclusive as far as the name is read once.
    result.isExclusive = readers[node.inputs[index]] == 1
    values[node.inputs[index]] = .view(result)
    return result
  }

  /// Bytes are moved and compared until the graph casts them: their sums, products and quotients would be bytes, too, which no network
  /// of floats computes.
  mutating func followBytes(_ node: ONNXNode) throws(ONNXProblem) {
    guard node.inputs.contains(where: bytes.contains) else { return }
    let moves: Set<String> = [
      "Identity", "Dropout", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Split", "Concat",
      "Gather", "Expand", "Tile", "Pad", "DepthToSpace", "SpaceToDepth", "Max", "Min", "MaxPool", "GlobalMaxPool",
      "ReduceMax", "ReduceMin", "Where",
    ]
    let casts: Set<String> = ["Cast", "CastLike", "Shape", "Size", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]
    if moves.contains(node.type) { return bytes.formUnion(node.outputs) }
    guard casts.contains(node.type) else { throw node.unsupported("it computes with bytes; cast them to float first") }
  }

  /// A tensor that a node states as one of the file.
  mutating func add(_ proto: ONNXTensorProto, as name: String) throws(ONNXProblem) {
    guard initializers[name] == nil, values[name] == nil else { throw .duplicateValue(name) }
    initializers[name] = proto
  }

  mutating func set(_ name: String, _ value: Value) throws(ONNXProblem) {
    guard values[name] == nil else { throw .duplicateValue(name) }
    var value = value
    if case .view(var view) = value {
      view.isExclusive = view.isExclusive && readers[name] == 1
      value = .view(view)
    }
    values[name] = value
  }

  /// Sets the outputs of a node; names that are empty are not asked for.
  mutating func set(_ node: ONNXNode, _ results: [Value]) throws(ONNXProblem) {
    for (index, name) in node.outputs.enumerated() where !name.isEmpty {
      guard index < results.count else {
        if readers[name] == nil { continue }
        throw node.unsupported("its output \(index) '\(name)' is not computed")
      }
      try set(name, results[index])
    }
  }

  // MARK: Nodes of the network

  /// Draws on the budget for constants that are made.
  mutating func take(_ count: Int) throws(ONNXProblem) {
    // Each weight may be moved twice, and some more for shape arithmetic.
    let limit = 2 * (byteCount + reader.externalByteCount) + (1 << 22)
    guard count <= limit - elementsTaken else { throw .elementLimit(limit) }
    elementsTaken += count
  }

  /// Whether an extent can be a number, which an axis of an input that is open is fixed to.
  mutating func fix(_ extent: Extent, to value: Int) -> Bool { symbols.fix(extent, to: value) }

  /// Adds a node with its parameters, by role.
  mutating func emit(
    _ operation: Operation, _ inputs: [String], _ extents: [Extent], _ node: ONNXNode, name: String? = nil,
    parameters tensors: [ParameterRole: Tensor] = [:]
  ) throws(ONNXProblem) -> ONNXView {
    guard nodes.count < Self.nodeLimit else { throw .nodeLimit(Self.nodeLimit) }
    let isModule = name == nil && ONNXNames.module(node) != nil
    let name = names.unique(name ?? ONNXNames.readable(node))
    if isModule { modules.insert(name) }
    let added = Node(name: name, operation: operation, inputs: inputs)
    nodeIndices[name] = nodes.count
    nodes.append(added)
    for (role, tensor) in tensors { parameters[added.parameterName(role)] = tensor }
    var view = ONNXView(name, extents)
    view.isExclusive = true
    return view
  }

  /// The node that makes a value that nothing else reads.
  func producer(_ view: ONNXView) -> Node? {
    guard view.isExclusive, let index = nodeIndices[view.value] else { return nil }
    return nodes[index]
  }

  func parameter(_ role: ParameterRole, of node: Node) -> Tensor? { parameters[node.parameterName(role)] }

  /// Changes the operation, inputs and parameters of a node that is there.
  mutating func replace(
    _ node: Node, by operation: Operation, inputs: [String]? = nil, parameters tensors: [ParameterRole: Tensor]
  ) {
    guard let index = nodeIndices[node.name] else { return }
    nodes[index].operation = operation
    if let inputs { nodes[index].inputs = inputs }
    for (role, tensor) in tensors { parameters[node.parameterName(role)] = tensor }
  }
}
