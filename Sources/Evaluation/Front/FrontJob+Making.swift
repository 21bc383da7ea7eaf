import Files
import Formats
import Networks
import Tensors
import Training
import Transforms

extension FrontJob {
  /// One variant from what it begins with to its figures, or those that it has already; nil where somebody asked to stop.
  func make(
    _ part: Part, _ shouldStop: () -> Bool, _ line: (String) -> Void, _ progress: (String, TrainingJob.Progress) -> Void
  ) throws(EvaluationError) -> FrontTable.Figures? {
    let variant = part.variant, place = folder.place(of: variant)
    let definition = try definition(of: part)
    if let record: FrontVariantRecord = try folder.read(place.record) {
      try record.check(definition, in: place)
      if let figures = record.figures { return figures }
    } else {
      try wrapping { () throws(FileError) in try Folder.create(place.path) }
      try folder.write(FrontVariantRecord(name: variant.name, definition: definition), to: place.record)
    }
    if shouldStop() { return nil }
    line("\(variant.name.onOneLine): \(variant.text.onOneLine)")
    guard var network = try trained(part, place, shouldStop, line, progress) else { return nil }
    if let integers = variant.integers, let calibration = recipe.calibration {
      let data = try CalibrationData(
        folder: calibration.folder.relative(to: root), for: network, count: calibration.count, side: calibration.side,
        excluding: folder.path)
      _ = try ModelQuantization(
        network, model: variant.name, data: data, options: integers, engine: .cpu(options), output: place.model)
    } else {
      try ModelLibrary.write(network, to: place.model)
    }
    // What others read.
    network = try ModelLibrary.network(place.model)
    let shapes = shapes, final = network
    let ledger = try wrapping { () throws(NetworkError) in try final.ledger(inputs: shapes) }
    let quality = try validator(of: variant, network).figures(of: network, samples: nil)
    var before = 0
    if case .variant(let name) = variant.beginning { before = try figures(of: name).stepsInAll }
    let figures = FrontTable.Figures(
      parameters: network.parameterCount, fileBytes: ModelFile.contents(of: network).encoded().count,
      multiplyAccumulates: ledger.multiplyAccumulates, quality: quality, steps: part.steps, stepsInAll: before + part.steps)
    try folder.write(
      FrontVariantRecord(name: variant.name, definition: definition, figures: figures), to: place.record)
    return figures
  }

  /// The figures of a variant that is made.
  private func figures(of name: String) throws(EvaluationError) -> FrontTable.Figures {
    guard let part = parts.first(where: { $0.variant.name == name }),
      let record: FrontVariantRecord = try folder.read(folder.place(of: part.variant).record), let figures = record.figures
    else { throw .runFolder(path: folder.path, reason: "the variant '\(name.onOneLine)' is gone; start the front again") }
    return figures
  }

  private func modelPath(of name: String) -> String {
    parts.first { $0.variant.name == name }.map { folder.place(of: $0.variant).model } ?? name
  }

  /// The network behind its training, in float32.
  private func trained(
    _ part: Part, _ place: FrontFolder.Place, _ shouldStop: () -> Bool, _ line: (String) -> Void,
    _ progress: (String, TrainingJob.Progress) -> Void
  ) throws(EvaluationError) -> Network? {
    let variant = part.variant
    var network: Network, start: String?
    switch variant.beginning {
    case .own: network = part.root
    case .file(let path): (network, start) = (part.root, path)
    case .variant(let name):
      let path = modelPath(of: name)
      (network, start) = (try ModelLibrary.network(path), path)
    }
    if variant.substitute != nil || variant.pruning != nil {
      let gradients =
        variant.pruning?.importance == .taylor
        ? try PruningGradients(recipe: recipe.base, options: options, root: root).of(network) : []
      network = try variant.cut(network, input: recipe.input, gradients: gradients)
      try ModelLibrary.write(network, to: place.start)
      start = place.start
    }
    guard variant.isTrained else { return network }
    var teacher: String?
    if case .variant(let name)? = variant.teacher { teacher = modelPath(of: name) }
    let run = place.run
    let job = try TrainingJob(
      recipe.training(of: variant, model: start, teacher: teacher), options: options, version: version, folder: run, root: root,
      resumes: run.exists)
    let end = try job.run(checkpointSeconds: 30, shouldStop: shouldStop) {
      progress(variant.name, $0)
    } epochDone: { row in
      line("  " + job.epochText(row).split(separator: "\n").joined(separator: " "))
    }
    guard end == .finished else { return nil }
    // The last epoch's: none is chosen by the pictures that it is measured on.
    return try ModelLibrary.network(run.model)
  }

