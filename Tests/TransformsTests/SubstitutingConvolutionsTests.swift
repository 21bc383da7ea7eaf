import Architectures
import Networks
import Tensors
import TestSupport
import Testing
import Transforms

@Suite struct SubstitutingConvolutionsTests {
  private let shape: Shape = [2, 4, 9, 8]

  /// One convolution with every attribute away from its usual value, and something after it.
  private func network(_ kernel: Pair = 3) throws -> Network {
    let payload = Convolution(
      inChannels: 4, outChannels: 6, kernel: kernel, stride: 2, padding: Padding(top: 1, left: 2, bottom: 0, right: 1),
      dilation: 2, epilogue: Epilogue([.activation(.prelu(channels: 6)), .scale(0.5)]))
    return try Network.built([shape]) { builder, x in
      let y = builder.node("c", .convolution(payload), x, channels: 6)
      return [builder.activation("relu", y, .relu), y]
    }
  }

  @Test func separable() throws {
    let result = try network().substitutingConvolutions(.separable, weights: .random(seed: 1))
    try result.verify()
    #expect(
      result.lines == [
        "c.depthwise = convolution(x0) 4 -> 4, kernel 3, stride 2, padding (1, 2, 0, 1), dilation 2, groups 4",
        "c.pointwise = convolution(c.depthwise) 4 -> 6, kernel 1, bias | prelu 6 | scale 0.5", "relu = relu(c.pointwise)",
      ])
    #expect(result.outputs == ["relu", "c.pointwise"])
    #expect(try result.inferredShapes(inputs: [shape])["relu"] == network().inferredShapes(inputs: [shape])["relu"])
  }

  @Test func selection() throws {
    let result = try network().substitutingConvolutions(.selection, weights: .factorised)
    try result.verify()
    #expect(
      result.lines == [
        "c.select = convolution(x0) 4 -> 6, kernel 1",
        "c.kernels = convolution(c.select) 6 -> 6, kernel 3, stride 2, padding (1, 2, 0, 1), dilation 2, groups 6, bias"
          + " | prelu 6 | scale 0.5",
        "relu = relu(c.kernels)",
      ])
    #expect(result.parameters["c.kernels.slope"] == (try network().parameters["c.slope"]))
    #expect(result.parameters["c.kernels.bias"] == (try network().parameters["c.bias"]))
  }

  /// Where the weights are products already, nothing but rounding is lost: the network stays the same function.
  @Test(arguments: ConvolutionSubstitute.allCases, [Pair(3), Pair(height: 1, width: 2)])
  func productsAreFoundAgain(kind: ConvolutionSubstitute, kernel: Pair) throws {
    var network = try network(kernel)
    var generator = SplitMix64(seed: 3)
    let taps = kernel.height * kernel.width
    let kernels = Tensor(uniform: [6, taps], bound: 1, using: &generator).floats
    let products = Tensor(uniform: [6, 4], bound: 1, using: &generator).floats
    var weight: [Float] = []
    for o in 0..<6 {
      for c in 0..<4 {
        let channel = kind == .separable ? c : o
        for tap in 0..<taps { weight.append(products[o * 4 + c] * kernels[channel * taps + tap]) }
      }
    }
    network.parameters["c.weight"] = Tensor([6, 4, kernel.height, kernel.width], weight)
    let result = network.convolutionSubstitution(kind, weights: .factorised)
    #expect((result.layers.first?.relativeError ?? 1) <= 4 * Double(Float.ulpOfOne))
    try expectCloseOutputs(result.network, network, [shape])
  }

  /// The relative error is that of the weights, and no other network of the form comes nearer: here against a few thousand others.
  @Test(arguments: ConvolutionSubstitute.allCases)
  func theErrorIsThatOfTheWeights(kind: ConvolutionSubstitute) throws {
    let network = try network()
    let result = network.convolutionSubstitution(kind, weights: .factorised)
    let layer = try #require(result.layers.first)
    let old = try #require(network.parameters["c.weight"]).floats
    func relativeError(_ parameters: [String: Tensor]) throws -> Double {
      let depthwise = try #require(parameters[kind == .separable ? "c.depthwise.weight" : "c.kernels.weight"]).floats
      let pointwise = try #require(parameters[kind == .separable ? "c.pointwise.weight" : "c.select.weight"]).floats
      var (residual, total) = (0.0, 0.0)
      for (index, value) in old.enumerated() {
        let (o, c, tap) = (index / 36, index / 9 % 4, index % 9)
        let product = Double(pointwise[o * 4 + c]) * Double(depthwise[(kind == .separable ? c : o) * 9 + tap])
        residual += (Double(value) - product) * (Double(value) - product)
        total += Double(value) * Double(value)
      }
      return (residual / total).squareRoot()
    }
    let error = try relativeError(result.network.parameters)
    #expect(abs(error - (layer.relativeError ?? 0)) <= 1e-12 && error > 0.1 && error < 1)
    var generator = SplitMix64(seed: 8)
    for _ in 0..<500 {
      var other = result.network.parameters
      for (name, tensor) in other where name.hasSuffix(".weight") {
        let noise = Tensor(uniform: tensor.shape, bound: 0.01, using: &generator).floats
        other[name] = Tensor(tensor.shape, zip(tensor.floats, noise).map { $0 + $1 })
      }
      #expect(try relativeError(other) > error)
    }
  }

  @Test func onlyWhatIsMeant() throws {
    let shape: Shape = [1, 4, 6, 6]
    let network = try Network.built([shape]) { builder, x in
      var y = builder.convolution("a", x[0], outChannels: 4, kernel: 3, padding: 1)
      y = builder.convolution("b", y, outChannels: 4, kernel: 5, padding: 2)
      y = builder.convolution("grouped", y, outChannels: 4, kernel: 3, padding: 1, groups: 2)
      return [builder.convolution("p", y, outChannels: 4, kernel: 1)]
    }
    func names(_ kind: ConvolutionSubstitute, _ predicate: NodePredicate, includingPointwise: Bool = false) -> [String] {
      network.convolutionSubstitution(
        kind, where: predicate, weights: .random(seed: 1), includingPointwise: includingPointwise
      ).layers.map(\.node)
    }
    #expect(names(.separable, .all) == ["a", "b"])
    #expect(names(.separable, .kernel(5)) == ["b"])
    #expect(names(.separable, .all, includingPointwise: true) == ["a", "b"], "a separable 1x1 is none")
    #expect(names(.selection, .all) == ["a", "b"])
    #expect(names(.selection, .all, includingPointwise: true) == ["a", "b", "p"])
    let none = network.convolutionSubstitution(.selection, where: .name("grouped"), weights: .factorised)
    #expect(none.network == network && none.layers.isEmpty)
  }

  @Test func namesThatAreTaken() throws {
    let network = try Network.built([[1, 2, 4, 4]]) { builder, x in
      let y = builder.activation("c.depthwise", x[0], .relu)
      return [builder.convolution("c", y, outChannels: 3, kernel: 3)]
    }
    let result = network.substitutingConvolutions(.separable, weights: .factorised)
    try result.verify()
    #expect(result.nodes.map(\.name) == ["c.depthwise", "c.depthwise_", "c.pointwise"])
  }

  @Test func seeds() throws {
    let network = try network()
    func weights(_ seed: UInt64) -> [String: Tensor] {
      network.substitutingConvolutions(.separable, weights: .random(seed: seed)).parameters
    }
    #expect(weights(1) == weights(1) && weights(1) != weights(2))
    #expect(
      network.substitutingConvolutions(.selection, weights: .factorised)
        == network.substitutingConvolutions(.selection, weights: .factorised))
  }

  /// Nine residual operations of EDSR become the fused operation of the fast engines, with about an eighth of the parameters.
  @Test func edsr() throws {
    let shape: Shape = [1, 3, 6, 5]
    let network = try EDSR(features: 16, blocks: 2).network(.random(seed: 4))
    for kind in ConvolutionSubstitute.allCases {
      let substitution = network.convolutionSubstitution(kind, where: .namePattern("body.*"), weights: .factorised)
      let result = substitution.network.fusing()
      try result.verify()
      #expect(substitution.layers.map(\.node) == ["body.0.a", "body.0.b", "body.1.a", "body.1.b"])
      #expect(substitution.layers.map(\.parameterCountBefore) == Array(repeating: 16 * 16 * 9 + 16, count: 4))
      #expect(substitution.layers.map(\.parameterCountAfter) == Array(repeating: 16 * 16 + 16 * 9 + 16, count: 4))
      #expect(
        result.nodes.map(\.name) == ["head", "body.0.a", "body.0.b", "body.1.a", "body.1.b", "skip", "up.0", "tail"])
      #expect(result.nodes[1...4].allSatisfy { $0.operation.typeName == "separableConvolution" })
      try expectSameOutputs(result, substitution.network, [shape])
      let before = try network.ledger(inputs: [shape]), after = try result.ledger(inputs: [shape])
      #expect(before.parameterCount - after.parameterCount == 4 * (16 * 16 * 8 - 16 * 9))
      #expect(before.multiplyAccumulates - after.multiplyAccumulates == 30 * 4 * (16 * 16 * 8 - 16 * 9))
      #expect(after.bytesMoved < before.bytesMoved)
    }
  }
}
