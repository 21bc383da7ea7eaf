import Evaluation
import Files
import Tensors

/// How a profile is laid out as a table.
public struct ProfileTable: Hashable, Sendable {
  public enum Grouping: String, Hashable, Sendable, CaseIterable {
    /// One row for layers of one operation, shapes and kernels, by the name of the first: `body.0.a (x16)`.
    case alike
    /// One row a layer, in the names of the network's nodes.
    case layer
    /// One row a kind of operation, with what is fused into it.
    case `operator`
    /// One row a set of kernels.
    case kernel
  }

  public enum SortKey: String, Hashable, Sendable, CaseIterable {
    /// As the network runs.
    case order
    case name
    case `self`
    case total
    case average
    case calls
    case flops
    case bytes
    case share
  }

  public var grouping: Grouping
  public var sortKey: SortKey
  public var showsMemory: Bool
  public var showsShapes: Bool
  public var showsFlops: Bool

  public init(
    grouping: Grouping = .layer, sortKey: SortKey = .`self`, showsMemory: Bool = false, showsShapes: Bool = false,
    showsFlops: Bool = false
  ) {
    self.grouping = grouping
    self.sortKey = sortKey
    self.showsMemory = showsMemory
    self.showsShapes = showsShapes
    self.showsFlops = showsFlops
  }

  /// A row: one layer, several of a kind, or the engine itself.
  struct Row: Hashable {
    var name: String
    /// Of what the host of a device does; what the device does takes none.
    var hostNanoseconds = 0
    var selfNanoseconds = 0
    var totalNanoseconds = 0
    var calls = 0
    var multiplyAccumulates = 0
    var bytes = 0
    var idealNanoseconds = 0.0
    var selfBytes = 0
    var totalBytes = 0
    var kernels: [String] = []
    var shapes: [[Shape]] = []

    var averageNanoseconds: Double { calls > 0 ? Double(totalNanoseconds) / Double(calls) : 0 }
    var flops: Int { 2 * multiplyAccumulates }
    /// Per nanosecond is 10⁹ per second.
    func rate(_ amount: Int) -> Double { selfNanoseconds > 0 ? Double(amount) / Double(selfNanoseconds) : 0 }
    var roofShare: Double { selfNanoseconds > 0 ? idealNanoseconds / Double(selfNanoseconds) : 0 }
  }

  /// The row of the time that no layer took; everything else happens inside it.
  static let engineName = "engine"
  /// The same of a device: between its commands, and before and behind them.
  static let gapsName = "gaps"

  /// The rows as sorted. Their own times add up to the run; so do, of a device, those of its host.
  func rows(_ profile: Profile) -> [Row] {
    var rows: [Row] = []
    var places: [Key: Int] = [:], names: [[String]] = []
    for layer in profile.layers {
      let key = key(layer)
      let place = places[key] ?? rows.count
      if place == rows.count {
        rows.append(Row(name: ""))
        names.append([])
        places[key] = place
      }
      names[place].append(layer.name)
      rows[place].selfNanoseconds += layer.nanoseconds
      rows[place].totalNanoseconds += layer.totalNanoseconds
      rows[place].calls += 1
      rows[place].multiplyAccumulates += layer.multiplyAccumulates
      rows[place].bytes += layer.traffic.bytesMoved
      rows[place].idealNanoseconds += profile.idealNanoseconds(layer)
      rows[place].selfBytes += layer.traffic.heldBytes
      rows[place].totalBytes += layer.traffic.heldBytes
      rows[place].kernels += layer.kernels.filter { !rows[place].kernels.contains($0) }
      if !rows[place].shapes.contains(layer.inputShapes) { rows[place].shapes.append(layer.inputShapes) }
    }
    for (key, place) in places {
      switch key {
      case .name(let name): rows[place].name = name
      case .likeness: rows[place].name = TextFormat.alike(names[place])
      }
    }
    var engine = Row(name: profile.engineName)
    engine.selfNanoseconds = profile.engineNanoseconds
    engine.totalNanoseconds = profile.device == nil ? profile.nanoseconds : engine.selfNanoseconds
    engine.calls = 1
    engine.totalBytes = profile.sessionBytes
    rows.append(engine)
    for (name, nanoseconds) in profile.device?.hostRows ?? [] {
      var row = Row(name: name)
      row.hostNanoseconds = nanoseconds
      row.calls = 1
      rows.append(row)
    }
    return sorted(rows)
  }

