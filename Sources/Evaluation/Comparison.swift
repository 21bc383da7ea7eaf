import CPUBackend
import CUDABackend
import Execution
import Files
import Networks
import Tensors
import Transforms

extension Engine {
  /// The name of the rates that its kernels are chosen by.
  fileprivate var rates: String? {
    switch self {
    case .reference, .cuda: nil
    case .cpu(let options): options.machine.name
    }
  }

  /// The relative error of each value and weight that it stores, beside the rounding of sums in float32.
  fileprivate var storage: Double {
    switch self {
    case .reference: 0
    case .cpu(let options):
      switch options.precision {
      case .float32: 0
      case .bfloat16: Tolerance.bfloat16Epsilon
      }
    case .cuda(let options): options.precision.rounding
    }
  }
}

extension EngineName {
  /// The engines of a comparison where not both are named: one model is held against the reference, two models run alike.
  public static func pair(
    _ first: EngineName?, _ second: EngineName?, ofTwoModels isPair: Bool
  ) -> (first: EngineName, second: EngineName) {
    if isPair { return (first ?? second ?? .cpu(), second ?? first ?? .cpu()) }
    return (first ?? .reference, second ?? .cpu())
  }
}

/// Two networks, or one on two engines, value by value.
///
/// Both are optimised for inference, and every value that is left leaves the network. The bound of a value is what its node's
/// rounding can do, by theory, and what it makes of the differences measured in the values that it reads: so the first node that
/// leaves its bound is itself at fault, and those behind it are not blamed for it.
public struct Comparison: Hashable, Codable, Sendable {
  /// What is to be said of a value.
  public enum Verdict: String, Hashable, Codable, Sendable {
    /// The difference is no more than rounding.
    case within
    /// It is more than the node's own rounding and what its inputs' differences account for.
    case outside
    /// It is no more than what differences that go back to a node outside its bound account for: the node itself is not judged.
    case inherited
    /// The other network lacks what the node reads, or nothing bounds its rounding, as of a division by what may be 0.
    case unknown
  }

  public struct Value: Hashable, Codable, Sendable {
    public var node: String
    public var operation: String
    public var shape: Shape
    /// The largest and the mean |a - b|.
    public var maximum: Double
    public var mean: Double
    /// The largest |a|.
    public var magnitude: Double
    /// What the node's own rounding may make `maximum`; nil where the other network lacks what the node reads, or nothing bounds it.
    public var rounding: Double?
    /// What the node may make of the differences measured in its inputs; nil as `rounding`.
    public var carried: Double?
    public var verdict: Verdict
    /// Whether it is of integers in one of the two, or in both by other scales: then it is compared as the numbers that these stand for, in which no
    /// bound of rounding speaks.
    public var isDequantized = false
    /// What the first network calls it, where that is another name: a layer that has drawn in the function that makes the value in the second.
    public var nameInFirst: String?

    /// What `maximum` may be at most.
    public var bound: Double? { rounding.flatMap { rounding in carried.map { rounding + $0 } } }
    public var isWithin: Bool { verdict != .outside }
  }

  /// What runs the two.
  public var first: String
  public var second: String
  /// What the two networks are called, as files or by name; nil where nobody said.
  public var firstModel: String?
  public var secondModel: String?
  /// The name of the rates that kernels were chosen by; nil where both are the reference.
  public var rates: String?
  /// The values that both have, in the order of the second network.
  public var values: [Value]
  /// The values that have no like in the other network, by name or shape.
  public var unmatched: [String]
  /// Whether some node reads something else in the other network, such as integers of the same numbers: no bound of rounding speaks of it.
  public var hasOtherForms = false
  /// Whether the input is random numbers, which are not those that integers were calibrated on.
  public var isOfRandomNumbers = false
  /// The outputs of both networks as users get them, where the CPU engine runs them.
  public var plainOutputs: [PlainOutput] = []

  /// The first node whose difference leaves its bound.
  public var firstOutside: Value? { values.first { !$0.isWithin } }

