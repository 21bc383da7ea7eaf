import CPUBackend
import Files
import Formats
import Networks
import Tensors
import Transforms

/// A model after some passes, and what it cost before and costs now.
public struct ModelOptimization: Hashable, Codable, Sendable {
  /// Which passes, always in this order.
  public struct Passes: Hashable, Sendable {
    /// Drops nodes and parameters that reach no output.
    public var eliminates: Bool
    /// Folds batch norms, affines and scalings into weights.
    public var folds: Bool
    public var substitution: Substitution?
    /// Joins what a fast engine runs as one operation.
    public var fuses: Bool

    public init(eliminates: Bool = false, folds: Bool = false, substitution: Substitution? = nil, fuses: Bool = false) {
      self.eliminates = eliminates
      self.folds = folds
      self.substitution = substitution
      self.fuses = fuses
    }

    /// What every run does to a network first; see `Network.optimizedForInference`.
    public static let inference = Passes(eliminates: true, folds: true, fuses: true)
  }

  /// Cheaper convolutions in place of dense ones.
  public struct Substitution: Hashable, Sendable {
    public var kind: ConvolutionSubstitute
    public var predicate: NodePredicate
    public var weights: SubstituteWeights
    /// Channel selection also in place of 1x1 convolutions.
    public var includesPointwise: Bool

    public init(
      _ kind: ConvolutionSubstitute, where predicate: NodePredicate = .all, weights: SubstituteWeights = .factorised,
      includesPointwise: Bool = false
    ) {
      self.kind = kind
      self.predicate = predicate
      self.weights = weights
      self.includesPointwise = includesPointwise
    }
  }

  /// The totals of a ledger.
  public struct Costs: Hashable, Codable, Sendable {
    public var nodes: Int
    public var parameters: Int
    /// Parameters that training leaves alone.
    public var buffers: Int
    public var multiplyAccumulates: Int
    public var bytesRead: Int
    public var bytesWritten: Int
    public var bytesMoved: Int
    public var activationTensors: Int
    public var peakActivationBytes: Int
  }

  public var model: String
  public var network: String
  /// Of the network's inputs.
  public var input: String
  /// Whether concatenations are counted as made in place.
  public var concatenationInPlace: Bool
  public var before: Costs
  public var after: Costs
  /// The convolutions that were replaced; nil where none should be.
  public var replaced: [ConvolutionSubstitution.Layer]?
  /// What pictures lose by it; nil where none were given.
  public var quality: PruningReport.Quality?
  /// The model file; nil where none was written.
  public var output: String?

  /// Runs the passes over the network, counts, and writes the model file where `output` names one.
  ///
  /// - Parameters:
  ///   - model: what the report calls the network: the name or the path that it came from. The file there is never written.
  ///   - input: of the network's one input; unless given what it fixes, or 1 x channels x 256 x 256.
  ///   - pictures: what quality is measured on before and after, on the CPU engine.
  public init(
    _ network: Network, model: String, passes: Passes, input: Shape? = nil, concatenationInPlace: Bool = false,
    pictures: PruningPictures? = nil, output: String? = nil
  ) throws(EvaluationError) {
    self = try FileClaims.together { () throws(EvaluationError) in
      try Self(
        claiming: network, model: model, passes: passes, input: input, concatenationInPlace: concatenationInPlace,
        pictures: pictures, output: output)
    }
  }

