/// What is wrong with a recipe.
public struct RecipeError: Error, Hashable, Sendable {
  public enum Problem: Hashable, Sendable {
    /// The text is no YAML, or none that is read.
    case syntax(String)
    case unknownKey(String, nearest: String?, known: [String])
    case missingKey(String)
    /// Of a key that excludes another that is there.
    case excluded(String, by: String)
    /// Of a key that belongs to other values of a choice than the one that was made.
    case reserved(String, choice: String, owners: [String], chosen: String)
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
  /// Which option of the command mends it, a clause; nil where none does.
  public var mend: String?

  public init(path: String?, line: Int, problem: Problem, mend: String? = nil) {
    self.path = path
    self.line = line
    self.problem = problem
    self.mend = mend
  }
}

extension RecipeError {
  /// The same of a value that an option has put in the place of the file's.
  var ofOptions: RecipeError { RecipeError(path: nil, line: 0, problem: problem, mend: mend) }

  /// Whether the value of an option is to blame, which is of no line: a part of it, or a key on its way.
  func isOf(_ key: String) -> Bool {
    guard line == 0, let wrong = problem.wrongKey else { return false }
    return key == wrong || key.hasPrefix(wrong + ".") || wrong.hasPrefix(key + ".")
  }

  /// Whether an option has a value that its key does not take, or a key that there is not.
  var isUsage: Bool { path == nil && problem.wrongKey != nil }
}

extension RecipeError.Problem {
  /// The key that is wrong in itself, or its value.
  var wrongKey: String? {
    switch self {
    case .unknownKey(let key, _, _), .value(let key, _, _), .missingKey(let key), .reserved(let key, _, _, _): key
    case .syntax, .excluded, .told: nil
    }
  }
}

extension RecipeError: CustomStringConvertible {
  public var description: String {
    let place = path.map { line > 0 ? "'\($0)', line \(line)" : "'\($0)'" } ?? "the options"
    return "\(place): \(problem)" + (mend.map { "; \($0)" } ?? "")
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
    case .reserved(let key, let choice, let owners, let chosen):
      "'\(key)' belongs to '\(choice)' \(RecipeReader.list(owners)), and here that is \(chosen); leave it out, or choose "
        + (owners.count > 1 ? "one of these" : owners.joined())
    case .told(let line): line
    case .value(let key, let value, let allowed): (key.isEmpty ? "it" : "'\(key)'") + " is '\(value)' and must be \(allowed)"
    }
  }
}
