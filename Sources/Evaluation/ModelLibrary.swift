import CShippedModels
import Files
import Formats
import Imaging
import Networks

/// Models by name or path.
public enum ModelLibrary {
  /// The names of the models inside the program: for clean pictures in the order of their scales, then for JPEG pictures.
  public static var shippedNames: [String] { ShippedModel.all.map(\.name) }

  /// The model of that name inside the program, or the one in the file at that path: ONNX by its extension, else a model file, or a checkpoint whose
  /// tensors tell its architecture.
  ///
  /// - Parameters:
  ///   - sizes: which sizes an ONNX model is read for.
  ///   - takesCheckpoints: false refuses them as files without a network.
  public static func network(
    _ nameOrPath: String, sizes: ONNXSizes = .declared, takesCheckpoints: Bool = true
  ) throws(EvaluationError) -> Network {
    if let shipped = ShippedModel.all.first(where: { $0.name == nameOrPath }) { return try shipped.network() }
    do throws(FormatError) {
      return ONNXFile.isNamed(nameOrPath) ? try ONNXFile.read(nameOrPath, sizes: sizes) : try ModelFile.read(nameOrPath)
    } catch {
      if case .file(.notFound) = error.problem, !nameOrPath.contains("/"), !nameOrPath.contains(".") {
        throw .unknownModel(name: nameOrPath, known: shippedNames)
      }
      if case .file(.isDirectory) = error.problem, RunFolder(path: nameOrPath).exists {
        throw .runAsModel(path: nameOrPath, models: RunFolder(path: nameOrPath).models)
      }
      if error.problem.isOfCheckpoint, takesCheckpoints { return try ModelConversion.recognized(nameOrPath) }
      throw .format(error)
    }
  }

  /// Claims an output before work starts: see `Folder.claimOutput`. Throws where its name does not end as a model's that is written.
  package static func claimOutput(_ path: String) throws(EvaluationError) {
    try wrapping { () throws(FileError) in try Folder.claimOutput(path) }
    try Folder.checkExtension(path, in: [".safetensors", ".onnx"])
    // Hours of training are in them.
    let parts = Folder.split(path), run = RunFolder(path: parts.folder.isEmpty ? "." : parts.folder)
    guard run.exists, FileReader.exists(path), let identity = Folder.identity(path),
      [run.last, run.best, run.model, run.floats].contains(where: { Folder.identity($0) == identity })
    else { return }
    throw .runFolder(
      path: path, reason: "is of the training in that folder, and is not written over by another model; give another name")
  }

  /// Writes a model in the format that the path's extension names: ONNX, else a model file.
  public static func write(_ network: Network, to path: String) throws(EvaluationError) {
    try wrapping { () throws(FormatError) in
      if ONNXFile.isNamed(path) { try ONNXFile.write(network, to: path) } else { try ModelFile.write(network, to: path) }
    }
  }

  /// The name of the shipped model for a scale, 2 unless given: of those for the format the one that enlarges least of those that reach the scale,
  /// else the largest.
  ///
  /// - Parameter format: what the picture comes from; nil where that is not known.
  public static func shippedName(forScale scale: Double?, format: ImageFormat? = nil) -> String {
    let scale = scale ?? 2
    return (format == .jpeg ? "photo" : "upscale") + (scale <= 2 ? "-x2" : scale <= 3 ? "-x3" : "-x4")
  }
}

/// A model file inside the program.
struct ShippedModel: Sendable {
  private let model: swiftlet_shipped_model

  var name: String { String(cString: model.name) }

  static let all = (0..<swiftlet_shipped_model_count()).map { ShippedModel(model: swiftlet_shipped_model_at($0)) }

  func network() throws(EvaluationError) -> Network {
    let bytes = Array(UnsafeBufferPointer(start: model.bytes, count: model.byte_count))
    do throws(FormatProblem) {
      var network = try ModelFile.read(bytes: bytes)
      // What people call it, not what it is made of.
      network.name = name
      return network
    } catch {
      throw .format(FormatError(source: name, problem: error))
    }
  }
}
