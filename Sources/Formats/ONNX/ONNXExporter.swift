import Files
import Networks
import ONNXProto
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Makes an ONNX graph of a network: standard operators of opset 17, whose batch, height and width are open.
///
/// Operations that are more than one operator (a convolution with an epilogue) become several nodes; the last one makes the value
/// that has the operation's name.
struct ONNXExporter {
  static let opset = 17
  /// What belongs to opset 17.
  static let irVersion: Int64 = 8
  /// The largest message that programs read.
  static let byteLimit = Int(Int32.max)

  let network: Network
  private var graph = ONNXGraphProto()
  private var names = ONNXNames()
  /// The number of axes of each value.
  var ranks: [String: Int] = [:]
  /// What values of integers are.
  var codes: [String: Quantize] = [:]
  /// The numbers of such, in the graph, and the values that they are of.
  var numbers: [String: String] = [:]
  var codesOfNumbers: [String: String] = [:]
  /// The shapes of all values at some sizes of the inputs, those that fit the network.
  private let samples: [[String: Shape]]

  static func model(of network: Network) throws(FormatProblem) -> ONNXModelProto {
    do throws(NetworkError) { try network.verify() } catch { throw .network(error) }
    if let update = network.updates.first { throw .onnx(.updates(parameter: update.parameter)) }
    for input in network.inputs where input.element != .float32 && input.quantization == nil {
      throw .onnx(.input(input.name, reason: "holds \(input.element.rawValue) without a scale; inputs of float32 are written"))
    }
    var exporter = ONNXExporter(network.withParametersAsConstants())
    do throws(ONNXProblem) {
      try exporter.write()
    } catch {
      throw .onnx(error)
    }
    var model = ONNXModelProto()
    model.irVersion = irVersion
    model.producerName = "swiftlet"
    var imported = ONNXOperatorSetIdProto()
    imported.domain = ""
    imported.version = Int64(opset)
    model.opsetImport = [imported]
    model.graph = exporter.graph
    if let contract = network.contract {
      var entry = ONNXStringStringEntryProto()
      entry.key = ONNXFile.contractKey
      entry.value = contract.json
      model.metadataProps = [entry]
    }
    return model
  }

  private init(_ network: Network) {
    self.network = network
    samples = Self.samples(network, batch: 1) + Self.samples(network, batch: 2)
    for input in network.inputs {
      _ = names.unique(input.name)
      ranks[input.name] = input.axes.count
    }
    for node in network.nodes { _ = names.unique(node.name) }
  }

  /// The shapes of all values at the sizes, of those tried, that fit the network.
  private static func samples(_ network: Network, batch: Int) -> [[String: Shape]] {
    var result: [[String: Shape]] = []
    for (height, width) in [(224, 224), (64, 96), (256, 256), (32, 32), (28, 28), (36, 72), (512, 512), (16, 16), (1, 1)] {
      let inputs = network.inputs.map { input in
        Shape(
          input.axes.enumerated().map { axis, extent in
            extent ?? (axis == 0 ? batch : axis == input.axes.count - 1 ? width : height)
          })
      }
      do throws(NetworkError) { result.append(try network.inferredShapes(inputs: inputs)) } catch { continue }
    }
    return result
  }

  /// The extent that a value has at every size that was tried; nil where it follows from the size, or none fits.
  func extent(of value: String, axis: Int) -> Int? {
    let value = codesOfNumbers[value] ?? value
    let extents = Set(samples.compactMap { shapes in shapes[value].flatMap { axis < $0.rank ? $0[axis] : nil } })
    return extents.count == 1 ? extents.first : nil
  }

