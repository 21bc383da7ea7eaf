/// A decoded picture: rows from top to bottom, pixels from left to right, the channels of a pixel side by side.
///
/// The channels are grey or red, green, blue, followed by alpha where there is one. Alpha is not premultiplied. The samples are
/// as the file has them: no colour management is done, and the ICC profile travels along in `metadata`.
public struct Image: Hashable, Sendable {
  /// What the colour channels are.
  public enum ColourModel: String, Hashable, Sendable {
    case grey
    case rgb

    /// The number of colour channels, alpha not counted.
    public var channels: Int { self == .grey ? 1 : 3 }
  }

  /// The samples, interleaved: `height * width * channels` of them.
  public enum Samples: Hashable, Sendable {
    case uint8([UInt8])
    case uint16([UInt16])

    /// The number of samples.
    public var count: Int {
      switch self {
      case .uint8(let samples): samples.count
      case .uint16(let samples): samples.count
      }
    }
  }

  /// In pixels, at least 1.
  public let width: Int
  /// In pixels, at least 1.
  public let height: Int
  public let colourModel: ColourModel
  public let hasAlpha: Bool
  public let samples: Samples
  public var metadata: ImageMetadata

  /// An image of the given samples. Traps where their number is not `width * height * channels` or a side is below 1.
  public init(
    width: Int, height: Int, colourModel: ColourModel, hasAlpha: Bool = false, samples: Samples,
    metadata: ImageMetadata = ImageMetadata()
  ) {
    precondition(width > 0 && height > 0, "an image of \(width)x\(height) has no pixel")
    let expected = width * height * (colourModel.channels + (hasAlpha ? 1 : 0))
    precondition(samples.count == expected, "\(samples.count) samples do not fill an image that needs \(expected)")
    self.width = width
    self.height = height
    self.colourModel = colourModel
    self.hasAlpha = hasAlpha
    self.samples = samples
    self.metadata = metadata
  }

  /// The number of channels, alpha counted: 1 to 4.
  public var channels: Int { colourModel.channels + (hasAlpha ? 1 : 0) }

  /// Bits of a sample: 8 or 16.
  public var bitDepth: Int {
    switch samples {
    case .uint8: 8
    case .uint16: 16
    }
  }

}

extension Image: CustomStringConvertible {
  /// Size and kind as the command line writes them: `640x480 RGB, 8 bits`.
  public var description: String {
    let colours = colourModel == .grey ? "grey" : "RGB"
    return "\(width)x\(height) \(colours)\(hasAlpha ? " with alpha" : ""), \(bitDepth) bits"
  }
}
