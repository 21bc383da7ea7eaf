import Networks
import Tensors

/// Which single weights of a network are to be 0: "level" pruning. The network keeps its shapes, so that it takes as long as before; its file
/// compresses better.
public struct WeightMasks: Equatable, Sendable {
  /// Among which weights the least important are found.
  public enum Balance: Hashable, Sendable {
    /// All of a layer.
    case layer
    /// Each block of such extents, aligned with the last axes of the weights: every block loses as many. Nil takes the filter of each output channel.
    case blocks([Int]?)
  }

  /// 1 where a weight stays, else 0, by the names of parameters.
  public var masks: [String: Tensor]

  public init(masks: [String: Tensor] = [:]) { self.masks = masks }

  /// The number of weights that are 0, and of those that could be.
  public var counts: (zeros: Int, all: Int) {
    masks.values.reduce((0, 0)) { ($0.0 + $1.floats.count { $0 == 0 }, $0.1 + $1.count) }
  }
}

extension Network {
  /// The masks of the weights of lowest importance: `|w|`, or with gradients `Σ (g · w)²`.
  ///
  /// Layers of one pool lose a part of all their weights together. Excluded layers, and those of which nothing is asked, have no mask.
  public func weightMasks(
    _ amounts: PruningAmounts, balance: WeightMasks.Balance = .layer, gradients: [[String: Tensor]] = []
  ) -> WeightMasks {
    var result = WeightMasks()
    var pools: [String: [(name: String, scores: [Double], layer: PruningAmounts.Layer)]] = [:]
    for node in nodes {
      guard let layer = amounts.layers[node.name], !amounts.excluded.contains(node.name) else { continue }
      for part in node.operation.linearParts {
        let name = node.parameterName(part.weightRole)
        guard let weight = parameters[name], weight.dataType == .float32 else { continue }
        let scores = weightScores(name, weight, gradients)
        if let pool = layer.pool {
          pools[pool, default: []].append((name, scores, layer))
        } else {
          result.masks[name] = Tensor(weight.shape, Self.mask(scores, balance.blocks(of: weight.shape), layer.share))
        }
      }
    }
    for (_, members) in pools {
      let count = members.reduce(0) { $0 + $1.scores.count }
      let wanted = Int((Double(count) * (members.map(\.layer.share).min() ?? 0)).rounded(.down))
      let order = members.indices.flatMap { member in members[member].scores.indices.map { (member, $0) } }
        .sorted { (members[$0.0].scores[$0.1], $0.0, $0.1) < (members[$1.0].scores[$1.1], $1.0, $1.1) }
      var masks = members.map { Array(repeating: Float(1), count: $0.scores.count) }
      var gone = members.map { _ in 0 }, left = wanted
      for (member, index) in order where left > 0 {
        guard Double(gone[member] + 1) <= members[member].layer.most * Double(members[member].scores.count) else { continue }
        masks[member][index] = 0
        gone[member] += 1
        left -= 1
      }
      for (member, mask) in zip(members, masks) {
        result.masks[member.name] = Tensor(parameters[member.name]?.shape ?? [0], mask)
      }
    }
    return result
  }

  /// The network with the masked weights 0.
  public func masked(by masks: WeightMasks) -> Network {
    var result = self
    for (name, mask) in masks.masks {
      guard let weight = parameters[name], weight.shape == mask.shape else { continue }
      result.parameters[name] = Tensor(weight.shape, zip(weight.floats, mask.floats).map { $1 == 0 ? 0 : $0 })
    }
    return result
  }

  private func weightScores(_ name: String, _ weight: Tensor, _ gradients: [[String: Tensor]]) -> [Double] {
    let values = weight.floats
    var scores = values.map { $0.isNaN ? .infinity : Double($0.magnitude) }
    guard !gradients.isEmpty else { return scores }
    scores = Array(repeating: 0, count: values.count)
    for batch in gradients {
      guard let gradient = batch[name], gradient.shape == weight.shape else { continue }
      for (index, value) in gradient.floats.enumerated() {
        let product = Double(value) * Double(values[index])
        scores[index] += product.isNaN ? .infinity : product * product
      }
    }
    return scores
  }

  private static func mask(_ scores: [Double], _ blocks: [[Int]], _ share: Double) -> [Float] {
    var mask = Array(repeating: Float(1), count: scores.count)
    for block in blocks {
      let count = Int((Double(block.count) * share).rounded(.down))
      for index in block.sorted(by: { (scores[$0], $0) < (scores[$1], $1) }).prefix(count) { mask[index] = 0 }
    }
    return mask
  }
}

extension WeightMasks.Balance {
  /// The places of the weights of each block.
  fileprivate func blocks(of shape: Shape) -> [[Int]] {
    guard case .blocks(let extents) = self else { return [Array(0..<shape.count)] }
    var sides = shape.extents
    if let extents {
      // Extents that are not given are 1; those at the end are of the last axes.
      for axis in sides.indices {
        let place = axis - (sides.count - extents.count)
        sides[axis] = place < 0 ? 1 : min(max(extents[place], 1), shape[axis])
      }
    } else {
      sides[0] = 1
    }
    var blocks: [[Int]: [Int]] = [:]
    for index in 0..<shape.count {
      var rest = index, key = Array(repeating: 0, count: sides.count)
      for axis in sides.indices.reversed() {
        key[axis] = rest % shape[axis] / sides[axis]
        rest /= shape[axis]
      }
      blocks[key, default: []].append(index)
    }
    return blocks.values.map(\.self)
  }
}

extension Network {
  /// A network that learns, in which masked weights stay 0: what a parameter becomes goes through its mask first.
  package func maskingUpdates(_ masks: WeightMasks) -> Network {
    var result = self
    for (index, update) in updates.enumerated() {
      guard let mask = masks.masks[update.parameter] else { continue }
      let constant = Node(name: "\(update.parameter).mask", operation: .constant(Constant(mask.shape)), inputs: [])
      let masked = Node(name: "\(update.parameter).masked", operation: .binary(.mask), inputs: [update.value, constant.name])
      result.nodes += [constant, masked]
      result.parameters[constant.parameterName(.value)] = mask
      result.updates[index].value = masked.name
    }
    return result
  }
}
