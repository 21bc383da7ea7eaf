import Files

/// Finds the parameters in the values of a checkpoint's pickle and names them as `state_dict()` does.
struct CheckpointContents {
  private let arena: PickleArena

  /// The parameters in the order of the file.
  private(set) var tensors: [(name: String, reference: TensorReference)] = []
  /// Values under names that look like parameters and cannot be read, with the reason.
  private(set) var skipped: [(name: String, reason: String)] = []
  /// The keys that lead from the root to the parameters: `["model"]`.
  private(set) var path: [String] = []

  private var visits = 0

  /// Modules and dictionaries inside each other.
  private static let depthLimit = 64
  private static let tensorLimit = 1 << 16
  private static let skippedLimit = 1 << 12
  /// In bytes.
  private static let nameLimit = 1 << 10
  /// Shared values are visited once a name, which a hostile file could make exponential: every entry looked at counts.
  private static let visitLimit = 1 << 18

  /// The keys beside those of `path` under which parameters lie, too.
  private(set) var others: [String] = []

  /// `key` goes before all others.
  init(_ arena: PickleArena, root: PickleID, key: String? = nil) throws(FormatProblem) {
    self.arena = arena
    var root = root
    var key = key
    // Each round goes one key down; `{"model": {"state_dict": {…}}}` needs two.
    for _ in 0..<4 {
      guard try moduleState(root) == nil, let children = try children(root) else { break }
      let candidates = try candidates(children)
      guard let next = choose(candidates, own: try tensorCount(children), key: key) else { break }
      if next.key == key { key = nil }
      others += candidates.map(\.key).filter { $0 != next.key }
      path.append(next.key)
      root = next.value
    }
    try collect(root, prefix: "", depth: 0)
  }

  private typealias Candidate = (key: String, value: PickleID, count: Int)

  /// The children that hold parameters, and how many each.
  private mutating func candidates(
    _ children: [(key: String, value: PickleID)]
  ) throws(FormatProblem) -> [Candidate] {
    var candidates: [Candidate] = []
    for child in children {
      var trial = self
      trial.tensors = []
      try trial.collect(child.value, prefix: "", depth: 0)
      visits = trial.visits
      if !trial.tensors.isEmpty { candidates.append((child.key, child.value, trial.tensors.count)) }
    }
    return candidates
  }

  /// The child that holds the parameters, or nil where several might or these tensors themselves, `own` in number: beside a state dict
  /// may stand a tensor or two (`best`, `step`), but not more than it holds.
  private func choose(_ candidates: [Candidate], own: Int, key: String?) -> Candidate? {
    // Without the key here it may be further inside, or in the names.
    let only = candidates.count == 1 && candidates[0].count > own ? candidates[0] : nil
    if let key { return candidates.last { $0.key == key } ?? only }
    for key in CheckpointKeys.ordered {
      if let match = candidates.last(where: { $0.key == key }), match.count > own { return match }
    }
    return only
  }

  private func tensorCount(_ children: [(key: String, value: PickleID)]) throws(FormatProblem) -> Int {
    var count = 0
    for child in children {
      if case .tensor = try TensorReference.read(child.value, in: arena) { count += 1 }
    }
    return count
  }

  /// The entries of a dictionary, counted as visits.
  private mutating func entries(_ id: PickleID) throws(FormatProblem) -> [(key: PickleID, value: PickleID)]? {
    visits += 1 + arena.entryBound(id)
    guard visits <= Self.visitLimit else {
      throw .limit(.checkpoint, part: "the values under names", limit: Self.visitLimit)
    }
    return arena.entries(id)
  }

  /// What a dictionary, a list or a tuple holds, by name.
  private mutating func children(_ id: PickleID) throws(FormatProblem) -> [(key: String, value: PickleID)]? {
    if let entries = try entries(id) {
      return entries.compactMap { entry in name(entry.key).map { ($0, entry.value) } }
    }
    // More are no list of a few state dicts.
    guard let items = arena.items(id), items.count <= 64 else { return nil }
    return items.enumerated().map { (String($0.offset), $0.element) }
  }

