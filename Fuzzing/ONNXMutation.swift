import ONNXProto
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Changes of a model by its messages: operators, edges, attributes, shapes.
struct ONNXMutation {
  var model: ONNXModelProto
  var generator: SplitMix64

  static let operators = [
    "Abs", "Add", "And", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Clip", "Concat", "Constant", "ConstantOfShape",
    "Conv",
    "ConvTranspose", "DepthToSpace", "Div", "Dropout", "Elu", "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor", "Gather",
    "Gelu",
    "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater", "GroupNormalization", "HardSigmoid", "HardSwish", "Identity",
    "InstanceNormalization", "LRN", "LayerNormalization", "LeakyRelu", "Less", "Log", "LogSoftmax", "MatMul", "Max", "MaxPool",
    "Min",
    "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pad", "Pow", "Range", "Reciprocal", "ReduceL2", "ReduceMax",
    "ReduceMean",
    "ReduceMin", "ReduceProd", "ReduceSum", "Relu", "Reshape", "Resize", "Round", "Selu", "Shape", "Sigmoid", "Sign", "Size",
    "Slice",
    "Softmax", "Softplus", "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Tile", "Transpose", "Unsqueeze",
    "Upsample", "Where",
  ]

  private static let attributes = [
    "axis", "axes", "kernel_shape", "strides", "pads", "dilations", "group", "output_padding", "output_shape", "auto_pad",
    "ceil_mode",
    "count_include_pad", "keepdims", "noop_with_empty_axes", "perm", "to", "start", "end", "allowzero", "blocksize", "mode",
    "coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a", "exclude_outside", "antialias",
    "keep_aspect_ratio_policy",
    "alpha", "beta", "gamma", "epsilon", "momentum", "transA", "transB", "value", "value_int", "value_ints", "value_float",
    "value_floats", "split", "num_outputs", "approximate", "fmod", "training_mode", "min", "max", "scales", "starts", "ends",
    "bias",
    "size", "num_groups", "stash_type",
  ]

  private static let texts = [
    "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "nearest", "linear", "cubic", "floor", "ceil", "round_prefer_floor",
    "round_prefer_ceil", "asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners", "half_pixel_symmetric", "constant",
    "reflect",
    "edge", "wrap", "DCR", "CRD", "tanh", "none", "not_larger", "not_smaller",
  ]

  private mutating func pick<Element>(_ list: [Element]) -> Element? { list.randomElement(using: &generator) }

  private mutating func index(_ count: Int) -> Int? { count > 0 ? Int.random(in: 0..<count, using: &generator) : nil }

  private mutating func integer() -> Int64 {
    switch generator.next() % 4 {
    case 0: pick([.max, .min, 1 << 31, -(1 << 31), 1 << 32, 1 << 62, 1 << 20, 65535, 65536, 1000]) ?? 0
    default: Int64.random(in: -4...9, using: &generator)
    }
  }

  private mutating func float() -> Float {
    pick([0, 1, -1, 0.5, 2, 3, 1.5, 0.7, 1e-30, 1e30, .infinity, -.infinity, .nan, 1 / 3, -0.0, 0.2]) ?? 0
  }

  /// One change; `plain` changes bytes.
  mutating func step(_ plain: ([UInt8]) -> [UInt8]) {
    guard let place = index(model.graph.node.count) else { return }
    switch generator.next() % 16 {
    case 0: model.graph.node.remove(at: place)
    case 1: insertNode(at: place)
    case 2, 3: model.graph.node[place].opType = pick(Self.operators) ?? ""
    case 4, 5: reroute(place)
    case 6, 7, 8, 9: changeAttribute(place)
    case 10: changeInputShape()
    case 11, 12, 13: changeTensor(plain)
    case 14: changeOutputs(place)
    default:
      if let opset = index(model.opsetImport.count) {
        model.opsetImport[opset].version = Int64.random(in: 6...26, using: &generator)
      }
    }
  }

  /// A value's name: of an input, an initializer, or what a node makes.
  private mutating func name() -> String {
    let graph = model.graph
    let names = graph.node.flatMap(\.output) + graph.initializer.map(\.name) + graph.input.map(\.name) + [""]
    return pick(names) ?? ""
  }

  /// A copy of a node behind it, its value read by the next in its place.
  private mutating func insertNode(at place: Int) {
    var node = model.graph.node[place]
    guard let value = node.output.first else { return }
    if generator.next() % 2 == 0 {
      node.opType = pick(Self.operators) ?? ""
      node.attribute = []
    }
    if !node.input.isEmpty { node.input[0] = value }
    if node.input.count < 3, generator.next() % 2 == 0 { node.input.append(name()) }
    let fresh = "f\(generator.next() % 100_000)"
    node.output = [fresh]
    node.name = fresh
    for reader in model.graph.node.indices where reader > place {
      for input in model.graph.node[reader].input.indices where model.graph.node[reader].input[input] == value {
        model.graph.node[reader].input[input] = fresh
      }
    }
    for output in model.graph.output.indices where model.graph.output[output].name == value {
      model.graph.output[output].name = fresh
    }
    model.graph.node.insert(node, at: place + 1)
  }