  private init(
    claiming network: Network, model: String, passes: Passes, input: Shape?, concatenationInPlace: Bool,
    pictures: PruningPictures?,
    output: String?
  ) throws(EvaluationError) {
    // The model was read before: inside `FileClaims.together` its file is known, else by its name.
    if let output {
      try wrapping { () throws(FileError) in try FileClaims.reads(model) }
      try ModelLibrary.claimOutput(output)
    }
    let shapes = try network.inputShapes(given: input)
    func costs(_ network: Network) throws(EvaluationError) -> Costs {
      try wrapping { () throws(NetworkError) in
        Costs(try network.ledger(inputs: shapes, concatenationInPlace: concatenationInPlace))
      }
    }
    before = try costs(network)
    var result = network
    if passes.eliminates { result = result.eliminatingDeadNodes() }
    if passes.folds { result = result.foldingBatchNorm() }
    if let substitution = passes.substitution {
      let substituted = result.convolutionSubstitution(
        substitution.kind, where: substitution.predicate, weights: substitution.weights,
        includingPointwise: substitution.includesPointwise)
      guard !substituted.layers.isEmpty else { throw .nothingToSubstitute(network: network.name) }
      (result, replaced) = (substituted.network, substituted.layers)
    }
    if passes.fuses { result = result.fusing() }
    after = try costs(result)
    self.model = model
    self.network = network.name
    self.input = shapes.map(\.description).joined(separator: ", ")
    self.concatenationInPlace = concatenationInPlace
    self.output = output
    if let pictures {
      quality = try PruningReport.Quality(
        before: network, after: result, model: model, pictures: pictures, engine: .cpu(CPUOptions()))
    }
    if let output { try ModelLibrary.write(result, to: output) }
  }
}

extension ModelOptimization.Costs {
  public init(_ ledger: Ledger) {
    self.init(
      nodes: ledger.entries.count, parameters: ledger.parameterCount, buffers: ledger.bufferCount,
      multiplyAccumulates: ledger.multiplyAccumulates, bytesRead: ledger.bytesRead, bytesWritten: ledger.bytesWritten,
      bytesMoved: ledger.bytesMoved, activationTensors: ledger.activationTensorCount,
      peakActivationBytes: ledger.peakActivationByteCount)
  }
}

extension ModelOptimization.Costs {
  /// What a network cost before and costs now.
  static func table(_ before: Self, _ after: Self) -> TextTable {
    var table = TextTable(["", "before", "after", "after / before"])
    func row(_ name: String, _ count: KeyPath<Self, Int>, _ text: (Int) -> String) {
      let (old, new) = (before[keyPath: count], after[keyPath: count])
      table.append([name, text(old), text(new), old > 0 ? TextFormat.fixed(Double(new) / Double(old), 3) : ""])
    }
    row("nodes", \.nodes, TextFormat.grouped)
    row("parameters", \.parameters, TextFormat.grouped)
    if before.buffers + after.buffers > 0 { row("fixed parameters", \.buffers, TextFormat.grouped) }
    row("multiply-accumulates", \.multiplyAccumulates, TextFormat.grouped)
    row("bytes moved", \.bytesMoved, TextFormat.bytes)
    row("tensors written", \.activationTensors, TextFormat.grouped)
    row("peak of values", \.peakActivationBytes, TextFormat.bytes)
    return table
  }
}

extension ModelOptimization: TextReport {
  /// What to do with a network whose layers were replaced.
  private static func trainingNote(output: String, teacher: String) -> String {
    """
    The new weights are only near the old ones, and the network is of no use until it has been trained again: in a recipe
      model: {file: \(output.onOneLine)}
      distillation: {teacher: \(teacher.onOneLine)}
    and 'swiftlet train' (Documentation/Recipes.md).
    """
  }

  /// The figures for people.
  public var report: ReportText {
    var text: ReportText =
      "\(model.onOneLine): \(network.onOneLine), input \(input)\(concatenationInPlace ? ", concatenations in place" : "")\n\n\(Costs.table(before, after))"
    if let replaced {
      var table = TextTable(["replaced", "parameters", "now", "relative error"])
      for layer in replaced {
        table.append([
          layer.node, TextFormat.grouped(layer.parameterCountBefore), TextFormat.grouped(layer.parameterCountAfter),
          layer.relativeError.map { TextFormat.fixed($0, 4) } ?? "random",
        ])
      }
      text += "\n\(table)"
    }
    if let quality { text += "\n\(quality.text)\n" }
    if replaced != nil { text += "\n\(Self.trainingNote(output: output ?? "MODEL", teacher: model))\n" }
    if let output { text += "\nwritten to \(output.onOneLine)\n" }
    return text
  }
}
