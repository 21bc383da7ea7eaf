@testable import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Transforms

/// Images of a few pixels, where tasks are few and register tiles are filled in part; layers in groups; functions that ride on stores.
@Suite struct SmallImageTests {
  private func expectAgreement(
    _ network: Network, _ shape: Shape, preferring method: ConvolutionMethod? = nil, threads: [Int] = [2, 3, 5, 8],
    factor: Double = 1
  ) throws {
    var random = SplitMix64(seed: 6)
    let input = Tensor(uniform: shape, bound: 1, using: &random)
    let expected = try ReferenceEngine().prepare(network, inputs: [shape]).run([input])[0]
    let tolerance = try Tolerance.outputs(of: network, inputs: [input], convolutionFactor: factor)[0].error
    for instructionSet in instructionSets {
      for precision in Precision.allCases {
        var engine = CPUEngine(instructionSet: instructionSet, threadCount: 1, precision: precision)
        engine.preferredMethod = method
        let result = try engine.prepare(network, inputs: [shape]).run([input])[0]
        if precision == .float32 {
          expectClose(result, expected, tolerance: tolerance, seed: 6, "\(network.name) \(shape) on \(instructionSet)")
        }
        for count in threads {
          var engine = CPUEngine(instructionSet: instructionSet, threadCount: count, precision: precision)
          engine.preferredMethod = method
          expectSameBits(
            try engine.prepare(network, inputs: [shape]).run([input])[0], result, "\(network.name) \(shape), \(count) threads")
        }
      }
    }
  }

  private func convolution(
    _ inChannels: Int, _ outChannels: Int, kernel: Int, padding: Int = 0, stride: Int = 1, groups: Int = 1,
    _ activation: ActivationFunction? = nil
  ) throws -> Network {
    var builder = NetworkBuilder("convolution \(inChannels) to \(outChannels), \(kernel)x\(kernel) in \(groups)")
    let x = builder.input("x", channels: inChannels)
    var y = builder.convolution(
      "y", x, outChannels: outChannels, kernel: Pair(kernel), stride: Pair(stride), padding: Padding(padding), groups: groups)
    if let activation { y = builder.activation("f", y, activation) }
    builder.output(y)
    return try builder.build(.random(seed: 5))
  }

  /// Few Winograd tiles: in stages where several threads would go without work.
  @Test(arguments: [(14, 14), (12, 16), (7, 7), (5, 31), (28, 28)], [ConvolutionMethod.winograd4, .winograd2])
  func fewTilesGiveTheSameBits(_ size: (height: Int, width: Int), _ method: ConvolutionMethod) throws {
    for (inChannels, outChannels) in [(56, 32), (48, 200)] {
      for batch in [1, 3] where batch == 1 || size.height < 14 {
        try expectAgreement(
          convolution(inChannels, outChannels, kernel: 3, padding: 1, .relu),
          Shape(batch: batch, channels: inChannels, height: size.height, width: size.width), preferring: method,
          threads: [2, 3, 8], factor: winogradFactor)
      }
    }
  }

  /// 1x1 convolutions in groups that begin at whole blocks of channels, or within them.
  @Test(arguments: [(60, 240, 3), (240, 60, 3), (24, 24, 8), (40, 72, 4), (35, 14, 7), (9, 33, 3), (32, 64, 2)])
  func groupsOfOneByOne(_ form: (inChannels: Int, outChannels: Int, groups: Int)) throws {
    let network = try convolution(form.inChannels, form.outChannels, kernel: 1, groups: form.groups, .leakyReLU(slope: 0.1))
    for (height, width) in [(5, 7), (1, 1), (3, 50)] {
      let shape = Shape(channels: form.inChannels, height: height, width: width)
      try expectAgreement(network.fusing(), shape, preferring: .pointwise, threads: [2, 5])
    }
    let strided = try convolution(form.inChannels, form.outChannels, kernel: 1, stride: 2, groups: form.groups)
    try expectAgreement(strided, Shape(batch: 2, channels: form.inChannels, height: 7, width: 9), threads: [3])
  }

  /// A function that rides on the store of a convolution gives the bits of one that is a pass of its own.
  @Test(arguments: [
    ActivationFunction.silu, .sigmoid, .hardSwish, .tanh, .gelu, .clip(minimum: 0, maximum: 0.25), .relu,
  ])
  func functionsOnStoresHaveTheBitsOfTheirOwnPass(_ function: ActivationFunction) throws {
    for (inChannels, outChannels, kernel, groups) in [
      (3, 70, 3, 1), (40, 72, 1, 1), (40, 40, 3, 40), (24, 24, 5, 24), (20, 20, 4, 20),
    ] {
      let network = try convolution(inChannels, outChannels, kernel: kernel, padding: kernel / 2, groups: groups, function)
      #expect(network.fusing().nodes.count == 1)
      let shape = Shape(channels: inChannels, height: 5, width: 37)
      var random = SplitMix64(seed: 6)
      let input = Tensor(uniform: shape, bound: 2, using: &random)
      for instructionSet in instructionSets {
        let engine = CPUEngine(instructionSet: instructionSet, threadCount: 2)
        let apart = try engine.prepare(network, inputs: [shape]).run([input])[0]
        let riding = try engine.prepare(network.fusing(), inputs: [shape]).run([input])[0]
        expectSameBits(riding, apart, "\(function) after \(network.name) on \(instructionSet)")
      }
    }
  }

  /// Flattening moves elements and changes none.
  @Test(arguments: [(64, 4, 6), (5, 3, 1), (17, 1, 9), (130, 5, 5)], [1, 3])
  func flattenedPixelsAreExact(_ size: (channels: Int, height: Int, width: Int), _ batch: Int) throws {
    var builder = NetworkBuilder("flatten")
    let x = builder.input("x", channels: size.channels)
    builder.output(builder.flatten("y", builder.activation("a", x, .relu)))
    let network = try builder.build(.random(seed: 1))
    let shape = Shape(batch: batch, channels: size.channels, height: size.height, width: size.width)
    var random = SplitMix64(seed: 6)
    let input = Tensor(uniform: shape, bound: 1, using: &random)
    let expected = try ReferenceEngine().prepare(network, inputs: [shape]).run([input])[0]
    for instructionSet in instructionSets {
      let engine = CPUEngine(instructionSet: instructionSet, threadCount: 2)
      expectSameBits(try engine.prepare(network, inputs: [shape]).run([input])[0], expected, "\(shape) on \(instructionSet)")
    }
  }
}
