import Networks

/// Which nodes a pass is for.
///
///     .every([.namePattern("body.*"), .kernel(Pair(3)), .not(.name("body.0.a"))])
public indirect enum NodePredicate: Hashable, Sendable {
  /// The operation's type name: `convolution`.
  case operation(String)
  /// The node's name.
  case name(String)
  /// The node's name by a pattern: `*` stands for any run of characters, dots included, `?` for one.
  case namePattern(String)
  /// The kernel's size, of operations that have one.
  case kernel(Pair)
  /// The channels that enter, of operations that know them.
  case inChannels(ClosedRange<Int>)
  /// The channels that leave, before any pixel shuffle, of operations that know them.
  case outChannels(ClosedRange<Int>)
  /// All of these; every node where the list is empty.
  case every([NodePredicate])
  /// At least one of these.
  case either([NodePredicate])
  case not(NodePredicate)

  /// Every node.
  public static let all = NodePredicate.every([])

  /// Whether the node is one of them. A node that has no kernel, or knows no channels, is none by kernel or channels.
  public func matches(_ node: Node) -> Bool {
    switch self {
    case .operation(let type): node.operation.typeName == type
    case .name(let name): node.name == name
    case .namePattern(let pattern): Glob(pattern).matches(node.name)
    case .kernel(let kernel): node.operation.window?.kernel == kernel
    case .inChannels(let range): node.operation.channels.map { range.contains($0.input) } ?? false
    case .outChannels(let range): node.operation.channels.map { range.contains($0.output) } ?? false
    case .every(let all): all.allSatisfy { $0.matches(node) }
    case .either(let some): some.contains { $0.matches(node) }
    case .not(let other): !other.matches(node)
    }
  }
}

/// A pattern of names with `*` and `?`. Time at most the product of both lengths.
struct Glob {
  private let pattern: [Character]

  init(_ pattern: String) { self.pattern = Array(pattern) }

  func matches(_ text: String) -> Bool {
    let text = Array(text)
    var (place, position) = (0, 0)
    // The last star, and where the run that it stands for ended when it was last tried.
    var star: (place: Int, end: Int)?
    while position < text.count {
      if place < pattern.count, pattern[place] == "*" {
        star = (place, position)
        place += 1
      } else if place < pattern.count, pattern[place] == "?" || pattern[place] == text[position] {
        place += 1
        position += 1
      } else if let last = star {
        star = (last.place, last.end + 1)
        (place, position) = (last.place + 1, last.end + 1)
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == "*" }
  }
}

extension Operation {
  /// The channels of operations that know them without their input.
  fileprivate var channels: (input: Int, output: Int)? {
    if let first = linearParts.first, let last = linearParts.last { return (first.inChannels, last.outChannels) }
    switch self {
    case .batchNorm(let payload): return (payload.channels, payload.channels)
    case .channelAffine(let payload): return (payload.channels, payload.channels)
    case .convolution, .separableConvolution, .transposedConvolution, .linear, .activation, .scale, .add, .concatenation,
      .pixelShuffle, .pixelUnshuffle, .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad,
      .softmax, .reshape, .transpose, .reduction, .maximumIndex, .normalization, .expand, .constant, .matrixMultiply, .integer,
      .training:
      return nil
    }
  }
}
