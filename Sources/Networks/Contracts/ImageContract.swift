/// How an image-to-image network wants its images.
public struct ImageContract: Hashable, Sendable {
  /// The channels that enter and leave.
  public enum Colour: String, Hashable, Codable, Sendable {
    /// One channel: BT.601 luma (16...235 of 255).
    case luma
    /// Three channels: red, green, blue.
    case rgb
  }

  /// The size at which images enter.
  public enum InputSize: String, Hashable, Codable, Sendable {
    /// The network enlarges the image by `scale` itself (EDSR).
    case lowResolution
    /// The image is enlarged by bicubic interpolation before it enters; the network keeps its size (VDSR).
    case bicubicEnlarged
  }

  public var colour: Colour
  /// What the brightest value of an 8-bit image, 255, is inside the network: 1 or 255.
  public var maximum: Float
  /// The factor between the low-resolution image and the output; nil where any factor serves (VDSR).
  public var scale: Int?
  public var inputSize: InputSize

  public init(colour: Colour, maximum: Float, scale: Int?, inputSize: InputSize) {
    self.colour = colour
    self.maximum = maximum
    self.scale = scale
    self.inputSize = inputSize
  }
}

extension ImageContract: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case colour, maximum, scale, inputSize }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "the image contract")
    self.init(
      colour: try container.decode(Colour.self, forKey: .colour), maximum: try container.decode(Float.self, forKey: .maximum),
      scale: try container.decodeIfPresent(Int.self, forKey: .scale),
      inputSize: try container.decode(InputSize.self, forKey: .inputSize))
  }
}
