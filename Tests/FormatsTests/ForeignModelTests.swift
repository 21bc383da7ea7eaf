import Files
import Formats
import Networks
import Testing

/// Models of other programs are called by their names, whatever reads them; what is ours never is.
@Suite struct ForeignModelTests {
  /// A file's name, its beginning, and what it is.
  static let models: [(name: String, bytes: [UInt8], kind: String)] = [
    ("net.param", Array("7767517\n2 2\nInput in0 0 1 in0\n".utf8), "an ncnn model (.param)"),
    ("net.txt", Array("7767517\r\n2 2\r\n".utf8), "an ncnn model (.param)"),
    ("net.param.bin", [0xDD, 0x85, 0x76, 0, 2, 0, 0, 0, 2, 0, 0, 0], "an ncnn model (.param.bin)"),
    ("net.tflite", [0x1C, 0, 0, 0] + Array("TFL3".utf8) + [0x14, 0, 0x20], "a TensorFlow Lite model"),
    ("net.bin", [0x1C, 0, 0, 0] + Array("TFL3".utf8) + [0x14, 0, 0x20], "a TensorFlow Lite model"),
    ("frozen.pb", [0x0A, 0x1B, 0x0A, 0x01, 0x78], "a TensorFlow graph"),
    ("net.h5", [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0], "an HDF5 file"),
    ("net.gguf", Array("GGUF".utf8) + [3, 0, 0, 0, 0, 0, 0, 0], "a GGUF or GGML model"),
    ("net.xml", Array("<?xml version=\"1.0\"?>\n<net name=\"m\" version=\"11\">\n<layers>".utf8), "an OpenVINO model"),
    ("net.caffemodel", [0x0A, 0x04, 0x6E, 0x65, 0x74, 0x31], "a Caffe model"),
    ("net.cfg", Array("[net]\nwidth=416\n".utf8), "a Darknet configuration"),
    ("net.weights", [0, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0], "a Darknet model"),
    ("net.mlmodel", [0x08, 0x04, 0x12, 0x10], "a Core ML model"),
    ("net.pdmodel", [0x0A, 0x80, 0x01], "a PaddlePaddle model"),
    ("net.pt", zip("net/constants.pkl"), "a TorchScript archive"),
    ("net.keras", zip("model.weights.h5"), "a Keras model"),
    ("net.npz", zip("w.npy"), "an .npz archive"),
    (
      "saved.json", Array("{\n  \"layers\" : [],\n  \"plain_nanoseconds\" : 5,\n  \"roofs\" : {}\n}".utf8),
      "a profile that 'swiftlet profile"
    ),
    ("rates.safetensors", Array("{\"avx512bf16\":{},\"sharing\":{}}".utf8), "a description of a machine"),
    ("config.json", Array(" {\"model_type\": \"resnet\"}".utf8), "a JSON file"),
    ("photo.jpg", [0xFF, 0xD8, 0xFF, 0xE0], "a picture"),
  ]

  /// An archive of one empty entry.
  private static func zip(_ name: String) -> [UInt8] {
    func number(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let text = Array(name.utf8), common = [UInt8](repeating: 0, count: 20)
    let entry = [0x50, 0x4B, 3, 4, 20, 0] + common + number(text.count, 2) + number(0, 2) + text
    let directory = [0x50, 0x4B, 1, 2, 20, 0, 20, 0] + common + number(text.count, 2) + [UInt8](repeating: 0, count: 16) + text
    let end = [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0] + number(directory.count, 4) + number(entry.count, 4) + [0, 0]
    return entry + directory + end
  }

  @Test(arguments: models) func areNamed(model: (name: String, bytes: [UInt8], kind: String)) throws {
    let folder = try Folder()
    let path = "\(folder.path)/\(model.name)"
    try AtomicFile.write(model.bytes, to: path)
    func check(_ read: () throws -> Void) {
      do {
        try read()
        Issue.record("it was read")
      } catch {
        let text = "\(error)"
        #expect(text.hasPrefix("'\(path)' is \(model.kind)") && text.contains("; ") && !text.contains("\n"), "\(text)")
      }
    }
    check { _ = try ModelFile.read(path) }
    check { _ = try ONNXFile.read(path) }
    check { _ = try PyTorchCheckpoint(contentsOf: path) }
  }

  @Test func foldersAndWeightsAreNamed() throws {
    let folder = try Folder()
    try AtomicFile.write([8, 1, 0x12, 0], to: folder.path + "/saved_model.pb")
    #expect(ForeignModel(folder: folder.path)?.kind == "a TensorFlow SavedModel")
    #expect(ForeignModel(folder: folder.path + "/none") == nil)
    try AtomicFile.write([0, 0, 0, 0], to: folder.path + "/net.bin")
    #expect(ForeignModel([0, 0, 0, 0], path: folder.path + "/net.bin") == nil)
    try AtomicFile.write(Array("7767517\n".utf8), to: folder.path + "/net.param")
    #expect(ForeignModel([0, 0, 0, 0], path: folder.path + "/net.bin")?.kind == "an ncnn model's weights (.bin)")
  }

  /// Under any name, whatever the length of the header looks like.
  @Test func oursAreRead() throws {
    let folder = try Folder()
    var builder = NetworkBuilder("tiny")
    builder.output(builder.scale("y", builder.input("x", channels: 1), by: 2))
    let network = try builder.build(.zeros)
    for name in ["a.pb", "a.param", "a.h5", "a.weights", "a"] {
      try ModelFile.write(network, to: "\(folder.path)/\(name)")
      #expect(try ModelFile.read("\(folder.path)/\(name)").graph == network.graph)
    }
    // "BM" and the number of ncnn, as the length of a header.
    for length in [0x4D42, 0x7685DD] {
      let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array("{\"a\"".utf8)
      #expect(ForeignModel(bytes, path: "a.safetensors") == nil)
    }
  }
}
