import Architectures
import Files

// Which of the tensors are the network's.
extension CheckpointConversion {
  /// The tensors under the prefix that leaves the most names known to the architecture, and what to say about the choice.
  func chosen(_ all: StateDict) throws(ConversionError) -> (state: StateDict, notes: [String]) {
    var prefixes = all.prefixes()
    if let key {
      prefixes = prefixes.filter { $0.key.split(separator: ".").contains { $0 == key } }
      if prefixes.isEmpty { throw .unknownKey(key, prefixes: Self.firstComponents(of: all)) }
    }
    var best: (score: Int, states: [StateDict]) = (0, [])
    // Larger sets first: one that is smaller than the best score cannot reach it.
    for (prefix, count) in prefixes.sorted(by: { ($0.value, $1.key) > ($1.value, $0.key) }) {
      guard count >= best.score else { break }
      let state = all.under(prefix)
      let score = score(state)
      if score > best.score { best = (score, [state]) } else if score == best.score, score > 0 { best.states.append(state) }
    }
    if best.score < modulesOfUNet {
      let states = all.setsOfUNetShapes(prefixes)
      if !states.isEmpty { best.states = states }
    }
    guard let state = best.states.min(by: { rank($0) < rank($1) }) else {
      // Nothing is known: what was asked for, for the message.
      return (key == nil ? all : all.under(prefixes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? ""), [])
    }
    let equals = best.states.filter { $0.prefix != state.prefix }
    if equals.contains(where: { rank($0) == rank(state) }) {
      throw .ambiguous(architecture: architecture.rawValue, prefixes: best.states.map(\.prefix).sorted())
    }
    guard !equals.isEmpty else { return (state, []) }
    let others = equals.map { $0.named }.sorted().joined(separator: ", ")
    return (state, ["\(state.named) are taken; the checkpoint also holds \(others), which --key takes"])
  }

  private func rank(_ state: StateDict) -> Int { CheckpointKeys.rank(ofPrefix: state.prefix) }

  /// How many names the architecture knows, as tensors or modules.
  func score(_ state: StateDict) -> Int {
    switch architecture {
    case .vdsr: return CheckpointNaming.best(of: CheckpointNaming.vdsr, for: state.names)?.known ?? 0
    case .edsr: return CheckpointNaming.best(of: CheckpointNaming.edsr, for: state.names)?.known ?? 0
    case .unet: return ModuleNaming.best(of: ModuleNaming.unet, for: Self.modules.unet, in: state)?.known ?? 0
    case .seeInTheDark:
      return ModuleNaming.best(of: ModuleNaming.seeInTheDark, for: Self.modules.seeInTheDark, in: state)?.known ?? 0
    case .smallResNet:
      return ModuleNaming.best(of: ModuleNaming.smallResNet, for: Self.modules.smallResNet, in: state)?.known ?? 0
    case .resNet18: return ModuleNaming.best(of: ModuleNaming.resNet18, for: Self.modules.resNet18, in: state)?.known ?? 0
    case .srvgg: return state.names.count { CheckpointNaming.srvgg.recognizes($0) }
    case .rrdb: return CheckpointNaming.best(of: CheckpointNaming.rrdb, for: state.names)?.known ?? 0
    }
  }

  /// The number of modules that a U-Net of known names has, 0 for other architectures: with fewer the shapes may tell more.
  private var modulesOfUNet: Int { architecture == .unet ? Self.modules.bilinearUNet.count : 0 }

  /// Our modules of each architecture whose number of layers is fixed.
  static let modules = (
    unet: Architecture.unet(UNet()).modules, bilinearUNet: Architecture.unet(UNet(upsampling: .bilinear)).modules,
    seeInTheDark: Architecture.seeInTheDark(SeeInTheDark()).modules,
    smallResNet: Architecture.smallResNet(SmallResNet()).modules,
    resNet18: Architecture.resNet18(ResNet18()).modules
  )

  private static func firstComponents(of state: StateDict) -> [String] {
    Set(state.names.compactMap { $0.contains(".") ? $0.split(separator: ".").first.map(String.init) : nil }).sorted()
  }
}

extension StateDict {
  /// For people: the tensors under a prefix.
  fileprivate var named: String {
    prefix.isEmpty ? "the tensors without a prefix" : "those under '\(prefix.dropLast().description.onOneLine)'"
  }

  /// The largest sets of tensors that are a U-Net by their shapes alone.
  fileprivate func setsOfUNetShapes(_ prefixes: [String: Int]) -> [StateDict] {
    var found: [StateDict] = []
    for (prefix, count) in prefixes.sorted(by: { $0.key < $1.key }) where count >= UNetShapes.tensorCount {
      if found.contains(where: { prefix.hasPrefix($0.prefix) }) { continue }
      let state = under(prefix)
      if UNetShapes(state) != nil { found.append(state) }
    }
    return found
  }
}
