import Networks
import Tensors

/// By what channels, or single weights, are held important. The least important go first.
///
/// Of a layer each channel has a number, that of the weights that make it. Where channels of several layers go together, each layer's numbers
/// are divided by their mean, so that none outweighs the others, and averaged; those of `taylor` and `batchNormScale`, which are comparable as
/// they are, are summed and averaged.
public enum PruningImportance: String, Hashable, Codable, Sendable, CaseIterable {
  /// `Σ |w|`: Li et al., Pruning Filters for Efficient ConvNets, 2017.
  case l1
  /// `√ Σ w²`
  case l2
  /// The sum of the distances to all other filters of the layer: what lies close to many is made by others. He et al., Filter Pruning via
  /// Geometric Median, 2019.
  case geometricMedian = "geometric-median"
  /// `|γ|` of the batch norms that the channel goes through: Liu et al., Network Slimming, 2017.
  case batchNormScale = "batch-norm-scale"
  /// `Σ (Σ g · w)²`, gradients of some batches by weights: how much the loss would change. Molchanov et al., Importance Estimation for Neural
  /// Network Pruning, 2019.
  case taylor

  /// Whether numbers of different layers compare as they are.
  var isGlobal: Bool { self == .taylor || self == .batchNormScale }
}

extension ChannelCoupling {
  /// The importance of each unit of each group; nil for groups that no layer makes. A number that is none counts as the largest.
  ///
  /// - Parameter gradients: for `taylor`, of each batch the gradients of the parameters by their names.
  public func scores(
    _ importance: PruningImportance, of network: Network, gradients: [[String: Tensor]] = []
  ) throws(PruningError) -> [[Double]?] {
    if importance == .taylor, gradients.isEmpty { throw .noGradients }
    var filters: [String: [[Double]]] = [:]
    for node in network.nodes where !node.operation.linearParts.isEmpty {
      filters[node.name] = network.filterScores(of: node, importance, gradients)
    }
    var result: [[Double]?] = []
    for group in groups {
      guard !group.layers.isEmpty else {
        result.append(nil)
        continue
      }
      var owners: [(span: Range<Int>, scores: [Double])] = []
      if importance == .batchNormScale {
        let values = Set(group.values)
        for node in network.nodes where values.contains(node.name) {
          guard case .batchNorm = node.operation, let span = spans[node.name], let weight = network.parameter(.weight, of: node)
          else { continue }
          owners.append((span, weight.floats.map { Double($0.magnitude) }))
        }
      } else {
        for layer in group.layers {
          guard let span = rows[layer] else { continue }
          for scores in filters[layer] ?? [] { owners.append((span, scores)) }
        }
      }
      result.append(
        importance == .batchNormScale && owners.isEmpty ? nil : group.units.map { Self.score($0, owners, importance) })
    }
    return result
  }

  /// The numbers of the channels of one unit as one.
  private static func score(
    _ unit: Unit, _ owners: [(span: Range<Int>, scores: [Double])], _ importance: PruningImportance
  ) -> Double {
    var sum = 0.0, count = 0
    for atom in unit.atoms {
      for owner in owners where owner.span.contains(atom) {
        sum += owner.scores[atom - owner.span.lowerBound]
        count += 1
      }
    }
    let score = importance == .taylor ? sum : sum / Double(max(count, 1))
    return score.isNaN ? .infinity : score
  }
}

extension Network {
  /// Of each part whose sums are the channels of the layer, a number for each of them.
  fileprivate func filterScores(
    of node: Node, _ importance: PruningImportance, _ gradients: [[String: Tensor]]
  ) -> [[Double]] {
    let parts = node.operation.linearParts
    guard importance != .batchNormScale, let last = parts.last else { return [] }
    // A depthwise part passes on what the one before makes.
    let makers = parts.count > 1 && last.groups == last.outChannels ? parts : [last]
    return makers.compactMap { part in
      let name = node.parameterName(part.weightRole)
      guard let weight = parameters[name], weight.dataType == .float32 else { return nil }
      let filters = part.filters(weight)
      var scores: [Double]
      switch importance {
      case .l1: scores = filters.map { $0.reduce(0) { $0 + Double($1.magnitude) } }
      case .l2: scores = filters.map { $0.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
      case .geometricMedian: scores = Self.distances(filters)
      case .taylor:
        scores = Array(repeating: 0, count: filters.count)
        for batch in gradients {
          guard let gradient = batch[name], gradient.shape == weight.shape else { continue }
          var sums = zip(filters, part.filters(gradient)).map { zip($0, $1).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
          let biasName = node.parameterName(part.biasRole)
          if let bias = parameters[biasName], let gradient = batch[biasName], gradient.shape == bias.shape {
            for (index, product) in zip(bias.floats, gradient.floats).map({ Double($0) * Double($1) }).enumerated() {
              sums[index] += product
            }
          }
          for index in sums.indices { scores[index] += sums[index] * sums[index] }
        }
      case .batchNormScale: return nil
      }
      if !importance.isGlobal {
        let mean = scores.reduce(0, +) / Double(max(scores.count, 1))
        if mean > 0, mean.isFinite { scores = scores.map { $0 / mean } }
      }
      return scores
    }
  }

  /// Of each filter the sum of its distances to the others. Cost: filters² · weights of one.
  private static func distances(_ filters: [[Float]]) -> [Double] {
    var result = [Double](repeating: 0, count: filters.count)
    for first in filters.indices {
      for second in 0..<first {
        var sum: Float = 0
        filters[first].withUnsafeBufferPointer { a in
          filters[second].withUnsafeBufferPointer { b in
            for index in a.indices {
              let difference = a[index] - b[index]
              sum += difference * difference
            }
          }
        }
        let distance = Double(sum).squareRoot()
        result[first] += distance
        result[second] += distance
      }
    }
    return result
  }
}

extension LinearPart {
  /// The weights that make each output channel.
  fileprivate func filters(_ weight: Tensor) -> [[Float]] {
    let values = weight.floats, length = columns * taps
    if !rowsAreInputs { return (0..<rows).map { Array(values[$0 * length..<($0 + 1) * length]) } }
    var result = [[Float]](repeating: [], count: outChannels)
    for row in 0..<rows {
      for column in 0..<columns {
        let start = (row * columns + column) * taps
        result[channels(row, column).output] += values[start..<start + taps]
      }
    }
    return result
  }
}
