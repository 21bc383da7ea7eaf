import Files
import Formats
import Tensors
import Transforms

/// What a configuration file says beside its list.
public struct PruningFile: Equatable, Sendable {
  public var configuration: PruningConfiguration
  /// By what channels are held important, where the file names a pruner.
  public var importance: PruningImportance?
  /// The shape of the input that is reckoned for.
  public var dummyInput: Shape?

  /// Whether single weights go and not channels; nil where the file does not say. Throws where it says both.
  public var isOfWeights: Bool? {
    get throws(EvaluationError) {
      var known = configuration.isOfWeights
      for entry in configuration.entries {
        guard let own = entry.isOfWeights else { continue }
        guard known == nil || known == own else {
          throw .recipe(
            RecipeError(
              path: path, line: entry.line,
              problem: .value(
                key: "granularity", value: own ? "weights" : "out_channel",
                allowed: "that of the other entries and of the pruner")))
        }
        known = own
      }
      return known
    }
  }

  private let path: String?

  /// Reads a file in YAML or JSON: a list of entries, or a mapping of `config_list` and what else a pruner takes.
  public init(contentsOf path: String) throws(EvaluationError) {
    let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: YAMLNode.byteLimit) }
    do throws(RecipeError) {
      let node: YAMLNode
      do throws(YAMLError) { node = try YAMLNode(parsing: bytes) } catch {
        throw RecipeError(path: path, line: error.line, problem: .syntax(error.reason))
      }
      self = try PruningFile(node, path: path)
    } catch {
      throw .recipe(error)
    }
  }

  init(_ node: YAMLNode, path: String?) throws(RecipeError) {
    configuration = PruningConfiguration()
    self.path = path
    if case .sequence(let elements) = node.content {
      try read(elements, path)
    } else {
      var reader = try RecipeReader(node, path: path)
      if let name = try reader.text("pruner") { try takePruner(name, reader) }
      let isBalanced: Bool
      switch try reader.text("mode") {
      case nil, "normal", "dependency_aware", "global": isBalanced = false
      case "balance": isBalanced = true
      case let other?: throw reader.refusal("mode", other, "normal or balance")
      }
      if let gran = try reader.texts("balance_gran") {
        let extents = gran.compactMap { Int($0) }
        guard extents.count == gran.count, extents.allSatisfy({ $0 > 0 }), isBalanced else {
          throw reader.refusal("balance_gran", gran.joined(separator: ", "), "whole numbers above 0, beside 'mode: balance'")
        }
        configuration.balance = .blocks(extents)
      } else if isBalanced {
        configuration.balance = .blocks(nil)
      }
      if let extents = try reader.texts("dummy_input") {
        let numbers = extents.count == 1 ? Shape(extents[0])?.extents ?? [] : extents.compactMap { Int($0) }
        guard numbers.count == extents.count || extents.count == 1, !numbers.isEmpty, numbers.allSatisfy({ $0 > 0 }) else {
          throw reader.refusal("dummy_input", extents.joined(separator: ", "), "a shape, as in [1, 3, 224, 224]")
        }
        dummyInput = Shape(numbers)
      }
      guard let list = try reader.elements("config_list") else { throw reader.error("config_list", .missingKey("config_list")) }
      try reader.finish()
      try read(list, path)
    }
    if configuration.entries.isEmpty {
      throw RecipeError(
        path: path, line: node.line, problem: .value(key: "config_list", value: "empty", allowed: "a list of entries"))
    }
  }

  /// The names of NNI's pruners, of both of its versions.
  private mutating func takePruner(_ name: String, _ reader: RecipeReader) throws(RecipeError) {
    var plain = name.lowercased().filter(\.isLetter)
    for ending in ["pruner", "filter", "norm"] where plain.hasSuffix(ending) { plain.removeLast(ending.count) }
    switch plain {
    case "level": (importance, configuration.isOfWeights) = (.l1, true)
    case "l":
      importance = name.contains("2") ? .l2 : .l1
      configuration.isOfWeights = false
    case "fpgm", "geometricmedian": (importance, configuration.isOfWeights) = (.geometricMedian, false)
    case "slim", "batchscale", "batchnormscale": (importance, configuration.isOfWeights) = (.batchNormScale, false)
    case "taylor", "taylorfoweight": (importance, configuration.isOfWeights) = (.taylor, false)
    default: throw reader.refusal("pruner", name, "level, l1, l2, fpgm, slim or taylor")
    }
  }

  private mutating func read(_ elements: [YAMLNode], _ path: String?) throws(RecipeError) {
    for element in elements {
      var reader = try RecipeReader(element, path: path)
      var entry = PruningConfiguration.Entry()
      entry.line = element.line
      try entry.read(&reader)
      configuration.entries.append(entry)
    }
  }
}

extension PruningConfiguration.Entry {
  fileprivate mutating func read(_ reader: inout RecipeReader) throws(RecipeError) {
    excludes = try reader.boolean("exclude", false)
    types = try reader.texts("op_types")
    names = try reader.texts("op_names")
    partialNames = try reader.texts("op_partial_names")
    patterns = try reader.texts("op_names_re")
    excludedTypes = try reader.texts("exclude_op_types") ?? []
    excludedNames = try reader.texts("exclude_op_names") ?? []
    excludedPatterns = try reader.texts("exclude_op_names_re") ?? []
    try readAmounts(&reader)
    _ = try reader.texts("target_names")
    if var targets = try reader.section("target_settings") {
      if var weight = try targets.section("weight") {
        try readAmounts(&weight)
        try weight.finish()
      }
      // A bias goes with its channel, whatever is said of it.
      if var bias = try targets.section("bias") {
        bias.ignore(["align", "apply_method", "sparse_ratio", "granularity"])
        try bias.finish()
      }
      try targets.finish()
    }
    try reader.finish()
    if types == nil, names == nil, partialNames == nil, patterns == nil {
      throw reader.error("op_types", .missingKey("op_types"))
    }
    guard share == nil, !excludes else { return }
    throw reader.error("sparse_ratio", .missingKey("sparse_ratio (or sparsity, or exclude: true)"))
  }

  /// Of the entry, or of its settings for weights.
  private mutating func readAmounts(_ reader: inout RecipeReader) throws(RecipeError) {
    var given = share != nil
    for key in ["sparse_ratio", "sparsity", "sparsity_per_layer", "total_sparsity"] {
      guard let value = try reader.optionalNumber(key, in: 0...1) else { continue }
      if value == 1 { throw reader.refusal(key, "1", "below 1, since a layer keeps a channel") }
      if given || excludes {
        throw reader.error(key, .excluded(reader.fullName(key), by: excludes ? "exclude" : "the share given before"))
      }
      (given, share, isTotal) = (true, value, key == "total_sparsity")
    }
    for key in ["max_sparse_ratio", "max_sparsity_per_layer"] { most = try reader.number(key, most, in: 0...1) }
    least = try reader.number("min_sparse_ratio", least, in: 0...1)
    if least > most { throw reader.refusal("min_sparse_ratio", "\(least)", "at most max_sparse_ratio, \(most)") }
    pool = try reader.text("global_group_id") ?? pool
    // Layers that are coupled lose the same channels by themselves.
    reader.ignore(["dependency_group_id", "align", "apply_method"])
    switch try reader.text("granularity") {
    // Each pruner's own.
    case nil, "default": break
    case "weights": isOfWeights = true
    case "out_channel", "per_channel", "channels", "filter": isOfWeights = false
    case let other?: throw reader.refusal("granularity", other, "default, out_channel or weights")
    }
  }
}