  /// Runs both. `first` is what the second is held against; throws where they have no value in common. Cost: the values of both
  /// networks in memory.
  ///
  /// - Parameter tile: how an image is cut where the second network runs once more as it does for users.
  public init(
    _ first: Network, on firstEngine: Engine, _ second: Network, on secondEngine: Engine, input: Tensor,
    tile: TilePolicy = .none
  ) throws(EvaluationError) {
    let firstOptimised = first.optimizedForInference()
    let a = try Self.values(of: firstOptimised, on: firstEngine, input)
    let optimised = second.optimizedForInference()
    let b = try Self.values(of: optimised, on: secondEngine, input)
    let types = [firstOptimised, optimised].map { network in
      (try? network.inferredTypes(inputs: network.inputs.map { _ in input.shape })) ?? [:]
    }
    self.init(
      first: firstEngine.name.description, a, types[0], of: firstOptimised, second: secondEngine.name.description, b, types[1],
      optimised)
    rates = secondEngine.rates ?? firstEngine.rates
    if values.isEmpty, !optimised.nodes.isEmpty { throw .nothingInCommon(first: first.name, second: second.name) }
    setBounds(optimised, beside: firstOptimised, storage: firstEngine.storage + secondEngine.storage, a)
    if first != second || firstEngine != secondEngine {
      plainOutputs = try Self.plainOutputs(
        of: firstOptimised, on: firstEngine, input, tile: .none, against: a)
    }
    plainOutputs += try Self.plainOutputs(
      of: optimised, on: secondEngine, input, tile: tile, against: b)
  }

  private init(
    first: String, _ a: [String: Tensor], _ aTypes: [String: ValueType], of other: Network, second: String,
    _ b: [String: Tensor], _ bTypes: [String: ValueType], _ network: Network
  ) {
    self.first = first
    self.second = second
    values = []
    unmatched = []
    let pairs = Self.pairs(other, network) { first, second in
      a[first].map { $0.shape == b[second]?.shape } ?? false
    } isOfIntegers: { first, second in
      aTypes[first]?.quantization != nil || bTypes[second]?.quantization != nil
    }
    for node in network.nodes {
      guard let name = pairs[node.name], let other = a[name], let value = b[node.name] else {
        unmatched.append(node.name)
        continue
      }
      let quantizations = [aTypes[name]?.quantization, bTypes[node.name]?.quantization]
      let isDequantized = value.dataType != other.dataType || quantizations[0] != quantizations[1]
      let difference =
        isDequantized
        ? value.dequantized(quantizations[1]).difference(from: other.dequantized(quantizations[0]))
        : value.difference(from: other)
      values.append(
        Value(
          node: node.name, operation: node.operation.displayName, shape: value.shape, maximum: difference.maximum,
          mean: difference.mean, magnitude: difference.scale, rounding: nil, carried: nil, verdict: .unknown,
          isDequantized: isDequantized, nameInFirst: name == node.name ? nil : name))
    }
  }

  /// Winograd's stated bound on the rounding of a convolution; see `Tolerance`.
  private static let winogradFactor = 10.0

