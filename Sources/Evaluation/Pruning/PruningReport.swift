import Files
import Formats
import Networks
import Tensors
import Transforms

/// What pruning took, and what it saves.
public struct PruningReport: Hashable, Codable, Sendable {
  /// One layer of which something was asked, or that lost something with others.
  public struct Layer: Hashable, Codable, Sendable {
    public var layer: String
    /// The part that was asked for; nil where nothing was, and it lost what is coupled.
    public var asked: Double?
    /// Output channels, or weights that are not 0.
    public var before: Int
    public var after: Int
    /// Why it kept more than was asked for; nil where it did not.
    public var reason: String?
  }

  /// What was measured for a target.
  public struct Target: Hashable, Codable, Sendable {
    /// `time`, `bytes` or `joules`.
    public var measure: String
    /// Seconds, bytes or joules.
    public var before: Double
    public var after: Double
    /// Networks that were measured to find it.
    public var candidates: Int
    var text: String
  }

  public var model: String
  public var network: String
  public var input: String
  /// `channels` or `weights`.
  public var granularity: String
  public var importance: String
  public var multiple: Int
  public var layers: [Layer] = []
  /// What went with what, a line a group.
  public var consequences: [String] = []
  public var before: ModelOptimization.Costs?
  public var after: ModelOptimization.Costs?
  /// Of the model file.
  public var fileBytesBefore = 0
  public var fileBytesAfter = 0
  /// Of the model file when it is packed by deflate.
  public var compressedBytesBefore = 0
  public var compressedBytesAfter = 0
  public var target: Target?
  public var quality: Quality?
  /// The model file; nil where none was written.
  public var output: String?
  /// The folder of the runs that trained; nil where none did.
  public var runs: String?

  /// What should be known of what came out, a line each.
  public var notices: [String] {
    if layers.allSatisfy({ $0.after == $0.before }) {
      return [
        "nothing was removed; give a larger share"
          + (multiple > 1 && granularity == "channels" ? ", or --align 1, which takes widths as they come" : "")
      ]
    }
    let narrow = layers.filter { granularity == "channels" && $0.after == 1 && $0.before > 1 }.map(\.layer)
    if narrow.isEmpty { return [] }
    return [
      "\(narrow.count) \(narrow.count == 1 ? "layer is" : "layers are") left with one channel, through which hardly anything goes: "
        + "\(TextFormat.list(narrow, most: 4)); ask for less"
        + (multiple < Self.usualMultiple ? ", or give --align \(Self.usualMultiple)" : "")
    ]
  }

  private static let usualMultiple = ModelPruning.Request.kernelWidth

  init(model: String, network: String, shapes: [Shape], request: ModelPruning.Request) {
    self.model = model
    self.network = network
    input = shapes.map(\.description).joined(separator: ", ")
    granularity = request.isOfWeights ? "weights" : "channels"
    importance = request.importance.rawValue
    multiple = request.multiple
  }

  mutating func noteMasks(_ masks: WeightMasks, of network: Network) {
    for node in network.nodes {
      for part in node.operation.linearParts {
        guard let mask = masks.masks[node.parameterName(part.weightRole)] else { continue }
        let zeros = mask.floats.count { $0 == 0 }
        layers.append(
          Layer(
            layer: node.name, asked: Double(zeros) / Double(max(mask.count, 1)), before: mask.count, after: mask.count - zeros,
            reason: nil))
      }
    }
  }

  mutating func noteChannels(
    _ coupling: ChannelCoupling, _ amounts: PruningAmounts, _ scores: [[Double]?], _ units: [[Int]], _ removal: ChannelRemoval,
    _ network: Network
  ) {
    consequences = coupling.consequences(of: removal, in: network)
    let fixed = Dictionary(coupling.fixed.map { ($0.layer, $0.obstacle) }) { first, _ in first }
    for node in network.nodes {
      guard let part = node.operation.linearParts.last else { continue }
      let asked = amounts.layers[node.name].flatMap { $0.share > 0 ? $0.share : nil },
        lost = removal.rows[node.name]?.count ?? 0
      guard asked != nil || lost > 0 else { continue }
      var layer = Layer(layer: node.name, asked: asked, before: part.outChannels, after: part.outChannels - lost, reason: nil)
      let wanted = Double(part.outChannels) * (asked ?? 0)
      if Double(lost) + 0.5 < wanted {
        layer.reason = reason(node, fixed, coupling, amounts, scores)
      }
      layers.append(layer)
    }
  }

  /// Of what is left behind rounds of pruning and training.
  mutating func noteWidths(before old: Network, after new: Network, _ amounts: PruningAmounts) {
    let widths = Dictionary(
      new.nodes.compactMap { node in node.operation.linearParts.last.map { (node.name, $0.outChannels) } }
    ) { a, _ in a }
    for node in old.nodes {
      guard let part = node.operation.linearParts.last, let width = widths[node.name] else { continue }
      let asked = amounts.layers[node.name]?.share
      guard asked != nil || width < part.outChannels else { continue }
      layers.append(Layer(layer: node.name, asked: asked, before: part.outChannels, after: width, reason: nil))
    }
  }

