import Evaluation

/// Two networks beside each other, layer by layer: where the second is not faster, why not, and what to change.
public struct PairExplanation: Hashable, Codable, Sendable {
  public struct Pair: Hashable, Codable, Sendable {
    public var name: String
    public var firstNanoseconds: Int
    public var secondNanoseconds: Int
    /// Second over first, of the multiply-accumulates as written.
    public var arithmeticRatio: Double
    /// Second over first.
    public var timeRatio: Double
    /// What explains the time; empty where it is as fast as its arithmetic promises.
    public var reasons: [String]
    /// What to change.
    public var changes: [String]
  }

  public var first: Explanation
  public var second: Explanation
  public var firstParameters: Int
  public var secondParameters: Int
  public var firstMultiplyAccumulates: Int
  public var secondMultiplyAccumulates: Int
  /// The layers that both have, by the names that they share.
  public var pairs: [Pair]
  /// Layers of the second network that the first has not.
  public var onlySecond: [String]

  /// `second` is the one that should be the faster.
  public init(_ first: Profile, _ second: Profile) {
    self.first = Explanation(first)
    self.second = Explanation(second)
    firstParameters = first.parameterCount
    secondParameters = second.parameterCount
    firstMultiplyAccumulates = first.multiplyAccumulates
    secondMultiplyAccumulates = second.multiplyAccumulates
    let groups = LayerMatching(first, second).groups
    pairs = groups.filter { !$0.first.isEmpty && !$0.second.isEmpty }.map { Self.pair($0, first, second) }
    onlySecond = groups.filter(\.first.isEmpty).map(\.name)
  }

  /// A layer that takes more than this share of the other's time is not faster.
  static let fasterBelow = 0.95
  /// Beyond this many times what the arithmetic promises, a faster layer deserves a reason, too.
  static let promised = 1.5

  private static func pair(_ group: LayerMatching.Group, _ first: Profile, _ second: Profile) -> Pair {
    let a = group.first, b = group.second
    let arithmetic = a.multiplyAccumulates > 0 ? Double(b.multiplyAccumulates) / Double(a.multiplyAccumulates) : 1
    let time = a.nanoseconds > 0 ? Double(b.nanoseconds) / Double(a.nanoseconds) : 1
    var pair = Pair(
      name: group.name, firstNanoseconds: a.nanoseconds, secondNanoseconds: b.nanoseconds, arithmeticRatio: arithmetic,
      timeRatio: time, reasons: [], changes: [])
    // Layers that did not shrink have nothing to explain.
    guard arithmetic < fasterBelow, time >= fasterBelow || time > promised * arithmetic else { return pair }
    pair.reasons = reasons(a, b, arithmetic, second)
    pair.changes = changes(b, second)
    return pair
  }

  private static func reasons(
    _ a: [Profile.Layer], _ b: [Profile.Layer], _ arithmetic: Double, _ profile: Profile
  ) -> [String] {
    func fixed(_ value: Double) -> String { TextFormat.fixed(value, 1) }
    var reasons: [String] = []
    let operations = a.operations > 0 ? Double(b.operations) / Double(a.operations) : arithmetic
    if operations > promised * arithmetic, operations > 0, arithmetic > 0 {
      reasons.append(
        "its \(fixed(1 / arithmetic)) times fewer multiply-adds are \(times(operations)) in fact, as Winograd already saves the "
          + "larger layer most of its own")
    }
    let work = b.filter { !$0.isCopy }
    if work.count > 1, work.contains(where: { $0.multiplyAccumulates > 0 }) {
      let between = work.dropLast().reduce(0) { $0 + 2 * $1.outputShape.count * 4 }
      reasons.append(
        "it is \(work.count) passes, between which \(TextFormat.bytes(between)) are written and read again")
    }
    let bytes = a.bytesMoved > 0 ? Double(b.bytesMoved) / Double(a.bytesMoved) : 1
    for layer in b.sorted(by: { $0.nanoseconds > $1.nanoseconds }).prefix(2) {
      let bound = Explanation.bound(of: layer, profile)
      let name = work.count > 1 || layer.isCopy ? "'\(layer.name)'" : "it"
      switch bound {
      case .memory:
        reasons.append("\(name) is bound by memory, and moves \(times(bytes)) bytes")
      case .arithmetic:
        let share = profile.roofShare(layer)
        if share < 0.6 {
          reasons.append("\(name) reaches \(ProfileTable.percent(share)) of the arithmetic that the machine can do")
        }
      case .launch: reasons.append("\(name) is too small: beginning it takes the time")
      case .oddChannels, .fallbackKernel, .copy:
        reasons.append("\(name) is " + Explanation.explain(layer, profile).reason.droppingPrefix("bound by "))
      }
    }
    return reasons
  }

