import Evaluation
import Files

/// Two networks beside each other, layer by layer: where the second is not faster, why not, and what to change.
public struct PairExplanation: Hashable, Codable, Sendable {
  public struct Pair: Hashable, Codable, Sendable {
    public var name: String
    public var firstNanoseconds: Int
    public var secondNanoseconds: Int
    /// Of the first and of the second: operations that kernels do, and bytes that they move.
    public var operations: [Int]
    public var bytesMoved: [Int]
    /// Second over first, of the multiply-accumulates as written; nil where the first has none.
    public var arithmeticRatio: Double?
    /// Second over first, of the operations that the kernels do: Winograd's transforms leave fewer than are written.
    public var operationRatio: Double?
    /// Second over first.
    public var bytesRatio: Double?
    /// Second over first.
    public var timeRatio: Double
    /// What explains the time; empty where it is as fast as its arithmetic promises.
    public var reasons: [Reason]

    /// Whether it has fewer multiply-accumulates and takes as long.
    public var isNotFaster: Bool { timeRatio >= PairExplanation.fasterBelow && hasShrunk }
    fileprivate var hasShrunk: Bool { arithmeticRatio.map { $0 < PairExplanation.fasterBelow } ?? false }
  }

  /// Why a smaller layer takes the time it takes: the same words for every layer that they are true of.
  public struct Reason: Hashable, Codable, Sendable {
    public var reason: String
    /// What to change, where anything can be.
    public var change: String?
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
  /// Layers of the first network that the second has not.
  public var onlyFirst: [String]
  /// What the two were not measured alike in, a sentence each.
  public var conditions: [String]

  /// `second` is the one that should be the faster.
  public init(_ first: Profile, _ second: Profile) {
    self.first = Explanation(first)
    self.second = Explanation(second)
    firstParameters = first.parameterCount
    secondParameters = second.parameterCount
    firstMultiplyAccumulates = first.multiplyAccumulates
    secondMultiplyAccumulates = second.multiplyAccumulates
    conditions = Profile.differences(first, second)
    let groups = LayerMatching(first, second).groups
    let isUnreliable = second.hasUnreliableRoofs
    pairs = groups.filter { !$0.first.isEmpty && !$0.second.isEmpty }
      .map { Self.pair($0, second, isUnreliable: isUnreliable) }
    onlySecond = groups.filter(\.first.isEmpty).map(\.name)
    onlyFirst = groups.filter(\.second.isEmpty).map(\.name)
  }

  /// A layer that takes more than this share of the other's time is not faster.
  static let fasterBelow = 0.95
  /// Beyond this many times what the arithmetic promises, a faster layer deserves a reason, too.
  static let promised = 1.5

  private static func pair(_ group: LayerMatching.Group, _ second: Profile, isUnreliable: Bool) -> Pair {
    let a = group.first, b = group.second
    func ratio(_ b: Int, _ a: Int) -> Double? { a > 0 ? Double(b) / Double(a) : nil }
    let time = ratio(b.nanoseconds, a.nanoseconds) ?? 1
    var pair = Pair(
      name: group.name, firstNanoseconds: a.nanoseconds, secondNanoseconds: b.nanoseconds,
      operations: [a.operations, b.operations], bytesMoved: [a.bytesMoved, b.bytesMoved],
      arithmeticRatio: ratio(b.multiplyAccumulates, a.multiplyAccumulates), operationRatio: ratio(b.operations, a.operations),
      bytesRatio: ratio(b.bytesMoved, a.bytesMoved), timeRatio: time, reasons: [])
    // Layers that did not shrink have nothing to explain.
    guard pair.hasShrunk, let arithmetic = pair.arithmeticRatio, let operations = pair.operationRatio,
      time >= fasterBelow || time > promised * arithmetic
    else { return pair }
    if operations > promised * arithmetic {
      pair.reasons.append(
        Reason(reason: "Winograd's transforms save the larger layer most of its multiply-adds already: see 'done'"))
    }
    // What is done explains the rest where the time is in proportion to it.
    if time >= fasterBelow || time > promised * operations { pair.reasons += reasons(b, second, isUnreliable: isUnreliable) }
    return pair
  }

  private static func reasons(_ b: [Profile.Layer], _ profile: Profile, isUnreliable: Bool) -> [Reason] {
    var reasons: [Reason] = []
    let work = b.filter { !$0.isCopy }
    let isApart = work.count > 1 && work.contains { $0.operation.hasPrefix("depthwise") }
    if work.count > 1, work.contains(where: { $0.multiplyAccumulates > 0 }) {
      reasons.append(
        Reason(
          reason: "it is \(work.count) passes, between which values are written to memory and read again",
          change: isApart ? "let its parts be one: nothing but the next part may read the value between them" : nil))
    }
    for layer in b.sorted(by: { $0.nanoseconds > $1.nanoseconds }).prefix(2)
    where !(isApart && layer.operation.hasPrefix("depthwise")) && 10 * layer.nanoseconds > b.nanoseconds {
      let explained = Explanation.explain(layer, profile, isUnreliable: isUnreliable)
      // Others have said more than this.
      let isKnown = !explained.reason.isEmpty && (explained.reason != Explanation.unknownShortfall || reasons.isEmpty)
      guard isKnown else { continue }
      let reason = Reason(reason: explained.reason, change: explained.change)
      if !reasons.contains(reason) { reasons.append(reason) }
    }
    return reasons
  }
}

extension PairExplanation {
  /// As `report`, laid out.
  public func text(groupsAlike: Bool = true, width: Int? = nil) -> String {
    report(groupsAlike: groupsAlike).text(width: width)
  }

