import CPUBackend
import Execution
import Networks
import Tensors
import Testing
import Transforms

/// What is done before a first run takes time in proportion to the number of layers.
@Suite struct DeepNetworkTests {
  enum Form: String, CaseIterable, Sendable {
    case convolutions, wideConvolutions, activations, activationsOfPlanes, residualBlocks, separable, dense, branches, pads
  }

  static func network(_ form: Form, layers: Int) throws -> Network {
    var builder = NetworkBuilder("deep")
    let channels = form == .activationsOfPlanes ? 3 : form == .wideConvolutions ? 16 : 8
    var x = builder.input("x", channels: channels)
    var all = [x]
    for layer in 0..<layers {
      switch form {
      case .convolutions, .wideConvolutions:
        x = builder.convolution("c\(layer)", x, outChannels: channels, kernel: 3, padding: 1)
      case .activations, .activationsOfPlanes: x = builder.activation("a\(layer)", x, layer % 2 == 0 ? .relu : .tanh)
      case .residualBlocks:
        let inner = builder.convolution("c\(layer)", x, outChannels: channels, kernel: 3, padding: 1)
        x = builder.add("s\(layer)", x, builder.activation("a\(layer)", inner, .relu))
      case .separable:
        x = builder.convolution("d\(layer)", x, outChannels: channels, kernel: 3, padding: 1, groups: channels)
        x = builder.batchNorm("b\(layer)", builder.convolution("p\(layer)", x, outChannels: channels, kernel: 1))
      case .dense:
        // Every fifth layer reads all before it.
        if layer % 5 == 1 {
          x = builder.convolution("c\(layer)", builder.concatenation("j\(layer)", all), outChannels: 4, kernel: 1)
        } else {
          x = builder.convolution("c\(layer)", x, outChannels: 4, kernel: 3, padding: 1)
        }
        all.append(x)
      case .branches:
        all.append(builder.convolution("c\(layer)", all[0], outChannels: 16, kernel: 1))
      case .pads:
        x = builder.pad("p\(layer)", x, Pad(Padding(top: 1, left: 1, bottom: 1, right: 1), mode: .reflect))
        x = builder.convolution("c\(layer)", x, outChannels: channels, kernel: 3)
      }
    }
    if form == .branches { x = builder.concatenation("all", Array(all.dropFirst())) }
    builder.output(x)
    return try builder.build(.zeros)
  }

  /// Here a few hundredths of a second each, on a busy machine some more; with a group of steps judged from its beginning each time
  /// it was minutes.
  @Test(arguments: Form.allCases, [Pair(height: 8, width: 8), Pair(height: 256, width: 64), Pair(height: 2000, width: 8)])
  func aThousandLayersArePreparedInTime(_ form: Form, _ size: Pair) throws {
    let deep = try Self.network(form, layers: 1000)
    let shape = Shape(channels: try #require(deep.inputs[0].channels), height: size.height, width: size.width)
    let clock = ContinuousClock(), start = clock.now
    _ = try CPUEngine(threadCount: 2).prepare(deep.optimizedForInference(), inputs: [shape])
    #expect(clock.now - start < .seconds(5))
  }
}
