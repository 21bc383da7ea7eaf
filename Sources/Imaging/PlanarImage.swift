/// A picture as one plane a channel, in numbers on the scale 0...255 (a 16-bit sample divided by 257, so that both depths
/// share a scale).
public struct PlanarImage<Element: Sendable & Hashable>: Sendable, Hashable {
  /// One plane (grey, or luma) or three (red, green, blue, or luma and the two chroma).
  public var colour: [Plane<Element>]
  public var alpha: Plane<Element>?

  /// A picture of planes of one size. Traps where the sizes differ or there are neither one nor three colour planes.
  public init(colour: [Plane<Element>], alpha: Plane<Element>? = nil) {
    precondition(colour.count == 1 || colour.count == 3, "an image has one or three colour planes, not \(colour.count)")
    for plane in colour + [alpha].compactMap({ $0 }) {
      precondition(plane.width == colour[0].width && plane.height == colour[0].height, "the planes differ in size")
    }
    self.colour = colour
    self.alpha = alpha
  }

  public var width: Int { colour[0].width }
  public var height: Int { colour[0].height }
  public var colourModel: Image.ColourModel { colour.count == 1 ? .grey : .rgb }
}

extension PlanarImage where Element == Float {
  /// The channels of `image` in single precision; exact for 8 bits, rounded to nearest for 16.
  public init(_ image: Image) {
    self.init(
      colour: (0..<image.colourModel.channels).map { image.floatPlane($0) },
      alpha: image.hasAlpha ? image.floatPlane(image.channels - 1) : nil)
  }
}

extension PlanarImage where Element == Double {
  /// The channels of `image` in double precision.
  public init(_ image: Image) {
    self.init(
      colour: (0..<image.colourModel.channels).map { image.doublePlane($0) },
      alpha: image.hasAlpha ? image.doublePlane(image.channels - 1) : nil)
  }
}

extension Image {
  /// Channel `index` (alpha is the last) on the scale 0...255.
  public func floatPlane(_ index: Int) -> Plane<Float> { plane(index) }

  /// Channel `index` (alpha is the last) on the scale 0...255.
  public func doublePlane(_ index: Int) -> Plane<Double> { plane(index) }

  @inline(__always)
  private func plane<T: BinaryFloatingPoint & Sendable>(_ index: Int) -> Plane<T> {
    precondition(index >= 0 && index < channels, "the image has no channel \(index)")
    let count = width * height
    let channels = channels
    let elements = [T](unsafeUninitializedCapacity: count) { buffer, initialized in
      switch samples {
      case .uint8(let samples):
        samples.withUnsafeBufferPointer { source in
          for i in 0..<count { buffer[i] = T(source[i &* channels &+ index]) }
        }
      case .uint16(let samples):
        samples.withUnsafeBufferPointer { source in
          for i in 0..<count { buffer[i] = T(source[i &* channels &+ index]) / 257 }
        }
      }
      initialized = count
    }
    return Plane(width: width, height: height, elements: elements)
  }

  /// The image of the given planes: clipped to 0...255 and rounded to the nearest sample, halves to the even one.
  /// NaN becomes 0. Traps unless `bitDepth` is 8 or 16.
  public init(_ planar: PlanarImage<Float>, bitDepth: Int, metadata: ImageMetadata = ImageMetadata()) {
    self.init(planar, bitDepth, metadata, { Self.sample8($0) }, { Self.sample16($0) })
  }

  /// The image of the given planes: clipped to 0...255 and rounded to the nearest sample, halves to the even one.
  /// NaN becomes 0. Traps unless `bitDepth` is 8 or 16.
  public init(_ planar: PlanarImage<Double>, bitDepth: Int, metadata: ImageMetadata = ImageMetadata()) {
    self.init(planar, bitDepth, metadata, { Self.sample8($0) }, { Self.sample16($0) })
  }

  @inline(__always)
  private init<T>(
    _ planar: PlanarImage<T>, _ bitDepth: Int, _ metadata: ImageMetadata, _ sample8: (T) -> UInt8, _ sample16: (T) -> UInt16
  ) {
    precondition(bitDepth == 8 || bitDepth == 16, "an image has 8 or 16 bits a sample, not \(bitDepth)")
    let planes = planar.colour + [planar.alpha].compactMap(\.self)
    self.init(
      width: planar.width, height: planar.height, colourModel: planar.colourModel, hasAlpha: planar.alpha != nil,
      samples: bitDepth == 16
        ? .uint16(Self.interleaved(planes, sample16)) : .uint8(Self.interleaved(planes, sample8)),
      metadata: metadata)
  }

  @inline(__always)
  private static func interleaved<T: Sendable & Hashable, S>(_ planes: [Plane<T>], _ convert: (T) -> S) -> [S] {
    let count = planes[0].elements.count
    let channels = planes.count
    return [S](unsafeUninitializedCapacity: count * channels) { buffer, initialized in
      for (channel, plane) in planes.enumerated() {
        plane.elements.withUnsafeBufferPointer { source in
          for i in 0..<count { buffer[i &* channels &+ channel] = convert(source[i]) }
        }
      }
      initialized = count * channels
    }
  }

  // Adding 1.5 * 2^23 (2^52 for Double) rounds to an integer, halves to even, and leaves it in the low bits of the sum:
  // rounding without a call, which the compiler vectorises. The comparisons send NaN to 0.

  @inline(__always)
  static func sample8(_ value: Float) -> UInt8 {
    let positive = value > 0 ? value : 0
    let clipped = positive < 255 ? positive : 255
    return UInt8(truncatingIfNeeded: (clipped + 12_582_912).bitPattern)
  }

  @inline(__always)
  static func sample16(_ value: Float) -> UInt16 {
    let scaled = value * 257
    let positive = scaled > 0 ? scaled : 0
    let clipped = positive < 65535 ? positive : 65535
    return UInt16(truncatingIfNeeded: (clipped + 12_582_912).bitPattern)
  }

  @inline(__always)
  static func sample8(_ value: Double) -> UInt8 {
    let positive = value > 0 ? value : 0
    let clipped = positive < 255 ? positive : 255
    return UInt8(truncatingIfNeeded: (clipped + 6_755_399_441_055_744).bitPattern)
  }

  @inline(__always)
  static func sample16(_ value: Double) -> UInt16 {
    let scaled = value * 257
    let positive = scaled > 0 ? scaled : 0
    let clipped = positive < 65535 ? positive : 65535
    return UInt16(truncatingIfNeeded: (clipped + 6_755_399_441_055_744).bitPattern)
  }
}
