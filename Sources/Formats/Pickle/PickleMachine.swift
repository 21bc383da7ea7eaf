/// Reads one pickle into a `PickleArena`. Nothing is looked up, called or imported.
///
/// Protocols 0 to 5. A pickle that names a global with which it could run commands, reach files or the network is refused at once;
/// other globals are kept by name. Time and memory are linear in the pickle.
/// Source: Python's `Lib/pickletools.py`.
struct PickleMachine {
  private var input: PickleInput
  private(set) var arena = PickleArena()
  private var stack: [PickleID] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleID] = [:]

  /// The highest protocol that is understood.
  private static let protocolLimit = 5

  /// A pickle read whole.
  struct Result {
    var arena: PickleArena
    var root: PickleID
    /// The index of the byte after the pickle.
    var end: Int
  }

  /// Reads the pickle that starts at `start`.
  static func read(_ bytes: [UInt8], from start: Int = 0) throws(FormatProblem) -> Result {
    var machine = PickleMachine(input: PickleInput(bytes: bytes, position: start))
    while try machine.step() {}
    let root = try machine.pop()
    return Result(arena: machine.arena, root: root, end: machine.input.position)
  }

  private init(input: PickleInput) { self.input = input }

  /// Carries out one instruction; false after the last.
  private mutating func step() throws(FormatProblem) -> Bool {
    // Marks, duplicates and memo entries take one byte each and make no value, so they are bounded apart.
    guard max(stack.count, marks.count, memo.count) <= PickleArena.valueLimit else {
      throw .limit(.checkpoint, part: "the stack of a pickle", limit: PickleArena.valueLimit)
    }
    let place = input.position
    let code = try input.byte()
    guard let opcode = PickleOpcode(rawValue: code) else {
      throw .malformed(.checkpoint, part: "byte \(place) of a pickle is no instruction")
    }
    switch opcode {
    case .stop: return false
    case .proto:
      let version = Int(try input.byte())
      guard version <= Self.protocolLimit else {
        throw .limit(.checkpoint, part: "pickle protocol \(version)", limit: Self.protocolLimit)
      }
    case .frame: _ = try input.bigCount()

    case .int: try push(input.integerLine())
    case .binInt: try push(.integer(Int(Int32(truncatingIfNeeded: input.unsigned(4)))))
    case .binInt1: try push(.integer(Int(input.byte())))
    case .binInt2: try push(.integer(input.unsigned(2)))
    case .long: try push(input.longLine())
    case .long1: try push(input.long(count: Int(input.byte())))
    case .long4: try push(input.long(count: input.unsigned(4)))
    case .float: try push(input.realLine())
    case .binFloat: try push(.real(input.real()))
    case .none: try push(.none)
    case .newTrue: try push(.boolean(true))
    case .newFalse: try push(.boolean(false))

    case .string: try push(.text(input.quotedLine()))
    case .unicode: try push(.text(input.unicodeLine()))
    case .binString: try push(.text(input.text(count: input.unsigned(4))))
    case .shortBinString, .shortBinUnicode: try push(.text(input.text(count: Int(input.byte()))))
    case .binUnicode: try push(.text(input.text(count: input.unsigned(4))))
    case .binUnicode8: try push(.text(input.text(count: input.bigCount())))
    case .shortBinBytes: try skipBytes(Int(input.byte()))
    case .binBytes: try skipBytes(input.unsigned(4))
    case .binBytes8, .byteArray8: try skipBytes(input.bigCount())

    case .emptyTuple: try push(.tuple([]))
    case .tuple: try push(.tuple(popMark()))
    case .tuple1: try push(.tuple(pop(count: 1)))
    case .tuple2: try push(.tuple(pop(count: 2)))
    case .tuple3: try push(.tuple(pop(count: 3)))
    case .emptyList: try push(.init()) { .list($0) }
    case .list: try push(.init(items: popMark())) { .list($0) }
    case .emptyDictionary: try push(.init()) { .dictionary($0) }
    case .dictionary: try push(.init(entries: popPairs())) { .dictionary($0) }
    case .emptySet: try push(.init()) { .set($0) }
    case .frozenSet: try push(.init(items: popMark())) { .set($0) }
    case .append: try extend(items: pop(count: 1))
    case .appends, .addItems: try extend(items: popMark())
    case .setItem: try extend(entries: pop(count: 2))
    case .setItems: try extend(entries: popPairs())

    case .mark: marks.append(stack.count)
    case .pop: if stack.count > marks.last ?? 0 { stack.removeLast() } else { _ = try popMark() }
    case .popMark: _ = try popMark()
    case .duplicate: try stack.append(top())
    case .get: try get(input.indexLine())
    case .binGet: try get(Int(input.byte()))
    case .longBinGet: try get(input.unsigned(4))
    case .put: try memo[input.indexLine()] = top()
    case .binPut: try memo[Int(input.byte())] = top()
    case .longBinPut: try memo[input.unsigned(4)] = top()
    case .memoize: try memo[memo.count] = top()

    case .global:
      let (module, name) = (try input.textLine(), try input.textLine())
      try push(PickleGlobal(module: module, name: name))
    case .stackGlobal:
      let names = try pop(count: 2)
      guard let module = arena.text(names[0]), let name = arena.text(names[1]) else {
        throw .malformed(.checkpoint, part: "the name of a global is no text")
      }
      try push(PickleGlobal(module: module, name: name))
    case .reduce, .newObject:
      let operands = try pop(count: 2)
      try push(.init(callable: operands[0], arguments: operands[1])) { .call($0) }
    case .newObjectEx:
      // The keyword arguments are of no use to any reader here.
      let operands = try pop(count: 3)
      try push(.init(callable: operands[0], arguments: operands[1])) { .call($0) }
    case .object:
      let operands = try popMark()
      guard let callable = operands.first else { throw .malformed(.checkpoint, part: "an object without a class") }
      let arguments = try arena.add(.tuple(Array(operands.dropFirst())))
      try push(.init(callable: callable, arguments: arguments)) { .call($0) }
    case .instance:
      let (module, name) = (try input.textLine(), try input.textLine())
      let arguments = try arena.add(.tuple(popMark()))
      try push(PickleGlobal(module: module, name: name))
      try push(.init(callable: pop(), arguments: arguments)) { .call($0) }
    case .build:
      let state = try pop()
      // A state on a value that keeps none is dropped: it could only matter to code that is never run.
      _ = try arena.change(top()) { $0.state = state }
    case .persistentID:
      // Protocol 0 writes the description of a storage as a text that PyTorch itself cannot read back.
      throw .unsupportedCheckpoint("a checkpoint in pickle protocol 0")
    case .binPersistentID: try push(.persistent(pop()))
    case .readOnlyBuffer: break
    case .extension1, .extension2, .extension4, .nextBuffer:
      throw .malformed(.checkpoint, part: "byte \(place) of a pickle asks for something outside the file")
    }
    return true
  }

  // MARK: Stack

  private mutating func push(_ value: PickleArena.Value) throws(FormatProblem) { try stack.append(arena.add(value)) }

  private mutating func push(_ parts: PickleArena.Parts, as value: (Int) -> PickleArena.Value) throws(FormatProblem) {
    try stack.append(arena.add(parts, as: value))
  }

  private mutating func push(_ global: PickleGlobal) throws(FormatProblem) {
    if global.isDangerous { throw .refusedGlobal(global.description) }
    try stack.append(arena.add(global))
  }

  private func top() throws(FormatProblem) -> PickleID {
    guard stack.count > marks.last ?? 0, let id = stack.last else { throw Self.underflow }
    return id
  }

  private mutating func pop() throws(FormatProblem) -> PickleID {
    let id = try top()
    stack.removeLast()
    return id
  }

  private mutating func pop(count: Int) throws(FormatProblem) -> [PickleID] {
    guard stack.count - (marks.last ?? 0) >= count else { throw Self.underflow }
    let ids = Array(stack.suffix(count))
    stack.removeLast(count)
    return ids
  }

  /// Takes everything above the last mark, and the mark.
  private mutating func popMark() throws(FormatProblem) -> [PickleID] {
    guard let start = marks.popLast() else { throw .malformed(.checkpoint, part: "a pickle lacks a mark") }
    let ids = Array(stack[start...])
    stack.removeSubrange(start...)
    return ids
  }

  private mutating func popPairs() throws(FormatProblem) -> [PickleID] {
    let ids = try popMark()
    guard ids.count % 2 == 0 else { throw .malformed(.checkpoint, part: "a key of a dictionary has no value") }
    return ids
  }

  private mutating func extend(items: [PickleID]) throws(FormatProblem) {
    guard try arena.change(top(), { $0.items += items }) else {
      throw .malformed(.checkpoint, part: "elements are appended to what is no list")
    }
  }

  private mutating func extend(entries: [PickleID]) throws(FormatProblem) {
    guard try arena.change(top(), { $0.entries += entries }) else {
      throw .malformed(.checkpoint, part: "entries are set in what is no dictionary")
    }
  }

  private mutating func get(_ index: Int) throws(FormatProblem) {
    guard let id = memo[index] else {
      throw .malformed(.checkpoint, part: "a pickle refers to entry \(index), which is absent")
    }
    stack.append(id)
  }

  private mutating func skipBytes(_ count: Int) throws(FormatProblem) {
    _ = try input.take(count)
    try push(.bytes)
  }

  private static let underflow = FormatProblem.malformed(.checkpoint, part: "a pickle takes more values than it has")
}
