import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import Transforms

/// How a network is run when it is compared.
public enum ComparisonPath: Hashable, Sendable {
  /// The oracle: plain loops, sums in Double.
  case reference
  case cpu(InstructionSet, Precision)

  /// `reference`, `cpu`, and `cpu` with an instruction set, a precision or both: `cpu:avx2`, `cpu:portable:float32`.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    if parts == ["reference"] {
      self = .reference
      return
    }
    guard parts.first == "cpu" else { return nil }
    var instructionSet: InstructionSet?
    var precision: Precision?
    for part in parts.dropFirst() {
      if let value = InstructionSet(rawValue: part), instructionSet == nil {
        instructionSet = value
      } else if let value = Precision(rawValue: part), precision == nil {
        precision = value
      } else {
        return nil
      }
    }
    self = .cpu(instructionSet ?? .best, precision ?? .float32)
  }

  public var text: String {
    switch self {
    case .reference: "reference"
    case .cpu(let instructionSet, let precision): "cpu:\(instructionSet.rawValue):\(precision.rawValue)"
    }
  }

  fileprivate func backend(threadCount: Int) throws(EvaluationError) -> any Backend {
    switch self {
    case .reference: ReferenceEngine()
    case .cpu(let instructionSet, let precision):
      try makeEngine(EngineOptions(instructionSet: instructionSet, threadCount: threadCount, precision: precision))
    }
  }

  /// By how much the path's own rounding may exceed that of sums in float32: Winograd's transforms grow errors, and bfloat16
  /// rounds to 8 bits in place of 24.
  fileprivate var roundingFactor: Double {
    switch self {
    case .reference: 1
    case .cpu(_, let precision): precision == .float32 ? 1 : 32768
    }
  }
}

/// Two networks, or one on two paths, value by value.
///
/// Both are optimised for inference, and every value that is left leaves the network. The bound of a value is what its node's
/// rounding can do, by theory, and what it makes of the differences measured in the values that it reads: so the first node that
/// leaves its bound is itself at fault, and those behind it are not blamed for it.
public struct Comparison: Hashable, Codable, Sendable {
  public struct Value: Hashable, Codable, Sendable {
    public var node: String
    public var operation: String
    public var shape: Shape
    /// The largest and the mean |a - b|.
    public var maximum: Double
    public var mean: Double
    /// The largest |a|.
    public var magnitude: Double
    /// What `maximum` may be at most; nil where the other network lacks what the node reads, and nothing can be said.
    public var bound: Double?
    public var isWithin: Bool
  }

  public var first: String
  public var second: String
  /// The values that both have, in the order of the second network.
  public var values: [Value]
  /// The values that have no like in the other network, by name or shape.
  public var unmatched: [String]

  /// The first node whose difference leaves its bound.
  public var firstOutside: Value? { values.first { !$0.isWithin } }

  /// Runs both. `first` is what the second is held against. Cost: the values of both networks in memory.
  public init(
    _ first: Network, on firstPath: ComparisonPath, _ second: Network, on secondPath: ComparisonPath, input: Tensor,
    threadCount: Int
  ) throws(EvaluationError) {
    let a = try Self.values(of: first.optimizedForInference(), on: firstPath, input, threadCount)
    let optimised = second.optimizedForInference()
    let b = try Self.values(of: optimised, on: secondPath, input, threadCount)
    self.init(first: firstPath.text, a, second: secondPath.text, b, optimised)
    let factor = firstPath.roundingFactor + secondPath.roundingFactor
    setBounds(optimised, factor: factor, a)
  }

  private init(first: String, _ a: [String: Tensor], second: String, _ b: [String: Tensor], _ network: Network) {
    self.first = first
    self.second = second
    values = []
    unmatched = []
    for node in network.nodes {
      guard let other = a[node.name], let value = b[node.name], value.shape == other.shape else {
        unmatched.append(node.name)
        continue
      }
      let difference = value.difference(from: other)
      values.append(
        Value(
          node: node.name, operation: node.operation.displayName, shape: value.shape, maximum: difference.maximum,
          mean: difference.mean, magnitude: difference.scale, bound: nil, isWithin: true))
    }
  }

  /// Winograd's stated bound on the rounding of a convolution; see `Tolerance`.
  private static let winogradFactor = 10.0

  private mutating func setBounds(_ network: Network, factor: Double, _ a: [String: Tensor]) {
    var measured: [String: Tolerance] = [:]
    for input in network.inputs {
      if let tensor = a[input.name] { measured[input.name] = Tolerance(magnitude: tensor.largestMagnitude, error: 0) }
    }
    for value in values {
      let least = a[value.node]?.withUnsafeFloats { $0.reduce(Double.infinity) { min($0, abs(Double($1))) } } ?? 0
      measured[value.node] = Tolerance(
        magnitude: value.magnitude, error: value.maximum, least: max(least - value.maximum, 0))
    }
    let nodes = Dictionary(network.nodes.map { ($0.name, $0) }) { first, _ in first }
    for index in values.indices {
      guard let node = nodes[values[index].node] else { continue }
      let operands = node.inputs.compactMap { measured[$0] }
      guard operands.count == node.inputs.count else { continue }
      let exact = operands.map { Tolerance(magnitude: $0.magnitude, error: 0, least: $0.least) }
      let rounding = Tolerance.bound(node, network, exact, Self.winogradFactor).error
      let carried = Tolerance.bound(node, network, operands, Self.winogradFactor).error - rounding
      let bound = carried + factor * rounding
      values[index].bound = bound
      // Written so that a NaN is outside.
      values[index].isWithin = values[index].maximum <= bound
    }
  }

  /// Every value by name, the input included.
  private static func values(
    of network: Network, on path: ComparisonPath, _ input: Tensor, _ threadCount: Int
  ) throws(EvaluationError) -> [String: Tensor] {
    let backend = try path.backend(threadCount: threadCount)
    var everything = network
    everything.outputs = network.nodes.map(\.name)
    do throws(ExecutionError) {
      let tensors = try backend.prepare(everything, inputs: [input.shape]).run([input])
      var result = Dictionary(zip(everything.outputs, tensors)) { first, _ in first }
      for value in network.inputs { result[value.name] = input }
      return result
    } catch {
      throw .execution(network: network.name, error)
    }
  }
}

extension Comparison {
  /// The table for people, and the verdict.
  public var text: String {
    var table = TextTable(["node", "operation", "largest |a|", "max |a - b|", "mean |a - b|", "bound", ""])
    for value in values {
      table.append([
        value.node, value.operation, TextFormat.scientific(value.magnitude), TextFormat.scientific(value.maximum),
        TextFormat.scientific(value.mean), value.bound.map(TextFormat.scientific) ?? "--", value.isWithin ? "" : "outside",
      ])
    }
    var text = "a: \(first)\nb: \(second)\n\n" + table.text + "\n"
    if !unmatched.isEmpty {
      text += "Not compared, because the other has no such value: \(unmatched.joined(separator: ", ")).\n"
    }
    let judged = values.count { $0.bound != nil }
    if let value = firstOutside {
      text += "The first node whose difference leaves its bound is '\(value.node)' (\(value.operation)): it is "
      text += "\(TextFormat.scientific(value.maximum)) and may be \(TextFormat.scientific(value.bound ?? 0)).\n"
    } else {
      text +=
        judged == 0
        ? "The two have no values in common that can be judged.\n" : "All \(judged) values are within their bounds.\n"
    }
    return text
  }
}
