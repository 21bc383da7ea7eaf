import Networks
import Tensors
import Transforms

/// A network, the teacher, that another imitates while it is trained.
///
///     loss = targetWeight · loss(output, target) + weight · imitation(output, teacher's) + Σ over features weight · imitation(value, teacher's)
///
/// The teacher sees what the student sees, stays as it is, and computes in each step: about a third of what a step of it would cost. Hinton, Vinyals
/// and Dean 2015; of features Romero et al. 2015.
public struct Distillation: Equatable, Sendable {
  /// How near the student is to the teacher.
  public enum Imitation: Hashable, Sendable {
    /// A loss whose target is what the teacher makes.
    case loss(Loss)
    /// Of classes along axis 1: `T² · cross entropy(x / T, softmax(t / T))`.
    case softenedClasses(temperature: Float)
  }

  /// Values, by the names of the nodes that make them, that have one shape.
  public struct Feature: Hashable, Sendable {
    public var student: String
    public var teacher: String

    public init(student: String, teacher: String) {
      self.student = student
      self.teacher = teacher
    }
  }

  public var teacher: Network
  public var imitation: Imitation
  /// Of the imitation of the output; 0 leaves it out.
  public var weight: Float
  /// Of the loss by the target; 0 leaves it out.
  public var targetWeight: Float
  public var features: [Feature]
  /// Of each feature, by the mean of squared differences.
  public var featureWeight: Float

  public init(
    teacher: Network, imitation: Imitation = .loss(.absoluteError), weight: Float = 1, targetWeight: Float = 1,
    features: [Feature] = [], featureWeight: Float = 1
  ) {
    self.teacher = teacher
    self.imitation = imitation
    self.weight = weight
    self.targetWeight = targetWeight
    self.features = features
    self.featureWeight = featureWeight
  }
}

/// Why a network cannot imitate another.
public enum DistillationError: Error, Hashable, Sendable {
  /// The teacher takes or makes another number of values than one.
  case notOneValue(teacher: String)
  /// The teacher takes no such input.
  case input(teacher: String, Shape, reason: String)
  /// Neither has a value of the name.
  case unknownValue(network: String, name: String)
  /// Two values that are to be alike differ in shape.
  case shapes(student: String, Shape, teacher: String, Shape)
}

extension DistillationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notOneValue(let teacher): "the teacher '\(teacher)' has not one input and one output, which imitation takes"
    case .input(let teacher, let shape, let reason): "the teacher '\(teacher)' does not take \(shape): \(reason)"
    case .unknownValue(let network, let name):
      "'\(network)' has no value '\(name)' to be imitated; 'swiftlet info --nodes' lists the nodes of a model"
    case .shapes(let student, let shape, let teacher, let other):
      "'\(student)' of the student is \(shape) and '\(teacher)' of the teacher \(other); what is imitated must have the student's shape"
    }
  }
}

extension Network {
  /// The network with its loss, and the teacher beside it.
  ///
  /// The nodes and parameters of the teacher are called `teacher.NAME`; none of them is to be trained.
  func adding(
    _ loss: WeightedLoss, _ distillation: Distillation, inputs shapes: [Shape]
  ) throws(TrainingError) -> NetworkWithLoss {
    func values(_ network: Network, _ shapes: [Shape]) throws(TrainingError) -> [String: Shape] {
      do throws(NetworkError) { return try network.inferredShapes(inputs: shapes) } catch { throw .network(error) }
    }
    // Batch norms fold into layers where no value between is asked for.
    let given = distillation.teacher, plain = given.eliminatingDeadNodes()
    let teacher = distillation.features.isEmpty ? plain.foldingBatchNorm() : plain
    guard given.inputs.count == 1, given.outputs.count == 1, let input = inputs.first, let shape = shapes.first else {
      throw .distillation(.notOneValue(teacher: given.name))
    }
    let teacherShapes: [String: Shape]
    do throws(NetworkError) {
      teacherShapes = try teacher.inferredShapes(inputs: [shape])
    } catch {
      throw .distillation(.input(teacher: given.name, shape, reason: error.description))
    }
    let studentShapes = try values(self, shapes)
    var whole = self
    let prefix = whole.append(teacher, reading: input.name)
    func pair(_ student: String, _ other: String) throws(TrainingError) -> (student: String, teacher: String, shape: Shape) {
      guard let shape = studentShapes[student] else { throw .distillation(.unknownValue(network: name, name: student)) }
      guard let found = teacherShapes[other] else { throw .distillation(.unknownValue(network: given.name, name: other)) }
      guard found == shape else { throw .distillation(.shapes(student: student, shape, teacher: other, found)) }
      return (student, other == teacher.inputs[0].name ? input.name : prefix + other, shape)
    }
    guard let output = outputs.first, let outputShape = studentShapes[output] else { throw .network(.noOutputs) }
    var graph = LossGraph(whole, output: output, shape: outputShape)
    var terms: [String] = []
    if distillation.targetWeight != 0 {
      terms.append(graph.scaled("byTarget", graph.add(loss), by: distillation.targetWeight))
    }
    if distillation.weight != 0 {
      let places = try pair(output, teacher.outputs[0])
      terms.append(graph.scaled("byTeacher", graph.add(distillation.imitation, places), by: distillation.weight))
    }
    for feature in distillation.features {
      let places = try pair(feature.student, feature.teacher)
      var value = graph.add(.loss(.squaredError), places)
      // A number of as many axes as the other terms have.
      if places.shape.rank != outputShape.rank {
        value = graph.node("number", .reshape(Reshape(Array(repeating: 1, count: outputShape.rank))), [value])
      }
      terms.append(graph.scaled("byFeature", value, by: distillation.featureWeight))
    }
    var total = terms.isEmpty ? graph.add(WeightedLoss([])) : terms[0]
    for term in terms.dropFirst() { total = graph.sum(total, term) }
    do throws(NetworkError) {
      return try graph.finished(total, outputs: outputs)
    } catch {
      throw .network(error)
    }
  }

  /// Puts the nodes of another network behind these, under names with a prefix, which is returned. It reads the input of that name.
  private mutating func append(_ other: Network, reading input: String) -> String {
    var names = Set(inputs.map(\.name))
    for node in nodes {
      names.insert(node.name)
      names.formUnion(node.parameterNames)
    }
    var prefix = "teacher."
    while names.contains(where: { $0.hasPrefix(prefix) }) { prefix = "teacher_" + prefix }
    let renamed = other.renamingNodes(Dictionary(other.nodes.map { ($0.name, prefix + $0.name) }) { first, _ in first })
    for var node in renamed.nodes {
      node.inputs = node.inputs.map { $0 == other.inputs[0].name ? input : $0 }
      nodes.append(node)
    }
    parameters.merge(renamed.parameters) { own, _ in own }
    return prefix
  }
}

extension LossGraph {
  fileprivate mutating func add(
    _ imitation: Distillation.Imitation, _ places: (student: String, teacher: String, shape: Shape)
  ) -> String {
    switch imitation {
    case .loss(let loss): return add(WeightedLoss(loss), of: places.student, against: places.teacher, shape: places.shape)
    case .softenedClasses(let temperature):
      let student = scaled("softened", places.student, by: 1 / temperature)
      let softened = scaled("softenedTeacher", places.teacher, by: 1 / temperature)
      let target = node("teacherClasses", .softmax(Softmax(axis: 1)), [softened])
      let term = WeightedLoss.Term(.crossEntropy, weight: temperature * temperature)
      return add(WeightedLoss([term]), of: student, against: target, shape: places.shape)
    }
  }
}
