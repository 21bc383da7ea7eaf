import Networks
import Tensors

/// How the scales of a simulation of integers are learned, beside its weights. They decay by no optimiser.
public struct RangePace: Hashable, Sendable {
  /// What the learning rate is multiplied by for them.
  public var rate: Float
  /// The steps after which they stand still, up to 2^24; nil for never.
  public var steps: Int?

  public init(rate: Float = 1, steps: Int? = nil) {
    self.rate = rate
    self.steps = steps
  }
}

extension OptimizerGraph {
  /// The schedule of scales: another learning rate, and nothing but zeros when they stand still.
  mutating func schedule(_ pace: RangePace) -> String {
    let moving = binary(
      "ranges.schedule", .multiply, schedule, constant("ranges.rate", Tensor([4], [pace.rate, 1, 1, 1])))
    guard let steps = pace.steps else { return moving }
    // The number of the step is a parameter, so that a checkpoint holds it.
    let step = constant("ranges.step", Tensor([1], [0]))
    network.updates.append(
      ParameterUpdate(
        parameter: step, value: binary("ranges.step.new", .add, step, constant("ranges.one", Tensor([1], [1])))))
    let isMoving = binary(
      "ranges.moving", .less, step, constant("ranges.steps", Tensor([1], [Float(min(steps, 1 << 24))])))
    return binary("ranges.schedule", .mask, moving, isMoving)
  }

  /// Parameters that stand for values become what those are with all parameters as they become: updates of the network so far.
  mutating func renew(_ standIns: [String: String]) {
    var news = Dictionary(network.updates.map { ($0.parameter, $0.value) }) { first, _ in first }
    let makers = Dictionary(network.nodes.map { ($0.name, $0) }) { first, _ in first }
    func renewed(_ graph: inout OptimizerGraph, _ value: String) -> String {
      if let known = news[value] { return known }
      var result = value
      if let maker = makers[value] {
        let inputs = maker.inputs.map { renewed(&graph, $0) }
        if inputs != maker.inputs { result = graph.node("next.\(value)", maker.operation, inputs) }
      }
      news[value] = result
      return result
    }
    for (parameter, value) in standIns.sorted(by: { $0.key < $1.key }) {
      let new = renewed(&self, value)
      if new != value { network.updates.append(ParameterUpdate(parameter: parameter, value: new)) }
    }
  }

  /// The name of the parameter that a new constant is.
  private mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    let parameter = "\(node(name, .constant(Constant(tensor.shape)), [])).\(ParameterRole.value.rawValue)"
    network.parameters[parameter] = tensor
    return parameter
  }
}

extension Optimizer {
  /// The same without weight decay.
  var withoutDecay: Optimizer {
    switch self {
    case .sgd(let momentum, let nesterov, _): .sgd(momentum: momentum, nesterov: nesterov, weightDecay: 0)
    case .adam(let beta1, let beta2, let epsilon, _): .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: 0)
    case .adamW(let beta1, let beta2, let epsilon, _): .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: 0)
    }
  }
}
