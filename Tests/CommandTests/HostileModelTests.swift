import Foundation
import Swiftlet
import Testing

/// Small files that ask for much: each command runs them or refuses them in one line, within an address space and a processor time that
/// an honest model of that size needs. Where more is asked for than the limit leaves, the line says so; nothing traps.
@Suite struct HostileModelTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// The axes of each input.
    var inputs: [[Int]]
    var nodes: [String]
    var outputs: [String]

    init(_ name: String, _ inputs: [[Int]], nodes: [String], outputs: [String] = ["y"]) {
      (testDescription, self.inputs, self.nodes, self.outputs) = (name, inputs, nodes, outputs)
    }

    /// One operation, which reads all inputs.
    init(_ name: String, _ inputs: [Int]..., operation: String) {
      let names = inputs.indices.map { "\"x\($0)\"" }.joined(separator: ",")
      self.init(name, inputs, nodes: [#"{"name":"y","inputs":[\#(names)],"operation":{\#(operation)}}"#])
    }

    /// The same operations in turn.
    init(_ name: String, _ input: [Int], count: Int, _ operations: [String], self isPaired: Bool = false) {
      let nodes = (0..<count).map { index in
        let operand = index == 0 ? "\"x0\"" : "\"n\(index - 1)\""
        return #"{"name":"n\#(index)","inputs":[\#(operand)\#(isPaired ? "," + operand : "")],"# + #""operation":{"#
          + operations[index % operations.count] + "}}"
      }
      self.init(name, [input], nodes: nodes, outputs: ["n\(count - 1)"])
    }

    var graph: String {
      let inputs = self.inputs.enumerated().map { #"{"name":"x\#($0)","axes":\#($1)}"# }.joined(separator: ",")
      let outputs = self.outputs.map { "\"\($0)\"" }.joined(separator: ",")
      return #"{"name":"n","inputs":[\#(inputs)],"nodes":[\#(nodes.joined(separator: ","))],"outputs":[\#(outputs)]}"#
    }
  }

  /// Far beyond any network.
  private static let most = 1 << 20

  static let convolutions: [Example] = [(1, 1, 1), (3, 8, 1), (16, 16, 1), (16, 16, 16), (16, 1, 1), (4, 8, 2)].flatMap {
    (inputs, outputs, groups) -> [Example] in
    let base = #""inChannels":\#(inputs),"outChannels":\#(outputs),"groups":\#(groups),"kernel":3,"bias":false"#
    let forms = [
      #""stride":\#(most),"padding":1"#, #""dilation":\#(most / 4),"padding":\#(most / 4)"#,
      #""padding":[\#(most / 8),1,1,1]"#, #""padding":[1,\#(most / 8),1,1]"#, #""padding":1000"#, #""padding":\#(most)"#,
      #""stride":\#(most / 2),"padding":\#(most)"#,
    ]
    let transposed = [#""stride":1000"#, #""stride":\#(most)"#, #""stride":[\#(most / 16),1]"#, #""stride":[1,\#(most / 16)]"#]
    let name = "\(inputs) to \(outputs) in \(groups)"
    return forms.map {
      Example("\(name), \($0)", [1, inputs, 8, 8], operation: #""type":"convolution",\#(base),\#($0)"#)
    }
      + transposed.map {
        Example("transposed \(name), \($0)", [1, inputs, 2, 2], operation: #""type":"transposedConvolution",\#(base),\#($0)"#)
      }
      + [
        Example("\(name), wide", [1, inputs, 1, most / 16], operation: #""type":"convolution",\#(base),"padding":1"#),
        Example("\(name), high", [1, inputs, most / 16, 1], operation: #""type":"convolution",\#(base),"padding":1"#),
      ]
  }

  static let operations: [Example] = {
    var examples = [
      Example(
        "a wide kernel", [1, 1, 8, 8],
        operation:
          #""type":"convolution","inChannels":1,"outChannels":1,"kernel":[1,200000],"padding":[0,100000,0,100000],"bias":false"#
      ),
      Example(
        "a high kernel", [1, 1, 8, 300],
        operation:
          #""type":"convolution","inChannels":1,"outChannels":1,"kernel":[200000,1],"padding":[100000,0,100000,0],"bias":false"#
      ),
      Example(
        "many channels out", [1, 1, 256, 256],
        operation: #""type":"convolution","inChannels":1,"outChannels":200000,"kernel":1,"bias":false"#),
      Example(
        "many channels", [1, 200_000, 8, 8],
        operation: #""type":"convolution","inChannels":200000,"outChannels":200000,"groups":200000,"kernel":1,"bias":false"#),
      Example("unshuffled", [1, 1, 1000, 1000], operation: #""type":"pixelUnshuffle","factor":1000"#),
      Example("shuffled", [1, most, 1, 1], operation: #""type":"pixelShuffle","factor":1024"#),
      Example("many images", [most, 1, 1, 1], operation: #""type":"relu""#),
      Example("many images of many channels", [most, 17, 1, 1], operation: #""type":"relu""#),
      Example("the largest input", [most, most, most, most], operation: #""type":"relu""#),
      Example("a large input", [1, 1, 65535, 65536], operation: #""type":"relu""#),
      Example("pixels to channels", [1, 16, 500, 500], operation: #""type":"reshape","extents":[1,-1,1,1]"#),
      Example("pixels to images", [1, 17, 500, 500], operation: #""type":"reshape","extents":[-1,17,1,1]"#),
      Example("turned", [1, 1, 300, most / 16], operation: #""type":"transpose","permutation":[3,2,1,0]"#),
      Example("a product", [30000, 30000], [30000, 30000], operation: #""type":"matrixMultiply""#),
      Example("an outer product", [100_000, 1], [1, 100_000], operation: #""type":"matrixMultiply""#),
      Example("an outer sum", [1, 1, 100_000, 1], [1, 1, 1, 100_000], operation: #""type":"binary","function":"add""#),
      Example("a wide softmax", [1, 16, 8, 100_000], operation: #""type":"softmax","axis":3"#),
      Example(
        "far slices", [1, 1, 8, 8], operation: #""type":"slice","axis":2,"start":-68719476736,"end":68719476736,"step":1048576"#
      ),
    ]
    for channels in [1, 16] {
      let input = [1, channels, 8, 8]
      for pool in ["maximumPool", "averagePool"] {
        examples += [
          Example(
            "\(pool) \(channels)", input,
            operation: #""type":"\#(pool)","kernel":\#(most),"stride":\#(most),"padding":\#(most - 1)"#),
          Example(
            "dense \(pool) \(channels)", input,
            operation: #""type":"\#(pool)","kernel":\#(most),"stride":1,"padding":\#(most - 1)"#),
          Example(
            "wide \(pool) \(channels)", input,
            operation: #""type":"\#(pool)","kernel":[1,20000],"stride":1,"padding":[0,19999,0,19999]"#),
        ]
      }
      for mode in ["constant", "edge"] {
        examples += [
          Example("pad \(channels) \(mode)", input, operation: #""type":"pad","padding":\#(most),"mode":"\#(mode)""#),
          Example(
            "pad \(channels) \(mode), high", input,
            operation: #""type":"pad","padding":[\#(most),0,\#(most),0],"mode":"\#(mode)""#),
        ]
      }
      examples.append(
        Example(
          "pad \(channels), channels", input,
          operation: #""type":"pad","padding":0,"channelsBefore":\#(most),"channelsBehind":\#(most)"#))
      for method in ["nearest", "bilinear", "bicubic"] {
        for target in [
          #""factor":\#(most)"#, #""size":[\#(most),1]"#, #""size":[1,\#(most)]"#, #""size":3000"#, #""factor":[1e-30,1e-30]"#,
        ] {
          examples.append(
            Example("\(method) \(channels) \(target)", input, operation: #""type":"resize","method":"\#(method)",\#(target)"#))
        }
      }
      for extents in [
        [1, channels, 1 << 18, 1 << 18], [1 << 30, channels, 1, 1], [1, channels, 1, 1 << 24], [1 << 12, channels, 1, 1 << 10],
      ] {
        examples.append(
          Example("expand \(extents)", [1, channels, 1, 1], operation: #""type":"expand","extents":\#(extents)"#))
      }
    }
    for size in [
      #"{"product":[{"extent":[0,2]},1e300]}"#, #"{"quotient":[{"extent":[0,2]},0]}"#, #"{"difference":[0,{"extent":[0,2]}]}"#,
      #"{"product":[{"extent":[0,2]},100000]}"#,
    ] {
      examples += [
        Example(
          "resize to \(size)", [1, 1, 8, 8],
          operation: #""type":"resize","method":"nearest","size":[\#(size),{"extent":[0,3]}]"#),
        Example(
          "pad by \(size)", [1, 1, 8, 8],
          operation: #""type":"pad","padding":0,"growth":{"top":\#(size),"left":0,"bottom":0,"right":0}"#),
        Example("slice to \(size)", [1, 1, 8, 8], operation: #""type":"slice","axis":2,"start":0,"end":\#(size)"#),
        Example("expand to \(size)", [1, 1, 1, 1], operation: #""type":"expand","extents":[1,1,\#(size),1]"#),
      ]
    }
    return examples
  }()

  static let chains: [Example] = {
    let high = #""type":"resize","method":"METHOD","size":[\#(most),1]"#,
      wide = #""type":"resize","method":"METHOD","size":[1,\#(most)]"#
    let small = #""type":"resize","method":"METHOD","size":[1,1]"#
    var examples = ["nearest", "bilinear", "bicubic"].flatMap { method in
      // A row costs more than a column.
      [(high, 50), (wide, 200)].map { large, count in
        Example(
          "to and fro, \(method)", [1, 1, 8, 8], count: count,
          [large, small].map { $0.replacingOccurrences(of: "METHOD", with: method) })
      }
    }
    examples += [
      Example("activations", [1, 16, 8, 8], count: 5000, [#""type":"relu""#, #""type":"tanh""#]),
      Example("sums with itself", [1, 1, 8, 8], count: 5000, [#""type":"add""#], self: true),
      Example("joined with itself", [1, 1, 1, 1], count: 40, [#""type":"concatenation""#], self: true),
      Example("joined with itself, less often", [1, 1, 1, 1], count: 18, [#""type":"concatenation""#], self: true),
      Example("doubled", [1, 1, 8, 8], count: 40, [#""type":"resize","method":"nearest","factor":2"#]),
      Example(
        "padded and cut", [1, 16, 8, 8], count: 100,
        [#""type":"pad","padding":[100000,0,0,0]"#, #""type":"slice","axis":2,"start":0,"end":8"#]),
      Example("pools", [1, 16, 8, 8], count: 3000, [#""type":"maximumPool","kernel":3,"stride":1,"padding":1"#]),
      Example("turns", [1, 3, 8, 8], count: 3000, [#""type":"transpose","permutation":[0,1,3,2]"#]),
      Example(
        "forms", [1, 1, 8, 8], count: 3000, [#""type":"reshape","extents":[1,64]"#, #""type":"reshape","extents":[1,1,8,8]"#]),
      Example(
        "many outputs", [[1, 16, 256, 256]],
        nodes: (0..<3000).map {
          #"{"name":"n\#($0)","inputs":["x0"],"operation":{"type":"relu"}}"#
        }, outputs: (0..<3000).map { "n\($0)" }),
      Example(
        "one output many times", [[1, 16, 300, 300]], nodes: [#"{"name":"y","inputs":["x0"],"operation":{"type":"relu"}}"#],
        outputs: Array(repeating: "y", count: 20000)),
      Example(
        "joined many times", [[1, 1, 8, 8]],
        nodes: [
          #"{"name":"y","inputs":[\#(Array(repeating: "\"x0\"", count: 50000).joined(separator: ","))],"operation":{"type":"concatenation"}}"#
        ]),
      Example(
        "many inputs", (0..<5000).map { _ in [1, 1, 512, 512] },
        nodes: [#"{"name":"y","inputs":["x0"],"operation":{"type":"relu"}}"#]),
    ]
    return examples
  }()

  static let commands = [
    "info --nodes", "kernels", "profile --runs 1 --warmup 0 --json", "explain --runs 1 --warmup 0",
    "convert -o out.onnx",
    "optimize -o out.safetensors",
  ]

  @Test(arguments: convolutions + operations + chains) func `runs or refuses`(example: Example) throws {
    let place = try Workplace()
    var parameters: [String: Tensor] = [:]
    // A graph that is none is a file to refuse like any other.
    let expected = (try? NetworkGraph(json: example.graph).expectedParameters()) ?? []
    for (name, type) in expected { parameters[name] = Tensor(repeating: 0.01, type.shape) }
    try Safetensors(tensors: parameters, metadata: ["swiftlet.network": example.graph, "swiftlet.version": "1"])
      .write(to: place.path("model.safetensors"))
    let isRefused = try run("bench --runs 1 --warmup 0", place).code == 1
    // Of the others one in turn: most prepare the same session.
    let turn = example.testDescription.utf8.reduce(0) { $0 + Int($1) }
    _ = try run(Self.commands[turn % Self.commands.count], place)
    // The reference is slow by design: it gets what is refused, and what is small.
    let info = try? JSONSerialization.jsonObject(with: run("info --json", place).outputBytes) as? [String: Any]
    let peak = (info?["ledger"] as? [String: Any])?["peak_activation_byte_count"] as? Int ?? 0
    if isRefused || peak < 1 << 20 {
      _ = try run(turn % 2 == 0 ? "compare" : "bench --engine reference --runs 1 --warmup 0", place)
    }
  }

  private func run(_ command: String, _ place: borrowing Workplace) throws -> Workplace.Result {
    var words = command.split(separator: " ").map(String.init)
    words.insert("model.safetensors", at: 1)
    let result = try place.run(words, under: "ulimit -v 3000000; ulimit -t 90")
    let lines = result.error.split(separator: "\n")
    #expect([0, 1].contains(result.code), "\(command): exit \(result.code), \(result.error)")
    #expect(lines.count == (result.code == 0 || !result.output.isEmpty ? 0 : 1), "\(command): \(result.error)")
    #expect(lines.allSatisfy { $0.hasPrefix("swiftlet: ") }, "\(command): \(result.error)")
    return result
  }
}
