import Networks
import Tensors
import Transforms

/// How parameters follow their gradients.
public enum Optimizer: Hashable, Sendable {
  /// `v = momentum · v + g + weightDecay · w`, `w = w - rate · v`, or with `nesterov` `w = w - rate · (g + weightDecay · w + momentum · v)`.
  /// Without momentum v is the gradient. As `torch.optim.SGD`.
  case sgd(momentum: Float, nesterov: Bool, weightDecay: Float)
  /// `m = β₁ m + (1 - β₁) g`, `v = β₂ v + (1 - β₂) g²`, `w = w - rate / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + epsilon)`, with weight decay added to g.
  /// Kingma and Ba 2015, as `torch.optim.Adam`.
  case adam(beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float)
  /// The same, but for weight decay: w is made smaller by `rate · weightDecay · w` first. Loshchilov and Hutter 2019, as `torch.optim.AdamW`.
  case adamW(beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float)

  public static let adam = Optimizer.adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)
}

/// What keeps gradients from growing, before an optimiser takes them.
public enum GradientClipping: Hashable, Sendable {
  /// All together are made as long as this where they are longer, `g · min(1, norm / (|g| + 1e-6))`. As `torch.nn.utils.clip_grad_norm_`.
  case norm(Float)
  /// Each element is brought within this and its opposite.
  case value(Float)
  /// As `norm`, by `theta` over the learning rate: the VDSR project's adjustable clipping.
  case adjustableNorm(theta: Float)
}

/// A network that takes a step of training in each run.
public struct TrainingNetwork: Equatable, Sendable {
  /// The network with gradients and updates. Its outputs are the loss, and, where clipping needs it, the norm of all gradients; its inputs are those
  /// of the network, the target, and `schedule`.
  public var network: Network
  /// The input `[4]` of numbers that change from step to step: see `scheduleValues`.
  public var schedule: String
  /// The parameters that follow their gradients.
  public var trained: [String]
  public var optimizer: Optimizer
  public var clipping: GradientClipping?
  /// Of each trained parameter, the name of the parameter that holds its moving average; empty where there is none. It begins at 0, so that after t
  /// steps it is `averageScale(steps: t)` times too small.
  public var averages: [String: String]
  /// Of the moving averages, where there are some: what stays of one in a step.
  public var averageKeep: Float?
  /// What takes all parts of a batch but the last, where batches come in parts.
  public var accumulation: GradientAccumulation?

  /// What `schedule` takes in step `step`, counted from 0: the learning rate, 1 / (1 - β₁ᵗ), 1 / √(1 - β₂ᵗ), the largest norm.
  public func scheduleValues(step: Int, learningRate: Double) -> [Float] {
    let first: Double, second: Double
    switch optimizer {
    case .sgd: (first, second) = (1, 1)
    case .adam(let beta1, let beta2, _, _), .adamW(let beta1, let beta2, _, _):
      first = 1 / (1 - Self.power(Double(beta1), step + 1))
      second = 1 / (1 - Self.power(Double(beta2), step + 1)).squareRoot()
    }
    let norm: Double
    switch clipping {
    case .norm(let most): norm = Double(most)
    case .adjustableNorm(let theta): norm = learningRate > 0 ? Double(theta) / learningRate : .infinity
    case .value, nil: norm = .infinity
    }
    return [Float(learningRate), Float(first), Float(second), Float(min(norm, Double(Float.greatestFiniteMagnitude)))]
  }

  /// What a moving average is multiplied by after so many steps, at least one, to be a mean of the parameters that there were: `1 / (1 - keepᵗ)`.
  ///
  /// - Source: the correction of Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015, section 3.
  public func averageScale(steps: Int) -> Float {
    averageKeep.map { Float(1 / (1 - Self.power(Double($0), steps))) } ?? 1
  }

  private static func power(_ base: Double, _ exponent: Int) -> Double {
    var result = 1.0, factor = base, rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result *= factor }
      factor *= factor
      rest >>= 1
    }
    return result
  }
}

/// A batch that goes through a network in parts, of which the gradients are added: a large batch in the memory of a small one.
public struct GradientAccumulation: Equatable, Sendable {
  /// Adds the gradients of a part to `optimizer.sum.NAME`. The network of the whole step takes the last part, and leaves those sums at 0.
  public var network: Network
  /// At least 2, of one size.
  public var parts: Int
  /// What gradients and losses of parts are multiplied by before they are added: 1 where the loss is a sum, and 1 / parts where it is a mean.
  public var share: Float
}

