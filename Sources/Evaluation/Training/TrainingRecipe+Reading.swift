import Architectures
import Files
import Formats
import Imaging
import Networks
import Training

extension TrainingRecipe {
  /// Reads a recipe file and puts options in the places of its values.
  ///
  /// - Parameters:
  ///   - path: nil where options say all.
  ///   - offersOptions: whether who asks can give any key as an option, which errors then name.
  public init(
    contentsOf path: String?, options: RecipeOptions = RecipeOptions(), offersOptions: Bool = false
  ) throws(EvaluationError) {
    var node = YAMLNode(.mapping([]))
    if let path {
      let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: YAMLNode.byteLimit) }
      do throws(YAMLError) {
        node = try YAMLNode(parsing: bytes)
      } catch {
        throw .recipe(RecipeError(path: path, line: error.line, problem: .syntax(error.reason)))
      }
    }
    let values = options.values(for: node)
    for option in values { node.set(option.key.split(separator: ".").map(String.init), to: option.value.withoutLines) }
    do throws(RecipeError) {
      self = try TrainingRecipe(node, path: path)
    } catch {
      var error = error
      if offersOptions { error.mend = RecipeOptions.mend(error) }
      throw .recipe(values.contains { error.isOf($0.key) } ? error.ofOptions : error)
    }
  }

  /// Refuses an architecture that there is not, and options that it lacks, by the line that names them; what came from options of the command is
  /// refused as those are, when the network is made.
  private static func check(_ source: Source, _ model: RecipeReader, _ given: RecipeReader?) throws(RecipeError) {
    guard case .architecture(let name, let options) = source else { return }
    do throws(ArchitectureError) {
      _ = try Architecture(named: name, options: options)
    } catch {
      let problem = RecipeError.Problem.told(error.description)
      let refusal =
        switch error {
        case .unknownArchitecture: model.error("architecture", problem)
        case .unknownOption(_, let option), .option(_, let option, _, _):
          given?.error(option, problem) ?? model.error("options", problem)
        case .tooLarge, .memory, .network: model.error("options", problem)
        }
      if refusal.path != nil, refusal.line > 0 { throw refusal }
    }
  }

  init(_ node: YAMLNode, path: String?) throws(RecipeError) {
    var root = try RecipeReader(node, path: path)
    guard var model = try root.section("model") else { throw root.error("model", .missingKey("model")) }
    guard var data = try root.section("data") else { throw root.error("data", .missingKey("data")) }
    // All its keys have a value by themselves.
    let given = try root.section("training")
    var training = try RecipeReader(YAMLNode(.mapping([])), path: path, prefix: "training", record: root.record)
    if let given { training = given }

    if let architecture = try model.text("architecture") {
      if model.contains("file") { throw model.error("file", .excluded("model.file", by: "model.architecture")) }
      _ = try model.text("file")
      var options = try model.section("options")
      source = .architecture(architecture, options: try options?.dictionary() ?? [:])
      try Self.check(source, model, options)
    } else {
      source = .model(try model.required("file"))
    }
    pretrained = try model.text("pretrained")
    try model.finish()

    damaged = try data.choice("damaged", .stop)
    loadingThreadCount = try data.integer("threads", 1, in: 0...256)
    self.data = try Data(&data, isValidation: false)
    try data.finish()
    Self.noteDefaults(source, self.data, in: root.record)
    if var section = try root.section("validation") {
      validationInterval = try section.integer("every", 1, in: 1...1_000_000)
      validation = try Validation(&section, of: self.data)
      try section.finish()
    }

    epochs = try training.integer("epochs", 50, in: 1...10_000_000)
    batchSize = try training.integer("batch-size", 16, in: 1...65536)
    parts = try training.integer("parts", 1, in: 1...batchSize)
    if !batchSize.isMultiple(of: parts) {
      throw training.refusal("parts", "\(parts)", "a divisor of training.batch-size, which is \(batchSize)")
    }
    seed = UInt64(try training.integer("seed", 1, in: 0...Int.max))
    averageKeep = try training.optionalNumber("average", in: 0...0.999999).map { Float($0) }
    batchNormMomentum = Float(try training.number("batch-norm-momentum", 0.1, in: 0...1))
    if let text = try training.text("memory") {
      guard let limit = TextFormat.parsedByteCount(text) else {
        throw training.refusal("memory", text, "bytes, as in 512M or 2G")
      }
      memoryLimit = limit
      training.note("memory", "\(limit)")
    }
    loss = try WeightedLoss(&training, of: self.data)
    if parts > 1, loss.isMixed {
      throw training.refusal(
        "parts", "\(parts)", "1 where training.loss joins mse-sum with losses that do not grow with the batch")
    }
    if var section = try root.section("distillation") {
      distillation = try Imitation(&section, of: self.data)
      try section.finish()
      if parts > 1, loss.isSum {
        throw training.refusal("parts", "\(parts)", "1 where mse-sum, which grows with the batch, stands beside a distillation")
      }
    }
    if var section = try root.section("quantize") {
      quantizing = try Quantizing(&section)
      try section.finish()
      if let distillation, !distillation.features.isEmpty {
        throw root.error("distillation", .excluded("distillation.features", by: "quantize"))
      }
    }
    optimizer = try Optimizer(&training)
    clipping = try GradientClipping(&training)
    learningRate = try LearningRate(&training, epochs: epochs)
    try training.finish()
    try root.finish()
    self.node = node.withoutNulls
    self.path = path
    resolved = root.record.values
  }

  /// Notes what keys come to that depend on others: options of the architecture, and scales of the data.
  private static func noteDefaults(_ source: Source, _ data: Data, in record: RecipeRecord) {
    guard case .architecture(let name, let options) = source else {
      // The model's own.
      if record.values["data.scales"] == "[]" { record.values["data.scales"] = nil }
      return
    }
    let given = options.merging(data.architectureOptions(name)) { own, _ in own }
    guard let all = try? Architecture.resolvedOptions(named: name, options: given) else { return }
    for (option, value) in all { record.values["model.options.\(option)"] = value }
    if record.values["data.scales"] == "[]" { record.values["data.scales"] = all["scale"].map { "[\($0)]" } ?? "[2, 3, 4]" }
  }
}