  /// Why a layer lost less than was asked of it.
  private func reason(
    _ node: Node, _ fixed: [String: ChannelCoupling.Obstacle], _ coupling: ChannelCoupling, _ amounts: PruningAmounts,
    _ scores: [[Double]?]
  ) -> String {
    if let obstacle = fixed[node.name] { return obstacle.description }
    guard let index = coupling.groups.firstIndex(where: { $0.layers.contains(node.name) }) else {
      return "it has no channels of its own"
    }
    let group = coupling.groups[index]
    if let excluded = group.layers.first(where: amounts.excluded.contains) {
      return "its channels go with those of '\(excluded.onOneLine)', which is excluded"
    }
    if scores[index] == nil { return "no batch norm follows it" }
    if let least = amounts.layer(of: group), let asked = amounts.layers[node.name], least.share < asked.share {
      return "its channels go with those of others, of which \(TextFormat.fixed(least.share, 2)) is asked"
    }
    return multiple > 1
      ? "widths are multiples of \(multiple) where they are wide enough (--align 1 takes others)" : "a layer keeps a channel"
  }

  mutating func noteCosts(before old: Network, after new: Network, _ shapes: [Shape]) throws(EvaluationError) {
    func costs(_ network: Network) throws(EvaluationError) -> ModelOptimization.Costs {
      try wrapping { () throws(NetworkError) in ModelOptimization.Costs(try network.ledger(inputs: shapes)) }
    }
    (before, after) = (try costs(old), try costs(new))
    let (first, second) = (ModelFile.contents(of: old).encoded(), ModelFile.contents(of: new).encoded())
    (fileBytesBefore, fileBytesAfter) = (first.count, second.count)
    (compressedBytesBefore, compressedBytesAfter) = (CompressedSize.deflated(first), CompressedSize.deflated(second))
  }
}

extension PruningReport: TextReport {
  /// How many parameters are not 0, and how large the packed file is.
  static func sizes(of network: Network) -> (nonzero: Int, packed: Int) {
    var nonzero = 0
    for node in network.nodes {
      for parameter in node.operation.parameters where parameter.isTrainable {
        guard let tensor = network.parameters[node.parameterName(parameter.role)], tensor.dataType == .float32 else { continue }
        nonzero += tensor.withUnsafeFloats { $0.count { $0 != 0 } }
      }
    }
    return (nonzero, CompressedSize.deflated(ModelFile.contents(of: network).encoded()))
  }

  /// The figures for people.
  public var report: ReportText {
    let isOfWeights = granularity == "weights"
    var text: ReportText = "\(model.onOneLine): \(network.onOneLine), input \(input), \(granularity) by \(importance)\n\n"
    var table = TextTable(["layer", "asked", isOfWeights ? "weights" : "channels", "left", ""])
    for layer in layers {
      table.append([
        layer.layer, layer.asked.map { TextFormat.fixed($0, 2) } ?? "", TextFormat.grouped(layer.before),
        TextFormat.grouped(layer.after), layer.reason ?? (layer.asked == nil && target == nil ? "with others" : ""),
      ])
    }
    text += table
    if let alignment { text.append(alignment) }
    if !consequences.isEmpty { text.append("\n" + consequences.map { $0.printable + "\n" }.joined()) }
    if let before, let after {
      var costs = ModelOptimization.Costs.table(before, after)
      func row(_ name: String, _ old: Int, _ new: Int) {
        costs.append([
          name, TextFormat.bytes(old), TextFormat.bytes(new), TextFormat.fixed(Double(new) / Double(max(old, 1)), 3),
        ])
      }
      row("model file", fileBytesBefore, fileBytesAfter)
      row("model file, packed", compressedBytesBefore, compressedBytesAfter)
      text += "\n\(costs)"
    }
    if let quality { text += "\n\(quality.text)\n" }
    if let target {
      text +=
        "\n\(target.text): \(TextFormat.fixed(target.after / target.before, 3)) of it, \(target.candidates) network\(target.candidates == 1 ? "" : "s") measured\n"
    }
    if isOfWeights {
      text +=
        "\nsingle weights are 0 where they stood: the network takes as long as before, and its file is smaller only when it is packed\n"
    }
    if let runs { text += "\nthe runs are in \(runs.onOneLine): 'swiftlet runs list \(runs.onOneLine)'\n" }
    if let output { text += "\nwritten to \(output.onOneLine)\n" }
    return text
  }

  /// Which layers have other widths than were asked for; nil where none has.
  private var alignment: String? {
    guard granularity != "weights", multiple > 1 else { return nil }
    let others = layers.filter { $0.after < $0.before && !$0.after.isMultiple(of: multiple) }
    guard !others.isEmpty else { return nil }
    let names = TextFormat.list(others.map { "\($0.layer.onOneLine) (\($0.after))" }, most: 4)
    return
      "\nno \(others.count == 1 ? "multiple" : "multiples") of \(multiple) (--align): \(names); a layer of fewer than \(2 * multiple) channels has "
      + "multiples of the half, and so on\n"
  }
}
