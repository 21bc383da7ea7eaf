import Execution
import Files
import Imaging
import Networks
import Tensors
import Training

/// Says of pictures what a classifier or a segmenter sees in them.
public final class Predictor {
  /// What is wanted beside the classes or masks.
  public struct Options: Hashable, Sendable {
    /// Looks into folders inside folders.
    public var isRecursive = false
    /// The likeliest classes of a picture that are told.
    public var top: Int?
    public var table = PredictionReport.TableForm()
    /// Pictures with the masks over them, beside the masks.
    public var makesOverlays = false
    /// Where the truth is: for a classifier a folder with a folder of pictures for each class, for a segmenter a folder of masks.
    public var labels: String?
    public var tile = TilePolicy.automatic
    /// As of `PictureBatch.Naming`, of masks.
    public var overwrites = false

    public init() {}
  }

  private enum Kind {
    case classifier(PictureClassifier)
    case segmenter(PictureSegmenter)
  }

  public let network: Network
  public let options: Options
  private let engine: Engine
  private let kind: Kind
  private let workers: Workers

  /// Throws where the network says nothing of classes, or the options are none of its kind.
  public init(_ network: Network, engine: Engine, options: Options = Options()) throws(EvaluationError) {
    self.network = network
    self.options = options
    self.engine = engine
    let contract = try network.checkedPredictionContract(), backend = try engine.makeBackend()
    workers = Workers(threadCount: engine.threadCount)
    func refuse(_ option: String, of kind: String) throws(EvaluationError) {
      throw .predictionOption(network: network.name, option: option, of: kind)
    }
    switch contract {
    case .classifier(let contract):
      if options.makesOverlays { try refuse("--overlay", of: "make masks") }
      if options.tile != .automatic { try refuse("--tile", of: "make masks") }
      kind = .classifier(PictureClassifier(network, contract, backend: backend))
    case .segmenter(let contract):
      let classify = "tell classes of whole pictures"
      if options.top != nil { try refuse("--top", of: classify) }
      if options.table.submission != nil { try refuse("--submission", of: classify) }
      if options.table.usesNumbers { try refuse("--numbers", of: classify) }
      kind = .segmenter(PictureSegmenter(network, contract, backend: backend, tile: options.tile))
    case .image: throw .noPredictionContract(network: network.name)
    }
  }

  /// The work.
  ///
  /// - Parameters:
  ///   - output: for a classifier the file of the table, or nil or `-` for none; for a segmenter the folder of masks, or one file.
  ///   - model: what the model is called in the report.
  ///   - failure: gets a line for each picture that fails, when that is known.
  ///   - progress: called with what is worked on and the share done.
  public func predict(
    _ inputs: [String], output: String?, model: String, failure: ((String) -> Void)? = nil,
    progress: ((String, Double) -> Void)? = nil
  ) throws(EvaluationError) -> PredictionReport {
    try FileClaims.together { () throws(EvaluationError) in
      let start = Machine.seconds
      var report: PredictionReport
      switch kind {
      case .classifier(let classifier):
        let path = output == "-" ? nil : output
        report = PredictionReport(model: model, network: network, classes: classifier.contract.classes, engine: engine)
        try classify(inputs, classifier, output: path, &report, failure, progress)
      case .segmenter(let segmenter):
        guard let output, output != "-" || !options.makesOverlays else { throw .outputNeeded(network: network.name) }
        report = PredictionReport(model: model, network: network, classes: segmenter.contract.classes, engine: engine)
        report.output = output
        try segment(inputs, segmenter, output: output, &report, failure, progress)
      }
      report.seconds = Machine.seconds - start
      return report
    }
  }

  /// Whether a table is what comes out, rather than files of masks.
  public var makesTable: Bool { if case .classifier = kind { true } else { false } }
}

extension Predictor {
  /// A picture that is ready for the network.
  private struct Ready {
    var index: Int
    var tensor: Tensor
  }

  /// What pictures that wait may take together.
  private static let waitingBudget = 256 << 20

