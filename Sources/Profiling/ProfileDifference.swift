import Evaluation

/// Two profiles layer by layer.
public struct ProfileDifference: Hashable, Codable, Sendable, TextReport {
  public struct Row: Hashable, Codable, Sendable {
    public var name: String
    /// Nil where the network has no such layer.
    public var firstNanoseconds: Int?
    public var secondNanoseconds: Int?
    /// Second over first.
    public var ratio: Double?
  }

  public var first: String
  public var second: String
  /// Layers that do the same work by the name that they share, then the engine, then the whole.
  public var rows: [Row]
  /// What the two were not measured alike in, a sentence each.
  public var conditions: [String]

  /// - Parameter names: what the two are called; the models that they are of, unless given.
  public init(_ first: Profile, _ second: Profile, names: (first: String, second: String)? = nil) {
    self.first = names?.first ?? first.model
    self.second = names?.second ?? second.model
    conditions = Profile.differences(first, second)
    for (name, profile) in [("a", first), ("b", second)] {
      if let disturbance = profile.disturbance { conditions.append("\(name): \(disturbance)") }
    }
    rows = LayerMatching(first, second).groups.map { group in
      Row(
        group.name, group.first.isEmpty ? nil : group.first.nanoseconds, group.second.isEmpty ? nil : group.second.nanoseconds)
    }
    rows.append(
      Row(
        first.engineName == second.engineName ? first.engineName : ProfileTable.engineName, first.engineNanoseconds,
        second.engineNanoseconds))
    rows.append(Row("total", first.nanoseconds, second.nanoseconds))
  }

  /// The table for people.
  public var report: ReportText {
    func time(_ value: Int?) -> String { value.map { ProfileTable.time(Double($0)) } ?? "--" }
    var table = TextTable(["layer", "a: \(first)", "b: \(second)", "ratio"])
    for row in rows {
      table.append([
        row.name, time(row.firstNanoseconds), time(row.secondNanoseconds), row.ratio.map { TextFormat.fixed($0, 2) } ?? "--",
      ])
    }
    return "\(table)\(conditions.isEmpty ? "" : "\n" + conditions.map { $0 + "\n" }.joined())"
  }
}

extension ProfileDifference.Row {
  fileprivate init(_ name: String, _ first: Int?, _ second: Int?) {
    self.name = name
    firstNanoseconds = first
    secondNanoseconds = second
    if let first, let second, first > 0 { ratio = Double(second) / Double(first) }
  }
}
