import Architectures
import Execution
import Files
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import Testing

@testable import Formats

/// Our export, read again. (That ONNX Runtime runs it to the same values is what Tools/compare_onnx.py checks.)
@Suite struct ONNXExportTests {
  private static func expectSame(_ network: Network, _ inputs: [Tensor], _ name: String) throws {
    let again = try ONNXFile.read(bytes: ONNXFile.bytes(of: network))
    let expected = try ReferenceEngine().prepare(network, inputs: inputs.map(\.shape)).run(inputs)
    let outputs = try ReferenceEngine().prepare(again, inputs: inputs.map(\.shape)).run(inputs)
    let bounds = try Tolerance.outputs(of: network, inputs: inputs)
    #expect(outputs.count == expected.count)
    for (index, (output, wanted)) in zip(outputs, expected).enumerated() {
      guard output.shape == wanted.shape else {
        Issue.record("\(name): \(output.shape), not \(wanted.shape), \(again.text)")
        continue
      }
      let difference = output.difference(from: wanted)
      #expect(difference.maximum <= 2 * bounds[index].error, "\(name): \(difference), \(again.text)")
    }
  }

  private static func isOfTraining(_ node: Node) -> Bool { if case .training = node.operation { true } else { false } }

  @Test(arguments: OperationCase.all.filter { !$0.network.nodes.contains(where: isOfTraining) })
  func everyOperationComesBack(row: OperationCase) throws { try Self.expectSame(row.network, row.inputs, row.name) }

  @Test(arguments: OperationCase.all.filter { $0.network.nodes.contains(where: isOfTraining) })
  func operationsOfTrainingAreRefusedByName(row: OperationCase) throws {
    let node = try #require(row.network.nodes.first(where: Self.isOfTraining))
    #expect(
      throws: FormatProblem.onnx(
        .notExportable(
          node: node.name, operation: node.operation.typeName, reason: "it is of training, and ONNX files are of inference"))
    ) { try ONNXFile.bytes(of: row.network) }
  }

  @Test func plainNetworksComeBackAsTheyAre() throws {
    // One operator a node: names, order, attributes and parameters stay.
    var builder = NetworkBuilder("plain")
    let x = builder.input("x", channels: 3)
    let head = builder.convolution("head", x, outChannels: 8, kernel: 3, stride: 2, padding: 1)
    let act = builder.activation("act", builder.batchNorm("norm", head), .leakyReLU(slope: 0.2))
    let up = builder.transposedConvolution("up", act, outChannels: 4, kernel: 2, stride: 2, bias: false)
    let pooled = builder.maximumPool("pooled", up, Pool(kernel: 2))
    builder.output(builder.linear("fc", builder.flatten("flat", builder.globalAveragePool("mean", pooled)), outFeatures: 5))
    builder.output(builder.pixelShuffle("shuffled", pooled, factor: 2))
    let network = try builder.build(.random(seed: 4))
    #expect(try ONNXFile.read(bytes: ONNXFile.bytes(of: network)) == network)
  }

  /// What a network does to pictures comes back from the file's metadata; what is no such entry, or does not go with the network, is left out.
  @Test func contractsComeBack() throws {
    func network(_ contract: PictureContract?) throws -> Network {
      var builder = NetworkBuilder("contract")
      let x = builder.input("x", channels: 3)
      builder.output(builder.convolution("c", x, outChannels: 3, kernel: 1))
      var network = try builder.build(.random(seed: 4))
      network.contract = contract
      return network
    }
    let contracts: [PictureContract?] = [
      nil, .image(ImageContract(colour: .rgb, maximum: 255, scale: 3, inputSize: .lowResolution)),
      .image(ImageContract(colour: .luma, maximum: 1, scale: nil, inputSize: .bicubicEnlarged)),
      .classifier(ClassifierContract(classes: ["a\"b", "u"], form: PictureForm(size: .init(width: 3, height: 4)))),
      .segmenter(SegmenterContract(classes: ["x"], form: .grey())),
    ]
    for contract in contracts {
      let network = try network(contract), bytes = try ONNXFile.bytes(of: network)
      #expect(try ONNXFile.read(bytes: bytes) == network && ONNXFile.bytes(of: network) == bytes)
      guard let contract else { continue }
      // A letter of the entry is another: as of other programs, or of later versions.
      let json = Array(contract.json.utf8)
      let place = try #require(bytes.indices.first { bytes[$0...].starts(with: json) })
      for offset in json.indices {
        var changed = bytes
        changed[place + offset] = UInt8(ascii: "q")
        let read = try ONNXFile.read(bytes: changed)
        #expect(read.graph.nodes == network.graph.nodes && read.contract != contract)
      }
    }
  }

  /// Slopes of a vector would make one of a number without axes.
  @Test func scalarsStayScalars() throws {
    var builder = NetworkBuilder("scalars")
    let x = builder.input("x", axes: [nil, nil])
    let number = builder.constant("number", Tensor([], [-2]))
    builder.output(builder.activation("same", x, .relu))
    builder.output(builder.node("sloped", .activation(.prelu(channels: 1)), [number], channels: 1))
    try Self.expectSame(builder.build(.random(seed: 1)), [Tensor([1, 2], [1, 2])], "scalars")
  }

  @Test func theSameNetworkGivesTheSameBytes() throws {
    let network = try EDSR(scale: 2, features: 8, blocks: 2).network(.random(seed: 1))
    let bytes = try ONNXFile.bytes(of: network)
    #expect(try ONNXFile.bytes(of: network) == bytes)
    let folder = try Folder()
    let path = folder.path + "/edsr.onnx"
    try ONNXFile.write(network, to: path)
    #expect(try FileReader.bytes(of: path, limit: 1 << 24) == bytes)
    #expect(folder.names == ["edsr.onnx"])
    #expect(try ONNXFile.read(path).imageContract == network.imageContract)
  }

  @Test func namesOfAnyKindStayUnique() throws {
    var builder = NetworkBuilder("names")
    let x = builder.input("a/epilogue", channels: 2)
    let first = builder.activation("a.slope", x, .prelu(channels: 2))
    let second = builder.convolution("a", first, outChannels: 2, kernel: 1)
    builder.output(builder.activation("a/1", second, .gelu))
    let network = try builder.build(.random(seed: 1))
    let again = try ONNXFile.read(bytes: ONNXFile.bytes(of: network))
    #expect(again.nodes.map(\.name) == ["a.slope", "a", "a/1"])
  }
}
