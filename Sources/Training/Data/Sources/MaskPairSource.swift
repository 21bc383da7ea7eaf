import Files
import Imaging
import Networks
import Tensors

/// Pictures, and masks of the same names that say what each pixel is: for segmentation.
///
/// Of one class a mask is 1 where it is brighter than half, and the target is `[1, height, width]`. Of k classes the grey levels 0 to k - 1
/// are the classes, and the target is `[k, height, width]` with 1 at the pixel's class.
public struct MaskPairSource: SampleSource {
  public struct Options: Hashable, Sendable {
    /// How pictures enter; of the size it says nothing, which is `patch`.
    public var form = PictureForm.grey()
    /// 1: a mask; more: classes.
    public var classes = 1
    /// The side of a random square; nil takes whole pictures, which then are of one size.
    public var patch: Int?
    public var patchesPerPicture = 1
    public var symmetries = Symmetries.all
    /// Places of pictures in the order of their names; nil takes all.
    public var subset: ClosedRange<Int>?
    public var cacheByteCount = 1 << 30

    public init() {}
  }

  public let options: Options
  private let pictures: PictureStore
  private let masks: PictureStore

  /// Pictures and masks are paired by their names up to the extension. Masks of no picture are passed over.
  public init(pictures folder: String, masks maskFolder: String, options: Options) throws(DataError) {
    guard (1...255).contains(options.classes) else {
      throw .option(name: "the classes", value: "\(options.classes)", allowed: "1 to 255")
    }
    guard options.patch.map({ (1...8192).contains($0) }) ?? true else {
      throw .option(name: "the patch", value: "\(options.patch ?? 0)", allowed: "1 to 8192 pixels")
    }
    guard options.patchesPerPicture >= 1 else {
      throw .option(name: "patches of a picture", value: "\(options.patchesPerPicture)", allowed: "1 or more")
    }
    if let fault = options.form.fault { throw .form(fault) }
    guard options.form.size == nil else {
      throw .form("pictures with masks keep their size; take patches")
    }
    self.options = options
    var set = try PictureSet(folders: [folder])
    if let subset = options.subset { set = try set.subset(subset) }
    let found = set.files
    var known: [String: DataFile] = [:]
    for mask in try PictureSet(folders: [maskFolder]).files { known[Folder.split(mask.name).stem] = mask }
    var paired: [DataFile] = []
    for picture in found {
      guard let mask = known[Folder.split(picture.name).stem] else { throw .noMask(picture: picture.path, folder: maskFolder) }
      paired.append(DataFile(name: "mask/\(mask.name)", path: mask.path))
    }
    pictures = PictureStore(found, cacheByteCount: options.cacheByteCount / 2)
    masks = PictureStore(paired, cacheByteCount: options.cacheByteCount / 2)
  }

  public var count: Int { pictures.files.count * options.patchesPerPicture }
  public var files: [DataFile] { pictures.files + masks.files }
  public var warnings: [String] { PictureSet(files: pictures.files).warnings }

  public func sample(_ key: SampleKey) throws(DataError) -> Sample {
    var generator = key.generator
    let index = key.index % pictures.files.count
    let (picture, mask) = (try pictures.image(index), try masks.image(index))
    guard picture.width == mask.width, picture.height == mask.height else {
      throw .maskSize(picture: pictures.files[index].path, mask: masks.files[index].path)
    }
    let (width, height) = (options.patch ?? picture.width, options.patch ?? picture.height)
    guard picture.width >= width, picture.height >= height else {
      throw .pictureTooSmall(
        path: pictures.files[index].path, width: picture.width, height: picture.height, needed: options.patch ?? 0)
    }
    let (x, y) = (generator.next(below: picture.width - width + 1), generator.next(below: picture.height - height + 1))
    // A picture that is no square keeps its sides.
    let orientations = options.symmetries.orientations.filter { width == height || !$0.swapsSides }
    let orientation = orientations[generator.next(below: orientations.count)]
    let input = options.form.planes(picture).cut(x: x, y: y, width: width, height: height, orientation)
    let levels = [mask.floatPlane(0)].cut(x: x, y: y, width: width, height: height, orientation)[0]
    return Sample(
      input: options.form.tensor(input), target: try target(levels, path: masks.files[index].path))
  }

  private func target(_ levels: Plane<Float>, path: String) throws(DataError) -> Tensor {
    let count = levels.elements.count
    let shape: Shape = [options.classes, levels.height, levels.width]
    let labels = try Self.labels(levels, classes: options.classes, path: path)
    guard options.classes > 1 else { return Tensor(shape, labels.map { Float($0) }) }
    var elements = [Float](repeating: 0, count: shape.count)
    for (index, label) in labels.enumerated() { elements[Int(label) * count + index] = 1 }
    return Tensor(shape, elements)
  }

  /// The class of each pixel of a mask; of one class 1 where it is brighter than half, else 0.
  package static func labels(_ levels: Plane<Float>, classes: Int, path: String) throws(DataError) -> [UInt8] {
    guard classes > 1 else { return levels.elements.map { $0 > 127.5 ? 1 : 0 } }
    var labels = [UInt8](repeating: 0, count: levels.elements.count)
    for (index, level) in levels.elements.enumerated() {
      let label = Int(level.rounded())
      guard label < classes else { throw .maskLevel(path: path, level: label, classes: classes) }
      labels[index] = UInt8(label)
    }
    return labels
  }
}
