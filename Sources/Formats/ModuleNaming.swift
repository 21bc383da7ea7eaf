import Architectures

/// How one program calls the modules of a network whose number of layers is fixed.
struct ModuleNaming: Sendable {
  /// For people: whose names these are.
  var title: String
  /// Where the program's U-Net has the skips; nil where the names do not tell.
  var skip: UNet.SkipPosition?
  /// Their name of one of our modules.
  var module: @Sendable (String) -> String

  /// Our own names, which torchvision shares for ResNet-18.
  static func ours(_ title: String = "Swiftlet") -> ModuleNaming { ModuleNaming(title: title) { $0 } }

  /// The naming under which the state has the most modules, and how many those are; nil where none has any.
  static func best(
    of namings: [ModuleNaming], for modules: [String], in state: StateDict
  ) -> (naming: ModuleNaming, known: Int)? {
    let known = Set(state.names.compactMap { $0.splitAtLastDot?.module.splitAtPart.module })
    var best: (naming: ModuleNaming, known: Int)?
    for naming in namings {
      let count = modules.count { known.contains(naming.module($0)) }
      if count > best?.known ?? 0 { best = (naming, count) }
    }
    return best
  }
}

extension Architecture {
  /// The modules that hold parameters, in order; each convolution one, of however many parts.
  var modules: [String] {
    guard let builder = try? definition.builder() else { return [] }
    var modules: [String] = []
    for node in builder.graph.nodes where !node.operation.parameters.isEmpty {
      let module = node.name.splitAtPart.module
      if modules.last != module { modules.append(module) }
    }
    return modules
  }
}

// The namings of the U-shaped networks and of the ResNets.
extension ModuleNaming {
  static let unet: [ModuleNaming] = [.ours(), .lists(pair: "f."), .milesial]
  static let seeInTheDark: [ModuleNaming] = [.ours(), .lists(pair: ""), .numberedDark]
  static let smallResNet: [ModuleNaming] = [.ours(), .plainResNet(blocks: "blocks")]
  static let resNet18: [ModuleNaming] = [.ours("torchvision"), .plainResNet(blocks: "layers")]

  /// A level of a U: which path, its number from 0, and what follows in our name: `up`, `double_conv.3`.
  private static func level(_ module: String) -> (path: Substring, index: Int, rest: String)? {
    let parts = module.split(separator: ".", maxSplits: 1)
    let level = parts.first?.split(separator: "_") ?? []
    guard parts.count == 2, level.count == 2, let number = Int(level[1]) else { return nil }
    return (level[0], number - 1, String(parts[1]))
  }

  /// Lists `down`, `up` and `merge`; `pair` stands between a pair's name and the number in it.
  static func lists(pair: String) -> ModuleNaming {
    ModuleNaming(title: "a plain module", skip: .last) { module in
      guard let (path, index, rest) = level(module) else { return module }
      if rest == "up" { return "up.\(index)" }
      return "\(path == "up" ? "merge" : "down").\(index)." + pair + rest.dropFirst("double_conv.".count)
    }
  }

  static let milesial = ModuleNaming(title: "milesial/Pytorch-UNet", skip: .first) { module in
    guard let (path, index, rest) = level(module) else { return module == "out" ? "outc.conv" : module }
    if rest == "up" { return "up\(index + 1).up" }
    if path == "up" { return "up\(index + 1).conv.\(rest)" }
    return index == 0 ? "inc.\(rest)" : "down\(index).maxpool_conv.1.\(rest)"
  }

  /// `conv1_1`, `conv1_2` … `upv6`, `conv6_1` … `conv10_1`, the names of the paper's TensorFlow program.
  static let numberedDark = ModuleNaming(title: "a module with numbered layers") { module in
    guard let (path, index, rest) = level(module) else { return module == "out" ? "conv10_1" : module }
    let number = index + (path == "up" ? 6 : 1)
    if rest == "up" { return "upv\(number)" }
    return "conv\(number)_\(rest == "double_conv.0" ? 1 : 2)"
  }

  /// `stem`, `bn`; blocks `PREFIX.N` of `a`, `bn_a`, `b`, `bn_b`, `shortcut.0`, `shortcut.1`.
  static func plainResNet(blocks: String) -> ModuleNaming {
    ModuleNaming(title: "a plain module") { module in
      switch module {
      case "conv1": return "stem"
      case "bn1": return "bn"
      default: break
      }
      let parts = module.split(separator: ".").map(String.init)
      guard parts.count >= 3, let number = Int(parts[1]) else { return module }
      // `layerN.M` of ResNet-18 is the block 2 (N - 1) + M.
      let layer = Int(parts[0].dropFirst("layer".count)) ?? 1
      let inside = ["conv1": "a", "bn1": "bn_a", "conv2": "b", "bn2": "bn_b"][parts[2]]
      return "\(blocks).\(2 * (layer - 1) + number)." + (inside ?? "shortcut.\(parts.last ?? "")")
    }
  }
}
