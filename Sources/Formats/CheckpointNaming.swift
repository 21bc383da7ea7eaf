import Networks

/// How the tensors of one program's checkpoints are called, for networks whose names tell the number of layers.
///
/// A module of a checkpoint, `body.3.body.0`, is matched by a pattern, `body.*.body.0`, and stands for a node of our network,
/// `body.3.a`. Its tensors `weight` and `bias` are the node's parameters of those names. Where a convolution is made up of two, both
/// sides add the same part to the name: `body.3.body.0.depthwise`.
struct CheckpointNaming: Hashable, Sendable {
  /// For people: whose names these are.
  var title: String
  /// The patterns of the modules that the naming knows, `*` for a number.
  var patterns: [String]
  /// Those whose number counts layers or blocks from 0, and the step from one number to the next.
  var counting: [String]
  var step = 1
  var style: Style

  enum Style: Hashable, Sendable { case swiftlet, original, plain }

  /// Whether the naming knows a tensor of this name.
  func recognizes(_ name: String) -> Bool {
    guard let (module, role) = name.splitAtLastDot else { return false }
    let roles: [ParameterRole] = style == .swiftlet ? [.weight, .bias, .scale, .shift] : [.weight, .bias]
    let whole = module.splitAtPart.module
    return roles.contains { $0.rawValue == role } && patterns.contains { whole.number(in: $0) != nil }
  }

  /// How many layers or blocks the names count: one more than the largest number.
  func count(_ names: some Sequence<String>) -> Int {
    var count = 0
    for name in names {
      guard let (module, _) = name.splitAtLastDot else { continue }
      for pattern in counting {
        guard let number = module.splitAtPart.module.number(in: pattern), number % step == 0 else { continue }
        count = max(count, number / step + 1)
      }
    }
    return count
  }

  /// The naming that knows the most of the names, and how many those are; nil where none knows any.
  static func best(
    of namings: [CheckpointNaming], for names: some Collection<String>
  ) -> (naming: CheckpointNaming, known: Int)? {
    var best: (naming: CheckpointNaming, known: Int)?
    for naming in namings {
      let known = names.count { naming.recognizes($0) }
      if known > best?.known ?? 0 { best = (naming, known) }
    }
    return best
  }
}

// VDSR.
extension CheckpointNaming {
  static let vdsr: [CheckpointNaming] = [
    CheckpointNaming(title: "Swiftlet", patterns: ["layers.*"], counting: ["layers.*"], style: .swiftlet),
    CheckpointNaming(
      title: "twtygqyy/pytorch-vdsr", patterns: ["input", "residual_layer.*.conv", "output"],
      counting: ["residual_layer.*.conv"], style: .original),
    // A sequence with a ReLU, which has no parameters, after each convolution.
    CheckpointNaming(title: "a plain sequence", patterns: ["f.*"], counting: ["f.*"], step: 2, style: .plain),
  ]

  /// The number of convolutions that the names make.
  func vdsrDepth(_ names: some Sequence<String>) -> Int { count(names) + (style == .original ? 2 : 0) }

  func vdsrModule(layer: Int, depth: Int) -> String {
    switch style {
    case .swiftlet: "layers.\(layer)"
    case .plain: "f.\(2 * layer)"
    case .original: layer == 0 ? "input" : layer == depth - 1 ? "output" : "residual_layer.\(layer - 1).conv"
    }
  }
}

// EDSR.
extension CheckpointNaming {
  static let edsr: [CheckpointNaming] = [
    CheckpointNaming(
      title: "Swiftlet",
      patterns: ["head", "body.*.a", "body.*.b", "body.end", "up.*", "tail", "subtractMean", "addMean"],
      counting: ["body.*.a", "body.*.b"], style: .swiftlet),
    CheckpointNaming(
      title: "sanghyun-son/EDSR-PyTorch",
      patterns: ["head.0", "body.*.body.0", "body.*.body.2", "body.*", "tail.0.*", "tail.1", "sub_mean", "add_mean"],
      counting: ["body.*.body.0", "body.*.body.2"], style: .original),
    // One stage `up`; with two stages the names are ours.
    CheckpointNaming(
      title: "a plain module", patterns: ["head", "body.*.a", "body.*.b", "up", "tail"],
      counting: ["body.*.a", "body.*.b"], style: .plain),
  ]

  /// The module that stands for one of our nodes.
  func edsrModule(_ node: String, blocks: Int) -> String {
    switch style {
    case .swiftlet: return node
    case .plain: return node == "up.0" ? "up" : node
    case .original: break
    }
    switch node {
    case "head": return "head.0"
    case "body.end": return "body.\(blocks)"
    case "up.0": return "tail.0.0"
    case "up.1": return "tail.0.2"
    case "tail": return "tail.1"
    case "subtractMean": return "sub_mean"
    case "addMean": return "add_mean"
    default:
      if let index = node.number(in: "body.*.a") { return "body.\(index).body.0" }
      if let index = node.number(in: "body.*.b") { return "body.\(index).body.2" }
      return node
    }
  }
}

extension String {
  /// `("body.3.body.0", "weight")`; nil without a dot.
  var splitAtLastDot: (module: String, role: String)? {
    guard let dot = lastIndex(of: ".") else { return nil }
    return (String(self[..<dot]), String(self[index(after: dot)...]))
  }

  /// The number where the pattern has its `*`, 0 where the pattern has none; nil where the text does not match.
  func number(in pattern: String) -> Int? {
    guard let star = pattern.firstIndex(of: "*") else { return self == pattern ? 0 : nil }
    let (before, after) = (pattern[..<star], pattern[pattern.index(after: star)...])
    guard hasPrefix(before), hasSuffix(after), count > before.count + after.count else { return nil }
    let digits = dropFirst(before.count).dropLast(after.count)
    // No more digits than a number of layers has: what is longer is another name, and must not make millions of layers.
    guard digits.count <= 4, digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
    return Int(digits)
  }
}
