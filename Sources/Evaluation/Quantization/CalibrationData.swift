import Files
import Formats
import Imaging
import Networks
import Tensors
import Training

/// What a network is measured on before and after it becomes one of integers: pieces of pictures as they enter it, and what should leave.
///
/// Pieces have sides that the network takes: what is more is cut off. For networks that make pictures each piece is made smaller and, where the network wants it, enlarged again, at each of the scales in turn; it
/// should become what it was. For networks that make pictures of packed Bayer mosaics each piece is darkened and packed as their training does it
/// (`LowLightSource`). Classifiers and segmenters get whole pictures in their form; what should leave is what float32 makes
/// of them. So it is for files `.npy`, which hold an input each.
public struct CalibrationData: Sendable {
  public struct Sample: Sendable {
    public var input: Tensor
    /// What should leave; nil where that is what the network in float32 makes.
    public var target: Tensor?
    /// The file that it is of; nil where it is of none.
    public var path: String?

    public init(input: Tensor, target: Tensor? = nil, path: String? = nil) {
      self.input = input
      self.target = target
      self.path = path
    }
  }

  public var samples: [Sample]
  /// What the brightest picture is in the output, that a PSNR refers to; nil where errors are held against the output itself.
  public var peak: Double?
  /// Between the small pictures and the large ones, in order; empty where nothing is enlarged.
  public var scales: [Int]

  public init(samples: [Sample], peak: Double? = nil, scales: [Int] = []) {
    self.samples = samples
    self.peak = peak
    self.scales = scales
  }

