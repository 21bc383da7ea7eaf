import Formats
import Networks
import Tensors

/// A checkpoint made a model file.
public struct ModelConversion: Hashable, Codable, Sendable {
  public struct Entry: Hashable, Codable, Sendable {
    public var name: String
    public var shape: Shape
  }

  public var checkpoint: String
  public var output: String
  public var network: String
  public var parameterCount: Int
  /// Whose tensor names the checkpoint has.
  public var naming: String
  public var takenCount: Int
  /// Tensors that the network has no use for.
  public var leftOver: [Entry]
  /// What could not be read of the checkpoint.
  public var skipped: [String]
  public var notes: [String]
  /// The report for people.
  public var text: String

  /// Reads a checkpoint (PyTorch's zip and legacy formats, safetensors), converts it, and writes the model file, or ONNX where
  /// the output is called so.
  public init(
    checkpoint: String, conversion: CheckpointConversion, output: String
  ) throws(EvaluationError) {
    try ModelLibrary.checkOutput(output, isNot: checkpoint)
    let (tensors, skipped) = try Self.tensors(of: checkpoint)
    let converted: (network: Network, report: ConversionReport)
    do throws(ConversionError) {
      converted = try conversion.network(from: tensors)
    } catch {
      throw .conversion(path: checkpoint, error)
    }
    let network = converted.network
    try ModelLibrary.write(network, to: output)
    let report = converted.report
    self.checkpoint = checkpoint
    self.output = output
    self.network = network.name
    parameterCount = network.parameterCount
    naming = report.naming
    takenCount = report.taken.count
    leftOver = report.leftOver.map { Entry(name: $0.name, shape: $0.shape) }
    self.skipped = skipped
    notes = report.notes
    text =
      report.text + skipped.map { "not read: \($0)\n" }.joined()
      + "\(output): \(network.name), \(TextFormat.grouped(network.parameterCount)) parameters\n"
  }

  private static func tensors(of path: String) throws(EvaluationError) -> ([String: Tensor], skipped: [String]) {
    if path.hasSuffix(".safetensors") {
      return (try wrapping { () throws(FormatError) in try Safetensors(contentsOf: path).tensors }, [])
    }
    let checkpoint = try wrapping { () throws(FormatError) in try PyTorchCheckpoint(contentsOf: path) }
    return (checkpoint.parameters, checkpoint.skipped)
  }
}
