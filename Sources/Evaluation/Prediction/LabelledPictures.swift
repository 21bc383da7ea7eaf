import Files
import Imaging

/// Pictures whose classes are wanted, and those that are known.
struct LabelledPictures {
  struct Picture: Hashable {
    var path: String
    /// The number of its class, where that is known.
    var label: Int?
  }

  private(set) var pictures: [Picture] = []
  /// Whether classes of some are known.
  private(set) var isLabelled = false
  /// Pictures whose class cannot be told, though it was said where it stands.
  private(set) var unlabelled: [(path: String, error: EvaluationError)] = []

  /// Files in folders whose names are those of no pictures, and folders that were not entered.
  private(set) var ignored: [String] = []
  private(set) var unentered: [String] = []

  /// Lists pictures and those in folders, in order. A folder with folders that are called as classes is taken with these, and says so what
  /// is what; other folders inside it only where `isRecursive`.
  ///
  /// - Parameter labels: a folder of such folders, which knows pictures by the names of their files.
  init(
    _ inputs: [String], classes: [String], labels: String?, isRecursive: Bool
  ) throws(EvaluationError) {
    let numbers = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
    for input in inputs {
      guard Folder.exists(input) else {
        pictures.append(Picture(path: input))
        continue
      }
      let found = try Self.found(in: input, numbers, isRecursive: isRecursive)
      guard !found.pictures.isEmpty else { throw .noPictures(folder: input, unentered: found.unentered.count) }
      pictures += found.pictures
      ignored += found.ignored
      unentered += found.unentered
    }
    if let labels { try look(into: labels, classes, numbers) }
    isLabelled = pictures.contains { $0.label != nil }
  }

  /// What a folder holds.
  private struct Found {
    var pictures: [Picture]
    var ignored: [String] = []
    var unentered: [String]
  }

  private static func found(
    in folder: String, _ numbers: [String: Int], isRecursive: Bool
  ) throws(EvaluationError) -> Found {
    let folders = try wrapping { () throws(FileError) in try Folder.names(in: folder) }
      .filter { numbers[$0] != nil && Folder.exists(Folder.joined(folder, $0)) }
    let inside = try wrapping { () throws(FileError) in try Folder.folders(in: folder) }
    var ignored: [String] = []
    func files(_ folder: String, recursive: Bool) throws(EvaluationError) -> [String] {
      let all = try wrapping { () throws(FileError) in try Folder.files(in: folder, recursive: recursive) }
      ignored += all.filter { ImageFormat(path: $0) == nil }.map { Folder.joined(folder, $0) }
      return all.filter { ImageFormat(path: $0) != nil }
    }
    let others = try files(folder, recursive: isRecursive).filter { name in
      !folders.contains { name.hasPrefix($0 + "/") }
    }
    var result = others.map { Picture(path: Folder.joined(folder, $0)) }
    // One by one, for they may be links.
    for name in folders {
      let path = Folder.joined(folder, name)
      result += try files(path, recursive: true).map { Picture(path: Folder.joined(path, $0), label: numbers[name]) }
    }
    let unentered = isRecursive ? [] : inside.filter { !folders.contains($0) }.map { Folder.joined(folder, $0) }
    // Those of classes that a recursive look had met were counted twice.
    var seen: Set<String> = []
    return Found(pictures: result, ignored: ignored.filter { seen.insert($0).inserted }, unentered: unentered)
  }

  private mutating func look(into folder: String, _ classes: [String], _ numbers: [String: Int]) throws(EvaluationError) {
    var known: [String: Set<Int>] = [:]
    for picture in try Self.found(in: folder, numbers, isRecursive: false).pictures {
      if let label = picture.label { known[Folder.name(picture.path), default: []].insert(label) }
    }
    guard !known.isEmpty else { throw .noLabels(folder: folder, classes: classes) }
    for index in pictures.indices {
      let path = pictures[index].path, labels = known[Folder.name(path)] ?? []
      pictures[index].label = labels.count == 1 ? labels.first : nil
      if labels.count != 1 {
        unlabelled.append((path, .noLabel(picture: path, folder: folder, isAmbiguous: labels.count > 1)))
      }
    }
  }
}
