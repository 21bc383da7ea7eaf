/// The place of a value in a `PickleArena`.
struct PickleID: Hashable, Sendable {
  let position: Int32
}

/// A function or class that a pickle names. It is never looked up.
struct PickleGlobal: Hashable, Sendable, CustomStringConvertible {
  let module: String
  let name: String

  var description: String { "\(module).\(name)" }
}

/// The values that a pickle describes, as data that does nothing.
///
/// Values refer to each other by index, so that cycles and deep nesting need neither reference counts nor recursion. A call
/// (`REDUCE`, `NEWOBJ`) is kept as callable and arguments: pickles fill arguments after the call, and what a call means is the
/// reader's affair, when it asks.
struct PickleArena {
  enum Value {
    case none
    case boolean(Bool)
    case integer(Int)
    /// An integer that does not fit `Int`: two's complement, little-endian.
    case wideInteger([UInt8])
    case real(Double)
    case text(String)
    /// Raw bytes, which nothing here needs.
    case bytes
    case tuple([PickleID])
    /// Containers and calls: an index to `parts`.
    case list(Int)
    case set(Int)
    case dictionary(Int)
    case call(Int)
    /// An index to `globals`.
    case global(Int)
    /// Something outside the pickle, by its identifier.
    case persistent(PickleID)
  }

  /// What containers and calls hold.
  struct Parts {
    var callable: PickleID?
    var arguments: PickleID?
    /// Elements appended or added.
    var items: [PickleID] = []
    /// Keys and values in turn.
    var entries: [PickleID] = []
    /// The state of the last `BUILD`.
    var state: PickleID?
  }

  private(set) var values: [Value] = []
  private(set) var parts: [Parts] = []
  private(set) var globals: [PickleGlobal] = []
  private var globalIndices: [PickleGlobal: Int] = [:]

  /// Bounds the memory of a hostile pickle, whose single bytes make values: about 80 bytes a value.
  static let valueLimit = 1 << 22

  subscript(id: PickleID) -> Value { values[Int(id.position)] }

  mutating func add(_ value: Value) throws(FormatProblem) -> PickleID {
    guard values.count < Self.valueLimit else {
      throw .limit(.checkpoint, part: "the values of a pickle", limit: Self.valueLimit)
    }
    values.append(value)
    return PickleID(position: Int32(values.count - 1))
  }

  mutating func add(_ part: Parts, as value: (Int) -> Value) throws(FormatProblem) -> PickleID {
    let id = try add(value(parts.count))
    parts.append(part)
    return id
  }

  mutating func add(_ global: PickleGlobal) throws(FormatProblem) -> PickleID {
    let index = globalIndices[global] ?? globals.count
    if index == globals.count {
      globals.append(global)
      globalIndices[global] = index
    }
    return try add(.global(index))
  }

  /// Changes the parts of a container or call in place; false where the value is neither.
  mutating func change(_ id: PickleID, _ body: (inout Parts) -> Void) -> Bool {
    guard let index = partsIndex(id) else { return false }
    body(&parts[index])
    return true
  }

  private func partsIndex(_ id: PickleID) -> Int? {
    switch self[id] {
    case .list(let index), .set(let index), .dictionary(let index), .call(let index): index
    default: nil
    }
  }

  // MARK: Reading

  func text(_ id: PickleID) -> String? {
    if case .text(let text) = self[id] { text } else { nil }
  }

  func integer(_ id: PickleID) -> Int? {
    if case .integer(let value) = self[id] { value } else { nil }
  }

  func global(_ id: PickleID) -> PickleGlobal? {
    if case .global(let index) = self[id] { globals[index] } else { nil }
  }

  func call(_ id: PickleID) -> Parts? {
    if case .call(let index) = self[id] { parts[index] } else { nil }
  }

  /// The arguments of a call, or none where they are no tuple.
  func arguments(_ call: Parts) -> [PickleID] {
    if let arguments = call.arguments, case .tuple(let items) = self[arguments] { items } else { [] }
  }

  /// The global that a call calls.
  func callee(_ call: Parts) -> PickleGlobal? { call.callable.flatMap(global) }

  /// The elements of a list, tuple or set, in every spelling that pickles use.
  func items(_ id: PickleID) -> [PickleID]? {
    switch self[id] {
    case .tuple(let items): return items
    case .list(let index), .set(let index): return parts[index].items
    case .call(let index):
      // `set([…])`, `torch.Size((…))`: one level, so that calls of calls need no recursion.
      let call = parts[index]
      guard let callee = callee(call), Self.sequences.contains(callee) else { return nil }
      guard let first = arguments(call).first else { return call.items }
      switch self[first] {
      case .tuple(let items): return items
      case .list(let index), .set(let index): return parts[index].items
      default: return nil
      }
    default: return nil
    }
  }

  /// The entries of a dictionary or an `OrderedDict`, in the order of the file. A key that stands twice counts as in Python: the
  /// later value wins.
  func entries(_ id: PickleID) -> [(key: PickleID, value: PickleID)]? {
    switch self[id] {
    case .dictionary(let index): return pairs(parts[index].entries)
    case .call(let index):
      let call = parts[index]
      guard let callee = callee(call), Self.dictionaries.contains(callee) else {
        return call.entries.isEmpty ? nil : pairs(call.entries)
      }
      // Python 2 passes a list of pairs; later versions set the items after the call.
      var result: [(key: PickleID, value: PickleID)] = []
      if callee.name != "defaultdict", let first = arguments(call).first {
        if case .dictionary(let index) = self[first] {
          result = pairs(parts[index].entries)
        } else {
          for pair in items(first) ?? [] {
            guard let pair = items(pair), pair.count == 2 else { continue }
            result.append((pair[0], pair[1]))
          }
        }
      }
      return result + pairs(call.entries)
    default: return nil
    }
  }

  /// No fewer than the entries of a dictionary, found without reading them; 0 for what is none.
  func entryBound(_ id: PickleID) -> Int {
    switch self[id] {
    case .dictionary(let index): parts[index].entries.count / 2
    case .call(let index): parts[index].entries.count / 2 + (arguments(parts[index]).first.map(extent) ?? 0)
    default: 0
    }
  }

  private func extent(_ id: PickleID) -> Int {
    switch self[id] {
    case .tuple(let items): items.count
    case .list(let index), .set(let index), .dictionary(let index), .call(let index):
      max(parts[index].items.count, parts[index].entries.count)
    default: 0
    }
  }

  private func pairs(_ entries: [PickleID]) -> [(key: PickleID, value: PickleID)] {
    stride(from: 0, to: entries.count - 1, by: 2).map { (entries[$0], entries[$0 + 1]) }
  }

  static let sequences: Set<PickleGlobal> = Set(
    ["builtins", "__builtin__"].flatMap { module in
      ["set", "frozenset", "list", "tuple"].map { PickleGlobal(module: module, name: $0) }
    } + [PickleGlobal(module: "torch", name: "Size")])

  static let dictionaries: Set<PickleGlobal> = Set(
    ["builtins", "__builtin__"].map { PickleGlobal(module: $0, name: "dict") }
      + ["OrderedDict", "defaultdict"].map { PickleGlobal(module: "collections", name: $0) })
}