extension DifferentiatedNetwork {
  /// The network that takes a step of the optimiser in each run: its updates set each parameter, and what the optimiser remembers of it.
  ///
  /// What it remembers are constants of the network, `optimizer.mean.NAME`, `optimizer.square.NAME` or `optimizer.velocity.NAME`, 0 at first: a file of the network holds all that
  /// going on with training takes.
  ///
  /// - Parameter averageKeep: where given, `optimizer.average.NAME` follows each parameter, `a = keep · a + (1 - keep) · w`, from 0 on.
  /// - Parameter parts: of a batch, where it comes in several; `share` is that of each.
  /// - Parameter ranges: parameters that are learned at a pace of their own.
  /// - Parameter standIns: parameters that hold what a value is, which each step leaves as they will be for the next.
  public func trained(
    by optimizer: Optimizer, clipping: GradientClipping? = nil, averageKeep: Float? = nil, parts: Int = 1, share: Float = 1,
    ranges: (names: Set<String>, pace: RangePace) = ([], RangePace()), standIns: [String: String] = [:], loss: String
  ) throws(NetworkError) -> TrainingNetwork {
    var graph = OptimizerGraph(network, optimizer: optimizer)
    let names = gradients.keys.sorted()
    var whole = gradients, outputs = [loss]
    var accumulation: GradientAccumulation?
    if parts > 1 {
      let added = graph.accumulated(names.compactMap { name in gradients[name].map { (name, $0) } }, share: share, loss: loss)
      accumulation = GradientAccumulation(network: added.network, parts: parts, share: share)
      whole = added.gradients
    }
    var clipped = whole
    switch clipping {
    case .value(let most):
      for name in names {
        clipped[name] = whole[name].map {
          graph.node("clipped.\(name)", .activation(.clip(minimum: -most, maximum: most)), [$0])
        }
      }
    case .norm, .adjustableNorm:
      let norm = graph.norm(of: names.compactMap { name in whole[name].map { (name, $0) } })
      outputs.append(norm)
      for name in names { clipped[name] = whole[name].map { graph.shortened($0, name, norm: norm) } }
    case nil: break
    }
    var averages: [String: String] = [:]
    let ofRanges = ranges.names.isEmpty ? nil : graph.schedule(ranges.pace)
    for name in names {
      guard let gradient = clipped[name] else { continue }
      let new = graph.update(name, by: gradient, scheduleOfRange: ranges.names.contains(name) ? ofRanges : nil)
      if let averageKeep { averages[name] = graph.averaged(name, new, keep: averageKeep) }
    }
    graph.renew(standIns)
    graph.network.outputs = outputs
    try graph.network.verify()
    return TrainingNetwork(
      network: graph.network, schedule: graph.schedule, trained: names, optimizer: optimizer, clipping: clipping,
      averages: averages, averageKeep: averageKeep, accumulation: accumulation)
  }
}

/// The nodes of an optimiser under construction.
struct OptimizerGraph {
  var network: Network
  let optimizer: Optimizer
  let schedule: String
  private var names: Set<String>
  /// Numbers of the schedule by place and rank.
  private var scalars: [[Int]: String] = [:]

  init(_ network: Network, optimizer: Optimizer) {
    self.network = network
    self.optimizer = optimizer
    var names = Set(network.inputs.map(\.name))
    for node in network.nodes {
      names.insert(node.name)
      names.formUnion(node.parameterNames)
    }
    var schedule = "schedule"
    while names.contains(schedule) { schedule += "_" }
    names.insert(schedule)
    self.names = names
    self.schedule = schedule
    self.network.inputs.append(NetworkInput(name: schedule, axes: [4]))
  }

  mutating func node(_ name: String, _ operation: Operation, _ inputs: [String]) -> String {
    var unique = "optimizer.\(name)", number = 2
    while names.contains(unique) {
      unique = "optimizer.\(name).\(number)"
      number += 1
    }
    let node = Node(name: unique, operation: operation, inputs: inputs)
    names.insert(unique)
    names.formUnion(node.parameterNames)
    network.nodes.append(node)
    return unique
  }

  mutating func binary(_ name: String, _ function: BinaryFunction, _ a: String, _ b: String) -> String {
    node(name, .binary(function), [a, b])
  }

  private mutating func scaled(_ name: String, _ x: String, by factor: Float) -> String {
    node(name, .scale(Scale(factor: factor)), [x])
  }

  /// A number of the schedule, of so many axes.
  private mutating func scalar(_ place: Int, rank: Int) -> String {
    if let known = scalars[[place, rank]] { return known }
    let slice = node("schedule.\(place)", .slice(Slice([Slice.Span(axis: 0, start: place, end: place + 1)])), [schedule])
    let value = rank == 1 ? slice : node("schedule.\(place)", .reshape(Reshape(Array(repeating: 1, count: rank))), [slice])
    scalars[[place, rank]] = value
    return value
  }

  private func shape(_ parameter: String) -> Shape { network.parameters[parameter]?.shape ?? [1] }

  /// The length of all gradients together, `[1]`.
  mutating func norm(of gradients: [(name: String, value: String)]) -> String {
    var total: String?
    for gradient in gradients {
      let axes = Array(0..<shape(gradient.name).rank)
      let sum = node("square.\(gradient.name)", .reduction(Reduction(.sumOfSquares, axes: axes)), [gradient.value])
      let length = node("square.\(gradient.name)", .reshape(Reshape([1])), [sum])
      total = total.map { node("squares", .add, [$0, length]) } ?? length
    }
    return node("norm", .activation(.squareRoot), [total ?? scalar(0, rank: 1)])
  }

