import Execution
import Files
import Formats
import Networks
import Tensors
import Training
import Transforms

/// Pruning in rounds, with training by a recipe behind each of them.
public struct PruningRounds: Sendable {
  public var request: ModelPruning.Request
  public var schedule: PruningSchedule
  /// At least 1.
  public var count: Int
  /// The model is that of the rounds; what the recipe says of one is left aside.
  public var recipe: TrainingRecipe
  /// Where relative paths of data begin.
  public var root: String?
  public var options: CPUOptions
  /// Of the program, for the records of runs.
  public var version: String

  public init(
    _ request: ModelPruning.Request, schedule: PruningSchedule, count: Int, recipe: TrainingRecipe, root: String?,
    options: CPUOptions, version: String
  ) {
    self.request = request
    self.schedule = schedule
    self.count = max(count, 1)
    self.recipe = recipe
    self.root = root
    self.options = options
    self.version = version
  }

  /// The network behind the last round, and what was taken of the one that was given.
  ///
  /// - Parameters:
  ///   - folder: where each round has the folder of its run, `round-1` …, and the model that it begins with. Runs of the same rounds that are there
  ///     are gone on with.
  ///   - line: gets a line on each round and epoch.
  ///   - progress: as that of a training.
  public func run(
    _ network: Network, model: String, input: Shape?, folder: String, shouldStop: () -> Bool = { false },
    line: (String) -> Void = { _ in }, progress: (TrainingJob.Progress) -> Void = { _ in }
  ) throws(EvaluationError) -> (network: Network, report: PruningReport)? {
    // Integers are made of a network when it has lost what it is to lose.
    if recipe.quantizing != nil {
      throw .recipe(RecipeError(path: nil, line: 0, problem: .excluded("quantize", by: "pruning")))
    }
    // What one round writes the next one reads.
    return try FileClaims.apart { () throws(EvaluationError) in
      try runApart(network, model, input, folder, shouldStop, line, progress)
    }
  }

  private func runApart(
    _ network: Network, _ model: String, _ input: Shape?, _ folder: String, _ shouldStop: () -> Bool, _ line: (String) -> Void,
    _ progress: (TrainingJob.Progress) -> Void
  ) throws(EvaluationError) -> (network: Network, report: PruningReport)? {
    let total = try request.amounts(for: network)
    let widths = try widths(of: network, input)
    var current = network, masks = WeightMasks()
    for round in 1...count {
      let gradients = try gradients(of: current)
      if request.isOfWeights {
        var amounts = total
        for name in amounts.layers.keys {
          amounts.layers[name]?.share = schedule.share(total.layers[name]?.share ?? 0, round: round, of: count)
        }
        masks = current.weightMasks(amounts, balance: request.balance, gradients: gradients)
        current = current.masked(by: masks)
      } else {
        current = try cut(current, input, gradients, total, widths, round)
      }
      let counts = request.isOfWeights ? "\(TextFormat.grouped(masks.counts.zeros)) weights are 0" : ""
      line(
        "round \(round) of \(count): \(TextFormat.grouped(current.parameterCount)) parameters"
          + (counts.isEmpty ? "" : ", \(counts)"))
      guard recipe.epochs > 0 else { continue }
      let place = RunFolder(path: Folder.joined(folder, "round-\(round)"))
      let start = Folder.joined(folder, "round-\(round)-pruned.safetensors"), recipe = recipe.of(model: start)
      let resumes = place.exists
      if resumes {
        guard try ModelLibrary.network(start) == current,
          FileReader.exists(place.recipe) ? try place.recipeText == recipe.node.text : true
        else {
          throw .runFolder(
            path: place.path, reason: "a run of other rounds is there, of another model, request or recipe; give another folder"
          )
        }
        line("round \(round) of \(count) goes on in '\(place.path.onOneLine)'")
      } else {
        try wrapping { () throws(FileError) in try Folder.create(place.path) }
        try ModelLibrary.write(current, to: start)
      }
      let job = try TrainingJob(
        recipe, options: options, version: version, folder: place, root: root, resumes: resumes,
        masks: request.isOfWeights ? masks : nil)
      let end = try job.run(shouldStop: shouldStop, progress: progress) { row in
        line(job.epochText(row).split(separator: "\n").joined(separator: " "))
      }
      guard end == .finished else { return nil }
      let best = FileReader.exists(job.folder.best) ? job.folder.best : job.folder.model
      current = try ModelLibrary.network(best)
      if request.isOfWeights { current = current.masked(by: masks) }
    }
    var report = PruningReport(
      model: model, network: network.name, shapes: try network.inputShapes(given: input), request: request)
    if request.isOfWeights {
      report.noteMasks(masks, of: network)
    } else {
      report.noteWidths(before: network, after: current, total)
    }
    try report.noteCosts(before: network, after: current, try network.inputShapes(given: input))
    return (current, report)
  }