  /// - Parameter other: the first network, which made `a`.
  private mutating func setBounds(_ network: Network, beside other: Network, storage: Double, _ a: [String: Tensor]) {
    var measured: [String: Tolerance] = [:]
    for input in network.inputs {
      if let tensor = a[input.name] {
        measured[input.name] = Tolerance(magnitude: tensor.largestMagnitude, error: 0).stored(storage)
      }
    }
    for name in network.graph.readParameters.keys {
      measured[name] = Tolerance.constant(network.parameters[name]).stored(storage)
    }
    for value in values {
      let least = a[value.nameInFirst ?? value.node]?.leastMagnitude ?? 0
      // A value may leave as it was computed, and be read as it was stored.
      measured[value.node] = Tolerance(
        magnitude: value.magnitude, error: value.maximum, least: max(least - value.maximum, 0)
      ).stored(storage)
    }
    let nodes = Dictionary(network.nodes.map { ($0.name, $0) }) { first, _ in first }
    let seconds = Dictionary(values.compactMap { value in value.nameInFirst.map { ($0, value.node) } }) { first, _ in first }
    // What the nodes of the first read, by the names of the second.
    let others = Dictionary(other.nodes.map { ($0.name, $0.elementInputs.map { seconds[$0] ?? $0 }) }) { first, _ in first }
    var types = a.mapValues { ValueType($0.shape, $0.dataType) }
    let inputs = network.inputs.compactMap { a[$0.name]?.shape }
    if let own = try? network.inferredTypes(inputs: inputs) { types.merge(own) { _, own in own } }
    var isDisturbed: Set<String> = []
    let dequantized = Set(values.filter(\.isDequantized).map(\.node))
    for index in values.indices {
      guard let node = nodes[values[index].node] else { continue }
      // Numbers that integers stand for are rounded to their scale, which bounds of float arithmetic do not know.
      if values[index].isDequantized || node.elementInputs.contains(where: dequantized.contains) { continue }
      // Where it reads something else in the other network, such as integers of the same numbers, that is not what its inputs differ by.
      if values[index].nameInFirst != nil || others[node.name].map({ $0 != Array(node.elementInputs) }) ?? false {
        hasOtherForms = true
        continue
      }
      let operands = node.elementInputs.compactMap { measured[$0] }
      guard operands.count == node.elementInputs.count else { continue }
      let exact = operands.map { Tolerance(magnitude: $0.magnitude, error: 0, least: $0.least) }
      let rounding = Tolerance.bound(node, network, types, exact, Self.winogradFactor).error
      // What may be divided by 0 has no bound at all.
      let all = Tolerance.bound(node, network, types, operands, Self.winogradFactor).error
      let carried = rounding.isFinite ? all - rounding : 0
      // Both engines round on their own.
      let own = Tolerance.bound(node, network, types, exact, Self.winogradFactor, storage).stored(storage).error
      // What inputs differ by is a difference of two rounded numbers.
      let difference = carried > 0 ? Double(Float.ulpOfOne) * values[index].magnitude : 0
      let bound = carried + rounding + own + difference
      guard bound.isFinite else {
        // What is the same is right, whatever it might have been; what is not is no fault that shows here, unless it is no number.
        let maximum = values[index].maximum
        values[index].verdict = maximum == 0 ? .within : maximum.isNaN ? .outside : .unknown
        if node.elementInputs.contains(where: isDisturbed.contains) { isDisturbed.insert(node.name) }
        continue
      }
      values[index].rounding = rounding + own
      values[index].carried = carried
      if node.elementInputs.contains(where: isDisturbed.contains) { isDisturbed.insert(node.name) }
      // Written so that a NaN is outside.
      if !(values[index].maximum <= bound) {
        values[index].verdict = .outside
        isDisturbed.insert(node.name)
      } else {
        values[index].verdict = isDisturbed.contains(node.name) ? .inherited : .within
      }
    }
  }

  /// Every value by name, the input included.
  private static func values(
    of network: Network, on engine: Engine, _ input: Tensor
  ) throws(EvaluationError) -> [String: Tensor] {
    let given = Dictionary(uniqueKeysWithValues: network.inputs.map { ($0.name, input) })
    guard !network.nodes.isEmpty else { return given }
    let backend = try engine.makeBackend()
    var everything = network
    everything.outputs = network.nodes.map(\.name)
    everything.updates = []
    do throws(ExecutionError) {
      let tensors = try backend.prepare(everything, inputs: [input.shape]).run([input])
      return Dictionary(zip(everything.outputs, tensors)) { first, _ in first }.merging(given) { $1 }
    } catch {
      throw .execution(network: network.name, error)
    }
  }
}

