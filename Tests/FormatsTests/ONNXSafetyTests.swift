import Files
import Networks
import ONNXProto
import Tensors
import Testing

@testable import Formats

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Files of strangers: every fault is an error on one line that names it, and none takes more than the file is worth.
@Suite struct ONNXSafetyTests {
  static let fixtures = [
    "unet-open", "channels-last", "shape-arithmetic", "unshuffle-dynamo", "typed-fields", "squeeze-excite-open",
  ]

  static func bytes(_ name: String) throws -> [UInt8] {
    try FileReader.bytes(of: ONNXFixture.path(name), limit: 1 << 24)
  }

  /// Reads, and where it is read, asks for everything that others will ask for.
  private static func expectHarmless(_ bytes: [UInt8], _ what: @autoclosure () -> String) {
    do {
      let network = try ONNXFile.read(bytes: bytes)
      _ = network.text
      _ = try? network.ledger(inputs: network.inputs.map { $0.usualShape(side: 8) ?? [1, 3, 8, 8] })
      _ = try? ONNXFile.bytes(of: network)
    } catch {
      let line = "\(error)"
      #expect(!line.contains("\n") && line.count < 4000, "\(what()): \(line)")
    }
  }

  @Test(arguments: fixtures)
  func truncatedFilesAreRefused(name: String) throws {
    let bytes = try Self.bytes(name)
    for length in 0..<bytes.count {
      #expect(throws: FormatProblem.self, "cut at \(length)") { try ONNXFile.read(bytes: Array(bytes[..<length])) }
    }
  }

  @Test(arguments: fixtures)
  func flippedBytesAreHarmless(name: String) throws {
    let bytes = try Self.bytes(name)
    var generator = SplitMix64(seed: 7)
    for round in 0..<2000 {
      var damaged = bytes
      for _ in 0..<(round % 4 + 1) {
        let place = Int(generator.next() % UInt64(bytes.count))
        damaged[place] = UInt8(truncatingIfNeeded: generator.next())
      }
      Self.expectHarmless(damaged, "\(name), round \(round)")
    }
  }

  @Test func bytesOfNothingAreRefused() {
    #expect(throws: FormatProblem.onnx(.noGraph)) { try ONNXFile.read(bytes: []) }
    #expect(throws: FormatProblem.notOfFormat(.onnx)) { try ONNXFile.read(bytes: Array("no model at all".utf8)) }
    var generator = SplitMix64(seed: 3)
    for _ in 0..<2000 {
      let count = Int(generator.next() % 200)
      Self.expectHarmless((0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }, "noise")
    }
  }

  @Test func deepNestingIsRefused() {
    // A message in a message in a message: attributes' tensors, where the schema nests, and groups, which are skipped.
    var bytes: [UInt8] = []
    for _ in 0..<200_000 { bytes.append(0x63) }
    #expect(throws: FormatProblem.self) { try ONNXFile.read(bytes: bytes) }
    var nested: [UInt8] = []
    for _ in 0..<2000 {
      var length: [UInt8] = []
      var rest = nested.count
      repeat {
        length.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
        rest >>= 7
      } while rest > 0
      nested = [0x3A] + length + nested
    }
    Self.expectHarmless(nested, "nested")
  }

  // MARK: Graphs that are none

  /// A model of one convolution `stem` on `x` and a ReLU, for changes.
  static func model(_ change: (inout ONNXModelProto) -> Void) -> ONNXModelProto {
    var model = ONNXModelProto()
    model.irVersion = 8
    var opset = ONNXOperatorSetIdProto()
    opset.version = 17
    model.opsetImport = [opset]
    var input = ONNXValueInfoProto()
    input.name = "x"
    input.type.tensorType.elemType = 1
    input.type.tensorType.shape.dim = [1, 3, 8, 8].map { (extent: Int64) in
      var dimension = ONNXTensorShapeProto.Dimension()
      dimension.dimValue = extent
      return dimension
    }
    var output = ONNXValueInfoProto()
    output.name = "y"
    model.graph.input = [input]
    model.graph.output = [output]
    model.graph.initializer = [tensor("w", [4, 3, 3, 3])]
    model.graph.node = [node("Conv", ["x", "w"], ["c"]), node("Relu", ["c"], ["y"])]
    change(&model)
    return model
  }

  static func node(_ type: String, _ inputs: [String], _ outputs: [String]) -> ONNXNodeProto {
    var node = ONNXNodeProto()
    node.opType = type
    node.input = inputs
    node.output = outputs
    return node
  }

  static func tensor(_ name: String, _ shape: [Int]) -> ONNXTensorProto {
    var tensor = ONNXTensorProto()
    tensor.name = name
    tensor.dataType = 1
    tensor.dims = shape.map(Int64.init)
    tensor.floatData = Array(repeating: 0.5, count: shape.reduce(1, *))
    return tensor
  }

