import Formats
import Networks

/// Where a training stands: all that going on takes.
///
/// A model file of the training network, whose parameters hold what the optimiser remembers, with the place in the data beside it in the
/// metadata. It is written beside its target and renamed, so that a file is there as a whole or as it was before.
public struct TrainingCheckpoint: Equatable, Sendable {
  public var network: Network
  /// Steps that are done, from the first of all.
  public var step: Int
  /// Of the data.
  public var seed: UInt64
  /// What the data is; empty where that was not asked.
  public var fingerprint: String
  /// Of the losses of the epoch's steps that are done.
  public var lossSum: Double

  public init(network: Network, step: Int, seed: UInt64, fingerprint: String = "", lossSum: Double = 0) {
    self.network = network
    self.step = step
    self.seed = seed
    self.fingerprint = fingerprint
    self.lossSum = lossSum
  }

  private static let stepKey = "swiftlet.training.step", seedKey = "swiftlet.training.seed"
  private static let dataKey = "swiftlet.training.data", lossKey = "swiftlet.training.loss"

  public func write(to path: String) throws(FormatError) {
    var contents = ModelFile.contents(of: network)
    contents.metadata[Self.stepKey] = String(step)
    contents.metadata[Self.seedKey] = String(seed)
    contents.metadata[Self.dataKey] = fingerprint
    contents.metadata[Self.lossKey] = String(lossSum)
    try contents.write(to: path)
  }

  /// Reads a checkpoint. Throws where the file is none.
  public init(contentsOf path: String) throws(TrainingError) {
    let contents: Safetensors
    do throws(FormatError) { contents = try Safetensors(contentsOf: path) } catch { throw .format(error) }
    guard let step = contents.metadata[Self.stepKey].flatMap({ Int($0) }), step >= 0,
      let seed = contents.metadata[Self.seedKey].flatMap({ UInt64($0) })
    else { throw .noCheckpoint(path: path) }
    do throws(FormatError) { network = try ModelFile.read(contents, path: path) } catch { throw .format(error) }
    self.step = step
    self.seed = seed
    fingerprint = contents.metadata[Self.dataKey] ?? ""
    lossSum = contents.metadata[Self.lossKey].flatMap { Double($0) } ?? 0
  }

  /// The training network with the parameters of the checkpoint. Throws where the checkpoint is of another one.
  public func applied(to training: TrainingNetwork, path: String) throws(TrainingError) -> TrainingNetwork {
    guard network.graph == training.network.graph else { throw .otherTraining(path: path, what: difference(from: training)) }
    var result = training
    result.network.parameters = network.parameters
    return result
  }

  private func difference(from training: TrainingNetwork) -> String {
    let (old, new) = (network, training.network)
    if old.name != new.name { return "the network ('\(old.name)' was trained)" }
    let pair = zip(old.nodes, new.nodes).first { $0 != $1 }
    if let pair { return "the network, its loss or its optimiser (at '\(pair.0.name)')" }
    return old.nodes.count == new.nodes.count ? "what the step gives or changes" : "the number of operations of a step"
  }
}
