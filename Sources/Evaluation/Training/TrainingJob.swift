import CPUBackend
import CUDABackend
import Execution
import Files
import Formats
import Networks
import Tensors
import Training
import Transforms

/// A training from its recipe to its last epoch, in a folder from which it goes on when it was broken off.
public final class TrainingJob {
  /// What somebody who waits wants to know.
  public struct Progress: Hashable, Sendable {
    public var epoch: Int
    public var epochs: Int
    /// Of the epoch.
    public var step: Int
    public var stepsPerEpoch: Int
    public var loss: Double
    public var learningRate: Double
    public var imagesPerSecond: Double
    /// The part of the time in which data was waited for.
    public var waitingShare: Double
    /// Of the whole training, from 0 to 1.
    public var share: Double
  }

  /// How a run ended.
  public enum End: Hashable, Sendable {
    case finished
    /// Somebody asked for it; the checkpoint is written.
    case interrupted
  }

  public let recipe: TrainingRecipe
  public let folder: RunFolder
  /// What makes the data a poor one to learn from, a line each.
  public private(set) var warnings: [String]
  /// What is trained, as it is built: with batch norms and without gradients.
  public let network: Network
  /// What is trained in its place; nil where it is trained itself.
  let simulation: QuantizationSimulation?
  public private(set) var record: RunRecord
  public private(set) var metrics: RunMetrics
  /// The checkpoint is of the last step of an epoch whose figures and models are not written.
  private var endsEpochFirst = false
  /// Steps that were done before this process.
  public let firstStep: Int
  private let trainer: Trainer
  let validator: Validator?
  private var lossSum: Double
  private let fingerprint: String
  private let resumes: Bool
  /// Whether the record is to be written before the first step: the run begins, or its record was gone.
  private let isRecordNew: Bool
  /// Whether the run that is gone on with has finished and nothing is left to do: then it should be left as it is.
  public let isDone: Bool
  /// What the steps take of the memory, a line; nil without a limit.
  public let memoryText: String?
  /// The device that takes the steps; nil for the CPU.
  let deviceText: String?

  /// Makes all ready: reads the data's list, builds the network, takes up the checkpoint.
  ///
  /// - Parameters:
  ///   - root: what relative paths of the recipe begin at; nil for the working folder, or where the run began that is gone on with.
  ///   - resumes: goes on from the folder's checkpoint; without it the folder must hold no run.
  ///   - masks: of weights that are 0 and stay so.
  ///   - device: the CUDA device that takes the steps; nil for the CPU, which measures in any case.
  public convenience init(
    _ recipe: TrainingRecipe, options: CPUOptions, version: String, folder: RunFolder, root: String? = nil,
    resumes: Bool = false, masks: WeightMasks? = nil, device: CUDAOptions? = nil
  ) throws(EvaluationError) {
    // Before anything is read: without a driver there is nothing to begin.
    let engine = try device.map { (device) throws(EvaluationError) in try device.makeEngine() }
    try self.init(
      recipe, options: options, version: version, folder: folder, root: root, resumes: resumes, masks: masks, on: engine)
  }

