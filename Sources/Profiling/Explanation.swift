import Evaluation
import Tensors

/// What bounds each layer of a network, and what would make it faster: conclusions from a profile, nothing more.
public struct Explanation: Hashable, Codable, Sendable {
  /// What a layer's time is spent on.
  public enum Bound: String, Hashable, Codable, Sendable {
    /// The multiply-adds of the machine.
    case arithmetic
    /// The bytes that it can move.
    case memory
    /// Too little work for what it costs to begin.
    case launch
    /// Products with the padding of a block of channels.
    case oddChannels
    /// No kernel made for it.
    case fallbackKernel
    /// A copy into another layout.
    case copy
  }

  public struct Layer: Hashable, Codable, Sendable {
    public var name: String
    public var operation: String
    public var bound: Bound
    public var nanoseconds: Int
    public var idealNanoseconds: Int
    /// What bounds it, in words.
    public var reason: String
    /// What to change; nil where it is as fast as it can be.
    public var change: String?
  }

  public var model: String
  public var layers: [Layer]
  public var nanoseconds: Int
  public var engineNanoseconds: Int
  public var idealNanoseconds: Int
  public var heading: String

  public init(_ profile: Profile) {
    model = profile.model
    layers = profile.layers.map { Self.explain($0, profile) }
    nanoseconds = profile.nanoseconds
    engineNanoseconds = profile.engineNanoseconds
    idealNanoseconds = layers.reduce(0) { $0 + $1.idealNanoseconds }
    heading = profile.heading
  }
}

// MARK: Conclusions

extension Explanation {
  /// Channels of which a stored pixel is a multiple.
  static let channelBlock = 16
  /// Below this, or some times what an empty loop takes, a band is over before it is well begun.
  static let smallBandNanoseconds = 15_000
  /// What no one needs to hear of.
  static let negligibleNanoseconds = 5_000
  /// Padding that costs more than this is worth a word.
  static let notablePadding = 1.2

  static func explain(_ layer: Profile.Layer, _ profile: Profile) -> Layer {
    let bound = bound(of: layer, profile)
    return Layer(
      name: layer.name, operation: layer.operation, bound: bound, nanoseconds: layer.nanoseconds,
      idealNanoseconds: Int(profile.idealNanoseconds(layer)), reason: reason(bound, layer, profile),
      change: change(bound, layer, profile))
  }

  static func bound(of layer: Profile.Layer, _ profile: Profile) -> Bound {
    if layer.isCopy { return .copy }
    if !layer.isVectorised || layer.denseGroups > 1 || layer.isTakenApart { return .fallbackKernel }
    let share = profile.roofShare(layer)
    let isMemoryBound = profile.memoryNanoseconds(layer) > profile.arithmeticNanoseconds(layer)
    let smallBand = max(smallBandNanoseconds, 4 * profile.roofs.launchNanoseconds)
    if share < 0.5, layer.nanoseconds / max(layer.bandCount, 1) < smallBand { return .launch }
    if layer.channelPadding >= notablePadding, share < 0.9 { return .oddChannels }
    return isMemoryBound ? .memory : .arithmetic
  }

  private static func reason(_ bound: Bound, _ layer: Profile.Layer, _ profile: Profile) -> String {
    let rate = "\(TextFormat.fixed(profile.roofs.gflopsPerS, 0)) GFLOP/s"
    switch bound {
    case .arithmetic:
      return "bound by arithmetic: its \(layer.operationText) take \(Self.ms(profile.arithmeticNanoseconds(layer))) at the "
        + "machine's \(rate)\(shortfall(layer, profile))"
    case .memory:
      let bytes = "its \(TextFormat.bytes(layer.traffic.bytesMoved)) take \(Self.ms(profile.memoryNanoseconds(layer)))"
      let arithmetic =
        layer.operations > 0
        ? ", its \(layer.operationText) only \(Self.ms(profile.arithmeticNanoseconds(layer)))" : ", and it multiplies nothing"
      return "bound by memory: \(bytes)\(arithmetic)\(shortfall(layer, profile))"
    case .launch:
      let bands = layer.bandCount == 1 ? "" : " a band, in \(layer.bandCount) bands"
      if layer.nanoseconds < negligibleNanoseconds { return "too small to matter" }
      let threads = profile.roofs.threads
      let start = threads == 1 ? "to begin" : "to wake \(threads) threads and wait for them"
      return
        "too small: \(Self.ms(Double(layer.nanoseconds / max(layer.bandCount, 1))))\(bands) is about what it costs \(start)"
    case .oddChannels:
      let channels = layer.convolution?.outChannels ?? layer.outputShape.imageChannels
      return
        "bound by odd channels: \(channels) of \(channels.roundedUp(to: channelBlock)) columns are wanted, the rest of each "
        + "product is padding"
    case .fallbackKernel:
      if layer.denseGroups > 1 {
        return
          "bound by a fallback kernel: \(layer.denseGroups) groups run as one dense product, \(layer.denseGroups) times the "
          + "work, most of it with zeros"
      }
      if layer.isTakenApart {
        return
          "bound by a fallback kernel: its parts run one after the other in \(layer.stepCount) passes, because no kernel does "
          + "both at once for its shape"
      }
      return
        "bound by a fallback kernel: \(layer.kernels.joined(separator: ", ")) has no vector form, it moves values one by one"
    case .copy: return "a copy into another layout, which no arithmetic needs"
    }
  }

