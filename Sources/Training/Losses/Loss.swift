import Networks
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#else
  import Darwin
#endif

/// What training makes small: a number that says how far an output is from its target.
///
/// Output x and target t have one shape. Sums and means run over all elements, those of the batch too, unless said otherwise.
public enum Loss: Hashable, Sendable {
  /// `mean |x - t|`
  case absoluteError
  /// `mean (x - t)²`
  case squaredError
  /// `Σ (x - t)²`, as the VDSR project trains by; its size grows with the batch.
  case summedSquaredError
  /// `mean √((x - t)² + epsilon²)`. Charbonnier et al. 1994.
  case charbonnier(epsilon: Float)
  /// `1 - mean SSIM(x, t)` of images whose brightest value is `maximum`: a Gaussian window of 11x11 pixels, σ = 1.5, inside the image; K₁ = 0.01,
  /// K₂ = 0.03. Wang et al. 2004.
  case structuralSimilarity(maximum: Float)
  /// `mean over n of -Σ over c of t[n, c] · log softmax(x[n])[c]`, of classes along axis 1 and for every pixel where there are some. Targets are
  /// probabilities: 1 for the class and 0 for others, or smoothed.
  case crossEntropy
  /// `mean (log(1 + exp(x)) - x · t)`: x is the logarithm of the odds of 1, t a probability.
  case binaryCrossEntropy
  /// `1 - (2 Σ p t + 1) / (Σ p + Σ t + 1)` with p = 1 / (1 + exp(-x)). Milletari et al. 2016.
  case dice
}

/// Losses, each times a number: what a network is trained by.
public struct WeightedLoss: Hashable, Sendable {
  public struct Term: Hashable, Sendable {
    public var loss: Loss
    public var weight: Float

    public init(_ loss: Loss, weight: Float = 1) {
      self.loss = loss
      self.weight = weight
    }
  }

  /// At least one.
  public var terms: [Term]

  public init(_ terms: [Term]) { self.terms = terms }
  public init(_ loss: Loss) { terms = [Term(loss)] }

  /// Whether it grows with the batch, in all of its terms.
  public var isSum: Bool { terms.allSatisfy { $0.loss == .summedSquaredError } }
  /// Whether some of its terms grow with the batch, and others do not.
  public var isMixed: Bool { !isSum && terms.contains { $0.loss == .summedSquaredError } }
}

/// A network with a loss behind its output.
public struct NetworkWithLoss: Equatable, Sendable {
  /// The inputs of the network, then the target. Its outputs are the loss and then those of the network.
  public var network: Network
  /// The name of the loss, a value `[1, …]` of one element.
  public var loss: String
  /// The name of the input that takes the target.
  public var target: String
}

extension Network {
  /// The network with a loss of its first output and an input for the target.
  ///
  /// - Parameter shapes: of some inputs that it takes, which tell the axes of the output.
  public func adding(_ loss: WeightedLoss, inputs shapes: [Shape]) throws(NetworkError) -> NetworkWithLoss {
    let values = try inferredShapes(inputs: shapes)
    guard let output = outputs.first, let shape = values[output] else { throw .noOutputs }
    var graph = LossGraph(self, output: output, shape: shape)
    let total = graph.add(loss)
    return try graph.finished(total, outputs: outputs)
  }
}

/// The nodes of losses under construction.
struct LossGraph {
  private(set) var network: Network
  /// The input that takes the target.
  let targetInput: String
  /// What a loss is of now.
  private var output: String
  private var target: String
  private var shape: Shape
  private var names: Set<String>

  init(_ network: Network, output: String, shape: Shape) {
    self.network = network
    self.output = output
    self.shape = shape
    var names = Set(network.inputs.map(\.name))
    for node in network.nodes {
      names.insert(node.name)
      names.formUnion(node.parameterNames)
    }
    var target = "target"
    while names.contains(target) { target += "_" }
    names.insert(target)
    self.names = names
    self.target = target
    targetInput = target
    // Channels are fixed, as they are in the output; all else follows the inputs.
    let axes = shape.extents.indices.map { $0 == 1 ? shape[1] : nil }
    self.network.inputs.append(NetworkInput(name: target, axes: axes))
  }

