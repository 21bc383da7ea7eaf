import CUDABackend
import Evaluation
import Execution

/// What bounds a layer that a CUDA device did, and what would make it faster.
struct DeviceJudgement {
  private let layer: Profile.Layer
  private let profile: Profile
  private let device: Profile.DeviceRun
  private let bound: Explanation.Bound

  init(_ layer: Profile.Layer, _ profile: Profile, _ device: Profile.DeviceRun, isUnreliable: Bool) {
    self.layer = layer
    self.profile = profile
    self.device = device
    bound = isUnreliable ? .unreliable : Self.bound(of: layer, profile)
  }

  var explained: Explanation.Layer {
    let isNegligible = Double(layer.nanoseconds) * 200 < Double(profile.nanoseconds)
    return Explanation.Layer(
      name: layer.name, operation: layer.operation, kernels: layer.kernels, choice: layer.choice, bound: bound,
      nanoseconds: layer.nanoseconds,
      idealNanoseconds: Int(profile.idealNanoseconds(layer)), operations: layer.operations,
      bytesMoved: layer.traffic.bytesMoved, reason: isNegligible ? "" : reason, change: isNegligible ? nil : change)
  }

  /// Channels of which a kernel makes a multiple.
  private static let channelBlock = 64
  /// Blocks that fill less than this share of the places in their waves leave multiprocessors without work,
  private static let notableFilling = 0.8
  /// but in so many waves it is no more than the last.
  private static let manyWaves = 4

  private static func bound(of layer: Profile.Layer, _ profile: Profile) -> Explanation.Bound {
    if layer.isCopy { return .copy }
    if !layer.isVectorised { return .fallbackKernel }
    let share = profile.roofShare(layer)
    if share < 0.5, layer.nanoseconds < 3 * profile.roofs.launchNanoseconds * layer.stepCount { return .launch }
    if share < 0.7, let blocks = layer.blocks, blocks.waves < manyWaves, busyShare(blocks, profile) < notableFilling {
      return .blocks
    }
    if channelPadding(layer) >= Explanation.notablePadding, share < 0.9 { return .oddChannels }
    return profile.memoryNanoseconds(layer) > profile.arithmeticNanoseconds(layer) ? .memory : .arithmetic
  }

  /// Of the multiprocessors while the layer runs: a wave that is not full keeps some of them idle, and the others as long as a full one.
  private static func busyShare(_ blocks: RunTimeline.Blocks, _ profile: Profile) -> Double {
    let processors = max(profile.roofs.threads, 1)
    // Fewer blocks than there is room for are spread over all multiprocessors.
    if blocks.waves <= 1 { return min(Double(blocks.count) / Double(processors), 1) }
    return blocks.filling
  }

  /// Columns computed for each column wanted, where values are pixels.
  private static func channelPadding(_ layer: Profile.Layer) -> Double {
    guard let convolution = layer.convolution, convolution.outChannels > 8 else { return 1 }
    return Double(convolution.outChannels.roundedUp(to: channelBlock)) / Double(convolution.outChannels)
  }

  private var isTransfer: Bool { layer.traffic.transferredBytes != nil }
  private var isNear: Bool { profile.roofShare(layer) >= 0.7 }

  private var reason: String {
    switch bound {
    case .copy:
      return isTransfer
        ? "it goes between host and device, which no kernel hides in a run of one picture"
        : "a copy between planes, as pictures are, and pixels, as kernels take them"
    case .fallbackKernel:
      return "\(layer.kernels.joined(separator: ", ")) gives each output a thread; the tensor cores stand still"
    case .launch:
      let launch = ProfileTable.time(Double(profile.roofs.launchNanoseconds))
      return "it is over about as soon as kernels with nothing to do, which take \(launch) each"
    case .blocks:
      let blocks = layer.blocks ?? RunTimeline.Blocks(count: 0, atOnce: 1), processors = profile.roofs.threads
      if blocks.waves <= 1 {
        return "it has \(blocks.count) blocks for \(processors) multiprocessors, and the others wait"
      }
      let last = blocks.count - (blocks.waves - 1) * blocks.atOnce
      return
        "its \(blocks.count) blocks are \(blocks.waves) waves of up to \(blocks.atOnce), the last of \(last): until that is done the others "
        + "wait"
    case .oddChannels:
      let channels = layer.wantedChannels
      return "\(channels) of \(channels.roundedUp(to: Self.channelBlock)) channels are wanted, the rest is padding"
    case .memory:
      if layer.isMostlyWeights { return "its weights take longer to fetch than to use" }
      return layer.traffic.valueBytes <= profile.residentByteCount
        ? "its values take longer to move than to compute, from the level-2 cache as they come"
        : "its values take longer to move than to compute"
    case .arithmetic:
      if isNear { return "its kernel multiplies about as fast as the densest layer" }
      return layer.shortfall?.reason ?? "its kernel stays below the products of the densest layer"
    case .unreliable: return ""
    }
  }

  /// Whether values are of 32 bits.
  private var is32: Bool { CUDAPrecision(rawValue: profile.precision)?.element.byteCount == 4 }

  private var change: String? {
    switch bound {
    case .copy:
      return isTransfer
        ? "several pictures or tiles, which are copied while others are computed" : nil
    case .fallbackKernel: return layer.convolution.flatMap(Self.replacement)
    case .launch, .blocks: return "larger pictures or tiles, or several in a batch"
    case .oddChannels:
      let channels = layer.wantedChannels, down = channels / Self.channelBlock * Self.channelBlock
      return "take \(channels.roundedUp(to: Self.channelBlock)) channels, which cost the same"
        + (down > 0 ? ", or \(down), which cost less" : "")
    case .memory:
      var ways: [String] = []
      if is32 { ways.append("float16, which halves the bytes and is for the tensor cores") }
      if layer.isMostlyWeights {
        ways.append("a larger batch, for which they are fetched once")
      } else if layer.traffic.valueBytes > profile.residentByteCount {
        ways.append("smaller tiles, whose values stay in the cache")
      }
      return ways.isEmpty ? nil : ways.joined(separator: "; or ")
    case .arithmetic:
      if is32 { return "float16, of which the tensor cores do several times the products" }
      return isNear ? nil : layer.shortfall?.change
    case .unreliable: return nil
    }
  }

  /// What the tensor cores would take.
  private static func replacement(_ convolution: Profile.Layer.Convolution) -> String? {
    if convolution.groups > 1 {
      return "let a 1x1 convolution follow a depthwise one of 3x3 at once, so that both become one kernel"
    }
    if convolution.isSeparable { return "a kernel of 3x3 with stride 1 and no dilation, and nothing between its parts" }
    return "a kernel of 1x1 or 3x3 with stride 1 or 2 and no dilation, more than 8 channels, or float16"
  }
}