extension Comparison: TextReport {
  /// The table for people, and the verdict.
  public var report: ReportText {
    var table = TextTable(["node", "operation", "largest |a|", "max |a - b|", "mean |a - b|", "rounding", "from inputs", ""])
    for value in values {
      table.append([
        value.node, value.operation, TextFormat.scientific(value.magnitude), TextFormat.scientific(value.maximum),
        TextFormat.scientific(value.mean), value.rounding.map(TextFormat.scientific) ?? "--",
        value.carried.map(TextFormat.scientific) ?? "--", value.verdict.text,
      ])
    }
    func named(_ model: String?, _ engine: String) -> String {
      (model.map { "\($0.onOneLine), " } ?? "") + engine.onOneLine
    }
    var text: ReportText =
      "a: \(named(firstModel, first))\nb: \(named(secondModel, second))\n\(rates.map { "rates: \($0.onOneLine)\n" } ?? "")"
    text += "\n\(table)\n"
    let integers = values.count(where: \.isDequantized)
    if integers > 0 {
      text +=
        "\(integers) \(integers == 1 ? "value is" : "values are") of integers in one of the two, or by other scales in both: compared as the "
      text += "numbers that they stand for, and held to no bound, nor is what reads them.\n"
    }
    let renamed = values.compactMap { value in value.nameInFirst.map { "\(value.node) (\($0) in a)" } }
    if !renamed.isEmpty { text += "Of one point under two names: \(Self.list(renamed)).\n" }
    if isOfRandomNumbers, integers > 0 {
      text +=
        "The input is random numbers, and the integers were calibrated on pictures: give one with --input to see what they lose.\n"
    }
    if !unmatched.isEmpty {
      text += "Not compared, because the other has no such value: \(Self.list(unmatched)).\n"
    }
    text.append(conclusion + unjudged + plainText)
    return text
  }

  /// Whether some node has a bound that it keeps, or none can have one as one of the two is of integers, or there is no node, nothing
  /// leaves its bound, and the runs for users give the bits of those compared, or on a device nearly.
  public var isGood: Bool {
    let isKept = values.isEmpty || hasOtherForms || values.contains { $0.verdict == .within || $0.isDequantized }
    return firstOutside == nil && isKept && plainOutputs.allSatisfy(\.isSame)
  }

  /// What differs and has no bound, which a good end of the others says nothing of.
  private var unjudged: String {
    let others = values.filter { $0.verdict == .unknown }
    guard !others.isEmpty, values.contains(where: { $0.verdict == .within }) else { return "" }
    return
      "Not judged, because what \(others.count == 1 ? "it is made of is" : "they are made of is") not in both, or not of one shape: "
      + Self.list(others.map(\.node))
      + "\(others.contains { $0.node == values.last?.node } ? "; the output is among them" : "").\n"
  }

  private var conclusion: String {
    func count(_ verdict: Verdict) -> Int { values.count { $0.verdict == verdict } }
    guard let value = firstOutside else {
      let judged = count(.within)
      return judged == 0
        ? "Nothing can be judged: no value that both have has a bound, and its inputs in both.\n"
        : judged == 1
          ? "The one value that has a bound is within it: rounding, and what the differences of the inputs account for.\n"
          : "All \(judged) values that have a bound are within it: rounding, and what the differences of the inputs account for.\n"
    }
    var text = "The first node whose difference leaves its bound is '\(value.node.onOneLine)' (\(value.operation)): it is "
    text += "\(TextFormat.scientific(value.maximum)), and rounding accounts for \(TextFormat.scientific(value.rounding ?? 0)), "
    text += "its inputs for \(TextFormat.scientific(value.carried ?? 0)).\n"
    let others = count(.outside) - 1, inherited = count(.inherited)
    if others > 0 { text += "\(others) more \(others == 1 ? "is" : "are") outside by what they add themselves.\n" }
    if inherited > 0 {
      text +=
        "\(inherited) behind it \(inherited == 1 ? "differs" : "differ") no more than what they inherit: whether they are right "
      text += "shows once that node is.\n"
    }
    return text
  }

  /// At most some names.
  private static func list(_ names: [String]) -> String {
    let most = 8
    let names = names.map(\.onOneLine)
    guard names.count > most + 1 else { return names.joined(separator: ", ") }
    return names.prefix(most).joined(separator: ", ") + " and \(names.count - most) more"
  }
}

extension Comparison.Verdict {
  fileprivate var text: String {
    switch self {
    case .within: ""
    case .outside: "outside"
    case .inherited: "inherited"
    case .unknown: "not judged"
    }
  }
}

extension Tensor {
  /// The numbers that integers stand for; as it is without a scale.
  fileprivate func dequantized(_ quantization: ValueType.Quantization?) -> Tensor {
    guard let quantization, let integers else { return self }
    return Tensor(shape, integers.map { Float(Int($0) - quantization.zeroPoint) * quantization.scale })
  }
}
