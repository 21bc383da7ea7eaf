import Foundation
import Networks
import Tensors
import OperationCases
import Testing

@Suite struct NetworkCodableTests {
  @Test func graphJSONIsStable() throws {
    var builder = NetworkBuilder(
      "tiny", contract: .image(ImageContract(colour: .luma, maximum: 1, scale: nil, inputSize: .bicubicEnlarged)))
    let x = builder.input("x", channels: 1)
    let payload = Convolution(
      inChannels: 1, outChannels: 4, kernel: 3, padding: 1, epilogue: Epilogue([.activation(.leakyReLU(slope: 0.1)), .add]))
    let y = builder.node("y", .convolution(payload), [x, x], channels: 4)
    builder.output(builder.activation("z", y, .clip(minimum: 0, maximum: 1)))
    let network = try builder.build(.zeros)
    #expect(
      network.graph.json == """
        {"imageContract":{"colour":"luma","inputSize":"bicubicEnlarged","maximum":1},\
        "inputs":[{"channels":1,"name":"x"}],"name":"tiny","nodes":[\
        {"inputs":["x","x"],"name":"y","operation":{"bias":true,\
        "epilogue":[{"slope":0.1,"type":"leakyReLU"},{"type":"add"}],\
        "inChannels":1,"kernel":3,"outChannels":4,"padding":1,"type":"convolution"}},\
        {"inputs":["y"],"name":"z","operation":{"maximum":1,"minimum":0,"type":"clip"}}],"outputs":["z"]}
        """)
  }

  /// Contracts are written and read, and files say nothing of what a network does not have.
  @Test(arguments: [
    (
      PictureContract.classifier(
        ClassifierContract(
          classes: ["bird", "c\"a,t\n"],
          form: PictureForm(size: .init(width: 32, height: 24), mean: [0.5, 0.25, 0], deviation: [1, 2, 0.5]))),
      #""classifierContract":{"classes":["bird","c\"a,t\n"],"form":{"deviation":[1,2,0.5],"mean":[0.5,0.25,0],"size":{"height":24,"width":32}}}"#
    ),
    (
      .segmenter(SegmenterContract(classes: ["membrane"], form: .grey())),
      #""segmenterContract":{"classes":["membrane"],"form":{"deviation":[1],"mean":[0]}}"#
    ),
    (
      .image(ImageContract(colour: .rgb, maximum: 255, scale: 2, inputSize: .lowResolution)),
      #""imageContract":{"colour":"rgb","inputSize":"lowResolution","maximum":255,"scale":2}"#
    ),
  ])
  func contractsRoundTrip(contract: PictureContract, json: String) throws {
    var graph = try NetworkTests.sample().graph
    graph.contract = contract
    #expect(graph.json.contains(json), "\(graph.json)")
    #expect(try NetworkGraph(json: graph.json) == graph)
    graph.contract = nil
    #expect(!graph.json.contains("Contract"))
  }

  @Test(arguments: OperationCase.all)
  func everyOperationRoundTrips(operationCase: OperationCase) throws {
    let graph = operationCase.network.graph
    let again = try NetworkGraph(json: graph.json)
    #expect(again == graph)
    #expect(again.json == graph.json)
  }

  /// What is in the shared lists is tried by every backend, written, read, exported and held against what it says of itself.
  @Test func everyOperationHasACase() {
    let types = Set((OperationCase.all + OperationCase.integers).flatMap { $0.network.nodes.map(\.operation.type) })
    let missing = OperationType.allCases.filter { !types.contains($0) }
    #expect(missing.isEmpty, "the shared list of operation cases lacks \(missing)")
  }

  @Test func networkRoundTrips() throws {
    let network = try NetworkTests.sample()
    let data = try JSONEncoder().encode(network)
    #expect(try JSONDecoder().decode(Network.self, from: data) == network)
    #expect(try Network(network.graph, parameters: network.parameters) == network)
    #expect(throws: NetworkError.missingParameter("head.weight", type: ValueType([12, 3, 3, 3]))) {
      try Network(network.graph, parameters: [:])
    }
  }

  @Test func expectedParametersAreInNodeOrder() throws {
    let expected = try NetworkTests.sample().graph.expectedParameters()
    #expect(
      expected.map(\.name) == [
        "head.weight", "head.bias", "a.weight", "norm.weight", "norm.bias", "norm.runningMean", "norm.runningVariance",
      ])
    #expect(expected[2].type.shape == [12, 12, 3, 3])
  }

  /// One bad value in an otherwise good description: an error that says so, never a trap.
  @Test(arguments: [
    ("", "the network description is invalid"),
    ("[]", "the network description is invalid: is not an object"),
    ("{\"name\":", "the network description is invalid: it is no JSON"),
    (#"{"name":5,"inputs":[],"nodes":[],"outputs":[]}"#, "the network description is invalid: name: is not a text"),
    (#"{"name":"n","inputs":{},"nodes":[],"outputs":[]}"#, "inputs: is not a list"),
    (#"{"name":"n","inputs":[{"name":"x","channels":1}],"nodes":[],"outputs":[null]}"#, "outputs.0: is not a text"),
    (node(conv(#""kernel":"three""#)), "nodes.0.operation.kernel: is no whole number, nor a list of 2"),
    (node(conv(#""kernel":3,"groups":1e30"#)), "it is no JSON, or a number in it does not fit"),
    (node(conv(#""kernel":3,"groups":99999999999999999999"#)), "does not fit"),
    (node(conv(#""kernel":3,"groups":true"#)), "nodes.0.operation.groups: is not a whole number"),
    (node(#"{"type":"leakyReLU","slope":true}"#), "slope: is not a number"),
    (#"{"name":"n","inputs":[],"nodes":[],"outputs":[]}"#, "the network has no inputs"),
    (#"{"name":"n","inputs":[{"name":"x","channels":1}],"nodes":[],"outputs":["y"]}"#, "the output 'y' is no value"),
    (node(#"{"type":"warp"}"#), "the operation 'warp' is not known to this version"),
    (node(#"{"kernel":3}"#), "'type' is missing"),
    (
      node(#"{"type":"relu","slope":1}"#),
      "the operation 'relu' has a field 'slope', which is not known to this version; update"
    ),
    (
      node(conv(#""kernel":3,"kernelShape":"star""#)),
      "the operation 'convolution' has a field 'kernelShape', which is not known"
    ),
    (node(conv(#""kernel":3,"epilogue":[{"type":"scale","factor":2,"bias":1}]"#)), "the operation 'scale' has a field 'bias'"),
    (node(#"{"type":"flatten","axis":2}"#), "the operation 'flatten' has a field 'axis'"),
    (node(#"{"type":"slice","spans":[{"axis":1,"wrap":true}]}"#), "a slice has a field 'wrap'"),
    (
      node(#"{"type":"pad","padding":0,"growth":{"top":0,"left":0,"bottom":0,"right":{"floor":1,"by":2}}}"#),
      "a size has a field 'by'"
    ),
    (
      node(#"{"type":"pad","padding":0,"growth":{"top":0,"left":0,"bottom":0,"right":0,"front":0}}"#),
      "the growth of a pad has a field 'front'"
    ),
    (
      #"{"name":"n","inputs":[{"name":"x","channels":1,"layout":"NHWC"}],"nodes":[],"outputs":["x"]}"#,
      "an input has a field 'layout'"
    ),
    (
      #"{"name":"n","inputs":[{"name":"x","channels":1,"element":"int8"}],"nodes":[],"outputs":["x"]}"#,
      "an input with names or a type of element states its axes"
    ),
    (
      #"{"name":"n","inputs":[{"name":"x","axes":[1],"element":"int4"}],"nodes":[],"outputs":["x"]}"#, "inputs.0.element"
    ),
    (
      #"{"name":"n","inputs":[{"name":"x","channels":1}],"nodes":[],"outputs":["x"],"loops":[]}"#,
      "the network has a field 'loops', which is not known to this version; update swiftlet"
    ),
    (
      #"{"name":"n","inputs":[{"name":"x","channels":1}],"nodes":[{"name":"y","inputs":["x"],"operation":{"type":"relu"},"if":"x"}],"outputs":["x"]}"#,
      "a node has a field 'if'"
    ),
    (
      #"{"name":"n","inputs":[{"name":"x","channels":1}],"nodes":[],"outputs":["x"],"imageContract":{"colour":"luma","maximum":1,"inputSize":"lowResolution","gamma":2}}"#,
      "the image contract has a field 'gamma'"
    ),
    (contract(#""classifierContract":{"classes":["a","b"],"form":{"mean":[0],"deviation":[1]},"top":5}"#), "has a field 'top'"),
    (
      contract(#""classifierContract":{"classes":["a","b"],"form":{"mean":[0],"deviation":[1],"crop":1}}"#),
      "has a field 'crop'"
    ),
    (
      contract(#""classifierContract":{"classes":["a","b"],"form":{"mean":[0],"deviation":[1],"size":{"depth":1}}}"#),
      "has a field 'depth'"
    ),
    (contract(#""classifierContract":{"classes":["a","b"]}"#), "'form' is missing"),
    (contract(#""classifierContract":{"classes":[],"form":{"mean":[0],"deviation":[1]}}"#), "it names no classes"),
    (
      contract(#""classifierContract":{"classes":["a"],"form":{"mean":[0],"deviation":[1]}}"#), "one class, and nothing to tell"
    ),
    (
      contract(#""classifierContract":{"classes":["a","a"],"form":{"mean":[0],"deviation":[1]}}"#), "two classes are called 'a'"
    ),
    (contract(#""classifierContract":{"classes":["a",""],"form":{"mean":[0],"deviation":[1]}}"#), "a class has no name"),
    (contract(#""classifierContract":{"classes":["a",5],"form":{"mean":[0],"deviation":[1]}}"#), "classes.1: is not a text"),
    (
      contract(#""segmenterContract":{"classes":["a"],"form":{"mean":[0,0],"deviation":[1,1]}}"#), "2 numbers instead of 1 or 3"
    ),
    (contract(#""segmenterContract":{"classes":["a"],"form":{"mean":[],"deviation":[]}}"#), "0 numbers instead of 1 or 3"),
    (contract(#""segmenterContract":{"classes":["a"],"form":{"mean":[0],"deviation":[1,1]}}"#), "2 numbers and the mean 1"),
    (contract(#""segmenterContract":{"classes":["a"],"form":{"mean":[0],"deviation":[0]}}"#), "leave nothing of a picture"),
    (contract(#""segmenterContract":{"classes":["a"],"form":{"mean":[1e30],"deviation":[1e-30]}}"#), "leave nothing"),
    (contract(#""segmenterContract":{"classes":["a"],"form":{"mean":[0],"deviation":[1e38]}}"#), "leave nothing"),
    (
      contract(
        #""segmenterContract":{"classes":["a"],"form":{"mean":[0],"deviation":[1],"size":{"width":0,"height":9223372036854775807}}}"#
      ), "is not in 1...8192"
    ),
    (
      contract(
        #""segmenterContract":{"classes":[\#((0..<256).map { "\"\($0)\"" }.joined(separator: ","))],"form":{"mean":[0],"deviation":[1]}}"#
      ), "255 are the most"
    ),
    (
      contract(
        #""segmenterContract":{"classes":["a"],"form":{"mean":[0],"deviation":[1]}},"imageContract":{"colour":"luma","maximum":1,"inputSize":"lowResolution"}"#
      ), "it has 2, and may have one"
    ),
    (node(#"{"type":"scale"}"#), "'factor' is missing"),
    (node(#"{"type":"scale","factor":1e999}"#), "invalid"),
    (node(#"{"type":"pixelShuffle","factor":-2}"#), "pixelShuffle: the factor -2 is not in 1...1048576"),
    (node(#"{"type":"pixelShuffle","factor":9223372036854775807}"#), "is not in 1...1048576"),
    (node(#"{"type":"pixelShuffle","factor":1e30}"#), "invalid"),
    (node(#"{"type":"pixelShuffle","factor":2.5}"#), "invalid"),
    (node(#"{"type":"resize","factor":2,"method":"lanczos"}"#), "invalid"),
    (node(conv(#""kernel":[3,3,3]"#)), "a pair [height, width] has 3 values"),
    (node(conv(#""kernel":0"#)), "the kernel height 0 is not in"),
    (node(conv(#""kernel":3,"padding":[1,2]"#)), "a padding [top, left, bottom, right] has 2 values"),
    (node(conv(#""kernel":3,"stride":9223372036854775807"#)), "the stride height 9223372036854775807 is not in"),
    (node(conv(#""kernel":3,"groups":7"#)), "the groups 7 do not divide"),
    (node(conv(#""kernel":3,"epilogue":[{"type":"flatten"}]"#)), "flatten is no step of an epilogue"),
    (node(conv(#""kernel":3,"epilogue":[{"type":"add"}]"#)), "takes 2 inputs and gets 1"),
  ])
  func hostileDescriptions(json: String, message: String) {
    do {
      _ = try NetworkGraph(json: json)
      Issue.record("accepted: \(json)")
    } catch {
      #expect(error.description.contains(message), "\(error.description)")
      #expect(!error.description.contains("\n"))
    }
  }

  @Test func deeplyNestedDescriptions() {
    for opening in ["[", #"{"nodes":"#, #"{"name":"n","inputs":[{"x":"#] {
      #expect(throws: NetworkError.self) { try NetworkGraph(json: String(repeating: opening, count: 100_000)) }
    }
  }

  /// Truncated and flipped descriptions: an error or another valid graph.
  @Test func damagedDescriptions() throws {
    let text = Array(try NetworkTests.sample().graph.json.utf8)
    for length in 0..<text.count {
      #expect(throws: NetworkError.self) { try NetworkGraph(json: String(decoding: text[..<length], as: UTF8.self)) }
    }
    var generator = SplitMix64(seed: 3)
    for _ in 0..<10_000 {
      var damaged = text
      damaged[Int.random(in: 0..<text.count, using: &generator)] = UInt8.random(in: 32..<127, using: &generator)
      if let graph = try? NetworkGraph(json: String(decoding: damaged, as: UTF8.self)) {
        _ = try? graph.expectedParameters()
      }
    }
  }

  private static func node(_ operation: String) -> String {
    #"{"name":"n","inputs":[{"name":"x","channels":4}],"nodes":[{"name":"y","inputs":["x"],"operation":\#(operation)}],"outputs":["y"]}"#
  }

  private static func contract(_ field: String) -> String {
    #"{"name":"n","inputs":[{"name":"x","channels":1}],"nodes":[],"outputs":["x"],\#(field)}"#
  }

  private static func conv(_ attributes: String) -> String {
    #"{"type":"convolution","inChannels":4,"outChannels":4,"bias":false,\#(attributes)}"#
  }
}
