import Files
import Formats
import Training

/// The folder of a run: what was asked, what came out, and where it stands.
///
///     recipe.yaml          the recipe with the options that were given
///     run.json             `RunRecord`: program, machine, data, network, state
///     metrics.csv          a line for each epoch
///     curves.svg           the same, drawn
///     events.out.tfevents.swiftlet   the same for TensorBoard
///     last.safetensors     the checkpoint that training goes on from
///     best.safetensors     the model of the best epoch
///     model.safetensors    the model of the last epoch
///     float.safetensors    of a model of integers the float32 weights behind it
///     samples/             pictures of the last validation
public struct RunFolder: Hashable, Sendable {
  public let path: String

  public init(path: String) { self.path = path }

  public var recipe: String { Folder.joined(path, "recipe.yaml") }
  public var record: String { Folder.joined(path, "run.json") }
  public var metrics: String { Folder.joined(path, "metrics.csv") }
  public var curves: String { Folder.joined(path, "curves.svg") }
  public var events: String { Folder.joined(path, "events.out.tfevents.swiftlet") }
  public var last: String { Folder.joined(path, "last.safetensors") }
  public var best: String { Folder.joined(path, "best.safetensors") }
  public var model: String { Folder.joined(path, "model.safetensors") }
  public var floats: String { Folder.joined(path, "float.safetensors") }
  public var samples: String { Folder.joined(path, "samples") }

  /// Whether a run has begun there.
  public var exists: Bool { FileReader.exists(record) }

  /// The files of models that are there, the best first.
  var models: [String] { [best, model].filter { FileReader.exists($0) } }

  /// Throws where something else is in the place of what a run reads or writes: a pipe would hold it up for good, and a folder would be found
  /// only when an epoch is over.
  func checkPlaces() throws(EvaluationError) {
    let reason = "is in the place of what the run reads or writes there; move it away, or remove it"
    for path in [recipe, record, metrics, curves, events, last, best, model, floats]
    where FileReader.exists(path) && !Folder.isPlainFile(path) {
      throw .runFolder(path: path, reason: "is no plain file, and \(reason)")
    }
    if FileReader.exists(samples), !Folder.exists(samples) {
      throw .runFolder(path: samples, reason: "is no folder, and \(reason)")
    }
  }

  /// The recipe as it was written.
  var recipeText: String {
    get throws(EvaluationError) {
      let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: recipe, limit: 1 << 24) }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// Whether nothing is there that a run could write over.
  var isEmpty: Bool {
    get throws(EvaluationError) {
      guard FileReader.exists(path) else { return true }
      guard Folder.exists(path) else { throw .runFolder(path: path, reason: "a file is there; give a folder") }
      return try wrapping { () throws(FileError) in try Folder.names(in: path) }.isEmpty
    }
  }

  /// A folder for a new run, made at once: `runs/NAME`, or where something is called so `runs/NAME-2`, and so on. Of two that ask at the same time
  /// each gets its own. Where nothing is put into it, `Folder.removeEmptyNew` takes it away.
  public static func made(name: String, in folder: String = "runs") throws(EvaluationError) -> RunFolder {
    try wrapping { () throws(FileError) in
      var path = Folder.joined(folder, name), number = 2
      while try !Folder.createNew(path) {
        path = Folder.joined(folder, "\(name)-\(number)")
        number += 1
      }
      return RunFolder(path: path)
    }
  }

  func write(_ text: String, to path: String) throws(EvaluationError) { try write(Array(text.utf8), to: path) }

  func write(_ bytes: [UInt8], to path: String) throws(EvaluationError) {
    try wrapping { () throws(FileError) in try AtomicFile.write(bytes, to: path) }
  }
}
