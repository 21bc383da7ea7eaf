import Architectures

/// The modules of a U-Net told apart by the shapes of their tensors alone: hardly two programs name them alike.
///
/// A pair of convolutions is a sequence `P` with a 3x3 convolution at `P.0` and another at `P.3`; in a U-Net no two pairs lead from the
/// same number of channels to the same other. nil where the tensors are no complete U-Net of five levels.
struct UNetShapes {
  /// The weights that one has at least.
  static let tensorCount = 23

  /// Their names of our modules.
  private var modules: [String: String] = [:]

  var naming: ModuleNaming {
    ModuleNaming(title: "a plain module") { [modules] in modules[$0] ?? $0 }
  }

  init?(_ state: StateDict) {
    var pairs: [Change: [String]] = [:]
    var ups: [Change: [String]] = [:]
    var projections: [Int: [String]] = [:]
    for module in Self.modules(of: state) {
      guard let convolution = state.convolution(module) else { continue }
      let change = Change(from: convolution.inputs, to: convolution.outputs)
      switch convolution.kernel {
      case 1 where module.splitAtPart.part == nil: projections[convolution.inputs, default: []].append(module)
      // Weights of transposed convolutions have the input channels first.
      case 2: ups[Change(from: change.to, to: change.from), default: []].append(module)
      case 3 where module.hasSuffix(".0"):
        let pair = String(module.dropLast(2))
        guard let second = state.convolution(pair + ".3"), second.outputs == change.to else { continue }
        pairs[change, default: []].append(pair)
      default: break
      }
    }
    guard let features = pairs.keys.map(\.to).min(), features > 0, features <= 1 << 16 else { return nil }
    func only(_ found: [String]?) -> String? { found?.count == 1 ? found?.first : nil }
    for level in 1...4 {
      let (wide, narrow) = (features << level, features << (level - 1))
      guard let down = only(pairs.removeValue(forKey: Change(from: narrow, to: wide))),
        let merge = only(pairs.removeValue(forKey: Change(from: wide, to: narrow))),
        let up = only(ups[Change(from: wide, to: narrow)])
      else { return nil }
      insert(pair: down, "down_\(level + 1)")
      insert(pair: merge, "up_\(5 - level)")
      modules["up_\(5 - level).up"] = up
    }
    guard pairs.count == 1, let (change, found) = pairs.first, change.to == features, let first = only(found),
      let out = only(projections[features])
    else { return nil }
    insert(pair: first, "down_1")
    modules["out"] = out
  }

  private struct Change: Hashable {
    var from: Int
    var to: Int
  }

  private mutating func insert(pair: String, _ level: String) {
    for index in [0, 1, 3, 4] { modules["\(level).double_conv.\(index)"] = "\(pair).\(index)" }
  }

  /// The modules that hold a weight, each convolution once.
  private static func modules(of state: StateDict) -> Set<String> {
    Set(state.names.compactMap { $0.splitAtLastDot?.module.splitAtPart.module })
  }
}
