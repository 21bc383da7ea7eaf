import Architectures
import Networks
import Tensors
import TestSupport
import Testing
import Transforms

/// How important channels are, and how many go.
@Suite struct PruningAmountsTests {
  private let shape: Shape = [1, 3, 6, 4]

  /// Two convolutions, of which the first has filters of these sizes.
  private func network(_ filters: [Float]) throws -> Network {
    var network = try Network.built([shape]) { builder, x in
      let a = builder.batchNorm("norm", builder.convolution("a", x[0], outChannels: filters.count, kernel: 1))
      return [builder.convolution("tail", a, outChannels: 2, kernel: 1)]
    }
    network.parameters["a.weight"] = Tensor([filters.count, 3, 1, 1], filters.flatMap { [$0, -$0, 0] })
    network.parameters["norm.weight"] = Tensor([filters.count], filters.map { 10 - $0 })
    return network
  }

  private func gone(_ network: Network, _ importance: PruningImportance, _ share: Double, _ gradients: [[String: Tensor]] = [])
    throws -> [Int]
  {
    let coupling = try ChannelCoupling(network, inputs: [shape])
    let scores = try coupling.scores(importance, of: network, gradients: gradients)
    return coupling.units(PruningAmounts(share: share, of: network), scores: scores)[0]
  }

  @Test func importance() throws {
    let network = try network([4, 1, 3, 2])
    #expect(try gone(network, .l1, 0.5) == [1, 3] && gone(network, .l2, 0.5) == [1, 3])
    // 2 and 3 lie in the middle of all.
    #expect(try gone(network, .geometricMedian, 0.5) == [2, 3])
    #expect(try gone(network, .batchNormScale, 0.25) == [0])
    let gradient = ["a.weight": Tensor([4, 3, 1, 1], [1, 1, 9, 9, 1, 1, 0, 0.5, 1, 1, -1, 1].map(Float.init))]
    // Sums of gradient by weight: 0, 8, -1.5, 4.
    #expect(try gone(network, .taylor, 0.5, [gradient]) == [0, 2])
    #expect(throws: PruningError.noGradients) { try gone(network, .taylor, 0.5) }
    var broken = network
    broken.parameters["a.weight"]?.withUnsafeMutableFloats { $0[3] = .nan }
    #expect(try gone(broken, .l1, 0.5).contains(1) == false)
  }

  /// The nearest multiple of what kernels like, of less where a layer is narrow, never nothing.
  @Test func widths() {
    let cases: [(Int, Double, Int, Int)] = [
      (64, 0.5, 16, 32), (64, 0.3, 16, 48), (64, 0.1, 16, 64), (64, 0.99, 16, 16), (64, 0.3, 1, 45), (16, 0.5, 16, 8),
      (6, 0.5, 16, 4),
      (2, 0.9, 16, 1), (1, 0.9, 16, 1), (48, 0.5, 16, 32), (5, 0, 1, 5), (100, 0.5, 16, 48),
    ]
    for (count, share, multiple, width) in cases {
      #expect(PruningAmounts.width(count, without: share, multiple: multiple) == width, "\(count) without \(share)")
    }
  }

