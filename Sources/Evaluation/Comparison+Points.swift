import Networks

extension Comparison {
  /// The values that two networks have at the same point, by the second's names: what the first calls each.
  ///
  /// A layer of one network may have drawn in what is a node of its own in the other, such as a sigmoid that is a table of integers there. So values of one name are
  /// not always of one point, and one point is not always of one name. Values of one name that are of different points have no like, where one of them is of
  /// integers; of two networks of numbers they are compared, since one of them lacks something.
  ///
  /// - Parameter isOfIntegers: whether the value of the first, or that of the second, is.
  static func pairs(
    _ first: Network, _ second: Network, areAlike: (_ first: String, _ second: String) -> Bool,
    isOfIntegers: (_ first: String, _ second: String) -> Bool
  ) -> [String: String] {
    let points = (first: ValuePoint.all(of: first), second: ValuePoint.all(of: second))
    var result: [String: String] = [:]
    for node in second.nodes where areAlike(node.name, node.name) {
      let own = (points.first[node.name]?.first, points.second[node.name]?.first)
      guard let a = own.0, let b = own.1, a.isAlike(b, ofIntegers: isOfIntegers(node.name, node.name)) else { continue }
      result[node.name] = node.name
    }
    var taken = Set(result.values)
    // By their layers, those of the first that have no like yet.
    var left: [String: [(name: String, point: ValuePoint)]] = [:]
    for node in first.nodes where !taken.contains(node.name) {
      for point in points.first[node.name] ?? [] { left[point.layer, default: []].append((node.name, point)) }
    }
    for node in second.nodes where result[node.name] == nil {
      search: for point in points.second[node.name] ?? [] {
        for value in left[point.layer] ?? [] where !taken.contains(value.name) && areAlike(value.name, node.name) {
          guard value.point.isAlike(point, ofIntegers: isOfIntegers(value.name, node.name)) else { continue }
          result[node.name] = value.name
          taken.insert(value.name)
          break search
        }
      }
    }
    for node in second.nodes where result[node.name] == nil && !taken.contains(node.name) {
      guard areAlike(node.name, node.name), !isOfIntegers(node.name, node.name) else { continue }
      result[node.name] = node.name
    }
    return result
  }
}

/// How a value follows from a layer: what was done to it since.
struct ValuePoint: Hashable {
  enum Step: Hashable {
    /// A function; nil for one that is a table.
    case function(ActivationFunction?)
    case scale(Float)
    case add
    case pixelShuffle(Int)
  }

  var layer: String
  var steps: [Step]

  /// As many as an epilogue may have.
  private static let mostSteps = 5

  /// The points of each value, its own first: of one that a function makes also as those of what it reads with one step more.
  static func all(of network: Network) -> [String: [ValuePoint]] {
    var result: [String: [ValuePoint]] = [:]
    for node in network.nodes {
      var points = [ValuePoint(layer: node.name, steps: node.operation.epilogue?.steps.compactMap(Step.init) ?? [])]
      if let steps = Step.all(of: node.operation) {
        for point in node.elementInputs.flatMap({ result[$0] ?? [] }) where point.steps.count + steps.count <= mostSteps {
          points.append(ValuePoint(layer: point.layer, steps: point.steps + steps))
        }
      }
      result[node.name] = points
    }
    return result
  }

  /// - Parameter ofIntegers: what bounds or scales numbers is in how integers are stored then, and no step.
  func isAlike(_ other: ValuePoint, ofIntegers: Bool) -> Bool {
    func shown(_ steps: [Step]) -> [Step] { ofIntegers ? steps.filter { !$0.isInStorage } : steps }
    let own = shown(steps), others = shown(other.steps)
    return layer == other.layer && own.count == others.count && zip(own, others).allSatisfy { $0.isAlike($1) }
  }
}

extension ValuePoint.Step {
  /// Nil for what only says how numbers are stored.
  fileprivate init?(_ step: Epilogue.Step) {
    switch step {
    case .activation(let function): self = .function(function)
    case .scale(let factor): self = .scale(factor)
    case .add: self = .add
    case .pixelShuffle(let factor): self = .pixelShuffle(factor)
    case .rescale, .requantize, .quantize: return nil
    }
  }

  /// What an operation does to a value that it reads, where it is no more than a step; nil of others.
  fileprivate static func all(of operation: Operation) -> [Self]? {
    switch operation {
    case .activation(let function): [.function(function)]
    case .scale(let payload): [.scale(payload.factor)]
    case .add: [.add]
    case .pixelShuffle(let payload): [.pixelShuffle(payload.factor)]
    case .integer(.quantize), .integer(.dequantize): []
    case .integer(.add): [.add]
    case .integer(.lookup): [.function(nil)]
    default: nil
    }
  }

  /// Whether integers have it in their least, their largest or their scale.
  fileprivate var isInStorage: Bool {
    switch self {
    case .function(.relu), .function(.clip), .scale: true
    case .function, .add, .pixelShuffle: false
    }
  }

  fileprivate func isAlike(_ other: Self) -> Bool {
    switch (self, other) {
    case (.function(nil), .function), (.function, .function(nil)): true
    default: self == other
    }
  }
}
