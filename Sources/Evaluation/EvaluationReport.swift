import Files
import Networks
import Tensors

/// The figures of a network on a set of pictures.
public struct EvaluationReport: Hashable, Codable, Sendable, EngineReport, TextReport {
  /// How close a picture comes to the truth.
  public struct Quality: Hashable, Codable, Sendable {
    /// In decibels; infinite for equal pictures.
    public var psnr: Double
    public var ssim: Double
  }

  /// The figures of one picture at one scale, or the mean over all.
  public struct Row: Hashable, Codable, Sendable {
    /// The file's name without its extension, or with it where two would be called alike; `mean` in `means`.
    public var image: String
    public var scale: Int
    /// Of the truth after cropping; 0 in `means`.
    public var width: Int
    public var height: Int
    /// Nil at scale 1 where nothing is done to the pictures: they are the truth.
    public var bicubic: Quality?
    public var network: Quality
    /// What the network took, preparation not counted.
    public var seconds: Double

    /// What the network is better by in decibels; nil where there is nothing to compare, or both are the truth.
    var gain: Double? { bicubic.map { network.psnr - $0.psnr }.flatMap { $0.isNaN ? nil : $0 } }
  }

  /// A picture that could not be measured at a scale, and why.
  public struct Failure: Hashable, Codable, Sendable {
    /// The file's name.
    public var image: String
    public var scale: Int
    public var error: String
  }

  /// What a network does for a picture, as papers count it.
  public struct MultiplyAdds: Hashable, Codable, Sendable {
    public var scale: Int
    /// Multiply-accumulates for an output of 1280x720, not whole where that is no multiple of the scale.
    public var count: Double
  }

  /// What the protocol is, in full.
  public struct ProtocolText: Hashable, Codable, Sendable {
    public var name: String
    public var hash: String
    public var lines: [String]

    /// The name, the hash, and what is done to the small picture beyond making it small.
    var summary: String {
      (["\(name) (\(hash))"] + lines.filter { $0.hasPrefix(EvaluationProtocol.smallPicture) }).joined(separator: ", ")
    }
  }

  public var model: String
  public var parameterCount: Int
  /// By scale; none where the network does not take pictures of that size.
  public var multiplyAdds: [MultiplyAdds]
  public var `protocol`: ProtocolText
  public internal(set) var engine: EngineName.Kind
  public internal(set) var isa: String?
  public internal(set) var precision: String?
  public internal(set) var threads: Int?
  public internal(set) var rates: String?
  /// By scale, then by name.
  public var images: [Row]
  /// One for each scale: the means of the columns.
  public var means: [Row]
  /// What is not among the images, by scale, then by name.
  public var failures: [Failure]
  /// The pictures of the folder.
  public var pictureCount: Int
  /// Where pictures side by side were saved to; nil where nobody asked for them.
  public var savedFolder: String?

  init(
    model: String, network: Network, protocol: EvaluationProtocol, engine: Engine, images: [Row], failures: [Failure] = [],
    pictureCount: Int
  ) {
    self.failures = failures
    self.pictureCount = pictureCount
    self.model = model
    parameterCount = network.parameterCount
    multiplyAdds = Set(images.map(\.scale)).sorted().compactMap { scale in
      network.multiplyAdds(scale: scale).map { MultiplyAdds(scale: scale, count: $0) }
    }
    self.protocol = ProtocolText(name: `protocol`.name, hash: `protocol`.hash, lines: `protocol`.lines)
    self.engine = engine.name.kind
    self.images = images
    means = Set(images.map(\.scale)).sorted().map { scale in
      let rows = images.filter { $0.scale == scale }, bicubics = rows.compactMap(\.bicubic)
      func mean(_ value: (Row) -> Double) -> Double { rows.reduce(0) { $0 + value($1) } / Double(rows.count) }
      return Row(
        image: "mean", scale: scale, width: 0, height: 0,
        bicubic: bicubics.count < rows.count
          ? nil : Quality(psnr: mean { $0.bicubic?.psnr ?? 0 }, ssim: mean { $0.bicubic?.ssim ?? 0 }),
        network: Quality(psnr: mean(\.network.psnr), ssim: mean(\.network.ssim)), seconds: mean(\.seconds))
    }
    setEngine(engine)
  }

  /// What to say where pictures could not be measured; nil where all were.
  public var failureText: String? {
    let count = Set(failures.map(\.image)).count
    guard count > 0 else { return nil }
    let rest = images.isEmpty ? "there are no means" : "the means are those of the others"
    return "\(count) of \(pictureCount) pictures could not be measured; \(rest)"
  }

  /// What was measured, and how.
  var protocolText: String {
    "protocol \(`protocol`.name) (\(`protocol`.hash))\n" + `protocol`.lines.map { "  \($0)\n" }.joined()
  }

  /// With four decimals, `-` where there is none.
  private static func text(_ value: Double?) -> String { value.map { TextFormat.fixed($0, 4) } ?? "-" }

  /// The figures as a table under the protocol.
  public var report: ReportText {
    let head =
      protocolText + "model \(model.onOneLine), \(TextFormat.grouped(parameterCount)) parameters, \(engineText)\n"
      + multiplyAdds.map { "x\($0.scale): \(EvaluationTable.billions($0.count)) multiply-adds for an output of 1280x720\n" }
      .joined()
    // Of how many pictures a mean is must be seen.
    let labels = means.map { mean in
      let count = images.count { $0.scale == mean.scale }
      return count < pictureCount ? "mean of \(count) of \(pictureCount)" : mean.image
    }
    var table = TextTable(
      ["image", "scale", "size", "bicubic dB", "network dB", "gain dB", "bicubic SSIM", "network SSIM", "seconds"],
      shortening: ["image": max(labels.map(\.columnCount).max() ?? 0, 12)],
      leavingOut: ["seconds", "size", "bicubic SSIM", "gain dB", "network SSIM"],
      everything: " (--csv has everything)")
    for (mean, label) in zip(means, labels) {
      let rows = images.filter { $0.scale == mean.scale }
      var mean = mean
      mean.image = label
      for row in rows + [mean] {
        table.append([
          row.image, "x\(row.scale)", row.width > 0 ? "\(row.width)x\(row.height)" : "",
          Self.text(row.bicubic?.psnr), TextFormat.fixed(row.network.psnr, 4), Self.text(row.gain),
          Self.text(row.bicubic?.ssim),
          TextFormat.fixed(row.network.ssim, 4), TextFormat.fixed(row.seconds, 3),
        ])
      }
    }
    return "\(head)\n\(table)"
  }
}

extension Network {
  /// The multiply-accumulates for an output picture of 1280x720; nil where it takes no such picture. Where its input would not be whole pixels, by the
  /// pixel of the next size that is.
  func multiplyAdds(scale: Int) -> Double? {
    guard let contract = imageContract, let channels = inputs.first?.channels else { return nil }
    let factor = contract.inputSize == .lowResolution ? contract.scale ?? scale : 1
    let height = (720 + factor - 1) / factor, width = (1280 + factor - 1) / factor
    guard let ledger = try? ledger(inputs: [Shape(channels: channels, height: height, width: width)]) else { return nil }
    return Double(ledger.multiplyAccumulates) * (720 * 1280) / Double(height * factor * width * factor)
  }
}
