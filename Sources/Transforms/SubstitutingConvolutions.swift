import Networks
import Tensors

/// What takes the place of a dense convolution of kernel k x k: two nodes with fewer weights.
public enum ConvolutionSubstitute: String, Hashable, Codable, Sendable, CaseIterable {
  /// One kernel an input channel (`name.depthwise`), then a 1x1 convolution (`name.pointwise`).
  case separable
  /// A 1x1 convolution (`name.select`), then one kernel an output channel (`name.kernels`).
  case selection
}

/// Where the weights of substitutes come from.
public enum SubstituteWeights: Hashable, Sendable {
  /// As a new network's, to be trained. The same seed gives the same bits.
  case random(seed: UInt64)
  /// The nearest to the old ones by the sum of squares, so that a trained network starts near where it was. Biases stay.
  ///
  /// For separable convolutions the products `pointwise[o, c] · depthwise[c, u, v]` nearest to `weight[o, c, u, v]` are, for each input
  /// channel, the largest singular value and vectors of its outputs x taps matrix; for channel selection,
  /// `kernels[o, u, v] · select[o, c]`, those of each output channel's inputs x taps matrix.
  case factorised
}

/// A network with substitutes, and what each of them was before.
public struct ConvolutionSubstitution: Equatable, Sendable {
  /// One convolution that was replaced.
  public struct Layer: Hashable, Codable, Sendable {
    /// The name it had.
    public var node: String
    /// Its attributes for people.
    public var operation: String
    public var parameterCountBefore: Int
    public var parameterCountAfter: Int
    /// `‖new - old‖ / ‖old‖` of the weights, Frobenius norms, as rounded to float32; nil for random weights.
    public var relativeError: Double?
  }

  public var network: Network
  /// In node order.
  public var layers: [Layer]
}

extension Network {
  /// The network with convolutions replaced by cheaper ones; see `convolutionSubstitution`.
  public func substitutingConvolutions(
    _ kind: ConvolutionSubstitute, where predicate: NodePredicate = .all, weights: SubstituteWeights,
    includingPointwise: Bool = false
  ) -> Network {
    convolutionSubstitution(kind, where: predicate, weights: weights, includingPointwise: includingPointwise).network
  }

  /// Replaces dense convolutions (one group, a kernel larger than 1x1) that `predicate` matches by two nodes each, and reports them.
  ///
  /// Stride, padding and dilation go to the part with the kernels; bias and epilogue to the second part, which readers and `outputs`
  /// follow. Not the same function, unless the weights happen to be of that form. Other nodes, and convolutions whose parameters are
  /// missing, stay as they are. Cost of `.factorised`: about `k²` operations a weight.
  ///
  /// - Parameter includingPointwise: `.selection` replaces 1x1 convolutions, too, by a selection and a factor a channel.
  public func convolutionSubstitution(
    _ kind: ConvolutionSubstitute, where predicate: NodePredicate = .all, weights: SubstituteWeights,
    includingPointwise: Bool = false
  ) -> ConvolutionSubstitution {
    var substituting = Substituting(self, kind, weights)
    for (place, node) in nodes.enumerated() {
      guard case .convolution(let payload) = node.operation, payload.groups == 1, predicate.matches(node),
        payload.kernel != Pair(1) || (includingPointwise && kind == .selection),
        let weight = parameter(.weight, of: node), weight.dataType == .float32,
        weight.count == payload.outChannels * payload.inChannels * payload.kernel.height * payload.kernel.width
      else { continue }
      substituting.replace(place, payload, weight)
    }
    return substituting.result
  }
}

private struct Substituting {
  private let kind: ConvolutionSubstitute
  private let weights: SubstituteWeights
  private var editor: NetworkEditor
  private var layers: [ConvolutionSubstitution.Layer] = []
  private var generator: SplitMix64

  init(_ network: Network, _ kind: ConvolutionSubstitute, _ weights: SubstituteWeights) {
    editor = NetworkEditor(network)
    self.kind = kind
    self.weights = weights
    generator = if case .random(let seed) = weights { SplitMix64(seed: seed) } else { SplitMix64(seed: 0) }
  }

