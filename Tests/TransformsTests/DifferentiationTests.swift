import Networks
import ReferenceBackend
import Tensors
import OperationCases
import Testing
import Transforms

@Suite struct DifferentiationTests {
  /// Whether a value changes in steps, or with what is not followed: then differences say nothing.
  private static func jumps(_ operation: Operation) -> Bool {
    switch operation {
    case .activation(.floor), .activation(.ceiling), .activation(.round), .activation(.sign), .activation(.thresholdedReLU):
      true
    case .binary(.equal), .binary(.less), .binary(.lessOrEqual), .binary(.mask): true
    case .maximumIndex: true
    // Its gradient is by a rule: `FakeQuantizationTests`.
    case .training(.fakeQuantize): true
    default: false
    }
  }

  /// Fused operations are refused, and gradients of most gradients.
  private static func isRefused(_ operation: Operation) -> Bool {
    if let epilogue = operation.epilogue, !epilogue.isEmpty { return true }
    switch operation {
    case .separableConvolution: return true
    case .transposedConvolution(let payload):
      return payload.outputPadding.height >= payload.stride.height || payload.outputPadding.width >= payload.stride.width
    case .training(.activationGradient), .training(.maximumPoolGradient), .training(.adjoint), .training(.channelSum),
      .training(.movingAverage), .training(.parameterStep):
      return true
    case .training(.batchNormalization(let payload)): return payload.part == .inputGradient || payload.part == .gradientSums
    default: return false
    }
  }

  /// The sum of the products of the output with fixed numbers, a loss that all elements count in.
  private static func withLoss(_ operationCase: OperationCase) throws -> (network: Network, rank: Int) {
    var network = operationCase.network
    let shapes = try network.inferredShapes(inputs: operationCase.inputShapes)
    let output = network.outputs[0], shape = try #require(shapes[output])
    var generator = SplitMix64(seed: operationCase.seed ^ 2)
    network.nodes.append(Node(name: "loss.factors", operation: .constant(Constant(shape)), inputs: []))
    network.parameters["loss.factors.value"] = Tensor(uniform: shape, bound: 1, using: &generator)
    network.nodes.append(Node(name: "loss.products", operation: .binary(.multiply), inputs: [output, "loss.factors"]))
    let reduction = Reduction(.sum, axes: Array(0..<shape.rank))
    network.nodes.append(Node(name: "loss", operation: .reduction(reduction), inputs: ["loss.products"]))
    network.outputs = [output, "loss"]
    return (network, shape.rank)
  }

  private static let cases = OperationCase.all.filter { operationCase in
    operationCase.network.inputs.allSatisfy { $0.element == .float32 }
      && !operationCase.network.nodes.contains { isRefused($0.operation) || jumps($0.operation) }
  }