  /// All that a variant's model follows from, a line each.
  private func definition(of part: Part) throws(EvaluationError) -> [String] {
    let variant = part.variant
    func model(_ path: String) throws(EvaluationError) -> String {
      "\(path), \(FrontConditions.fingerprint(of: try ModelLibrary.network(path)))"
    }
    func made(_ name: String) throws(EvaluationError) -> String {
      "\(name), \(FrontConditions.fingerprint(of: try ModelLibrary.network(modelPath(of: name))))"
    }
    var lines: [String] = []
    switch variant.beginning {
    case .own: break
    case .variant(let name): lines.append("of: \(try made(name))")
    case .file(let path): lines.append("file: \(try model(path))")
    }
    if let kind = variant.substitute { lines.append("substitute: \(kind.rawValue)") }
    if let pruning = variant.pruning {
      lines.append("prune: \(pruning.sparsity), \(pruning.importance.rawValue), align \(pruning.multiple)")
    }
    if let training = part.training {
      // A network that is not trained follows from nothing but its own section.
      lines += variant.isTrained ? training.node.lines() : (training.node.value(["model"])?.lines("model") ?? [])
    }
    switch variant.teacher {
    case .variant(let name): lines.append("teacher: \(try made(name))")
    case .file(let path): lines.append("teacher: \(try model(path))")
    case nil: break
    }
    if let integers = variant.integers {
      let scheme = integers.scheme
      lines.append(
        "quantize: \(integers.method), \(scheme.weightBits) bits, first \(integers.choosesFirst ? "as measured" : "\(!scheme.keepsFirst)"), equalize \(integers.equalizes), "
          + "rounding \(integers.rounding.rawValue), float "
          + "\(scheme.floatLayers.sorted()), most \(integers.maximumLoss.map { "\($0)" } ?? "any"), residual "
          + (integers.choosesResidual ? "as measured" : scheme.residual.rawValue))
    }
    return lines + ["precision: \(variant.precision.rawValue)"]
  }
}

extension FrontVariant {
  /// The network with cheaper convolutions, or fewer channels.
  func cut(_ network: Network, input: Shape?, gradients: [[String: Tensor]]) throws(EvaluationError) -> Network {
    var network = network
    if let kind = substitute {
      let substitution = network.convolutionSubstitution(kind, weights: .factorised)
      guard !substitution.layers.isEmpty else { throw .nothingToSubstitute(network: network.name) }
      network = substitution.network
    }
    guard let pruning else { return network }
    var request = ModelPruning.Request(.share(pruning.sparsity))
    (request.importance, request.multiple) = (pruning.importance, pruning.multiple)
    let pruned = try ModelPruning(network, model: name, request: request, input: input, gradients: gradients).network
    guard pruned.parameterCount < network.parameterCount else {
      throw .nothingToPrune(
        network: name,
        reason: "\(TextFormat.short(pruning.sparsity)) of its channels is less than what widths go by, multiples of "
          + "\(pruning.multiple) where layers are wide enough; give more, or a smaller 'align' beside 'sparsity'")
    }
    return pruned
  }

  /// What the network is like before it is trained: its widths and kinds of layers, with other numbers in them.
  func outline(of network: Network, input: Shape?) throws(EvaluationError) -> Network {
    var untrained = self
    // Widths follow from shares alone; gradients are not there yet.
    if pruning?.importance == .taylor { untrained.pruning?.importance = .l1 }
    return try untrained.cut(network, input: input, gradients: [])
  }
}
