import Files
import Imaging
import Networks
import Tensors

/// Random patches of pictures, and the same made smaller by bicubic interpolation: for networks that enlarge.
///
/// Sample `index` of an epoch is a patch of picture `index` modulo their number, so that all pictures come equally often. Its scale, its
/// pre-scale, its place and its form (turned or mirrored) are drawn. The picture is made smaller by the pre-scale, cut at right and bottom
/// to a multiple of the scale, and made smaller by the scale: as a whole, in double precision (MATLAB's `imresize`), and both are kept.
/// Degradations are done to a piece of the small picture around the patch, in red, green and blue, whose place among the blocks of JPEG is
/// drawn, too.
public struct SuperResolutionSource: SampleSource {
  public struct Options: Hashable, Sendable {
    /// Channels, scale of the numbers, and whether the input is small or enlarged again: what the network's contract says.
    public var colour = ImageContract.Colour.rgb
    public var maximum: Float = 1
    public var inputSize = ImageContract.InputSize.lowResolution
    /// Factors between small and large, each from 2 to 16; several only where the input is enlarged, for a batch has one size.
    public var scales = [2]
    /// The side of the target in pixels, a multiple of each scale.
    public var patch = 48
    /// Samples of each picture in an epoch.
    public var patchesPerPicture = 16
    public var symmetries = Symmetries.all
    /// Factors from 0.05 to 1 by which pictures are made smaller first. One that leaves no room for a patch is passed over.
    public var preScales = [1.0]
    /// Whether the small picture is clipped and rounded to 8 bits, as files have it. With a JPEG file it is in any case.
    public var roundsInput = false
    /// Of this share of samples, from 0 to 1, the picture is of one brightness, half of them black or white: what flat areas have to stay.
    public var flatShare = 0.0
    /// In the order in which they are done.
    public var degradations: [Degradation] = []
    /// The most memory for pictures and smaller ones.
    public var cacheByteCount = 1 << 30

    public init() {}
  }

  public let options: Options
  private let pictures: PictureSet
  private let store: PictureStore
  private let pairs: BoundedCache<PairKey, Pair>

  private struct PairKey: Hashable {
    var picture: Int
    var preScale: Double
    var scale: Int
  }

  /// A picture and its smaller form, on the scale 0...255: planes of the network, or colours where they are still to be degraded.
  private struct Pair: Sendable {
    var large: [Plane<Float>]
    var small: [Plane<Float>]
    /// Enlarged again, where that is the input and nothing is degraded.
    var enlarged: [Plane<Float>]?
  }

  public init(_ pictures: PictureSet, options: Options) throws(DataError) {
    func require(_ isGood: Bool, _ name: String, _ value: String, _ allowed: String) throws(DataError) {
      guard isGood else { throw .option(name: name, value: value, allowed: allowed) }
    }
    let scales = options.scales
    let list = scales.map(String.init).joined(separator: ",")
    try require(!scales.isEmpty && scales.allSatisfy { (2...16).contains($0) }, "scales", list, "factors from 2 to 16")
    try require(
      scales.count == 1 || options.inputSize == .bicubicEnlarged, "scales", list, "one factor where the network enlarges itself"
    )
    try require(
      (1...4096).contains(options.patch) && scales.allSatisfy { options.patch % $0 == 0 }, "the patch", "\(options.patch)",
      "a multiple of each scale up to 4096 pixels")
    try require(options.patchesPerPicture >= 1, "patches of a picture", "\(options.patchesPerPicture)", "1 or more")
    try require(
      !options.preScales.isEmpty && options.preScales.allSatisfy { $0 >= 0.05 && $0 <= 1 }, "pre-scales",
      "\(options.preScales)",
      "factors from 0.05 to 1")
    try require((0...1).contains(options.flatShare), "the share of flat samples", "\(options.flatShare)", "0 to 1")
    self.options = options
    self.pictures = pictures
    store = PictureStore(pictures.files, cacheByteCount: options.cacheByteCount / 8)
    pairs = BoundedCache(byteCount: options.cacheByteCount / 8 * 7)
  }

  public var count: Int { pictures.files.count * options.patchesPerPicture }
  public var files: [DataFile] { pictures.files }
  public var warnings: [String] { pictures.warnings }

  public func sample(_ key: SampleKey) throws(DataError) -> Sample {
    var generator = key.generator
    if options.flatShare > 0, generator.nextDouble() < options.flatShare { return flat(using: &generator) }
    let picture = key.index % pictures.files.count
    let scale = options.scales[generator.next(below: options.scales.count)]
    let drawn = options.preScales[generator.next(below: options.preScales.count)]
    let (pair, _) = try pair(picture, drawn, scale)
    let (width, height) = (pair.small[0].width, pair.small[0].height)
    let side = options.patch / scale
    let (x, y) = (generator.next(below: width - side + 1), generator.next(below: height - side + 1))
    let orientations = options.symmetries.orientations
    let orientation = orientations[generator.next(below: orientations.count)]

    let large = pair.large.cut(x: scale * x, y: scale * y, width: options.patch, height: options.patch, orientation)
    let input: [Plane<Float>]
    if options.degradations.isEmpty {
      if let enlarged = pair.enlarged {
        input = enlarged.cut(x: scale * x, y: scale * y, width: options.patch, height: options.patch, orientation)
      } else {
        input = pair.small.cut(x: x, y: y, width: side, height: side, orientation)
      }
    } else {
      input = try degraded(pair.small, x, y, side, scale, orientation, using: &generator)
    }
    let factor = options.maximum / 255
    let target = options.degradations.isEmpty ? large : networkPlanes(large)
    return Sample(input: input.tensor(scale: factor), target: target.tensor(scale: factor))
  }

