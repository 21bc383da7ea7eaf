import Files

/// Makes names of nodes: readable, and each only once.
struct ONNXNames {
  private var used: Set<String> = []
  private var counts: [String: Int] = [:]

  /// The name, with a number behind it where it is taken.
  mutating func unique(_ name: String) -> String {
    if used.insert(name).inserted { return name }
    var count = counts[name] ?? 1
    var candidate = name
    repeat {
      count += 1
      candidate = "\(name)_\(count)"
    } while !used.insert(candidate).inserted
    counts[name] = count
    return candidate
  }

  /// What a node should be called: as its weight is (`body.0.a` of `body.0.a.weight`), else as the file calls the node.
  static func readable(_ node: ONNXNode) -> String {
    for input in node.inputs.dropFirst() {
      for ending in [".weight", ".kernel", ".w"] where input.hasSuffix(ending) && input.count > ending.count {
        return cleaned(String(input.dropLast(ending.count)))
      }
    }
    return cleaned(node.label, type: node.type)
  }

  /// Operators with weights, which are called as the module is that holds the weights.
  private static let modules: Set<String> = ["Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "PRelu"]

  /// `/blocks/blocks.0/a/Relu` becomes `blocks.0.a.relu`: what repeats the part before it is left out, and so is the type of an
  /// operator with weights.
  private static func cleaned(_ text: String, type: String = "") -> String {
    var parts: [Substring] = []
    for part in text.onOneLine.split(separator: "/") {
      if let last = parts.last, part.hasPrefix(last + ".") { parts.removeLast() }
      parts.append(part)
    }
    if parts.count > 1, modules.contains(type), parts.last == type[...] {
      return parts.dropLast().joined(separator: ".")
    }
    if parts.count > 1, let last = parts.popLast() { return parts.joined(separator: ".") + "." + lowercased(last) }
    return parts.isEmpty ? "node" : lowercased(parts[0])
  }

  /// `Relu_1` becomes `relu_1`; other capitals stay.
  private static func lowercased(_ text: Substring) -> String { text.prefix(1).lowercased() + text.dropFirst() }
}
