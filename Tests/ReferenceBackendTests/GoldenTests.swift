import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// The reference against PyTorch and ONNX, operation by operation. Inputs and parameters come from the formula of the script that made the
/// goldens.
@Suite struct GoldenTests {
  /// Element i of stream s is `((i · 37 + s · 101) mod 64 - 31.5) / 32`.
  private static func tensor(_ stream: Int, _ shape: Shape) -> Tensor {
    Tensor(shape, (0..<shape.count).map { (Float(($0 * 37 + stream * 101) % 64) - 31.5) / 32 })
  }

  private struct Golden: Sendable, CustomStringConvertible {
    var name: String
    var operation: Operation
    var inputs: [Tensor]
    var description: String { name }
  }

  private static let x = tensor(0, [1, 4, 4, 3])
  private static let small = tensor(0, [1, 2, 3, 4])
  private static let pool = tensor(0, [1, 1, 5, 7])
  private static let wide = Tensor(small.shape, small.floats.map { 8 * $0 })

  private static func conv(
    _ outChannels: Int, _ kernel: Pair, stride: Pair = 1, padding: Padding = 0, dilation: Pair = 1, groups: Int = 1,
    epilogue: [Epilogue.Step] = []
  ) -> Operation {
    .convolution(
      Convolution(
        inChannels: 4, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
        groups: groups, epilogue: Epilogue(epilogue)))
  }

  private static let convolutions: [Golden] = [
    Golden(name: "convolution", operation: conv(2, 3, padding: 1), inputs: [x]),
    Golden(
      name: "convolution strided and dilated in groups",
      operation: conv(
        6, 2, stride: Pair(height: 2, width: 1), padding: Padding(top: 1, left: 2, bottom: 1, right: 2),
        dilation: Pair(height: 2, width: 1), groups: 2), inputs: [x]),
    Golden(
      name: "convolution padded on one side",
      operation: conv(2, Pair(height: 3, width: 2), padding: Padding(top: 0, left: 1, bottom: 2, right: 0)), inputs: [x]),
    Golden(name: "depthwise convolution", operation: conv(8, 3, padding: 1, groups: 4), inputs: [x]),
    Golden(
      name: "convolution with epilogue",
      operation: conv(
        4, 3, padding: 1,
        epilogue: [.activation(.leakyReLU(slope: 0.25)), .scale(0.5), .add, .activation(.tanh), .pixelShuffle(2)]),
      inputs: [x, tensor(9, [1, 4, 4, 3])]),
    Golden(
      name: "transposed convolution",
      operation: .transposedConvolution(
        TransposedConvolution(inChannels: 4, outChannels: 3, kernel: 3, stride: 2, padding: 1, outputPadding: 1)), inputs: [x]),
    Golden(
      name: "transposed convolution in groups",
      operation: .transposedConvolution(
        TransposedConvolution(
          inChannels: 4, outChannels: 2, kernel: Pair(height: 2, width: 3), stride: Pair(height: 2, width: 3), groups: 2)),
      inputs: [x]),
    Golden(
      name: "transposed convolution dilated",
      operation: .transposedConvolution(
        TransposedConvolution(
          inChannels: 4, outChannels: 2, kernel: Pair(height: 3, width: 2), stride: 3, padding: 2, outputPadding: 1,
          dilation: 2,
          hasBias: false)), inputs: [x]),
    Golden(
      name: "linear", operation: .linear(Linear(inFeatures: 48, outFeatures: 3)), inputs: [x]),
    Golden(name: "batch norm", operation: .batchNorm(BatchNorm(channels: 4, epsilon: 1e-3)), inputs: [x]),
  ]

