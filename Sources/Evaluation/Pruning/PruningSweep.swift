import Execution
import Files
import Networks
import Tensors
import Training
import Transforms

/// A network pruned by more and more, in several ways: what is left of its quality, its size and its time.
public struct PruningSweep: Sendable {
  /// One network.
  public struct Row: Hashable, Codable, Sendable {
    /// The part that was asked for; 0 for the network as it was.
    public var sparsity: Double
    /// `l1`, `level`: importance, or that of single weights.
    public var method: String
    public var parameters: Int
    /// Those that are not 0.
    public var nonzero: Int
    public var packedBytes: Int
    public var medianMs: Double
    /// In decibels, the mean over all scales; nil without pictures.
    public var psnr: Double?
    /// The same behind a training by the recipe; nil without one.
    public var tunedPsnr: Double?
    /// Why pictures were left out, a line each; nil where none was.
    public var leftOut: [String]?
  }

  public var sparsities: [Double]
  /// By what channels go, and whether single weights are tried beside them.
  public var request: ModelPruning.Request
  public var includesWeights: Bool
  public var engine: Engine
  /// Pictures to measure on, and how.
  public var pictures: PruningPictures?
  /// Trains what was pruned; nil leaves it as it is.
  public var rounds: PruningRounds?

  public init(
    sparsities: [Double], request: ModelPruning.Request, includesWeights: Bool, engine: Engine,
    pictures: PruningPictures? = nil, rounds: PruningRounds? = nil
  ) {
    self.sparsities = sparsities
    self.request = request
    self.includesWeights = includesWeights
    self.engine = engine
    self.pictures = pictures
    self.rounds = rounds
  }