extension TrainingRecipe.Data {
  init(_ reader: inout RecipeReader, isValidation: Bool) throws(RecipeError) {
    let kind: Kind = try reader.choice("kind", nil)
    for key in Set(Kind.allCases.flatMap(\.ownKeys)) {
      let owners = Kind.allCases.filter { $0.ownKeys.contains(key) }.map(\.rawValue)
      reader.reserve([key], for: owners, of: "kind", chosen: kind.rawValue)
    }
    let cache = try reader.text("cache")
    let cacheByteCount = cache.flatMap(TextFormat.parsedByteCount) ?? 1 << 30
    reader.note("cache", "\(cacheByteCount)")
    if let cache, TextFormat.parsedByteCount(cache) == nil { throw reader.refusal("cache", cache, "bytes, as in 512M or 2G") }
    switch kind {
    case .superResolution:
      var options = SuperResolutionSource.Options()
      let found = try TrainingRecipe.Folders(&reader)
      options.scales = try reader.integers("scales", [], in: 2...16)
      options.patch = try reader.integer("patch", 96, in: 1...4096)
      options.patchesPerPicture = try reader.integer("patches-per-picture", 16, in: 1...1_000_000)
      options.symmetries = try Symmetries(&reader)
      options.preScales = try reader.numbers("pre-scales", [1], in: 0.05...1)
      options.roundsInput = try reader.boolean("round-input", false)
      options.flatShare = try reader.number("flat-share", 0, in: 0...1)
      options.degradations = try reader.degradations()
      options.cacheByteCount = cacheByteCount
      self = .superResolution(found, options)
    case .hdf5:
      self = .hdf5(
        file: try reader.required("file"), inputs: try reader.text("inputs", "data"),
        targets: try reader.text("targets", "label"))
    case .classes:
      var options = ClassFolderSource.Options()
      let folder = try reader.required("folder")
      var size: PictureForm.Size?
      if let sides = try reader.texts("size") {
        let numbers = sides.compactMap { Int($0) }.filter { (1...8192).contains($0) }
        guard numbers.count == sides.count, numbers.count == 2 else {
          throw reader.refusal("size", sides.joined(separator: ", "), "[width, height]")
        }
        size = PictureForm.Size(width: numbers[0], height: numbers[1])
      }
      options.form = try reader.pictureForm(channels: 3)
      options.form.size = size
      options.flips = try reader.boolean("flips", false)
      options.shift = try reader.integer("shift", 0, in: 0...1024)
      options.labelSmoothing = Float(try reader.number("label-smoothing", 0, in: 0...0.99))
      options.cacheByteCount = cacheByteCount
      self = .classes(folder: folder, options)
    case .masks:
      var options = MaskPairSource.Options()
      let pictures = try reader.required("pictures"), masks = try reader.required("masks")
      options.form = try reader.pictureForm(channels: try reader.boolean("grey", true) ? 1 : 3)
      options.classes = try reader.integer("classes", 1, in: 1...255)
      let names = try reader.texts("names")
      if let names, names.count != options.classes {
        throw reader.refusal("names", names.joined(separator: ", "), "as many names as there are classes, \(options.classes)")
      }
      options.patch = try reader.optionalInteger("patch", in: 1...8192)
      options.patchesPerPicture = try reader.integer("patches-per-picture", 1, in: 1...1_000_000)
      options.symmetries = try Symmetries(&reader)
      options.subset = try reader.places("subset")
      options.cacheByteCount = cacheByteCount
      self = .masks(pictures: pictures, masks: masks, names: names, options)
    case .lowLight:
      var options = LowLightSource.Options()
      let found = try TrainingRecipe.Folders(&reader)
      options.patch = try reader.integer("patch", 256, in: 2...8192)
      options.patchesPerPicture = try reader.integer("patches-per-picture", 1, in: 1...1_000_000)
      options.symmetries = try Symmetries(&reader)
      options.ratio = try reader.range("ratio", options.ratio, in: 1...1e6)
      options.gamma = try reader.number("gamma", options.gamma, in: 0.1...10)
      options.shot = try reader.range("shot", options.shot, in: 0...1)
      options.read = try reader.range("read", options.read, in: 0...1)
      options.whiteLevel = try reader.integer("white-level", options.whiteLevel, in: 1...1 << 24)
      options.cacheByteCount = cacheByteCount
      self = .lowLight(found, options)
    }
  }
}