  private static func change(_ bound: Bound, _ layer: Profile.Layer, _ profile: Profile) -> String? {
    let isNear = profile.roofShare(layer) >= 0.7
    switch bound {
    case .arithmetic:
      if isNear { return layer.isSpatial ? "only fewer products help: a separable convolution, or fewer channels" : nil }
      if layer.usesWinograd {
        return "the rest goes to Winograd's transforms and stores, for which more channels a layer make up; else a separable "
          + "convolution, or fewer channels"
      }
      return layer.shortfall?.change
    case .memory:
      return layer.traffic.valueBytes > 0
        ? "fewer bytes: bfloat16 halves them, and fusing it with its neighbours, or smaller tiles, keeps them in the cache"
        : "fewer bytes: bfloat16 halves them"
    case .launch where layer.nanoseconds < negligibleNanoseconds: return nil
    case .launch: return "more work at once: a larger input or batch, or fewer threads"
    case .oddChannels:
      let channels = layer.convolution?.outChannels ?? layer.outputShape.imageChannels
      let up = channels.roundedUp(to: channelBlock), down = channels / channelBlock * channelBlock
      return "take \(up) channels, which cost the same, or\(down > 0 ? " \(down)" : " fewer than 5"), which cost less"
    case .fallbackKernel:
      if layer.denseGroups > 1 { return "use groups of one channel (a depthwise convolution) or a single group" }
      if layer.isTakenApart { return "a kernel of 3x3, 5x5 or 7x7 with stride 1 or 2 and no dilation" }
      if layer.operation.hasPrefix("concatenation") {
        return "let nothing else read its operands, so that what makes them writes to its place"
      }
      return "put a convolution in front, whose store places its values at no cost, or leave it out"
    case .copy: return "values of more than 4 channels need none between layers; at the network's ends it cannot be avoided"
    }
  }

  /// How far below its roof the layer stays, where that is far, and why, where that is known.
  private static func shortfall(_ layer: Profile.Layer, _ profile: Profile) -> String {
    let share = profile.roofShare(layer)
    guard share < 0.7 else { return "" }
    let reason = layer.shortfall.map { ", because \($0.reason)" } ?? ""
    return "; it reaches \(ProfileTable.percent(share)) of that\(reason)"
  }

  static func ms(_ nanoseconds: Double) -> String {
    nanoseconds < 1e6 ? "\(TextFormat.fixed(nanoseconds / 1e3, 1)) us" : "\(TextFormat.fixed(nanoseconds / 1e6, 2)) ms"
  }
}

extension Profile.Layer {
  var usesWinograd: Bool { operations < 2 * multiplyAccumulates }
  /// Whether a kernel larger than 1x1 mixes channels.
  var isSpatial: Bool { convolution.map { $0.groups == 1 && $0.kernel != [1, 1] && !$0.isSeparable } ?? false }

  /// The groups of a convolution that runs as one dense product, else 1.
  var denseGroups: Int {
    guard let convolution, convolution.groups > 1 else { return 1 }
    return kernels.contains { $0.hasPrefix("gather") } ? convolution.groups : 1
  }

  /// Why a kernel of its kind stays below the arithmetic that the machine can do, as clauses; nil where nothing speaks against it.
  var shortfall: (reason: String, change: String?)? {
    guard let convolution else { return nil }
    func runs(_ family: String) -> Bool { kernels.contains { $0.hasPrefix(family) } }
    if runs("head") {
      return (
        "\(convolution.inChannels) input channels make sums so short that storing them takes as long as making them",
        "a pixel unshuffle in front trades pixels for channels; where the picture enters there is little else"
      )
    }
    if runs("tail") {
      return (
        "\(convolution.outChannels) output channels leave each value loaded few products to go into",
        "a pixel shuffle behind trades channels for pixels; where the picture leaves there is little else"
      )
    }
    if convolution.isSeparable { return ("the depthwise part uses each value it loads for few products", nil) }
    if runs("depthwise") {
      return (
        "it uses each value that it loads for few products",
        "let a 1x1 convolution follow it at once, or come before it, so that both become one kernel"
      )
    }
    return nil
  }

  /// Whether a separable convolution runs as two.
  var isTakenApart: Bool { stepCount > 1 && convolution?.isSeparable == true }

  /// Columns computed for each column wanted.
  var channelPadding: Double {
    guard let convolution, convolution.outChannels > 4 else { return 1 }
    let channels = convolution.outChannels
    return Double(channels.roundedUp(to: Explanation.channelBlock)) / Double(channels)
  }

  /// `1.21 GFLOP (4.83 written, Winograd needs fewer)`.
  var operationText: String {
    func giga(_ operations: Int) -> String { TextFormat.fixed(Double(operations) / 1e9, operations < 100_000_000 ? 4 : 2) }
    return usesWinograd
      ? "\(giga(operations)) GFLOP by Winograd (written: \(giga(2 * multiplyAccumulates)))" : "\(giga(operations)) GFLOP"
  }
}

extension Int {
  func roundedUp(to unit: Int) -> Int { (self + unit - 1) / unit * unit }
}
