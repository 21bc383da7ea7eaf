import Networks
import ONNXProto
import Tensors

/// Integers of files: `QuantizeLinear` and `DequantizeLinear` around operators of numbers, and `QLinearConv`.
///
/// Constants become the numbers that they stand for. When all nodes are made, layers whose operands are such numbers sum the integers
/// themselves (`NetworkEditor.drawInIntegers`).
extension ONNXImporter {
  /// Weights as they lie in a file: integers, less their zero points, with a scale for all or for each along an axis.
  struct Grid {
    var integers: Tensor
    var scales: [Float]
  }

  /// The integers of a tensor of the file; nil where the name is none, or one of numbers.
  mutating func integers(_ name: String?) throws(ONNXProblem) -> Tensor? {
    guard let name, let proto = initializers[name] else { return nil }
    return try reader.integers(proto)
  }

  /// `DequantizeLinear` of a tensor of the file; nil of a value.
  mutating func dequantizedConstant(_ node: ONNXNode) throws(ONNXProblem) -> ONNXConstant? {
    try node.checkInputs(2...3)
    guard let tensor = try integers(node.input(0)) else { return nil }
    let (numbers, grid) = try numbers(
      tensor, scale: node.input(1), zero: node.input(2), axis: node.integer("axis", default: 1), node)
    if let grid, let output = node.outputs.first { grids[output] = grid }
    return .floats(numbers)
  }

  /// The numbers that integers of the file stand for, and the integers where they are such as layers sum.
  mutating func numbers(
    _ tensor: Tensor, scale: String?, zero: String?, axis: Int, _ node: ONNXNode
  ) throws(ONNXProblem) -> (numbers: Tensor, grid: Grid?) {
    let scales = try scales(scale, node), zeros = try integers(zero)?.integers ?? [0]
    let rank = tensor.shape.rank, axis = axis < 0 ? axis + rank : axis
    let count = scales.count == 1 && zeros.count == 1 ? 1 : axis >= 0 && axis < rank ? tensor.shape[axis] : 0
    guard [1, count].contains(scales.count), [1, count].contains(zeros.count), count > 0 else {
      throw node.invalid(
        "\(scales.count) scales and \(zeros.count) zero points do not fit a tensor of \(tensor.shape) along axis \(axis)")
    }
    let inner = count == 1 ? tensor.count : tensor.shape.extents[(axis + 1)...].reduce(1, *)
    try take(2 * tensor.count)
    let integers = (tensor.integers ?? []).enumerated().map { index, integer in
      Int(integer) - Int(zeros[zeros.count == 1 ? 0 : index / max(inner, 1) % count])
    }
    let numbers = integers.enumerated().map { index, integer in
      Float(integer) * scales[scales.count == 1 ? 0 : index / max(inner, 1) % count]
    }
    let element = tensor.dataType == .int32 ? DataType.int32 : .int8
    let fits = integers.allSatisfy { element.integers?.contains($0) ?? false }
    return (
      Tensor(tensor.shape, numbers),
      fits ? Grid(integers: Tensor(tensor.shape, element, integers: integers), scales: scales) : nil
    )
  }

  /// Scales above 0 that are numbers of usual size.
  mutating func scales(_ name: String?, _ node: ONNXNode) throws(ONNXProblem) -> [Float] {
    guard let name, case .constant(let constant)? = try value(name), let scales = constant.tensor?.floats, !scales.isEmpty
    else {
      throw node.unsupported("its scale is no constant")
    }
    for scale in scales where !(scale > 0 && scale.isFinite) {
      throw node.invalid("the scale \(scale) is not above 0 and finite; quantise the model again")
    }
    for scale in scales where !(scale <= 0x1p32) {
      throw node.invalid("the scale \(scale) is above 2^32; quantise the model again")
    }
    return scales
  }