  /// - Parameter device: an engine that takes the steps in the CPU's place.
  package init(
    _ recipe: TrainingRecipe, options: CPUOptions, version: String, folder: RunFolder, root: String? = nil,
    resumes: Bool = false, masks: WeightMasks? = nil, on device: CUDAEngine?
  ) throws(EvaluationError) {
    self.recipe = recipe
    deviceText = device.map { "\($0.device.name), pictures are measured on by the CPU" }
    let deviceName = device.map {
      EngineName.cuda($0.device.index, $0.precision == .float32 ? nil : $0.precision).description
    }
    if device != nil, recipe.memoryLimit != nil {
      throw .recipe(RecipeError(path: nil, line: 0, problem: .excluded("training.memory", by: "--device cuda")))
    }
    self.folder = folder
    self.resumes = resumes
    try folder.checkIsFree(mend: resumes ? "wait for its end" : "give another folder, or wait for its end")
    let resumption = resumes ? try FileClaims.apart { () throws(EvaluationError) in try folder.resumption() } : .unbegun(nil)
    let known: RunRecord?
    switch resumption {
    case .record(let record): (known, isRecordNew) = (record, false)
    case .unbegun(let record): (known, isRecordNew) = (record, true)
    case .withoutRecord: (known, isRecordNew) = (nil, true)
    }
    let gone = root == nil ? known?.dataRoot.flatMap { Folder.resolved($0) == nil ? $0 : nil } : nil
    let root = root ?? known?.dataRoot.flatMap { Folder.resolved($0) }
    if masks != nil, recipe.quantizing != nil {
      throw .recipe(RecipeError(path: nil, line: 0, problem: .excluded("quantize", by: "weights that stay 0")))
    }
    if recipe.memoryLimit != nil { Machine.givesBackFreedMemory() }
    var network = try recipe.network(root: root)
    let samples = try DataRoot.naming(root, gone: gone) { () throws(EvaluationError) in
      try recipe.samples(of: recipe.data, for: network, root: root)
    }
    let heldBefore = Machine.residentByteCount
    let first = try recipe.firstSample(of: samples)
    let making = max(Machine.peakResidentByteCount - heldBefore, 0)
    if let contract = recipe.contract(samples: samples, sample: first) { network.contract = contract }
    let simulation = try recipe.simulation(of: network, samples: samples, sample: first, engine: .cpu(options), root: root)
    self.simulation = simulation
    let whole = max(samples.count / recipe.batchSize, 1)
    var training = try recipe.training(network, simulation, sample: first, stepsPerEpoch: whole)
    if let masks { training.network = training.network.maskingUpdates(masks) }
    let fingerprint = try wrapping { () throws(DataError) in try DataFingerprint(samples.files + recipe.teacherFiles) }
    self.fingerprint = fingerprint.text
    warnings = BatchLoader.warnings(of: samples, batchSize: recipe.batchSize)
    let validator = try Validator(recipe, network: network, samples: samples, options: options, root: root)
    self.validator = validator

    let dataRoot = Folder.resolved(root ?? ".")
    let changes = try resumes ? Self.changes(of: recipe, in: folder) : []
    if resumes {
      if let known { warnings += Self.warnings(of: known, options, device: deviceName) }
      warnings += Self.warnings(of: resumption, in: folder, dataRoot: dataRoot)
      if !changes.isEmpty {
        warnings.append("changed against the recipe of the run: \(TextFormat.list(changes)); its recipe says so from now on")
      }
    }
    var checkpoint: TrainingCheckpoint?
    if case .unbegun = resumption {
      if !resumes { try folder.checkIsEmpty(for: recipe.node.text) }
    } else {
      let found = try FileClaims.apart { () throws(EvaluationError) in
        try wrapping { () throws(TrainingError) in try TrainingCheckpoint(contentsOf: folder.last) }
      }
      training = try wrapping { () throws(TrainingError) in
        guard found.fingerprint == fingerprint.text else { throw .otherTraining(path: folder.last, what: "the data") }
        guard found.seed == recipe.seed else { throw .otherTraining(path: folder.last, what: "the seed") }
        return try found.applied(to: training, path: folder.last)
      }
      checkpoint = found
    }
    if let known, !isRecordNew {
      record = known
    } else {
      let shapes = [first.input.shape, first.target.shape].map { TrainingRecipe.batch($0, recipe.batchSize) } + [[4]]
      let ledger = try wrapping { () throws(NetworkError) in try training.network.ledger(inputs: shapes) }
      record = RunRecord(
        version: version, cpu: Machine.processorName, isa: options.instructionSet.rawValue, threads: options.threadCount,
        rates: options.machine.name,
        data: RunRecord.DataSet(
          fingerprint: fingerprint.text, files: fingerprint.fileCount, bytes: fingerprint.byteCount, samples: samples.count),
        dataRoot: dataRoot,
        network: RunRecord.Network(
          name: network.name, parameters: network.parameterCount, stepMultiplyAccumulates: ledger.multiplyAccumulates),
        seed: recipe.seed, started: RunRecord.now, updated: RunRecord.now, state: .running, epochs: recipe.epochs, epoch: 0,
        step: checkpoint?.step ?? 0, stepsPerEpoch: 0, bestMetric: validator?.decisive.name, trainingSeconds: 0,
        peakMemoryBytes: 0)
    }
    let step = checkpoint?.step ?? 0
    firstStep = step
    lossSum = checkpoint?.lossSum ?? 0

    var loading = BatchLoader.Options()
    loading.batchSize = recipe.batchSize
    loading.seed = recipe.seed
    loading.damaged = recipe.damaged
    loading.threadCount = recipe.loadingThreadCount
    let shapes = [first.input.shape, first.target.shape].map { TrainingRecipe.batch($0, recipe.batchSize) }
    let batchByteCount = 4 * (shapes[0].count + shapes[1].count)
    let memory = recipe.memoryLimit.map { limit in
      TrainingMemory(
        limit: limit, held: Machine.residentByteCount, unheld: checkpoint == nil ? training.rememberedByteCount : 0,
        isResumed: resumes, batch: batchByteCount, making: making, cacheCount: recipe.validation == nil ? 1 : 2,
        threadCount: options.threadCount, options: &loading)
    }
    // One that is at work, those ahead, one that each thread puts together.
    let waiting = memory == nil ? (1 + loading.ahead + loading.threadCount) * batchByteCount : 0
    let system = MemoryLimit.current
    func check(_ byteCount: Int) throws(EvaluationError) {
      guard byteCount <= system.byteCount else {
        throw .trainingMemoryOfProcess(limit: system.description, needed: byteCount)
      }
    }
    try check(waiting)
    let loader = try wrapping { () throws(DataError) in
      try BatchLoader(samples, options: loading, epoch: step / whole, step: step % whole, endEpoch: recipe.epochs)
    }
    if resumes, record.stepsPerEpoch > 0, record.stepsPerEpoch != loader.stepsPerEpoch {
      throw .training(.otherTraining(path: folder.last, what: "the number of steps of an epoch"))
    }
    let total = recipe.epochs * loader.stepsPerEpoch
    if step > total {
      throw .runFolder(
        path: folder.path,
        reason:
          "it has trained \(known?.epoch ?? step / loader.stepsPerEpoch) epochs, and \(recipe.epochs) are asked for; give more with --epochs"
      )
    }
    isDone = known?.state == .finished && step == total
    if isDone, !changes.isEmpty {
      throw .runFolder(
        path: folder.path,
        reason:
          "is finished, and nothing is left to do with \(TextFormat.list(changes)); --epochs trains more, or train anew without "
          + "--resume")
    }
    record.stepsPerEpoch = loader.stepsPerEpoch
    record.epochs = recipe.epochs
    record.state = .running
    record.error = nil
    record.dataRoot = dataRoot
    record.device = deviceName
    (record.isa, record.rates) = (options.instructionSet.rawValue, options.machine.name)
    (record.cpu, record.threads) = (Machine.processorName, options.threadCount)
    let start = training
    let sessionCount = training.accumulation == nil ? 1 : 2
    let engine: any Backend =
      if let device { device } else { try options.makeEngine(memoryLimit: memory.map { $0.sessionByteCount / sessionCount }) }
    trainer = try wrapping { () throws(TrainingError) in
      try Trainer(start, on: engine, learningRate: recipe.learningRate, loader: loader, step: step)
    }
    var sessions: [any Session] = [], needed = 0
    do throws(TrainingError) {
      sessions = try trainer.prepare(input: shapes[0], target: shapes[1])
    } catch {
      guard case .execution(.memory(let byteCount, _)) = error else { throw EvaluationError(error) }
      needed = byteCount * sessionCount
      if memory == nil { throw .trainingMemoryOfProcess(limit: system.description, needed: waiting + needed) }
    }
    // Those of a device lie there.
    if memory == nil, device == nil { try check(waiting + sessions.reduce(0) { $0 + $1.peakMemoryByteCount }) }
    memoryText = memory?.text(sessions, parts: training.accumulation?.parts ?? 1)
    try wrapping { () throws(NetworkError) in try network.verify() }
    // Steps and validation are both asked before one is refused: what is said to be enough is enough for both.
    needed = max(needed, try validator?.check(network, memory: memory?.sessionByteCount) ?? 0)
    if let memory, needed > memory.sessionByteCount {
      throw .trainingMemory(limit: memory.limit, needed: memory.needed(session: needed))
    }
    self.network = network
    metrics = RunMetrics(names: validator?.names ?? [])
    if resumes {
      try takeUp(step: step)
    }
  }

