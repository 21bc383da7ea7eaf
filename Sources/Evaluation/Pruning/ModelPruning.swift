import Files
import Formats
import Networks
import Tensors
import Transforms

/// A model with fewer channels, or with fewer weights that are not 0, and what that saves.
public struct ModelPruning: Sendable {
  /// What is asked for.
  public struct Request: Sendable {
    public enum Amount: Sendable {
      /// The same part of every layer.
      case share(Double)
      /// Of a file, which errors name.
      case configuration(PruningConfiguration, path: String?)
      /// As much of any layer as the target takes.
      case any
    }

    public var amount: Amount
    public var importance = PruningImportance.l1
    /// Of single weights instead of channels.
    public var isOfWeights = false
    /// Widths are multiples of this where they are wide enough; 1 takes them as they come.
    public var multiple = Self.kernelWidth
    /// Decides how much goes, of the layers of which something is asked; nil leaves that to the amount.
    public var target: PruningTarget?
    /// What is measured for the target.
    public var engine = Engine.cpu()

    public init(_ amount: Amount) { self.amount = amount }

    /// The channels that a vector of any instruction set divides into: interleaved values are stored in whole ones.
    public static let kernelWidth = 16
  }

  public let report: PruningReport
  public let network: Network

  /// Prunes once.
  ///
  /// - Parameters:
  ///   - model: what the report calls it.
  ///   - input: of the network's one input, to reckon for.
  ///   - gradients: for importance by gradients, of each batch by parameter.
  public init(
    _ network: Network, model: String, request: Request, input: Shape? = nil, gradients: [[String: Tensor]] = []
  ) throws(EvaluationError) {
    let shapes = try network.inputShapes(given: input)
    if network.nodes.contains(where: { $0.operation.isOfIntegers }) {
      throw .nothingToPrune(
        network: network.name, reason: "its layers sum integers; prune the network of floats, and quantize what comes out")
    }
    if request.target != nil, request.isOfWeights {
      throw .nothingToPrune(network: network.name, reason: "single weights change no time and no bytes; leave out the target")
    }
    let amounts = try request.amounts(for: network)
    var report = PruningReport(model: model, network: network.name, shapes: shapes, request: request)
    if request.isOfWeights {
      guard request.importance == .l1 || request.importance == .taylor else {
        throw .nothingToPrune(
          network: network.name,
          reason: "single weights have the importance l1 or taylor, and no \(request.importance.rawValue)")
      }
      if request.importance == .taylor, gradients.isEmpty { throw .pruning(.noGradients) }
      let masks = network.weightMasks(
        amounts, balance: request.balance, gradients: request.importance == .taylor ? gradients : [])
      self.network = network.masked(by: masks)
      report.noteMasks(masks, of: network)
    } else {
      let coupling = try wrapping { () throws(PruningError) in try ChannelCoupling(network, inputs: shapes) }
      let scores = try wrapping { () throws(PruningError) in
        try coupling.scores(request.importance, of: network, gradients: gradients)
      }
      let units: [[Int]]
      if let target = request.target {
        let search = PruningSearch(target: target, engine: request.engine, network: network, shapes: shapes)
        let found = try search.run(coupling, amounts, scores)
        units = found.units
        report.target = PruningReport.Target(
          measure: target.measure.rawValue, before: found.before, after: found.after, candidates: found.measured,
          text: "\(target.measure.rawValue): \(target.text(found.before)) before, \(target.text(found.after)) after")
      } else {
        units = coupling.units(amounts, scores: scores)
      }
      let removal = try wrapping { () throws(PruningError) in try coupling.removal(of: units) }
      self.network = network.removingChannels(removal)
      report.noteChannels(coupling, amounts, scores, units, removal, network)
    }
    try report.noteCosts(before: network, after: self.network, shapes)
    self.report = report
  }
}

extension ModelPruning.Request {
  var balance: WeightMasks.Balance {
    if case .configuration(let configuration, _) = amount { configuration.balance } else { .layer }
  }

  /// What is asked of each layer. Throws where a name is none of the network's.
  func amounts(for network: Network) throws(EvaluationError) -> PruningAmounts {
    switch amount {
    case .share(let share): return PruningAmounts(share: share, of: network, multiple: multiple)
    case .any: return PruningAmounts(share: 0, of: network, multiple: multiple)
    case .configuration(let configuration, let path):
      let amounts: PruningAmounts
      do throws(PruningConfigurationError) {
        amounts = try configuration.amounts(for: network, multiple: multiple) { TextFormat.nearest(to: $0, among: $1) }
      } catch {
        throw .pruningConfiguration(path: path, error)
      }
      guard amounts.layers.isEmpty else { return amounts }
      throw .nothingToPrune(
        network: network.name,
        reason: (path.map { "'\($0.onOneLine)'" } ?? "the configuration")
          + " asks for a share of no layer that it does not exclude"
          + (amounts.excluded.isEmpty ? "" : " (\(TextFormat.list(amounts.excluded.sorted(), most: 4)))")
          + "; leave an exclusion out, or name other layers")
    }
  }
}
