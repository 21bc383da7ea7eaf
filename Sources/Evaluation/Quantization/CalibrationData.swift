import Files
import Formats
import Imaging
import Networks
import Tensors
import Training

/// What a network is measured on before and after it becomes one of integers: pieces of pictures as they enter it, and what should leave.
///
/// For networks that make pictures each piece is made smaller and, where the network wants it, enlarged again, at each of the scales in turn; it
/// should become what it was. Classifiers and segmenters get whole pictures in their form; what should leave is what float32 makes
/// of them. So it is for files `.npy`, which hold an input each.
public struct CalibrationData: Sendable {
  public struct Sample: Sendable {
    public var input: Tensor
    /// What should leave; nil where that is what the network in float32 makes.
    public var target: Tensor?

    public init(input: Tensor, target: Tensor? = nil) {
      self.input = input
      self.target = target
    }
  }

  public var samples: [Sample]
  /// What the brightest picture is in the output, that a PSNR refers to; nil where errors are held against the output itself.
  public var peak: Double?

  public init(samples: [Sample], peak: Double? = nil) {
    self.samples = samples
    self.peak = peak
  }

  /// Of files of a folder, spread over all of them.
  ///
  /// - Parameters:
  ///   - count: the most files that are read.
  ///   - side: of pieces as they enter the network, in pixels.
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
    samples = []
    for (number, path) in paths.enumerated() {
      if path.hasSuffix(".npy") {
        let input = try wrapping { () throws(FormatError) in try NPYFile.read(path) }
        samples.append(Sample(input: input))
        continue
      }
      let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: 1 << 31) }
      let image = try wrapping { () throws(ImageError) in try ImageCodec.decode(bytes, name: path) }
      switch network.contract {
      case .image(let contract):
        let scales = contract.scale.map { [$0] } ?? [2, 3, 4]
        if let sample = Self.sample(image, contract, scale: scales[number % scales.count], side: side) {
          samples.append(sample)
        }
      case .classifier(let contract): samples.append(Self.sample(image, contract.form, network, side: nil))
      case .segmenter(let contract): samples.append(Self.sample(image, contract.form, network, side: side * 2))
      case nil:
        let form: PictureForm = network.inputs[0].channels == 1 ? .grey() : PictureForm()
        samples.append(Self.sample(image, form, network, side: side))
      }
    }
    guard !samples.isEmpty else { throw .noPictures(folder: folder) }
    if case .image(let contract) = network.contract { peak = Double(contract.maximum) }
  }

  /// The middle of a picture; nil where it is too small.
  private static func sample(_ image: Image, _ contract: ImageContract, scale: Int, side: Int) -> Sample? {
    let isLarge = contract.inputSize == .lowResolution
    let most = isLarge ? side * scale : side
    func extent(_ whole: Int) -> Int { min(whole, most) / scale * scale }
    let (width, height) = (extent(image.width), extent(image.height))
    guard min(width, height) >= 8 * scale else { return nil }
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

  /// A picture in the form, of the size that this or the network asks for, else its middle, cut to what networks take.
  private static func sample(_ image: Image, _ form: PictureForm, _ network: Network, side: Int?) -> Sample {
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
    return Sample(input: tensor.reshaped(tensor.shape.rank == 4 ? tensor.shape : Shape([1] + tensor.shape.extents)))
  }
}
