import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Transforms

/// Gradients through what rounds, against the rules stated in Double.
@Suite struct FakeQuantizationTests {
  /// Numbers on both sides of all ends, in the middle between whole numbers, and at the ends.
  private static let numbers: [Float] =
    (-30...30).map { Float($0) / 4 } + [-1e9, 1e9, 0.4999999, 0.5000001, 2.9999998, 3, 3.0000002, -0.0]

  @Test(arguments: [(-3, 3), (0, 5), (-4, -1), (0, 0)]) func straightThrough(minimum: Int, maximum: Int) throws {
    let x = Tensor([1, 1, 1, Self.numbers.count], Self.numbers)
    var generator = SplitMix64(seed: 5)
    let factors = Tensor(uniform: x.shape, bound: 1, using: &generator)
    var network = try Network.built([x.shape]) { builder, x in
      let y = builder.node(
        "y", .training(.fakeQuantize(FakeQuantize(minimum: minimum, maximum: maximum))), [x[0]], channels: 1)
      let product = builder.binary("product", .multiply, y, builder.constant("factors", Tensor(zeros: factors.shape)))
      return [builder.reduction("loss", product, .sum, axes: [0, 1, 2, 3])]
    }
    let input = network.inputs[0].name
    network.parameters["factors.value"] = factors
    let differentiated = try network.differentiated("loss", by: [input], inputs: [x.shape])
    network = differentiated.network
    network.outputs = ["y", try #require(differentiated.gradients[input])]
    let results = try ReferenceEngine().prepare(network, inputs: [x.shape]).run([x])
    for (index, number) in Self.numbers.enumerated() {
      let value = Double(number), inside = value >= Double(minimum) && value <= Double(maximum)
      let whole = min(max(value, Double(minimum)), Double(maximum)).rounded(.toNearestOrEven)
      #expect(Double(results[0].floats[index]) == whole, "of \(number)")
      #expect(results[1].floats[index] == (inside ? factors.floats[index] : 0), "of \(number)")
    }
  }

  @Test func noNumberStaysNone() throws {
    let network = try Network.built([[1, 1, 1, 2]]) { builder, x in
      [builder.node("y", .training(.fakeQuantize(FakeQuantize(minimum: 0, maximum: 3))), [x[0]], channels: 1)]
    }
    let y = try ReferenceEngine().prepare(network, inputs: [[1, 1, 1, 2]]).run([Tensor([1, 1, 1, 2], [.nan, 7])])[0].floats
    #expect(y[0].isNaN && y[1] == 3)
  }

  /// Of x divided by a scale, made whole and multiplied again, the gradient of the scale is that of LSQ, equation 3.
  @Test func theScaleHasTheGradientOfLSQ() throws {
    let shape: Shape = [2, 3, 7, 9]
    var generator = SplitMix64(seed: 6)
    let factors = Tensor(uniform: shape, bound: 1, using: &generator)
    let x = Tensor(uniform: shape, bound: 1.2, using: &generator), s: Float = 0.07
    let (least, most) = (-8, 7)
    var network = try Network.built([shape]) { builder, x in
      _ = builder.constant("scale", Tensor(zeros: [1, 1, 1, 1]))
      let parameter = builder.parameter("scale.value")
      let scaled = builder.binary("scaled", .divide, x[0], parameter)
      let codes = builder.node(
        "codes", .training(.fakeQuantize(FakeQuantize(minimum: least, maximum: most))), [scaled], channels: 3)
      let y = builder.binary("y", .multiply, codes, parameter)
      let product = builder.binary("product", .multiply, y, builder.constant("factors", Tensor(zeros: factors.shape)))
      return [builder.reduction("loss", product, .sum, axes: [0, 1, 2, 3])]
    }
    let input = network.inputs[0].name
    network.parameters["factors.value"] = factors
    network.parameters["scale.value"] = Tensor([1, 1, 1, 1], [s])
    let differentiated = try network.differentiated("loss", by: ["scale.value", input], inputs: [shape])
    network = differentiated.network
    network.outputs = try ["scale.value", input].map { try #require(differentiated.gradients[$0]) }
    let results = try ReferenceEngine().prepare(network, inputs: [shape]).run([x])
    var gradient = 0.0, size = 0.0
    for (index, number) in x.floats.enumerated() {
      let ratio = Double(number / s), c = Double(factors.floats[index])
      let step: Double
      if ratio < Double(least) {
        step = Double(least)
      } else if ratio > Double(most) {
        step = Double(most)
      } else {
        step = ratio.rounded(.toNearestOrEven) - ratio
      }
      gradient += c * step
      size += abs(c * ratio)
      let inside = ratio >= Double(least) && ratio <= Double(most)
      #expect(abs(Double(results[1].floats[index]) - (inside ? c : 0)) < 1e-6)
    }
    // What cancels was rounded.
    #expect(abs(Double(results[0].floats[0]) - gradient) < 1e-6 * size)
    #expect(abs(gradient) > 1e-3 * size)
  }

  @Test func faultsAreNamed() {
    func fault(_ minimum: Int, _ maximum: Int) -> String? {
      Operation.training(.fakeQuantize(FakeQuantize(minimum: minimum, maximum: maximum))).attributeFault
    }
    #expect(fault(0, 255) == nil)
    #expect(fault(3, 2) == "the minimum 3 is more than the maximum 2")
    #expect(fault(0, 1 << 25) == "0...33554432 is no part of -16777216...16777216")
  }
}