  private func classify(
    _ inputs: [String], _ classifier: PictureClassifier, output: String?, _ report: inout PredictionReport,
    _ failure: ((String) -> Void)?, _ progress: ((String, Double) -> Void)?
  ) throws(EvaluationError) {
    let contract = classifier.contract
    let listed = try LabelledPictures(
      inputs, classes: contract.classes, labels: options.labels, isRecursive: options.isRecursive)
    (report.ignored, report.unentered) = (listed.ignored, listed.unentered)
    try wrapping { () throws(FileError) in
      for picture in listed.pictures { try FileClaims.reads(picture.path) }
      if let output { try Folder.claimOutput(output) }
    }
    if let output { try Folder.checkExtension(output, in: [".csv"]) }
    if options.table.submission != nil {
      var named: [String: String] = [:]
      for picture in listed.pictures {
        let identifier = PredictionReport.identifier(of: picture.path)
        if let first = named.updateValue(picture.path, forKey: identifier) {
          throw .repeatedIdentifier(identifier, first: first, second: picture.path)
        }
      }
    }
    for (path, error) in listed.unlabelled { report.fail(path, error, failure) }
    let top = min(options.top ?? 1, contract.classes.count)
    var metrics = ClassificationMetrics(classCount: contract.classes.count, top: top)
    var guesses: [[PredictionReport.Guess]?] = Array(repeating: nil, count: listed.pictures.count)
    var waiting: [Ready] = []

    func flush() {
      let pictures = waiting
      waiting = []
      for shape in Set(pictures.map(\.tensor.shape)) {
        let equal = pictures.filter { $0.tensor.shape == shape }
        let results: [Result<[Double], EvaluationError>]
        do throws(EvaluationError) {
          results = try classifier.probabilities(equal.map(\.tensor))
        } catch {
          results = equal.map { _ in .failure(error) }
        }
        for (picture, result) in zip(equal, results) {
          let (path, label) = (listed.pictures[picture.index].path, listed.pictures[picture.index].label)
          switch result {
          case .failure(let error): report.fail(path, error, failure)
          case .success(let probabilities):
            let order = probabilities.indices.sorted {
              (-probabilities[$0], $0) < (-probabilities[$1], $1)
            }
            guesses[picture.index] = order.prefix(top).map {
              PredictionReport.Guess(name: contract.classes[$0], number: $0, probability: probabilities[$0])
            }
            if let label {
              probabilities.map { Float($0) }.withUnsafeBufferPointer { metrics.accumulate(output: $0, expected: label) }
            }
          }
        }
      }
    }

    // As many at once as there are threads, so that only so many stand in memory as they were decoded.
    let group = max(engine.threadCount, 1), size = network.pictureSize(contract.form)
    for start in stride(from: 0, to: listed.pictures.count, by: group) {
      let paths = listed.pictures[start..<min(start + group, listed.pictures.count)].map(\.path)
      progress?(paths[0], Double(start) / Double(listed.pictures.count))
      for (offset, result) in workers.map(paths, { path in contract.form.read(path, size: size) }).enumerated() {
        switch result {
        case .failure(let error): report.fail(paths[offset], error, failure)
        case .success(let tensor): waiting.append(Ready(index: start + offset, tensor: tensor))
        }
      }
      let byteCount = waiting.reduce(0) { $0 + 4 * $1.tensor.shape.count }
      if waiting.count >= PictureClassifier.mostPictures || byteCount > Self.waitingBudget { flush() }
    }
    flush()

    for (picture, guesses) in zip(listed.pictures, guesses) {
      guard let guesses else { continue }
      report.pictures.append(
        PredictionReport.Picture(
          file: picture.path, guesses: guesses, expected: picture.label.map { contract.classes[$0] }))
    }
    if listed.isLabelled, let accuracy = metrics.accuracy, let topAccuracy = metrics.topAccuracy {
      report.classification = PredictionReport.Classification(
        count: metrics.count, accuracy: accuracy, top: top, topAccuracy: topAccuracy, confusion: metrics.confusion.rows)
    }
    if let output {
      let table = report.table(options.table)
      try wrapping { () throws(FileError) in try AtomicFile.write(Array(table.utf8), to: output) }
    }
  }
}

extension PictureForm {
  /// The picture of a file as it enters the network, in its own size where none is given.
  fileprivate func read(_ path: String, size: Size?) -> Result<Tensor, EvaluationError> {
    do throws(ImageError) {
      let image = try Image(path: path)
      return .success(tensor(size.map { planes(image, resizedTo: $0) } ?? planes(image)))
    } catch {
      return .failure(.image(error))
    }
  }
}

