import Training

// How a recipe says the steps that are taken: optimiser, clipping, learning rate.

extension Optimizer {
  private enum Kind: String, CaseIterable { case sgd, adam, adamw }

  init(_ reader: inout RecipeReader) throws(RecipeError) {
    let kind: Kind = try reader.choice("optimizer", .adam)
    let weightDecay = Float(try reader.number("weight-decay", 0, in: 0...1))
    reader.reserve(["momentum", "nesterov"], for: ["sgd"], of: "optimizer", chosen: kind.rawValue)
    reader.reserve(["betas", "epsilon"], for: ["adam", "adamw"], of: "optimizer", chosen: kind.rawValue)
    switch kind {
    case .sgd:
      self = .sgd(
        momentum: Float(try reader.number("momentum", 0.9, in: 0...0.999999)), nesterov: try reader.boolean("nesterov", false),
        weightDecay: weightDecay)
    case .adam, .adamw:
      let betas = try reader.numbers("betas", [0.9, 0.999], in: 0...0.9999999)
      guard betas.count == 2 else { throw reader.refusal("betas", "\(betas)", "two numbers") }
      let epsilon = Float(try reader.number("epsilon", 1e-8, in: 1e-30...1))
      let (first, second) = (Float(betas[0]), Float(betas[1]))
      self =
        kind == .adam
        ? .adam(beta1: first, beta2: second, epsilon: epsilon, weightDecay: weightDecay)
        : .adamW(beta1: first, beta2: second, epsilon: epsilon, weightDecay: weightDecay)
    }
  }
}

extension GradientClipping {
  init?(_ reader: inout RecipeReader) throws(RecipeError) {
    let keys = ["clip-norm", "clip-value", "clip-adjustable"]
    var found: [(key: String, value: Double)] = []
    for key in keys {
      if let value = try reader.optionalNumber(key, in: 1e-30...1e30) { found.append((key, value)) }
    }
    guard let first = found.first else { return nil }
    if found.count > 1 {
      throw reader.error(found[1].key, .excluded(reader.fullName(found[1].key), by: reader.fullName(first.key)))
    }
    switch first.key {
    case "clip-norm": self = .norm(Float(first.value))
    case "clip-value": self = .value(Float(first.value))
    default: self = .adjustableNorm(theta: Float(first.value))
    }
  }
}

extension LearningRate {
  private enum Schedule: String, CaseIterable { case constant, step, milestones, cosine }

  init(_ reader: inout RecipeReader, epochs: Int) throws(RecipeError) {
    let base = try reader.number("learning-rate", 1e-3, in: 0...1e6)
    let schedule: Schedule = try reader.choice("schedule", .constant)
    reader.reserve(["step"], for: ["step"], of: "schedule", chosen: schedule.rawValue)
    reader.reserve(["milestones"], for: ["milestones"], of: "schedule", chosen: schedule.rawValue)
    reader.reserve(["factor"], for: ["step", "milestones"], of: "schedule", chosen: schedule.rawValue)
    reader.reserve(["least-learning-rate"], for: ["cosine"], of: "schedule", chosen: schedule.rawValue)
    let change: Change
    switch schedule {
    case .constant: change = .constant
    case .step:
      change = .step(
        epochs: try reader.integer("step", 10, in: 1...1_000_000), factor: try reader.number("factor", 0.1, in: 0...1))
    case .milestones:
      change = .milestones(
        try reader.integers("milestones", [], in: 1...1_000_000), factor: try reader.number("factor", 0.1, in: 0...1))
    case .cosine:
      change = .cosine(epochs: epochs, least: try reader.number("least-learning-rate", 0, in: 0...1e6))
    }
    self.init(base, change, warmUpSteps: try reader.integer("warm-up", 0, in: 0...1_000_000_000))
  }
}