  /// What layers of one row have in common.
  private enum Key: Hashable {
    case name(String)
    case likeness(operation: String, inputs: [Shape], output: Shape, kernels: [String])
  }

  private func key(_ layer: Profile.Layer) -> Key {
    switch grouping {
    case .alike:
      .likeness(operation: layer.operation, inputs: layer.inputShapes, output: layer.outputShape, kernels: layer.kernels)
    case .layer: .name(layer.name)
    case .operator: .name(layer.operation)
    case .kernel: .name(layer.kernels.joined(separator: ", "))
    }
  }

  private func sorted(_ rows: [Row]) -> [Row] {
    func by<Key: Comparable>(_ key: (Row) -> Key) -> [Row] {
      // Equal rows stay as the network runs.
      rows.enumerated().sorted { (key($1.element), $0.offset) < (key($0.element), $1.offset) }.map(\.element)
    }
    switch sortKey {
    case .order: return rows
    case .name: return rows.sorted { $0.name < $1.name }
    case .`self`: return by(\.selfNanoseconds)
    case .total: return by(\.totalNanoseconds)
    case .average: return by(\.averageNanoseconds)
    case .calls: return by(\.calls)
    case .flops: return by { $0.rate($0.flops) }
    case .bytes: return by(\.bytes)
    case .share: return by(\.roofShare)
    }
  }
}

extension ProfileTable {
  /// The table for people: columns, widths, rules and figures as `prof.key_averages().table()` of PyTorch has them, and behind
  /// them what it lacks. The same profile gives the same text. Where lines are short names are shortened, and then columns left out, the least
  /// telling first, until the table fits.
  public func report(_ profile: Profile) -> ReportText {
    var report = ReportText()
    report.append { lines(profile, width: $0) }
    report += "Self CPU time total: \(Self.time(Double(profile.nanoseconds)))\n"
    if profile.device != nil {
      report += "Self CUDA time total: \(Self.time(Double(profile.nanoseconds - profile.engineNanoseconds)))\n"
    }
    report += """
      Number of parameters: \(TextFormat.grouped(profile.parameterCount))

      \(profile.heading)
      """
    return report
  }

  /// As `report`, laid out.
  public func text(_ profile: Profile, width: Int? = nil) -> String { report(profile).text(width: width) }

  private func lines(_ profile: Profile, width: Int?) -> String {
    let rows = rows(profile)
    let all = columns(rows, profile)
    let columns = width.map { TableColumn.fitting(all, width: $0, leavingOut: leftOut(all)) } ?? all
    let missing = all.filter { column in !columns.contains { $0.header == column.header } }.map(\.header)
    // PyTorch's lines end in two spaces, which a terminal may have no room for.
    let end = width == nil ? "  \n" : "\n"
    let rule = columns.map { String(repeating: "-", count: $0.width) }.joined(separator: "  ") + end
    func line(_ cell: (TableColumn) -> String) -> String {
      columns.map { column in
        let text = cell(column)
        return String(repeating: " ", count: max(column.width - text.columnCount, 0)) + text
      }.joined(separator: "  ") + end
    }
    var text: String
    if let width, TableColumn.lineWidth(columns) > width {
      text = TextTable.below(columns, width: width)
    } else {
      text = rule + line(\.header) + rule
      for index in rows.indices { text += line { $0.cells[index] } }
      text += rule
    }
    if !missing.isEmpty {
      let line = "not shown for want of room: \(missing.joined(separator: ", ")) (--wide shows all)"
      text += TextFormat.fitting(line, width: width) + "\n"
    }
    return text
  }

