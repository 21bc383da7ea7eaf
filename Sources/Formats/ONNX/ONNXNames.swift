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

  /// What a node should be called: as the module is that it is, else as the file calls the node.
  static func readable(_ node: ONNXNode) -> String { module(node) ?? cleaned(node.label) }

  /// The module that a node is, by its weight (`body.0.a` of `body.0.a.weight`) or, where it is an operator with weights, by its own
  /// name (`blocks.0.a` of `/blocks/blocks.0/a/Conv`); nil where neither says so.
  static func module(_ node: ONNXNode) -> String? {
    for input in node.inputs.dropFirst() {
      for ending in [".weight", ".kernel", ".w"] where input.hasSuffix(ending) && input.count > ending.count {
        return cleaned(String(input.dropLast(ending.count)))
      }
    }
    let parts = parts(node.label)
    guard parts.count > 1, modules.contains(node.type), parts.last == node.type[...] else { return nil }
    return parts.dropLast().joined(separator: ".")
  }

  /// Operators with weights, which are called as the module is that holds the weights.
  private static let modules: Set<String> = ["Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "PRelu"]

  /// `/blocks/blocks.0/a/Relu` becomes `blocks.0.a.relu`.
  private static func cleaned(_ text: String) -> String {
    var parts = parts(text)
    if parts.count > 1, let last = parts.popLast() { return parts.joined(separator: ".") + "." + lowercased(last) }
    return parts.isEmpty ? "node" : lowercased(parts[0])
  }

  /// The parts of a path, without those that the next one repeats.
  private static func parts(_ text: String) -> [Substring] {
    var parts: [Substring] = []
    for part in text.onOneLine.split(separator: "/") {
      if let last = parts.last, part.hasPrefix(last + ".") { parts.removeLast() }
      parts.append(part)
    }
    return parts
  }

  /// `Relu_1` becomes `relu_1`; other capitals stay.
  private static func lowercased(_ text: Substring) -> String { text.prefix(1).lowercased() + text.dropFirst() }
}
