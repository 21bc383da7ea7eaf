import Architectures
import CPUBackend
import Execution
import GeneratedNetworks
import Networks
import Tensors
import Testing
import Transforms

/// Tiles of any size give the bits of the whole image: for every architecture there is and for everything that changes the size of an
/// image, on every instruction set, in every precision.
@Suite struct TilePromiseTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var network: Network

    init(_ description: String, _ network: Network) {
      testDescription = description
      self.network = network
    }
  }

  /// Small networks of every architecture, one for each combination of the options that change what it is made of.
  static let catalogue: [Example] = {
    let small = ["features": "8", "depth": "5", "blocks": "1", "convolutions": "2", "growth": "5"]
    let choices = [
      "convolution": ConvolutionKind.allCases.map(\.rawValue) + ["light", "light-selection"],
      "scale": ["1", "2", "3", "4"], "layout": ["plain", "original"], "upsampling": ["transposed", "bilinear"],
    ]
    var result: [Example] = []
    for summary in Architecture.catalogue {
      var combinations: [[String: String]] = [[:]]
      for option in summary.options {
        guard let values = choices[option.name] ?? small[option.name].map({ [$0] }) else { continue }
        combinations = combinations.flatMap { known in values.map { known.merging([option.name: $0]) { $1 } } }
      }
      for options in combinations {
        // Not all of them go together.
        guard let network = try? Architecture(named: summary.name, options: options).network(.random(seed: 3)) else { continue }
        let text = options.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        result.append(Example("\(summary.name), \(text)", network.optimizedForInference()))
      }
    }
    return result
  }()

  /// Whatever halves an image followed by whatever doubles it, with padding of every kind in front.
  static let resizing: [Example] = {
    typealias Build = (inout NetworkBuilder, NetworkBuilder.Value) -> NetworkBuilder.Value
    let halves: [(String, Build)] = [
      ("largest of 2x2", { $0.maximumPool("down", $1, Pool(kernel: 2)) }),
      ("largest of 3x3", { $0.maximumPool("down", $1, Pool(kernel: 3, stride: 2, padding: 1)) }),
      ("mean of 2x2", { $0.averagePool("down", $1, Pool(kernel: 2)) }),
      ("mean of 3x3", { $0.averagePool("down", $1, Pool(kernel: 3, stride: 2, padding: 1)) }),
      (
        "window of 3x3, then half",
        { $0.pixelUnshuffle("down", $0.maximumPool("window", $1, Pool(kernel: 3, stride: 1, padding: 1)), factor: 2) }
      ),
      ("stride 2", { $0.convolution("down", $1, outChannels: 24, kernel: 3, stride: 2, padding: 1) }),
    ]
    var doubles: [(String, Build)] = Resize.Method.allCases.map { method in
      ("\(method)", { $0.resize("up", $1, method, factor: 2) })
    }
    for method in Resize.Method.allCases {
      let resize = Resize(method: method, target: .factor(height: 2, width: 2), coordinates: .asymmetric)
      doubles.append(("\(method) from the corner", { $0.resize("up", $1, resize) }))
    }
    for (kernel, padding, more) in [(2, 0, 0), (4, 1, 0), (3, 1, 1), (6, 2, 0)] {
      for channels in [24, 3] {
        let transposed = { (builder: inout NetworkBuilder, x: NetworkBuilder.Value) in
          builder.transposedConvolution(
            "up", x, outChannels: channels, kernel: Pair(kernel), stride: 2, padding: Padding(padding),
            outputPadding: Pair(more))
        }
        doubles.append(("transposed \(kernel)x\(kernel) to \(channels) channels", transposed))
      }
    }
    doubles.append(
      ("shuffle", { $0.pixelShuffle("up", $0.convolution("wide", $1, outChannels: 64, kernel: 1), factor: 2) }))
    var result: [Example] = []
    for (index, (down, half)) in halves.enumerated() {
      for (other, (up, double)) in doubles.enumerated() {
        let mode = Pad.Mode.allCases[(index + other) % Pad.Mode.allCases.count]
        var builder = NetworkBuilder("tiles")
        let x = builder.input("x", channels: 3)
        let first = builder.convolution("first", x, outChannels: 20, kernel: 3, padding: 1)
        let padded = builder.convolution("padded", builder.pad("pad", first, Pad(2, mode: mode)), outChannels: 20, kernel: 5)
        let low = builder.activation("low", half(&builder, padded), .relu)
        let inner = builder.convolution("inner", low, outChannels: 20, kernel: 3, padding: 2, dilation: 2)
        builder.output(builder.convolution("last", double(&builder, inner), outChannels: 3, kernel: 3, padding: 1))
        guard let network = try? builder.build(.random(seed: 4)) else { preconditionFailure("\(down), \(up)") }
        result.append(Example("\(down), \(up), padding by \(mode)", network.optimizedForInference()))
      }
    }
    return result
  }()

  @Test func everyArchitectureIsThere() {
    for summary in Architecture.catalogue {
      #expect(Self.catalogue.contains { $0.testDescription.hasPrefix(summary.name) }, "\(summary.name)")
    }
  }

  @Test(arguments: catalogue) func architectures(_ example: Example) throws {
    let network = example.network
    // Those that tell classes apart make no image; between corners that stay each pixel depends on the size of the whole.
    let keepsCorners = network.nodes.contains {
      if case .resize(let payload) = $0.operation { payload.coordinates == .alignCorners } else { false }
    }
    let shapes = try? network.inferredShapes(inputs: [Self.shape(network, 64, 64)])
    try check(example, canBeTiled: !keepsCorners && shapes?[network.outputs[0]]?.isImage == true)
  }

  @Test(arguments: resizing) func resizesPoolsAndPadding(_ example: Example) throws { try check(example, canBeTiled: true) }

  private static func shape(_ network: Network, _ height: Int, _ width: Int) -> Shape {
    Shape(channels: network.inputs[0].channels ?? 1, height: height, width: width)
  }

  private func check(_ example: Example, canBeTiled: Bool) throws {
    var generator = SplitMix64(seed: UInt64(example.testDescription.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xffff_ffff }))
    for instructionSet in instructionSets {
      for precision in Precision.allCases {
        let engine = CPUEngine(
          instructionSet: instructionSet, threadCount: 1 + Int(generator.next() % 3), precision: precision)
        let isWide = generator.next() % 2 == 0
        guard let image = try image(for: example.network, engine, isWide: isWide, &generator) else {
          #expect(!canBeTiled, "\(example.testDescription) on \(instructionSet) in \(precision) is not tiled")
          continue
        }
        #expect(canBeTiled)
        let check = try #require(try TileCheck(example.network, on: engine, image: image))
        let height = check.side([1, 20, 50][Int(generator.next() % 3)]),
          width = check.side([1, 20, 50][Int(generator.next() % 3)])
        // The first and the last, which see an end of the image, and one of the others.
        let long = isWide ? image.shape.width : image.shape.height, side = isWide ? width : height
        let count = (long + side - 1) / side
        #expect(count > 1)
        let picked: Set = [0, 1 + Int(generator.next() % UInt64(count - 1)), count - 1]
        let fault = try check.fault(height: height, width: width) { y, x in picked.contains((isWide ? x : y) / side) }
        #expect(fault == nil, "\(example.testDescription) on \(instructionSet) in \(precision): \(fault ?? "")")
      }
    }
  }

  /// An image so long that a tile in its middle sees neither end; of odd sides where the network takes them. Nil where it cannot be tiled.
  private func image(
    for network: Network, _ engine: CPUEngine, isWide: Bool, _ generator: inout SplitMix64
  ) throws -> Tensor? {
    var long = 96
    while true {
      var taken: (shape: Shape, geometry: TileGeometry)?
      for odd in [11, 0] where taken == nil {
        let shape = isWide ? Self.shape(network, 32 + odd, long + odd) : Self.shape(network, long + odd, 32 + odd)
        guard let shapes = try? network.inferredShapes(inputs: [shape]),
          let geometry = TileGeometry(
            of: network, shapes: shapes, grid: { engine.outputGrid(of: $0, in: network, shapes: shapes) })
        else { continue }
        taken = (shape, geometry)
      }
      guard let taken else { return nil }
      let needed = 2 * taken.geometry.halo + 3 * taken.geometry.alignment
      guard needed > long else { return Tensor(uniform: taken.shape, bound: 1, using: &generator) }
      long = (needed + 31) / 32 * 32
    }
  }
}
