import Architectures
import Tensors

/// Tensors by name, without the prefixes that wrappers of a model add.
struct StateDict {
  private var tensors: [String: (original: String, tensor: Tensor)] = [:]
  /// Those whose name another one has once the prefix is gone.
  private(set) var hidden: [(original: String, tensor: Tensor)] = []

  init(_ tensors: [String: Tensor]) {
    // Shorter names first, so that a name without prefix is preferred.
    for name in tensors.keys.sorted(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }) {
      guard let tensor = tensors[name] else { continue }
      var short = Substring(name)
      while let prefix = ["module.", "model."].first(where: { short.hasPrefix($0) }) { short = short.dropFirst(prefix.count) }
      if self.tensors[String(short)] == nil {
        self.tensors[String(short)] = (name, tensor)
      } else {
        hidden.append((name, tensor))
      }
    }
  }

  var names: [String] { tensors.keys.sorted() }

  subscript(name: String) -> Tensor? { tensors[name]?.tensor }

  /// The name in the checkpoint, or the name itself where it has none.
  func original(_ name: String) -> String { tensors[name]?.original ?? name }

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
