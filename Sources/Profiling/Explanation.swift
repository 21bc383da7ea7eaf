import CPUBackend
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
    /// Too few blocks of threads for the multiprocessors of a device.
    case blocks
    /// No kernel made for it.
    case fallbackKernel
    /// A copy into another layout.
    case copy
    /// Not judged: the machine was busy when its roofs were measured.
    case unreliable
  }

  public struct Layer: Hashable, Codable, Sendable {
    public var name: String
    public var operation: String
    public var kernels: [String]
    /// Why these were taken, a clause; nil where nothing was weighed.
    public var choice: String?
    public var bound: Bound
    public var nanoseconds: Int
    public var idealNanoseconds: Int
    /// Operations that its kernels do.
    public var operations: Int
    public var bytesMoved: Int
    /// What bounds it, in words: the same words for every layer that they are true of. Empty where there is nothing to be said.
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
  /// Whether the roofs are not to be trusted, so that nothing is judged by them.
  public var isUnreliable: Bool
  /// The row of the time that no layer took.
  var engineName: String

  public init(_ profile: Profile) {
    model = profile.model
    let isUnreliable = profile.hasUnreliableRoofs
    layers = profile.layers.map { Self.explain($0, profile, isUnreliable: isUnreliable) }
    nanoseconds = profile.nanoseconds
    engineNanoseconds = profile.engineNanoseconds
    idealNanoseconds = layers.reduce(0) { $0 + $1.idealNanoseconds }
    heading = profile.heading
    engineName = profile.engineName
    self.isUnreliable = isUnreliable
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
  /// Moving bytes for longer than this share of the arithmetic is felt beside it,
  static let notableMemory = 0.2
  /// and is called the reason where it is this share of what is lost.
  static let notableLoss = 0.3
  /// Padding that costs more than this is worth a word.
  static let notablePadding = 1.2

  static let unknownShortfall = "its kernel stays below the multiply-adds that the machine can do"

  static func explain(_ layer: Profile.Layer, _ profile: Profile, isUnreliable: Bool) -> Layer {
    if let device = profile.device { return DeviceJudgement(layer, profile, device, isUnreliable: isUnreliable).explained }
    let bound = isUnreliable ? .unreliable : bound(of: layer, profile)
    return Layer(
      name: layer.name, operation: layer.operation, kernels: layer.kernels, choice: layer.choice, bound: bound,
      nanoseconds: layer.nanoseconds,
      idealNanoseconds: Int(profile.idealNanoseconds(layer)), operations: layer.operations,
      bytesMoved: layer.traffic.bytesMoved,
      reason: reason(bound, layer, profile),
      change: change(bound, layer, profile))
  }

  static func bound(of layer: Profile.Layer, _ profile: Profile) -> Bound {
    if layer.isCopy { return .copy }
    if !layer.isVectorised || layer.isMostlyZeros || layer.isTakenApart { return .fallbackKernel }
    let share = profile.roofShare(layer)
    let isMemoryBound = profile.memoryNanoseconds(layer) > profile.arithmeticNanoseconds(layer)
    let smallBand = max(smallBandNanoseconds, 4 * profile.roofs.launchNanoseconds)
    if share < 0.5, layer.nanoseconds / max(layer.bandCount, 1) < smallBand { return .launch }
    if layer.channelPadding >= notablePadding, share < 0.9 { return .oddChannels }
    return isMemoryBound ? .memory : .arithmetic
  }

  private static func reason(_ bound: Bound, _ layer: Profile.Layer, _ profile: Profile) -> String {
    if layer.nanoseconds < negligibleNanoseconds { return "" }
    switch bound {
    case .arithmetic:
      if isNear(layer, profile) { return layer.isSpatial ? "the machine can hardly do more multiply-adds" : "" }
      if movesNotably(layer, profile) {
        return "its values go to memory or come from it, which takes time beside its multiply-adds"
      }
      if layer.usesWinograd { return "Winograd's transforms and stores take the rest of the time" }
      return layer.shortfall?.reason ?? unknownShortfall
    case .memory:
      return layer.isMostlyWeights
        ? "its weights take longer to fetch than to use" : "its values take longer to move than to compute"
    case .launch:
      let threads = profile.roofs.threads
      let start = threads == 1 ? "beginning it" : "waking \(threads) threads and waiting for them"
      return "what it does at once takes hardly longer than \(start)"
    case .oddChannels:
      let channels = layer.wantedChannels
      return "\(channels) of \(channels.roundedUp(to: channelBlock)) columns are wanted, the rest of each product is padding"
    case .fallbackKernel:
      if layer.isMostlyZeros, let convolution = layer.convolution {
        return
          "register tiles reach over several of its \(convolution.groups) groups: "
          + "\(TextFormat.fixed(layer.doneShare, 1)) times the products, the others with zeros"
      }
      if layer.isTakenApart {
        return "its parts run one after the other, because no kernel does both at once for its shape"
      }
      let names = layer.kernels.joined(separator: ", ")
      return layer.kernels.count > 1
        ? "one of its kernels (\(names)) has no vector form and moves values one by one"
        : "its kernel \(names) has no vector form and moves values one by one"
    case .copy: return "a copy into another layout, which no arithmetic needs"
    case .unreliable, .blocks: return ""
    }
  }

  private static func change(_ bound: Bound, _ layer: Profile.Layer, _ profile: Profile) -> String? {
    if layer.nanoseconds < negligibleNanoseconds { return nil }
    switch bound {
    case .arithmetic:
      if !isNear(layer, profile), movesNotably(layer, profile) { return fewerBytes(layer, profile) }
      if isNear(layer, profile) || layer.usesWinograd {
        return layer.isSpatial ? "fewer products: a separable convolution, or fewer channels" : nil
      }
      return layer.shortfall?.change
    case .memory: return fewerBytes(layer, profile)
    case .launch: return "more work at once: a larger input or batch, or fewer threads"
    case .oddChannels:
      let up = layer.wantedChannels.roundedUp(to: channelBlock), down = layer.wantedChannels / channelBlock * channelBlock
      return "take \(up) channels, which cost the same, or\(down > 0 ? " \(down)" : " fewer than 5"), which cost less"
    case .fallbackKernel:
      if layer.isMostlyZeros {
        return "groups of \(channelBlock) channels or more, groups of one (a depthwise convolution), or a single group"
      }
      if layer.isTakenApart { return "a kernel of 3x3, 5x5 or 7x7 with stride 1 or 2 and no dilation" }
      if layer.operation.hasPrefix("concatenation") {
        return "let nothing else read its operands, so that what makes them writes to its place"
      }
      // One that stands behind a convolution of few channels has what could be put in front.
      if layer.convolution != nil { return nil }
      return "put a convolution in front, whose store places its values at no cost, or leave it out"
    case .unreliable, .blocks: return nil
    case .copy: return "values of more than 4 channels need none between layers; at the network's ends it cannot be avoided"
    }
  }

  private static func fewerBytes(_ layer: Profile.Layer, _ profile: Profile) -> String? {
    var ways: [String] = []
    switch Precision(rawValue: profile.precision) {
    case .float32, nil: ways.append("bfloat16, which halves the bytes")
    case .bfloat16: break
    }
    if layer.isMostlyWeights {
      ways.append("a larger batch, for which they are fetched once")
    } else if layer.traffic.valueBytes > 0 {
      ways.append("smaller images or tiles, whose values stay in the cache")
    }
    return ways.isEmpty ? nil : ways.joined(separator: "; or ")
  }

  /// Whether values that lie in memory take notable time beside the arithmetic.
  private static func movesNotably(_ layer: Profile.Layer, _ profile: Profile) -> Bool {
    let memory = profile.memoryNanoseconds(layer), arithmetic = profile.arithmeticNanoseconds(layer)
    return layer.traffic.valueBytes > profile.residentByteCount && memory > notableMemory * arithmetic
      && memory > notableLoss * (Double(layer.nanoseconds) - arithmetic)
  }

  private static func isNear(_ layer: Profile.Layer, _ profile: Profile) -> Bool { profile.roofShare(layer) >= 0.7 }
}

extension Profile.Layer {
  var usesWinograd: Bool { method == .winograd }
  /// Whether a kernel larger than 1x1 mixes channels.
  var isSpatial: Bool { convolution.map { $0.groups == 1 && $0.kernel != [1, 1] && !$0.isSeparable } ?? false }

  /// Of each product that the network writes, those that are done.
  var doneShare: Double { multiplyAccumulates > 0 ? Double(operations) / Double(2 * multiplyAccumulates) : 1 }

  /// Whether most products of a grouped convolution are with zeros that lie between the groups.
  var isMostlyZeros: Bool { (convolution?.groups ?? 1) > 1 && doneShare >= 2 }

  /// Why a kernel of its kind stays below the arithmetic that the machine can do, as clauses; nil where nothing speaks against it.
  var shortfall: (reason: String, change: String?)? {
    guard convolution != nil else { return nil }
    switch method {
    case .head:
      return (
        "so few input channels make sums so short that storing them takes as long as making them",
        "a pixel unshuffle in front trades pixels for channels; where the picture enters there is little else"
      )
    case .tail:
      return (
        "so few output channels leave each value that it loads few products to go into",
        "a pixel shuffle behind trades channels for pixels; where the picture leaves there is little else"
      )
    case .separable: return ("the depthwise part uses each value it loads for few products", nil)
    case .depthwise:
      return (
        "it uses each value that it loads for few products",
        "let a 1x1 convolution follow it at once, or come before it, so that both become one kernel"
      )
    case .winograd, .gatheredProducts, .products, .planes, .pool, .reduction, .softmax, .resize, .elementwise, .movement, .copy,
      nil:
      return nil
    }
  }

  /// Whether a separable convolution runs as two.
  var isTakenApart: Bool { stepCount > 1 && convolution?.isSeparable == true }

  /// Columns computed for each column wanted.
  var channelPadding: Double {
    guard let convolution, convolution.outChannels > 4 else { return 1 }
    let channels = convolution.outChannels
    return Double(channels.roundedUp(to: Explanation.channelBlock)) / Double(channels)
  }

  /// The output channels of a convolution, else of the value.
  var wantedChannels: Int { convolution?.outChannels ?? outputShape.imageChannels }

  /// Whether weights are most of what it moves.
  var isMostlyWeights: Bool { 2 * traffic.constantBytes > traffic.bytesMoved }
}

extension Int {
  func roundedUp(to unit: Int) -> Int { (self + unit - 1) / unit * unit }
}
