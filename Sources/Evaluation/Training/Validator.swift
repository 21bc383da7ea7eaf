import Execution
import Files
import Imaging
import Networks
import Tensors
import Training
import Transforms

/// Measures a network between epochs.
final class Validator {
  /// What decides which epoch is the best.
  struct Decisive {
    var name: String
    var index: Int
    /// Whether more is better.
    var isLarger: Bool
  }

  let names: [String]
  let decisive: Decisive
  private let recipe: TrainingRecipe
  private let options: CPUOptions
  /// Where relative paths of data begin; nil for the working folder.
  private let root: String?
  private let kind: Kind

  private enum Kind {
    case pictures(folder: String, EvaluationProtocol, scales: [Int]?)
    case samples(any SampleSource, Figures)
  }

  /// What beside the loss is measured.
  private enum Figures {
    case none, accuracy, masks, psnr
    /// With the structural similarity.
    case similarity
  }

  /// Nil where the recipe asks for none.
  init?(
    _ recipe: TrainingRecipe, network: Network, samples: any SampleSource, options: CPUOptions, root: String?
  ) throws(EvaluationError) {
    guard let validation = recipe.validation else { return nil }
    self.recipe = recipe
    self.options = options
    self.root = root
    switch validation {
    case .pictures(let folder, let name, let scales, let degradations):
      guard var known = EvaluationProtocol.all.first(where: { $0.name == name }) else {
        throw .recipe(
          RecipeError(
            path: nil, line: 0,
            problem: .value(
              key: "validation.protocol", value: name, allowed: RecipeReader.list(EvaluationProtocol.all.map(\.name)))))
      }
      known.degradations = degradations
      _ = try network.checkedImageContract()
      kind = .pictures(folder: folder.relative(to: root), known, scales: scales)
      names = ["psnr", "ssim"]
      decisive = Decisive(name: "psnr", index: 0, isLarger: true)
    case .data(let data):
      let source = try recipe.samples(of: data, for: network, root: root, classes: (samples as? ClassFolderSource)?.classes)
      switch data {
      case .classes:
        kind = .samples(source, .accuracy)
        names = ["validation_loss", "accuracy"]
        decisive = Decisive(name: "accuracy", index: 1, isLarger: true)
      case .masks:
        kind = .samples(source, .masks)
        names = ["validation_loss", "iou", "dice"]
        decisive = Decisive(name: "iou", index: 1, isLarger: true)
      case .superResolution(_, let options):
        (kind, names) = Self.pictures(source, side: options.patch)
        decisive = Decisive(name: "psnr", index: 1, isLarger: true)
      case .lowLight(_, let options):
        (kind, names) = Self.pictures(source, side: options.patch)
        decisive = Decisive(name: "psnr", index: 1, isLarger: true)
      case .hdf5:
        kind = .samples(source, .none)
        names = ["validation_loss"]
        decisive = Decisive(name: "validation_loss", index: 0, isLarger: false)
      }
    }
  }

  /// - Parameter side: of the targets; smaller ones than its window have no structural similarity.
  private static func pictures(_ source: any SampleSource, side: Int) -> (Kind, names: [String]) {
    let names = ["validation_loss", "psnr"]
    guard side >= ImageMetric.smallestSide else { return (.samples(source, .psnr), names) }
    return (.samples(source, .similarity), names + ["ssim"])
  }

  /// Throws where the network cannot be measured, before any step is taken.
  ///
  /// - Parameter memory: what a measurement may hold; nil for any.
  /// - Returns: a bound of what it holds where it is pictures that are measured; of samples what a session holds, which fits.
  func check(_ network: Network, memory: Int?) throws(EvaluationError) -> Int {
    switch kind {
    case .pictures(let folder, let measure, let scales):
      return try DataRoot.naming(root) { () throws(EvaluationError) in
        try Evaluator(network, protocol: measure, engine: .cpu(options), memoryLimit: recipe.memoryLimit)
          .check(folder: folder, scales: scales)
      }
    case .samples(let source, _):
      guard source.count > 0, let memory else { return 0 }
      let sample = try wrapping { () throws(DataError) in
        try source.sample(SampleKey(seed: recipe.seed, epoch: 0, index: 0))
      }
      let size = batchSize(source)
      let shapes = [sample.input.shape, sample.target.shape].map { TrainingRecipe.batch($0, size) }
      let network = try withLoss(network, shapes[0]), engine = try options.makeEngine(memoryLimit: memory)
      do throws(ExecutionError) {
        return try engine.prepare(network).session(inputs: shapes).peakMemoryByteCount
      } catch {
        guard case .memory(let needed, _) = error else { throw .execution(network: network.name, error) }
        return needed
      }
    }
  }

  /// Whole pictures may be of several sizes: they come one by one.
  private func batchSize(_ source: any SampleSource) -> Int {
    if let masks = source as? MaskPairSource, masks.options.patch == nil { return 1 }
    return min(recipe.batchSize, source.count)
  }

  /// The figures, in the order of `names`.
  ///
  /// - Parameter samples: the folder where pictures are to be kept; nil for none.
  func figures(of network: Network, samples: String?) throws(EvaluationError) -> [Double] {
    switch kind {
    case .pictures(let folder, let measure, let scales):
      let evaluator = try Evaluator(
        network, protocol: measure, engine: .cpu(options), tile: .automatic, memoryLimit: recipe.memoryLimit)
      let report = try evaluator.evaluate(
        folder: folder, model: network.name, scales: scales, saveFolder: samples, replacesAnySheet: true)
      if let failure = report.failures.first { throw .notValidated(line: failure.error) }
      let count = Double(max(report.means.count, 1))
      return [
        report.means.reduce(0) { $0 + $1.network.psnr } / count, report.means.reduce(0) { $0 + $1.network.ssim } / count,
      ]
    case .samples(let source, let figures): return try self.figures(of: network, source, figures, samples)
    }
  }

