import Files

/// The figures of a network on a set of pictures.
public struct EvaluationReport: Hashable, Codable, Sendable, EngineReport {
  /// How close a picture comes to the truth.
  public struct Quality: Hashable, Codable, Sendable {
    /// In decibels; infinite for equal pictures.
    public var psnr: Double
    public var ssim: Double
  }

  /// The figures of one picture at one scale, or the mean over all.
  public struct Row: Hashable, Codable, Sendable {
    /// The file's name without its extension; `mean` in `means`.
    public var image: String
    public var scale: Int
    /// Of the truth after cropping; 0 in `means`.
    public var width: Int
    public var height: Int
    public var bicubic: Quality
    public var network: Quality
    /// What the network took, preparation not counted.
    public var seconds: Double
  }

  /// A picture that could not be measured at a scale, and why.
  public struct Failure: Hashable, Codable, Sendable {
    /// The file's name.
    public var image: String
    public var scale: Int
    public var error: String
  }

  /// What the protocol is, in full.
  public struct ProtocolText: Hashable, Codable, Sendable {
    public var name: String
    public var hash: String
    public var lines: [String]
  }

  public var model: String
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

  init(
    model: String, protocol: EvaluationProtocol, engine: Engine, images: [Row], failures: [Failure] = [], pictureCount: Int
  ) {
    self.failures = failures
    self.pictureCount = pictureCount
    self.model = model
    self.protocol = ProtocolText(name: `protocol`.name, hash: `protocol`.hash, lines: `protocol`.lines)
    self.engine = engine.name.kind
    self.images = images
    means = Set(images.map(\.scale)).sorted().map { scale in
      let rows = images.filter { $0.scale == scale }
      func mean(_ value: (Row) -> Double) -> Double { rows.reduce(0) { $0 + value($1) } / Double(rows.count) }
      return Row(
        image: "mean", scale: scale, width: 0, height: 0,
        bicubic: Quality(psnr: mean(\.bicubic.psnr), ssim: mean(\.bicubic.ssim)),
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

  /// The figures as a table under the protocol.
  public var text: String {
    var text = "protocol \(`protocol`.name) (\(`protocol`.hash))\n"
    for line in `protocol`.lines { text += "  \(line)\n" }
    text += "model \(model.onOneLine), \(engineText)\n\n"
    var table = TextTable([
      "image", "scale", "size", "bicubic dB", "network dB", "gain dB", "bicubic SSIM", "network SSIM", "seconds",
    ])
    for mean in means {
      let rows = images.filter { $0.scale == mean.scale }
      var mean = mean
      if rows.count < pictureCount { mean.image = "mean of \(rows.count) of \(pictureCount)" }
      for row in rows + [mean] {
        table.append([
          row.image, "x\(row.scale)", row.width > 0 ? "\(row.width)x\(row.height)" : "",
          TextFormat.fixed(row.bicubic.psnr, 4), TextFormat.fixed(row.network.psnr, 4),
          TextFormat.fixed(row.network.psnr - row.bicubic.psnr, 4), TextFormat.fixed(row.bicubic.ssim, 4),
          TextFormat.fixed(row.network.ssim, 4), TextFormat.fixed(row.seconds, 3),
        ])
      }
    }
    return text + table.text
  }
}
