import Files

/// A model of another program, recognised so that it can be called by its name: what it is, and what makes ONNX of it.
public struct ForeignModel: Hashable, Sendable {
  /// `an ncnn model`.
  public var kind: String
  /// How it becomes ONNX, an instruction.
  public var mend: String

  init(_ kind: String, _ mend: String) {
    self.kind = kind
    self.mend = mend
  }

  private static let export = "export the network as ONNX from the program that it was trained in"
  private static let fromTensorFlow = "make ONNX of it with 'python -m tf2onnx.convert --opset 17'"

  /// What the bytes are, by their beginning, or by the file's name where a format has no mark; nil where they may be what is read here.
  public init?(_ bytes: [UInt8], path: String) {
    guard let model = Self.byContent(bytes) ?? Self.byName(bytes, path) else { return nil }
    self = model
  }

  /// What a folder is; nil where it is none of a model.
  public init?(folder path: String) {
    let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
    func holds(_ name: String) -> Bool { FileReader.exists("\(folder)/\(name)") }
    if holds("saved_model.pb") {
      self.init("a TensorFlow SavedModel", "make ONNX of it with 'python -m tf2onnx.convert --saved-model FOLDER --opset 17'")
    } else if holds("Manifest.json"), folder.lowercased().hasSuffix(".mlpackage") {
      self.init("a Core ML package", Self.export)
    } else {
      return nil
    }
  }

  /// A PyTorch checkpoint where a model is wanted: parameters without a network. Nil for anything else.
  init?(checkpoint bytes: [UInt8]) {
    // A zip archive, or a pickle of protocol 2 or later; a safetensors file begins with the length of its header.
    let isArchive = bytes.starts(with: [0x50, 0x4B, 0x03, 0x04])
    let isPickle = bytes.count > 8 && bytes[0] == 0x80 && (2...5).contains(bytes[1]) && bytes[8] != UInt8(ascii: "{")
    guard isArchive || isPickle else { return nil }
    self = Self.checkpoint
  }

  /// What is no model by itself, and becomes one where its tensors tell the architecture.
  static let checkpoint = ForeignModel(
    "a PyTorch checkpoint, parameters without a network",
    "make a model of it with 'swiftlet convert CHECKPOINT --architecture NAME -o MODEL'")