  private func flat(using generator: inout SplitMix64) -> Sample {
    let scale = options.scales[generator.next(below: options.scales.count)]
    let side = options.inputSize == .bicubicEnlarged ? options.patch : options.patch / scale
    // As a picture of 8 bits has them.
    let choice = generator.next(below: 4), level = generator.next(below: 256)
    let colour = Array(
      repeating: Plane<Float>(width: 1, height: 1, elements: [[0, 255, Float(level), Float(level)][choice]]), count: 3)
    let planes = networkPlanes(colour)
    func tensor(_ side: Int) -> Tensor {
      planes.map { Plane(width: side, height: side, elements: Array(repeating: $0.elements[0], count: side * side)) }
        .tensor(scale: options.maximum / 255)
    }
    return Sample(input: tensor(side), target: tensor(options.patch))
  }

  /// The patch of the small picture, degraded with what lies around it.
  private func degraded(
    _ small: [Plane<Float>], _ x: Int, _ y: Int, _ side: Int, _ scale: Int, _ orientation: Orientation,
    using generator: inout SplitMix64
  ) throws(DataError) -> [Plane<Float>] {
    let enlarges = options.inputSize == .bicubicEnlarged
    let margin = options.degradations.reduce(enlarges ? 2 : 0) { $0 + $1.margin }
    // Where the patch lies in a block of JPEG, which is 16 pixels where colour is halved.
    let (left, top) = (min(x, margin + generator.next(below: 16)), min(y, margin + generator.next(below: 16)))
    let (width, height) = (
      min(left + side + margin, small[0].width - x + left), min(top + side + margin, small[0].height - y + top)
    )
    var planes = small.cut(x: x - left, y: y - top, width: width, height: height, .upright)
    for degradation in options.degradations { planes = try degradation.apply(to: planes, using: &generator) }
    if options.roundsInput { planes = Self.rounded(planes) }
    planes = networkPlanes(planes)
    guard enlarges else { return planes.cut(x: left, y: top, width: side, height: side, orientation) }
    let resize = BicubicResize(width: width, height: height, toWidth: scale * width, toHeight: scale * height)
    return planes.map { resize($0) }
      .cut(x: scale * left, y: scale * top, width: options.patch, height: options.patch, orientation)
  }

  /// The large and the small form of a picture. Where the pre-scale leaves too little, the picture is taken as it is.
  private func pair(
    _ picture: Int, _ preScale: Double, _ scale: Int
  ) throws(DataError) -> (Pair, preScale: Double) {
    let key = PairKey(picture: picture, preScale: preScale, scale: scale)
    let pair = try pairs.value(key) { pair in
      pair.large.byteCount + pair.small.byteCount + (pair.enlarged?.byteCount ?? 0)
    } make: { () throws(DataError) in
      try makePair(key)
    }
    guard let pair = pair.large.isEmpty ? nil : pair else { return try self.pair(picture, 1, scale) }
    return (pair, preScale)
  }

  /// Without planes where the pre-scale leaves no room for a patch.
  private func makePair(_ key: PairKey) throws(DataError) -> Pair {
    let image = try store.image(key.picture)
    let isDegraded = !options.degradations.isEmpty
    let planar = PlanarImage<Double>(image)
    var planes = planar.colour
    if !isDegraded {
      switch options.colour {
      case .luma: planes = [planar.luma]
      case .rgb: planes = planes.count == 3 ? planes : [planes[0], planes[0], planes[0]]
      }
    }
    if key.preScale != 1 { planes = planes.map { $0.resized(scale: key.preScale) } }
    planes = planes.map { $0.cropped(toMultipleOf: key.scale) }
    guard planes[0].width >= options.patch, planes[0].height >= options.patch else {
      guard key.preScale == 1 else { return Pair(large: [], small: [], enlarged: nil) }
      throw .pictureTooSmall(
        path: pictures.files[key.picture].path, width: image.width, height: image.height, needed: options.patch)
    }
    var small = planes.map { $0.resized(scale: 1 / Double(key.scale)) }
    if options.roundsInput, !isDegraded { small = small.map { Plane<Double>(Self.rounded([Plane<Float>($0)])[0]) } }
    var enlarged: [Plane<Float>]?
    if options.inputSize == .bicubicEnlarged, !isDegraded {
      enlarged = small.map { Plane<Float>($0.resized(width: planes[0].width, height: planes[0].height)) }
    }
    return Pair(large: planes.map { Plane<Float>($0) }, small: small.map { Plane<Float>($0) }, enlarged: enlarged)
  }

  /// Colours as the network takes them.
  private func networkPlanes(_ planes: [Plane<Float>]) -> [Plane<Float>] {
    switch options.colour {
    case .luma: [PlanarImage(colour: planes).luma]
    case .rgb: planes.count == 3 ? planes : [planes[0], planes[0], planes[0]]
    }
  }

  private static func rounded(_ planes: [Plane<Float>]) -> [Plane<Float>] {
    PlanarImage<Float>(Image(PlanarImage(colour: planes), bitDepth: 8)).colour
  }
}
