import Files

extension FormatError: CustomStringConvertible {
  /// What is wrong and the mend, in one line.
  public var description: String {
    if case .file(let error) = problem { return error.description }
    return .line(on: source, problem.description)
  }
}

extension FormatProblem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .file(let error): error.description
    case .notOfFormat(let format): "is no \(format.name); check the path and the kind of file"
    case .truncated(let format, let part):
      "the \(format.name) ends inside \(part.onOneLine); copy or download it again"
    case .malformed(let format, let part): "damaged \(format.name): \(part.onOneLine); copy or download it again"
    case .limit(let format, let part, let limit):
      "the \(format.name) passes a limit of this reader: \(part.onOneLine), at most \(limit)"
        + (format == .npy ? "; save the array anew with numpy.save" : "")
    case .unsupportedType(let format, let tensor, let type):
      "the tensor '\(tensor.onOneLine)' of the \(format.name) holds \(type.onOneLine), which is not supported; save it as float32"
    case .unsupported(let format, let part, let mend): "the \(format.name) holds \(part.onOneLine), which is not read; \(mend)"
    case .noMember(let format, let name, let known):
      "the \(format.name) holds no '\(name.onOneLine)'; "
        + (known.isEmpty ? "it is empty" : "it holds \(known.prefix(16).joined(separator: ", ").onOneLine)")
    case .unwritable(let format): "the \(format.name) could not be written; choose another place"
    case .noLibrary(let format):
      "the \(format.name) is written by libhdf5 (1.10 or later), which is not installed; install it (Debian: libhdf5-dev, macOS: hdf5)"
    case .noStream(let format): "the \(format.name) is not written from front to back; give the name of a file to write it to"
    case .integerRange(let tensor):
      "the tensor '\(tensor.onOneLine)' holds integers that do not fit int32; save it as float32 or int32"
    case .arrayShape(let expected, let got):
      "holds an array of \(got) and must hold one of \(expected.map { $0.map(String.init) ?? "?" }.joined(separator: "x")), where ? is any number"
    case .outOfBounds(let tensor): "the elements of the tensor '\(tensor.onOneLine)' lie outside its data; the file is damaged"
    case .duplicateTensor(let tensor): "the name '\(tensor.onOneLine)' stands twice in the header; the file is damaged"
    case .refusedGlobal(let name):
      "the checkpoint asks to run \(name.onOneLine); refused, and nothing of it was run"
    case .foreign(.checkpoint): "is \(ForeignModel.checkpoint.kind); \(ForeignModel.checkpoint.mend)"
    case .foreign(let model): "is \(model.kind), which is not read here; \(model.mend)"
    case .unsupportedCheckpoint(let kind):
      "is \(kind.onOneLine), which is not read; save the state dict of the model with torch.save"
    case .noTensors(let reason?):
      "no tensor of the checkpoint can be read: \(reason.onOneLine); save its weights as float32"
    case .noTensors(nil): "the checkpoint holds no tensors under names; save the state dict of the model with torch.save"
    case .noNetwork:
      "holds tensors but no network; `swiftlet convert --architecture` makes a model of them"
    case .modelVersion(let version):
      "is a model of format version '\(version.onOneLine)', which this version does not read; update swiftlet"
    case .laterFeature(let version, let feature, let since):
      "says that its format is version \(version) and has \(feature), which version \(since) brought; convert the model again"
    case .elements(let tensor, let expected, let stored):
      "\(tensor.map { "the tensor '\($0.onOneLine)' " } ?? "")holds \(stored) and must hold \(expected.rawValue); save it as that"
    case .network(let error): "\(error)"
    case .onnx(let problem): problem.description
    case .notFinite(let tensor):
      "the tensor '\(tensor.onOneLine)' holds a NaN or an infinity; the training of this model failed, use another checkpoint"
    }
  }
}

extension FileFormat {
  var name: String {
    switch self {
    case .safetensors: "safetensors file"
    case .npy: ".npy file"
    case .checkpoint: "PyTorch checkpoint"
    case .onnx: "ONNX model"
    case .hdf5: "HDF5 file"
    }
  }
}
