import CPUBackend
import Files
import Formats
import Networks
import Tensors
import Training
import Transforms

/// A front from its recipe to its page, in a folder from which it goes on when it was broken off.
public final class FrontJob {
  /// One variant before it is made.
  struct Part {
    var variant: FrontVariant
    /// Its training but for what it begins with; nil where it is not trained and makes no network.
    var training: TrainingRecipe?
    /// Of its own training.
    var steps: Int
    /// What it begins with: a recipe's network before the first step, that of a file, or the outline of another variant.
    var root: Network
    /// What it is like before it is trained.
    var outline: Network
  }

  public let recipe: FrontRecipe
  public let folder: FrontFolder
  let parts: [Part]
  public let conditions: [FrontTable.Condition]
  let options: CPUOptions
  let version: String
  let root: String?
  /// Of the input that is timed and reckoned for.
  let shapes: [Shape]
  /// Times networks in turn.
  var timing: ([InterleavedTiming.Candidate], [Shape], _ rounds: Int) throws(EvaluationError) -> [InterleavedTiming.Result] = {
    (candidates, shapes, rounds) throws(EvaluationError) in
    try InterleavedTiming(shapes: shapes, rounds: rounds).run(candidates)
  }

  /// Makes all ready: orders the variants, reads the lists of data, and builds the networks before training. Nothing is written.
  ///
  /// - Parameters:
  ///   - options: of the engine that trains, measures and is timed, in float32.
  ///   - root: what relative paths of data begin at; nil for the working folder.
  public init(
    _ recipe: FrontRecipe, options: CPUOptions, version: String, folder: FrontFolder, root: String? = nil
  ) throws(EvaluationError) {
    self.recipe = recipe
    self.folder = folder
    self.options = options
    self.version = version
    self.root = root
    let plan: FrontPlan
    do throws(RecipeError) {
      plan = try FrontPlan(recipe.variants, path: recipe.path)
    } catch {
      throw .recipe(error)
    }
    var parts: [Part] = []
    var shapes: [Shape] = []
    for variant in plan.variants {
      let training = variant.isTrained || variant.beginning == .own ? try recipe.training(of: variant) : nil
      let network: Network?
      switch variant.beginning {
      case .own: network = try training?.network(root: root)
      case .file(let path): network = try ModelLibrary.network(path)
      case .variant(let name): network = parts.first { $0.variant.name == name }?.outline
      }
      if case .file(let path)? = variant.teacher { _ = try ModelLibrary.network(path) }
      guard let network else { continue }
      // Of the first network, whose input is that of all.
      if parts.isEmpty {
        shapes = try recipe.blaming(timing: "input") { () throws(EvaluationError) in
          let shapes = try network.inputShapes(given: recipe.input)
          _ = try wrapping { () throws(NetworkError) in try network.inferredShapes(inputs: shapes) }
          return shapes
        }
      }
      var steps = 0
      if variant.isTrained, let training {
        let samples = try training.samples(of: training.data, for: network, root: root)
        steps = max(samples.count / training.batchSize, 1) * training.epochs
      }
      let outline = try recipe.blaming(variant.name) { () throws(EvaluationError) in
        try variant.outline(of: network, input: recipe.input)
      }
      parts.append(Part(variant: variant, training: training, steps: steps, root: network, outline: outline))
    }
    self.parts = parts
    self.shapes = shapes
    let inputs = shapes
    for part in parts {
      try recipe.blaming(part.variant.name) { () throws(EvaluationError) in
        _ = try wrapping { () throws(NetworkError) in try part.outline.ledger(inputs: inputs) }
      }
    }

    // What all have in common.
    let base = recipe.base, network = parts[0].root
    let samples = try base.samples(of: base.data, for: network, root: root)
    guard try Validator(base, network: network, samples: samples, options: options, root: root) != nil else {
      throw .recipe(RecipeError(path: recipe.path, line: 0, problem: .missingKey("base.validation")))
    }
    let timed = recipe.threadCount ?? options.threadCount
    let perEpoch = max(samples.count / base.batchSize, 1)
    var conditions = [
      FrontTable.Condition(
        FrontConditions.program, "swiftlet \(version)\(Machine.programFingerprint.map { ", \($0)" } ?? "")"),
      FrontTable.Condition(FrontConditions.machine, Machine.processorName),
      FrontTable.Condition(
        FrontConditions.engine, "\(options.instructionSet.rawValue), rates \(options.machine.name)"),
      FrontTable.Condition(FrontConditions.threads, "\(options.threadCount) to train, \(timed) when timed"),
      FrontTable.Condition(FrontConditions.data, try FrontConditions.text(samples.files)),
      FrontTable.Condition(FrontConditions.budget, FrontConditions.budget(base, stepsPerEpoch: perEpoch)),
    ]
    if let variant = plan.variants.first(where: { $0.isTrained && $0.isFineTuned }), recipe.fineTuning != nil {
      conditions[conditions.count - 1].value +=
        "; fine-tuning \(FrontConditions.budget(try recipe.training(of: variant), stepsPerEpoch: perEpoch))"
    }
    conditions += try Self.validation(base, network, samples, root: root)
    if let calibration = recipe.calibration {
      let pictures = try FrontConditions.pictures(
        in: calibration.folder.relative(to: root), recursive: true, excluding: folder.path)
      guard !pictures.isEmpty else { throw .noPictures(folder: calibration.folder) }
      conditions.append(
        FrontTable.Condition(
          FrontConditions.calibration,
          "\(calibration.count) of \(calibration.folder), pieces of \(calibration.side): \(try FrontConditions.text(pictures))")
      )
    }
    conditions += [
      FrontTable.Condition(FrontConditions.input, shapes.map(\.description).joined(separator: ", ")),
      FrontTable.Condition(FrontConditions.rounds, "\(recipe.rounds), all variants in each, in a drawn order"),
    ]
    self.conditions = conditions
  }