  /// What is tied to an excluded layer stays; layers of several shares lose the least of them.
  @Test func groupsObeyAllOfTheirLayers() throws {
    let network = try EDSR(features: 8, blocks: 2).network(.random(seed: 1))
    let coupling = try ChannelCoupling(network, inputs: [shape])
    let scores = try coupling.scores(.l1, of: network)
    var amounts = PruningAmounts(share: 0.5, of: network)
    amounts.layers["head"]?.share = 0.25
    func left(_ amounts: PruningAmounts) throws -> [String: Int] {
      let result = network.removingChannels(try coupling.removal(of: coupling.units(amounts, scores: scores)))
      return Dictionary(result.nodes.compactMap { node in node.operation.linearParts.last.map { (node.name, $0.outChannels) } })
      { a, _ in a }
    }
    #expect(
      try left(amounts) == ["head": 6, "body.0.a": 4, "body.0.b": 6, "body.1.a": 4, "body.1.b": 6, "up.0": 16, "tail": 3])
    amounts.excluded = ["body.1.b"]
    #expect(try left(amounts)["head"] == 8)
  }

  /// A pool loses a share of all of its weights, the least important channels first, within the limits of each layer.
  @Test func pools() throws {
    var network = try Network.built([shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 10, kernel: 1),
        b = builder.convolution("b", a, outChannels: 10, kernel: 1)
      return [builder.convolution("tail", b, outChannels: 2, kernel: 1)]
    }
    network.parameters["a.weight"] = Tensor(repeating: 1, [10, 3, 1, 1])
    network.parameters["b.weight"] = Tensor([10, 10, 1, 1], (0..<100).map { $0 < 60 ? 0.01 : 2.485 })
    let coupling = try ChannelCoupling(network, inputs: [shape])
    let scores = try coupling.scores(.l1, of: network)
    func counts(_ share: Double, most: Double = 1, least: Double = 0) -> [Int] {
      let layer = PruningAmounts.Layer(share: share, pool: "p", least: least, most: most)
      return coupling.units(PruningAmounts(layers: ["a": layer, "b": layer]), scores: scores).map(\.count)
    }
    #expect(counts(0.4) == [0, 6])
    #expect(counts(0.4, most: 0.3) == [3, 3])
    #expect(counts(0.1, least: 0.2) == [2, 2])
    #expect(counts(0.99) == [9, 9])
  }

  /// What is measured of layers decides where channels go: what costs much and is little worth goes first.
  @Test func budgets() throws {
    let network = try EDSR(features: 64, blocks: 3).network(.random(seed: 1))
    let coupling = try ChannelCoupling(network, inputs: [[1, 3, 8, 8]])
    let scores = try coupling.scores(.l1, of: network)
    let ledger = try network.ledger(inputs: [[1, 3, 8, 8]])
    let costs = Dictionary(uniqueKeysWithValues: ledger.entries.map { ($0.node, Double($0.multiplyAccumulates)) })
    for share in [0.8, 0.5, 0.3] {
      let budget = PruningBudget(costs: costs, share: share)
      let amounts = PruningAmounts(share: 0, of: network, multiple: 16)
      let units = try coupling.units(budget, amounts, scores: scores, of: network)
      let result = network.removingChannels(try coupling.removal(of: units))
      let left = Double(try result.ledger(inputs: [[1, 3, 8, 8]]).multiplyAccumulates) / Double(ledger.multiplyAccumulates)
      #expect(left <= share && left > 0.85 * share, "\(left) of \(share)")
      for node in result.nodes where node.name != "tail" {
        if let part = node.operation.linearParts.last { #expect(part.outChannels.isMultiple(of: 16)) }
      }
    }
    var held = PruningAmounts(share: 0, of: network, multiple: 16)
    held.excluded = ["head"]
    do {
      _ = try coupling.units(PruningBudget(costs: costs, share: 0.1), held, scores: scores, of: network)
      Issue.record("a tenth is left")
    } catch {
      #expect(error.least > 0.1)
      #expect(error.layers[0].reason == "it has the fewest channels that widths allow")
      #expect(
        error.layers.contains {
          $0.layer == "body.0.b" && $0.reason == "its channels go with those of 'head', which is excluded"
        })
    }
  }

  @Test func schedules() {
    #expect(PruningSchedule.once.share(0.8, round: 1, of: 4) == 0.8)
    #expect((1...4).map { PruningSchedule.linear.share(0.8, round: $0, of: 4) } == [0.2, 0.4, 0.8 * 0.75, 0.8])
    let agp = (1...4).map { PruningSchedule.agp.share(0.8, round: $0, of: 4) }
    #expect(agp == [0.8 * (1 - 0.75 * 0.75 * 0.75), 0.8 * (1 - 0.125), 0.8 * (1 - 0.25 * 0.25 * 0.25), 0.8])
  }

  /// Single weights: the smallest of a layer, of each filter or block, or of a pool.
  @Test func weightMasks() throws {
    var network = try network([4, 1, 3, 2])
    network.parameters["a.weight"] = Tensor([4, 3, 1, 1], [9, 8, 7, 1, 2, 3, 6, 5, 4, 10, 11, 12])
    func mask(_ share: Double, _ balance: WeightMasks.Balance = .layer) -> [Float] {
      let layer = PruningAmounts.Layer(share: share)
      return network.weightMasks(PruningAmounts(layers: ["a": layer]), balance: balance).masks["a.weight"]?.floats ?? []
    }
    #expect(mask(0.5) == [1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1])
    #expect(mask(0.34, .blocks(nil)) == [1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1])
    #expect(mask(0.5, .blocks([2, 3, 1, 1])) == [1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1])
    let pool = PruningAmounts.Layer(share: 0.5, pool: "p", most: 0.75)
    network.parameters["tail.weight"] = Tensor(repeating: 20, [2, 4, 1, 1])
    let masks = network.weightMasks(PruningAmounts(layers: ["a": pool, "tail": pool]))
    #expect(masks.masks["a.weight"]?.floats.count { $0 == 0 } == 9 && masks.counts == (10, 20))
    let result = network.masked(by: masks)
    #expect(result.parameters["a.weight"]?.floats.filter { $0 != 0 } == [10, 11, 12])
    #expect(result.parameters["a.bias"] == network.parameters["a.bias"])
  }
}