  /// What integers of a value stand for: one scale and one zero point.
  mutating func quantization(_ scale: String?, _ zero: String?, _ node: ONNXNode) throws(ONNXProblem) -> Quantize {
    let scales = try scales(scale, node)
    var element = DataType.uint8, zeroPoint = 0
    if let zero {
      guard let tensor = try integers(zero), let integers = tensor.integers else {
        throw node.unsupported("its zero point is no constant of int8 or uint8")
      }
      guard integers.count == 1 else { throw node.unsupported("it has \(integers.count) zero points; values have one") }
      (element, zeroPoint) = (tensor.dataType, Int(integers[0]))
    }
    guard scales.count == 1 else {
      throw node.unsupported("it has \(scales.count) scales; values have one, weights one a channel")
    }
    let payload = Quantize(element, .init(scale: scales[0], zeroPoint: zeroPoint))
    if let fault = Operation.integer(.quantize(payload)).attributeFault { throw node.invalid(fault) }
    return payload
  }

  /// `QuantizeLinear` of numbers of the file, such as weights whose integers it does not hold; nil of a value.
  mutating func quantizedConstant(_ node: ONNXNode) throws(ONNXProblem) -> ONNXTensorProto? {
    try node.checkInputs(2...3)
    guard case .constant(.floats(let tensor))? = try value(node, 0) else { return nil }
    let scales = try scales(node.input(1), node), zeros = try integers(node.input(2))
    let element = zeros?.dataType ?? .uint8, points = zeros?.integers ?? [0], rank = tensor.shape.rank
    guard let range = element.integers, element.isCode else {
      throw node.unsupported("it makes \(element.rawValue) of weights")
    }
    let given = node.integer("axis", default: 1), axis = given < 0 ? given + rank : given
    let count = scales.count == 1 && points.count == 1 ? 1 : axis >= 0 && axis < rank ? tensor.shape[axis] : 0
    guard [1, count].contains(scales.count), [1, count].contains(points.count), count > 0 else {
      throw node.invalid(
        "\(scales.count) scales and \(points.count) zero points do not fit a tensor of \(tensor.shape) along axis \(axis)")
    }
    let inner = count == 1 ? tensor.count : tensor.shape.extents[(axis + 1)...].reduce(1, *)
    try take(tensor.count)
    var proto = ONNXTensorProto()
    proto.dims = tensor.shape.extents.map(Int64.init)
    proto.dataType = element == .int8 ? 3 : 2
    proto.int32Data = tensor.floats.enumerated().map { index, number in
      let place = index / max(inner, 1) % count
      let quotient = (number / scales[scales.count == 1 ? 0 : place]).rounded(.toNearestOrEven)
      let integer = Double(quotient.isNaN ? 0 : quotient) + Double(points[points.count == 1 ? 0 : place])
      return Int32(min(max(integer, Double(range.lowerBound)), Double(range.upperBound)))
    }
    return proto
  }

  mutating func quantized(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(2...3)
    let payload = try quantization(node.input(1), node.input(2), node)
    return try quantized(view(node), payload, node)
  }

  mutating func quantized(_ x: ONNXView, _ payload: Quantize, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let result = try elementwise(.integer(.quantize(payload)), x, node)
    codes[result.value] = payload
    return result
  }

  /// `DequantizeLinear` of a value, which must be of integers of that scale.
  mutating func dequantized(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let payload = try quantization(node.input(1), node.input(2), node)
    return try dequantized(view(node), payload, node)
  }

  mutating func dequantized(_ x: ONNXView, _ payload: Quantize, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    guard let known = codes(of: x.value), known.element == payload.element else {
      throw node.unsupported("it takes integers that no QuantizeLinear before it makes")
    }
    guard known.quantization == payload.quantization else {
      throw node.unsupported("it reads integers of \(known.quantization) as \(payload.quantization)")
    }
    return try elementwise(.integer(.dequantize), x, node)
  }

