import Files
import Networks

/// What is wrong with an ONNX model, beyond what any file may suffer from, or with a network that should become one.
public enum ONNXProblem: Error, Hashable, Sendable {
  case noGraph
  case opset(Int)
  case noOpset
  /// Each operator with its nodes: `Loop (node 'while')`.
  case unsupportedOperators([String])
  /// The operator is supported, this use of it is not.
  case unsupportedUse(node: String, type: String, reason: String)
  /// The model fixes its size, should be read for any, and the node only serves that one.
  case fixedSize(node: String, type: String)
  case attribute(node: String, type: String, reason: String)
  case operands(node: String, type: String, expected: ClosedRange<Int>, got: Int)
  /// The node reads a value that no input, tensor or node makes.
  case unknownValue(String, node: String)
  case unknownOutput(String)
  case duplicateValue(String)
  case cycle(node: String)
  case input(String, reason: String)
  case output(String, reason: String)
  case tensor(String, reason: String)
  case externalData(tensor: String, reason: String)
  case sparseTensors
  /// Folding constants or reading tensors would make more elements than the file can ask for.
  case elementLimit(Int)
  case nodeLimit(Int)
  /// What the graph describes is no network of ours.
  case network(NetworkError)
  /// The network has updates, which ONNX knows none of.
  case updates(parameter: String)
  /// An operation of ours that this version does not write.
  case notExportable(node: String, operation: String, reason: String)
}

extension ONNXProblem: CustomStringConvertible {
  /// A clause that follows the file's name, with the mend, on one line.
  public var description: String {
    switch self {
    case .noGraph: "the ONNX model holds no graph; export it again"
    case .opset(let version):
      "the ONNX model is of opset \(version), and 9 to 24 are read; export it with opset_version=17"
    case .noOpset: "the ONNX model does not say its opset; export it again"
    case .unsupportedOperators(let operators):
      "the ONNX model uses operators that are not supported: \(operators.map(\.onOneLine).joined(separator: ", "))"
    case .unsupportedUse(let node, let type, let reason):
      "the ONNX node '\(node.onOneLine)' (\(type.onOneLine)) is not supported in this form: \(reason.onOneLine)"
    case .fixedSize(let node, let type):
      "the ONNX node '\(node.onOneLine)' (\(type.onOneLine)) is made for the size that the model fixes, and no other; read it "
        + "without --any-size, or export the model with open axes (PyTorch: dynamic_axes or dynamic_shapes)"
    case .attribute(let node, let type, let reason):
      "the ONNX node '\(node.onOneLine)' (\(type.onOneLine)) is invalid: \(reason.onOneLine)"
    case .operands(let node, let type, let expected, let got):
      "the ONNX node '\(node.onOneLine)' (\(type.onOneLine)) takes \(expected.text) inputs and gets \(got)"
    case .unknownValue(let value, let node):
      "the ONNX node '\(node.onOneLine)' reads '\(value.onOneLine)', which is no input, no tensor and no node's output"
    case .unknownOutput(let name): "the output '\(name.onOneLine)' of the ONNX graph is made by no node"
    case .duplicateValue(let name): "two values of the ONNX graph are called '\(name.onOneLine)'; names must be unique"
    case .cycle(let node): "the ONNX node '\(node.onOneLine)' depends on its own output; a graph must have no cycle"
    case .input(let name, let reason): "the input '\(name.onOneLine)' of the ONNX graph \(reason.onOneLine)"
    case .output(let name, let reason): "the output '\(name.onOneLine)' of the ONNX graph \(reason.onOneLine)"
    case .tensor(let name, let reason): "the tensor '\(name.onOneLine)' of the ONNX model \(reason.onOneLine)"
    case .externalData(let tensor, let reason):
      "the data of the ONNX tensor '\(tensor.onOneLine)' lies in a file of its own: \(reason.onOneLine)"
    case .sparseTensors: "the ONNX model holds sparse tensors, which are not supported; export it with dense ones"
    case .elementLimit(let limit): "the ONNX model asks for constants of more than \(limit) elements"
    case .nodeLimit(let limit): "the ONNX model has more than \(limit) nodes or tensors"
    case .network(let error): "the ONNX model makes no network: \(error)"
    case .updates(let parameter):
      "the network updates its parameter '\(parameter.onOneLine)', which ONNX cannot say; export the one for inference"
    case .notExportable(let node, let operation, let reason):
      "the node '\(node.onOneLine)' (\(operation)) has no form in ONNX opset 17: \(reason.onOneLine)"
    }
  }
}
