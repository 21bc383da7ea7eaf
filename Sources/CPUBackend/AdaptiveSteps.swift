import Networks

/// Where a network's optimiser keeps the mean and the mean square of a gradient, and steps by them: three passes over memory that one can do.
struct AdaptiveSteps {
  struct Averages {
    var mean: Node
    var square: Node
  }

  /// By the name of the parameter's step.
  private(set) var averages: [String: Averages] = [:]
  /// The names of the averages.
  private(set) var merged: Set<String> = []

  /// Averages that leave the network as updates, and that nothing but the step reads.
  init(_ network: Network) {
    let steps = network.nodes.filter { if case .training(.parameterStep) = $0.operation { true } else { false } }
    guard !steps.isEmpty else { return }
    var readCounts: [String: Int] = [:], nodes: [String: Node] = [:]
    for node in network.nodes {
      nodes[node.name] = node
      for input in node.inputs { readCounts[input, default: 0] += 1 }
    }
    var leavingCounts: [String: Int] = [:]
    for name in network.leavingValues { leavingCounts[name, default: 0] += 1 }
    func average(_ name: String) -> (node: Node, payload: MovingAverage)? {
      guard let node = nodes[name], case .training(.movingAverage(let payload)) = node.operation, readCounts[name] == 1,
        leavingCounts[name] == 1, !network.outputs.contains(name)
      else { return nil }
      return (node, payload)
    }
    for step in steps {
      guard case .training(.parameterStep(let payload)) = step.operation, payload.epsilon != nil,
        let mean = average(step.inputs[1]), let square = average(step.inputs[2]), !mean.payload.squares,
        square.payload.squares, mean.node.inputs[1] == square.node.inputs[1], mean.node.name != square.node.name
      else { continue }
      averages[step.name] = Averages(mean: mean.node, square: square.node)
      merged.formUnion([mean.node.name, square.node.name])
    }
  }
}
