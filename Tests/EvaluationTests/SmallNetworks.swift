import Networks
import Swiftlet

/// Networks whose output is known, and small ones with random parameters.
enum SmallNetworks {
  /// A network that copies each pixel `scale` times along both axes: 1x1 convolution to scale² equal channels, pixel shuffle.
  static func nearest(
    _ colour: ImageContract.Colour = .luma, scale: Int = 2, maximum: Float = 1, gain: Float = 1, bias: Float = 0
  ) throws -> Network {
    let channels = colour == .luma ? 1 : 3
    var builder = NetworkBuilder(
      "nearest",
      contract: .image(ImageContract(colour: colour, maximum: maximum, scale: scale, inputSize: .lowResolution)))
    let x = builder.input("x", channels: channels)
    let outputs = channels * scale * scale
    let spread = builder.convolution("spread", x, outChannels: outputs, kernel: 1)
    builder.output(builder.pixelShuffle("shuffle", spread, factor: scale))
    let weights = (0..<outputs * channels).map { index in
      index / channels / (scale * scale) == index % channels ? gain : 0
    }
    builder.setParameter("spread.weight", Tensor([outputs, channels, 1, 1], weights))
    builder.setParameter("spread.bias", Tensor([outputs], [Float](repeating: bias, count: outputs)))
    return try builder.build(.zeros)
  }

  /// EDSR with convolutions that take the Winograd kernels, and an output that fills the range.
  static func edsr(scale: Int = 2, channels: Int = 3) throws -> Network {
    var network = try EDSR(scale: scale, channels: channels, features: 16, blocks: 2).network(.random(seed: 7))
    network.parameters["tail.bias"] = Tensor(repeating: 0.5, [channels])
    network.parameters["tail.weight"]?.withUnsafeMutableFloats { for index in $0.indices { $0[index] *= 5 } }
    return network
  }

  static func vdsr() throws -> Network { try VDSR(depth: 4, features: 16).network(.random(seed: 7)) }
}

extension Image {
  /// A part of the test chart, with what else a picture may have.
  static func chart(
    _ width: Int, _ height: Int, _ model: ColourModel = .rgb, hasAlpha: Bool = false, bitDepth: Int = 8
  ) -> Image {
    let planar = PlanarImage<Float>(TestChart.image(width: width, height: height))
    let alpha = Plane<Float>(width: width, height: height, elements: (0..<width * height).map { Float($0 * 7 % 256) })
    return Image(
      PlanarImage(colour: model == .grey ? [planar.colour[1]] : planar.colour, alpha: hasAlpha ? alpha : nil),
      bitDepth: bitDepth)
  }
}