  /// Reads the rows of the epochs before a checkpoint; the best model is that of one of them.
  private func takeUp(step: Int) throws(EvaluationError) {
    let perEpoch = record.stepsPerEpoch
    endsEpochFirst = step > 0 && step % perEpoch == 0 && lossSum != 0
    // What came behind the checkpoint comes again, and so does the end of an epoch that could not be written.
    let lastEpoch = endsEpochFirst ? step / perEpoch - 1 : step / perEpoch
    if FileReader.exists(folder.metrics) {
      let bytes = try FileClaims.apart { () throws(EvaluationError) in
        try wrapping { () throws(FileError) in try FileReader.bytes(of: folder.metrics, limit: 1 << 28) }
      }
      guard let known = RunMetrics(csv: String(decoding: bytes, as: UTF8.self)), known.names == metrics.names else {
        throw .runFolder(
          path: folder.metrics, reason: "is not as a run writes it; put it back, or delete it to go on without the rows in it")
      }
      metrics.rows = known.rows.filter { $0.epoch <= lastEpoch }
    }
    // Of an epoch whose row is gone the record knows.
    let isKnown = record.bestEpoch.map { epoch in epoch <= lastEpoch && !metrics.rows.contains { $0.epoch == epoch } } ?? false
    if !isKnown { (record.best, record.bestEpoch) = (nil, nil) }
    for row in metrics.rows { noteBest(row) }
    if isRecordNew {
      record.epoch = lastEpoch
      record.trainingSeconds = metrics.rows.reduce(0) { $0 + $1.seconds }
    }
    // Of a run that has finished it is made again, where that can be.
    if !isDone, record.bestEpoch != nil, (FileReader.byteCount(of: folder.best) ?? 0) == 0 {
      warnings.append("'\(folder.best)', the best model so far, is gone; the best of the epochs from here on takes its place")
      (record.best, record.bestEpoch) = (nil, nil)
    }
  }

