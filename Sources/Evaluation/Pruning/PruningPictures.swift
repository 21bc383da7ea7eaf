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

  /// The mean over pictures and scales, in decibels, nil where no picture could be measured; the scales, and why pictures could not.
  func psnr(
    of network: Network, model: String, engine: Engine
  ) throws(EvaluationError) -> (decibels: Double?, scales: [Int], failures: [String]) {
    let evaluator = try Evaluator(network, protocol: `protocol`, engine: engine)
    let report = try evaluator.evaluate(folder: folder, model: model, scales: scales), means = report.means
    var failures: [String] = []
    for failure in report.failures where !failures.contains(failure.error) { failures.append(failure.error) }
    return (
      means.isEmpty ? nil : means.reduce(0) { $0 + $1.network.psnr } / Double(means.count), means.map(\.scale), failures
    )
  }
}

extension PruningReport {
  /// What is left of the quality.
  public struct Quality: Hashable, Codable, Sendable {
    public var folder: String
    /// The name of what is compared and how, and the factors.
    public var `protocol`: String
    public var scales: [Int]
    /// In decibels.
    public var psnrBefore: Double?
    public var psnrAfter: Double?
    /// Why pictures were left out, a line each; nil where none was.
    public var leftOut: [String]?

    public init(
      before: Network, after: Network, model: String, pictures: PruningPictures, engine: Engine
    ) throws(EvaluationError) {
      folder = pictures.folder
      `protocol` = pictures.protocol.name
      let first = try pictures.psnr(of: before, model: model, engine: engine)
      scales = first.scales
      (psnrBefore, leftOut) = (first.decibels, first.failures.isEmpty ? nil : first.failures)
      psnrAfter = try pictures.psnr(of: after, model: model, engine: engine).decibels
    }

    var text: String {
      func decibels(_ value: Double?) -> String { value.map { "\(TextFormat.fixed($0, 2)) dB" } ?? "not measured" }
      let lines = (leftOut ?? []).map { "\nleft out: \($0)" }.joined()
      let at = scales.isEmpty ? "" : " at scale \(scales.map(String.init).joined(separator: ", "))"
      return
        "PSNR on \(folder.onOneLine)\(at), protocol \(`protocol`): \(decibels(psnrBefore)) before, \(decibels(psnrAfter)) after"
        + lines
    }
  }
}
