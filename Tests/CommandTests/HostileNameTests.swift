import Foundation
import Swiftlet
import Testing

/// Names from files and command lines steer no terminal: each command, with names full of control characters, prints as many lines
/// as with tame ones, and none of the characters.
@Suite struct HostileNameTests {
  static let tame = "tame"
  /// Clears the screen, rings, returns, ends the line, colours through C1, turns the direction of writing.
  static let hostile = "n\u{1B}[2J\u{7}\r\n\u{9B}31m\u{202E}\u{2028}\u{2066}"

  static let commands = [
    "info M.safetensors", "info M.safetensors --nodes", "info M.safetensors --nodes --json", "info M.onnx --nodes",
    "upscale M.png -o M2.png -m M.safetensors", "upscale M.png -o M2.png -m M.safetensors --json",
    "upscale in -o out -m M.safetensors", "upscale Mnone.png -o M2.png -m M.safetensors",
    "upscale M.png -o M.xyz -m M.safetensors",
    "upscale M.png -o M.png -m M.safetensors", "upscale M.png -o M2.png -m Mnone",
    "upscale M.png -o Mnone/a.png -m M.safetensors",
    "eval M.safetensors --data in", "eval M.safetensors --data in --save Msaved --json", "eval M.safetensors --data Mnone",
    "new M -o M3.safetensors", "new vdsr --depth 3 --features 4 -o M3.safetensors",
    "new edsr --convolution M -o M3.safetensors",
    "convert M.safetensors -o M3.onnx", "convert M.onnx -o M3.safetensors", "convert M.png -o M3.safetensors",
    "convert M.safetensors --architecture vdsr -o M3.safetensors",
    "convert M.safetensors --architecture unet -o M3.safetensors",
    "optimize M.safetensors -o M3.safetensors", "optimize M.safetensors --fold --json",
    "optimize M.safetensors --substitute separable", "optimize M.safetensors --substitute separable --where name=M.*",
    "run M.safetensors --input M.npy -o M3.npy", "run M.safetensors --input M.npy -o M3.npy --json",
    "run M.safetensors --input M.npy -o Mfolder/", "run M.safetensors --input M.npy --input M.npy -o M3.npy",
    "run M.onnx --input M.npy -o M3.npy", "bench M.safetensors --input 1x1x8x8 --runs 1 --warmup 0 --nodes",
    "bench M.safetensors --input 1x1x8x8 --runs 1 --warmup 0 --json", "bench M.safetensors --input M",
    "kernels M.safetensors --input 1x1x8x8", "kernels M.safetensors --json", "kernels Mnone",
    "profile M.safetensors --input M.png --runs 1 --warmup 0 --shapes --memory --flops",
    "profile M.safetensors --input M.png --runs 1 --warmup 0 --json --trace M.json",
    "profile M.safetensors --input M.png --runs 1 --warmup 0 --diff M.safetensors --roofline M.svg",
    "profile M.safetensors --input 1x1x8x8 --diff M.json", "profile M.safetensors --sort M",
    "explain M.safetensors --input M.png --runs 1 --warmup 0", "explain M.safetensors M.onnx --input 1x1x8x8 --runs 1 --json",
    "compare M.safetensors --input M.png", "compare M.safetensors M.safetensors --input 1x1x8x8",
    "compare M.safetensors --json --input 1x1x8x8",
    "front M.yaml -o Mf --dry-run", "front M.yaml -o Mf --threads 1", "front Mnone.yaml", "front M.png",
    "compare M.safetensors upscale-x2 --input 1x1x8x8", "compare M.safetensors --path-a M",
    "ladder --layers none --model M.safetensors --input 1x1x16x16 --runs 1", "ladder --layers M", "M", "--M", "info --M",
    "info a M",
  ]