extension TrainingRecipe.Folders {
  fileprivate init(_ reader: inout RecipeReader) throws(RecipeError) {
    guard let folders = try reader.texts("folders"), !folders.isEmpty else {
      throw reader.error("folders", .missingKey(reader.fullName("folders")))
    }
    self.init(paths: folders, isRecursive: try reader.boolean("recursive", false), subset: try reader.places("subset"))
  }
}

extension RecipeReader {
  /// `[first, last]`
  fileprivate mutating func places(_ key: String) throws(RecipeError) -> ClosedRange<Int>? {
    guard contains(key) else {
      _ = try text(key)
      return nil
    }
    let places = try integers(key, [], in: 0...1_000_000_000)
    guard places.count == 2, places[0] <= places[1] else { throw refusal(key, "\(places)", "[first, last], from 0 on") }
    return places[0]...places[1]
  }

  /// Of `mean` and `deviation`.
  fileprivate mutating func pictureForm(channels: Int) throws(RecipeError) -> PictureForm {
    let mean = try numbers("mean", Array(repeating: 0, count: channels), in: -1000...1000)
    let deviation = try numbers("deviation", Array(repeating: 1, count: channels), in: 1e-6...1000)
    for (key, values) in [("mean", mean), ("deviation", deviation)] where values.count != channels {
      throw refusal(key, "\(values)", channels == 1 ? "one number" : "three numbers")
    }
    return PictureForm(mean: mean.map { Float($0) }, deviation: deviation.map { Float($0) })
  }
}

extension Symmetries {
  fileprivate init(_ reader: inout RecipeReader) throws(RecipeError) {
    self.init(flips: try reader.boolean("flips", true), rotations: try reader.boolean("rotations", true))
  }
}

extension RecipeReader {
  fileprivate mutating func degradations() throws(RecipeError) -> [Degradation] {
    var found: [Degradation] = []
    for text in try texts("degradations") ?? [] {
      guard let degradation = Degradation(text) else {
        throw refusal("degradations", text, "blur:0.2-1.5, noise:0-5 or jpeg:40-95, with numbers of your own")
      }
      found.append(degradation)
    }
    note("degradations", Self.listed(found.map(\.description)))
    return found
  }
}

