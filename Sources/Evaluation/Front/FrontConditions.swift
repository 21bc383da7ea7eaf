import Files
import Formats
import Imaging
import Networks
import Tensors
import Training

/// What all figures of a front have in common, by name.
enum FrontConditions {
  static let program = "program", machine = "machine", engine = "engine", threads = "threads", data = "training data"
  static let budget = "budget", measure = "protocol", measured = "measured on", calibration = "calibration pictures"
  static let input = "input", rounds = "rounds"

  /// What a training may cost: `8 epochs of 145 steps of 16 samples`.
  static func budget(_ recipe: TrainingRecipe, stepsPerEpoch: Int) -> String {
    "\(recipe.epochs) \(recipe.epochs == 1 ? "epoch" : "epochs") of \(stepsPerEpoch) steps of \(recipe.batchSize) samples"
  }

  static func text(_ files: [DataFile]) throws(EvaluationError) -> String {
    let fingerprint = try wrapping { () throws(DataError) in try DataFingerprint(files) }
    let count = fingerprint.fileCount
    return "\(TextFormat.grouped(count)) \(count == 1 ? "file" : "files"), \(fingerprint.byteCount.exactByteText), "
      + fingerprint.text
  }

  /// The pictures of a folder.
  ///
  /// - Parameter excluded: a folder within whose files are left out: where a front lies in its data, what it makes is none.
  static func pictures(in folder: String, recursive: Bool, excluding excluded: String? = nil) throws(EvaluationError)
    -> [DataFile]
  {
    let names = try wrapping { () throws(FileError) in
      try Folder.files(in: folder, recursive: recursive, excluding: excluded)
    }
    return names.filter { ImageFormat(path: $0) != nil || $0.hasSuffix(".npy") }.map {
      DataFile(name: $0, path: Folder.joined(folder, $0))
    }
  }

  /// Eight digits that stand for a network and its parameters.
  static func fingerprint(of network: Network) -> String {
    var fingerprint = Fingerprint()
    fingerprint.add(ModelFile.contents(of: network).encoded())
    return fingerprint.hexadecimal
  }
}

extension FrontJob {
  /// How quality is measured, and on what.
  static func validation(
    _ recipe: TrainingRecipe, _ network: Network, _ samples: any SampleSource, root: String?
  ) throws(EvaluationError) -> [FrontTable.Condition] {
    switch recipe.validation {
    case .pictures(let folder, let name, let scales, let degradations):
      var known = EvaluationProtocol.all.first { $0.name == name } ?? .vdsr
      known.degradations = degradations
      let factors = scales.map { " at " + $0.map { "x\($0)" }.joined(separator: ", ") } ?? ""
      return [
        FrontTable.Condition(
          FrontConditions.measure, "\(known.name) (\(known.hash))\(factors): " + known.lines.joined(separator: "; ")),
        FrontTable.Condition(
          FrontConditions.measured,
          "\(folder): " + (try FrontConditions.text(FrontConditions.pictures(in: folder.relative(to: root), recursive: false)))),
      ]
    case .data(let data):
      let source = try recipe.samples(of: data, for: network, root: root, classes: (samples as? ClassFolderSource)?.classes)
      return [
        FrontTable.Condition(
          FrontConditions.measure, "the validation of the training data's kind, samples in order, none drawn"),
        FrontTable.Condition(
          FrontConditions.measured, "\(TextFormat.grouped(source.count)) samples of \(try FrontConditions.text(source.files))"),
      ]
    case nil: return []
    }
  }
}