  /// Files that were passed over so far.
  public var skipped: [String] { trainer.loader.skipped.map(\.reason) }

  /// Trains until the last epoch is done or somebody asks to stop.
  ///
  /// - Parameters:
  ///   - checkpointSeconds: between checkpoints within an epoch.
  ///   - progress: after each step.
  ///   - epochDone: after each epoch, with its figures.
  public func run(
    checkpointSeconds: Double = 120, shouldStop: () -> Bool = { false }, progress: (Progress) -> Void = { _ in },
    epochDone: (RunMetrics.Row) -> Void = { _ in }
  ) throws(EvaluationError) -> End {
    try FileClaims.apart { () throws(EvaluationError) in
      try wrapping { () throws(FileError) in try Folder.create(folder.path) }
      guard let lock = try wrapping({ () throws(FileError) in try FolderLock(folder.path) }) else {
        throw .runFolder(
          path: folder.path, reason: "another training is at work there; give another folder, or wait for its end")
      }
      defer { withExtendedLifetime(lock) {} }
      if !resumes, folder.exists {
        do throws(EvaluationError) { try folder.checkIsEmpty(for: recipe.node.text) } catch {
          throw .runFolder(path: folder.path, reason: "a run has begun there meanwhile; give another folder")
        }
      }
      var hasBegun = !isRecordNew
      do throws(EvaluationError) {
        // First of all what decides its bits and no recipe says: whoever goes on takes it from there.
        if isRecordNew { try writeRecord() }
        // With the options of whoever goes on.
        try folder.write(recipe.node.text, to: folder.recipe)
        // From here on there is something to go on from.
        if isRecordNew { try writeState() }
        hasBegun = true
        try writeFigures()
        return try train(checkpointSeconds, shouldStop, progress, epochDone)
      } catch {
        // The parameters are those of the last good step.
        record.state = .failed
        record.error = error.description
        if hasBegun || resumes {
          // Without its recipe there is nothing to go on with.
          if Folder.isPlainFile(folder.recipe) { try? writeState() }
        } else {
          // What never began leaves nothing that a next run would find in its folder.
          for path in [folder.record, folder.recipe, folder.last] { AtomicFile.remove(path) }
        }
        throw error
      }
    }
  }

  private func train(
    _ checkpointSeconds: Double, _ shouldStop: () -> Bool, _ progress: (Progress) -> Void, _ epochDone: (RunMetrics.Row) -> Void
  ) throws(EvaluationError) -> End {
    let perEpoch = record.stepsPerEpoch
    var saved = Machine.seconds
    if endsEpochFirst {
      // The steps were taken, and then something could not be read or written.
      let last = recipe.learningRate.value(step: trainer.step - 1, stepsPerEpoch: perEpoch)
      var row = RunMetrics.Row(
        epoch: trainer.step / perEpoch, step: trainer.step, loss: lossSum / Double(perEpoch), learningRate: last, seconds: 0,
        waitingSeconds: 0, imagesPerSecond: 0, validation: Array(repeating: nil, count: metrics.names.count))
      try endEpoch(&row)
      epochDone(row)
    }
    var epochStart = Machine.seconds, images = 0, waitedBefore = 0.0
    while trainer.step < recipe.epochs * perEpoch {
      if shouldStop() {
        record.state = .interrupted
        try writeState()
        return .interrupted
      }
      let started = Machine.seconds
      guard let step = try wrapping({ () throws(TrainingError) in try trainer.next() }) else { break }
      lossSum += Double(step.loss)
      images += step.sampleCount
      let done = trainer.step % perEpoch == 0 ? perEpoch : trainer.step % perEpoch
      let now = Machine.seconds
      record.trainingSeconds += now - started
      let elapsed = now - epochStart, waited = trainer.loader.waited.seconds - waitedBefore
      progress(
        Progress(
          epoch: step.epoch, epochs: recipe.epochs, step: done, stepsPerEpoch: perEpoch, loss: lossSum / Double(done),
          learningRate: step.learningRate, imagesPerSecond: Double(images) / max(elapsed, 1e-9),
          waitingShare: waited / max(elapsed, 1e-9), share: Double(trainer.step) / Double(recipe.epochs * perEpoch)))
      if done == perEpoch {
        var row = RunMetrics.Row(
          epoch: step.epoch + 1, step: trainer.step, loss: lossSum / Double(perEpoch), learningRate: step.learningRate,
          seconds: elapsed, waitingSeconds: waited, imagesPerSecond: Double(images) / max(elapsed, 1e-9),
          validation: Array(repeating: nil, count: metrics.names.count))
        try endEpoch(&row)
        epochDone(row)
        (epochStart, images, waitedBefore) = (Machine.seconds, 0, trainer.loader.waited.seconds)
        saved = epochStart
      } else if now - saved > checkpointSeconds {
        try writeState()
        saved = Machine.seconds
      }
    }
    record.state = .finished
    try writeState()
    return .finished
  }

