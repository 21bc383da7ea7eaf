import Formats
import Tensors

/// Variants of one network and how they are measured: `Documentation/Fronts.md` explains each key of its file.
public struct FrontRecipe: Equatable, Sendable {
  /// Pictures that ranges of integers are found on.
  public struct Calibration: Equatable, Sendable {
    public var folder: String
    public var count: Int
    /// Of pieces of pictures, in pixels of the network's input.
    public var side: Int
  }

  /// Of the file, for messages.
  public var path: String?
  /// A training recipe, whole: its validation says what variants are measured on, and how.
  public var base: TrainingRecipe
  /// Where the base was read from, where that is a file of its own.
  public var basePath: String?
  /// Keys of `training` in the places of the base's, for variants that begin with a trained model.
  public var fineTuning: YAMLNode?
  /// Of the network's one input when it is timed; nil for its usual one.
  public var input: Shape?
  /// Threads that it is timed with; nil for those that train.
  public var threadCount: Int?
  /// Turns of each variant.
  public var rounds: Int
  public var calibration: Calibration?
  public var variants: [FrontVariant]
  /// What it was read from.
  public var node: YAMLNode

  public subscript(name: String) -> FrontVariant? { variants.first { $0.name == name } }

  /// The training of a variant, with a model to begin with in the place of a network where one is given.
  ///
  /// - Parameters:
  ///   - model: the model file that it begins with; nil for a network that is made.
  ///   - teacher: the model file that is imitated; nil for what the recipe says.
  func training(
    of variant: FrontVariant, model: String? = nil, teacher: String? = nil
  ) throws(EvaluationError) -> TrainingRecipe {
    var node = base.node
    if variant.isFineTuned, let fineTuning { node.merge(fineTuning, at: "training") }
    for (_, section) in FrontVariant.trainingSections {
      guard let changes = variant.changes[section] else { continue }
      // Another architecture has options of its own.
      let isWhole = section == "model" && changes.value(["architecture"]) != nil
      if isWhole { node.set([section], to: changes) } else { node.merge(changes, at: section) }
    }
    if let teacher { node.set(["distillation", "teacher"], to: YAMLNode(.scalar(teacher, isPlain: false))) }
    do throws(RecipeError) {
      let recipe = try TrainingRecipe(node, path: path)
      return model.map { recipe.of(model: $0) } ?? recipe
    } catch {
      throw .recipe(error)
    }
  }
}

extension YAMLNode {
  /// Puts the members of a mapping in the places of those under a key; mappings within are put together in the same way.
  mutating func merge(_ other: YAMLNode, at key: String) {
    guard case .mapping(var members) = content else { return }
    if let index = members.firstIndex(where: { $0.key == key }) {
      members[index].value.merge(other)
    } else {
      members.append(Member(key: key, line: other.line, value: other))
    }
    content = .mapping(members)
  }

  private mutating func merge(_ other: YAMLNode) {
    guard case .mapping = content, case .mapping(let changes) = other.content else {
      self = other
      return
    }
    for change in changes {
      merge(change.value, at: change.key)
      // Errors name the line of what was said last.
      guard case .mapping(var members) = content, let index = members.firstIndex(where: { $0.key == change.key }) else {
        continue
      }
      members[index].line = change.line
      content = .mapping(members)
    }
  }

  /// Each value under the path of its keys: `training.epochs: 8`.
  func lines(_ prefix: String = "") -> [String] {
    switch content {
    case .mapping(let members): members.flatMap { $0.value.lines(prefix.isEmpty ? $0.key : "\(prefix).\($0.key)") }
    case .scalar, .sequence: ["\(prefix): \(text.split(separator: "\n").joined(separator: " "))"]
    }
  }
}

extension FrontRecipe {
  /// Does what a variant is given to, and tells what is wrong by the line that names it.
  func blaming<R>(_ variant: String, _ body: () throws(EvaluationError) -> R) throws(EvaluationError) -> R {
    var line = 0
    if case .sequence(let elements)? = node.value(["variants"])?.content {
      for element in elements {
        if case .scalar(variant, _)? = element.value(["name"])?.content { line = element.line }
      }
    }
    return try blaming("variant '\(variant.onOneLine)'", line: line, body)
  }

  /// As for a variant, for a key of `timing`.
  func blaming<R>(timing key: String, _ body: () throws(EvaluationError) -> R) throws(EvaluationError) -> R {
    try blaming("'timing.\(key)'", line: node.value(["timing", key])?.line ?? 0, body)
  }

  private func blaming<R>(
    _ what: String, line: Int, _ body: () throws(EvaluationError) -> R
  ) throws(EvaluationError) -> R {
    do throws(EvaluationError) {
      return try body()
    } catch {
      throw .recipe(RecipeError(path: path, line: line, problem: .told("\(what): \(error)")))
    }
  }
}