  private mutating func write() throws(ONNXProblem) {
    graph.name = network.name
    graph.input = network.inputs.map { input in
      let place = network.inputs.count == 1 ? "" : "\(input.name)."
      let usual = input.channels != nil ? ["batch", "channels", "height", "width"] : ["batch"]
      codes[input.name] = input.quantization.map { Quantize(input.element, $0) }
      return Self.valueInfo(
        input.name, input.element,
        input.axes.enumerated().map { axis, extent in
          if let extent { return .dimValue(Int64(extent)) }
          if axis < input.axisNames.count, let name = input.axisNames[axis] { return .dimParam(name) }
          return .dimParam("\(place)\(axis < usual.count ? usual[axis] : "axis\(axis)")")
        })
    }
    for node in network.nodes {
      codes[node.name] = codes(of: node)
      if node.operation.isOfIntegers || node.inputs.first.map({ codes[$0] != nil }) ?? false {
        try writeIntegers(node)
      } else {
        try write(node)
      }
      ranks[node.name] = try rank(node)
    }
    // An extent that is the same at every size that fits is fixed; where none fits, only the number of axes is known.
    graph.output = network.outputs.map { output in
      Self.valueInfo(
        output, codes[output]?.element ?? .float32,
        (0..<(ranks[output] ?? 4)).map { axis in
          if samples.count > 2, let fixed = extent(of: output, axis: axis) { return .dimValue(Int64(fixed)) }
          return .dimParam(axis == 0 ? "batch" : "\(output).\(axis)")
        })
    }
  }

  private static func valueInfo(
    _ name: String, _ element: DataType, _ dimensions: [ONNXTensorShapeProto.Dimension.OneOf_Value]
  ) -> ONNXValueInfoProto {
    var info = ONNXValueInfoProto()
    info.name = name
    let type: ONNXTensorProto.DataType = element == .uint8 ? .uint8 : element == .int8 ? .int8 : .float
    info.type.tensorType.elemType = Int32(type.rawValue)
    info.type.tensorType.shape.dim = dimensions.map { value in
      var dimension = ONNXTensorShapeProto.Dimension()
      dimension.value = value
      return dimension
    }
    return info
  }

  private func rank(_ node: Node) throws(ONNXProblem) -> Int {
    let first = node.inputs.first.flatMap { ranks[$0] } ?? 4
    switch node.operation {
    case .convolution, .separableConvolution, .transposedConvolution, .pixelShuffle, .pixelUnshuffle, .resize, .maximumPool,
      .averagePool, .globalAveragePool, .pad:
      return 4
    case .linear, .flatten: return 2
    case .reshape(let payload): return payload.extents.count
    case .transpose(let payload): return payload.permutation.count
    case .reduction(let payload): return payload.keepsAxes ? first : first - payload.axes.count
    case .maximumIndex(let payload): return payload.keepsAxis ? first : first - 1
    case .constant(let payload): return payload.shape.rank
    case .expand(let payload): return payload.extents.count
    case .normalization, .batchNorm, .activation, .scale, .channelAffine, .add, .binary, .matrixMultiply, .concatenation,
      .slice, .softmax, .integer, .training:
      return first
    }
  }

  // MARK: Parts of the graph

  /// A name for a value inside an operation.
  mutating func inner(_ node: Node, _ type: String) -> String { names.unique("\(node.name)/\(type)") }

  /// Adds a node of one output; returns the output's name.
  @discardableResult
  mutating func add(
    _ type: String, _ inputs: [String], _ output: String, _ attributes: [ONNXAttributeProto] = []
  ) -> String {
    var proto = ONNXNodeProto()
    proto.opType = type
    proto.name = output
    proto.input = inputs
    proto.output = [output]
    proto.attribute = attributes
    graph.node.append(proto)
    return output
  }

  /// Adds a parameter of the network; returns its name.
  mutating func parameter(_ node: Node, _ role: ParameterRole, shape: Shape? = nil) -> String {
    let name = names.unique(node.parameterName(role))
    guard let tensor = network.parameter(role, of: node) else { return name }
    add(tensor, shape ?? tensor.shape, name)
    return name
  }