  /// A small upscaler all of whose names are `name` with something behind.
  private static func network(_ name: String) throws -> Network {
    var builder = NetworkBuilder(
      name, contract: .image(ImageContract(colour: .luma, maximum: 1, scale: 2, inputSize: .lowResolution)))
    let input = builder.input("\(name)x", channels: 1)
    let first = builder.convolution("\(name)1", input, outChannels: 8, kernel: 3, padding: Padding(1))
    let relu = builder.activation("\(name)2", first, .relu)
    let second = builder.convolution("\(name)3", relu, outChannels: 4, kernel: 3, padding: Padding(1))
    builder.output(builder.pixelShuffle("\(name)4", second, factor: 2))
    return try builder.build(.random(seed: 3))
  }

  private static func place(_ name: String) throws -> Workplace {
    let place = try Workplace()
    let network = try network(name)
    try ModelFile.write(network, to: place.path("\(name).safetensors"))
    try ONNXFile.write(network, to: place.path("\(name).onnx"))
    try NPYFile.write(Tensor(repeating: 0.25, [1, 1, 8, 8]), to: place.path("\(name).npy"))
    let front = """
      base:
        model: {file: model.safetensors}
        data: {kind: super-resolution, folders: ., patch: 16, patches-per-picture: 2}
        validation: {folder: .}
        training: {epochs: 1, batch-size: 1}
      timing: {input: 1x1x8x8, rounds: 6}
      variants: [{name: a}, {name: b, file: upscale-x2}]

      """
    try AtomicFile.write(Array(front.utf8), to: place.path("\(name).yaml"))
    try FileManager.default.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    for path in ["\(name).png", "in/\(name).png"] {
      try FileManager.default.copyItem(atPath: place.path("photo.png"), toPath: place.path(path))
    }
    try AtomicFile.write(Array("broken".utf8), to: place.path("in/\(name)b.png"))
    return place
  }

  @Test(arguments: commands) func `no name steers the terminal`(command: String) throws {
    var lines: [[Int]] = [], codes: [Int32] = []
    for name in [Self.tame, Self.hostile] {
      let place = try Self.place(name)
      let words = command.split(separator: " ").map { $0.replacingOccurrences(of: "M", with: name) }
      let result = try place.run(words)
      for text in [result.output, result.error] {
        let bad = text.unicodeScalars.filter { scalar in
          [.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory) && scalar != "\n"
        }
        #expect(bad.isEmpty, "\(bad.map(\.value)) in \(text.debugDescription)")
      }
      if words.contains("--json"), result.code == 0 {
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: result.outputBytes) }
      }
      codes.append(result.code)
      lines.append([result.output, result.error].map { $0.utf8.count { $0 == 10 } })
      // A name that is told is told on one line, whole or its beginning.
      for line in (result.output + result.error).split(separator: "\n") {
        #expect(!line.contains("31m") || line.contains("2J"))
      }
    }
    #expect(codes[0] == codes[1])
    // What is said of measured times depends on how busy the machine is.
    let isMeasured = ["profile", "explain", "front"].contains { command.hasPrefix($0) }
    if !command.contains("--json"), !isMeasured { #expect(lines[0] == lines[1], "lines of output and error") }
  }

  /// Names from files may be as long as the file: an error is a line that a person reads, with its mend at the end.
  @Test(arguments: ["info", "kernels", "bench", "convert -o other.onnx"]) func `long names make no long line`(command: String)
    throws
  {
    let place = try Workplace()
    let long = String(repeating: "n", count: 100_000)
    let graph = """
      {"name":"\(long)","inputs":[{"name":"x","channels":1}],"nodes":[{"name":"\(long)","inputs":["\(long)x"],\
      "operation":{"type":"relu"}}],"outputs":["\(long)"]}
      """
    try Safetensors(tensors: [:], metadata: ["swiftlet.network": graph, "swiftlet.version": "1"])
      .write(to: place.path("long.safetensors"))
    var words = command.split(separator: " ").map(String.init)
    words.insert("long.safetensors", at: 1)
    for words in [words, ["info", long], ["info", "model.safetensors", "--input", long], ["run", long]] {
      let result = try place.run(words)
      #expect(result.code != 0 && result.output.isEmpty)
      #expect(result.error.split(separator: "\n").count == 1 && result.error.utf8.count < 2200, "\(result.error.utf8.count)")
    }
  }
}
