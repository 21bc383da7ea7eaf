import Files
import Networks
import Tensors
import Testing

@testable import Formats

@Suite struct SafetensorsTests {
  static let sample = Safetensors(
    tensors: [
      "a.weight": Tensor([2, 3], [1, -2, 3.5, 0, -0.0, 6]),
      "b": Tensor(zeros: [5], .uint8),
      "c": Tensor(zeros: [], .int32),
      "d\"\n": Tensor(zeros: [0, 4], .bfloat16),
      "e": Tensor(zeros: [3], .int8),
    ], metadata: ["k": "v \u{1} \\ é"])

  @Test func roundTripIsExactAndDeterministic() throws {
    let bytes = Self.sample.encoded()
    let read = try Safetensors(bytes: bytes)
    #expect(read == Self.sample)
    #expect(read.encoded() == bytes)
  }

  @Test func everyTruncationIsAnError() {
    let bytes = Self.sample.encoded()
    for count in 0..<bytes.count {
      #expect(throws: FormatProblem.self) { try Safetensors(bytes: Array(bytes[..<count])) }
    }
  }

  @Test func randomDamageNeverCrashes() {
    let seed = UInt64.random(in: 0 ... .max)
    var state = seed
    func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    let bytes = Self.sample.encoded()
    for _ in 0..<10_000 {
      var damaged = bytes
      for _ in 0...next() % 3 { damaged[next() % damaged.count] ^= UInt8(1 + next() % 255) }
      do throws(FormatProblem) { _ = try Safetensors(bytes: damaged) } catch {
        #expect(!error.description.contains("\n"), "seed \(seed)")
      }
    }
  }

  private func problem(_ header: String, data: Int = 0) -> FormatProblem? {
    var bytes = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    bytes += Array(header.utf8) + [UInt8](repeating: 0, count: data)
    do throws(FormatProblem) {
      _ = try Safetensors(bytes: bytes)
      return nil
    } catch { return error }
  }

  @Test func hostileHeadersAreRefused() {
    let entry = #""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#
    #expect(problem("{\(entry)}", data: 4) == nil)
    #expect(problem("{\(entry),\(entry)}", data: 4) == .duplicateTensor("a"))
    #expect(problem("{\(entry)}", data: 5) == .malformed(.safetensors, part: "1 bytes after the last tensor"))
    #expect(problem(#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#) != nil)
    #expect(problem(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, data: 8) != nil)
    #expect(
      problem(#"{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}"#, data: 1)
        == .unsupportedType(.safetensors, tensor: "a", type: "F8_E4M3"))
    #expect(problem(String(repeating: "[", count: 100_000)) == .notOfFormat(.safetensors))
    #expect(throws: FormatProblem.self) { try Safetensors(bytes: [255, 255, 255, 255, 255, 255, 255, 255]) }
  }

  @Test func foreignTypesConvert() throws {
    func read(_ type: String, _ bytes: [UInt8]) throws -> Tensor? {
      let header = Array(#"{"a":{"dtype":"\#(type)","shape":[1],"data_offsets":[0,\#(bytes.count)]}}"#.utf8)
      return try Safetensors(bytes: [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header + bytes).tensors["a"]
    }
    #expect(try read("F64", [0, 0, 0, 0, 0, 0, 0xF8, 0x3F])?.floats == [1.5])
    #expect(try read("F16", [0x00, 0xBE])?.floats == [-1.5])
    #expect(try read("F16", [0x01, 0x00])?.floats == [0x1p-24])
    #expect(try read("F16", [0x00, 0x7C])?.floats == [.infinity])
    #expect(try read("I64", [7, 0, 0, 0, 0, 0, 0, 0])?.dataType == .int32)
    #expect(throws: FormatProblem.integerRange(tensor: "a")) { try read("I64", [0, 0, 0, 0, 1, 0, 0, 0]) }
  }
}

@Suite struct ModelFileTests {
  static func network(weight: Float = 0.5) -> Network {
    let convolution = Convolution(inChannels: 1, outChannels: 2, kernel: Pair(1))
    let graph = NetworkGraph(
      name: "tiny", inputs: [NetworkInput(name: "input", channels: 1)],
      nodes: [Node(name: "head", operation: .convolution(convolution), inputs: ["input"])], outputs: ["head"])
    return Network(
      unverified: graph,
      parameters: ["head.weight": Tensor(repeating: weight, [2, 1, 1, 1]), "head.bias": Tensor([2], [1, 2])])
  }

  @Test func roundTrip() throws {
    let network = Self.network()
    #expect(try ModelFile.read(bytes: ModelFile.contents(of: network).encoded()) == network)
  }

  @Test func nonFiniteWeightsAreNamed() throws {
    let bytes = ModelFile.contents(of: Self.network(weight: .nan)).encoded()
    #expect(throws: FormatProblem.notFinite(tensor: "head.weight")) { try ModelFile.read(bytes: bytes) }
    #expect(try ModelFile.read(bytes: bytes, allowingNonFinite: true).nodes.count == 1)
  }

  @Test func otherContentsAreNamed() throws {
    #expect(throws: FormatProblem.noNetwork) { try ModelFile.read(bytes: SafetensorsTests.sample.encoded()) }
    var contents = ModelFile.contents(of: Self.network())
    contents.metadata["swiftlet.version"] = "9"
    #expect(throws: FormatProblem.modelVersion("9")) { try ModelFile.read(bytes: contents.encoded()) }
    contents = ModelFile.contents(of: Self.network())
    contents.tensors["head.bias"] = nil
    #expect(throws: FormatProblem.network(.missingParameter("head.bias", type: ValueType([2])))) {
      try ModelFile.read(bytes: contents.encoded())
    }
  }
}