  private static let others: [Golden] = [
    Golden(name: "relu", operation: .activation(.relu), inputs: [small]),
    Golden(name: "leaky relu", operation: .activation(.leakyReLU(slope: 0.2)), inputs: [small]),
    Golden(name: "prelu", operation: .activation(.prelu(channels: 2)), inputs: [small]),
    Golden(name: "shared prelu", operation: .activation(.prelu(channels: 1)), inputs: [small]),
    Golden(name: "clip", operation: .activation(.clip(minimum: -0.25, maximum: 0.5)), inputs: [small]),
    Golden(name: "sigmoid", operation: .activation(.sigmoid), inputs: [small]),
    Golden(name: "tanh", operation: .activation(.tanh), inputs: [small]),
    Golden(name: "pixel shuffle", operation: .pixelShuffle(PixelShuffle(factor: 2)), inputs: [tensor(0, [1, 8, 2, 2])]),
    Golden(name: "pixel unshuffle", operation: .pixelUnshuffle(PixelUnshuffle(factor: 2)), inputs: [tensor(0, [1, 1, 4, 6])]),
    Golden(
      name: "concatenation", operation: .concatenation(Concatenation()),
      inputs: [tensor(0, [2, 1, 2, 2]), tensor(1, [2, 2, 2, 2])]),
    Golden(name: "nearest", operation: .resize(Resize(method: .nearest, factor: 3)), inputs: [small]),
    Golden(name: "bilinear", operation: .resize(Resize(method: .bilinear, factor: 2)), inputs: [small]),
    Golden(name: "bilinear by 3", operation: .resize(Resize(method: .bilinear, factor: 3)), inputs: [small]),
    Golden(name: "bicubic", operation: .resize(Resize(method: .bicubic, factor: 2)), inputs: [small]),
    Golden(name: "bicubic by 3", operation: .resize(Resize(method: .bicubic, factor: 3)), inputs: [small]),
    Golden(name: "maximum pool", operation: .maximumPool(Pool(kernel: 3, stride: 2, padding: 1)), inputs: [pool]),
    Golden(name: "maximum pool ceil", operation: .maximumPool(Pool(kernel: 2, stride: 3, ceilMode: true)), inputs: [pool]),
    Golden(name: "average pool", operation: .averagePool(Pool(kernel: 3, stride: 2, padding: 1)), inputs: [pool]),
    Golden(
      name: "average pool ceil",
      operation: .averagePool(Pool(kernel: Pair(height: 2, width: 3), stride: 2, padding: 1, ceilMode: true)), inputs: [pool]),
    Golden(
      name: "average pool without padding",
      operation: .averagePool(Pool(kernel: 3, stride: 2, padding: 1, ceilMode: true, countIncludesPadding: false)),
      inputs: [pool]),
    Golden(name: "global average pool", operation: .globalAveragePool, inputs: [x]),
  ]

  private static let functions: [Golden] = [
    Golden(name: "hard sigmoid", operation: .activation(.hardSigmoid(alpha: 1 / 6, beta: 0.5)), inputs: [wide]),
    Golden(name: "hard swish", operation: .activation(.hardSwish), inputs: [wide]),
    Golden(name: "gelu", operation: .activation(.gelu), inputs: [wide]),
    Golden(name: "gelu by tanh", operation: .activation(.geluTanh), inputs: [wide]),
    Golden(name: "silu", operation: .activation(.silu), inputs: [wide]),
    Golden(name: "softplus", operation: .activation(.softplus), inputs: [wide]),
    Golden(name: "softmax of channels", operation: .softmax(Softmax(axis: 1)), inputs: [x]),
    Golden(name: "softmax of rows", operation: .softmax(Softmax(axis: 3)), inputs: [x]),
    Golden(
      name: "mean of pixels", operation: .reduction(Reduction(.mean, axes: [2, 3], keepsAxes: false)), inputs: [x]),
    Golden(name: "mean of channels", operation: .reduction(Reduction(.mean, axes: [1])), inputs: [x]),
    Golden(name: "product with channels", operation: .binary(.multiply), inputs: [x, tensor(1, [1, 4, 1, 1])]),
    Golden(name: "quotient", operation: .binary(.divide), inputs: [x, tensor(1, [1, 1, 4, 1])]),
    Golden(name: "product of matrices", operation: .matrixMultiply, inputs: [x, tensor(1, [1, 4, 3, 2])]),
    Golden(name: "maximum of two", operation: .binary(.maximum), inputs: [x, tensor(9, [1, 4, 4, 3])]),
  ]

  private static let indexing: [Golden] = [
    resized("nearest to a size", .nearest, .size(Pair(height: 5, width: 3))),
    resized("nearest exact to a size", .nearest, .size(Pair(height: 7, width: 3)), .halfPixel, .roundPreferCeil),
    resized("bilinear to a size", .bilinear, .size(Pair(height: 5, width: 3))),
    resized("bilinear by 1.5 and 0.5", .bilinear, .factor(height: 1.5, width: 0.5)),
    resized("bilinear with corners", .bilinear, .factor(height: 2, width: 2), .alignCorners),
    resized("bilinear to a row with corners", .bilinear, .size(Pair(height: 1, width: 7)), .alignCorners),
    resized("bicubic to a size", .bicubic, .size(Pair(height: 2, width: 7))),
    resized("bicubic with corners", .bicubic, .size(Pair(height: 5, width: 9)), .alignCorners),
    Golden(
      name: "constant padding", operation: .pad(Pad(Padding(top: 0, left: 1, bottom: 1, right: 2), value: -1.5)),
      inputs: [small]),
    Golden(name: "channel padding", operation: .pad(Pad(0, channelsBefore: 1, channelsBehind: 2)), inputs: [small]),
    Golden(
      name: "reflected padding", operation: .pad(Pad(Padding(top: 2, left: 3, bottom: 1, right: 1), mode: .reflect)),
      inputs: [small]),
    Golden(
      name: "edge padding", operation: .pad(Pad(Padding(top: 0, left: 3, bottom: 4, right: 1), mode: .edge)), inputs: [small]),
    Golden(name: "transpose", operation: .transpose(Transpose([0, 3, 1, 2])), inputs: [x]),
    Golden(name: "reshape", operation: .reshape(Reshape([0, 2, -1, 3])), inputs: [x]),
    Golden(
      name: "slice",
      operation: .slice(
        Slice([.init(axis: 1, start: 1, end: 3), .init(axis: 2, start: 1, end: -1), .init(axis: 3, step: 2)])), inputs: [x]),
  ]

