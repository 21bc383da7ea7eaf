import Files
import Formats

/// The runs in a folder, with how far each came.
public struct RunList: Hashable, Codable, Sendable, TextReport {
  public struct Entry: Hashable, Codable, Sendable {
    public var name: String
    /// Nil where `run.json` cannot be read.
    public var record: RunRecord?
    public var error: String?
  }

  public var entries: [Entry]

  /// Rounds of pruning, those of a sweep and variants of a front lie in folders of their own: `prune/round-1`, `sweep/l1-0.5/round-1`,
  /// `front/variants/NAME/run`.
  private static let depth = 4

  /// Every folder within that holds a run, and within folders there, by path.
  public init(folder: String) throws(EvaluationError) {
    entries = []
    do throws(FileError) {
      try add(try Folder.names(in: folder), in: folder, below: "", depth: Self.depth)
    } catch {
      guard case .notFound = error else { throw .file(error) }
      throw .runFolder(
        path: folder, reason: "is not there; 'swiftlet train' makes it, or give the folder that the runs are in")
    }
    guard !entries.isEmpty else {
      throw .runFolder(
        path: folder, reason: "no folder in it is one of a run, which holds 'run.json'; give the folder that the runs are in")
    }
  }

  private mutating func add(_ names: [String], in folder: String, below prefix: String, depth: Int) throws(FileError) {
    for name in names {
      let path = prefix.isEmpty ? name : Folder.joined(prefix, name), run = RunFolder(path: Folder.joined(folder, path))
      if run.exists {
        do throws(EvaluationError) {
          entries.append(Entry(name: path, record: try RunRecord(of: run)))
        } catch {
          entries.append(Entry(name: path, error: error.description))
        }
      } else if depth > 1, let inner = try? Folder.folders(in: run.path) {
        // What cannot be looked into is nobody's run.
        try add(inner, in: folder, below: path, depth: depth - 1)
      }
    }
  }

  public var report: ReportText {
    var table = TextTable(["run", "state", "network", "parameters", "epochs", "best", "s of steps", "updated"])
    for entry in entries {
      guard let record = entry.record else {
        table.append([entry.name.onOneLine, "unreadable", "", "", "", "", "", ""])
        continue
      }
      table.append([
        entry.name.onOneLine, record.state.rawValue, record.network.name.onOneLine,
        TextFormat.grouped(record.network.parameters),
        "\(record.epoch)/\(record.epochs)", record.bestText ?? "", TextFormat.fixed(record.trainingSeconds, 1),
        record.updated.onOneLine,
      ])
    }
    return "\(table)"
  }
}

extension RunRecord {
  /// `psnr 37.4512 (epoch 40)`
  var bestText: String? {
    guard let bestMetric, let best, let bestEpoch else { return nil }
    return "\(bestMetric.onOneLine) \(TextFormat.fixed(best, 4)) (epoch \(bestEpoch))"
  }
}

/// One run with its figures.
public struct RunReport: Sendable, TextReport {
  public let folder: RunFolder
  public let record: RunRecord
  public let metrics: RunMetrics
  /// Why no epochs are shown, a line; nil where nothing is wrong with them.
  public let notice: String?
  /// The recipe with its options.
  public let recipe: YAMLNode

  public init(_ folder: RunFolder) throws(EvaluationError) {
    self.folder = folder
    record = try RunRecord(of: folder)
    (metrics, notice) = Self.metrics(of: folder)
    let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: folder.recipe, limit: YAMLNode.byteLimit) }
    do throws(YAMLError) {
      recipe = try YAMLNode(parsing: bytes)
    } catch {
      throw .recipe(RecipeError(path: folder.recipe, line: error.line, problem: .syntax(error.reason)))
    }
  }

  /// The figures, and what is wrong with them: the other files tell the rest.
  private static func metrics(of folder: RunFolder) -> (RunMetrics, notice: String?) {
    let none = RunMetrics(names: [])
    // Of a run that was killed before it was written.
    guard FileReader.exists(folder.metrics) else { return (none, nil) }
    do throws(FileError) {
      let text = try FileReader.bytes(of: folder.metrics, limit: 1 << 28)
      if let metrics = RunMetrics(csv: String(decoding: text, as: UTF8.self)) { return (metrics, nil) }
      return (
        none,
        String.line(
          on: folder.metrics,
          "is damaged or of another version, and no epoch is shown; put it back, or delete it to go on without its rows")
      )
    } catch {
      return (none, "\(error); no epoch is shown")
    }
  }

  public var report: ReportText {
    var text: ReportText =
      "\(folder.path.onOneLine): \(record.state.rawValue), epoch \(record.epoch) of \(record.epochs), step \(record.step)"
    if let best = record.bestText { text += ", best \(best)" }
    text += "\n\(record.network.name.onOneLine): \(TextFormat.grouped(record.network.parameters)) parameters, "
    text += "\(TextFormat.grouped(record.network.stepMultiplyAccumulates)) multiply-accumulates a step\n"
    text +=
      "data: \(TextFormat.grouped(record.data.samples)) samples of \(record.data.files) \(record.data.files == 1 ? "file" : "files"), "
    text += "\(TextFormat.bytes(record.data.bytes)), fingerprint \(record.data.fingerprint.onOneLine)\n"
    text +=
      "swiftlet \(record.version.onOneLine), \(record.cpu.onOneLine), \(record.isa.onOneLine), "
    if let rates = record.rates { text += "rates \(rates.onOneLine), " }
    text += "\(record.threads) \(record.threads == 1 ? "thread" : "threads"); "
    text +=
      "\(TextFormat.fixed(record.trainingSeconds, 1)) s of steps, peak memory \(TextFormat.bytes(record.peakMemoryBytes))\n"
    text += "started \(record.started.onOneLine), updated \(record.updated.onOneLine)\n"
    if let error = record.error { text += "failed: \(error.onOneLine)\n" }
    if notice != nil { return text }
    text += "\n"
    var table = TextTable(["epoch", "step", "loss", "rate", "s", "images/s", "data %"] + metrics.names)
    // The first and the last, and some between.
    let rows = metrics.rows, stride = max(1, (rows.count + 19) / 20)
    var shown = 0
    for (index, row) in rows.enumerated() where index % stride == 0 || index == rows.count - 1 {
      shown += 1
      table.append(
        [
          "\(row.epoch)", "\(row.step)", TextFormat.significant(row.loss, 5), TextFormat.significant(row.learningRate, 3),
          TextFormat.fixed(row.seconds, 1), TextFormat.fixed(row.imagesPerSecond, 1),
          TextFormat.fixed(100 * row.waitingSeconds / max(row.seconds, 1e-9), 0),
        ] + row.validation.map { $0.map { TextFormat.fixed($0, 4) } ?? "" })
    }
    text += table
    if shown < rows.count {
      text += "\(shown) of \(rows.count) epochs are shown; \(folder.metrics.onOneLine) has all.\n"
    }
    return text
  }
}

extension RunReport: Encodable {
  private enum CodingKeys: CodingKey { case epochs }

  /// The record, and the epochs beside its fields.
  public func encode(to encoder: any Encoder) throws {
    try record.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(metrics.epochs, forKey: .epochs)
  }
}