  /// `0.1:0.9:0.1`: from, to and by how much; nil where it is none.
  public static func sparsities(_ text: String) -> [Double]? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
    let numbers = parts.compactMap(\.self)
    guard numbers.count == parts.count, parts.count == 3, numbers[0] >= 0, numbers[1] < 1, numbers[0] <= numbers[1],
      numbers[2] >= 0.001
    else { return nil }
    let count = Int(((numbers[1] - numbers[0]) / numbers[2] + 1e-9).rounded(.down))
    // As they are written: 0.1 + 2 · 0.1 is not 0.3.
    return (0...count).map { ((numbers[0] + Double($0) * numbers[2]) * 1e6).rounded() / 1e6 }
  }

  /// All rows; each is told when it is there.
  ///
  /// - Parameter folder: of the runs and figures: `sweep.csv` and `sweep.svg` grow with each row. Nil keeps none.
  public func run(
    _ network: Network, model: String, input: Shape?, folder: String?, shouldStop: () -> Bool = { false },
    row: (Row) -> Void = { _ in }, line: (String) -> Void = { _ in }, progress: (TrainingJob.Progress) -> Void = { _ in }
  ) throws(EvaluationError) -> [Row]? {
    if let folder {
      try Self.checkOwn(folder)
      try wrapping { () throws(FileError) in try Folder.create(folder) }
    }
    var rows = [try measured(network, 0, "as it is", model, input)]
    row(rows[0])
    for isOfWeights in includesWeights ? [false, true] : [request.isOfWeights] {
      for sparsity in sparsities {
        if shouldStop() { return nil }
        var request = request
        request.amount = .share(sparsity)
        request.isOfWeights = isOfWeights
        let method = isOfWeights ? "level" : request.importance.rawValue
        if isOfWeights, request.importance != .taylor { request.importance = .l1 }
        let gradients = try rounds?.gradients(of: network) ?? []
        let pruned = try ModelPruning(network, model: model, request: request, input: input, gradients: gradients)
        var next = try measured(pruned.network, sparsity, method, model, input)
        if var rounds, rounds.recipe.epochs > 0, let folder {
          rounds.request = request
          let place = Folder.joined(folder, "\(method)-\(TextFormat.short(sparsity))")
          try wrapping { () throws(FileError) in try Folder.create(place) }
          guard
            let tuned = try rounds.run(
              network, model: model, input: input, folder: place, shouldStop: shouldStop, line: line, progress: progress)
          else { return nil }
          next.tunedPsnr = try pictures?.psnr(of: tuned.network, model: model, engine: engine).decibels
        }
        rows.append(next)
        row(next)
        if let folder { try write(rows, to: folder, title: model) }
      }
    }
    return rows
  }

  private func measured(
    _ network: Network, _ sparsity: Double, _ method: String, _ model: String, _ input: Shape?
  ) throws(EvaluationError) -> Row {
    let shape = try network.inputShape(given: input)
    let benchmark = try Benchmark(input: shape, engine: engine, warmup: 2, runs: 9).run(network, model: model)
    let contents = PruningReport.sizes(of: network)
    var row = Row(
      sparsity: sparsity, method: method, parameters: network.parameterCount, nonzero: contents.nonzero,
      packedBytes: contents.packed,
      medianMs: benchmark.medianMs)
    if let measured = try pictures?.psnr(of: network, model: model, engine: engine) {
      (row.psnr, row.leftOut) = (measured.decibels, measured.failures.isEmpty ? nil : measured.failures)
    }
    return row
  }

  // MARK: Figures

  private static let header = "method,sparsity,parameters,nonzero,packed_bytes,ms,psnr,tuned_psnr"

  /// Throws where other files than those of a sweep stand in the places of its figures: they would be lost.
  private static func checkOwn(_ folder: String) throws(EvaluationError) {
    let table = Folder.joined(folder, "sweep.csv"), curves = Folder.joined(folder, "sweep.svg")
    let isOwn = FileClaims.apart { () -> Bool in
      guard Folder.isPlainFile(table), let bytes = try? FileReader.bytes(of: table, limit: 1 << 24) else { return false }
      return bytes.starts(with: Array((header + "\n").utf8))
    }
    let all = isOwn ? [] : [table, curves]
    guard let path = all.first(where: { FileReader.exists($0) || Folder.isLink($0) }) else { return }
    throw .savedOverOther(path: path, command: "prune --sweep", option: "--output another folder")
  }

  private func write(_ rows: [Row], to folder: String, title: String) throws(EvaluationError) {
    try wrapping { () throws(FileError) in
      try AtomicFile.write(Array(Self.csv(rows).utf8), to: Folder.joined(folder, "sweep.csv"))
      try AtomicFile.write(Array(Self.curves(rows, title: title).utf8), to: Folder.joined(folder, "sweep.svg"))
    }
  }

  /// A line a network, with a head.
  public static func csv(_ rows: [Row]) -> String {
    let lines = rows.map { row in
      [
        row.method, TextFormat.short(row.sparsity), "\(row.parameters)", "\(row.nonzero)", "\(row.packedBytes)",
        TextFormat.fixed(row.medianMs, 3), row.psnr.map { TextFormat.fixed($0, 3) } ?? "",
        row.tunedPsnr.map { TextFormat.fixed($0, 3) } ?? "",
      ].joined(separator: ",")
    }
    return ([header] + lines).joined(separator: "\n") + "\n"
  }

  /// A table for people.
  public static func report(_ rows: [Row]) -> ReportText {
    let isTuned = rows.contains { $0.tunedPsnr != nil }
    var table = TextTable(["method", "sparsity", "parameters", "not 0", "packed", "ms", "PSNR"] + (isTuned ? ["trained"] : []))
    for row in rows {
      func decibels(_ value: Double?) -> String { value.map { TextFormat.fixed($0, 2) } ?? "" }
      table.append(
        [
          row.method, TextFormat.short(row.sparsity), TextFormat.grouped(row.parameters), TextFormat.grouped(row.nonzero),
          TextFormat.bytes(row.packedBytes), TextFormat.fixed(row.medianMs, 2), decibels(row.psnr),
        ] + (isTuned ? [decibels(row.tunedPsnr)] : []))
    }
    let areEqual = zip(rows.dropFirst(), rows.dropFirst(2)).contains { first, second in
      first.method == second.method && first.parameters == second.parameters && first.nonzero == second.nonzero
    }
    guard areEqual else { return "\(table)" }
    let notice = "Rows of one size are one network: widths are multiples where they are wide enough (--align 1 takes others)."
    return "\(table)\(notice)\n"
  }

  /// Curves over sparsity: quality, time and size, a curve for each method.
  public static func curves(_ rows: [Row], title: String) -> String {
    var methods: [String] = []
    for row in rows.dropFirst() where !methods.contains(row.method) { methods.append(row.method) }
    func series(_ value: (Row) -> Double?, _ ending: String = "") -> [PlotSeries] {
      methods.compactMap { method in
        let points = rows.filter { $0.method == method || $0.sparsity == 0 }.compactMap { row in
          value(row).map { (row.sparsity, $0) }
        }
        return points.isEmpty ? nil : PlotSeries(name: method + ending, points: points)
      }
    }
    let quality =
      series(\.psnr) + series({ $0.sparsity == 0 ? $0.psnr : $0.tunedPsnr }, " trained").filter { $0.points.count > 1 }
    var panels: [PlotPanel] = []
    if !quality.isEmpty { panels.append(PlotPanel(name: "PSNR dB", series: quality)) }
    panels.append(PlotPanel(name: "ms", series: series(\.medianMs)))
    panels.append(PlotPanel(name: "parameters that are not 0", series: series { Double($0.nonzero) }))
    return PlotPanel.document(panels, title: title, below: "sparsity", wholeNumbers: false)
  }
}