  /// Of files of a folder, spread over all of them.
  ///
  /// - Parameters:
  ///   - count: the most files that are read.
  ///   - side: of pieces as they enter the network, in pixels: at most, and `leastSide` at least.
  ///   - excluded: a folder within whose files are left out.
  public init(folder: String, for network: Network, count: Int, side: Int = 96, excluding excluded: String? = nil)
    throws(EvaluationError)
  {
    guard network.inputs.count == 1 else { throw .inputCount(network: network.name, count: network.inputs.count) }
    let files = try wrapping { () throws(FileError) in try Folder.files(in: folder, recursive: true, excluding: excluded) }
      .filter { ImageFormat(path: $0) != nil || $0.hasSuffix(".npy") }
    guard !files.isEmpty else { throw .noPictures(folder: folder) }
    let taken = min(count, files.count)
    let paths = (0..<taken).map { Folder.joined(folder, files[$0 * files.count / taken]) }
    let isOfMosaics = network.isOfMosaics
    if network.contract == nil, !isOfMosaics, let channels = network.inputs[0].channels, channels != 1, channels != 3,
      let picture = paths.first(where: { !$0.hasSuffix(".npy") })
    {
      throw .inputArray(
        path: picture,
        reason:
          "a picture has 1 or 3 channels, and '\(network.name)' takes \(network.inputs[0].axesText); give a folder of inputs in files .npy"
      )
    }
    (samples, scales) = ([], [])
    var tooSmall: (picture: String, size: PictureForm.Size, needed: PictureForm.Size)?
    for (number, path) in paths.enumerated() {
      if path.hasSuffix(".npy") {
        _ = try network.inputShape(ofArray: path)
        // As `run` reads them: integers are numbers, where the network does not take integers.
        let element = network.inputs[0].element
        let input = try wrapping { () throws(FormatError) in
          element == .float32 ? try NPYFile.readFloats(path) : try NPYFile.read(path, element: element)
        }
        guard input.largestMagnitude.isFinite else { throw .inputNotFinite(path: path) }
        samples.append(Sample(input: input, path: path))
        continue
      }
      func blame(_ image: PictureForm.Size, _ least: Int) {
        guard tooSmall.map({ $0.size.width * $0.size.height < image.width * image.height }) ?? true else { return }
        tooSmall = (path, image, PictureForm.Size(width: least, height: least))
      }
      if isOfMosaics {
        let size = try Self.size(path)
        if let sample = try Self.mosaic(path, size, network, number: number, side: side) {
          samples.append(sample)
        } else {
          blame(size, 2 * (try Self.leastSide(network, channels: 4)))
        }
        continue
      }
      let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: 1 << 31) }
      let image = try wrapping { () throws(ImageError) in try ImageCodec.decode(bytes, name: path) }
      switch network.contract {
      case .image(let contract):
        let scales = contract.scale.map { [$0] } ?? [2, 3, 4], scale = scales[number % scales.count]
        if let sample = try Self.sample(image, contract, network, scale: scale, side: side) {
          samples.append(sample)
          if !self.scales.contains(scale) { self.scales = (self.scales + [scale]).sorted() }
        } else {
          blame(
            PictureForm.Size(width: image.width, height: image.height), try Self.leastSide(network, contract, scale: scale))
        }
      case .classifier(let contract): samples.append(try Self.sample(image, contract.form, network, side: nil))
      case .segmenter(let contract): samples.append(try Self.sample(image, contract.form, network, side: side * 2))
      case nil:
        let form: PictureForm = network.inputs[0].channels == 1 ? .grey() : PictureForm()
        samples.append(try Self.sample(image, form, network, side: side))
      }
    }
    if samples.isEmpty, let tooSmall {
      throw .picturesTooSmall(folder: folder, picture: tooSmall.picture, size: tooSmall.size, needed: tooSmall.needed)
    }
    if case .image(let contract) = network.contract { peak = Double(contract.maximum) }
    if isOfMosaics, samples.allSatisfy({ $0.target != nil }) { peak = 1 }
  }

  /// The least side of a piece, in pixels of the network's input: of less nothing can be told.
  public static let leastSide = 8

  /// What the sides of inputs must be multiples of, at that of `leastSide` or above.
  private static func multiple(
    _ network: Network, channels: Int, height: Int, width: Int
  ) throws(EvaluationError) -> Int {
    try ImageContinuation.leastMultiple { multiple throws(EvaluationError) in
      func extent(_ whole: Int) -> Int { max(whole / multiple, 1) * multiple }
      try network.checkTaken(
        Shape(channels: channels, height: extent(height), width: extent(width)))
    }.multiple
  }

  /// The least side of inputs, at that of `leastSide` or above.
  private static func leastSide(_ network: Network, channels: Int) throws(EvaluationError) -> Int {
    // An odd side asks for the multiple.
    let multiple = try multiple(network, channels: channels, height: leastSide + 1, width: leastSide + 1)
    return (leastSide + multiple - 1) / multiple * multiple
  }

  /// By its header.
  private static func size(_ path: String) throws(EvaluationError) -> PictureForm.Size {
    let file = try wrapping { () throws(FileError) in
      try RandomAccessFile(path: path, limit: Image.largestFile, memory: Image.largestFile)
    }
    let properties = try wrapping { () throws(ImageError) in try ImageReader(file, name: path).properties }
    return PictureForm.Size(width: properties.width, height: properties.height)
  }

  /// A piece of a picture as a sensor would have seen it in little light, and as it is; nil where the picture is too small.
  private static func mosaic(
    _ path: String, _ size: PictureForm.Size, _ network: Network, number: Int, side: Int
  ) throws(EvaluationError) -> Sample? {
    let most = min(max(side, try leastSide(network, channels: 4)), size.width / 2, size.height / 2)
    guard most >= leastSide else { return nil }
    let multiple = try multiple(network, channels: 4, height: most, width: most), half = most / multiple * multiple
    guard half >= leastSide else { return nil }
    var options = LowLightSource.Options()
    options.patch = 2 * half
    options.symmetries = .none
    options.cacheByteCount = 0
    return try wrapping { () throws(DataError) in
      let source = try LowLightSource(PictureSet(files: [DataFile(name: path, path: path)]), options: options)
      let sample = try source.sample(SampleKey(seed: 1, epoch: 0, index: number))
      return Sample(
        input: sample.input.reshaped(Shape([1] + sample.input.shape.extents)),
        target: sample.target.reshaped(Shape([1] + sample.target.shape.extents)))
    }
  }

  /// The least side of a picture that a piece is cut of.
  private static func leastSide(_ network: Network, _ contract: ImageContract, scale: Int) throws(EvaluationError) -> Int {
    let isLarge = contract.inputSize == .lowResolution, least = isLarge ? leastSide : leastSide * scale
    // An odd side asks for the multiple.
    let multiple = try multiple(network, channels: contract.colour == .luma ? 1 : 3, height: least + 1, width: least + 1)
    let unit = isLarge ? multiple : multiple * scale
    return (least + unit - 1) / unit * unit * (isLarge ? scale : 1)
  }

  /// The middle of a picture; nil where it is too small.
  private static func sample(
    _ image: Image, _ contract: ImageContract, _ network: Network, scale: Int, side: Int
  ) throws(EvaluationError) -> Sample? {
    let isLarge = contract.inputSize == .lowResolution
    // In pixels of the picture: what a pixel of the small picture is, and the least piece.
    func sides(_ multiple: Int) -> (width: Int, height: Int) {
      let unit = isLarge ? scale * multiple : scale * multiple / commonDivisor(scale, multiple)
      let most = max(isLarge ? side * scale : side, leastSide * scale, unit)
      return (min(image.width, most) / unit * unit, min(image.height, most) / unit * unit)
    }
    let rough = sides(1)
    guard min(rough.width, rough.height) >= leastSide * scale else { return nil }
    let entering = isLarge ? scale : 1
    let multiple = try multiple(
      network, channels: contract.colour == .luma ? 1 : 3, height: rough.height / entering, width: rough.width / entering)
    let (width, height) = sides(multiple)
    guard min(width, height) >= leastSide * scale else { return nil }
    let whole = PlanarImage<Double>(image)
    let truth = PlanarImage<Double>(
      colour: whole.colour.map {
        $0.cropped(x: (image.width - width) / 2, y: (image.height - height) / 2, width: width, height: height)
      })
    let low = PlanarImage<Double>(colour: truth.colour.map { $0.resized(scale: 1 / Double(scale)) })
    // What is enlarged by the network is a picture of 8 bits.
    let source =
      isLarge
      ? PlanarImage<Double>(Image(low, bitDepth: 8))
      : PlanarImage<Double>(colour: low.colour.map { $0.resized(scale: Double(scale)) })
    func tensor(_ picture: PlanarImage<Double>) -> Tensor {
      let colours = picture.colour.count == 3 ? picture.colour : Array(repeating: picture.colour[0], count: 3)
      let planes = contract.colour == .luma ? [picture.luma] : colours
      return Tensor(planes.map { Plane<Float>($0) }, scale: contract.maximum / 255)
    }
    return Sample(input: tensor(source), target: tensor(truth))
  }

  private static func commonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : commonDivisor(b, a % b) }

  /// A picture in the form, of the size that this or the network asks for, else its middle, cut to what most networks take, and continued where
  /// this one does not.
  private static func sample(
    _ image: Image, _ form: PictureForm, _ network: Network, side: Int?
  ) throws(EvaluationError) -> Sample {
    var size = form.size
    let axes = network.inputs[0].axes
    if size == nil, axes.count == 4, let height = axes[2], let width = axes[3] {
      size = PictureForm.Size(width: width, height: height)
    }
    var planes = size.map { form.planes(image, resizedTo: $0) } ?? form.planes(image)
    if size == nil {
      // Levels of a U-Net halve sides.
      func extent(_ whole: Int) -> Int { max(min(whole, side ?? whole) / 16 * 16, min(whole, 16)) }
      let (width, height) = (extent(image.width), extent(image.height))
      planes = planes.map {
        $0.cropped(x: (image.width - width) / 2, y: (image.height - height) / 2, width: width, height: height)
      }
    }
    let tensor = form.tensor(planes)
    let picture = tensor.reshaped(tensor.shape.rank == 4 ? tensor.shape : Shape([1] + tensor.shape.extents))
    return Sample(input: size == nil ? try network.continuing(picture) : picture)
  }
}

extension Network {
  /// Whether it makes pictures of packed Bayer mosaics, four planes of half a picture's sides, as See-in-the-Dark does.
  var isOfMosaics: Bool {
    guard contract == nil, inputs.count == 1, outputs.count == 1, inputs[0].isAnyImage, inputs[0].channels == 4 else {
      return false
    }
    let shape = Shape(channels: 4, height: 128, width: 128)
    return (try? inferredShapes(inputs: [shape])[outputs[0]]) == Shape(channels: 3, height: 256, width: 256)
  }
}