  /// In the order in which columns are left out where there is no room; those that were asked for stay longest.
  private func leftOut(_ all: [TableColumn]) -> [String] {
    let isOfDevice = all.contains { $0.header == "Self CUDA" }
    let sortHeader = sortKey.header(isOfDevice: isOfDevice)
    let total = all.map(\.header).filter { $0.hasPrefix("Total ") }
    let order =
      ["CPU total %", "CPU total", "CPU time avg", "Self CPU %"].filter { _ in isOfDevice }
      + [
        "Bytes moved", "GB/s", "CPU total %", "CPU total", "# of Calls", "CPU time avg", "CUDA total", "CUDA time avg",
        "Kernel", "Self CPU %",
      ]
      + ["GFLOP/s", "% of roof", "CPU Mem", "CUDA Mem", "Input Shapes", "Self CPU Mem", "Self CUDA Mem"] + total
      + ["Self CPU", "Self CUDA %"].filter { _ in isOfDevice }
    // What rows are sorted by tells why they stand as they do.
    return order.filter { $0 != sortHeader } + order.filter { $0 == sortHeader }
  }

  private static let columnWidth = 12
  private static let widestName = 55
  private static let widestText = 80
  private static let leastText = 20

  private func columns(_ rows: [Row], _ profile: Profile) -> [TableColumn] {
    let whole = profile.nanoseconds, isUnreliable = profile.hasUnreliableRoofs
    func column(_ header: String, _ cell: (Row) -> String) -> TableColumn {
      let width = max(Self.columnWidth, header.count)
      var column = TableColumn(header: header, cells: rows.map(cell), width: width, least: width)
      // PyTorch's columns are of one width; where that is too much, of what is in them.
      column.least = min(column.natural, width)
      return column
    }
    func wide(_ header: String, _ limit: Int, _ cell: (Row) -> String) -> TableColumn {
      let cells = rows.map(cell)
      let width = min((cells.map(\.columnCount).max() ?? 0) + 4, limit)
      return TableColumn(
        header: header,
        cells: cells.map { $0.columnCount > width - 3 ? $0.prefix(columns: width - 3) + "..." : $0 },
        width: max(width, header.count), least: min(max(width, header.count), Self.leastText))
    }
    func share(_ part: Int) -> String { whole > 0 ? Self.percent(Double(part) / Double(whole)) : "NaN" }
    // Rows without work have no rate.
    func rate(_ amount: Int, _ row: Row) -> String { amount > 0 ? TextFormat.fixed(row.rate(amount), 1) : "--" }

    // Of a device the host's time has columns of its own, as in PyTorch, where kernels have none of it.
    let isOfDevice = profile.device != nil
    func host(_ row: Row) -> Int { isOfDevice ? row.hostNanoseconds : row.selfNanoseconds }
    var columns = [
      wide("Name", Self.widestName) { $0.name.escapingControls },
      column("Self CPU %") { share(host($0)) },
      column("Self CPU") { Self.time(Double(host($0))) },
      column("CPU total %") { share(isOfDevice ? host($0) : $0.totalNanoseconds) },
      column("CPU total") { Self.time(Double(isOfDevice ? host($0) : $0.totalNanoseconds)) },
      column("CPU time avg") { isOfDevice ? Self.time(Double(host($0))) : Self.time($0.averageNanoseconds) },
    ]
    if isOfDevice {
      columns += [
        column("Self CUDA") { Self.time(Double($0.selfNanoseconds)) },
        column("Self CUDA %") { share($0.selfNanoseconds) },
        column("CUDA total") { Self.time(Double($0.totalNanoseconds)) },
        column("CUDA time avg") { Self.time($0.averageNanoseconds) },
      ]
    }
    if showsMemory {
      let unit = isOfDevice ? "CUDA" : "CPU"
      columns.append(column("\(unit) Mem") { Self.memory($0.totalBytes) })
      columns.append(column("Self \(unit) Mem") { Self.memory($0.selfBytes) })
    }
    columns.append(column("# of Calls") { "\($0.calls)" })
    if showsShapes {
      columns.append(
        wide("Input Shapes", Self.widestText) { row in row.shapes.map { "\($0.map(\.extents))" }.joined(separator: " ") })
    }
    if showsFlops, let smallest = rows.map(\.flops).filter({ $0 > 0 }).min() {
      let scale = Self.flopScale(smallest)
      columns.append(
        column("Total \(scale.unit)") { $0.flops > 0 ? TextFormat.fixed(Double($0.flops) / scale.factor, 3) : "--" })
    }
    columns += [
      column("GFLOP/s") { rate($0.flops, $0) },
      column("GB/s") { rate($0.bytes, $0) },
      // Roofs that disagree judge nothing.
      column("% of roof") { $0.idealNanoseconds > 0 && !isUnreliable ? Self.percent($0.roofShare) : "--" },
      column("Bytes moved") { $0.bytes > 0 ? Self.memory($0.bytes) : "--" },
    ]
    if grouping != .kernel {
      columns.append(wide("Kernel", Self.widestText) { $0.kernels.isEmpty ? "--" : $0.kernels.joined(separator: ", ") })
    }
    return columns
  }

