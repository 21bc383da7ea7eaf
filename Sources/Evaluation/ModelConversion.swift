import Files
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
  ///
  /// - Parameters:
  ///   - conversion: the architecture; nil for the one that the tensors tell without doubt.
  ///   - contract: what is said of a network whose architecture does not say it, as those of classifiers and segmenters.
  public init(
    checkpoint: String, conversion: CheckpointConversion?, output: String, contract: ContractStatement? = nil
  ) throws(EvaluationError) {
    self = try FileClaims.together { () throws(EvaluationError) in
      try Self(claiming: checkpoint, conversion: conversion, output: output, contract: contract)
    }
  }

  private init(
    claiming checkpoint: String, conversion: CheckpointConversion?, output: String, contract: ContractStatement?
  ) throws(EvaluationError) {
    try ModelLibrary.claimOutput(output)
    let contents = try Contents(checkpoint, key: conversion?.key)
    let converted: (network: Network, report: ConversionReport)
    if var conversion {
      if contents.hasTakenKey { conversion.key = nil }
      do throws(ConversionError) {
        converted = try conversion.network(from: contents.tensors)
      } catch {
        throw .conversion(path: checkpoint, error)
      }
    } else {
      converted = try contents.recognized(checkpoint)
    }
    let network =
      try contract.map { statement throws(EvaluationError) in try converted.network.stating(statement) }
      ?? converted.network
    try ModelLibrary.write(network, to: output)
    var report = converted.report
    report.notes = contents.notes + report.notes
    let skipped = contents.skipped
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
      + "\(output.onOneLine): \(network.name.onOneLine), \(TextFormat.grouped(network.parameterCount)) parameters\n"
  }

  /// The network of a checkpoint whose tensors tell its architecture without doubt.
  static func recognized(_ checkpoint: String) throws(EvaluationError) -> Network {
    try Contents(checkpoint, key: nil).recognized(checkpoint).network
  }

  /// The tensors of a file.
  private struct Contents {
    var tensors: [String: Tensor]
    var skipped: [String] = []
    var hasTakenKey = false
    var notes: [String] = []

    func recognized(_ path: String) throws(EvaluationError) -> (network: Network, report: ConversionReport) {
      do throws(RecognitionError) {
        return try CheckpointConversion.recognizing(tensors)
      } catch {
        throw .notRecognized(path: path, error)
      }
    }

    init(_ path: String, key: String?) throws(EvaluationError) {
      guard !path.hasSuffix(".safetensors") else {
        tensors = try wrapping { () throws(FormatError) in try Safetensors(contentsOf: path).tensors }
        return
      }
      let checkpoint = try wrapping { () throws(FormatError) in try PyTorchCheckpoint(contentsOf: path, key: key) }
      tensors = checkpoint.parameters
      skipped = checkpoint.skipped
      hasTakenKey = key.map(checkpoint.path.contains) ?? false
      if !hasTakenKey, !checkpoint.otherKeys.isEmpty {
        func list(_ keys: [String]) -> String { keys.map { "'\($0.onOneLine)'" }.joined(separator: ", ") }
        notes.append(
          "the tensors under \(list([checkpoint.path.joined(separator: ".")])) are taken; there are others under "
            + "\(list(checkpoint.otherKeys)), which --key takes")
      }
    }
  }
}
