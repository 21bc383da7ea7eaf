import Files
import Imaging
import Tensors

/// How pictures of a classifier enter it.
public struct PictureForm: Hashable, Sendable {
  /// The size that all are brought to by bicubic interpolation; nil where all must have the size of the first.
  public var size: Size?
  /// Subtracted from red, green and blue on the scale 0...1.
  public var mean: [Float]
  /// Divided by then.
  public var deviation: [Float]

  public struct Size: Hashable, Sendable {
    public var width: Int
    public var height: Int

    public init(width: Int, height: Int) {
      self.width = width
      self.height = height
    }
  }

  public init(size: Size? = nil, mean: [Float] = [0, 0, 0], deviation: [Float] = [1, 1, 1]) {
    precondition(
      mean.count == 3 && deviation.count == 3 && !deviation.contains(0), "three means and deviations, none of them 0")
    self.size = size
    self.mean = mean
    self.deviation = deviation
  }

  /// `[3, height, width]`.
  func tensor(_ planes: [Plane<Float>]) -> Tensor {
    zip(planes, zip(mean, deviation)).map { plane, numbers in
      let (scale, offset) = (1 / (255 * numbers.1), numbers.0 / numbers.1)
      return Plane(width: plane.width, height: plane.height, elements: plane.elements.map { $0 * scale - offset })
    }.tensor(scale: 1)
  }

  /// Red, green and blue in the size that is asked for.
  func planes(_ image: Image, path: String, expected: Size) throws(DataError) -> [Plane<Float>] {
    let planes = image.threePlanes
    if image.width == expected.width, image.height == expected.height { return planes }
    guard size != nil else {
      throw .pictureSize(
        path: path, width: image.width, height: image.height, expected: "\(expected.width)x\(expected.height)")
    }
    let resize = BicubicResize(width: image.width, height: image.height, toWidth: expected.width, toHeight: expected.height)
    return planes.map { resize($0) }
  }

  /// The size that is given, or that of the first picture that can be read.
  func commonSize(of store: PictureStore) throws(DataError) -> Size {
    if let size { return size }
    var first: DataError?
    for index in store.files.indices {
      do throws(DataError) {
        let image = try store.image(index)
        return Size(width: image.width, height: image.height)
      } catch {
        guard error.isOfOneFile else { throw error }
        first = first ?? error
      }
    }
    throw .allDamaged(count: store.files.count, first: first?.description ?? "")
  }
}

/// A folder with a folder of pictures for each class: for classifiers.
///
/// Sample `index` is picture `index`, those of the first class first; classes are numbered in the order of their names. The target is
/// one number a class: 1 for the picture's, 0 for the others, or with label smoothing e of k classes 1 - e + e/k and e/k.
public struct ClassFolderSource: SampleSource {
  public struct Options: Hashable, Sendable {
    public var form = PictureForm()
    /// Half of the pictures are mirrored left to right.
    public var flips = false
    /// Pictures are moved by up to so many pixels each way; what is empty then is what 0 is on the scale 0...255 before the mean is
    /// subtracted.
    public var shift = 0
    /// From 0 up to, not with, 1.
    public var labelSmoothing: Float = 0
    /// The most memory for decoded pictures.
    public var cacheByteCount = 1 << 30

    public init() {}
  }

  public let options: Options
  /// The names of the classes, in order.
  public let classes: [String]
  private let labels: [Int]
  private let store: PictureStore
  private let size: PictureForm.Size