  /// Units of each group of the network as it is given, by the group's first layer.
  private func widths(of network: Network, _ input: Shape?) throws(EvaluationError) -> [String: Int] {
    guard !request.isOfWeights else { return [:] }
    let shapes = try network.inputShapes(given: input)
    let coupling = try wrapping { () throws(PruningError) in try ChannelCoupling(network, inputs: shapes) }
    var result: [String: Int] = [:]
    for group in coupling.groups { for layer in group.layers { result[layer] = max(result[layer] ?? 0, group.units.count) } }
    return result
  }

  /// The network with as many channels as the original has after this round.
  private func cut(
    _ network: Network, _ input: Shape?, _ gradients: [[String: Tensor]], _ total: PruningAmounts, _ widths: [String: Int],
    _ round: Int
  ) throws(EvaluationError) -> Network {
    let shapes = try network.inputShapes(given: input)
    return try wrapping { () throws(PruningError) in
      let coupling = try ChannelCoupling(network, inputs: shapes)
      var amounts = total
      for (name, layer) in total.layers {
        let share = schedule.share(layer.share, round: round, of: count)
        let before = round > 1 ? schedule.share(layer.share, round: round - 1, of: count) : 0
        // Of what is left.
        amounts.layers[name]?.share = layer.pool == nil ? 0 : 1 - (1 - share) / (1 - before)
      }
      for group in coupling.groups {
        guard let layer = total.layer(of: group), layer.pool == nil, let first = group.layers.first,
          let original = widths[first]
        else {
          continue
        }
        let share = schedule.share(layer.share, round: round, of: count)
        let width = PruningAmounts.width(original, without: share, multiple: total.multiple)
        let now = group.units.count
        for value in group.values where amounts.layers[value] != nil {
          amounts.layers[value]?.share = 1 - Double(min(width, now)) / Double(now)
        }
      }
      if !amounts.layers.values.contains(where: { $0.pool != nil }) { amounts.multiple = 1 }
      let scores = try coupling.scores(request.importance, of: network, gradients: gradients)
      return network.removingChannels(try coupling.removal(of: coupling.units(amounts, scores: scores)))
    }
  }

  /// Of each of some batches of the recipe's data, by parameter; none where importance needs none.
  public func gradients(of network: Network) throws(EvaluationError) -> [[String: Tensor]] {
    request.importance == .taylor ? try PruningGradients(recipe: recipe, options: options, root: root).of(network) : []
  }
}

extension TrainingRecipe {
  /// The same training of a model in a file.
  func of(model path: String) -> TrainingRecipe {
    var result = self
    result.source = .model(path)
    result.pretrained = nil
    result.node.set(
      ["model"], to: YAMLNode(.mapping([YAMLNode.Member(key: "file", value: YAMLNode(.scalar(path, isPlain: false)))])))
    return result
  }
}

/// The gradients of a network's loss on some batches of a recipe's data.
struct PruningGradients {
  let recipe: TrainingRecipe
  let options: CPUOptions
  let root: String?
  var batches = 8

  /// Of each batch, by parameter.
  func of(_ network: Network) throws(EvaluationError) -> [[String: Tensor]] {
    let samples = try recipe.samples(of: recipe.data, for: network, root: root)
    let first = try recipe.firstSample(of: samples)
    let shapes = [first.input.shape, first.target.shape].map { TrainingRecipe.batch($0, recipe.batchSize) }
    var loading = BatchLoader.Options()
    loading.batchSize = recipe.batchSize
    loading.seed = recipe.seed
    loading.damaged = recipe.damaged
    let loader = try wrapping { () throws(DataError) in try BatchLoader(samples, options: loading, endEpoch: 1) }
    let (differentiated, names) = try wrapping { () throws(TrainingError) in
      try network.withGradients(of: recipe.loss, inputs: shapes)
    }
    let engine = try options.makeEngine()
    var result: [[String: Tensor]] = []
    do {
      let session = try engine.prepare(differentiated, inputs: shapes)
      while result.count < batches, let batch = try loader.next() {
        let outputs = try session.run([batch.input, batch.target])
        result.append(Dictionary(zip(names, outputs)) { first, _ in first })
      }
    } catch let error as ExecutionError {
      throw .execution(network: network.name, error)
    } catch let error as DataError {
      throw .data(error)
    } catch {
      throw .pruning(.noGradients)
    }
    return result
  }
}
