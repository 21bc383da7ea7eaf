import Files
import Formats
import Tensors
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite struct CheckpointTests {
  static func bytes(_ text: String) -> [UInt8] { Data(base64Encoded: text).map { [UInt8]($0) } ?? [] }

  static func elements(_ tensor: Tensor) -> [Double] {
    tensor.withUnsafeBytes { bytes in
      switch tensor.dataType {
      case .float32: bytes.bindMemory(to: Float.self).map(Double.init)
      case .int32: bytes.bindMemory(to: Int32.self).map(Double.init)
      case .int8: bytes.bindMemory(to: Int8.self).map(Double.init)
      case .uint8: bytes.map(Double.init)
      case .float16, .bfloat16: []
      }
    }
  }

  /// Every kind of file gives the parameters that PyTorch gives, in its order.
  @Test(arguments: CheckpointFixtures.all.map(\.name)) func reads(name: String) throws {
    let fixture = try #require(CheckpointFixtures.all.first { $0.name == name })
    let checkpoint = try PyTorchCheckpoint(bytes: Self.bytes(fixture.file), name: name)
    #expect(checkpoint.path == fixture.path)
    #expect(checkpoint.skipped.sorted() == fixture.skipped.sorted())
    #expect(checkpoint.names == fixture.parameters.map(\.name))
    #expect(checkpoint.parameters.count == fixture.parameters.count)
    for parameter in fixture.parameters {
      let tensor = try #require(checkpoint.parameters[parameter.name], "\(parameter.name)")
      #expect(tensor.dataType.rawValue == parameter.type, "\(parameter.name)")
      #expect(tensor.shape == Shape(parameter.shape), "\(parameter.name)")
      #expect(Self.elements(tensor) == parameter.values, "\(parameter.name)")
    }
  }

  @Test(arguments: CheckpointFixtures.refused.map(\.name)) func refuses(name: String) throws {
    let fixture = try #require(CheckpointFixtures.refused.first { $0.name == name })
    let error = #expect(throws: FormatError.self) {
      try PyTorchCheckpoint(bytes: Self.bytes(fixture.file), name: "x.pth")
    }
    let text = try #require(error).description
    #expect(text.contains(fixture.reason), "\(text)")
    #expect(text.hasPrefix("'x.pth'") && !text.contains("\n"), "\(text)")
  }

  @Test func sharedWeightsShareMemory() throws {
    let fixture = try #require(CheckpointFixtures.all.first { $0.name == "shared weights, zip" })
    let checkpoint = try PyTorchCheckpoint(bytes: Self.bytes(fixture.file), name: "x")
    let (first, second) = (try #require(checkpoint.parameters["0.weight"]), try #require(checkpoint.parameters["1.weight"]))
    #expect(first.withUnsafeBytes { $0.baseAddress } == second.withUnsafeBytes { $0.baseAddress })
  }

  @Test func unknownClassesAreNamed() throws {
    let fixture = try #require(CheckpointFixtures.all.first { $0.name == "module, zip" })
    let checkpoint = try PyTorchCheckpoint(bytes: Self.bytes(fixture.file), name: "x")
    #expect(checkpoint.globals.contains("__main__.Tiny"))
    #expect(!checkpoint.globals.contains { $0.hasSuffix("Storage") || $0 == "collections.OrderedDict" })
  }

  /// Every file cut short at every length is an error of one line.
  @Test(arguments: CheckpointFixtures.all.map(\.name)) func truncation(name: String) throws {
    let fixture = try #require(CheckpointFixtures.all.first { $0.name == name })
    let bytes = Self.bytes(fixture.file)
    for length in 0..<bytes.count {
      let error = #expect(throws: FormatError.self, "\(name) cut to \(length) of \(bytes.count) bytes") {
        try PyTorchCheckpoint(bytes: Array(bytes[..<length]), name: "x")
      }
      #expect(error?.description.contains("\n") == false)
    }
  }

  /// Random damage ends in an error of one line or in parameters, and in nothing else.
  @Test(arguments: ["zip", "deflated", "legacy"]) func randomDamage(kind: String) throws {
    let files = CheckpointFixtures.all.filter { $0.name.contains(kind) }.map { Self.bytes($0.file) }
    let seed = UInt64.random(in: 0 ... .max)
    print("random damage to checkpoints, \(kind): seed \(seed)")
    var generator = SplitMix64(seed: seed)
    var read = 0
    for round in 0..<10_000 {
      var bytes = files[round % files.count]
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      do throws(FormatError) {
        let checkpoint = try PyTorchCheckpoint(bytes: bytes, name: "x")
        let size = checkpoint.parameters.values.reduce(0) { $0 + $1.byteCount }
        #expect(size <= 1 << 28, "seed \(seed), round \(round)")
        read += 1
      } catch {
        #expect(!error.description.contains("\n"), "seed \(seed), round \(round)")
      }
    }
    #expect(read > 0 && read < 10_000)
  }
}