  /// Adds a tensor of floats.
  mutating func floats(_ node: Node, _ what: String, _ values: [Float], shape: Shape? = nil) -> String {
    let name = inner(node, what)
    let tensor = Tensor([values.count], values)
    add(tensor, shape ?? tensor.shape, name)
    return name
  }

  /// Adds a number.
  mutating func number(_ node: Node, _ what: String, _ value: Float) -> String { floats(node, what, [value], shape: []) }

  /// Adds a tensor of any elements.
  mutating func tensor(_ node: Node, _ what: String, _ tensor: Tensor, shape: Shape? = nil) -> String {
    let name = inner(node, what)
    add(tensor, shape ?? tensor.shape, name)
    return name
  }

  /// Adds a vector of one double.
  mutating func double(_ node: Node, _ what: String, _ value: Double) -> String {
    let name = inner(node, what)
    var proto = ONNXTensorProto()
    proto.name = name
    proto.dataType = Int32(ONNXTensorProto.DataType.double.rawValue)
    proto.dims = [1]
    proto.rawData = withUnsafeBytes(of: value.bitPattern.littleEndian) { Data($0) }
    graph.initializer.append(proto)
    return name
  }

  /// Adds a list of integers.
  mutating func integers(_ node: Node, _ what: String, _ values: [Int]) -> String {
    let name = inner(node, what)
    var proto = ONNXTensorProto()
    proto.name = name
    proto.dataType = Int32(ONNXTensorProto.DataType.int64.rawValue)
    proto.dims = [Int64(values.count)]
    proto.rawData = values.withUnsafeBufferPointer { buffer in
      var data = Data(capacity: 8 * buffer.count)
      for value in buffer { withUnsafeBytes(of: Int64(value).littleEndian) { data.append(contentsOf: $0) } }
      return data
    }
    graph.initializer.append(proto)
    return name
  }

  /// A parameter of the network as an attribute.
  func constant(_ node: Node, _ role: ParameterRole) -> ONNXAttributeProto {
    var proto = ONNXAttributeProto()
    proto.name = role.rawValue
    proto.type = .tensor
    if let tensor = network.parameter(role, of: node) { proto.t = Self.tensor(tensor, tensor.shape, "") }
    return proto
  }

  private mutating func add(_ tensor: Tensor, _ shape: Shape, _ name: String) {
    graph.initializer.append(Self.tensor(tensor, shape, name))
  }

  private static func tensor(_ tensor: Tensor, _ shape: Shape, _ name: String) -> ONNXTensorProto {
    var proto = ONNXTensorProto()
    proto.name = name
    let type: ONNXTensorProto.DataType =
      switch tensor.dataType {
      case .float32: .float
      case .float16: .float16
      case .bfloat16: .bfloat16
      case .int8: .int8
      case .uint8: .uint8
      case .int32: .int32
      }
    proto.dataType = Int32(type.rawValue)
    proto.dims = shape.extents.map(Int64.init)
    // Tensors and files are little-endian both.
    proto.rawData = tensor.withUnsafeBytes { Data($0) }
    return proto
  }
}

extension ONNXAttributeProto {
  static func integer(_ name: String, _ value: Int) -> ONNXAttributeProto {
    var proto = ONNXAttributeProto()
    proto.name = name
    proto.type = .int
    proto.i = Int64(value)
    return proto
  }

  static func integers(_ name: String, _ values: [Int]) -> ONNXAttributeProto {
    var proto = ONNXAttributeProto()
    proto.name = name
    proto.type = .ints
    proto.ints = values.map(Int64.init)
    return proto
  }

  static func float(_ name: String, _ value: Float) -> ONNXAttributeProto {
    var proto = ONNXAttributeProto()
    proto.name = name
    proto.type = .float
    proto.f = value
    return proto
  }

  static func text(_ name: String, _ value: String) -> ONNXAttributeProto {
    var proto = ONNXAttributeProto()
    proto.name = name
    proto.type = .string
    proto.s = Data(value.utf8)
    return proto
  }
}