extension Predictor {
  private func segment(
    _ inputs: [String], _ segmenter: PictureSegmenter, output: String, _ report: inout PredictionReport,
    _ failure: ((String) -> Void)?, _ progress: ((String, Double) -> Void)?
  ) throws(EvaluationError) {
    let contract = segmenter.contract
    var masks: [String: String]?
    if let folder = options.labels {
      let found = try wrapping { () throws(DataError) in try PictureSet(folders: [folder]).files }
      masks = Dictionary(found.map { (Folder.split($0.name).stem, $0.path) }, uniquingKeysWith: { first, _ in first })
      // Before outputs are claimed, so that no mask that is read is written over.
      try wrapping { () throws(FileError) in for mask in found { try FileClaims.reads(mask.path) } }
    }
    var naming = PictureBatch.Naming(
      isRecursive: options.isRecursive, format: .png, companionSuffix: options.makesOverlays ? "-overlay" : nil,
      offersSuffix: false, overwrites: options.overwrites)
    naming.maker = "predict"
    naming.knowsByMarkAlone = true
    let batch = try PictureBatch(inputs: inputs, output: output, naming: naming)
    (report.ignored, report.unentered) = (batch.ignored, batch.unentered)
    (report.madeBefore, report.inOutputFolder) = (batch.seemingOutputs.map(\.path), batch.inOutputFolder)
    for item in batch.items { try Folder.checkExtension(item.output, in: [".png"]) }
    for (item, error) in batch.refused { report.fail(item.input, error, failure) }
    var metrics = SegmentationMetrics(classes: contract.classes.count, threshold: segmenter.threshold)
    var count = 0
    for (index, item) in batch.items.enumerated() {
      progress?(item.input, Double(index) / Double(batch.items.count))
      do throws(EvaluationError) {
        let (picture, labels, image) = try segment(item, segmenter, naming)
        report.pictures.append(picture)
        guard let masks, let folder = options.labels else { continue }
        metrics.accumulate(predicted: labels, expected: try truth(of: item.input, image, in: masks, folder, contract))
        count += 1
      } catch {
        report.fail(item.input, error, failure)
      }
    }
    guard let accuracy = metrics.pixelAccuracy else { return }
    let isSingle = contract.isBinary, labels = 0..<contract.classes.count
    report.segmentation = PredictionReport.Segmentation(
      count: count, pixelAccuracy: accuracy, intersectionOverUnion: metrics.intersectionOverUnion, dice: metrics.dice,
      intersectionOverUnionByClass: isSingle ? nil : labels.map(metrics.confusion.intersectionOverUnion),
      diceByClass: isSingle ? nil : labels.map(metrics.confusion.dice))
  }

  /// Writes the mask of a picture, grey: the class of each pixel, or 255 where it is of the one.
  private func segment(
    _ item: PictureBatch.Item, _ segmenter: PictureSegmenter, _ naming: PictureBatch.Naming
  ) throws(EvaluationError) -> (PredictionReport.Picture, labels: [UInt8], Image) {
    let image = try wrapping { () throws(ImageError) in try Image(path: item.input) }
    if item.output != "-" {
      try wrapping { () throws(FileError) in
        if item.createsFolder, let folder = Folder.parent(item.output) { try Folder.create(folder) }
        try Folder.checkWritable(item.output)
        if let companion = item.companion { try Folder.checkWritable(companion) }
      }
    }
    let labels = try segmenter.labels(image)
    let isBinary = segmenter.contract.isBinary
    let levels = isBinary ? labels.map { $0 * 255 } : labels
    let mask = Image(width: image.width, height: image.height, colourModel: .grey, samples: .uint8(levels))
    try write(
      [(item.output, mask)] + (item.companion.map { [($0, SegmentOverlay.image(image, labels: labels))] } ?? []), of: item,
      naming)
    var counts = [Int](repeating: 0, count: 256)
    for label in labels { counts[Int(label)] += 1 }
    let shown = isBinary ? 1...1 : 0...segmenter.contract.classes.count - 1
    return (
      PredictionReport.Picture(
        file: item.input, mask: item.output, overlay: item.companion,
        shares: shown.map { Double(counts[$0]) / Double(labels.count) }), labels, image
    )
  }

  /// Writes the outputs of a picture, of which none appears before all are written.
  private func write(
    _ outputs: [(path: String, image: Image)], of item: PictureBatch.Item, _ naming: PictureBatch.Naming
  ) throws(EvaluationError) {
    var sinks: [FileSink] = []
    for (path, image) in outputs {
      let bytes = try wrapping { () throws(ImageError) in try image.encoded(as: .png) }
      try wrapping { () throws(FileError) in
        let sink = try FileSink(path: path)
        try bytes.withBytes { (bytes) throws(FileError) in try sink.write(bytes, at: 0) }
        sink.mark(maker: naming.maker)
        sinks.append(sink)
      }
    }
    // Somebody may have put a file there meanwhile.
    if let error = naming.refusal(of: item) { throw error }
    for sink in sinks { try wrapping { () throws(FileError) in try sink.commit() } }
  }

  private func truth(
    of path: String, _ image: Image, in masks: [String: String], _ folder: String, _ contract: SegmenterContract
  ) throws(EvaluationError) -> [UInt8] {
    guard let found = masks[Folder.split(path).stem] else { throw .data(.noMask(picture: path, folder: folder)) }
    let mask = try wrapping { () throws(ImageError) in try Image(path: found) }
    return try wrapping { () throws(DataError) in
      guard mask.width == image.width, mask.height == image.height else { throw .maskSize(picture: path, mask: found) }
      return try MaskPairSource.labels(mask.floatPlane(0), classes: contract.classes.count, path: found)
    }
  }
}