  /// Of samples that are pictures so many are kept, the first.
  private static let keptCount = 8

  /// What should have come out beside what did, of numbers from 0 to 1 in one or three planes.
  private static func keep(_ target: [Plane<Double>], _ output: [Plane<Double>], number: Int, in folder: String)
    throws(EvaluationError)
  {
    guard number < keptCount, target.count == 1 || target.count == 3 else { return }
    func image(_ planes: [Plane<Double>]) -> Image {
      let scaled = planes.map { Plane(width: $0.width, height: $0.height, elements: $0.elements.map { $0 * 255 }) }
      return Image(PlanarImage<Double>(colour: scaled), bitDepth: 8)
    }
    var sheet = ComparisonSheet()
    sheet.add(image(target), "truth")
    sheet.add(image(output), "network")
    let bytes = try wrapping { () throws(ImageError) in try sheet.image.encoded(as: .png) }
    try wrapping { () throws(FileError) in
      try Folder.create(folder)
      try AtomicFile.write(bytes, to: Folder.joined(folder, "\(number).png"))
    }
  }

  /// Over all samples of a source, in its order; nothing is drawn.
  private func figures(
    of network: Network, _ source: any SampleSource, _ figures: Figures, _ folder: String?
  ) throws(EvaluationError) -> [Double] {
    var loading = BatchLoader.Options()
    loading.batchSize = batchSize(source)
    loading.shuffles = false
    loading.keepsRemainder = true
    loading.damaged = recipe.damaged
    let loader = try wrapping { () throws(DataError) in try BatchLoader(source, options: loading, endEpoch: 1) }
    let engine = try options.makeEngine(
      memoryLimit: recipe.memoryLimit.map { max($0 - Machine.residentByteCount - (16 << 20), 0) })
    // The last batch may be smaller.
    var model: (any Model)?
    var sessions: [Shape: any Session] = [:]
    var lossSum = 0.0, count = 0
    var classification: ClassificationMetrics?, segmentation: SegmentationMetrics?
    var psnrSum = 0.0, ssimSum = 0.0
    while let batch = try wrapping({ () throws(DataError) in try loader.next() }) {
      let inputs = [batch.input, batch.target]
      let network = try model == nil ? withLoss(network, batch.input.shape) : network
      let outputs: [Tensor]
      do throws(ExecutionError) {
        if model == nil { model = try engine.prepare(network) }
        guard let model else { break }
        if sessions[batch.input.shape] == nil {
          // Of pictures that are of many sizes few are of one.
          if sessions.count >= 4 { sessions.removeAll() }
          sessions[batch.input.shape] = try model.session(inputs: inputs.map(\.shape))
        }
        outputs = try sessions[batch.input.shape]?.run(inputs) ?? []
      } catch {
        throw .execution(network: network.name, error)
      }
      lossSum += Double(outputs[0].floats[0]) * Double(batch.indices.count)
      let before = count
      count += batch.indices.count
      switch figures {
      case .none: break
      case .accuracy:
        var metrics = classification ?? ClassificationMetrics(classCount: batch.target.shape.extents[1])
        metrics.accumulate(outputs: outputs[1], targets: batch.target)
        classification = metrics
      case .masks:
        var metrics = segmentation ?? SegmentationMetrics(classes: batch.target.shape.channels)
        metrics.accumulate(outputs: outputs[1], targets: batch.target)
        segmentation = metrics
        guard let folder else { break }
        for picture in batch.indices.indices {
          // A pixel is of the class where its logit is positive.
          let output = outputs[1].planes(batch: picture).map { plane in
            Plane<Double>(width: plane.width, height: plane.height, elements: plane.elements.map { $0 > 0 ? 1 : 0 })
          }
          try Self.keep(
            batch.target.planes(batch: picture).map { Plane<Double>($0) }, output, number: before + picture, in: folder)
        }
      case .psnr, .similarity:
        for picture in batch.indices.indices {
          // Of numbers from 0 to 1; equal pictures count as 100 dB.
          let output = outputs[1].planes(batch: picture).map { Plane<Double>($0.clamped) }
          let target = batch.target.planes(batch: picture).map { Plane<Double>($0) }
          psnrSum += min(ImageMetric.peakSignalToNoiseRatio(output, target, peak: 1), 100)
          if let folder { try Self.keep(target, output, number: before + picture, in: folder) }
          if figures == .similarity { ssimSum += ImageMetric.structuralSimilarity(output, target, peak: 1) }
        }
      }
    }
    let loss = lossSum / Double(max(count, 1))
    switch figures {
    case .none: return [loss]
    case .accuracy: return [loss, classification?.accuracy ?? 0]
    case .masks: return [loss, segmentation?.intersectionOverUnion ?? 0, segmentation?.dice ?? 0]
    case .psnr: return [loss, psnrSum / Double(max(count, 1))]
    case .similarity: return [loss, psnrSum / Double(max(count, 1)), ssimSum / Double(max(count, 1))]
    }
  }

  private func withLoss(_ network: Network, _ input: Shape) throws(EvaluationError) -> Network {
    try wrapping { () throws(NetworkError) in
      try network.eliminatingDeadNodes().foldingBatchNorm().adding(recipe.loss, inputs: [input]).network.fusing()
    }
  }
}

extension Plane where Element == Float {
  /// What lies below 0 and above 1 is cut off.
  fileprivate var clamped: Plane { Plane(width: width, height: height, elements: elements.map { min(max($0, 0), 1) }) }
}
