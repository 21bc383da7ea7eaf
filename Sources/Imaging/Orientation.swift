/// The eight ways to turn and mirror a rectangle, named and numbered as EXIF does: the raw value is the EXIF tag of a file
/// whose stored rows must be transformed in this way to stand upright.
public enum Orientation: Int, Hashable, Sendable, CaseIterable {
  case upright = 1
  /// Mirrored left to right.
  case flippedHorizontally = 2
  /// Turned by 180 degrees.
  case rotatedHalf = 3
  /// Mirrored top to bottom.
  case flippedVertically = 4
  /// Mirrored at the main diagonal: rows become columns.
  case transposed = 5
  /// Turned by 90 degrees clockwise.
  case rotatedClockwise = 6
  /// Mirrored at the other diagonal.
  case transversed = 7
  /// Turned by 90 degrees anticlockwise.
  case rotatedAnticlockwise = 8

  /// Whether width and height change places.
  public var swapsSides: Bool { rawValue >= 5 }

  /// The transformation that takes this one back.
  public var inverse: Orientation {
    switch self {
    case .rotatedClockwise: .rotatedAnticlockwise
    case .rotatedAnticlockwise: .rotatedClockwise
    default: self
    }
  }

  /// Where the output starts to read a `width` x `height` input and how far its steps go, in pixels: output pixel (x, y) is
  /// input pixel `origin + x * right + y * down`.
  func steps(width: Int, height: Int) -> (origin: Int, right: Int, down: Int) {
    let last = width * (height - 1)
    return switch self {
    case .upright: (0, 1, width)
    case .flippedHorizontally: (width - 1, -1, width)
    case .rotatedHalf: (last + width - 1, -1, -width)
    case .flippedVertically: (last, 1, -width)
    case .transposed: (0, width, 1)
    case .rotatedClockwise: (last, -width, 1)
    case .transversed: (last + width - 1, -width, -1)
    case .rotatedAnticlockwise: (width - 1, width, -1)
    }
  }

  /// The pixels of a picture of `channels` interleaved elements, transformed.
  @inline(__always)
  func apply<T>(to pixels: [T], width: Int, height: Int, channels: Int) -> [T] {
    guard self != .upright, width > 0, height > 0 else { return pixels }
    let (origin, right, down) = steps(width: width, height: height)
    let outputWidth = swapsSides ? height : width
    let outputHeight = swapsSides ? width : height
    return [T](unsafeUninitializedCapacity: pixels.count) { output, initialized in
      pixels.withUnsafeBufferPointer { source in
        var target = 0
        for y in 0..<outputHeight {
          var position = origin &+ y &* down
          for _ in 0..<outputWidth {
            for channel in 0..<channels { output[target &+ channel] = source[position &* channels &+ channel] }
            target &+= channels
            position &+= right
          }
        }
      }
      initialized = pixels.count
    }
  }
}

extension Plane where Element == Float {
  /// The plane turned or mirrored.
  public func oriented(_ orientation: Orientation) -> Plane {
    Plane(
      width: orientation.swapsSides ? height : width, height: orientation.swapsSides ? width : height,
      elements: orientation.apply(to: elements, width: width, height: height, channels: 1))
  }
}

extension Plane where Element == Double {
  /// The plane turned or mirrored.
  public func oriented(_ orientation: Orientation) -> Plane {
    Plane(
      width: orientation.swapsSides ? height : width, height: orientation.swapsSides ? width : height,
      elements: orientation.apply(to: elements, width: width, height: height, channels: 1))
  }
}

extension Image {
  /// The image turned or mirrored; the metadata stay as they are.
  public func oriented(_ orientation: Orientation) -> Image {
    guard orientation != .upright else { return self }
    let samples: Samples =
      switch self.samples {
      case .uint8(let values):
        .uint8(orientation.apply(to: values, width: width, height: height, channels: channels))
      case .uint16(let values):
        .uint16(orientation.apply(to: values, width: width, height: height, channels: channels))
      }
    return Image(
      width: orientation.swapsSides ? height : width, height: orientation.swapsSides ? width : height,
      colourModel: colourModel, hasAlpha: hasAlpha, samples: samples, metadata: metadata)
  }
}
