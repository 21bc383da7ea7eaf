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

  /// Every folder within that holds a run, by name.
  public init(folder: String) throws(EvaluationError) {
    let names: [String]
    do throws(FileError) {
      names = try Folder.names(in: folder)
    } catch {
      guard case .notFound = error else { throw .file(error) }
      throw .runFolder(
        path: folder, reason: "is not there: 'swiftlet train' makes it; or give the folder that the runs are in")
    }
    entries = []
    for name in names {
      let run = RunFolder(path: Folder.joined(folder, name))
      guard run.exists else { continue }
      do throws(EvaluationError) {
        entries.append(Entry(name: name, record: try RunRecord(of: run)))
      } catch {
        entries.append(Entry(name: name, error: error.description))
      }
    }
    guard !entries.isEmpty else {
      throw .runFolder(
        path: folder, reason: "no folder in it is one of a run, which holds 'run.json'; give the folder that the runs are in")
    }
  }

  public var report: ReportText {
    var table = TextTable(["run", "state", "network", "parameters", "epochs", "best", "seconds", "updated"])
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
  /// The recipe with its options.
  public let recipe: YAMLNode

  public init(_ folder: RunFolder) throws(EvaluationError) {
    self.folder = folder
    record = try RunRecord(of: folder)
    let text = try wrapping { () throws(FileError) in try FileReader.bytes(of: folder.metrics, limit: 1 << 28) }
    guard let metrics = RunMetrics(csv: String(decoding: text, as: UTF8.self)) else {
      throw .runFolder(
        path: folder.path, reason: "'metrics.csv' is damaged or of another version; the other files may still serve")
    }
    self.metrics = metrics
    let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: folder.recipe, limit: YAMLNode.byteLimit) }
    do throws(YAMLError) {
      recipe = try YAMLNode(parsing: bytes)
    } catch {
      throw .recipe(RecipeError(path: folder.recipe, line: error.line, problem: .syntax(error.reason)))
    }
  }

  public var report: ReportText {
    var text: ReportText =
      "\(folder.path.onOneLine): \(record.state.rawValue), epoch \(record.epoch) of \(record.epochs), step \(record.step)"
    if let best = record.bestText { text += ", best \(best)" }
    text += "\n\(record.network.name.onOneLine): \(TextFormat.grouped(record.network.parameters)) parameters, "
    text += "\(TextFormat.grouped(record.network.stepMultiplyAccumulates)) multiply-accumulates a step\n"
    text += "data: \(TextFormat.grouped(record.data.samples)) samples of \(record.data.files) files, "
    text += "\(TextFormat.bytes(record.data.bytes)), fingerprint \(record.data.fingerprint.onOneLine)\n"
    text +=
      "swiftlet \(record.version.onOneLine), \(record.cpu.onOneLine), \(record.isa.onOneLine), \(record.threads) threads; "
    text += "\(TextFormat.fixed(record.trainingSeconds, 1)) s, peak memory \(TextFormat.bytes(record.peakMemoryBytes))\n"
    text += "started \(record.started.onOneLine), updated \(record.updated.onOneLine)\n"
    if let error = record.error { text += "failed: \(error.onOneLine)\n" }
    text += "\n"
    var table = TextTable(["epoch", "step", "loss", "rate", "s", "images/s", "data %"] + metrics.names)
    // The first and the last, and some between.
    let rows = metrics.rows, stride = max(1, (rows.count + 19) / 20)
    for (index, row) in rows.enumerated() where index % stride == 0 || index == rows.count - 1 {
      table.append(
        [
          "\(row.epoch)", "\(row.step)", TextFormat.significant(row.loss, 5), TextFormat.significant(row.learningRate, 3),
          TextFormat.fixed(row.seconds, 1), TextFormat.fixed(row.imagesPerSecond, 1),
          TextFormat.fixed(100 * row.waitingSeconds / max(row.seconds, 1e-9), 0),
        ] + row.validation.map { $0.map { TextFormat.fixed($0, 4) } ?? "" })
    }
    text += table
    return text
  }

  /// What differs between two runs: keys of the recipes, machine, data, and what came out.
  public func difference(from other: RunReport) -> ReportText {
    var table = TextTable(["", other.folder.path.onOneLine, folder.path.onOneLine])
    let old = RecipeValues(other.recipe), new = RecipeValues(recipe)
    // What nobody gave follows from what somebody did.
    for key in Set(old.given.keys).union(new.given.keys).sorted() where old.meaning(of: key) != new.meaning(of: key) {
      table.append([key.onOneLine, old.text(of: key), new.text(of: key)])
    }
    func row(_ name: String, _ value: (RunReport) -> String?) {
      let values = (value(other) ?? "-", value(self) ?? "-")
      if values.0 != values.1 { table.append([name, values.0, values.1]) }
    }
    row("program") { $0.record.version.onOneLine }
    row("processor") { $0.record.cpu.onOneLine }
    row("instruction set") { $0.record.isa.onOneLine }
    row("data") { $0.record.data.fingerprint.onOneLine }
    row("network") { "\($0.record.network.name.onOneLine), \(TextFormat.grouped($0.record.network.parameters)) parameters" }
    row("multiply-accumulates a step") { TextFormat.grouped($0.record.network.stepMultiplyAccumulates) }
    row("state") { $0.record.state.rawValue }
    row("epochs") { "\($0.record.epoch)" }
    row("best") { $0.record.bestText }
    row("last loss") { $0.metrics.rows.last.map { TextFormat.significant($0.loss, 5) } }
    row("seconds an epoch") { report in
      let rows = report.metrics.rows
      return rows.isEmpty ? nil : TextFormat.fixed(rows.reduce(0) { $0 + $1.seconds } / Double(rows.count), 2)
    }
    row("images a second") { report in
      let times = report.metrics.rows.map(\.imagesPerSecond).sorted()
      return times.isEmpty ? nil : TextFormat.fixed(times[times.count / 2], 1)
    }
    return "\(table)"
  }
}

/// What a recipe's keys come to, whether they are given or not.
private struct RecipeValues {
  /// As they stand in the file.
  let given: [String: String]
  /// As they are read; of a recipe of another version, which is not, as they stand there.
  private let resolved: [String: String]

  init(_ recipe: YAMLNode) {
    given = recipe.leaves
    resolved = (try? TrainingRecipe(recipe, path: nil))?.resolved ?? [:]
  }

  /// Equal where two recipes ask for the same, however it is written; nil where the key has no meaning.
  func meaning(of key: String) -> String? { resolved[key] ?? given[key] }

  func text(of key: String) -> String {
    given[key]?.onOneLine ?? resolved[key].map { "\($0.onOneLine) (by default)" } ?? "-"
  }
}

extension YAMLNode {
  /// The values by the paths of their keys.
  var leaves: [String: String] {
    guard case .mapping(let members) = content else { return [:] }
    var result: [String: String] = [:]
    for member in members where !member.value.isNull {
      let inner = member.value.leaves
      if inner.isEmpty {
        result[member.key] = member.value.text.split(separator: "\n").joined(separator: " ")
      } else {
        for (key, value) in inner { result["\(member.key).\(key)"] = value }
      }
    }
    return result
  }
}
