import Architectures
import Tensors

/// Tensors by name, without what programs put around a model's own names.
struct StateDict {
  /// Components of names that wrappers add wherever they stand: parallel training and `torch.compile`.
  private static let wrappers: Set<Substring> = ["module", "_orig_mod"]
  /// Components that may stand before a model's own names.
  private static let prefixLimit = 8

  /// What stands before the names here in the checkpoint: `state_dict.generator.`.
  private(set) var prefix = ""
  private var tensors: [String: (original: String, tensor: Tensor)] = [:]
  /// Those with another prefix, or whose name another one has once the wrappers are gone.
  private(set) var hidden: [(original: String, tensor: Tensor)] = []
  /// In order.
  private(set) var names: [String] = []

  init(_ tensors: [String: Tensor]) {
    // Shorter names first, so that a name without wrappers is preferred.
    for name in tensors.keys.sorted(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }) {
      guard let tensor = tensors[name] else { continue }
      let short = Self.unwrapped(name)
      if self.tensors[short] == nil {
        self.tensors[short] = (name, tensor)
      } else {
        hidden.append((name, tensor))
      }
    }
    names = self.tensors.keys.sorted()
  }

  /// The name without the components that wrappers add; the last one stays, which is the tensor's own.
  private static func unwrapped(_ name: String) -> String {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard let last = parts.last, parts.dropLast().contains(where: wrappers.contains) else { return name }
    return (parts.dropLast().filter { !wrappers.contains($0) } + [last]).joined(separator: ".")
  }

  // MARK: Prefixes

  /// How many names begin with each prefix of whole components, the empty one included.
  func prefixes() -> [String: Int] {
    var counts = ["": names.count]
    for name in names {
      var end = name.startIndex
      for _ in 0..<Self.prefixLimit {
        guard let dot = name[end...].firstIndex(of: ".") else { break }
        end = name.index(after: dot)
        counts[String(name[..<end]), default: 0] += 1
      }
    }
    return counts
  }

  /// The tensors whose names begin with the prefix, without it; the others are hidden.
  func under(_ prefix: String) -> StateDict {
    guard !prefix.isEmpty else { return self }
    var result = StateDict([:])
    result.prefix = prefix
    result.hidden = hidden
    for name in names {
      guard let entry = tensors[name] else { continue }
      if name.hasPrefix(prefix) {
        result.tensors[String(name.dropFirst(prefix.count))] = entry
      } else {
        result.hidden.append(entry)
      }
    }
    result.names = result.tensors.keys.sorted()
    return result
  }

  // MARK: Tensors

  subscript(name: String) -> Tensor? { tensors[name]?.tensor }

  /// The name in the checkpoint, or the one that it should have there.
  func original(_ name: String) -> String { tensors[name]?.original ?? prefix + name }

  /// An extent of a convolution's weight; nil where there is none of that name.
  func extent(_ name: String, axis: Int) -> Int? {
    guard let shape = self[name]?.shape, shape.rank == 4 else { return nil }
    return shape[axis]
  }

  /// The channels and the kernel's height of the convolution that a module is, of whatever kind; nil where its tensors do not tell.
  func convolution(_ module: String) -> ConvolutionExtents? {
    if let shape = image(module + ".weight") {
      return ConvolutionExtents(inputs: shape[1], outputs: shape[0], kernel: shape[2])
    }
    if let mix = image(module + ".pointwise.weight"), let kernels = image(module + ".depthwise.weight") {
      return ConvolutionExtents(inputs: mix[1], outputs: mix[0], kernel: kernels[2])
    }
    // A linear layer or a 1x1 convolution.
    if let mix = self[module + ".select.weight"]?.shape, mix.rank >= 2, let kernels = image(module + ".kernels.weight") {
      return ConvolutionExtents(inputs: mix[1], outputs: mix[0], kernel: kernels[2])
    }
    return nil
  }

  /// The weight for want of which `convolution` is nil.
  func missingWeight(of module: String) -> String {
    for kind in ConvolutionKind.allCases {
      let weights = kind.parts.map { "\(module).\($0).weight" }
      guard weights.contains(where: { self[$0] != nil }) else { continue }
      if let missing = weights.first(where: { self[$0] == nil }) { return missing }
    }
    return module + ".weight"
  }

  private func image(_ name: String) -> Shape? {
    guard let shape = self[name]?.shape, shape.rank == 4 else { return nil }
    return shape
  }

  /// Whether a convolution, of whatever kind, has a bias.
  func hasBias(_ module: String) -> Bool {
    ["", ".depthwise", ".pointwise", ".kernels"].contains { self[module + $0 + ".bias"] != nil }
  }

  /// The kind of the convolutions that are not standard; standard where all are.
  var convolutionKind: ConvolutionKind {
    for name in names {
      if let part = name.splitAtLastDot?.module.splitAtPart.part {
        return ConvolutionKind.allCases.first { $0.parts.contains(part) } ?? .standard
      }
    }
    return .standard
  }
}

struct ConvolutionExtents: Hashable {
  var inputs: Int
  var outputs: Int
  var kernel: Int
}

extension String {
  /// `("body.3.a", "depthwise")` of the module `body.3.a.depthwise`; no part where the last component names none.
  var splitAtPart: (module: String, part: String?) {
    guard let (module, last) = splitAtLastDot, ConvolutionKind.allCases.contains(where: { $0.parts.contains(last) }) else {
      return (self, nil)
    }
    return (module, last)
  }
}