  /// Validates where it is time to, and writes everything.
  private func endEpoch(_ row: inout RunMetrics.Row) throws(EvaluationError) {
    if recipe.memoryLimit != nil { trainer.releaseMemory() }
    let current = try model(floats: false)
    var isBest = validator == nil
    if let validator, row.epoch % recipe.validationInterval == 0 || row.epoch == recipe.epochs {
      let values = try validator.figures(of: current, samples: row.epoch == recipe.epochs ? folder.samples : nil)
      row.validation = values
      isBest = noteBest(row)
    }
    metrics.rows.append(row)
    record.epoch = row.epoch
    if isBest { try wrapping { () throws(FormatError) in try ModelFile.write(current, to: folder.best) } }
    if row.epoch == recipe.epochs {
      try wrapping { () throws(FormatError) in try ModelFile.write(current, to: folder.model) }
      if simulation != nil {
        let floats = try model(floats: true)
        try wrapping { () throws(FormatError) in try ModelFile.write(floats, to: folder.floats) }
      }
    }
    try writeFigures()
    // A checkpoint that holds the loss of a whole epoch is of one whose end is to come.
    lossSum = 0
    try writeState()
  }

  /// The model as it is now: of integers where the recipe makes them, so that what is measured and kept is what users get.
  ///
  /// - Parameter floats: asks for the float32 weights behind them, as a network that can be trained again.
  func model(floats: Bool) throws(EvaluationError) -> Network {
    func applied(to network: Network) throws(EvaluationError) -> Network {
      try wrapping { () throws(TrainingError) in try trainer.applied(to: network) }
    }
    guard let simulation else { return try applied(to: network) }
    let parameters = try applied(to: simulation.network).parameters
    if floats { return simulation.floats(parameters).splittingEpilogues() }
    return try wrapping { () throws(QuantizationError) in try simulation.integers(parameters) }
  }

  /// Whether an epoch is better than those before it; it is noted then.
  @discardableResult
  private func noteBest(_ row: RunMetrics.Row) -> Bool {
    guard let decisive = validator?.decisive, row.validation.indices.contains(decisive.index),
      let value = row.validation[decisive.index], record.best.map({ decisive.isLarger ? value > $0 : value < $0 }) ?? true
    else { return false }
    (record.best, record.bestEpoch) = (value, row.epoch)
    return true
  }

  func writeFigures() throws(EvaluationError) {
    try folder.write(metrics.csv, to: folder.metrics)
    try folder.write(metrics.events, to: folder.events)
    if !metrics.rows.isEmpty { try folder.write(metrics.curves(title: Folder.name(folder.path)), to: folder.curves) }
  }

  /// The checkpoint, and then the record that speaks of it.
  private func writeState() throws(EvaluationError) {
    let network = try wrapping { () throws(TrainingError) in try trainer.network() }
    try wrapping { () throws(FormatError) in
      try TrainingCheckpoint(
        network: network, step: trainer.step, seed: recipe.seed, fingerprint: fingerprint, lossSum: lossSum
      ).write(to: folder.last)
    }
    record.step = trainer.step
    try writeRecord()
  }

  private func writeRecord() throws(EvaluationError) {
    record.updated = RunRecord.now
    record.peakMemoryBytes = max(record.peakMemoryBytes, Machine.peakResidentByteCount)
    do { try folder.write(try record.storedJSON + "\n", to: folder.record) } catch let error as EvaluationError {
      throw error
    } catch {}
  }
}
