import Imaging
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What is done to a small picture so that a network learns to undo it, with numbers drawn for each sample.
///
/// Several are done in the order in which they are given; each takes what the one before left, on the scale 0...255.
public enum Degradation: Hashable, Sendable {
  /// Gaussian blur of a standard deviation in pixels; borders are mirrored.
  case blur(ClosedRange<Double>)
  /// Gaussian noise of a standard deviation on the scale 0...255, the same for all channels of a sample, each pixel and channel by
  /// itself.
  case noise(ClosedRange<Double>)
  /// Clipped and rounded to 8 bits, and through a JPEG file of a quality: `Image.encoded` says what becomes of the colour.
  case jpeg(ClosedRange<Int>)
}

extension Degradation: LosslessStringConvertible {
  /// `blur:0.2-1.5`, `noise:0-5`, `jpeg:40-95`; one number in place of a range fixes it.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let bounds = parts[1].split(separator: "-", omittingEmptySubsequences: false).map { Double($0) }
    guard bounds.count == 1 || bounds.count == 2, let low = bounds[0], let high = bounds[bounds.count - 1], low <= high,
      low.isFinite, high.isFinite, low >= 0
    else { return nil }
    switch parts[0] {
    case "blur" where high <= 10: self = .blur(low...high)
    case "noise" where high <= 255: self = .noise(low...high)
    case "jpeg":
      guard let least = Int(exactly: low), let most = Int(exactly: high), least >= 1, most <= 100 else { return nil }
      self = .jpeg(least...most)
    default: return nil
    }
  }

  public var description: String {
    func text(_ range: ClosedRange<Double>) -> String {
      func short(_ value: Double) -> String { value == value.rounded() ? "\(Int(value))" : "\(value)" }
      return range.lowerBound == range.upperBound
        ? short(range.lowerBound) : "\(short(range.lowerBound))-\(short(range.upperBound))"
    }
    return switch self {
    case .blur(let range): "blur:\(text(range))"
    case .noise(let range): "noise:\(text(range))"
    case .jpeg(let range): "jpeg:\(text(Double(range.lowerBound)...Double(range.upperBound)))"
    }
  }
}

extension Degradation {
  /// Pixels around a patch that have a say in it.
  var margin: Int {
    switch self {
    case .blur(let range): Self.radius(range.upperBound)
    case .noise: 0
    // Two blocks of 8 where colour is halved, so that a patch lies in whole ones.
    case .jpeg: 16
    }
  }

  /// The planes of a picture degraded, with numbers from the generator.
  package func apply(
    to planes: [Plane<Float>], using generator: inout SplitMix64
  ) throws(DataError) -> [Plane<Float>] {
    switch self {
    case .blur(let range):
      let sigma = generator.next(in: range)
      return planes.map { Self.blurred($0, sigma: sigma) }
    case .noise(let range):
      let sigma = Float(generator.next(in: range))
      var gaussian = GaussianNoise(generator)
      let noisy = planes.map { plane in
        Plane(width: plane.width, height: plane.height, elements: plane.elements.map { $0 + sigma * gaussian.next() })
      }
      generator = gaussian.generator
      return noisy
    case .jpeg(let range):
      let quality = range.lowerBound + generator.next(below: range.count)
      let image = Image(PlanarImage(colour: planes), bitDepth: 8)
      return try wrapping { () throws(ImageError) in
        let decoded = try ImageCodec.decode(image.encoded(as: .jpeg(quality: quality)), name: "picture in memory")
        return PlanarImage<Float>(decoded).colour
      }
    }
  }

  private static func radius(_ sigma: Double) -> Int { Int((3 * sigma).rounded(.up)) }

  /// Below this a blur changes nothing that could be seen.
  private static let leastSigma = 0.05

  static func blurred(_ plane: Plane<Float>, sigma: Double) -> Plane<Float> {
    guard sigma >= leastSigma else { return plane }
    let radius = radius(sigma)
    var weights = (-radius...radius).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
    let sum = weights.reduce(0, +)
    weights = weights.map { $0 / sum }
    func pass(_ source: Plane<Float>, alongRows: Bool) -> Plane<Float> {
      var result = source
      let side = alongRows ? source.width : source.height
      for y in 0..<source.height {
        for x in 0..<source.width {
          var value = 0.0
          for (tap, weight) in weights.enumerated() {
            let position = mirrored((alongRows ? x : y) + tap - radius, side)
            value += weight * Double(alongRows ? source[position, y] : source[x, position])
          }
          result[x, y] = Float(value)
        }
      }
      return result
    }
    return pass(pass(plane, alongRows: true), alongRows: false)
  }

  /// A position of the sequence mirrored at both ends, which repeats the ends.
  private static func mirrored(_ index: Int, _ count: Int) -> Int {
    let period = 2 * count
    let position = ((index % period) + period) % period
    return position < count ? position : period - 1 - position
  }
}

/// Normally distributed numbers of mean 0 and deviation 1.
///
/// - Source: Marsaglia and Bray, A Convenient Method for Generating Normal Variables, 1964.
struct GaussianNoise {
  private(set) var generator: SplitMix64
  private var spare: Float?

  init(_ generator: SplitMix64) { self.generator = generator }

  mutating func next() -> Float {
    if let value = spare {
      spare = nil
      return value
    }
    while true {
      let (x, y) = (2 * generator.nextDouble() - 1, 2 * generator.nextDouble() - 1)
      let square = x * x + y * y
      guard square > 0, square < 1 else { continue }
      let factor = (-2 * log(square) / square).squareRoot()
      spare = Float(y * factor)
      return Float(x * factor)
    }
  }
}