  /// The network that adds gradients to those of the parts before; and, in the one that is built on, the gradients of the whole batch, behind which
  /// the sums begin anew.
  mutating func accumulated(
    _ parts: [(name: String, value: String)], share: Float, loss: String
  ) -> (network: Network, gradients: [String: String]) {
    let sums = parts.map { (name: $0.name, sum: remembered("sum", $0.name, $0.value, MovingAverage(keep: 1, add: 1))) }
    var adding = network
    adding.outputs = [loss]
    var gradients: [String: String] = [:]
    for (name, sum) in sums {
      let nothing = scaled("nothing.\(name)", sum.value, by: 0)
      for index in network.updates.indices where network.updates[index].parameter == sum.parameter {
        network.updates[index].value = nothing
      }
      gradients[name] = share == 1 ? sum.value : scaled("whole.\(name)", sum.value, by: share)
    }
    return (adding, gradients)
  }

  /// The gradient times the largest norm over its own, where that is less than 1.
  mutating func shortened(_ gradient: String, _ name: String, norm: String) -> String {
    let rank = shape(name).rank
    let factor: String
    if let known = scalars[[-1, rank]] {
      factor = known
    } else {
      let most = scalar(3, rank: 1)
      let little = scaled("one", node("zero", .activation(.power(exponent: 0)), [most]), by: 1e-6)
      let ratio = binary("ratio", .divide, most, binary("normAndLittle", .add, norm, little))
      let clipped = node("shortening", .activation(.clip(minimum: 0, maximum: 1)), [ratio])
      factor = rank == 1 ? clipped : node("shortening", .reshape(Reshape(Array(repeating: 1, count: rank))), [clipped])
      scalars[[-1, rank]] = factor
    }
    return binary("shortened.\(name)", .multiply, gradient, factor)
  }

  /// The name of the parameter's new value.
  ///
  /// - Parameter scheduleOfRange: of a parameter that is one of ranges.
  mutating func update(_ parameter: String, by gradient: String, scheduleOfRange: String? = nil) -> String {
    let optimizer = scheduleOfRange == nil ? optimizer : optimizer.withoutDecay
    let schedule = scheduleOfRange ?? schedule
    func decayed(_ graph: inout OptimizerGraph, _ weightDecay: Float) -> String {
      if weightDecay == 0 { return gradient }
      return graph.node(
        "decayed.\(parameter)", .training(.movingAverage(MovingAverage(keep: weightDecay, add: 1))), [parameter, gradient])
    }
    let new: String
    switch optimizer {
    case .sgd(let momentum, let nesterov, let weightDecay):
      let g = decayed(&self, weightDecay)
      var direction = g
      if momentum != 0 {
        let velocity = remembered("velocity", parameter, g, MovingAverage(keep: momentum, add: 1)).value
        direction =
          nesterov
          ? node("ahead.\(parameter)", .training(.movingAverage(MovingAverage(keep: momentum, add: 1))), [velocity, g])
          : velocity
      }
      new = node("new.\(parameter)", .training(.parameterStep(ParameterStep())), [parameter, direction, schedule])
    case .adam(let beta1, let beta2, let epsilon, let weightDecay):
      new = adaptive(parameter, decayed(&self, weightDecay), beta1, beta2, ParameterStep(epsilon: epsilon), schedule)
    case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
      new = adaptive(parameter, gradient, beta1, beta2, ParameterStep(decay: weightDecay, epsilon: epsilon), schedule)
    }
    network.updates.append(ParameterUpdate(parameter: parameter, value: new))
    return new
  }

  /// The name of the parameter that holds the moving average of another.
  mutating func averaged(_ parameter: String, _ new: String, keep: Float) -> String {
    remembered("average", parameter, new, MovingAverage(keep: keep, add: 1 - keep)).parameter
  }

  private mutating func adaptive(
    _ parameter: String, _ gradient: String, _ beta1: Float, _ beta2: Float, _ step: ParameterStep, _ schedule: String
  ) -> String {
    let mean = remembered("mean", parameter, gradient, MovingAverage(keep: beta1, add: 1 - beta1)).value
    let square = remembered("square", parameter, gradient, MovingAverage(keep: beta2, add: 1 - beta2, squares: true)).value
    return node("new.\(parameter)", .training(.parameterStep(step)), [parameter, mean, square, schedule])
  }

  /// A tensor like the parameter that lives on from step to step, an average of what comes: its name, and that of its new value.
  private mutating func remembered(
    _ name: String, _ parameter: String, _ next: String, _ average: MovingAverage
  ) -> (parameter: String, value: String) {
    let shape = shape(parameter)
    let constant = node("\(name).\(parameter)", .constant(Constant(shape)), [])
    let old = "\(constant).\(ParameterRole.value.rawValue)"
    network.parameters[old] = Tensor(zeros: shape)
    let new = node("new.\(name).\(parameter)", .training(.movingAverage(average)), [old, next])
    network.updates.append(ParameterUpdate(parameter: old, value: new))
    return (old, new)
  }
}
