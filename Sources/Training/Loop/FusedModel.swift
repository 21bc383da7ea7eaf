import Execution
import Networks
import Tensors
import Transforms

/// A model of a network after fusing, whose parameters go by the names that they had before: fusing gives those of two layers to one.
struct FusedModel {
  private let model: any Model
  /// By the names after fusing, those before, where they differ.
  private let oldNames: [String: String]
  private let newNames: [String: String]

  init(_ network: Network, on backend: any Backend) throws(ExecutionError) {
    let fused = network.eliminatingDeadNodes().fused()
    oldNames = fused.parameterNames
    newNames = Dictionary(uniqueKeysWithValues: oldNames.map { ($1, $0) })
    model = try backend.prepare(fused.network)
  }

  func session(inputs shapes: [Shape]) throws(ExecutionError) -> any Session { try model.session(inputs: shapes) }

  /// As they are now.
  func parameters() throws(ExecutionError) -> [String: Tensor] {
    let now = try model.parameters()
    guard !oldNames.isEmpty else { return now }
    return Dictionary(uniqueKeysWithValues: now.map { (oldNames[$0] ?? $0, $1) })
  }

  func keepParameters() throws(ExecutionError) -> KeptParameters { try model.keepParameters() }
  func takeBack(_ kept: KeptParameters) throws(ExecutionError) { try model.takeBack(kept) }
  func areFinite(_ names: [String]) throws(ExecutionError) -> Bool { try model.areFinite(names.map { newNames[$0] ?? $0 }) }

  func setParameters(_ parameters: [String: Tensor]) throws(ExecutionError) {
    try model.setParameters(Dictionary(uniqueKeysWithValues: parameters.map { (newNames[$0] ?? $0, $1) }))
  }
}
