import Files

extension FrontTable: TextReport {
  private static let fixedNames = [
    "name", "what", "parameters", "file_bytes", "multiply_accumulates", "steps", "steps_in_all", "ms", "ms_least", "ms_most",
    "memory_bytes", "joules",
  ]

  /// A line a variant, with a head. Joules are empty where the machine does not tell them; names of dominating variants are separated by `; `.
  public var csv: String {
    var text = CSVText.line(Self.fixedNames + qualityNames + ["dominated_by"])
    for row in rows {
      let (figures, times) = (row.figures, row.times)
      let counts = [figures.parameters, figures.fileBytes, figures.multiplyAccumulates, figures.steps, figures.stepsInAll]
      let numbers = [times.ms, times.leastMs, times.mostMs].map { "\($0)" } + ["\(times.memoryBytes)"]
      text += CSVText.line(
        [row.name, row.what] + counts.map { "\($0)" } + numbers + [times.joules.map { "\($0)" } ?? ""]
          + figures.quality.map { "\($0)" } + [row.dominatedBy.joined(separator: "; ")])
    }
    return text
  }

  /// The names of quality and the rows of a text that `csv` made, without what dominates them; nil for other text.
  static func rows(csv: String) -> (qualityNames: [String], rows: [Row])? {
    guard let lines = CSVText.rows(csv), let header = lines.first, header.starts(with: fixedNames),
      header.last == "dominated_by"
    else { return nil }
    let names = Array(header[fixedNames.count..<header.count - 1])
    var rows: [Row] = []
    for line in lines.dropFirst() {
      guard line.count == header.count else { return nil }
      let counts = line[2..<7].compactMap { Int($0) }, times = line[7..<10].compactMap { Double($0) }
      let quality = line[fixedNames.count..<header.count - 1].compactMap { Double($0) }
      guard counts.count == 5, times.count == 3, let memory = Int(line[10]), quality.count == names.count,
        line[11].isEmpty || Double(line[11]) != nil
      else { return nil }
      rows.append(
        Row(
          name: line[0], what: line[1],
          figures: Figures(
            parameters: counts[0], fileBytes: counts[1], multiplyAccumulates: counts[2], quality: quality, steps: counts[3],
            stepsInAll: counts[4]),
          times: Times(ms: times[0], leastMs: times[1], mostMs: times[2], memoryBytes: memory, joules: Double(line[11]))))
    }
    return (names, rows)
  }

  /// The table for people.
  public var report: ReportText {
    var table = TextTable(
      ["variant", "parameters", "file", "MACs", "ms", "95 %", "memory"] + qualityNames.map(Self.heading)
        + (joulesReason == nil ? ["joules"] : []) + ["steps", "dominated by"])
    for row in rows {
      let (figures, times) = (row.figures, row.times)
      table.append(
        [
          row.name, TextFormat.grouped(figures.parameters), TextFormat.bytes(figures.fileBytes),
          TextFormat.grouped(figures.multiplyAccumulates), Self.ms(times.ms),
          "\(Self.ms(times.leastMs))-\(Self.ms(times.mostMs))", TextFormat.bytes(times.memoryBytes),
        ] + zip(figures.quality, qualityNames).map { Self.text($0, of: $1) }
          + (joulesReason == nil ? [times.joules.map { TextFormat.significant($0, 3) } ?? ""] : [])
          + [TextFormat.grouped(figures.stepsInAll), row.dominatedBy.joined(separator: ", ")])
    }
    var text: ReportText = "\(table)\n"
    if let joulesReason { text += "joules: not measurable here: \(joulesReason)\n" }
    if let disturbance { text += "\(disturbance)\n" }
    for condition in conditions { text += "\(condition.name): \(condition.value)\n" }
    return text
  }
}
