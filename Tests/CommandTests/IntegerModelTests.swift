import Foundation
import Swiftlet
import Testing

/// A model of integers in a command: what runs it, and what says in one line that it cannot.
@Suite struct IntegerModelTests {
  private static func model() throws -> Network {
    let step = Requantization(.uint8, .init(scale: 0.5, zeroPoint: 9))
    var builder = NetworkBuilder("integers")
    let x = builder.input("x", axes: [nil, 3, nil, nil], element: .uint8, quantization: .init(scale: 1, zeroPoint: 128))
    let payload = Convolution(
      inChannels: 3, outChannels: 4, kernel: 3, padding: 1, epilogue: Epilogue([.rescale, .requantize(step)]))
    builder.output(builder.node("head", .convolution(payload), [x], channels: 4))
    return try builder.build(.random(seed: 4))
  }

  @Test func informationIsGiven() throws {
    let place = try Workplace()
    try ModelFile.write(Self.model(), to: place.path("integers.safetensors"))
    let result = try place.run(["info", "integers.safetensors", "--nodes", "--input", "1x3x8x8"])
    #expect(result.code == 0 && result.error.isEmpty, "\(result.error)")
    #expect(result.output.contains("network integers: x uint8 [N, 3, H, W] (1.0 · (q - 128)) -> head"))
    #expect(result.output.contains("| rescale | requantize uint8 0.5 · (q - 9)"))
    #expect(result.output.contains("read 192 bytes, written 256 bytes, peak of values 448 bytes"), "\(result.output)")
  }

  @Test(arguments: [
    ["run", "integers.safetensors", "--input", "floats.npy", "-o", "y.npy"],
    ["run", "integers.safetensors", "--input", "floats.npy", "-o", "y.npy", "--engine", "reference"],
    ["upscale", "-m", "integers.safetensors", "photo.png", "-o", "big.png"],
  ])
  func whatCannotBeDoneIsSaid(_ arguments: [String]) throws {
    let place = try Workplace()
    try ModelFile.write(Self.model(), to: place.path("integers.safetensors"))
    try NPYFile.write(Tensor(zeros: [1, 3, 8, 8]), to: place.path("floats.npy"))
    let result = try place.run(arguments)
    #expect(result.code > 0, "\(result.output)")
    #expect(result.error.hasPrefix("swiftlet: ") && result.error.split(separator: "\n").count == 1, "\(result.error)")
    #expect(try !place.names().contains { ["y.npy", "big.png"].contains($0) })
  }

  /// Both engines run it on integers, with the same bits.
  @Test(arguments: ["reference", "cpu"]) func enginesRunIt(_ engine: String) throws {
    let place = try Workplace()
    let model = try Self.model(), input = Tensor([1, 3, 2, 2], .uint8, integers: (0..<12).map { $0 * 20 })
    try ModelFile.write(model, to: place.path("integers.safetensors"))
    try NPYFile.write(input, to: place.path("x.npy"))
    let run = try place.run(["run", "integers.safetensors", "--input", "x.npy", "-o", "y.npy", "--engine", engine])
    #expect(run.code == 0, "\(run.error)")
    #expect(try NPYFile.read(place.path("y.npy")) == ReferenceEngine().prepare(model, inputs: [input.shape]).run([input])[0])
    let same = try place.run(["compare", "integers.safetensors", "--path-a", "reference", "--path-b", engine])
    #expect(
      same.code == 0 && same.output.contains("The one value that has a bound is within it"), "\(same.error)\(same.output)")
    #expect(try place.run(["explain", "integers.safetensors"]).code == 0)
  }

  /// Random integers are what it is timed on.
  @Test(arguments: ["reference", "cpu"]) func itIsTimed(_ engine: String) throws {
    let place = try Workplace()
    try ModelFile.write(Self.model(), to: place.path("integers.safetensors"))
    let result = try place.run(["bench", "integers.safetensors", "--input", "1x3x8x8", "--runs", "1", "--engine", engine])
    #expect(result.code == 0 && result.output.contains("median "), "\(result.error)")
  }

  /// As ONNX it has the same integers in and out.
  @Test func itIsWrittenAsONNX() throws {
    let place = try Workplace()
    let model = try Self.model(), input = Tensor([1, 3, 4, 5], .uint8, integers: (0..<60).map { $0 * 4 })
    try ModelFile.write(model, to: place.path("integers.safetensors"))
    try NPYFile.write(input, to: place.path("x.npy"))
    let written = try place.run(["optimize", "integers.safetensors", "-o", "integers.onnx"])
    #expect(written.code == 0, "\(written.error)")
    let run = try place.run(["run", "integers.onnx", "--input", "x.npy", "-o", "y.npy"])
    #expect(run.code == 0, "\(run.error)")
    #expect(try NPYFile.read(place.path("y.npy")) == ReferenceEngine().prepare(model, inputs: [input.shape]).run([input])[0])
  }

  /// The same model, whatever the passes.
  @Test func optimizingKeepsIt() throws {
    let place = try Workplace()
    let model = try Self.model()
    try ModelFile.write(model, to: place.path("integers.safetensors"))
    let result = try place.run(["optimize", "integers.safetensors", "-o", "again.safetensors"])
    guard result.code == 0 else {
      #expect(result.code > 0 && result.error.hasPrefix("swiftlet: "), "\(result.error)")
      return
    }
    #expect(try ModelFile.read(place.path("again.safetensors")) == model)
  }
}
