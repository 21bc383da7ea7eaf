import Architectures
import Networks
import Tensors
import TestSupport
import Testing
import Transforms

/// The pipeline on every architecture with every kind of convolution, small.
@Suite struct ZooTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var network: Network
    var input: Shape

    init(_ name: String, _ input: Shape, _ network: Network) {
      (testDescription, self.input) = (name, input)
      self.network = network.randomized(seed: 21)
    }
  }

  private static func rows() throws -> [Row] {
    var rows: [Row] = []
    for kind in ConvolutionKind.allCases {
      rows.append(
        Row("edsr \(kind)", [1, 3, 7, 6], try EDSR(features: 8, blocks: 2, convolution: kind).network(.zeros)))
      rows.append(Row("u-net \(kind)", [1, 3, 32, 16], try UNet(features: 4, convolution: kind).network(.zeros)))
      rows.append(Row("small-resnet \(kind)", [2, 3, 16, 16], try SmallResNet(features: 4, convolution: kind).network(.zeros)))
      rows.append(
        Row("resnet18 \(kind)", [1, 3, 32, 32], try ResNet18(classes: 5, features: 4, convolution: kind).network(.zeros)))
    }
    for variant in SeeInTheDark.Variant.allCases {
      rows.append(
        Row("see-in-the-dark \(variant)", [1, 4, 16, 16], try SeeInTheDark(variant: variant, features: 4).network(.zeros)))
    }
    return rows
  }

  @Test(arguments: try rows()) func optimized(row: Row) throws {
    let network = row.network, result = network.optimizedForInference()
    try result.verify()
    #expect(result.optimizedForInference() == result)
    try expectCloseOutputs(result, network, [row.input])
    let types = Set(result.nodes.map(\.operation.typeName))
    #expect(types.isDisjoint(with: ["batchNorm", "channelAffine", "relu", "leakyReLU", "scale", "pixelShuffle"]))
    for node in result.nodes {
      // Each pair of a cheap convolution was joined, or folded to one.
      if case .convolution(let payload) = node.operation { #expect(payload.groups == 1, "\(node.name) stands alone") }
    }
    let before = try network.ledger(inputs: [row.input], concatenationInPlace: true)
    let after = try result.ledger(inputs: [row.input], concatenationInPlace: true)
    #expect(after.multiplyAccumulates <= before.multiplyAccumulates)
    #expect(after.bytesMoved < before.bytesMoved && after.activationTensorCount < before.activationTensorCount)
  }

  /// A strided shortcut of channel selection becomes one 1x1 convolution that computes only what is read.
  @Test func strideGoesIntoTheSelection() throws {
    let network = try ResNet18(classes: 5, features: 4, convolution: .selection).network(.zeros).optimizedForInference()
    let shortcuts = network.nodes.filter { node in
      if case .convolution(let payload) = node.operation { payload.kernel == 1 && payload.stride == 2 } else { false }
    }
    #expect(shortcuts.count == 3)
  }

  /// What the fusion of EDSR separable and U-Net must reach: half the bytes to memory and back.
  @Test func trafficIsHalved() throws {
    let networks: [(Network, Shape)] = [
      (try EDSR(features: 16, convolution: .separable).network(.zeros), [1, 3, 64, 64]),
      (try UNet(features: 8).network(.zeros), [1, 3, 64, 64]),
      (try UNet(features: 8, convolution: .separable).network(.zeros), [1, 3, 64, 64]),
    ]
    for (network, shape) in networks {
      for inPlace in [false, true] {
        let before = try network.ledger(inputs: [shape], concatenationInPlace: inPlace)
        let after = try network.optimizedForInference().ledger(inputs: [shape], concatenationInPlace: inPlace)
        #expect(2 * after.bytesMoved <= before.bytesMoved)
      }
    }
  }
}