  /// - Parameter classes: those that the network knows, where they are given; by default the folders there are.
  public init(folder: String, classes: [String]? = nil, options: Options) throws(DataError) {
    guard (0..<1).contains(options.labelSmoothing) else {
      throw .option(name: "label smoothing", value: "\(options.labelSmoothing)", allowed: "0 or more and less than 1")
    }
    guard (0...1024).contains(options.shift) else {
      throw .option(name: "the shift", value: "\(options.shift)", allowed: "0 to 1024 pixels")
    }
    self.options = options
    let names: [String]
    if let classes {
      names = classes
    } else {
      names = try wrapping { () throws(FileError) in try Folder.names(in: folder) }
        .filter { Folder.exists(Folder.joined(folder, $0)) }
    }
    guard !names.isEmpty else { throw .noClasses(folder: folder) }
    var files: [DataFile] = [], labels: [Int] = []
    for (label, name) in names.enumerated() {
      let found = try PictureSet.pictures(in: Folder.joined(folder, name), recursive: true)
      files += found.map { DataFile(name: Folder.joined(name, $0.name), path: $0.path) }
      labels += Array(repeating: label, count: found.count)
    }
    guard !files.isEmpty else { throw .noClasses(folder: folder) }
    self.classes = names
    self.labels = labels
    store = PictureStore(files, cacheByteCount: options.cacheByteCount)
    size = try options.form.commonSize(of: store)
  }

  public var count: Int { labels.count }
  public var files: [DataFile] { store.files }

  /// The class of a sample.
  public func label(_ index: Int) -> Int { labels[index] }

  /// Below this many pictures of a class a warning is given.
  static let fewPictures = 100

  public var warnings: [String] {
    let counts = classes.indices.map { label in labels.count { $0 == label } }
    var lines: [String] = []
    if classes.count == 1 { lines.append("there is one class, '\(classes[0])', and nothing to tell apart") }
    let few = zip(classes, counts).filter { $0.1 < Self.fewPictures }
    if !few.isEmpty {
      let list = few.prefix(8).map { "'\($0.0)' has \($0.1)" }.joined(separator: ", ")
      lines.append("few pictures to learn a class from: \(list) (\(Self.fewPictures) or more are better)")
    }
    if let least = counts.min(), let most = counts.max(), least > 0, most >= 10 * least {
      lines.append("classes have from \(least) to \(most) pictures; the small ones will hardly be learnt")
    }
    return lines
  }

  public func sample(_ key: SampleKey) throws(DataError) -> Sample {
    var generator = key.generator
    let file = store.files[key.index]
    var planes = try options.form.planes(store.image(key.index), path: file.path, expected: size)
    let isFlipped = options.flips && generator.next(below: 2) == 1
    let (x, y) = (generator.next(below: 2 * options.shift + 1), generator.next(below: 2 * options.shift + 1))
    if isFlipped { planes = planes.map { $0.oriented(.flippedHorizontally) } }
    if options.shift > 0 { planes = planes.map { Self.moved($0, x - options.shift, y - options.shift) } }
    let rest = options.labelSmoothing / Float(classes.count)
    var target = [Float](repeating: rest, count: classes.count)
    target[labels[key.index]] += 1 - options.labelSmoothing
    return Sample(input: options.form.tensor(planes), target: Tensor([classes.count], target))
  }

  /// The plane moved to the right and down.
  private static func moved(_ plane: Plane<Float>, _ right: Int, _ down: Int) -> Plane<Float> {
    var result = Plane<Float>(width: plane.width, height: plane.height, repeating: 0)
    for y in 0..<plane.height {
      for x in 0..<plane.width where (0..<plane.width).contains(x - right) && (0..<plane.height).contains(y - down) {
        result[x, y] = plane[x - right, y - down]
      }
    }
    return result
  }
}

/// A folder of pictures whose classes nobody says: for predictions. The targets are empty.
public struct FlatFolderSource: SampleSource {
  public let form: PictureForm
  private let store: PictureStore
  private let size: PictureForm.Size

  /// The pictures of the folder itself, in the order of their names.
  public init(folder: String, form: PictureForm, cacheByteCount: Int = 0) throws(DataError) {
    self.form = form
    store = PictureStore(try PictureSet(folders: [folder]).files, cacheByteCount: cacheByteCount)
    size = try form.commonSize(of: store)
  }

  public var count: Int { store.files.count }
  public var files: [DataFile] { store.files }
  public var warnings: [String] { [] }

  public func sample(_ key: SampleKey) throws(DataError) -> Sample {
    let planes = try form.planes(store.image(key.index), path: store.files[key.index].path, expected: size)
    return Sample(input: form.tensor(planes), target: Tensor(zeros: [0]))
  }
}