  /// What is about to be done, in its order.
  public var plan: ReportText {
    var table = TextTable(["variant", "steps", "parameters", "MACs"])
    for (index, part) in parts.enumerated() {
      let work = (try? part.outline.ledger(inputs: shapes))?.multiplyAccumulates
      table.append([
        "\(index + 1) \(part.variant.name): \(part.variant.text)", TextFormat.grouped(part.steps),
        TextFormat.grouped(part.outline.parameterCount), work.map(TextFormat.grouped) ?? "",
      ])
    }
    let steps = parts.reduce(0) { $0 + $1.steps }
    var text: ReportText = "\(table)\n\(TextFormat.grouped(steps)) steps in all, then all variants are timed in turn\n"
    for condition in conditions { text += "\(condition.name): \(condition.value.onOneLine)\n" }
    text += "folder: \(folder.path.onOneLine)\n"
    return text
  }

  /// Goes on until the table is there; nil where somebody asked to stop before.
  ///
  /// - Parameters:
  ///   - line: gets a line on each variant and epoch.
  ///   - progress: of a training, with the variant's name.
  public func run(
    shouldStop: () -> Bool = { false }, line: (String) -> Void = { _ in },
    progress: (String, TrainingJob.Progress) -> Void = { _, _ in }
  ) throws(EvaluationError) -> FrontTable? {
    try wrapping { () throws(FileError) in
      for path in [folder.csv, folder.svg, folder.html] { try FileClaims.writes(path, for: Folder.name(path)) }
    }
    // What one variant writes others read.
    return try FileClaims.apart { () throws(EvaluationError) in
      try wrapping { () throws(FileError) in try Folder.create(folder.path) }
      guard let lock = try wrapping({ () throws(FileError) in try FolderLock(folder.path) }) else {
        throw .runFolder(
          path: folder.path,
          reason: "another process is at work on this front; wait for it, or give another folder with --output")
      }
      defer { withExtendedLifetime(lock) {} }
      try begin()
      var made: [FrontTable.Figures] = []
      for part in parts {
        guard let figures = try make(part, shouldStop, line, progress) else { return nil }
        made.append(figures)
      }
      if shouldStop() { return nil }
      return try finish(made, line)
    }
  }