  /// Along a random direction of all inputs and parameters at once, the difference of the loss is the sum of the gradients along it.
  @Test(arguments: cases) func gradientsAreWhatDifferencesSay(operationCase: OperationCase) throws {
    let (network, rank) = try Self.withLoss(operationCase)
    guard rank > 0 else { return }
    var constants: Set<String> = []
    // Those that are read by name have gradients like other parameters.
    let read = Set(network.graph.readParameters.keys)
    for node in network.nodes {
      if case .constant = node.operation { constants.insert(node.parameterName(.value)) }
    }
    constants.subtract(read)
    // The step of a dropout is no number to follow.
    let isStep = Set(
      network.nodes.filter { if case .training(.dropout) = $0.operation { true } else { false } }.map { $0.inputs[1] })
    let parameters = network.parameters.keys.filter { !constants.contains($0) }.sorted().filter { name in
      // Running statistics are held still.
      !name.hasSuffix(".runningMean") && !name.hasSuffix(".runningVariance") && network.parameters[name]?.dataType == .float32
    }
    let inputs = network.inputs.map(\.name).filter { !isStep.contains($0) }
    var differentiated = try network.differentiated("loss", by: inputs + parameters, inputs: operationCase.inputShapes)
    #expect(throws: Never.self) { try differentiated.network.verify() }
    let wanted = (inputs + parameters).filter { differentiated.gradients[$0] != nil }
    // Two may have one gradient.
    let values = Set(wanted.compactMap { differentiated.gradients[$0] }).sorted()
    differentiated.network.outputs = ["loss"] + values
    let outputs = try ReferenceEngine().prepare(differentiated.network, inputs: operationCase.inputShapes).run(
      operationCase.inputs)
    let results = Dictionary(uniqueKeysWithValues: zip(values, outputs.dropFirst()))
    let gradients = differentiated.gradients.compactMapValues { results[$0] }
    for name in wanted {
      let shape =
        inputs.contains(name)
        ? operationCase.inputShapes[network.inputs.firstIndex { $0.name == name } ?? 0]
        : network.parameters[name]?.shape
      #expect(gradients[name]?.shape == shape, "\(name)")
    }
    // A direction for each, and the slope of the loss along it.
    var generator = SplitMix64(seed: operationCase.seed ^ 3)
    var directions: [String: [Float]] = [:], slope = 0.0, size = 0.0
    for (index, input) in network.inputs.enumerated() where inputs.contains(input.name) {
      directions[input.name] = Tensor(uniform: operationCase.inputShapes[index], bound: 1, using: &generator).floats
    }
    for name in parameters {
      let shape = try #require(network.parameters[name]?.shape)
      directions[name] = Tensor(uniform: shape, bound: 1, using: &generator).floats
    }
    for (name, direction) in directions {
      for (d, g) in zip(direction, gradients[name]?.floats ?? []) {
        slope += Double(d) * Double(g)
        size += abs(Double(d) * Double(g))
      }
    }
    func loss(_ step: Float) throws -> Double {
      var moved = network
      func move(_ tensor: Tensor, _ name: String) -> Tensor {
        guard let direction = directions[name] else { return tensor }
        return Tensor(tensor.shape, zip(tensor.floats, direction).map { $0 + step * $1 })
      }
      for name in parameters { moved.parameters[name] = moved.parameters[name].map { move($0, name) } }
      let tensors = zip(network.inputs, operationCase.inputs).map { move($1, $0.name) }
      let results = try ReferenceEngine().prepare(moved, inputs: operationCase.inputShapes).run(tensors)
      // In Double, so that the sum does not round.
      let factors = network.parameters["loss.factors.value"]?.floats ?? []
      return zip(results[0].floats, factors).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    // Some step is small enough for the curvature and large enough for the rounding; most often the first.
    let bound = 2e-3 * size + 1e-6
    var best = Double.infinity
    for step in [0.003, 0.001, 0.01, 0.0003, 0.03, 0.0001, 0.1, 0.00003, 0.00001] as [Float] where best > bound {
      let difference = (try loss(step) - loss(-step)) / (2 * Double(step))
      best = min(best, abs(difference - slope))
    }
    #expect(best <= bound, "the slope is \(slope) and off by \(best), of terms of \(size)")
  }

  @Test func fusedNetworksAreRefusedByName() throws {
    let network = try Network.built([[1, 3, 8, 8]]) { builder, x in
      let y = builder.activation("relu", builder.convolution("head", x[0], outChannels: 4, kernel: 3, padding: 1), .relu)
      return [builder.reduction("loss", y, .mean, axes: [0, 1, 2, 3])]
    }
    #expect(
      throws: DifferentiationError.notDifferentiable(
        node: "head", operation: "convolution", reason: "an epilogue is fused into it")
    ) { try network.fusing().differentiated("loss", inputs: [[1, 3, 8, 8]]) }
    #expect(throws: DifferentiationError.notScalar("relu", [1, 4, 8, 8])) {
      try network.differentiated("relu", inputs: [[1, 3, 8, 8]])
    }
    #expect(throws: DifferentiationError.unknownValue("cost")) { try network.differentiated("cost", inputs: [[1, 3, 8, 8]]) }
  }

  /// Nodes and names of a small network, and the same network for another batch.
  @Test func structure() throws {
    let network = try Network.built([[1, 3, 8, 8]]) { builder, x in
      let head = builder.activation("relu", builder.convolution("head", x[0], outChannels: 4, kernel: 3, padding: 1), .relu)
      let sum = builder.add("sum", head, head)
      return [builder.reduction("loss", sum, .mean, axes: [0, 1, 2, 3])]
    }
    let result = try network.differentiated("loss", inputs: [[1, 3, 8, 8]])
    #expect(result.gradients == ["head.weight": "head.gradient.weight", "head.bias": "head.gradient.bias"])
    #expect(
      result.network.nodes.dropFirst(4).map { "\($0.name) = \($0.operation.typeName)(\($0.inputs.joined(separator: ", ")))" }
        == [
          "loss.gradient.one = constant()", "loss.gradient = adjoint(loss.gradient.one, loss)",
          "loss.gradient.input = adjoint(loss.gradient, sum)",
          "relu.gradient.sum = add(loss.gradient.input, loss.gradient.input)",
          "relu.gradient.input = activationGradient(relu.gradient.sum, relu)",
          "head.gradient.weight = convolutionWeightGradient(x0, relu.gradient.input)",
          "head.gradient.bias = channelSum(relu.gradient.input)",
        ])
    _ = try result.network.inferredShapes(inputs: [[5, 3, 9, 4]])
  }

  /// A batch normalization takes off what a bias adds: its gradient is 0 and is not summed, through a 1x1 convolution neither.
  @Test func biasesBeforeBatchNormsHaveNoGradient() throws {
    let shape: Shape = [3, 4, 5, 6]
    let cases: [(kernel: Int, groups: Int, between: Bool, areZero: [Bool])] = [
      (1, 1, false, [true, true]), (3, 4, false, [true, true]), (1, 1, true, [false, true]),
    ]
    for (kernel, groups, between, areZero) in cases {
      let network = try Network.built([shape]) { builder, x in
        let first = Convolution(
          inChannels: 4, outChannels: 4, kernel: Pair(kernel), padding: Padding(kernel / 2), groups: groups)
        var y = builder.node("first", .convolution(first), x, channels: 4)
        if between { y = builder.activation("between", y, .tanh) }
        y = builder.convolution("second", y, outChannels: 4, kernel: 1)
        y = builder.activation("sigmoid", builder.batchNorm("norm", y), .sigmoid)
        y = builder.convolution("last", y, outChannels: 3, kernel: 1)
        return [builder.node("loss", .reduction(Reduction(.sumOfSquares, axes: [0, 1, 2, 3])), [y], channels: 1)]
      }.inTrainingForm()
      var result = try network.differentiated(
        "loss", by: ["first", "first.bias", "second", "second.bias", "last.bias"], inputs: [shape])
      let nodes = Dictionary(result.network.nodes.map { ($0.name, $0.operation.typeName) }) { first, _ in first }
      result.network.outputs = ["first", "second"].compactMap { result.gradients[$0] }
      var generator = SplitMix64(seed: 5)
      let gradients = try ReferenceEngine().prepare(result.network, inputs: [shape]).run([
        Tensor(uniform: shape, bound: 1, using: &generator)
      ])
      for (index, name) in ["first", "second"].enumerated() {
        let bias = try #require(result.gradients["\(name).bias"])
        #expect(nodes[bias] == (areZero[index] ? "constant" : "channelSum"))
        let values = gradients[index].floats, area = shape.height * shape.width
        for channel in 0..<4 {
          var sum = 0.0, all = 0.0
          for image in 0..<3 {
            for value in values[(image * 4 + channel) * area..<(image * 4 + channel + 1) * area] {
              sum += Double(value)
              all += abs(Double(value))
            }
          }
          #expect((abs(sum) < 1e-5 * all) == areZero[index], "\(name), channel \(channel): \(sum) of \(all)")
        }
      }
      #expect(nodes[try #require(result.gradients["last.bias"])] == "channelSum")
    }
  }

  /// Before a 1x1 convolution with a bias the gradient of a bias is a product of that one's, and factors go to what they are of: the same sums.
  @Test func biasesBeforePointwiseConvolutionsFollowFromTheirs() throws {
    let shape: Shape = [2, 4, 5, 6]
    for (hasBias, factor) in [(true, nil), (true, 0.25), (false, nil), (false, 0.25)] as [(Bool, Float?)] {
      let network = try Network.built([shape]) { builder, x in
        var y = builder.convolution("first", x[0], outChannels: 4, kernel: 3, padding: 1, groups: 4)
        y = builder.convolution("second", y, outChannels: 6, kernel: 1, bias: hasBias)
        if let factor { y = builder.scale("scale", y, by: factor) }
        y = builder.activation("last", y, .tanh)
        return [builder.node("loss", .reduction(Reduction(.sumOfSquares, axes: [0, 1, 2, 3])), [y], channels: 1)]
      }
      var result = try network.differentiated("loss", by: ["first", "first.bias", "second.weight"], inputs: [shape])
      if hasBias { result = try network.differentiated("loss", by: ["first", "first.bias", "second.bias"], inputs: [shape]) }
      let plain = result.network.eliminatingDeadNodes()
      #expect(result.network.nodes.count { $0.operation.typeName == "channelSum" } == 1)
      result.network.outputs = ["first", "first.bias"].compactMap { result.gradients[$0] }
      var generator = SplitMix64(seed: 6)
      let input = Tensor(uniform: shape, bound: 1, using: &generator)
      let gradients = try ReferenceEngine().prepare(result.network, inputs: [shape]).run([input])
      let values = gradients[0].floats, area = shape.height * shape.width
      for channel in 0..<4 {
        var sum = 0.0, all = 0.0
        for image in 0..<2 {
          for value in values[(image * 4 + channel) * area..<(image * 4 + channel + 1) * area] {
            sum += Double(value)
            all += abs(Double(value))
          }
        }
        let error = abs(sum - Double(gradients[1].floats[channel]))
        #expect(error < 1e-5 * all, "channel \(channel), bias \(hasBias), \(factor ?? 1)")
      }
      try plain.verify()
    }
  }

  /// A stride of a 1x1 convolution goes to the convolution before, which nothing else may read: the same bits for every size.
  @Test func stridesGoForward() throws {
    for (kernel, stride, second) in [(1, 1, 2), (3, 2, 3), (5, 1, 2)] {
      for isShared in [false, true] {
        let network = try Network.built([[2, 4, 9, 8]]) { builder, x in
          let first = Convolution(
            inChannels: 4, outChannels: 6, kernel: Pair(kernel), stride: Pair(stride), padding: Padding(kernel / 2))
          let y = builder.node("first", .convolution(first), x, channels: 6)
          let last = Convolution(inChannels: 6, outChannels: 6, kernel: 1, stride: Pair(second), groups: 6)
          let z = builder.node("last", .convolution(last), [y], channels: 6)
          return isShared ? [z, y] : [z]
        }
        let form = network.inTrainingForm()
        #expect((form == network) == isShared)
        #expect(form.inTrainingForm() == form)
        if !isShared {
          guard case .convolution(let first) = form.nodes[0].operation, case .convolution(let last) = form.nodes[1].operation
          else { throw Unexpected() }
          #expect(first.stride == Pair(stride * second) && last.stride == Pair(1))
        }
        for shape in [[2, 4, 9, 8], [1, 4, 1, 3], [1, 4, 16, 5]] as [Shape] {
          var generator = SplitMix64(seed: 4)
          let x = Tensor(uniform: shape, bound: 1, using: &generator)
          let expected = try ReferenceEngine().prepare(network, inputs: [shape]).run([x])
          #expect(try ReferenceEngine().prepare(form, inputs: [shape]).run([x]) == expected)
        }
      }
    }
  }

  private struct Unexpected: Error {}

  /// What a 1x1 convolution of few channels made is computed again where the gradient of a depthwise convolution's weight asks for it.
  @Test func cheapValuesAreComputedAgain() throws {
    for (channels, hasBias, isAgain) in [(8, false, true), (8, true, true), (40, false, false)] {
      let network = try Network.built([[2, 3, 5, 6]]) { builder, x in
        let stem = builder.node(
          "stem", .convolution(Convolution(inChannels: 3, outChannels: channels, kernel: 1)), x, channels: channels)
        let select = Convolution(inChannels: channels, outChannels: channels, kernel: 1, hasBias: hasBias)
        let y = builder.node("select", .convolution(select), [stem], channels: channels)
        let kernels = Convolution(inChannels: channels, outChannels: channels, kernel: 3, padding: 1, groups: channels)
        let z = builder.node("kernels", .convolution(kernels), [y], channels: channels)
        return [builder.node("loss", .reduction(Reduction(.sumOfSquares, axes: [0, 1, 2, 3])), [z], channels: 1)]
      }
      let result = try network.differentiated("loss", inputs: [[2, 3, 5, 6]]).network
      #expect(result.nodes.contains { $0.operation.typeName == "convolutionOutput" } == isAgain)
      let gradient = result.nodes.first { $0.name == "kernels.gradient.weight" }
      #expect(gradient?.inputs.first == (isAgain ? "select.gradient.again" : "select"))
    }
  }

  /// So is what a depthwise convolution made, where the gradient of a 1x1 convolution's weight asks for it: then both are one layer in the forward
  /// pass.
  @Test func middlesOfSeparableConvolutionsAreComputedAgain() throws {
    for (kernel, hasBias, isAgain) in [(3, true, true), (3, false, true), (7, false, false)] {
      let network = try Network.built([[2, 40, 9, 8]]) { builder, x in
        let depthwise = Convolution(
          inChannels: 40, outChannels: 40, kernel: Pair(kernel), padding: Padding(kernel / 2), groups: 40, hasBias: hasBias)
        let y = builder.node("layer.depthwise", .convolution(depthwise), x, channels: 40)
        let z = builder.convolution("layer.pointwise", y, outChannels: 24, kernel: 1)
        return [builder.node("loss", .reduction(Reduction(.sumOfSquares, axes: [0, 1, 2, 3])), [z], channels: 1)]
      }
      let result = try network.differentiated("loss", inputs: [[2, 40, 9, 8]]).network
      let gradient = result.nodes.first { $0.name == "layer.pointwise.gradient.weight" }
      #expect(gradient?.inputs.first == (isAgain ? "layer.depthwise.gradient.again" : "layer.depthwise"))
      #expect(result.fusing().nodes.contains { $0.name == "layer" } == isAgain)
    }
  }

  /// Batch norms in training form: names stay, running statistics are updated as PyTorch does.
  @Test func trainingForm() throws {
    let network = try Network.built([[4, 3, 2, 2]]) { builder, x in [builder.batchNorm("norm", x[0])] }
    let form = network.inTrainingForm(momentum: 0.25)
    #expect(throws: Never.self) { try form.verify() }
    #expect(form.parameters == network.parameters)
    #expect(form.updates.map(\.parameter) == ["norm.runningMean", "norm.runningVariance"])
    #expect(form.inTrainingForm() == form)
    var generator = SplitMix64(seed: 3)
    let x = Tensor(uniform: [4, 3, 2, 2], bound: 1, using: &generator)
    let model = try ReferenceEngine().prepare(form)
    let y = try model.session(inputs: [x.shape]).run([x])[0]
    for channel in 0..<3 {
      var values: [Double] = [], outputs: [Double] = []
      for image in 0..<4 {
        for pixel in 0..<4 {
          values.append(Double(x.floats[(image * 3 + channel) * 4 + pixel]))
          outputs.append(Double(y.floats[(image * 3 + channel) * 4 + pixel]))
        }
      }
      let mean = values.reduce(0, +) / 16, variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 16
      func parameter(_ name: String) -> Double { Double(network.parameters["norm.\(name)"]?.floats[channel] ?? 0) }
      func updated(_ name: String) throws -> Double {
        Double(try #require(model.network.parameters["norm.\(name)"]).floats[channel])
      }
      #expect(abs(try updated("runningMean") - (0.75 * parameter("runningMean") + 0.25 * mean)) < 1e-6)
      #expect(abs(try updated("runningVariance") - (0.75 * parameter("runningVariance") + 0.25 * variance * 16 / 15)) < 1e-6)
      for (value, output) in zip(values, outputs) {
        let expected = parameter("weight") * (value - mean) / (variance + 1e-5).squareRoot() + parameter("bias")
        #expect(abs(output - expected) < 1e-5)
      }
    }
  }
}