  /// What a value's integers stand for: those of what only moved them, too.
  func codes(of value: String) -> Quantize? {
    var value = value
    for _ in 0..<1000 {
      if let known = codes[value] { return known }
      guard let index = nodeIndices[value] else { return nil }
      let node = nodes[index]
      switch node.operation.definition.elements {
      case .moved, .pooled: value = node.inputs.first ?? ""
      case .float32, .products, .converted: return nil
      }
    }
    return nil
  }

  /// A convolution of integers: one of the numbers that they stand for, stored as integers.
  mutating func integerConvolution(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(8...9)
    let input = try quantization(node.input(1), node.input(2), node),
      output = try quantization(node.input(6), node.input(7), node)
    let x = try dequantized(view(node), input, node)
    guard let tensor = try integers(node.input(3)) else {
      throw node.unsupported("its weights are no constant of int8 or uint8")
    }
    let (weight, grid) = try numbers(tensor, scale: node.input(4), zero: node.input(5), axis: 0, node)
    let place = "\(node.outputs.first ?? node.label)/integers"
    let names = ["x", "w", "b"].map { "\(place)/\($0)" }
    try set(names[0], .view(x))
    try set(names[1], .constant(.floats(weight)))
    grids[names[1]] = grid
    var inputs = [names[0], names[1]]
    if node.input(8) != nil {
      try setBias(node, 8, weightScale: 4, inputScale: 1, names[2])
      inputs.append(names[2])
    }
    let plain = node.reading(inputs)
    let sums = try convolution(plain)
    noteLayer(plain, sums)
    return try quantized(sums, output, node)
  }

  /// Remembers of which integers a layer's weights and biases are the numbers.
  mutating func noteLayer(_ node: ONNXNode, _ result: ONNXView) {
    guard var weight = node.input(1).flatMap({ grids[$0] }), nodeIndices[result.value] != nil else { return }
    // What is multiplied by columns is a layer whose rows are those.
    let isTurned = node.type == "MatMul" || (node.type == "Gemm" && node.integer("transB", default: 0) == 0)
    if isTurned, weight.integers.shape.rank == 2 {
      let (rows, columns) = (weight.integers.shape[0], weight.integers.shape[1]), integers = weight.integers.integers ?? []
      weight.integers = Tensor(
        [columns, rows], weight.integers.dataType,
        integers: (0..<rows * columns).map { Int(integers[$0 % rows * columns + $0 / rows]) })
    }
    layers[result.value] = (weight, node.input(2).flatMap { grids[$0] })
  }
}

extension ONNXTensorReader {
  /// The elements of a tensor of int8, uint8 or int32, however many; nil of another type.
  mutating func integers(_ proto: ONNXTensorProto) throws(ONNXProblem) -> Tensor? {
    let element: DataType
    switch ONNXTensorProto.DataType(rawValue: Int(proto.dataType)) {
    case .int8: element = .int8
    case .uint8: element = .uint8
    case .int32: element = .int32
    default: return nil
    }
    let name = proto.name.isEmpty ? "of a node" : proto.name, shape = try shape(proto, name: name)
    var bytes: [UInt8]
    if proto.dataLocation == .external {
      bytes = Array(try externalData(proto, name: name))
    } else if proto.hasRawData {
      bytes = [UInt8](proto.rawData)
    } else {
      let values = proto.int32Data
      guard values.count == shape.count, values.allSatisfy({ element.integers?.contains(Int($0)) ?? false }) else {
        throw .tensor(name, reason: "is \(shape) and has \(values.count) elements, or some beyond \(element.rawValue)")
      }
      return Tensor(shape, element, integers: values.map(Int.init))
    }
    guard bytes.count == shape.count * element.byteCount else {
      throw .tensor(name, reason: "is \(shape) and has \(bytes.count) bytes, not \(shape.count * element.byteCount)")
    }
    return Tensor(unsafeUninitialized: shape, element) { target in
      bytes.withUnsafeBytes { target.copyMemory(from: $0) }
    }
  }
}
