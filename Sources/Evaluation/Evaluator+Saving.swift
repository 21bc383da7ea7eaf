import Files
import Imaging

extension Evaluator {
  /// Where the pictures of each model are saved to: of several models a folder by the name of each, with a number where two are called alike.
  public static func saveFolders(_ folder: String, models: [String]) -> [String] {
    guard models.count > 1 else { return [folder] }
    return distinct(models.map { Folder.split($0).stem }).map { Folder.joined(folder, $0) }
  }

  /// What pictures are called in tables and in names of files: as their files without the extension, or with it where two would be called
  /// alike.
  static func titles(_ names: [String]) -> [String: String] {
    let stems = names.map { Folder.split($0).stem }
    let counts = Dictionary(stems.map { ($0.lowercased(), 1) }, uniquingKeysWith: +)
    let titles = zip(names, stems).map { name, stem in counts[stem.lowercased()] == 1 ? stem : Folder.name(name) }
    return Dictionary(zip(names, distinct(titles)), uniquingKeysWith: { first, _ in first })
  }

  /// The names with numbers behind those that came before, whether or not a file system tells upper from lower case.
  private static func distinct(_ names: [String]) -> [String] {
    var taken: Set<String> = []
    return names.map { stem in
      var name = stem, number = 1
      while !taken.insert(name.lowercased()).inserted {
        number += 1
        name = "\(stem)-\(number)"
      }
      return name
    }
  }

  /// Throws where the folders are one: what is saved would be measured the next time.
  static func checkApart(_ saveFolder: String, from data: String) throws(EvaluationError) {
    guard let identity = Folder.identity(saveFolder), identity == Folder.identity(data) else { return }
    throw .savedAmongData(folder: saveFolder)
  }

  /// The text that says of a PNG that it was saved here.
  static let mark = PNGChunk(keyword: "Software", text: "swiftlet eval")

  /// Throws where another file than one that was saved here stands at a path, or at the end of its links: it would be lost.
  static func checkOwn(_ path: String) throws(EvaluationError) {
    guard Folder.exists(path) || Folder.fileExists(path) else { return }
    // Its header is enough; what cannot be read is none of ours.
    let isOwn = FileClaims.apart { () -> Bool in
      // A pipe might never end.
      guard AtomicFile.isPartial(path), let file = try? RandomAccessFile(path: path, limit: Image.largestFile, memory: 1 << 24),
        let reader = try? ImageReader(file, name: path)
      else { return false }
      return reader.properties.metadata.chunks.contains(mark)
    }
    guard isOwn else { throw .savedOverOther(path: path) }
  }
}
