import Networks
import Tensors

/// A network that computes gradients beside what it computed before.
public struct DifferentiatedNetwork: Equatable, Sendable {
  /// The network with nodes behind its own. Its outputs, updates and parameters are as they were.
  public var network: Network
  /// The name of the value that is the gradient of the loss, of each parameter or value asked for that the loss follows from.
  public var gradients: [String: String]
}

/// Why a network has no gradients of a value.
public enum DifferentiationError: Error, Hashable, Sendable {
  case network(NetworkError)
  /// No value of the network has the name.
  case unknownValue(String)
  /// The loss is more than one number.
  case notScalar(String, Shape)
  /// The operation of the node has no gradient here; the reason is a clause.
  case notDifferentiable(node: String, operation: String, reason: String)
}

extension DifferentiationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .network(let error): "\(error)"
    case .unknownValue(let name): "there is no value '\(name)' to differentiate by or from"
    case .notScalar(let name, let shape): "the loss '\(name)' is \(shape) and not one number"
    case .notDifferentiable(let node, let operation, let reason): "'\(node)' (\(operation)) has no gradient here: \(reason)"
    }
  }
}

extension Network {
  /// Of the parameters that training changes.
  public var trainableParameterNames: [String] {
    nodes.flatMap { node in node.operation.parameters.filter(\.isTrainable).map { node.parameterName($0.role) } }
  }

  /// The network that also computes the gradients of a loss, by reverse accumulation: node after node from the last to the first, each by the
  /// rule of its operation.
  ///
  /// The result is a network like any other and serves all inputs that this one does. Convolutions must stand as they were built: what `fusing`
  /// joins is refused by name.
  ///
  /// - Parameters:
  ///   - loss: the name of a value of one element.
  ///   - variables: the parameters and values of which gradients are wanted; by default all parameters that are trained.
  ///   - standIns: parameters that hold what a value is that no node reads, made before those that have the parameters: what is found of a
  ///     parameter's gradient goes to that value.
  ///   - shapes: of some inputs that the network takes, which tell the ranks of values.
  /// - Cost: linear in the nodes. A step of the result takes about three times the products of this network.
  public func differentiated(
    _ loss: String, by variables: [String]? = nil, standIns: [String: String] = [:], inputs shapes: [Shape]
  ) throws(DifferentiationError) -> DifferentiatedNetwork {
    let values: [String: Shape]
    do throws(NetworkError) {
      try verify()
      values = try inferredShapes(inputs: shapes)
    } catch {
      throw .network(error)
    }
    guard let shape = values[loss] else { throw .unknownValue(loss) }
    guard shape.count == 1 else { throw .notScalar(loss, shape) }
    let variables = variables ?? trainableParameterNames
    for name in variables where values[name] == nil && parameters[name] == nil { throw .unknownValue(name) }
    var differentiation = Differentiation(self, shapes: values, variables: Set(variables), standIns: standIns)
    try differentiation.differentiate(loss)
    var gradients: [String: String] = [:]
    for name in variables { gradients[name] = differentiation.gradient(of: name) }
    return DifferentiatedNetwork(network: differentiation.result, gradients: gradients)
  }
}

/// The work on one network: what has been found of the gradients so far.
struct Differentiation {
  /// With the nodes of the gradients behind its own.
  private(set) var result: Network
  let network: Network
  let shapes: [String: Shape]
  /// Values and parameters of which a gradient is wanted, or leads to one that is.
  private var needed: Set<String>
  /// The parts of each gradient, in the order in which they were found; one where it has been summed.
  private var parts: [String: [String]] = [:]
  /// By value, what computes it again.
  var recomputed: [String: String] = [:]
  /// The gradients whose sum over the batch is 0 for each channel.
  var balanced: Set<String> = []
  /// By gradient, what it is a multiple of.
  var unscaled: [String: ScaledGradient] = [:]
  /// By gradient, what it is a product of.
  var products: [String: PointwiseGradient] = [:]
  /// By gradient, the sums of its channels.
  var sums: [String: String] = [:]
  /// The biases whose gradients follow from sums that are there.
  var biasesOfProducts: [(node: Node, product: PointwiseGradient)] = []

  struct ScaledGradient {
    var value: String
    var factor: Scale
  }

  /// The gradient of the input of a 1x1 convolution, from that of its output, and a factor.
  struct PointwiseGradient {
    var value: String
    var weight: String
    var payload: Convolution
    var factor: Scale?
  }

  private let standIns: [String: String]
  private var names: Set<String>

  init(_ network: Network, shapes: [String: Shape], variables: Set<String>, standIns: [String: String]) {
    self.network = network
    self.shapes = shapes
    self.standIns = standIns
    result = network
    needed = variables
    let parameters = Dictionary(standIns.map { ($1, [$0]) }, uniquingKeysWith: +)
    names = Set(network.inputs.map(\.name))
    for node in network.nodes {
      names.insert(node.name)
      names.formUnion(node.parameterNames)
      if node.elementInputs.contains(where: needed.contains) || node.parameterNames.contains(where: needed.contains) {
        needed.insert(node.name)
        needed.formUnion(parameters[node.name] ?? [])
      }
    }
  }

  mutating func differentiate(_ loss: String) throws(DifferentiationError) {
    guard needed.contains(loss) else { return }
    let one = number(1, rank: 1, "\(loss).gradient.one")
    parts[loss] = [add("\(loss).gradient", .training(.adjoint(Adjoint(.reshape))), [one, loss])]
    for node in network.nodes.reversed() where needed.contains(node.name) {
      guard let gradient = gradient(of: node.name) else { continue }
      try addGradients(of: node, from: gradient)
    }
    try addBiasesOfProducts()
  }

  /// The gradient of a value or parameter, all its parts added; nil where the loss does not follow from it.
  mutating func gradient(of value: String) -> String? {
    guard let found = parts[value], var sum = found.first else { return nil }
    for part in found.dropFirst() { sum = add("\(value).gradient.sum", .add, [sum, part]) }
    parts[value] = [sum]
    return sum
  }

  // MARK: For rules

  func isNeeded(_ value: String) -> Bool { needed.contains(value) }

  /// A part of the gradient of a value that `make` puts together, where it is needed.
  mutating func contribute(
    to value: String, _ make: (inout Differentiation) throws(DifferentiationError) -> String
  ) throws(DifferentiationError) {
    guard needed.contains(value) else { return }
    let part = try make(&self)
    parts[standIns[value] ?? value, default: []].append(part)
  }

  mutating func add(_ name: String, _ operation: Operation, _ inputs: [String]) -> String {
    var unique = name, number = 2
    while names.contains(unique) {
      unique = "\(name).\(number)"
      number += 1
    }
    let node = Node(name: unique, operation: operation, inputs: inputs)
    names.insert(unique)
    names.formUnion(node.parameterNames)
    result.nodes.append(node)
    return unique
  }

  /// A number, of so many axes.
  mutating func number(_ value: Float, rank: Int, _ name: String) -> String {
    constant(Tensor(Shape(Array(repeating: 1, count: rank)), [value]), name)
  }

  mutating func constant(_ tensor: Tensor, _ name: String) -> String {
    let constant = add(name, .constant(Constant(tensor.shape)), [])
    result.parameters["\(constant).\(ParameterRole.value.rawValue)"] = tensor
    return constant
  }
}