  mutating func node(_ name: String, _ operation: Operation, _ inputs: [String]) -> String {
    var unique = "loss.\(name)", number = 2
    while names.contains(unique) {
      unique = "loss.\(name).\(number)"
      number += 1
    }
    let node = Node(name: unique, operation: operation, inputs: inputs)
    names.insert(unique)
    names.formUnion(node.parameterNames)
    network.nodes.append(node)
    return unique
  }

  private mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    let constant = node(name, .constant(Constant(tensor.shape)), [])
    network.parameters["\(constant).\(ParameterRole.value.rawValue)"] = tensor
    return constant
  }

  /// A number of as many axes as the output has.
  private mutating func number(_ name: String, _ value: Float) -> String {
    constant(name, Tensor(Shape(Array(repeating: 1, count: shape.rank)), [value]))
  }

  private mutating func binary(_ name: String, _ function: BinaryFunction, _ a: String, _ b: String) -> String {
    node(name, .binary(function), [a, b])
  }

  private mutating func activation(_ name: String, _ function: ActivationFunction, _ x: String) -> String {
    node(name, .activation(function), [x])
  }

  private mutating func all(_ name: String, _ function: Reduction.Function, _ x: String) -> String {
    node(name, .reduction(Reduction(function, axes: Array(0..<shape.rank))), [x])
  }

  mutating func scaled(_ name: String, _ x: String, by factor: Float) -> String {
    factor == 1 ? x : node(name, .scale(Scale(factor: factor)), [x])
  }

  /// With the loss in front of the outputs.
  func finished(_ loss: String, outputs: [String]) throws(NetworkError) -> NetworkWithLoss {
    var result = network
    result.outputs = [loss] + outputs
    try result.verify()
    return NetworkWithLoss(network: result, loss: loss, target: targetInput)
  }

  /// A loss between two values of one shape.
  mutating func add(_ loss: WeightedLoss, of output: String, against target: String, shape: Shape) -> String {
    let (formerOutput, formerTarget, formerShape) = (self.output, self.target, self.shape)
    defer { (self.output, self.target, self.shape) = (formerOutput, formerTarget, formerShape) }
    (self.output, self.target, self.shape) = (output, target, shape)
    return add(loss)
  }

  mutating func sum(_ a: String, _ b: String) -> String { node("sum", .add, [a, b]) }

  mutating func add(_ loss: WeightedLoss) -> String {
    var total: String?
    for term in loss.terms {
      let value = scaled("weighted", add(term.loss), by: term.weight)
      total = total.map { node("sum", .add, [$0, value]) } ?? value
    }
    return total ?? number("none", 0)
  }

  private mutating func add(_ loss: Loss) -> String {
    switch loss {
    case .absoluteError:
      let difference = binary("difference", .subtract, output, target)
      return all("absoluteError", .mean, activation("magnitude", .leakyReLU(slope: -1), difference))
    case .squaredError, .summedSquaredError:
      let difference = binary("difference", .subtract, output, target)
      let square = binary("square", .multiply, difference, difference)
      return loss == .squaredError ? all("squaredError", .mean, square) : all("summedSquaredError", .sum, square)
    case .charbonnier(let epsilon):
      let difference = binary("difference", .subtract, output, target)
      let square = binary("square", .multiply, difference, difference)
      let sum = binary("squareAndEpsilon", .add, square, number("epsilon", epsilon * epsilon))
      return all("charbonnier", .mean, activation("root", .squareRoot, sum))
    case .structuralSimilarity(let maximum): return structuralSimilarity(maximum)
    case .crossEntropy:
      let axes = [1]
      let largest = node("largest", .reduction(Reduction(.maximum, axes: axes)), [output])
      let centred = binary("centred", .subtract, output, largest)
      let exponentials = activation("exponentials", .exponential, centred)
      let sum = node("exponentialSum", .reduction(Reduction(.sum, axes: axes)), [exponentials])
      let logarithms = binary("logarithms", .subtract, centred, activation("logarithm", .logarithm, sum))
      let product = binary("products", .multiply, logarithms, target)
      let each = node("each", .reduction(Reduction(.sum, axes: axes)), [product])
      return node("crossEntropy", .scale(Scale(factor: -1)), [all("mean", .mean, each)])
    case .binaryCrossEntropy:
      let soft = activation("softplus", .softplus, output)
      let product = binary("product", .multiply, output, target)
      return all("binaryCrossEntropy", .mean, binary("entropy", .subtract, soft, product))
    case .dice:
      let p = activation("probability", .sigmoid, output)
      let common = all("common", .sum, binary("product", .multiply, p, target))
      let sizes = binary("sizes", .add, all("sizeOfOutput", .sum, p), all("sizeOfTarget", .sum, target))
      let one = number("one", 1)
      let share = binary(
        "share", .divide, binary("twiceAndOne", .add, scaled("twice", common, by: 2), one),
        binary("sizesAndOne", .add, sizes, one))
      return binary("dice", .subtract, one, share)
    }
  }

  /// The mean of the similarity of each channel, by convolutions with the window.
  private mutating func structuralSimilarity(_ maximum: Float) -> String {
    let channels = shape.rank > 1 ? shape[1] : 1
    // σ = 1.5
    let line = (-5...5).map { exp(-Double($0 * $0) / 4.5) }
    let sum = line.reduce(0, +)
    let window = line.flatMap { a in line.map { b in Float(a / sum * b / sum) } }
    let weight = Tensor([channels, 1, 11, 11], (0..<channels).flatMap { _ in window })
    let value = constant("window", weight) + ".\(ParameterRole.value.rawValue)"
    let convolution = Convolution(
      inChannels: channels, outChannels: channels, kernel: Pair(11), groups: channels, hasBias: false)
    func blurred(_ graph: inout LossGraph, _ name: String, _ x: String) -> String {
      graph.node(name, .training(.convolutionProduct(ConvolutionProduct(.output, of: convolution))), [x, value])
    }
    let mean = blurred(&self, "mean", output), targetMean = blurred(&self, "targetMean", target)
    let square = blurred(&self, "meanSquare", binary("square", .multiply, output, output))
    let targetSquare = blurred(&self, "targetMeanSquare", binary("targetSquare", .multiply, target, target))
    let product = blurred(&self, "meanProduct", binary("product", .multiply, output, target))
    let meanProduct = binary("productOfMeans", .multiply, mean, targetMean)
    let meanSquares = binary(
      "squaresOfMeans", .add, binary("squareOfMean", .multiply, mean, mean),
      binary("squareOfTargetMean", .multiply, targetMean, targetMean))
    let covariance = binary("covariance", .subtract, product, meanProduct)
    let variances = binary("variances", .subtract, binary("squares", .add, square, targetSquare), meanSquares)
    let first = number("first", 0.01 * 0.01 * maximum * maximum), second = number("second", 0.03 * 0.03 * maximum * maximum)
    let above = binary(
      "above", .multiply, binary("luminance", .add, scaled("twiceMeans", meanProduct, by: 2), first),
      binary("contrast", .add, scaled("twiceCovariance", covariance, by: 2), second))
    let below = binary(
      "below", .multiply, binary("luminances", .add, meanSquares, first), binary("contrasts", .add, variances, second))
    let similarity = all("similarity", .mean, binary("similarities", .divide, above, below))
    return binary("structuralSimilarity", .subtract, number("one", 1), similarity)
  }
}
