import Files
import Imaging
import Networks

/// What a classifier or a segmenter said of pictures, and how right it was where that is known.
public struct PredictionReport: Hashable, Codable, Sendable, EngineReport, TextReport {
  /// A class that a picture may be of.
  public struct Guess: Hashable, Codable, Sendable {
    public var name: String
    /// Its place among the classes, from 0.
    public var number: Int
    public var probability: Double
  }

  /// One picture.
  public struct Picture: Hashable, Codable, Sendable {
    public var file: String
    /// Of a classifier: the classes, the likeliest first.
    public var guesses: [Guess]?
    /// Of a classifier: the class that it is of, where that is known.
    public var expected: String?
    /// Of a segmenter: the mask.
    public var mask: String?
    /// Of a segmenter: the picture with the mask over it.
    public var overlay: String?
    /// Of a segmenter: the share of the pixels that are of each class.
    public var shares: [Double]?
  }

  /// How right a classifier was.
  public struct Classification: Hashable, Codable, Sendable {
    /// The pictures whose classes are known.
    public var count: Int
    public var accuracy: Double
    /// The share of those whose class is among the `top` likeliest.
    public var top: Int
    public var topAccuracy: Double
    /// A row for each class: what its pictures were taken for.
    public var confusion: [[Int]]
  }

  /// How right a segmenter was, over the pixels of all pictures.
  public struct Segmentation: Hashable, Codable, Sendable {
    /// The pictures whose masks are known.
    public var count: Int
    public var pixelAccuracy: Double
    /// Of a mask; of more classes the mean over those that occur. Nil where nothing is of the class and nothing was thought to be.
    public var intersectionOverUnion: Double?
    public var dice: Double?
    /// By class, of more than one.
    public var intersectionOverUnionByClass: [Double?]?
    public var diceByClass: [Double?]?
  }

  /// A picture that failed, and why.
  public typealias Failure = UpscaleReport.Failure

  public var model: String
  public var network: String
  public internal(set) var engine: EngineName.Kind
  public internal(set) var isa: String?
  public internal(set) var precision: String?
  public internal(set) var threads: Int?
  public internal(set) var rates: String?
  /// In order.
  public var classes: [String]
  public var pictures: [Picture] = []
  public var failures: [Failure] = []
  /// Files in input folders that are no pictures by their names.
  public var ignored: [String] = []
  /// Folders in input folders that were not entered.
  public var unentered: [String] = []
  /// Of a segmenter: pictures in folders of inputs that are masks of an earlier run by their marks, and were not taken.
  public var madeBefore: [String] = []
  /// Of a segmenter: pictures below the output folder, inside a folder of inputs, that are not known to be this program's.
  public var inOutputFolder: [String] = []
  public var classification: Classification?
  public var segmentation: Segmentation?
  /// Of a segmenter: the folder of the masks, or the one mask.
  public var output: String?
  /// From the first file opened to the last written.
  public var seconds = 0.0

  init(model: String, network: Network, classes: [String], engine: Engine) {
    self.model = model
    self.network = network.name
    self.classes = classes
    self.engine = engine.name.kind
    setEngine(engine)
  }

  /// Notes a picture that failed, and tells of it.
  mutating func fail(_ path: String, _ error: EvaluationError, _ tell: ((String) -> Void)?) {
    let line = error.text(for: path)
    failures.append(Failure(input: path, error: line))
    tell?(line)
  }
}

extension PredictionReport {
  /// More classes make no table that anybody reads.
  private static let mostColumns = 20

  /// The summary for people.
  public var report: ReportText {
    let rate = seconds > 0 ? ", \(TextFormat.fixed(Double(pictures.count) / seconds, 1)) a second" : ""
    var text: ReportText =
      "\(pictures.count) of \(pictures.count + unpredictedCount) pictures in \(TextFormat.fixed(seconds, 2)) s\(rate)"
    text += " (\(model.onOneLine), \(engineText))\n"
    var passedOver = UpscaleReport.passedOverText(ignored: ignored, unentered: unentered, inOutputFolder: inOutputFolder)
    if !madeBefore.isEmpty {
      passedOver.insert(
        "\(madeBefore.count) not taken, masks of an earlier run: \(TextFormat.list(madeBefore, most: 4))", at: 0)
    }
    if !passedOver.isEmpty { text += "\(passedOver.joined(separator: "; "))\n" }
    if let output, output != "-", !pictures.isEmpty {
      text += pictures.contains { $0.overlay != nil } ? "masks and overlays: " : "masks: "
      text += "\(output.onOneLine)\n"
    }
    if let classification { text += self.text(classification) }
    if let segmentation { text += self.text(segmentation) }
    return text
  }

