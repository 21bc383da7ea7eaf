import Execution
import GeneratedNetworks
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// A tile read with its halo gives the bits of the whole image, for every tile of a cut; or the geometry refuses.
@Suite struct TileGeometryTests {
  private typealias Build = @Sendable (inout NetworkBuilder, NetworkBuilder.Value) -> NetworkBuilder.Value

  private static func network(_ build: Build) throws -> Network {
    var builder = NetworkBuilder("tiles")
    let x = builder.input("x", channels: 4)
    builder.output(build(&builder, x))
    return try builder.build(.random(seed: 7))
  }

  /// Networks that can be tiled, with the halo that follows from the formulas.
  private static let tiled: [(name: String, halo: Int, build: Build)] = [
    (
      "reflected padding", 6,
      { builder, x in
        // Two pixels of the kernel, and twice the padding.
        let padded = builder.pad("pad", x, Pad(2, mode: .reflect))
        return builder.convolution("conv", padded, outChannels: 2, kernel: 5)
      }
    ),
    (
      "padding on one side", 4,
      { builder, x in
        let padded = builder.pad("pad", x, Pad(Padding(top: 0, left: 2, bottom: 2, right: 0), mode: .edge))
        return builder.slice("cut", padded, [.init(axis: 2, start: 2), .init(axis: 3, end: -2)])
      }
    ),
    (
      "constant padding and channels", 1,
      { builder, x in
        let padded = builder.pad("pad", x, Pad(1, channelsBehind: 3, value: 2))
        return builder.convolution("conv", padded, outChannels: 2, kernel: 3)
      }
    ),
    (
      "pixels taken apart", 6,
      { builder, x in
        let corners = [(0, 0), (0, 1), (1, 0), (1, 1)].map { i, j in
          builder.slice("part\(i)\(j)", x, [.init(axis: 2, start: i, step: 2), .init(axis: 3, start: j, step: 2)])
        }
        let all = builder.concatenation("all", corners)
        let padded = builder.pad("pad", all, Pad(1, mode: .reflect))
        let mixed = builder.convolution("conv", padded, outChannels: 16, kernel: 3)
        return builder.pixelShuffle("y", mixed, factor: 2, order: .channelsInnermost)
      }
    ),
    (
      "attention along the channels", 0,
      { builder, x in
        let weights = builder.softmax("weights", x)
        let mean = builder.reduction("mean", x, .mean, axes: [1])
        return builder.binary("y", .subtract, builder.binary("product", .multiply, weights, x), mean)
      }
    ),
    (
      "nearest by other rules", 1,
      { builder, x in
        let target = Resize.Target.factor(height: 3, width: 3)
        let up = Resize(method: .nearest, target: target, coordinates: .asymmetric, rounding: .roundPreferCeil)
        return builder.resize("y", x, up)
      }
    ),
    (
      "bilinear from the corner", 1,
      { builder, x in
        builder.resize("y", x, Resize(method: .bilinear, target: .factor(height: 2, width: 2), coordinates: .asymmetric))
      }
    ),
    ("bicubic by 3", 2, { builder, x in builder.resize("y", x, .bicubic, factor: 3) }),
  ]

