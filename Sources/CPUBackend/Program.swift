/// What a session runs: steps in order over values that lie in the inputs, the outputs or an arena.
struct Program {
  enum Place: Hashable {
    case input(Int)
    case output(Int)
    case arena
    /// Channels of another value, from this one on: written by the steps that make a concatenation's inputs.
    case part(of: Int, channel: Int)
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

  var constantByteCount: Int {
    packs.reduce(steps.reduce(tables.byteCount) { $0 + $1.tableByteCount }) { $0 + $1.byteCount }
  }

  /// What its steps and constants read, each once.
  var packs: [Pack] {
    var seen: Set<ObjectIdentifier> = []
    return (constants + steps.flatMap(\.packs)).filter { seen.insert(ObjectIdentifier($0)).inserted }
  }
}