  private func name(_ key: PickleID) -> String? {
    switch arena[key] {
    case .text(let text): text
    case .integer(let value): String(value)
    default: nil
    }
  }

  // MARK: Modules

  /// The attributes of a pickled `nn.Module`.
  private mutating func moduleState(_ id: PickleID) throws(FormatProblem) -> [String: PickleID]? {
    guard let call = arena.call(id), let state = call.state, let entries = try entries(state) else { return nil }
    var result: [String: PickleID] = [:]
    for entry in entries {
      if let name = arena.text(entry.key) { result[name] = entry.value }
    }
    return result["_parameters"] != nil || result["_modules"] != nil ? result : nil
  }

  /// Takes the tensors of a module, a dictionary or, at the root, a list; false where the value is none of these.
  @discardableResult
  private mutating func collect(_ id: PickleID, prefix: String, depth: Int) throws(FormatProblem) -> Bool {
    guard depth <= Self.depthLimit else {
      throw .limit(.checkpoint, part: "modules and dictionaries inside each other", limit: Self.depthLimit)
    }
    if let state = try moduleState(id) {
      // The order of `state_dict()`: own parameters, own buffers, then the modules inside.
      if let parameters = state["_parameters"] { try collectEntries(of: parameters, prefix: prefix, depth: depth) }
      if let buffers = state["_buffers"] {
        let fleeting = state["_non_persistent_buffers_set"].flatMap(arena.items) ?? []
        let names = Set(fleeting.prefix(Self.nameLimit).compactMap(arena.text))
        try collectEntries(of: buffers, prefix: prefix, depth: depth, without: names)
      }
      if let modules = state["_modules"] { try collectEntries(of: modules, prefix: prefix, depth: depth) }
      return true
    }
    if try isOptimizer(id) { return true }
    guard depth == 0 || arena.entryBound(id) > 0 else { return arena.entries(id) != nil }
    return try collectEntries(of: id, prefix: prefix, depth: depth)
  }

  /// Whether the value is the state of an optimizer, whose tensors are no parameters.
  private mutating func isOptimizer(_ id: PickleID) throws(FormatProblem) -> Bool {
    guard arena.entryBound(id) > 0, let entries = try entries(id) else { return false }
    let keys = entries.compactMap { arena.text($0.key) }
    return keys.contains("state") && keys.contains("param_groups")
  }

  @discardableResult
  private mutating func collectEntries(
    of id: PickleID, prefix: String, depth: Int, without excluded: Set<String> = []
  ) throws(FormatProblem) -> Bool {
    guard let children = try children(id) else { return false }
    for (key, value) in children where !excluded.contains(key) {
      let name = prefix + key
      guard name.utf8.count <= Self.nameLimit else {
        throw .limit(.checkpoint, part: "the bytes of a name", limit: Self.nameLimit)
      }
      switch try TensorReference.read(value, in: arena) {
      case .tensor(let reference):
        guard tensors.count < Self.tensorLimit else {
          throw .limit(.checkpoint, part: "the number of tensors", limit: Self.tensorLimit)
        }
        tensors.append((name, reference))
      case .unsupported(let reason): try skip(name, reason)
      case .other:
        guard try !collect(value, prefix: name + ".", depth: depth + 1) else { continue }
        if let call = arena.call(value), let callee = arena.callee(call), arena.items(value) == nil {
          try skip(name, "is made by \(callee), which is not read")
        }
      }
    }
    return true
  }

  private mutating func skip(_ name: String, _ reason: String) throws(FormatProblem) {
    guard skipped.count < Self.skippedLimit else {
      throw .limit(.checkpoint, part: "the values that cannot be read", limit: Self.skippedLimit)
    }
    skipped.append((name, reason.onOneLine))
  }
}
