import Files

/// The folder of a front: what was asked, what is finished, and what came out.
///
///     recipe.yaml                what was asked, with its base
///     front.json                 the conditions that all figures have in common
///     variants/NAME/variant.json what the variant is and, when it is made, its figures
///     variants/NAME/run/         the folder of its training, which goes on from its checkpoint
///     variants/NAME/model.safetensors
///     timing.json                the times of all variants, measured in turn
///     front.csv, front.svg, front.html
public struct FrontFolder: Hashable, Sendable {
  public let path: String

  public init(path: String) { self.path = path }

  /// What the front of a recipe is kept in by itself.
  public static func standard(forRecipe recipe: String) -> FrontFolder {
    FrontFolder(path: Folder.joined("fronts", Folder.split(recipe).stem))
  }

  public var recipe: String { Folder.joined(path, "recipe.yaml") }
  public var record: String { Folder.joined(path, "front.json") }
  public var timing: String { Folder.joined(path, "timing.json") }
  public var csv: String { Folder.joined(path, "front.csv") }
  public var svg: String { Folder.joined(path, "front.svg") }
  public var html: String { Folder.joined(path, "front.html") }

  /// One variant's part of it.
  struct Place: Hashable {
    var path: String
    var record: String { Folder.joined(path, "variant.json") }
    /// The network that training begins with, where it is none that stands elsewhere.
    var start: String { Folder.joined(path, "start.safetensors") }
    var model: String { Folder.joined(path, "model.safetensors") }

    /// The run that was begun, or a folder for one: a run that was killed before it had a record is left aside.
    var run: RunFolder {
      var number = 1
      while true {
        let run = RunFolder(path: Folder.joined(path, number == 1 ? "run" : "run-\(number)"))
        if run.exists || !FileReader.exists(run.path) { return run }
        number += 1
      }
    }
  }

  func place(of variant: FrontVariant) -> Place { place(of: variant.folderName) }

  func place(of name: String) -> Place { Place(path: Folder.joined(Folder.joined(path, "variants"), name)) }

  func write(_ text: String, to path: String) throws(EvaluationError) {
    try wrapping { () throws(FileError) in try AtomicFile.write(Array(text.utf8), to: path) }
  }

  func write(_ value: some Encodable, to path: String) throws(EvaluationError) {
    let text: String
    do { text = try value.storedJSON + "\n" } catch {
      throw .runFolder(path: path, reason: "its figures are none that JSON has")
    }
    try write(text, to: path)
  }

  /// What a file of the folder holds; nil where there is none.
  func read<Value: Decodable>(_ path: String) throws(EvaluationError) -> Value? {
    guard FileReader.exists(path) else { return nil }
    let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: 1 << 24) }
    guard let value = Value(json: bytes) else {
      throw .runFolder(
        path: path, reason: "the file is damaged or of another version; remove it, and what it held is made again")
    }
    return value
  }
}

/// `front.json`
struct FrontRecord: Hashable, Codable, Sendable {
  var conditions: [FrontTable.Condition]

  /// Throws where something differs from what figures that are there were measured under.
  func check(_ now: [FrontTable.Condition], in folder: FrontFolder) throws(EvaluationError) {
    let old = Dictionary(conditions.map { ($0.name, $0.value) }) { first, _ in first }
    let new = Dictionary(now.map { ($0.name, $0.value) }) { first, _ in first }
    for name in (conditions + now).map(\.name) where old[name] != new[name] {
      throw .runFolder(
        path: folder.path,
        reason:
          "the \(name) of the figures there is '\((old[name] ?? "none").onOneLine)' and now '\((new[name] ?? "none").onOneLine)', "
          + "which one table cannot hold; \(Self.mend(name)), or give another folder with --output")
    }
  }

  private static func mend(_ name: String) -> String {
    switch name {
    case FrontConditions.program: "go on with the program that began it"
    case FrontConditions.machine, FrontConditions.engine: "go on on the machine and with the engine that began it"
    case FrontConditions.threads: "give the threads that began it"
    case FrontConditions.data, FrontConditions.measured, FrontConditions.calibration: "bring back the data that it began with"
    default: "bring the recipe back to what it was"
    }
  }
}

/// `variant.json`
struct FrontVariantRecord: Hashable, Codable, Sendable {
  var name: String
  /// All that its model follows from, a line each.
  var definition: [String]
  /// Nil until it is made.
  var figures: FrontTable.Figures?

  /// Throws where the variant was begun as another.
  func check(_ now: [String], in place: FrontFolder.Place) throws(EvaluationError) {
    guard definition != now else { return }
    let old = definition.first { !now.contains($0) } ?? "nothing", new = now.first { !definition.contains($0) } ?? "nothing"
    throw .runFolder(
      path: place.path,
      reason:
        "the variant '\(name.onOneLine)' was begun with '\(old.onOneLine)' and has '\(new.onOneLine)' now; bring the recipe back, "
        + "give the variant another name, or remove this folder to make it anew")
  }
}

/// `timing.json`
struct FrontTimes: Hashable, Codable, Sendable {
  /// Name and fingerprint of each model, in the order of the times.
  var models: [String]
  var times: [FrontTable.Times]
}