  static func integers(_ name: String, _ values: [Int64]) -> ONNXTensorProto {
    var tensor = ONNXTensorProto()
    tensor.name = name
    tensor.dataType = 7
    tensor.dims = [Int64(values.count)]
    tensor.int64Data = values
    return tensor
  }

  /// The error for a model with a change; nil where it is read.
  static func problem(_ change: (inout ONNXModelProto) -> Void) throws -> String? {
    do {
      _ = try ONNXFile.read(bytes: model(change).serializedBytes())
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func theModelForChangesIsRead() throws { #expect(try Self.problem { _ in } == nil) }

  @Test func faultsAreNamed() throws {
    func expect(_ text: String, _ change: (inout ONNXModelProto) -> Void) throws {
      let problem = try Self.problem(change)
      #expect(problem?.contains(text) ?? false, "\(problem ?? "read") does not say: \(text)")
    }
    try expect("'y' depends on its own output") { $0.graph.node = [Self.node("Add", ["x", "y"], ["y"])] }
    try expect("depends on its own output") {
      $0.graph.node = [Self.node("Relu", ["b"], ["a"]), Self.node("Relu", ["a"], ["b"]), Self.node("Add", ["a", "x"], ["y"])]
    }
    try expect("'c' (Conv)") { $0.graph.initializer[0] = Self.tensor("w", [4, 2, 3, 3]) }
    try expect("reads 'w'") { $0.graph.initializer = [] }
    try expect("the tensor 'w'") { $0.graph.initializer[0].floatData.removeLast() }
    try expect("has an extent of -1") { $0.graph.initializer[0].dims[0] = -1 }
    try expect("too many elements") { $0.graph.initializer[0].dims = [1 << 20, 1 << 20, 3, 3] }
    try expect("too many elements") { $0.graph.initializer[0].dims = [0, 1 << 36, 1 << 36, 3] }
    try expect("has an extent of") { $0.graph.initializer[0].dims[0] = .max }
    try expect("axes; at most 16") { $0.graph.initializer[0].dims = Array(repeating: 1, count: 40) }
    try expect("elements of type 42") { $0.graph.initializer[0].dataType = 42 }
    try expect("two values of the ONNX graph are called 'w'") { $0.graph.initializer.append(Self.tensor("w", [1])) }
    try expect("two values of the ONNX graph are called 'c'") { $0.graph.node.append(Self.node("Relu", ["x"], ["c"])) }
    try expect("two values of the ONNX graph are called 'x'") { $0.graph.node.append(Self.node("Relu", ["c"], ["x"])) }
    try expect("two values of the ONNX graph are called 'x'") { $0.graph.input.append($0.graph.input[0]) }
    try expect("the output 'z'") { $0.graph.output[0].name = "z" }
    try expect("no outputs") { $0.graph.output = [] }
    try expect("takes 2 to 3 inputs and gets 1") { $0.graph.node[0].input = ["x"] }
    try expect("reads 'nothing'") { $0.graph.node[1].input = ["nothing"] }
    try expect("opset 8") { $0.opsetImport[0].version = 8 }
    try expect("opset 25") { $0.opsetImport[0].version = 25 }
    try expect("does not say its opset") { $0.opsetImport = [] }
    try expect("has 3 axes") { $0.graph.input[0].type.tensorType.shape.dim.removeLast() }
    try expect("elements of type 7") { $0.graph.input[0].type.tensorType.elemType = 7 }
    try expect("sparse") { $0.graph.sparseInitializer = [ONNXSparseTensorProto()] }
    try expect("its weight is 4") { $0.graph.initializer[0].dims = [4, 27] }
    try expect("the attribute 'strides' has 3 values") {
      var strides = ONNXAttributeProto()
      strides.name = "strides"
      strides.ints = [1, 1, 1]
      $0.graph.node[0].attribute = [strides]
    }
    try expect("a kernel, stride or dilation is not in") {
      var strides = ONNXAttributeProto()
      strides.name = "strides"
      strides.ints = [0, 1]
      $0.graph.node[0].attribute = [strides]
    }
    try expect("holds -9223372036854775808") {
      var pads = ONNXAttributeProto()
      pads.name = "pads"
      pads.ints = [.min, .max, 0, 0]
      $0.graph.node[0].attribute = [pads]
    }
    try expect("is no permutation") {
      var permutation = ONNXAttributeProto()
      permutation.name = "perm"
      permutation.ints = [0, 1, 2, 2]
      $0.graph.node[1] = Self.node("Transpose", ["c"], ["y"])
      $0.graph.node[1].attribute = [permutation]
    }
    try expect("holds a NaN") { $0.graph.initializer[0].floatData[5] = .nan }
  }

  @Test func unsupportedOperatorsAreAllListed() throws {
    let problem = try Self.problem {
      $0.graph.node = [
        Self.node("Loop", ["x"], ["a"]), Self.node("Conv", ["a", "w"], ["c"]), Self.node("NonMaxSuppression", ["c"], ["d"]),
        Self.node("Loop", ["d"], ["y"]), Self.node("If", ["x"], ["unread"]),
      ]
      $0.graph.node[2].name = "boxes"
      $0.graph.node[2].domain = "custom"
    }
    #expect(
      problem
        == "the ONNX model uses operators that are not supported: Loop (node 'a' and 1 more), custom.NonMaxSuppression (node 'boxes')"
    )
  }

  @Test func unsupportedFormsNameTheNode() throws {
    let problem = try Self.problem {
      $0.graph.node[1] = Self.node("MaxPool", ["c"], ["y"])
      $0.graph.node[1].name = "down"
      var (kernel, dilations) = (ONNXAttributeProto(), ONNXAttributeProto())
      kernel.name = "kernel_shape"
      kernel.ints = [2, 2]
      dilations.name = "dilations"
      dilations.ints = [2, 2]
      $0.graph.node[1].attribute = [kernel, dilations]
    }
    #expect(
      problem == "the ONNX node 'down' (MaxPool) is not supported in this form: its windows have a dilation of 2")
  }

  // MARK: Time and memory

  @Test func constantsAreBounded() throws {
    func expectRefused(_ change: (inout ONNXModelProto) -> Void) throws { #expect(try Self.problem(change) != nil) }
    // Few bytes that ask for many elements.
    try expectRefused {
      $0.graph.initializer.append(Self.integers("huge", [1 << 16, 1 << 16, 3, 3]))
      $0.graph.node[0].input[1] = "filled"
      $0.graph.node.insert(Self.node("ConstantOfShape", ["huge"], ["filled"]), at: 0)
    }
    try expectRefused {
      $0.graph.initializer.append(Self.integers("huge", [1 << 15, 3, 3, 3]))
      $0.graph.node[0].input[1] = "filled"
      $0.graph.node.insert(Self.node("Expand", ["w1", "huge"], ["filled"]), at: 0)
      $0.graph.initializer.append(Self.tensor("w1", [1]))
      // The same again and again.
      for index in 0..<1000 {
        $0.graph.node.insert(Self.node("Expand", ["w1", "huge"], ["f\(index)"]), at: 1)
        $0.graph.node.append(Self.node("Conv", ["x", "f\(index)"], ["y\(index)"]))
        $0.graph.output.append(ONNXValueInfoProto.with { $0.name = "y\(index)" })
      }
    }
    try expectRefused {
      $0.graph.initializer += [Self.integers("zero", [0]), Self.integers("end", [1 << 40]), Self.integers("one", [1])]
      $0.graph.node.append(Self.node("Range", ["zero", "end", "one"], ["r"]))
      $0.graph.node.append(Self.node("Add", ["r", "c"], ["z"]))
      $0.graph.output[0].name = "z"
    }
  }

  @Test func longGraphsTakeLinearTime() throws {
    // A chain of 100,000 nodes, against the order of the file; no recursion, no square.
    let problem = try Self.problem { model in
      let chain = (0..<100_000).map { Self.node("Relu", ["n\($0)"], ["n\($0 + 1)"]) }
      model.graph.node = chain.reversed() + [Self.node("Conv", ["x", "w"], ["n0"])]
      model.graph.output[0].name = "n100000"
    }
    #expect(problem == nil)
    let refused = try Self.problem { model in
      model.graph.node += (0..<200_000).map { Self.node("Relu", ["x"], ["n\($0)"]) }
    }
    #expect(refused?.contains("more than 131072 nodes") ?? false)
  }

  @Test func shapeArithmeticDoesNotGrowWithoutEnd() throws {
    // s = s · s + s, many times.
    let problem = try Self.problem { model in
      for axis in [0, 2, 3] { model.graph.input[0].type.tensorType.shape.dim[axis].dimParam = "d\(axis)" }
      model.graph.node.append(Self.node("Shape", ["x"], ["s0"]))
      for index in 0..<64 {
        model.graph.node.append(Self.node("Mul", ["s\(index)", "s\(index)"], ["p\(index)"]))
        model.graph.node.append(Self.node("Add", ["p\(index)", "s\(index)"], ["s\(index + 1)"]))
      }
      model.graph.node.append(Self.node("Reshape", ["c", "s64"], ["z"]))
      model.graph.output[0].name = "z"
    }
    #expect(problem?.contains("shape arithmetic") ?? false)
  }
}

extension ONNXValueInfoProto {
  fileprivate static func with(_ change: (inout ONNXValueInfoProto) -> Void) -> ONNXValueInfoProto {
    var info = ONNXValueInfoProto()
    change(&info)
    return info
  }
}
