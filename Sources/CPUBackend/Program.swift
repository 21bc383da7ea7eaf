/// What a session runs: steps in order over values that lie in the inputs, the outputs or an arena.
struct Program {
  enum Place: Hashable {
    case input(Int)
    case output(Int)
    case arena
    /// Channels of another value, from this one on: written by the steps that make a concatenation's inputs.
    case part(of: Int, channel: Int)
    /// Channels of a value that steps make as a whole, from this one on: read where they lie. The other is none itself.
    case view(of: Int, channel: Int)
    /// Nowhere as a whole: the channels of these values, one after the other, each where it lies.
    case inParts([Int])
    /// One of the program's constants, laid out when the program is made.
    case constant(Int)
  }

  var steps: [any Step]
  var layouts: [ValueLayout]
  var places: [Place]
  /// The values that no step makes.
  var constants: [Pack] = []
  var tables = AxisTables()
  /// Of values that are there again, behind all others: the values that steps know them by.
  var repeated: [Int: Int] = [:]

  /// The value whose memory is read where this is, and whose rows are there while it is read: another where this is a view.
  func memoryValue(_ value: Int) -> Int {
    if case .view(let whole, _) = places[value] { whole } else { value }
  }

  /// The number that steps know a value by.
  func slot(_ value: Int) -> Int { repeated[value] ?? value }
  /// The values that steps know.
  var slotCount: Int { layouts.count - repeated.count }

  var constantByteCount: Int {
    var seen: Set<ObjectIdentifier> = []
    let tables = steps.reduce(tables.byteCount) { sum, step in
      let step = (step as? RepeatedStep)?.base ?? step
      return seen.insert(ObjectIdentifier(step)).inserted ? sum + step.tableByteCount : sum
    }
    return packs.reduce(tables) { $0 + $1.ownByteCount }
  }

  /// What its steps and constants read, each once.
  var packs: [Pack] {
    var seen: Set<ObjectIdentifier> = []
    return (constants + steps.flatMap(\.packs)).filter { seen.insert(ObjectIdentifier($0)).inserted }
  }
}
