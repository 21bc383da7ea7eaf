import Files
import Imaging
import Networks
import Tensors

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
    let (width, height) = (plane.width, plane.height)
    var elements = [Float](repeating: 0, count: width * height)
    let columns = max(0, right)..<max(0, right, min(width, width + right))
    for y in max(0, down)..<max(0, down, min(height, height + down)) {
      let from = (y - down) * width - right
      for x in columns { elements[y * width + x] = plane.elements[from + x] }
    }
    return Plane(width: width, height: height, elements: elements)
  }
}
