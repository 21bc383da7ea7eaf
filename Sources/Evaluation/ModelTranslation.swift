import Files
import Formats
import Networks

/// A model written in another format: ONNX made a model file, or a model file made ONNX.
public struct ModelTranslation: Hashable, Codable, Sendable {
  public var input: String
  public var output: String
  public var network: String
  public var parameterCount: Int
  public var nodeCount: Int
  /// The report for people.
  public var text: String

  /// Reads the model (ONNX by the extension `.onnx`, else a model file or a model's name), and writes it in the format that the
  /// output's extension names. `contract` says what the network does to images where the file does not, as ONNX never does;
  /// `sizes` whether an ONNX model that fixes its size is opened to any. A checkpoint is none: see `ModelConversion`.
  public init(
    _ input: String, output: String, contract: ContractStatement? = nil, sizes: ONNXSizes = .declared
  ) throws(EvaluationError) {
    self = try FileClaims.together { () throws(EvaluationError) in
      try Self(claiming: input, output: output, contract: contract, sizes: sizes)
    }
  }

  private init(
    claiming input: String, output: String, contract: ContractStatement?, sizes: ONNXSizes
  ) throws(EvaluationError) {
    try ModelLibrary.claimOutput(output)
    var network = try ModelLibrary.network(input, sizes: sizes, takesCheckpoints: false)
    if let contract { network = try network.stating(contract) }
    try ModelLibrary.write(network, to: output)
    self.input = input
    self.output = output
    self.network = network.name
    parameterCount = network.parameterCount
    // As who reads the file counts them: ONNX has several nodes for some of ours.
    let written = ONNXFile.isNamed(output) ? try? FileClaims.apart { try ModelLibrary.network(output) } : nil
    nodeCount = (written ?? network).nodes.count
    text =
      "\(output.onOneLine): \(network.name.onOneLine), \(nodeCount) nodes, \(TextFormat.grouped(parameterCount)) parameters\n"
    if sizes == .any {
      text += "takes \(network.inputs.map { "'\($0.name.onOneLine)' \($0.axesText)" }.joined(separator: ", "))\n"
    }
  }
}