  private static func times(_ ratio: Double) -> String {
    if ratio <= 0 { return "no" }
    if ratio < 0.95 { return "\(TextFormat.fixed(1 / ratio, 1)) times fewer" }
    return ratio > 1.05 ? "\(TextFormat.fixed(ratio, 1)) times as many" : "as many"
  }

  private static func changes(_ b: [Profile.Layer], _ profile: Profile) -> [String] {
    var changes: [String] = []
    let work = b.filter { !$0.isCopy }
    let isApart = work.count > 1 && work.contains { $0.operation.hasPrefix("depthwise") }
    if isApart { changes.append("let its parts be one: nothing but the next part may read the value between them") }
    for layer in b.sorted(by: { $0.nanoseconds > $1.nanoseconds }).prefix(2)
    where !(isApart && layer.operation.hasPrefix("depthwise")) {
      if let change = Explanation.explain(layer, profile).change, !changes.contains(change) { changes.append(change) }
    }
    return changes
  }
}

extension PairExplanation {
  /// The sentences for people: the whole, then layer by layer.
  public var text: String {
    func ratio(_ a: Int, _ b: Int) -> String { b > 0 ? TextFormat.fixed(Double(a) / Double(b), 2) : "--" }
    var text = first.heading + second.heading + "\n"
    text += "\(second.model) has \(TextFormat.grouped(secondParameters)) parameters, \(first.model) "
    text += "\(TextFormat.grouped(firstParameters)): \(ratio(firstParameters, secondParameters)) times fewer; "
    text += "\(ratio(firstMultiplyAccumulates, secondMultiplyAccumulates)) times fewer multiply-accumulates. "
    text += "It takes \(Explanation.ms(Double(second.nanoseconds))) instead of \(Explanation.ms(Double(first.nanoseconds))): "
    text += "\(ratio(second.nanoseconds, first.nanoseconds)) of the time.\n\n"
    if pairs.isEmpty { return text + "No layers of the two bear the same names: only the whole can be compared.\n" }
    for pair in pairs { text += pair.text + "\n" }
    if !onlySecond.isEmpty { text += "\(second.model) alone has \(onlySecond.joined(separator: ", ")).\n" }
    let slow = pairs.filter { $0.timeRatio >= Self.fasterBelow && $0.arithmeticRatio < Self.fasterBelow }
    text += "\n"
    text +=
      slow.isEmpty
      ? "Every layer that became smaller became faster.\n"
      : "\(slow.count) of the layers that became smaller did not become faster: \(slow.map(\.name).joined(separator: ", ")).\n"
    return text
  }
}

extension PairExplanation.Pair {
  /// `body.0.a: 1.19 ms -> 0.65 ms, 0.55 of the time for 0.12 of the multiply-adds; because …. To change: ….`
  public var text: String {
    var text =
      "\(name): \(Explanation.ms(Double(firstNanoseconds))) -> \(Explanation.ms(Double(secondNanoseconds))), "
      + "\(TextFormat.fixed(timeRatio, 2)) of the time for \(TextFormat.fixed(arithmeticRatio, 2)) of the multiply-adds"
    if !reasons.isEmpty {
      text += timeRatio >= PairExplanation.fasterBelow ? "; not faster, because " : "; not faster still, because "
      text += reasons.joined(separator: ", and ")
    }
    text += "."
    if !changes.isEmpty { text += " To change: \(changes.joined(separator: "; "))." }
    return text
  }
}

extension String {
  fileprivate func droppingPrefix(_ prefix: String) -> String { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self }
}
