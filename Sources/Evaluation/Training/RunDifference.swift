import Formats

/// What differs between two runs: keys of the recipes, machine, data, and what came out.
public struct RunDifference: Hashable, Codable, Sendable, TextReport {
  /// A key of the recipes, by what it comes to.
  public struct Key: Hashable, Codable, Sendable {
    public var key: String
    /// As it stands in the recipe, or what it is by default; nil where it has no meaning there.
    public var first: String?
    public var second: String?
    /// Whether nobody gave it.
    public var firstIsDefault: Bool
    public var secondIsDefault: Bool
  }

  /// What is no key.
  public struct Figure: Hashable, Codable, Sendable {
    public var name: String
    /// Nil where a run has none.
    public var first: Value?
    public var second: Value?
  }

  /// A number with its text for people, or a text. In JSON a number is one.
  public struct Value: Hashable, Codable, Sendable {
    public var text: String
    public var number: Double?

    init(_ text: String, _ number: Double? = nil) {
      self.text = text
      self.number = number
    }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        self.init("\(number)", number)
      } else {
        self.init(try container.decode(String.self))
      }
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      if let number { try container.encode(number) } else { try container.encode(text) }
    }
  }

  /// The folders.
  public var first: String
  public var second: String
  public var recipe: [Key] = []
  public var figures: [Figure] = []

  public init(_ old: RunReport, _ new: RunReport) {
    first = old.folder.path
    second = new.folder.path
    recipe = Self.keys(old.recipe, new.recipe)
    func figure(_ name: String, _ value: (RunReport) -> Value?) {
      let values = (value(old), value(new))
      // Numbers of one text are one: what is told of them is no difference.
      if values.0?.text != values.1?.text { figures.append(Figure(name: name, first: values.0, second: values.1)) }
    }
    func count(_ number: Int) -> Value { Value(TextFormat.grouped(number), Double(number)) }
    figure("program") { Value($0.record.version) }
    figure("processor") { Value($0.record.cpu) }
    figure("instruction set") { Value($0.record.isa) }
    figure("threads") { count($0.record.threads) }
    figure("rates") { $0.record.rates.map { Value($0) } }
    figure("device") { $0.record.device.map { Value($0) } }
    figure("data") { Value($0.record.data.fingerprint) }
    figure("network") { Value($0.record.network.name) }
    figure("parameters") { count($0.record.network.parameters) }
    figure("multiply-accumulates a step") { count($0.record.network.stepMultiplyAccumulates) }
    figure("state") { Value($0.record.state.rawValue) }
    figure("epochs") { count($0.record.epoch) }
    figure("best") { report in report.record.bestText.map { Value($0, report.record.best) } }
    figure("last loss") { $0.metrics.rows.last.map { Value(TextFormat.significant($0.loss, 5), $0.loss) } }
    figure("seconds an epoch") { report in
      let rows = report.metrics.rows, mean = rows.reduce(0) { $0 + $1.seconds } / Double(max(rows.count, 1))
      return rows.isEmpty ? nil : Value(TextFormat.fixed(mean, 2), mean)
    }
    figure("images a second") { report in
      let times = report.metrics.rows.map(\.imagesPerSecond).sorted()
      return times.isEmpty ? nil : Value(TextFormat.fixed(times[times.count / 2], 1), times[times.count / 2])
    }
  }

  /// The keys by which two recipes ask for something else.
  static func keys(_ first: YAMLNode, _ second: YAMLNode) -> [Key] {
    let before = RecipeValues(first), after = RecipeValues(second)
    // What nobody gave follows from what somebody did.
    let differing = Set(before.given.keys).union(after.given.keys).filter { before.meaning(of: $0) != after.meaning(of: $0) }
    return differing.sorted().map { key in
      Key(
        key: key, first: before.text(of: key), second: after.text(of: key), firstIsDefault: before.isDefault(key),
        secondIsDefault: after.isDefault(key))
    }
  }

  public var report: ReportText {
    guard !recipe.isEmpty || !figures.isEmpty else {
      return "\(first.onOneLine) and \(second.onOneLine): no difference\n"
    }
    var table = TextTable(["", first.onOneLine, second.onOneLine], keepsLabels: true, staysWhole: true)
    func text(_ value: String?, _ isDefault: Bool = false) -> String {
      value.map { $0.onOneLine + (isDefault ? " (by default)" : "") } ?? "-"
    }
    for key in recipe {
      table.append([key.key.onOneLine, text(key.first, key.firstIsDefault), text(key.second, key.secondIsDefault)])
    }
    for figure in figures { table.append([figure.name, text(figure.first?.text), text(figure.second?.text)]) }
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

  func text(of key: String) -> String? { given[key] ?? resolved[key] }

  func isDefault(_ key: String) -> Bool { given[key] == nil && resolved[key] != nil }
}

extension YAMLNode {
  /// The values by the paths of their keys. A mapping without keys says nothing.
  var leaves: [String: String] {
    guard case .mapping(let members) = content else { return [:] }
    var result: [String: String] = [:]
    for member in members where !member.value.isNull {
      if case .mapping = member.value.content {
        for (key, value) in member.value.leaves { result["\(member.key).\(key)"] = value }
      } else {
        result[member.key] = member.value.text.split(separator: "\n").joined(separator: " ")
      }
    }
    return result
  }
}