  /// Networks whose every pixel depends on the whole image or its size.
  private static let refused: [(name: String, build: Build)] = [
    ("softmax of rows", { builder, x in builder.softmax("y", x, axis: 3) }),
    ("transposed", { builder, x in builder.transpose("y", x, [0, 1, 3, 2]) }),
    ("reshaped", { builder, x in builder.reshape("y", x, [0, 0, -1, 24]) }),
    ("to a size", { builder, x in builder.resize("y", x, Resize(method: .bilinear, target: .size(24))) }),
    (
      "with corners",
      { builder, x in
        builder.resize("y", x, Resize(method: .bilinear, target: .factor(height: 2, width: 2), coordinates: .alignCorners))
      }
    ),
    (
      "by 1.5",
      { builder, x in builder.resize("y", x, Resize(method: .bilinear, target: .factor(height: 1.5, width: 1.5))) }
    ),
    ("mean of rows", { builder, x in builder.binary("y", .add, x, builder.reduction("mean", x, .mean, axes: [3])) }),
    ("pooled", { builder, x in builder.binary("y", .multiply, x, builder.globalAveragePool("mean", x)) }),
    (
      "a row repeated",
      { builder, x in
        let halves = builder.maximumPool("rows", x, Pool(kernel: 24))
        return builder.binary("y", .add, builder.resize("up", x, .nearest, factor: 1), halves)
      }
    ),
    (
      "last rows",
      { builder, x in
        builder.pad(
          "y", builder.slice("cut", x, [.init(axis: 2, start: -23)]), Pad(Padding(top: 1, left: 0, bottom: 0, right: 0)))
      }
    ),
    (
      "first rows",
      { builder, x in
        builder.pad("y", builder.slice("cut", x, [.init(axis: 3, end: 23)]), Pad(Padding(top: 0, left: 1, bottom: 0, right: 0)))
      }
    ),
    ("last item", { builder, x in builder.slice("y", x, [.init(axis: 0, start: -1)]) }),
    (
      "back to the size of the input",
      { builder, x in
        let pooled = builder.maximumPool("p", x, Pool(kernel: 2))
        return builder.resize("y", pooled, Resize(method: .nearest, target: .size(of: 1)), following: [x])
      }
    ),
    (
      "grown to a multiple",
      { builder, x in
        let extent = SizeExpression.extent(operand: 0, axis: 2)
        return builder.pad("y", x, Pad(0, growth: Pad.Growth(top: ((extent + 7) / 8).floor * 8 - extent)))
      }
    ),
    (
      "cut to the size of another",
      { builder, x in
        let padded = builder.pad("p", x, Pad(1, mode: .edge))
        let spans = [2, 3].map { Slice.Span(axis: $0, from: 1, to: .extent(operand: 1, axis: $0) + 1) }
        return builder.slice("y", padded, spans, following: [x])
      }
    ),
  ]

  private static func geometry(_ network: Network, _ whole: Shape) throws -> TileGeometry? {
    TileGeometry(of: network, shapes: try network.inferredShapes(inputs: [whole])) { _ in 1 }
  }

  @Test(arguments: refused.indices) func refusals(index: Int) throws {
    let (name, build) = Self.refused[index]
    #expect(try Self.geometry(Self.network(build), [1, 4, 24, 24]) == nil, "\(name)")
  }

  /// Images of odd sides come back as large as they were, tiles of even ones do not.
  @Test func sizesThatAStrideDoesNotDivide() throws {
    let network = try Self.network { builder, x in
      let half = builder.maximumPool("half", x, Pool(kernel: 1, stride: 2))
      return builder.transposedConvolution("y", half, outChannels: 4, kernel: 1, stride: 2)
    }
    #expect(try network.inferredShapes(inputs: [[1, 4, 67, 23]])["y"] == [1, 4, 67, 23])
    #expect(try Self.geometry(network, [1, 4, 67, 23]) == nil)
  }

  @Test(arguments: tiled.indices) func tilesGiveTheBitsOfTheWhole(index: Int) throws {
    let (name, halo, build) = Self.tiled[index]
    let network = try Self.network(build)
    let whole: Shape = [1, 4, 26, 38]
    var generator = SplitMix64(seed: 5)
    let image = Tensor(uniform: whole, bound: 1, using: &generator)
    let check = try #require(try TileCheck(network, on: ReferenceEngine(), image: image), "\(name)"), size = check.side(5)
    #expect(check.geometry.halo == halo, "\(name)")
    let fault = try check.fault(height: size, width: size)
    #expect(fault == nil, "\(name): \(fault ?? "")")
  }
}