  /// `86.440us`, `15.803ms`, `2.674s`.
  static func time(_ nanoseconds: Double) -> String {
    if nanoseconds >= 1e9 { return TextFormat.fixed(nanoseconds / 1e9, 3) + "s" }
    if nanoseconds >= 1e6 { return TextFormat.fixed(nanoseconds / 1e6, 3) + "ms" }
    return TextFormat.fixed(nanoseconds / 1e3, 3) + "us"
  }

  static func percent(_ share: Double) -> String { TextFormat.fixed(share * 100, 2) + "%" }

  /// `256.00 KiB`. PyTorch calls these units KB.
  static func memory(_ bytes: Int) -> String {
    for (power, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] where bytes >= 1 << power {
      return "\(TextFormat.fixed(Double(bytes) / Double(1 << power), 2)) \(unit)"
    }
    return "\(bytes) B"
  }

  /// The unit in which the smallest figure is at least 1.
  private static func flopScale(_ smallest: Int) -> (factor: Double, unit: String) {
    var factor = 1.0
    for unit in ["FLOPs", "KFLOPs", "MFLOPs", "GFLOPs", "TFLOPs"] {
      if Double(smallest) < factor * 1000 { return (factor, unit) }
      factor *= 1000
    }
    return (factor, "PFLOPs")
  }
}

extension ProfileTable.SortKey {
  /// Of the column that rows are sorted by; nil for the order of the network.
  fileprivate func header(isOfDevice: Bool) -> String? {
    let unit = isOfDevice ? "CUDA" : "CPU"
    return switch self {
    case .order: nil
    case .name: "Name"
    case .`self`: "Self \(unit)"
    case .total: "\(unit) total"
    case .average: "\(unit) time avg"
    case .calls: "# of Calls"
    case .flops: "GFLOP/s"
    case .bytes: "Bytes moved"
    case .share: "% of roof"
    }
  }
}

extension Profile {
  private var engineText: String {
    device == nil
      ? EngineText.line(
        engine?.kind ?? .cpu, precision: precision, isa: roofs.isa, threads: roofs.threads, rates: machine?.name)
      : EngineText.line(.cuda, precision: precision, isa: nil, threads: nil, rates: nil)
  }

  /// What was measured, and on what.
  var heading: String {
    """
    \(model.onOneLine), input \(input.onOneLine), \(engineText), \(cpu.onOneLine)
    \(statisticText); the median of runs not timed from within is \(ProfileTable.time(Double(plainNanoseconds)))
    \(device.map { "\($0.launchText)\n" } ?? "")roofs: \(roofs.text)\(roofs.originText)

    """ + (disturbance.map { "\($0)\n" } ?? "")
  }
}

extension Roofs {
  /// The figures for people.
  public var text: String {
    if let transfer = transferGbPerS { return deviceText(transfer) }
    return "\(TextFormat.fixed(gflopsPerS, 1)) GFLOP/s\(float32Text)\(integerText), "
      + "memory \(TextFormat.fixed(memoryGbPerS, 1)) GB/s, "
      + "last-level cache \(TextFormat.fixed(cacheGbPerS, 1)) GB/s; a loop begins and ends in "
      + ProfileTable.time(Double(launchNanoseconds))
  }

  /// Where they are from, a clause; empty where that is not known.
  fileprivate var originText: String {
    switch areRemembered {
    case true?: "; the best of now and of the last day on this machine"
    case false?: "; the best of now, before and after the runs"
    case nil: ""
    }
  }

  private var integerText: String { integerGopsPerS.map { ", integers \(TextFormat.fixed($0, 1)) GOP/s" } ?? "" }

  private var float32Text: String {
    float32GflopsPerS < gflopsPerS ? " (\(TextFormat.fixed(float32GflopsPerS, 1)) in float32)" : ""
  }
}
