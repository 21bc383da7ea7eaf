import Files
import Imaging
import Networks

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

  /// Throws where another file than one that was saved here of the same stands at a path, or at the end of its links: it would be lost.
  ///
  /// - Parameter source: what the sheet that is there may be of; nil for anything.
  static func checkOwn(_ path: String, of source: SheetSource?) throws(EvaluationError) {
    // A link that leads to nothing is somebody's, too.
    guard Folder.exists(path) || Folder.fileExists(path) || Folder.isLink(path) else { return }
    // Its header is enough; what cannot be read is none of ours.
    let chunks = FileClaims.apart { () -> [PNGChunk] in
      // A pipe might never end.
      guard AtomicFile.isPartial(path), let file = try? RandomAccessFile(path: path, limit: Image.largestFile, memory: 1 << 24),
        let reader = try? ImageReader(file, name: path)
      else { return [] }
      return reader.properties.metadata.chunks
    }
    guard chunks.contains(mark) else { throw .savedOverOther(path: path, command: "eval", option: "--save another folder") }
    guard let source, !chunks.contains(source.chunk) else { return }
    throw .savedOverSheet(path: path, differences: source.differences(from: chunks))
  }
}

/// What a sheet was made of, besides the picture and the scale that its name says: one is written over by its like alone.
struct SheetSource: Hashable {
  private let fields: [(name: String, title: String, value: String)]

  static func == (a: SheetSource, b: SheetSource) -> Bool { a.text == b.text }
  func hash(into hasher: inout Hasher) { hasher.combine(text) }

  /// - Parameter folder: of the pictures; it is the same one by whichever path.
  init(_ network: Network, folder: String, protocol: EvaluationProtocol, precision: String) {
    var model = Fingerprint()
    model.add(network.graph.json.utf8)
    for (name, parameter) in network.parameters.sorted(by: { $0.key < $1.key }) {
      model.add(name.utf8)
      parameter.withUnsafeBytes { model.add($0) }
    }
    var data = Fingerprint()
    data.add((Folder.resolved(folder) ?? folder).systemPathBytes)
    fields = [
      ("model", "model", model.hexadecimal), ("data", "folder of pictures", data.hexadecimal),
      ("protocol", "protocol", `protocol`.hash), ("precision", "precision", precision),
    ]
  }

  private var text: String { fields.map { "\($0.name)=\($0.value)" }.joined(separator: " ") }

  private static let keyword = "swiftlet eval"

  /// The text that says it in a PNG file: the folder by a number, since whoever gets the sheet need not know its path.
  var chunk: PNGChunk { PNGChunk(keyword: Self.keyword, text: text) }

  /// What a sheet with such chunks is of another of; empty where it does not say.
  func differences(from chunks: [PNGChunk]) -> [String] {
    guard let other = chunks.first(where: { $0.keyword == Self.keyword })?.string else { return [] }
    let known = Set(other.split(separator: " ").map(String.init))
    return fields.filter { !known.contains("\($0.name)=\($0.value)") }.map(\.title)
  }
}