extension TrainingRecipe.Validation {
  /// Keys of the data that are not given are those that it is trained on with.
  init(_ reader: inout RecipeReader, of data: TrainingRecipe.Data) throws(RecipeError) {
    let isOfPictures =
      switch data {
      case .superResolution: !reader.contains("kind")
      case .hdf5: reader.contains("folder")
      case .classes, .masks, .lowLight: false
      }
    if isOfPictures {
      self = .pictures(
        folder: try reader.required("folder"), protocol: try reader.text("protocol", EvaluationProtocol.vdsr.name),
        scales: reader.contains("scales") ? try reader.integers("scales", [], in: 2...16) : nil,
        degradations: try reader.degradations())
      return
    }
    switch data {
    case .classes(_, var options):
      options.flips = false
      options.shift = 0
      options.labelSmoothing = 0
      self = .data(.classes(folder: try reader.required("folder"), options))
    case .masks(_, _, let names, var options):
      options.symmetries = .none
      options.patch = nil
      options.patchesPerPicture = 1
      // Not those that are learnt from.
      options.subset = try reader.places("subset")
      self = .data(
        .masks(pictures: try reader.required("pictures"), masks: try reader.required("masks"), names: names, options))
    case .lowLight(_, var options):
      options.symmetries = .none
      options.patchesPerPicture = 1
      self = .data(.lowLight(try TrainingRecipe.Folders(&reader), options))
    case .hdf5(_, let inputs, let targets):
      // Pictures are in a folder here, and data of their kind in several.
      if reader.contains("folders"), !reader.contains("file") {
        throw reader.error(
          "folders", .unknownKey(reader.fullName("folders"), nearest: reader.fullName("folder"), known: []))
      }
      self = .data(.hdf5(file: try reader.required("file"), inputs: inputs, targets: targets))
    case .superResolution: self = .data(try TrainingRecipe.Data(&reader, isValidation: true))
    }
  }
}

extension WeightedLoss {
  static let names = [
    "l1", "mse", "mse-sum", "charbonnier", "ssim", "cross-entropy", "binary-cross-entropy", "dice",
  ]

  static func loss(_ name: String) -> Loss? {
    switch name {
    case "l1": .absoluteError
    case "mse": .squaredError
    case "mse-sum": .summedSquaredError
    case "charbonnier": .charbonnier(epsilon: 1e-3)
    case "ssim": .structuralSimilarity(maximum: 1)
    case "cross-entropy": .crossEntropy
    case "binary-cross-entropy": .binaryCrossEntropy
    case "dice": .dice
    default: nil
    }
  }

  /// One name, or names with weights.
  fileprivate init(_ reader: inout RecipeReader, of data: TrainingRecipe.Data) throws(RecipeError) {
    let given = try reader.textOrSection("loss")
    if let text = given.text {
      guard let loss = Self.loss(text) else { throw reader.refusal("loss", text, RecipeReader.list(Self.names)) }
      // Of pictures it would be a constant: nothing is learnt by it.
      if loss == .crossEntropy, data.isOfPictures {
        throw reader.refusal("loss", text, RecipeReader.list(Self.names.filter { $0 != text }))
      }
      self.init(loss)
    } else if var section = given.section {
      var terms: [Term] = []
      for name in Self.names {
        guard let weight = try section.optionalNumber(name, in: 1e-9...1e6), let loss = Self.loss(name) else { continue }
        terms.append(Term(loss, weight: Float(weight)))
      }
      try section.finish()
      guard !terms.isEmpty else { throw reader.error("loss", .missingKey("a loss with its weight")) }
      self.init(terms)
    } else {
      let name =
        switch data {
        case .superResolution, .hdf5, .lowLight: "l1"
        case .classes: "cross-entropy"
        case .masks(_, _, _, let options): options.classes == 1 ? "binary-cross-entropy" : "cross-entropy"
        }
      reader.note("loss", name)
      self.init(Self.loss(name) ?? .absoluteError)
    }
  }
}

extension TrainingRecipe.Imitation {
  /// Losses that take any target, by their names in recipes, and one that is no such loss.
  private enum Kind: String, CaseIterable {
    case l1, mse, charbonnier, ssim, classes
  }

  fileprivate init(_ reader: inout RecipeReader, of data: TrainingRecipe.Data) throws(RecipeError) {
    teacher = try reader.required("teacher")
    var isClassifier = false
    if case .classes = data { isClassifier = true }
    let kind: Kind = try reader.choice("loss", isClassifier ? .classes : .l1)
    let temperature = try reader.optionalNumber("temperature", in: 0.01...1000)
    if let temperature, kind != .classes {
      throw reader.refusal("temperature", "\(temperature)", "left out where distillation.loss is not classes")
    }
    imitation =
      WeightedLoss.loss(kind.rawValue).map { .loss($0) } ?? .softenedClasses(temperature: Float(temperature ?? 4))
    weight = Float(try reader.number("weight", 1, in: 0...1e6))
    targetWeight = Float(try reader.number("target-weight", 1, in: 0...1e6))
    var section = try reader.section("features")
    features = (try section?.dictionary() ?? [:]).sorted { $0.key < $1.key }.map { .init(student: $0.key, teacher: $0.value) }
    featureWeight = Float(try reader.number("feature-weight", 1, in: 0...1e6))
    if weight == 0, features.isEmpty { throw reader.refusal("weight", "0", "above 0 where no features are imitated") }
  }
}