  /// Whether pictures were found and not taken, which is to be said even where none was.
  public var leftOut: Bool { !madeBefore.isEmpty || !inOutputFolder.isEmpty }

  /// A picture may fail for its label alone.
  private var unpredictedCount: Int {
    let done = Set(pictures.map(\.file))
    return Set(failures.map(\.input)).subtracting(done).count
  }

  private func text(_ figures: Classification) -> ReportText {
    var text: ReportText = "accuracy \(Self.percent(figures.accuracy)) of \(figures.count) pictures"
    if figures.top > 1 { text += ", \(Self.percent(figures.topAccuracy)) among the first \(figures.top)" }
    text += "\n"
    guard classes.count <= Self.mostColumns else { return text }
    var matrix = ConfusionMatrix(classCount: classes.count)
    for (expected, row) in figures.confusion.enumerated() {
      for (predicted, count) in row.enumerated() { matrix.add(expected: expected, predicted: predicted, count: count) }
    }
    var table = TextTable(["is, taken for"] + classes + ["recall"])
    for (label, name) in classes.enumerated() {
      table.append([name] + figures.confusion[label].map(String.init) + [Self.percent(matrix.recall(label))])
    }
    table.append(["precision"] + classes.indices.map { Self.percent(matrix.precision($0)) })
    text += table
    return text
  }

  private func text(_ figures: Segmentation) -> ReportText {
    func share(_ value: Double?) -> String { value.map { TextFormat.fixed($0, 4) } ?? "-" }
    var text: ReportText = "IoU \(share(figures.intersectionOverUnion)), Dice \(share(figures.dice)), "
    text += "pixel accuracy \(Self.percent(figures.pixelAccuracy)) of \(figures.count) pictures\n"
    guard let byClass = figures.intersectionOverUnionByClass, let dice = figures.diceByClass else { return text }
    var table = TextTable(["class", "IoU", "Dice"])
    for (label, name) in classes.enumerated() { table.append([name, share(byClass[label]), share(dice[label])]) }
    text += table
    return text
  }

  private static func percent(_ share: Double?) -> String { share.map { TextFormat.fixed($0 * 100, 2) + " %" } ?? "-" }
}

extension PredictionReport {
  /// How a table of classes is written.
  public struct TableForm: Hashable, Sendable {
    /// The headings of two columns, the file's name without extension and its class, as competitions take them; nil for a table of the
    /// file, its likeliest classes and their probabilities.
    public var submission: [String]?
    /// Whether classes are called by their numbers, from 0.
    public var usesNumbers: Bool

    public init(submission: [String]? = nil, usesNumbers: Bool = false) {
      self.submission = submission
      self.usesNumbers = usesNumbers
    }
  }

  /// What the table of a competition calls a picture: the file's name without extension.
  static func identifier(of file: String) -> String { Folder.split(file).stem }

  /// The classes as comma-separated values (RFC 4180, but for ends of lines, which are line feeds).
  public func table(_ form: TableForm) -> String {
    func name(_ guess: Guess) -> String { form.usesNumbers ? String(guess.number) : guess.name }
    var rows: [[String]]
    if let submission = form.submission {
      rows = [submission]
      for picture in pictures { rows.append([Self.identifier(of: picture.file), picture.guesses?.first.map(name) ?? ""]) }
    } else {
      let most = pictures.reduce(1) { max($0, $1.guesses?.count ?? 0) }
      rows = [["file"] + (1...most).flatMap { $0 == 1 ? ["class", "probability"] : ["class \($0)", "probability \($0)"] }]
      for picture in pictures {
        rows.append(
          [picture.file] + (picture.guesses ?? []).flatMap { [name($0), TextFormat.fixed($0.probability, 6)] })
      }
    }
    return rows.map(CSVText.line).joined()
  }
}
