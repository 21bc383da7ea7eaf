import Files
import Networks
import Tensors

/// Why a tensor file, a model file or a checkpoint could not be read, converted or written. `description` is one line for people.
public struct FormatError: Error, Hashable, Sendable {
  /// The file, as the caller named it.
  public var source: String
  public var problem: FormatProblem

  public init(source: String, problem: FormatProblem) {
    self.source = source
    self.problem = problem
  }
}

/// The kinds of file that this module reads.
public enum FileFormat: String, Hashable, Sendable {
  case safetensors, npy, checkpoint, onnx, hdf5
}

/// What is wrong with a file.
public enum FormatProblem: Error, Hashable, Sendable {
  /// The system refused, or the file is too large.
  case file(FileError)
  /// The first bytes are not those of the format.
  case notOfFormat(FileFormat)
  /// The file ends inside the named part.
  case truncated(FileFormat, part: String)
  /// The named part is not what the format prescribes.
  case malformed(FileFormat, part: String)
  /// A bound that protects memory is passed.
  case limit(FileFormat, part: String, limit: Int)
  case unsupportedType(FileFormat, tensor: String, type: String)
  /// The file is sound, and holds something that is not read.
  case unsupported(FileFormat, part: String, mend: String)
  /// The file holds nothing of that name.
  case noMember(FileFormat, name: String, known: [String])
  /// The library that writes the format failed for a reason of its own.
  case unwritable(FileFormat)
  /// The library that writes the format is not installed, or too old.
  case noLibrary(FileFormat)
  /// The format is not written from front to back, and the output is no file.
  case noStream(FileFormat)
  /// A parameter of a model, or the array, holds other elements than the network says, by the name that the file has for them.
  case elements(tensor: String?, expected: DataType, stored: String)
  /// An integer of the tensor does not fit int32.
  case integerRange(tensor: String)
  /// The array has another shape than the caller asked for; nil stands for any extent.
  case arrayShape(expected: [Int?], got: Shape)
  /// The tensor's elements do not lie inside its data.
  case outOfBounds(tensor: String)
  case duplicateTensor(String)
  /// A checkpoint names a function that could run commands, reach files or the network.
  case refusedGlobal(String)
  /// A model of another program.
  case foreign(ForeignModel)
  /// A checkpoint of a kind that is not read, by its name.
  case unsupportedCheckpoint(String)
  /// A checkpoint without tensors under names, or why the first of them cannot be read.
  case noTensors(reason: String?)
  /// The safetensors file holds tensors only.
  case noNetwork
  case modelVersion(String)
  /// The model holds what only a later version of the format has than the one that it names.
  case laterFeature(version: String, feature: String, since: String)
  case network(NetworkError)
  case onnx(ONNXProblem)
  /// A weight is NaN or infinite.
  case notFinite(tensor: String)
}
