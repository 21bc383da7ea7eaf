/// How pictures enter a network that says what they show.
///
///     x[c] = (p[c] / 255 - mean[c]) / deviation[c]
///
/// with `p` the samples of a picture on the scale 0...255.
public struct PictureForm: Hashable, Sendable {
  /// The size that all are brought to by bicubic interpolation; nil where the network takes any.
  public var size: Size?
  /// Subtracted from the channels on the scale 0...1: one for grey, which is the mean of what colours a picture has, or three for red,
  /// green and blue.
  public var mean: [Float]
  /// Divided by then; as many.
  public var deviation: [Float]

  public struct Size: Hashable, Sendable {
    public var width: Int
    public var height: Int

    public init(width: Int, height: Int) {
      self.width = width
      self.height = height
    }
  }

  /// - Parameters: see the properties; `fault` says whether they go together.
  public init(size: Size? = nil, mean: [Float] = [0, 0, 0], deviation: [Float] = [1, 1, 1]) {
    self.size = size
    self.mean = mean
    self.deviation = deviation
  }

  /// Grey, 0 to `maximum`.
  public static func grey(maximum: Float = 1, size: Size? = nil) -> PictureForm {
    PictureForm(size: size, mean: [0], deviation: [1 / maximum])
  }

  /// 1 or 3.
  public var channels: Int { mean.count }

  /// What a sample on the scale 0...255 is multiplied by.
  public func scale(_ channel: Int) -> Float { 1 / (255 * deviation[channel]) }

  /// What is subtracted then.
  public func offset(_ channel: Int) -> Float { mean[channel] / deviation[channel] }
}

extension PictureForm {
  /// The largest side that pictures are brought to.
  public static let mostPixels = 8192

  /// Why pictures cannot have this form; nil where they can.
  public var fault: String? {
    guard [1, 3].contains(mean.count) else { return "the mean has \(mean.count) numbers instead of 1 or 3" }
    guard deviation.count == mean.count else {
      return "the deviation has \(deviation.count) numbers and the mean \(mean.count)"
    }
    for channel in mean.indices where !scale(channel).isNormal || !offset(channel).isFinite {
      return "a mean of \(mean[channel]) and a deviation of \(deviation[channel]) leave nothing of a picture"
    }
    if let size {
      for side in [size.width, size.height] where !(1...Self.mostPixels).contains(side) {
        return "the size \(size.width)x\(size.height) is not in 1...\(Self.mostPixels)"
      }
    }
    return nil
  }
}

extension PictureForm.Size: CustomStringConvertible {
  /// `640x480`: width and height.
  public var description: String { "\(width)x\(height)" }
}

extension PictureForm: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case size, mean, deviation }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "the form of pictures")
    self.init(
      size: try container.decodeIfPresent(Size.self, forKey: .size),
      mean: try container.decode([Float].self, forKey: .mean), deviation: try container.decode([Float].self, forKey: .deviation)
    )
  }
}

extension PictureForm.Size: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case width, height }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "the size of pictures")
    self.init(width: try container.decode(Int.self, forKey: .width), height: try container.decode(Int.self, forKey: .height))
  }
}