  /// Checks that the folder is one of this front, or makes it one.
  private func begin() throws(EvaluationError) {
    if let record: FrontRecord = try folder.read(folder.record) {
      try record.check(conditions, in: folder)
    } else {
      guard try wrapping({ () throws(FileError) in try Folder.names(in: folder.path) }).isEmpty else {
        throw .runFolder(
          path: folder.path, reason: "the folder of a front must be empty, or that of one that was broken off; give another")
      }
      try folder.write(FrontRecord(conditions: conditions), to: folder.record)
    }
    var node = recipe.node
    node.set(["base"], to: recipe.base.node)
    try folder.write(node.text, to: folder.recipe)
  }

  /// Times all and writes the table.
  private func finish(_ made: [FrontTable.Figures], _ line: (String) -> Void) throws(EvaluationError) -> FrontTable {
    var candidates: [InterleavedTiming.Candidate] = [], models: [String] = []
    for part in parts {
      let network = try ModelLibrary.network(folder.place(of: part.variant).model)
      var engine = options
      engine.precision = part.variant.precision
      engine.threadCount = recipe.threadCount ?? options.threadCount
      candidates.append(InterleavedTiming.Candidate(network: network, engine: .cpu(engine)))
      models.append("\(part.variant.name) \(part.variant.precision.rawValue) \(FrontConditions.fingerprint(of: network))")
    }
    var times: [FrontTable.Times] = []
    if let known: FrontTimes = try folder.read(folder.timing), known.models == models, known.times.count == models.count {
      times = known.times
    } else {
      line("timing \(parts.count) variants in turn, \(recipe.rounds) rounds")
      times = try timing(candidates, shapes, recipe.rounds).map { result in
        FrontTable.Times(
          ms: 1000 * result.seconds, leastMs: 1000 * result.leastSeconds, mostMs: 1000 * result.mostSeconds,
          memoryBytes: result.sessionMemoryByteCount, joules: result.joules)
      }
      try folder.write(FrontTimes(models: models, times: times), to: folder.timing)
    }
    let decisive = try validator(of: parts[0].variant, parts[0].root)
    let table = FrontTable(
      title: recipe.path.map { Folder.split($0).stem } ?? "front", conditions: conditions, qualityNames: decisive.names,
      decisive: decisive.decisive.index, isLargerBetter: decisive.decisive.isLarger, rows: rows(made, times),
      joulesReason: times.contains { $0.joules != nil } ? nil : Energy.reason)
    try folder.write(table.csv, to: folder.csv)
    try folder.write(FrontChart.document(FrontChart.all(of: table), title: table.title), to: folder.svg)
    try folder.write(FrontPage(table: table).html, to: folder.html)
    return table
  }

  /// In the order of the recipe.
  private func rows(_ made: [FrontTable.Figures], _ times: [FrontTable.Times]) -> [FrontTable.Row] {
    recipe.variants.compactMap { variant in
      guard let place = parts.firstIndex(where: { $0.variant.name == variant.name }) else { return nil }
      return FrontTable.Row(name: variant.name, what: variant.text, figures: made[place], times: times[place])
    }
  }

  /// What measures a variant's network.
  func validator(of variant: FrontVariant, _ network: Network) throws(EvaluationError) -> Validator {
    let base = recipe.base
    let samples = try base.samples(of: base.data, for: network, root: root)
    var engine = options
    engine.precision = variant.precision
    guard let validator = try Validator(base, network: network, samples: samples, options: engine, root: root) else {
      throw .recipe(RecipeError(path: recipe.path, line: 0, problem: .missingKey("base.validation")))
    }
    return validator
  }
}
