import Files

extension RunFolder {
  /// What a run of a recipe is called by itself.
  public static func name(ofRecipe path: String) -> String { Folder.split(path).stem }
}

extension TrainingJob.Progress {
  /// Of the whole training.
  public var sharePerStep: Double { 1 / Double(max(epochs * stepsPerEpoch, 1)) }

  public var text: String {
    var text = "epoch \(epoch + 1)/\(epochs), step \(step)/\(stepsPerEpoch), loss \(TextFormat.significant(loss, 4)), "
    text += "rate \(TextFormat.significant(learningRate, 3)), \(TextFormat.fixed(imagesPerSecond, 1)) images/s"
    if waitingShare > 0.05 { text += ", data \(TextFormat.fixed(100 * waitingShare, 0)) % of the step" }
    return text
  }
}

extension TrainingJob {
  /// What is about to be done.
  public var planText: String {
    let perStep = record.network.stepMultiplyAccumulates
    var text = "\(record.network.name.onOneLine): \(TextFormat.grouped(record.network.parameters)) parameters, "
    text += "\(TextFormat.grouped(perStep)) multiply-accumulates a step of \(recipe.batchSize)\n"
    text +=
      "data: \(TextFormat.grouped(record.data.samples)) samples an epoch of \(TextFormat.grouped(record.data.files)) \(record.data.files == 1 ? "file" : "files"), "
    text += "fingerprint \(record.data.fingerprint)\n"
    func counted(_ count: Int, _ what: String) -> String { "\(count) \(what)\(count == 1 ? "" : "s")" }
    text +=
      "\(counted(recipe.epochs, "epoch")) of \(counted(record.stepsPerEpoch, "step")), seed \(recipe.seed), \(counted(record.threads, "thread")), \(record.isa)\n"
    if let deviceText, let name = record.device { text += "steps: on \(name), \(deviceText.onOneLine)\n" }
    if let simulation, let quantizing = recipe.quantizing {
      text += "\(simulation.layers.count) layers learn as sums of integers, weights of \(quantizing.scheme.weightBits) bits; "
      text +=
        "ranges \(quantizing.method) of \(quantizing.folder == nil ? "up to \(quantizing.sampleCount) samples" : "pictures"), "
      text += quantizing.learnsRanges ? "learned\n" : "as calibrated\n"
    }
    if let memoryText { text += memoryText }
    if recipe.learningRate.base == 0 { text += "the learning rate is 0: no parameter will change\n" }
    if firstStep > 0 { text += "going on behind step \(firstStep)\n" }
    return text + "folder: \(folder.path)\n"
  }

  /// The line of an epoch.
  public func epochText(_ row: RunMetrics.Row) -> String {
    var text =
      "epoch \(row.epoch)/\(recipe.epochs): loss \(TextFormat.significant(row.loss, 5)), rate \(TextFormat.significant(row.learningRate, 3)), "
    text += "\(TextFormat.fixed(row.seconds, 1)) s, \(TextFormat.fixed(row.imagesPerSecond, 1)) images/s"
    let share = row.waitingSeconds / max(row.seconds, 1e-9)
    if share > 0.05 { text += ", data \(TextFormat.fixed(100 * share, 0)) % of the step" }
    for (name, value) in zip(metrics.names, row.validation) {
      if let value { text += ", \(name.split(separator: "_").joined(separator: " ")) \(TextFormat.fixed(value, 4))" }
    }
    return text + "\n"
  }

  public var endText: String {
    var text = "done: \(record.step) steps in \(TextFormat.fixed(record.trainingSeconds, 1)) s"
    if let name = record.bestMetric, let best = record.best, let epoch = record.bestEpoch {
      text += "; best \(name) \(TextFormat.fixed(best, 4)) in epoch \(epoch)"
    }
    return text + "\n" + (metrics.ruinText ?? "") + "models: \(folder.model), \(folder.best)\n"
  }
}

extension RunMetrics {
  /// What to say of a training that made its network worse: the last epoch's loss is well above the first one's. An epoch's loss is the mean of its
  /// steps, so that the first is that of a network that has learned a little; a tenth is what chance may do where one that was good is trained on.
  var ruinText: String? {
    guard let first = rows.first, let last = rows.last, last.epoch > first.epoch, last.loss > 1.1 * first.loss else {
      return nil
    }
    return "the last epoch's loss, \(TextFormat.significant(last.loss, 3)), is above the first one's, "
      + "\(TextFormat.significant(first.loss, 3)): the network became worse; try a lower learning rate than "
      + "\(TextFormat.significant(first.learningRate, 3))\n"
  }
}
