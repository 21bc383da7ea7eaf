import Foundation
import Swiftlet
import Testing

/// What is printed fits the line that it is printed on.
@Suite struct ScreenTests {
  /// Every report, of networks and files with long names and with letters that take two columns.
  @Test(arguments: [
    "kernels", "kernels --device h100", "kernels MODEL", "kernels long.safetensors --each", "kernels MODEL --device h100",
    "info MODEL --nodes", "info MODEL --training --nodes", "info long.safetensors",
    "bench MODEL --input 1x1x8x8 --runs 1 --nodes",
    "compare MODEL --input 1x1x8x8", "machine", "profile MODEL --input 1x1x8x8 --runs 1 --warmup 0",
    "profile long.safetensors --input photo.png --runs 1 --warmup 0 --by layer --sort calls",
    "profile MODEL --input 1x1x8x8 --runs 1 --warmup 0 --diff long.safetensors",
    "explain MODEL --input 1x1x8x8 --runs 1 --warmup 0", "explain MODEL long.safetensors --input 1x1x8x8 --runs 1 --warmup 0",
    "eval MODEL --data 写真", "eval MODEL long.safetensors --data 写真", "optimize MODEL --substitute separable",
    "prune MODEL --sparsity 0.5 --align 1", "prune MODEL --sweep 0.5:0.5:0.1 --align 1", "convert MODEL -o other.onnx",
    "quantize MODEL --data 写真 --count 1 --side 16 --input 1x1x8x8",
    "ladder --layers none --model MODEL --input 1x1x16x16",
    "ladder --layers 4->5@8 --batch 1 --runs 1 --model MODEL --input 1x1x16x16", "upscale 写真 -o out -m MODEL",
  ]) func `lines fit`(line: String) throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("写真"), withIntermediateDirectories: true)
    try TestChart.image(width: 60, height: 48).write(to: place.path("写真/家族の写真と長い名前👩‍🚀.png"))
    try TestChart.image(width: 60, height: 48).write(to: place.path("写真/b.png"))
    var builder = NetworkBuilder(
      "長い名前のネットワーク",
      contract: .image(ImageContract(colour: .luma, maximum: 1, scale: 2, inputSize: .lowResolution)))
    let names = [String(repeating: "n", count: 300), "層" + String(repeating: "の名前", count: 30)]
    var value = builder.convolution(names[0], builder.input("x", channels: 1), outChannels: 8, kernel: 3, padding: 1)
    value = builder.convolution(names[1], builder.activation("relu", value, .relu), outChannels: 4, kernel: 3, padding: 1)
    builder.output(builder.pixelShuffle("shuffle", value, factor: 2))
    try ModelFile.write(builder.build(.random(seed: 1)), to: place.path("long.safetensors"))
    for width in [40, 60, 80, 120] {
      let result = try place.run(line.split(separator: " ").map(String.init), under: "export COLUMNS=\(width)")
      #expect(result.code == 0, "\(result.error)")
      // What is said of each file as it is done stands on a line of its own, whatever it is called.
      let reported = result.output.split(separator: "\n").filter { !$0.contains(" -> out/") }
      for text in reported { #expect(Self.columns(text) <= width, "\(width): \(text)") }
      #expect(!reported.isEmpty)
      try? FileManager.default.removeItem(atPath: place.path("out"))
    }
  }

  /// However narrow, also of what has columns that stay.
  @Test(arguments: [12, 20, 30, 50]) func `a profile fits`(width: Int) throws {
    let place = try Workplace()
    let saved = try place.run(["profile", "MODEL", "--input", "1x1x8x8", "--runs", "1", "--warmup", "0", "--json"])
    try saved.outputBytes.write(to: URL(fileURLWithPath: place.path("a.json")))
    let result = try place.run(["profile", "a.json"], under: "export COLUMNS=\(width)")
    #expect(
      result.code == 0 && result.output.split(separator: "\n").allSatisfy { Self.columns($0) <= width }, "\(result.output)")
  }

  /// Wide letters counted by themselves: those of this test.
  private static func columns(_ text: Substring) -> Int {
    text.reduce(0) { sum, letter in
      guard let first = letter.unicodeScalars.first?.value else { return sum }
      return sum + (first >= 0x1F000 || (0x3040...0x9FFF).contains(first) ? 2 : 1)
    }
  }

  /// What rows are sorted by stays longest.
  @Test(arguments: [("calls", "# of Calls"), ("bytes", "Bytes moved"), ("total", "CPU total"), ("flops", "GFLOP/s")])
  func `the column that rows are sorted by stays`(key: String, header: String) throws {
    let place = try Workplace()
    let result = try place.run(
      ["profile", "MODEL", "--input", "1x1x8x8", "--runs", "1", "--warmup", "0", "--sort", key], under: "export COLUMNS=60")
    let lines = result.output.split(separator: "\n")
    #expect(result.code == 0 && lines.count > 3 && lines[1].contains(header), "\(result.output)")
  }
}
