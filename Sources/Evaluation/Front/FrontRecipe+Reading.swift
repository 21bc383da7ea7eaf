import CPUBackend
import Files
import Formats
import Tensors
import Transforms

extension FrontRecipe {
  /// Reads a recipe file, and that of its base where that is another.
  public init(contentsOf path: String) throws(EvaluationError) {
    let node = try Self.document(path)
    var basePath: String?, base = node.value(["base"])
    if case .scalar(let text, _)? = base?.content, !text.isEmpty { basePath = text }
    if let basePath { base = try Self.document(basePath) }
    do throws(RecipeError) {
      self = try FrontRecipe(node, path: path, base: base, basePath: basePath)
    } catch {
      throw .recipe(error)
    }
  }

  private static func document(_ path: String) throws(EvaluationError) -> YAMLNode {
    let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: YAMLNode.byteLimit) }
    do throws(YAMLError) {
      return try YAMLNode(parsing: bytes)
    } catch {
      throw .recipe(RecipeError(path: path, line: error.line, problem: .syntax(error.reason)))
    }
  }

  /// - Parameters:
  ///   - base: the training recipe under `base`, or in the file that it names.
  init(_ node: YAMLNode, path: String?, base: YAMLNode?, basePath: String? = nil) throws(RecipeError) {
    var reader = try RecipeReader(node, path: path)
    reader.ignore(["base"])
    guard let base else { throw reader.error("base", .missingKey("base")) }
    self.path = path
    self.node = node
    self.basePath = basePath
    self.base = try TrainingRecipe(base, path: basePath ?? path)
    guard self.base.validation != nil else { throw reader.error("base", .missingKey("base.validation")) }
    if try reader.section("fine-tuning") != nil { fineTuning = node.value(["fine-tuning"]) }
    // All its keys have a value by themselves.
    let given = try reader.section("timing")
    var timing = try RecipeReader(YAMLNode(.mapping([])), path: path, prefix: "timing")
    if let given { timing = given }
    if let text = try timing.text("input") {
      guard let shape = Shape(text) else { throw timing.refusal("input", text, "a shape, as in 1x3x128x128") }
      input = shape
    }
    threadCount = try timing.optionalInteger("threads", in: 1...1024)
    rounds = try timing.integer("rounds", 30, in: 6...200)
    try timing.finish()
    if var section = try reader.section("calibration") {
      calibration = Calibration(
        folder: try section.required("folder"), count: try section.integer("count", 24, in: 1...1024),
        side: try section.integer("side", 96, in: 8...1024))
      try section.finish()
    }
    let listed = try reader.elements("variants")
    try reader.finish()
    guard let elements = listed, !elements.isEmpty else { throw reader.error("variants", .missingKey("variants")) }
    variants = []
    var names: [String] = []
    for element in elements {
      var variant = try RecipeReader(element, path: path, prefix: "variants")
      names.append(try FrontVariant.name(&variant, among: names))
    }
    for (element, name) in zip(elements, names) {
      var variant = try RecipeReader(element, path: path, prefix: "variants.\(name.onOneLine)")
      variants.append(try FrontVariant(&variant, name: name, names: names, calibrates: calibration != nil))
    }
    for (element, variant) in zip(elements, variants) where variant.changesParameters {
      guard case .variant(let name) = variant.beginning, isOfIntegers(name, among: names) else { continue }
      throw try RecipeReader(element, path: path, prefix: "variants.\(variant.name.onOneLine)").refusal(
        "of", name, "a variant that is not of integers, which are not trained or cut further")
    }
  }

  /// Whether a variant is one, or begins with one.
  private func isOfIntegers(_ name: String, among names: [String]) -> Bool {
    var next: String? = name
    // Names may lead in a circle, which the plan refuses.
    for _ in names {
      guard let variant = next.flatMap({ self[$0] }) else { return false }
      if variant.integers != nil || variant.trainsIntegers { return true }
      if case .variant(let other) = variant.beginning { next = other } else { next = nil }
    }
    return false
  }
}

extension FrontVariant {
  /// Whether its model is another than that which it begins with.
  fileprivate var changesParameters: Bool { isTrained || substitute != nil || pruning != nil || integers != nil }

  /// The name, which no other has, also where a disk does not tell capitals.
  static func name(_ reader: inout RecipeReader, among others: [String]) throws(RecipeError) -> String {
    let name = try reader.required("name")
    guard name.utf8.count <= 80, let first = name.unicodeScalars.first,
      first.properties.isAlphabetic || ("0"..."9").contains(first)
    else {
      throw reader.refusal("name", name.onOneLine, "at most 80 bytes, and begin with a letter or a digit")
    }
    guard name.escapingControls == name else {
      throw reader.refusal("name", name.onOneLine, "text without control characters")
    }
    if let other = others.first(where: { $0.lowercased() == name.lowercased() }) {
      throw reader.refusal("name", name, "one that no other variant has ('\(other)' is there)")
    }
    return name
  }

