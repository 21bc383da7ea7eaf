import CUDABackend
import Evaluation

extension DeviceCheckReport {
  /// For people: what failed, how many were equal or refused, the times, and what they are held to.
  package var text: String {
    var text = "\(device.name), compute capability \(device.capability), CUDA \(driver), beside \(host)\n\n"
    text += Self.summary("operations", operations) + Self.summary("networks", networks) + Self.summary("training", training)
    for fault in faults { text += "FAILED: \(fault)\n" }
    return text + timesText + kernelsText + energiesText + barsText + choicesText
  }

  private var timesText: String {
    let times = times + trainingTimes
    guard !times.isEmpty else { return "" }
    var table = TextTable(
      ["network", "input", "precision", "ms", "at least", "estimate", "with copies", "kernels"]
        + (peer.map { [$0, "as", "ours / best"] } ?? []))
    for row in times {
      var cells = [
        row.name, row.input, row.precision, TextFormat.fixed(row.milliseconds, 3), TextFormat.fixed(row.leastMilliseconds, 3),
        TextFormat.fixed(row.expectedMilliseconds, 3), TextFormat.fixed(row.withCopiesMilliseconds, 3),
        "\(row.kernels.count { $0.kernel != "copy" })",
      ]
      if let best = best(row) {
        cells += [
          TextFormat.fixed(best.milliseconds, 3), best.mode, TextFormat.fixed(row.milliseconds / best.milliseconds, 2),
        ]
      }
      table.append(cells)
    }
    return "\n" + table.text()
  }

  /// Where the time goes: the kernels of all networks together.
  private var kernelsText: String {
    let times = times + trainingTimes
    guard !times.isEmpty else { return "" }
    var table = TextTable(["kernel", "precision", "launches", "us", "share", "at least", "us / least"])
    for (precision, rows) in Dictionary(grouping: times, by: \.precision).sorted(by: { $0.key < $1.key }) {
      let kernels = rows.flatMap(\.kernels), all = kernels.reduce(0) { $0 + $1.microseconds }
      let groups = Dictionary(grouping: kernels, by: \.kernel).map { name, kernels in
        (
          name: name, count: kernels.count, microseconds: kernels.reduce(0) { $0 + $1.microseconds },
          least: kernels.reduce(0) { $0 + ($1.leastMicroseconds ?? 0) }
        )
      }
      for group in groups.sorted(by: { ($0.microseconds, $0.name) > ($1.microseconds, $1.name) }) {
        table.append([
          group.name, precision, "\(group.count)", TextFormat.fixed(group.microseconds, 1),
          TextFormat.fixed(100 * group.microseconds / max(all, 1e-9), 1) + " %",
          group.least > 0 ? TextFormat.fixed(group.least, 1) : "",
          group.least > 0 ? TextFormat.fixed(group.microseconds / group.least, 1) : "",
        ])
      }
    }
    return "\n" + table.text()
  }

  private var energiesText: String {
    guard !energies.isEmpty else { return "" }
    var table = TextTable(["network", "precision", "mJ a run", "W"])
    for row in energies {
      table.append([
        row.name, row.precision, TextFormat.fixed(1e3 * row.joules, 1), TextFormat.fixed(row.watts, 0),
      ])
    }
    return "\n" + table.text()
  }

  /// Where another kernel is faster than the one that is taken, by how much of the network's time.
  private var choicesText: String {
    guard !choices.isEmpty else { return "" }
    var table = TextTable(["network", "precision", "layer", "taken", "us", "fastest", "us"])
    for (_, rows) in Dictionary(grouping: choices, by: { "\($0.network) \($0.precision) \($0.node) \($0.layer)" })
      .sorted(by: { $0.key < $1.key })
    {
      guard let taken = rows.first(where: \.isChosen), let best = rows.min(by: { $0.microseconds < $1.microseconds }),
        best.microseconds < 0.95 * taken.microseconds
      else { continue }
      func name(_ row: Choice) -> String { row.kernel + (row.splits > 1 ? " / \(row.splits)" : "") }
      table.append([
        taken.network, taken.precision, taken.layer, name(taken), TextFormat.fixed(taken.microseconds, 1), name(best),
        TextFormat.fixed(best.microseconds, 1),
      ])
    }
    return "\n\(choices.count) times of kernels; where the one that is taken is not the fastest:\n" + table.text() + "\n"
  }

  /// Failures that are told one by one; a device that fails once may fail in all that follows.
  private static let mostFailures = 20

  private static func summary(_ what: String, _ rows: [Row]) -> String {
    var text = ""
    for precision in Set(rows.map(\.precision)).sorted() {
      let mine = rows.filter { $0.precision == precision }
      func count(_ isOne: (Outcome) -> Bool) -> Int { mine.count { isOne($0.outcome) } }
      let equal = count { if case .equal = $0 { true } else { false } }
      let refused = count { if case .refused = $0 { true } else { false } }
      let failed = count { if case .failed = $0 { true } else { false } }
      let left = count { $0 == .notRun }
      text += "\(what), \(precision): \(equal) equal, \(refused) refused, \(failed) FAILED"
      text += left > 0 ? ", \(left) not run: out of time\n" : "\n"
      let failures = mine.filter { if case .failed = $0.outcome { true } else { false } }
      for row in failures.prefix(mostFailures) { text += "  \(row.name): \(row.outcome.text)\n" }
      if failures.count > mostFailures { text += "  and \(failures.count - mostFailures) more\n" }
    }
    return text
  }
}