  private mutating func reroute(_ place: Int) {
    let other = name()
    guard let input = index(model.graph.node[place].input.count) else { return }
    switch generator.next() % 4 {
    case 0: model.graph.node[place].input.remove(at: input)
    case 1: model.graph.node[place].input.append(other)
    default: model.graph.node[place].input[input] = other
    }
  }

  private mutating func changeAttribute(_ place: Int) {
    if model.graph.node[place].attribute.isEmpty || generator.next() % 4 == 0 {
      var attribute = ONNXAttributeProto()
      attribute.name = pick(Self.attributes) ?? ""
      model.graph.node[place].attribute.append(attribute)
    }
    guard let index = index(model.graph.node[place].attribute.count) else { return }
    var attribute = model.graph.node[place].attribute[index]
    switch generator.next() % 8 {
    case 0:
      model.graph.node[place].attribute.remove(at: index)
      return
    case 1, 2:
      attribute.i = integer()
      attribute.type = .int
    case 3:
      attribute.s = Data((pick(Self.texts) ?? "").utf8)
      attribute.type = .string
    case 4:
      attribute.f = float()
      attribute.type = .float
    default:
      if attribute.ints.isEmpty || generator.next() % 4 == 0 {
        attribute.ints = (0..<Int(generator.next() % 6)).map { _ in integer() }
        attribute.type = .ints
      } else if let entry = self.index(attribute.ints.count) {
        attribute.ints[entry] = integer()
      }
    }
    model.graph.node[place].attribute[index] = attribute
  }

  private mutating func changeInputShape() {
    guard let input = index(model.graph.input.count) else { return }
    var dimensions = model.graph.input[input].type.tensorType.shape.dim
    guard let axis = index(dimensions.count) else { return }
    switch generator.next() % 4 {
    case 0: dimensions[axis].dimParam = pick(["h", "w", "n", "s"]) ?? ""
    case 1: dimensions.remove(at: axis)
    default: dimensions[axis].dimValue = pick([1, 2, 3, 4, 8, 13, 16, 17, 32, 45, 61, 0, -1, 1 << 20, 1 << 40]) ?? 1
    }
    model.graph.input[input].type.tensorType.shape.dim = dimensions
  }

  /// Shapes and elements of weights and of what sizes are computed from.
  private mutating func changeTensor(_ plain: ([UInt8]) -> [UInt8]) {
    let holders = model.graph.node.indices.filter { model.graph.node[$0].attribute.contains(where: \.hasT) }
    if let place = pick(holders), generator.next() % 2 == 0 {
      guard let index = model.graph.node[place].attribute.firstIndex(where: \.hasT) else { return }
      var tensor = model.graph.node[place].attribute[index].t
      change(&tensor, plain)
      model.graph.node[place].attribute[index].t = tensor
    } else if let index = index(model.graph.initializer.count) {
      var tensor = model.graph.initializer[index]
      change(&tensor, plain)
      model.graph.initializer[index] = tensor
    }
  }

  private mutating func change(_ tensor: inout ONNXTensorProto, _ plain: ([UInt8]) -> [UInt8]) {
    switch generator.next() % 6 {
    case 0:
      if let axis = index(tensor.dims.count) { tensor.dims[axis] = integer() }
    case 1: tensor.dims = []
    case 2:
      if let axis = index(tensor.dims.count + 1) { tensor.dims.insert(1, at: axis) }
    case 3: tensor.dataType = Int32(generator.next() % 18)
    default:
      // Elements of eight bytes are sizes.
      let bytes = [UInt8](tensor.rawData)
      if tensor.dataType == 7, let element = index(bytes.count / 8) {
        var number: [UInt8] = []
        let value = integer()
        for shift in 0..<8 { number.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
        tensor.rawData.replaceSubrange(
          tensor.rawData.startIndex + 8 * element..<tensor.rawData.startIndex + 8 * element + 8, with: number)
      } else if tensor.dataType == 1, let element = index(bytes.count / 4) {
        let bits = float().bitPattern
        let number = (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        tensor.rawData.replaceSubrange(
          tensor.rawData.startIndex + 4 * element..<tensor.rawData.startIndex + 4 * element + 4, with: number)
      } else {
        tensor.rawData = Data(plain(bytes))
      }
    }
  }

  private mutating func changeOutputs(_ place: Int) {
    switch generator.next() % 3 {
    case 0:
      var output = ONNXValueInfoProto()
      output.name = name()
      model.graph.output.append(output)
    case 1:
      if model.graph.output.count > 1, let index = index(model.graph.output.count) { model.graph.output.remove(at: index) }
    default:
      if let index = index(model.graph.output.count) { model.graph.output[index].name = name() }
    }
  }
}
