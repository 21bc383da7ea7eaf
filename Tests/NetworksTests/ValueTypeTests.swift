import Networks
import Tensors
import OperationCases
import Testing

/// The types of values: what operations take of other elements than float32, and what they refuse.
@Suite struct ValueTypeTests {
  private static let codes = ValueType([2, 4, 4, 6], .int8, quantization: .init(scale: 0.5, zeroPoint: 3))

  @Test func operationsThatMoveElementsKeepTheirType() throws {
    let x = Self.codes
    func expect(_ operation: Operation, _ shape: Shape, _ inputs: [ValueType] = [Self.codes]) throws {
      #expect(try operation.outputType(inputs) == ValueType(shape, .int8, quantization: x.quantization))
    }
    try expect(.flatten, [2, 96])
    try expect(.reshape(Reshape([0, -1])), [2, 96])
    try expect(.transpose(Transpose([0, 2, 3, 1])), [2, 4, 6, 4])
    try expect(.slice(Slice([.init(axis: 1, start: 2)])), [2, 2, 4, 6])
    try expect(.concatenation(Concatenation()), [2, 8, 4, 6], [x, x])
    try expect(.pixelShuffle(PixelShuffle(factor: 2)), [2, 1, 8, 12])
    try expect(.pixelUnshuffle(PixelUnshuffle(factor: 2)), [2, 16, 2, 3])
    try expect(.expand(Expand([2, 4, 4, 6])), [2, 4, 4, 6])
    try expect(.maximumPool(Pool(kernel: 2)), [2, 4, 2, 3])
    try expect(.averagePool(Pool(kernel: 2)), [2, 4, 2, 3])
    try expect(.globalAveragePool, [2, 4, 1, 1])
    try expect(.pad(Pad(Padding(1), mode: .reflect)), [2, 4, 6, 8])
    try expect(.resize(Resize(method: .nearest, factor: 2)), [2, 4, 8, 12])
    #expect(throws: TypeMismatch("it takes float32 and gets \(x)")) {
      try Operation.resize(Resize(method: .bilinear, factor: 2)).outputType([x])
    }
    #expect(try Operation.integer(.dequantize).outputType([x]) == ValueType(x.shape))
    let payload = Quantize(.uint8, .init(scale: 2, zeroPoint: 9)),
      made = ValueType(x.shape, .uint8, quantization: payload.quantization)
    #expect(try Operation.integer(.quantize(payload)).outputType([ValueType(x.shape)]) == made)
    #expect(try Operation.integer(.lookup(Lookup(.uint8, payload.quantization))).outputType([x]) == made)
    #expect(try Operation.integer(.add(Requantization(.uint8, payload.quantization))).outputType([x, made]) == made)
    let plain = ValueType(x.shape, .int8)
    for operation: IntegerOperation in [.dequantize, .quantize(payload)] {
      #expect(throws: TypeMismatch.self) { try Operation.integer(operation).outputType([plain]) }
    }
  }

  @Test(arguments: OperationCase.all.filter { $0.network.nodes.count == 1 && !$0.network.nodes[0].inputs.isEmpty })
  func operationsThatReckonTakeFloats(_ example: OperationCase) throws {
    let node = example.network.nodes[0]
    let types = node.inputs.map { name in
      example.network.inputs.firstIndex { $0.name == name }.map { ValueType(example.inputShapes[$0]) } ?? ValueType([1])
    }
    #expect(try node.operation.outputType(types).element == .float32)
    var others = types
    others[0].element = .float16
    switch node.operation.definition.elements {
    case .float32, .products:
      #expect(throws: TypeMismatch("it takes float32 and gets \(others[0])")) { try node.operation.outputType(others) }
    case .pooled:
      #expect(throws: TypeMismatch("it takes float32, int8 or uint8 and gets \(others[0])")) {
        try node.operation.outputType(others)
      }
    case .converted: Issue.record("\(node.operation.typeName) makes other elements")
    case .moved:
      let alone = node.operation.definition.elementOperandCount == 1
      if alone {
        #expect(try node.operation.outputType(others).element == .float16)
      } else {
        #expect(throws: TypeMismatch.self) { try node.operation.outputType(others) }
      }
    }
  }

  /// Integers that stand for other numbers are not of one type with those that stand for themselves.
  @Test func faultsNameTheTypes() throws {
    let plain = ValueType([2, 4, 4, 6], .int8)
    #expect(throws: TypeMismatch("int8 2x4x4x6 (0.5 · (q - 3)) and int8 2x4x4x6 are not of one type of element")) {
      try Operation.concatenation(Concatenation()).outputType([Self.codes, plain])
    }
    var builder = NetworkBuilder("net")
    let x = builder.input("x", axes: [nil, 4, 2, 2])
    builder.output(builder.activation("relu", x, .relu))
    var network = try builder.build(.zeros)
    network.inputs[0].element = .uint8
    #expect(network.graph.text.hasPrefix("network net: x uint8 [N, 4, 2, 2] -> relu\n"))
    #expect(try NetworkGraph(json: network.graph.json) == network.graph)
    #expect(throws: NetworkError.shape(node: "relu", operation: "relu", reason: "it takes float32 and gets uint8 1x4x2x2")) {
      try network.inferredTypes(inputs: [[1, 4, 2, 2]])
    }
  }
}
