/// What is wrong with a recipe.
public struct RecipeError: Error, Hashable, Sendable {
  public enum Problem: Hashable, Sendable {
    /// The text is no YAML, or none that is read.
    case syntax(String)
    case unknownKey(String, nearest: String?, known: [String])
    case missingKey(String)
    /// Of a key that excludes another that is there.
    case excluded(String, by: String)
    /// A value is not what the key takes; allowed is a noun phrase.
    case value(key: String, value: String, allowed: String)
    /// What a part of the program says that was given a value: the whole line.
    case told(String)
  }

  /// The file, or nil for what came from options.
  public var path: String?
  /// From 1 on; 0 where no line is to blame.
  public var line: Int
  public var problem: Problem

  public init(path: String?, line: Int, problem: Problem) {
    self.path = path
    self.line = line
    self.problem = problem
  }
}

extension RecipeError: CustomStringConvertible {
  public var description: String {
    let place = path.map { line > 0 ? "'\($0)', line \(line)" : "'\($0)'" } ?? "the options"
    return "\(place): \(problem)"
  }
}

extension RecipeError.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .syntax(let reason): reason
    case .unknownKey(let key, let nearest, let known):
      "there is no key '\(key)'; " + (nearest.map { "do you mean '\($0)'?" } ?? "there are \(known.joined(separator: ", "))")
    case .missingKey(let key): "'\(key)' is missing"
    case .excluded(let key, let other): "'\(key)' has no meaning beside '\(other)'; leave one of them out"
    case .told(let line): line
    case .value(let key, let value, let allowed): (key.isEmpty ? "it" : "'\(key)'") + " is '\(value)' and must be \(allowed)"
    }
  }
}
