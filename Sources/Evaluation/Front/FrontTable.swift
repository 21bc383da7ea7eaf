import Files

/// What the variants of a front cost and give, and under which conditions that was measured.
public struct FrontTable: Hashable, Codable, Sendable {
  /// Something that all figures of a table have in common.
  public struct Condition: Hashable, Codable, Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What is known of a variant when it is made.
  public struct Figures: Hashable, Codable, Sendable {
    /// Those that training changes.
    public var parameters: Int
    /// Of the model file.
    public var fileBytes: Int
    /// Of one run on the input that is timed.
    public var multiplyAccumulates: Int
    /// In the order of the table's names.
    public var quality: [Double]
    /// Of its own training, and with that of the variants that it began with.
    public var steps: Int
    public var stepsInAll: Int
  }

  /// What is known of it when all are timed in turn.
  public struct Times: Hashable, Codable, Sendable {
    /// Of a run: the median, and where it lies with a probability of 0.95.
    public var ms: Double
    public var leastMs: Double
    public var mostMs: Double
    /// What a session holds: values, packed weights, scratch, input and output.
    public var memoryBytes: Int
    /// Of a run; nil where the machine does not tell.
    public var joules: Double?
  }

  public struct Row: Hashable, Codable, Sendable {
    public var name: String
    /// What it is, in words.
    public var what: String
    public var figures: Figures
    public var times: Times
    /// Names of those that are as good in quality, time and bytes, and better in one.
    public var dominatedBy: [String] = []
  }

  public var title: String
  public var conditions: [Condition]
  /// Of quality: `psnr`, `ssim`.
  public var qualityNames: [String]
  /// Which of them decides, and whether more of it is better.
  public var decisive: Int
  public var isLargerBetter: Bool
  public var rows: [Row]
  /// Why joules are not there; nil where they are.
  public var joulesReason: String?

  /// Marks what is dominated.
  public init(
    title: String, conditions: [Condition], qualityNames: [String], decisive: Int, isLargerBetter: Bool, rows: [Row],
    joulesReason: String?
  ) {
    self.title = title
    self.conditions = conditions
    self.qualityNames = qualityNames
    self.decisive = decisive
    self.isLargerBetter = isLargerBetter
    self.rows = rows
    self.joulesReason = joulesReason
    let dominators = ParetoFront.dominators(rows.map { [quality($0), time($0), bytes($0)] })
    for (place, others) in dominators.enumerated() { self.rows[place].dominatedBy = others.map { rows[$0].name } }
  }

  /// That times were disturbed, a line; nil where most intervals are narrow.
  public var disturbance: String? {
    let widths = rows.map { ($0.times.mostMs - $0.times.leastMs) / max($0.times.ms, 1e-12) }.sorted()
    guard !widths.isEmpty else { return nil }
    let middle = widths[widths.count / 2]
    guard middle > 0.25 else { return nil }
    return
      "the machine was busy while times were measured: their intervals are \(TextFormat.fixed(100 * middle, 0)) % wide; remove "
      + "'timing.json' and start the front again on a machine at rest"
  }

  // Objectives: less is better.

  /// What is no number is worse than all that are.
  func quality(_ row: Row) -> ParetoFront.Objective {
    let value = row.figures.quality.indices.contains(decisive) ? row.figures.quality[decisive] : .nan
    let objective = value.isNaN ? .infinity : isLargerBetter ? -value : value
    return ParetoFront.Objective(objective)
  }

  func time(_ row: Row) -> ParetoFront.Objective {
    ParetoFront.Objective(row.times.ms, in: row.times.leastMs...row.times.mostMs)
  }

  func bytes(_ row: Row) -> ParetoFront.Objective { ParetoFront.Objective(Double(row.figures.fileBytes)) }

  /// `PSNR [dB]`, `accuracy [%]`.
  static func heading(_ name: String) -> String {
    switch name {
    case "psnr": "PSNR [dB]"
    case "ssim": "SSIM"
    case "iou": "IoU"
    default: name.split(separator: "_").joined(separator: " ")
    }
  }

  /// As many decimals as tell variants apart.
  static func text(_ value: Double, of name: String) -> String { TextFormat.fixed(value, name == "psnr" ? 2 : 4) }

  static func ms(_ value: Double) -> String { TextFormat.fixed(value, value < 10 ? 3 : value < 100 ? 2 : 1) }
}