  mutating func replace(_ place: Int, _ payload: Convolution, _ weight: Tensor) {
    guard let node = editor[place], editor.ownsAlone(node) else { return }
    let isSeparable = kind == .separable
    let depthwiseChannels = isSeparable ? payload.inChannels : payload.outChannels
    var depthwise = Convolution(
      inChannels: depthwiseChannels, outChannels: depthwiseChannels, kernel: payload.kernel, stride: payload.stride,
      padding: payload.padding, dilation: payload.dilation, groups: depthwiseChannels, hasBias: false)
    var pointwise = Convolution(inChannels: payload.inChannels, outChannels: payload.outChannels, kernel: 1, hasBias: false)
    if isSeparable {
      (pointwise.hasBias, pointwise.epilogue) = (payload.hasBias, payload.epilogue)
    } else {
      (depthwise.hasBias, depthwise.epilogue) = (payload.hasBias, payload.epilogue)
    }
    let names = (isSeparable ? SeparableConvolution.Order.depthwiseFirst : .pointwiseFirst).partNames, inputs = node.inputs
    let first = Node(
      name: editor.freeName("\(node.name).\(names.first)"),
      operation: .convolution(isSeparable ? depthwise : pointwise), inputs: [inputs[0]])
    editor.insert(first, before: place)
    let second = Node(
      name: editor.freeName("\(node.name).\(names.second)"),
      operation: .convolution(isSeparable ? pointwise : depthwise), inputs: [first.name] + inputs.dropFirst())
    editor.set(.weight, of: node, to: nil)
    editor.replace(place, by: second)
    editor.redirect(node.name, to: second.name)
    for role in [ParameterRole.bias, .slope] { editor.move(role, of: node, to: role, of: second) }
    var relativeError: Double?
    switch weights {
    case .random: for part in [first, second] { fill(part) }
    case .factorised:
      let factors = Factorisation(weight, payload, kind)
      editor.set(.weight, of: first, to: isSeparable ? factors.depthwise : factors.pointwise)
      editor.set(.weight, of: second, to: isSeparable ? factors.pointwise : factors.depthwise)
      relativeError = factors.relativeError
    }
    func count(_ nodes: [Node]) -> Int { nodes.flatMap(\.operation.parameters).reduce(0) { $0 + $1.shape.count } }
    layers.append(
      ConvolutionSubstitution.Layer(
        node: node.name, operation: node.operation.summary, parameterCountBefore: count([node]),
        parameterCountAfter: count([first, second]), relativeError: relativeError))
  }

  /// Weights and bias as a new network's; slopes stay.
  private mutating func fill(_ node: Node) {
    for parameter in node.operation.parameters {
      guard case .uniform(let bound) = parameter.initialValue else { continue }
      editor.set(parameter.role, of: node, to: Tensor(uniform: parameter.shape, bound: bound, using: &generator))
    }
  }

  var result: ConvolutionSubstitution {
    ConvolutionSubstitution(network: editor.result, layers: layers)
  }
}

/// The weights of a dense convolution as products of those of a depthwise and a 1x1 convolution.
private struct Factorisation {
  let depthwise: Tensor
  let pointwise: Tensor
  let relativeError: Double

  init(_ weight: Tensor, _ payload: Convolution, _ kind: ConvolutionSubstitute) {
    let (outputs, inputs) = (payload.outChannels, payload.inChannels)
    let taps = payload.kernel.height * payload.kernel.width
    let values = weight.floats.map(Double.init)
    // One matrix for each channel of the depthwise part: of what the 1x1 part joins it with, by the taps.
    let isSeparable = kind == .separable
    let (channels, others) = isSeparable ? (inputs, outputs) : (outputs, inputs)
    var kernels = [Float](repeating: 0, count: channels * taps)
    var products = [Float](repeating: 0, count: outputs * inputs)
    var (residual, total) = (0.0, 0.0)
    var matrix = [Double](repeating: 0, count: others * taps)
    for channel in 0..<channels {
      for other in 0..<others {
        let pair = isSeparable ? other * inputs + channel : channel * inputs + other
        for tap in 0..<taps { matrix[other * taps + tap] = values[pair * taps + tap] }
      }
      let factors = RankOneFactors(matrix, rows: others, columns: taps)
      for tap in 0..<taps { kernels[channel * taps + tap] = Float(factors.row[tap]) }
      for other in 0..<others {
        let product = Float(factors.column[other])
        products[isSeparable ? other * inputs + channel : channel * inputs + other] = product
        for tap in 0..<taps {
          let old = matrix[other * taps + tap]
          let difference = old - Double(product) * Double(kernels[channel * taps + tap])
          residual += difference * difference
          total += old * old
        }
      }
    }
    depthwise = Tensor([channels, 1, payload.kernel.height, payload.kernel.width], kernels)
    pointwise = Tensor([outputs, inputs, 1, 1], products)
    relativeError = total > 0 ? (residual / total).squareRoot() : 0
  }
}
