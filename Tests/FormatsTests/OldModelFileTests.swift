import Formats
import Networks
import ReferenceBackend
import Tensors
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Files of earlier versions open, and mean what they meant.
///
/// `version-1.safetensors` was written by the first version that had a file format, and is never written again.
@Suite struct OldModelFileTests {
  private static let folder = "\(#filePath.prefix(#filePath.count - "/OldModelFileTests.swift".count))/Models/versions"
  private static var path: String { "\(folder)/version-1.safetensors" }

  @Test func versionOneOpens() throws {
    let network = try ModelFile.read(Self.path)
    #expect(network == (try Self.network()))
    // A network of today that needs nothing newer is written as it was then.
    let written = try Folder()
    try ModelFile.write(network, to: "\(written.path)/again.safetensors")
    #expect(
      FileManager.default.contents(atPath: "\(written.path)/again.safetensors")
        == FileManager.default.contents(atPath: Self.path))
  }

  @Test func versionOneComputesWhatItDid() throws {
    let network = try ModelFile.read(Self.path)
    var generator = SplitMix64(seed: 5)
    let inputs = [Shape([1, 4, 6, 6]), [2, 4]].map { Tensor(uniform: $0, bound: 1, using: &generator) }
    let outputs = try ReferenceEngine().prepare(network, inputs: inputs.map(\.shape)).run(inputs)
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for output in outputs {
      for value in output.floats { hash = (hash ^ UInt64(value.bitPattern)) &* 0x100_0000_01B3 }
    }
    #expect(hash == 0xB6C1_647C_60C9_ADF8)
  }

  /// A file says a newer version only where an earlier program would miss something.
  @Test func updatesMakeVersionTwo() throws {
    var builder = NetworkBuilder("two")
    let x = builder.input("x", channels: 1)
    builder.output(builder.batchNorm("norm", x))
    #expect(ModelFile.contents(of: try builder.build(.zeros)).metadata["swiftlet.version"] == "1")
    builder.update("norm.bias", to: builder.parameter("norm.weight"))
    let network = try builder.build(.zeros)
    let contents = ModelFile.contents(of: network)
    #expect(contents.metadata["swiftlet.version"] == "2")
    #expect(try ModelFile.read(bytes: contents.encoded()) == network)
    #expect(throws: FormatProblem.onnx(.updates(parameter: "norm.bias"))) { try ONNXFile.bytes(of: network) }
  }

  /// Every operation of that version, with attributes as they are by default and otherwise.
  private static func network() throws -> Network {
    var b = NetworkBuilder(
      "version-1", contract: .image(ImageContract(colour: .rgb, maximum: 255, scale: 2, inputSize: .lowResolution)))
    let x = b.input("x", channels: 4)
    let v = b.input("v", axes: [nil, 4], names: ["batch"])
    var results: [NetworkBuilder.Value] = []
    func keep(_ value: NetworkBuilder.Value) { results.append(value) }

    keep(b.convolution("conv", x, outChannels: 3, kernel: 3))
    keep(
      b.convolution(
        "conv.all", x, outChannels: 4, kernel: Pair(height: 3, width: 2), stride: Pair(height: 2, width: 1),
        padding: Padding(top: 1, left: 0, bottom: 2, right: 1), dilation: 2, groups: 2, bias: false))
    let epilogue = Epilogue([.activation(.prelu(channels: 4)), .scale(0.5), .add, .activation(.relu), .pixelShuffle(2)])
    let fused = Convolution(inChannels: 4, outChannels: 4, kernel: 1, hasBias: true, epilogue: epilogue)
    keep(b.node("conv.fused", .convolution(fused), [x, x], channels: 1))
    keep(b.separableConvolution("separable", x, order: .depthwiseFirst, outChannels: 3, kernel: 3, padding: 1))
    keep(
      b.separableConvolution(
        "selection", x, order: .pointwiseFirst, outChannels: 2, kernel: 3, stride: 2, padding: 1, depthwiseBias: false,
        pointwiseBias: false, middle: .prelu(channels: 1)))
    keep(b.transposedConvolution("up", x, outChannels: 2, kernel: 2, stride: 2))
    keep(
      b.transposedConvolution(
        "up.all", x, outChannels: 4, kernel: 3, stride: 2, padding: 1, outputPadding: 1, dilation: 1, groups: 2, bias: false))
    keep(b.linear("linear", v, outFeatures: 3))
    keep(b.linear("linear.plain", v, outFeatures: 2, bias: false))
    keep(b.batchNorm("norm", x, epsilon: 1e-3))
    let functions: [ActivationFunction] = [
      .relu, .leakyReLU(slope: 0.1), .prelu(channels: 4), .clip(minimum: -0.5, maximum: 0.25), .sigmoid, .tanh,
      .hardSigmoid(alpha: 0.2, beta: 0.5), .hardSwish, .gelu, .geluTanh, .silu, .softplus, .elu(alpha: 1), .celu(alpha: 2),
      .thresholdedReLU(alpha: 0.1), .softsign, .errorFunction, .exponential, .floor, .ceiling, .round, .sign, .sine, .cosine,
      .power(exponent: 2),
    ]
    for function in functions { keep(b.activation("f.\(Operation.activation(function).typeName)", x, function)) }
    let positive = b.activation("positive", x, .clip(minimum: 0.5, maximum: 2))
    for function in [ActivationFunction.logarithm, .squareRoot, .reciprocal] {
      keep(b.activation("f.\(Operation.activation(function).typeName)", positive, function))
    }
    keep(b.scale("scale", x, by: 0.1))
    keep(b.channelAffine("affine", x))
    keep(b.fixedChannelAffine("affine.fixed", x, scale: [1, 2, 3, 4], shift: [0, -1, 1, 0.5]))
    keep(b.add("add", x, x))
    for function in BinaryFunction.allCases { keep(b.binary("b.\(function.rawValue)", function, positive, x)) }
    keep(b.matrixMultiply("product", x, x))
    keep(b.concatenation("join", [x, x]))
    keep(b.concatenation("join.rows", [x, x], axis: 2))
    keep(b.pixelShuffle("shuffle", x, factor: 2))
    keep(b.pixelShuffle("shuffle.inner", x, factor: 2, order: .channelsInnermost))
    keep(b.pixelUnshuffle("unshuffle", x, factor: 2))
    keep(b.pixelUnshuffle("unshuffle.inner", x, factor: 3, order: .channelsInnermost))
    for method in Resize.Method.allCases { keep(b.resize("resize.\(method.rawValue)", x, method, factor: 2)) }
    for coordinates in Resize.Coordinates.allCases {
      let payload = Resize(
        method: .bicubic, target: .size(Pair(height: 9, width: 5)), coordinates: coordinates, cubicCoefficient: -0.5)
      keep(b.resize("resize.\(coordinates.rawValue)", x, payload))
    }
    for rounding in Resize.Rounding.allCases {
      let payload = Resize(method: .nearest, target: .factor(height: 0.75, width: 1.5), rounding: rounding)
      keep(b.resize("resize.\(rounding.rawValue)", x, payload))
    }
    let half = (SizeExpression.extent(operand: 0, axis: 2) / 2).floor
    keep(b.resize("resize.half", x, Resize(method: .bilinear, target: .following(height: half, width: half + 1))))
    keep(b.resize("resize.like", x, Resize(method: .nearest, target: .size(of: 1)), following: [x]))
    keep(b.maximumPool("max", x, Pool(kernel: 2)))
    keep(b.maximumPool("max.all", x, Pool(kernel: 3, stride: 2, padding: 1, ceilMode: true)))
    keep(b.averagePool("mean", x, Pool(kernel: 2)))
    keep(b.averagePool("mean.all", x, Pool(kernel: 3, stride: 2, padding: 1, ceilMode: true, countIncludesPadding: false)))
    keep(b.globalAveragePool("pool", x))
    keep(b.flatten("flat", x))
    keep(b.slice("slice", x, [.init(axis: 1, start: 1), .init(axis: 2, start: -4, end: -1, step: 2)]))
    keep(b.slice("slice.half", x, [.init(axis: 3, from: half, to: .extent(operand: 0, axis: 3))]))
    keep(b.pad("pad", x, Pad(1)))
    keep(b.pad("pad.channels", x, Pad(0, channelsBefore: 1, channelsBehind: 2, value: 3)))
    keep(b.pad("pad.reflect", x, Pad(Padding(top: 1, left: 2, bottom: 0, right: 1), mode: .reflect)))
    keep(b.pad("pad.edge", x, Pad(2, mode: .edge)))
    keep(b.pad("pad.grown", x, Pad(0, growth: Pad.Growth(bottom: .truncated(half), right: .minimum(half, .maximum(1, half))))))
    keep(b.softmax("softmax", x))
    keep(b.reshape("reshape", x, [0, -1, 3, 1], channels: 48))
    let extents: [SizeExpression] = [
      .extent(operand: 0, axis: 0), 4, .extent(operand: 0, axis: 2) * .extent(operand: 0, axis: 3) - 0,
    ]
    keep(b.node("reshape.rows", .reshape(Reshape(extents)), [x], channels: 4))
    keep(b.transpose("transpose", x, [0, 2, 3, 1], channels: 6))
    for (index, function) in Reduction.Function.allCases.enumerated() {
      keep(b.reduction("r.\(index)", x, function, axes: index % 2 == 0 ? [1] : [2, 3], keepsAxes: index % 3 != 0, channels: 4))
    }
    keep(b.normalization("instance", x, Normalization(axes: [2, 3])))
    keep(b.normalization("group", x, Normalization(axes: [1, 2, 3], groups: 2, epsilon: 1e-3, centres: false)))
    let constant = b.constant("constant", Tensor([1, 4, 1, 1], [1, 2, 3, 4]))
    keep(b.binary("with.constant", .multiply, x, constant))
    keep(b.expand("expand", constant, [2, 1, 3, 1]))
    let like: [SizeExpression] = [1, 4, .float32(.extent(operand: 1, axis: 2)), .extent(operand: 1, axis: 3)]
    keep(b.node("expand.like", .expand(Expand(like)), [constant, x], channels: 4))
    for value in results { b.output(value) }
    return try b.build(.random(seed: 7))
  }
}
