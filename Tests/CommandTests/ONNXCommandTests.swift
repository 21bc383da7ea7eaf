import Foundation
import Swiftlet
import Testing

@Suite struct ONNXCommandTests {
  @Test func modelsGoToONNXAndBack() throws {
    let place = try Workplace()
    let there = try place.run(["convert", "MODEL", "-o", "m.onnx"])
    #expect(there.code == 0 && there.output.hasPrefix("m.onnx: edsr, "), "\(there)")
    #expect(try place.run(["info", "m.onnx", "--nodes"]).code == 0)

    // What the network does to images lies in the file, unless other programs have left it out: then it is told once, and kept.
    #expect(try place.run(["upscale", "photo.png", "-o", "direct.png", "-m", "m.onnx"]).code == 0)
    var network = try ModelFile.read(place.path("model.safetensors"))
    network.contract = nil
    try ONNXFile.write(network, to: place.path("m.onnx"))
    let untold = try place.run(["upscale", "photo.png", "-o", "a.png", "-m", "m.onnx"])
    #expect(
      untold.code == 1
        && untold.error.contains(
          "by its shapes it enlarges 2 times those of 1 channel: 'swiftlet convert FILE --colour luma --scale 2 -o MODEL.safetensors'"
        ),
      "\(untold)")
    let contract = try #require(ModelFile.read(place.path("model.safetensors")).imageContract)
    let back = try place.run([
      "convert", "m.onnx", "-o", "back.safetensors", "--colour", "luma", "--scale", "2", "--maximum", "\(contract.maximum)",
      "--json",
    ])
    #expect(back.code == 0 && back.output.contains("\"parameter_count\""), "\(back)")
    #expect(try ModelFile.read(place.path("back.safetensors")).imageContract == contract)
    for model in ["model", "back"] {
      #expect(try place.run(["upscale", "photo.png", "-o", "\(model).png", "-m", "\(model).safetensors"]).code == 0)
    }
    #expect(try place.image("back.png") == place.image("model.png"))
    #expect(try place.image("direct.png") == place.image("model.png"))
  }

  /// A file of fixed size serves that size, and says what opens it; what is opened serves any.
  @Test func fixedSizesAreOpenedWhenAsked() throws {
    let place = try Workplace()
    var builder = NetworkBuilder("fixed")
    let x = builder.input("x", axes: [1, 3, 24, 32])
    let convolution = builder.convolution("c", x, outChannels: 12, kernel: 3, padding: 1)
    builder.output(builder.pixelShuffle("y", convolution, factor: 2))
    try ONNXFile.write(try builder.build(.random(seed: 3)), to: place.path("m.onnx"))
    for (command, text) in [
      ("info m.onnx", "input 1x3x24x32 -> output 1x3x48x64"), ("bench m.onnx --runs 1", "input 1x3x24x32"),
      ("kernels m.onnx", "head"), ("profile m.onnx --runs 1 --warmup 0", "1x3x24x32"),
      ("explain m.onnx --runs 1 --warmup 0", "1x3x24x32"), ("compare m.onnx", " within "),
      ("compare m.onnx m.onnx", " within "), ("optimize m.onnx", "1x3x24x32"),
      ("ladder --model m.onnx --layers none --runs 1", "1x3x24x32"),
    ] {
      let result = try place.run(command.split(separator: " ").map(String.init))
      #expect(result.code == 0 && result.output.contains(text), "\(result)")
    }
    try NPYFile.write(Tensor(repeating: 0.5, [1, 3, 9, 7]), to: place.path("x.npy"))
    let refused = try place.run(["run", "m.onnx", "--input", "x.npy", "-o", "y.npy"])
    #expect(
      refused.code == 1 && refused.error.contains("the input 'x' is 1x3x9x7 and must be [1, 3, 24, 32]; ")
        && refused.error.contains("--any-size"), "\(refused)")
    let opened = try place.run(["convert", "m.onnx", "--any-size", "-o", "m.safetensors", "--colour", "rgb", "--scale", "2"])
    #expect(opened.code == 0 && opened.output.hasSuffix("takes 'x' [N, 3, H, W]\n"), "\(opened)")
    #expect(try place.run(["run", "m.safetensors", "--input", "x.npy", "-o", "y.npy"]).code == 0)
    #expect(try NPYFile.read(place.path("y.npy")).shape == [1, 3, 18, 14])
    #expect(try place.run(["upscale", "photo.png", "-o", "a.png", "-m", "m.safetensors", "--tile", "16"]).code == 0)
    // As it was it takes no other picture.
    #expect(try place.run(["convert", "m.onnx", "-o", "f.safetensors", "--colour", "rgb", "--scale", "2"]).code == 0)
    let photo = try place.run(["upscale", "photo.png", "-o", "b.png", "-m", "f.safetensors"])
    #expect(
      photo.code == 1 && photo.error.contains("must be [1, 3, 24, 32]") && photo.error.split(separator: "\n").count == 1,
      "\(photo)")
    let usage = try place.run(["convert", "MODEL", "--any-size", "-o", "n.onnx"])
    #expect(usage.code == 64 && usage.error.contains("--any-size is for .onnx files"), "\(usage)")
  }

  @Test func networksRunFromONNX() throws {
    let place = try Workplace()
    #expect(try place.run(["convert", "MODEL", "-o", "m.onnx"]).code == 0)
    try NPYFile.write(Tensor(repeating: 0.5, [2, 1, 9, 7]), to: place.path("x.npy"))
    for (model, engine) in [("MODEL", "cpu"), ("m.onnx", "cpu"), ("m.onnx", "reference")] {
      let result = try place.run(["run", model, "--input", "x.npy", "-o", "\(model).\(engine).npy", "--engine", engine])
      #expect(result.code == 0, "\(result)")
    }
    let output = try NPYFile.read(place.path("m.onnx.cpu.npy"))
    #expect(output.shape == [2, 1, 18, 14])
    #expect(try output == NPYFile.read(place.path("MODEL.cpu.npy")))
    #expect(try output.difference(from: NPYFile.read(place.path("m.onnx.reference.npy"))).relative < 1e-5)
  }

  @Test func mistakesAreOneLine() throws {
    let place = try Workplace()
    try AtomicFile.write([], to: place.path("empty.onnx"))
    try AtomicFile.write(Array("text".utf8), to: place.path("text.onnx"))
    for (arguments, code, message) in [
      ("info missing.onnx", 1, "swiftlet: 'missing.onnx' does not exist; check the path\n"),
      ("info empty.onnx", 1, "swiftlet: 'empty.onnx': the ONNX model holds no graph; export it again\n"),
      (
        "run text.onnx --input x.npy -o y.npy", 1,
        "swiftlet: 'text.onnx' is no ONNX model; check the path and the kind of file\n"
      ),
      ("convert weights.pth -o m.onnx", 1, "swiftlet: 'weights.pth' does not exist; check the path\n"),
    ] {
      let result = try place.run(arguments.split(separator: " ").map(String.init))
      #expect(result.code == Int32(code) && result.error == message, "\(result)")
    }
    #expect(try place.run(["convert", "MODEL", "-o", "m.onnx"]).code == 0)
    for (scale, text) in [(["--scale", "3"], "enlarge 3 times"), ([], "keep the size")] {
      let wrong = try place.run(["convert", "m.onnx", "-o", "x.safetensors", "--colour", "luma"] + scale)
      #expect(wrong.code == 1)
      #expect(
        wrong.error == "swiftlet: the network 'edsr' makes 1x1x128x128 of an image of 1x1x64x64 and cannot be said to \(text); "
          + "give --scale 2\n")
    }
    let refused = try place.run(["convert", "MODEL", "-o", "m.onnx", "--scale", "2"])
    #expect(refused.code == 64 && refused.error.contains("need --colour"), "\(refused)")
  }
}