  /// For people: the whole, a line for each layer, and the notes that some of them refer to.
  ///
  /// - Parameter groupsAlike: pairs that do the same work share a line, with the sums of their times and what is said of most of them.
  public func report(groupsAlike: Bool = true) -> ReportText {
    func ratio(_ a: Int, _ b: Int) -> String { b > 0 ? TextFormat.fixed(Double(a) / Double(b), 2) : "--" }
    var text: ReportText = "a: \(first.heading)b: \(second.heading)\n"
    if !conditions.isEmpty { text.append(conditions.map { $0 + "\n" }.joined() + "\n") }
    text += "b has \(TextFormat.grouped(secondParameters)) parameters, a \(TextFormat.grouped(firstParameters)): "
    text += "\(Self.comparison(firstParameters, secondParameters)); multiply-adds: "
    text += "\(Self.comparison(firstMultiplyAccumulates, secondMultiplyAccumulates)). "
    text += "It takes \(Explanation.ms(Double(second.nanoseconds))) instead of \(Explanation.ms(Double(first.nanoseconds))): "
    text += "\(ratio(second.nanoseconds, first.nanoseconds)) of the time.\n\n"
    if pairs.isEmpty {
      text += "No layers of the two bear the same names: only the whole can be compared.\n"
      return text
    }
    var notes = Notes()
    text += "Ratios are b over a; 'done' is that of the multiply-adds that Winograd's transforms leave.\n\n"
    var table = TextTable(
      ["layer", "a", "b", "time", "multiply-adds", "done", "bytes", "see"], shortening: ["layer": 16],
      leavingOut: ["bytes", "done"])
    for (pair, names) in groups(groupsAlike) {
      let numbers = pair.reasons.map { notes.number($0.text, lines: names.count) }
      func fixed(_ ratio: Double?) -> String { ratio.map { TextFormat.fixed($0, 2) } ?? "--" }
      table.append([
        TextFormat.alike(names), Explanation.ms(Double(pair.firstNanoseconds)), Explanation.ms(Double(pair.secondNanoseconds)),
        fixed(pair.timeRatio), fixed(pair.arithmeticRatio), fixed(pair.operationRatio), fixed(pair.bytesRatio),
        numbers.joined(separator: ", "),
      ])
    }
    text += "\(table)\n\(notes.report)\(conclusion)"
    return text
  }

  /// `4.37 times fewer`, `2.91 times more`, `as many`.
  private static func comparison(_ first: Int, _ second: Int) -> String {
    guard first > 0, second > 0 else { return first == second ? "as many" : "\(TextFormat.grouped(second))" }
    let ratio = Double(first) / Double(second), text = TextFormat.fixed(max(ratio, 1 / ratio), 2)
    return text == "1.00" ? "as many" : "\(text) times \(ratio > 1 ? "fewer" : "more")"
  }

  /// Pairs that share a line, and what they take together.
  private func groups(_ groupsAlike: Bool) -> [(sum: Pair, names: [String])] {
    var groups: [[Pair]] = []
    for pair in pairs {
      let place = groups.firstIndex {
        groupsAlike && $0[0].operations == pair.operations && $0[0].bytesMoved == pair.bytesMoved
          && $0[0].arithmeticRatio == pair.arithmeticRatio
      }
      if let place { groups[place].append(pair) } else { groups.append([pair]) }
    }
    return groups.map { members in
      var sum = members.mostFrequent(\.reasons)
      sum.firstNanoseconds = members.reduce(0) { $0 + $1.firstNanoseconds }
      sum.secondNanoseconds = members.reduce(0) { $0 + $1.secondNanoseconds }
      sum.timeRatio = sum.firstNanoseconds > 0 ? Double(sum.secondNanoseconds) / Double(sum.firstNanoseconds) : 1
      return (sum, members.map(\.name))
    }
  }

  private var conclusion: String {
    var text = ""
    if !onlyFirst.isEmpty { text += "a alone has \(TextFormat.list(onlyFirst)).\n" }
    if !onlySecond.isEmpty { text += "b alone has \(TextFormat.list(onlySecond)).\n" }
    let slow = pairs.filter(\.isNotFaster), shrunk = pairs.count(where: \.hasShrunk)
    if shrunk == 0 { return text + "No layer of b has fewer multiply-adds than its like in a.\n" }
    text +=
      slow.isEmpty
      ? "Every layer that became smaller became faster.\n"
      : "\(slow.count) of the \(shrunk) layers that became smaller did not become faster: \(slow.map(\.name).joined(separator: ", ")).\n"
    return text
  }
}

extension PairExplanation.Reason {
  var text: String { reason.capitalisedFirst + "." + (change.map { " To change: \($0)." } ?? "") }
}
