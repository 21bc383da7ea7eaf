import Files
import Imaging
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Photos, and what a sensor would have seen of them in little light: for See-in-the-Dark.
///
/// Of a patch v (0...1) the sensor sees, at an exposure that is `ratio` times too short, `d = v^gamma / ratio` of what it can hold. Each pixel
/// has one of the colours of the Bayer mosaic, red and green in even rows and green and blue in odd ones. The sensor reads
/// `d + sqrt(shot d + read^2) n`, n normally distributed, rounded to a multiple of `1 / whiteLevel`. The input is that times the ratio,
/// clipped to 0...1, packed as `[4, height / 2, width / 2]`: red, green beside red, blue, green beside blue. The target is
/// v, `[3, height, width]`. The black level is subtracted already, as the network takes it.
///
/// - Sources: Chen, Chen, Xu and Koltun, Learning to See in the Dark, 2018 (packing and exposure); Foi, Trimeche, Katkovnik and
///   Egiazarian, Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data, 2008.
public struct LowLightSource: SampleSource {
  public struct Options: Hashable, Sendable {
    /// The side of the patch of the photo, a multiple of 2: its planes, of half of it, must be ones that the network takes, which is a
    /// multiple of 32 for See-in-the-Dark.
    public var patch = 256
    public var patchesPerPicture = 1
    public var symmetries = Symmetries.all
    /// How many times too short the exposure is: its logarithm is drawn evenly.
    public var ratio: ClosedRange<Double> = 50...300
    public var gamma = 2.2
    /// Variance of the shot noise at full light, of what the sensor holds.
    public var shot: ClosedRange<Double> = 0.0001...0.0005
    /// Deviation of the noise of reading, of what the sensor holds.
    public var read: ClosedRange<Double> = 0.0002...0.001
    /// The largest number that the sensor reads.
    public var whiteLevel = 16383
    public var cacheByteCount = 1 << 30

    public init() {}
  }

  public let options: Options
  private let pictures: PictureSet
  private let store: PictureStore

  public init(_ pictures: PictureSet, options: Options) throws(DataError) {
    func require(_ isGood: Bool, _ name: String, _ value: String, _ allowed: String) throws(DataError) {
      guard isGood else { throw .option(name: name, value: value, allowed: allowed) }
    }
    try require(
      (2...8192).contains(options.patch) && options.patch % 2 == 0, "the patch", "\(options.patch)", "an even side up to 8192")
    try require(options.patchesPerPicture >= 1, "patches of a picture", "\(options.patchesPerPicture)", "1 or more")
    try require(
      options.ratio.lowerBound >= 1 && options.ratio.upperBound <= 1e6, "the ratio", "\(options.ratio)", "1 to 1000000")
    try require(options.gamma >= 0.1 && options.gamma <= 10, "gamma", "\(options.gamma)", "0.1 to 10")
    try require(options.shot.lowerBound >= 0 && options.shot.upperBound <= 1, "shot noise", "\(options.shot)", "0 to 1")
    try require(options.read.lowerBound >= 0 && options.read.upperBound <= 1, "noise of reading", "\(options.read)", "0 to 1")
    try require((1...(1 << 24)).contains(options.whiteLevel), "the white level", "\(options.whiteLevel)", "1 to 16777216")
    self.options = options
    self.pictures = pictures
    store = PictureStore(pictures.files, cacheByteCount: options.cacheByteCount)
  }

  public var count: Int { pictures.files.count * options.patchesPerPicture }
  public var files: [DataFile] { pictures.files }
  public var warnings: [String] { pictures.warnings }

  public func sample(_ key: SampleKey) throws(DataError) -> Sample {
    var generator = key.generator
    let index = key.index % pictures.files.count
    let image = try store.image(index)
    let side = options.patch
    guard image.width >= side, image.height >= side else {
      throw .pictureTooSmall(path: pictures.files[index].path, width: image.width, height: image.height, needed: side)
    }
    let (x, y) = (generator.next(below: image.width - side + 1), generator.next(below: image.height - side + 1))
    let orientations = options.symmetries.orientations
    let orientation = orientations[generator.next(below: orientations.count)]
    let logarithm = generator.next(in: log(options.ratio.lowerBound)...log(options.ratio.upperBound))
    // The bounds themselves, not what the logarithm makes of them.
    let ratio = min(max(exp(logarithm), options.ratio.lowerBound), options.ratio.upperBound)
    let (shot, read) = (generator.next(in: options.shot), generator.next(in: options.read))
    let planes = image.threePlanes.cut(x: x, y: y, width: side, height: side, orientation)

    let half = side / 2
    var noise = GaussianNoise(generator)
    let white = Double(options.whiteLevel)
    // Channel of the photo, and row and column in each square of four.
    let mosaic = [(0, 0, 0), (1, 0, 1), (2, 1, 1), (1, 1, 0)]
    var packed: [Float] = []
    packed.reserveCapacity(4 * half * half)
    for (channel, row, column) in mosaic {
      for y in 0..<half {
        for x in 0..<half {
          let value = Double(planes[channel][2 * x + column, 2 * y + row]) / 255
          let dark = pow(value, options.gamma) / ratio
          let seen = dark + (shot * dark + read * read).squareRoot() * Double(noise.next())
          let number = (seen * white).rounded() / white
          packed.append(Float(min(max(number * ratio, 0), 1)))
        }
      }
    }
    return Sample(input: Tensor([4, half, half], packed), target: planes.tensor(scale: 1 / 255))
  }
}
