import Files
import Networks

/// Where the quality of a pruned network is measured.
public struct PruningPictures: Sendable {
  public var folder: String
  public var `protocol`: EvaluationProtocol
  public var scales: [Int]?

  public init(folder: String, protocol: EvaluationProtocol, scales: [Int]? = nil) {
    self.folder = folder
    self.protocol = `protocol`
    self.scales = scales
  }

  /// The mean over pictures and scales, in decibels; nil where no picture could be measured.
  func psnr(of network: Network, model: String, engine: Engine) throws(EvaluationError) -> Double? {
    let evaluator = try Evaluator(network, protocol: `protocol`, engine: engine)
    let means = try evaluator.evaluate(folder: folder, model: model, scales: scales).means
    return means.isEmpty ? nil : means.reduce(0) { $0 + $1.network.psnr } / Double(means.count)
  }
}

extension PruningReport {
  /// What is left of the quality.
  public struct Quality: Hashable, Codable, Sendable {
    public var folder: String
    /// In decibels.
    public var psnrBefore: Double?
    public var psnrAfter: Double?

    public init(
      before: Network, after: Network, model: String, pictures: PruningPictures, engine: Engine
    ) throws(EvaluationError) {
      folder = pictures.folder
      psnrBefore = try pictures.psnr(of: before, model: model, engine: engine)
      psnrAfter = try pictures.psnr(of: after, model: model, engine: engine)
    }

    var text: String {
      func decibels(_ value: Double?) -> String { value.map { "\(TextFormat.fixed($0, 2)) dB" } ?? "not measured" }
      return "PSNR on \(folder.onOneLine): \(decibels(psnrBefore)) before, \(decibels(psnrAfter)) after"
    }
  }
}
