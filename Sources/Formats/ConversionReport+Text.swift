import Architectures
import Files
import Tensors

extension ConversionReport: CustomStringConvertible {
  /// The report for people: what the network is, then a line for each tensor missing, misshapen or left over. No line is left
  /// out; every line ends in a line feed.
  public var text: String {
    var lines: [String] = []
    if let architecture { lines.append(architecture.summary) }
    lines.append("names of \(naming): \(taken.count) tensors taken")
    lines += missing.map { "missing: \($0)" }
    lines += misshapen.map { "wrong: \($0)" }
    lines += leftOver.map { "left over: '\($0.name.onOneLine)' \($0.shape)" }
    if isComplete, leftOver.isEmpty { lines.append("nothing missing, nothing left over") }
    lines += notes.map { "note: \($0)" }
    return lines.map { $0 + "\n" }.joined()
  }

  public var description: String { text }
}

extension ConversionReport.Missing: CustomStringConvertible {
  public var description: String { shape.rank == 0 ? "'\(name.onOneLine)'" : "'\(name.onOneLine)' (\(shape))" }
}

extension ConversionReport.Misshapen: CustomStringConvertible {
  public var description: String {
    // What files call int64 has become int32 on the way here.
    if dataType != .float32 {
      return "'\(name.onOneLine)' holds \(dataType == .int32 ? "integers" : dataType.rawValue) and must hold float32"
    }
    return "'\(name.onOneLine)' is \(got) and must be \(expected)"
  }
}

extension ConversionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noKnownNames(let architecture, let names):
      names.isEmpty
        ? "the checkpoint holds no tensors"
        : "no tensor has a name of \(architecture); the checkpoint holds \(Self.list(names.map { "'\($0.onOneLine)'" })); "
          + "choose another architecture"
    case .ambiguous(let architecture, let prefixes):
      "the checkpoint holds \(prefixes.count) networks of \(architecture), under "
        + "\(Self.list(prefixes.map { "'\($0.dropLast().description.onOneLine)'" })); choose one with --key"
    case .unknownKey(let key, let prefixes):
      prefixes.isEmpty
        ? "no tensor has the key '\(key.onOneLine)', nor any other; give no --key"
        : "no tensor is under the key '\(key.onOneLine)'; there are \(Self.list(prefixes.map { "'\($0.onOneLine)'" }))"
    case .skipNeeded:
      "the names of its tensors do not tell whether this U-Net concatenates the skip first or last, and the result depends on it; give "
        + "--skip first (as milesial/Pytorch-UNet does) or --skip last"
    case .incomplete(let architecture, let report):
      "the checkpoint is no \(architecture) as it stands: " + Self.faults(report)
    case .scale(let tensor, let outChannels, let features):
      "'\(tensor.onOneLine)' has \(outChannels) outputs of \(features) features, which is no enlargement by 2 or 3 at a time; "
        + "only EDSR for x2, x3 and x4 (two stages of x2) is converted"
    case .meanShift(let tensor):
      "'\(tensor.onOneLine)' is not the mean colour of DIV2K (0.4488, 0.4371, 0.4040, of 1 or of 255) that EDSR has; "
        + "only checkpoints with that mean are converted"
    case .notFinite(let tensor):
      "the tensor '\(tensor.onOneLine)' holds a NaN or an infinity; its training failed, use another checkpoint"
    case .architecture(let error): error.description.onOneLine
    }
  }

  private static func faults(_ report: ConversionReport) -> String {
    var parts: [String] = []
    if !report.missing.isEmpty { parts.append("missing \(list(report.missing.map(\.description)))") }
    if !report.misshapen.isEmpty { parts.append(list(report.misshapen.map(\.description))) }
    return parts.joined(separator: "; ")
  }

  /// The first three, and how many more.
  private static func list(_ items: [String]) -> String {
    let more = items.count - 3
    return items.prefix(3).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
  }
}

extension Architecture {
  /// `edsr: x2, RGB, 64 features, 16 blocks, residual scale 0.1, separable convolutions`
  fileprivate var summary: String { "\(name): " + traits.joined(separator: ", ") }

  private var traits: [String] {
    switch self {
    case .vdsr(let vdsr): return ["depth \(vdsr.depth)", "\(vdsr.features) features"] + vdsr.convolution.traits
    case .edsr(let edsr):
      let layout = edsr.layout == .original ? ["original layout", "range \(edsr.maximum.shortText)"] : []
      return [
        "x\(edsr.scale)", edsr.channels == 1 ? "luma" : "RGB", "\(edsr.features) features", "\(edsr.blocks) blocks",
        "residual scale \(edsr.residualScale.shortText)",
      ] + layout + edsr.convolution.traits
    case .unet(let unet):
      return ["\(unet.channels) to \(unet.classes) channels", "\(unet.features) features"] + unet.convolution.traits
        + (unet.upsampling == .bilinear ? ["bilinear upsampling"] : []) + (unet.skip == .first ? ["skips first"] : [])
    case .seeInTheDark(let dark):
      return ["variant \(dark.variant)", "\(dark.features) features"]
        + (dark.convolution == .selection ? dark.convolution.traits : [])
    case .smallResNet(let net):
      return ["\(net.channels) channels", "\(net.classes) classes", "\(net.features) features"] + net.convolution.traits
    case .resNet18(let net):
      return ["\(net.channels) channels", "\(net.classes) classes", "\(net.features) features"] + net.convolution.traits
    case .srvgg(let net):
      return [
        "x\(net.scale)", net.channels == 1 ? "luma" : "RGB", "\(net.features) features",
        "\(net.convolutions) convolutions inside",
      ]
    case .rrdb(let net):
      return [
        "x\(net.scale)", net.channels == 1 ? "luma" : "RGB", "\(net.features) features", "\(net.blocks) blocks",
        "growth \(net.growth)",
      ]
    }
  }
}

extension ConvolutionKind {
  /// Nothing for the standard kind.
  fileprivate var traits: [String] {
    switch self {
    case .standard: []
    case .separable: ["separable convolutions"]
    case .selection: ["convolutions by channel selection"]
    }
  }
}

extension Float {
  /// `0.1`, `1`: whole numbers without their fraction.
  fileprivate var shortText: String {
    let text = description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