  private static let conventions: [Golden] = [
    resized("nearest in the middle", .nearest, .factor(height: 2.5, width: 1.5), .halfPixel, .roundPreferFloor),
    resized("nearest in the middle, later", .nearest, .factor(height: 2.5, width: 1.5), .asymmetric, .roundPreferCeil),
    resized("nearest above with corners", .nearest, .size(Pair(height: 5, width: 6)), .alignCorners, .ceil),
    resized("bilinear from the corner", .bilinear, .factor(height: 2, width: 1.5), .asymmetric),
    resized("bilinear to a row", .bilinear, .size(Pair(height: 1, width: 3)), .pytorchHalfPixel),
    resized("bilinear to a row, centred", .bilinear, .size(Pair(height: 1, width: 3)), .halfPixel),
    resized(
      "bicubic of -0.5 from the corner", .bicubic, .factor(height: 2, width: 1.5), .asymmetric, cubicCoefficient: -0.5),
    Golden(
      name: "pixel shuffle, channels innermost",
      operation: .pixelShuffle(PixelShuffle(factor: 2, order: .channelsInnermost)), inputs: [tensor(0, [1, 8, 2, 2])]),
    Golden(
      name: "pixel unshuffle, channels innermost",
      operation: .pixelUnshuffle(PixelUnshuffle(factor: 2, order: .channelsInnermost)), inputs: [tensor(0, [2, 2, 4, 6])]),
  ]

  private static func resized(
    _ name: String, _ method: Resize.Method, _ target: Resize.Target, _ coordinates: Resize.Coordinates? = nil,
    _ rounding: Resize.Rounding = .floor, cubicCoefficient: Float = -0.75
  ) -> Golden {
    let payload = Resize(
      method: method, target: target, coordinates: coordinates, rounding: rounding, cubicCoefficient: cubicCoefficient)
    return Golden(name: name, operation: .resize(payload), inputs: [small])
  }

  private static let all = convolutions + others + functions + indexing + conventions

  @Test func everyGoldenIsUsed() {
    #expect(Set(Self.all.map(\.name)) == Set(goldens.keys))
  }

  @Test(arguments: all)
  private func meetsPyTorch(golden: Golden) throws {
    let expected = try #require(goldens[golden.name])
    var builder = NetworkBuilder("golden")
    var inputs = golden.inputs.enumerated().map { builder.input("x\($0.offset)", channels: $0.element.shape.channels) }
    if case .linear = golden.operation { inputs = [builder.flatten("flat", inputs[0])] }
    let streams: [ParameterRole: Int] = [.weight: 1, .bias: 2, .runningMean: 3, .runningVariance: 4, .slope: 1]
    for parameter in golden.operation.parameters {
      var values = Self.tensor(try #require(streams[parameter.role]), parameter.shape)
      if parameter.role == .runningVariance { values = Tensor(parameter.shape, values.floats.map { abs($0) + 0.5 }) }
      builder.setParameter("y.\(parameter.role.rawValue)", values)
    }
    builder.output(builder.node("y", golden.operation, inputs, channels: 1))
    let network = try builder.build(.zeros)
    let result = try ReferenceEngine().prepare(network, inputs: golden.inputs.map(\.shape)).run(golden.inputs)[0]
    // PyTorch's float64 result to 8 digits, ours rounded to Float once a step.
    let tensor = Tensor(expected.shape, expected.values.map(Float.init))
    // Resizes reckon positions in float32; the goldens of ONNX's reference do in double precision.
    let rounding: Double = if case .resize = golden.operation { 8 } else { 4 }
    let tolerance = rounding * Double(Float.ulpOfOne) * max(1, tensor.largestMagnitude)
    expectClose(result, tensor, tolerance: tolerance, golden.name)
  }
}