  private static func byContent(_ bytes: [UInt8]) -> ForeignModel? {
    func begins(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: Array(text.utf8)) }
    // A safetensors header behind its length: some lengths look like a mark.
    if bytes.dropFirst(4).starts(with: [0, 0, 0, 0, UInt8(ascii: "{")]) { return nil }
    // 7767517, as text and as a number.
    if begins("7767517"), bytes.dropFirst(7).first.map({ $0 == 10 || $0 == 13 || $0 == 32 }) ?? true {
      return ncnn("model (.param)")
    }
    if bytes.starts(with: [0xDD, 0x85, 0x76, 0x00]) { return ncnn("model (.param.bin)") }
    if begins("TFL3", at: 4) {
      return ForeignModel(
        "a TensorFlow Lite model", "make ONNX of it with 'python -m tf2onnx.convert --tflite MODEL --opset 17'")
    }
    if bytes.starts(with: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]) {
      return ForeignModel("an HDF5 file, such as Keras writes", "make ONNX of a Keras model with tf2onnx")
    }
    if bytes.starts(with: NPYHeader.magic) {
      return ForeignModel(
        "an array of NumPy (.npy)", "give a model here; arrays are inputs, of 'swiftlet run MODEL --input FILE'")
    }
    if begins("GGUF") || begins("lmgg") || begins("tjgg") {
      return ForeignModel("a GGUF or GGML model", "these hold language models, as a rule; \(export)")
    }
    if begins("ET", at: 4), bytes.count > 8, bytes[6] >= 0x30, bytes[6] <= 0x39 {
      return ForeignModel("an ExecuTorch program", export)
    }
    if begins("<?xml") || begins("<net"), has("<net", in: bytes.prefix(512)), has("<layers", in: bytes.prefix(4096)) {
      return ForeignModel("an OpenVINO model", export)
    }
    if let json = json(bytes) { return json }
    if begins("ftrt") || begins("ptrt") { return ForeignModel("a TensorRT engine", export) }
    if begins("[net]") || begins("[convolutional]") { return ForeignModel("a Darknet configuration", export) }
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) || bytes.starts(with: [0xFF, 0xD8, 0xFF]) || begins("GIF8")
      || (begins("RIFF") && begins("WEBP", at: 8))
    {
      return ForeignModel("a picture", "give a model here")
    }
    guard bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) else { return nil }
    // The directory of a zip archive, at its end, names the entries.
    let directory = bytes.suffix(1 << 16)
    if has("constants.pkl", in: directory) || has("/code/", in: directory) {
      return ForeignModel(
        "a TorchScript archive", "load it in Python with torch.jit.load and write ONNX with torch.onnx.export")
    }
    if has("data.pkl", in: directory) { return nil }
    if has("model.weights.h5", in: directory) {
      return ForeignModel("a Keras model", "make ONNX of it in Python with model.export('MODEL.onnx', format='onnx')")
    }
    if has("serialized_exported_program", in: directory) || has("archive_format", in: directory) {
      return ForeignModel("a program of torch.export", "write ONNX in Python with torch.onnx.export")
    }
    if has(".npy", in: directory) { return ForeignModel("an .npz archive of arrays", export) }
    return nil
  }

  /// A text in JSON: what this program prints with --json is called by its name.
  private static func json(_ bytes: [UInt8]) -> ForeignModel? {
    let start = bytes.prefix(1 << 16).drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    guard start.first == UInt8(ascii: "{"),
      let next = start.dropFirst().first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }),
      next == UInt8(ascii: "\"") || next == UInt8(ascii: "}")
    else { return nil }
    let end = bytes.suffix(1 << 16)
    func names(_ key: String) -> Bool { has("\"\(key)\"", in: start) || has("\"\(key)\"", in: end) }
    if names("roofs"), names("plain_nanoseconds") {
      return ForeignModel("a profile that 'swiftlet profile --json' printed", "give the model that it is of")
    }
    if names("avx512bf16"), names("sharing") {
      return ForeignModel(
        "a description of a machine that 'swiftlet machine --json' printed", "give it as --rates, and a model here")
    }
    return ForeignModel("a JSON file", "give a model here")
  }

  /// By the end of the name alone, where the content is not one that is read here.
  private static func byName(_ bytes: [UInt8], _ path: String) -> ForeignModel? {
    // A safetensors header, a pickle or a zip archive may have any name.
    let isOurs = bytes.dropFirst(8).first == UInt8(ascii: "{") || bytes.first == 0x80 || bytes.starts(with: [0x50, 0x4B])
    guard !isOurs, let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return nil }
    switch path[dot...].lowercased() {
    case ".param": return ncnn("model (.param)")
    case ".bin":
      let stem = String(path[..<dot])
      if FileReader.exists(stem + ".param") { return ncnn("model's weights (.bin)") }
      if FileReader.exists(stem + ".xml") { return ForeignModel("the weights of an OpenVINO model", export) }
      return nil
    case ".pb": return ForeignModel("a TensorFlow graph, by its name", fromTensorFlow)
    case ".h5", ".hdf5", ".keras": return ForeignModel("a Keras model, by its name", fromTensorFlow)
    case ".tflite": return ForeignModel("a TensorFlow Lite model, by its name", fromTensorFlow)
    case ".caffemodel", ".prototxt": return ForeignModel("a Caffe model, by its name", export)
    case ".mlmodel", ".mlpackage": return ForeignModel("a Core ML model, by its name", export)
    case ".mnn": return ForeignModel("an MNN model, by its name", export)
    case ".engine", ".plan", ".trt": return ForeignModel("a TensorRT engine, by its name", export)
    case ".weights", ".cfg": return ForeignModel("a Darknet model, by its name", export)
    case ".t7": return ForeignModel("a Torch7 model, by its name", export)
    case ".pdmodel", ".pdiparams", ".pdparams":
      return ForeignModel("a PaddlePaddle model, by its name", "make ONNX of it with paddle2onnx")
    default: return nil
    }
  }

  private static func ncnn(_ part: String) -> ForeignModel {
    ForeignModel("an ncnn \(part)", "ncnn has no way back to ONNX, so \(export)")
  }

  private static func has(_ text: String, in bytes: ArraySlice<UInt8>) -> Bool {
    let pattern = Array(text.utf8)
    guard bytes.count >= pattern.count else { return false }
    return (bytes.startIndex...bytes.endIndex - pattern.count).contains { start in
      bytes[start] == pattern[0] && bytes[start..<start + pattern.count].elementsEqual(pattern)
    }
  }
}