  init(_ reader: inout RecipeReader, name: String, names: [String], calibrates: Bool) throws(RecipeError) {
    self.name = name
    reader.ignore(["name"])
    beginning = .own
    if let other = try reader.text("of") {
      beginning = .variant(try Self.known(other, "of", names, reader))
    }
    if let file = try reader.text("file") {
      if reader.contains("of") { throw reader.error("file", .excluded(reader.fullName("file"), by: reader.fullName("of"))) }
      beginning = .file(file)
    }
    if let text = try reader.text("substitute") {
      guard let kind = ConvolutionSubstitute(rawValue: text) else {
        throw reader.refusal("substitute", text, RecipeReader.list(ConvolutionSubstitute.allCases.map(\.rawValue)))
      }
      substitute = kind
    }
    pruning = try Pruning(&reader)
    changes = [:]
    for (key, section) in Self.trainingSections {
      // Keys within are checked where the whole recipe of the training is.
      if let node = try reader.mapping(key) { changes[section] = node }
    }
    if beginning != .own, let key = ["model"].first(where: reader.contains) {
      throw reader.error(
        key, .excluded(reader.fullName(key), by: reader.fullName(reader.contains("of") ? "of" : "file")))
    }
    for key in ["epochs", "batch-size"] {
      guard let value = changes["training"]?.value([key]) else { continue }
      throw reader.refusal(
        "training", "\(key): \(value.text.trimmed)",
        "without \(key): all variants have one budget, which 'base' and 'fine-tuning' say")
    }
    if let given = changes["distillation"]?.value(["teacher"]), case .scalar(let text, _) = given.content {
      teacher = names.contains(text) ? .variant(text) : .file(text)
      if text == name { throw reader.refusal("distillation", "teacher: \(text)", "another than the variant itself") }
    } else if changes["distillation"] != nil {
      throw reader.error("distillation", .missingKey(reader.fullName("distillation.teacher")))
    }
    let isNew = beginning == .own || substitute != nil || pruning != nil || !changes.isEmpty
    isTrained = try reader.boolean("trained", isNew)
    let trainingKeys = Self.trainingSections.map(\.key).filter { $0 != "model" }
    if !isTrained, let key = trainingKeys.first(where: reader.contains) {
      throw reader.error(key, .excluded(reader.fullName(key), by: reader.fullName("trained")))
    }
    integers = try ModelQuantization.Options(&reader)
    if integers != nil, !calibrates { throw reader.error("quantize", .missingKey("calibration")) }
    precision = try reader.choice("precision", .float32)
    if trainsIntegers, integers != nil {
      throw reader.error("quantize", .excluded(reader.fullName("quantize"), by: reader.fullName("qat")))
    }
    if integers != nil || trainsIntegers, precision != .float32 {
      throw reader.error(
        "precision", .excluded(reader.fullName("precision"), by: reader.fullName(trainsIntegers ? "qat" : "quantize")))
    }
    try reader.finish()
  }

  private static func known(
    _ other: String, _ key: String, _ names: [String], _ reader: RecipeReader
  ) throws(RecipeError) -> String {
    guard names.contains(other) else {
      let mend = TextFormat.nearest(to: other, among: names).map { "; do you mean '\($0)'?" } ?? ""
      throw reader.refusal(key, other, "the name of a variant\(mend)")
    }
    return other
  }
}

extension FrontVariant.Pruning {
  /// A number, or a mapping.
  fileprivate init?(_ reader: inout RecipeReader) throws(RecipeError) {
    let range = 0.001...0.999
    let given = try reader.textOrSection("prune")
    if let text = given.text {
      guard let value = Double(text), range.contains(value) else {
        throw reader.refusal("prune", text, "the part of the channels that goes, from 0.001 to 0.999")
      }
      sparsity = value
    } else if var section = given.section {
      guard let value = try section.optionalNumber("sparsity", in: range) else {
        throw section.error("sparsity", .missingKey(section.fullName("sparsity")))
      }
      sparsity = value
      importance = try section.choice("importance", .l1)
      multiple = try section.integer("align", ModelPruning.Request.kernelWidth, in: 1...1024)
      try section.finish()
    } else {
      return nil
    }
  }
}

extension ModelQuantization.Options {
  /// A way to find ranges, or a mapping.
  fileprivate init?(_ reader: inout RecipeReader) throws(RecipeError) {
    func ranges(_ text: String, _ key: String, _ reader: RecipeReader) throws(RecipeError) -> RangeMethod {
      guard let method = RangeMethod(text) else {
        throw reader.refusal(key, text, "minmax, percentile, percentile:SHARE or mse")
      }
      return method
    }
    let given = try reader.textOrSection("quantize")
    guard given.text != nil || given.section != nil else { return nil }
    self.init()
    measuresLayers = false
    if let text = given.text {
      method = try ranges(text, "quantize", reader)
    } else if var section = given.section {
      if let text = try section.text("ranges") { method = try ranges(text, "ranges", section) }
      maximumLoss = try section.optionalNumber("max-loss", in: 0...100)
      choosesFirst = !section.contains("first")
      scheme = QuantizationScheme(
        weightBits: try section.integer("weight-bits", 8, in: 2...8), keepsFirst: !(try section.boolean("first", false)),
        floatLayers: Set(try section.texts("float") ?? []))
      if section.contains("residual") {
        choosesResidual = false
        scheme.residual = try section.choice("residual", nil)
      }
      equalizes = try section.boolean("equalize", false)
      rounding = try section.choice("rounding", .nearest)
      try section.finish()
    }
  }
}

extension RecipeReader {
  /// A mapping whose keys are read elsewhere; nil where the key is not there.
  fileprivate mutating func mapping(_ key: String) throws(RecipeError) -> YAMLNode? {
    // Throws where it is none.
    guard try section(key) != nil else { return nil }
    return value(key)
  }
}

extension String {
  fileprivate var trimmed: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
