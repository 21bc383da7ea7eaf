import CUDAEmulation
import Execution
import Networks
import ReferenceBackend
import TestSupport
import Tensors
import Testing
import Transforms

@testable import CUDABackend

/// Layers of a few planes at either end, of each channel by itself, and of one pixel.
@Suite struct UntiledTests {
  /// A network of one layer or a few, what it is given, and the kernels that do it, and no other.
  struct Example: Sendable, CustomStringConvertible {
    var description: String
    var input: Shape
    var kernels: Set<String>
    var isFloat = false
    var build: @Sendable (inout NetworkBuilder, NetworkBuilder.Value) -> NetworkBuilder.Value
  }

  static let examples: [Example] = heads + composed + depthwise + ends + onePixel

  static let heads = [1, 2, 3, 4].flatMap { planes in
    [(3, 1, "head_half_3x3"), (3, 2, "headStride2_half_3x3"), (5, 1, "head_half_5x5"), (7, 2, "headStride2_half_7x7")].map {
      size, stride, kernel in
      Example(
        description: "head of \(planes) planes, \(size)x\(size), \(stride) apart",
        input: Shape(batch: 2, channels: planes, height: 21, width: 35), kernels: [kernel, "move"]
      ) { builder, x in
        let y = builder.convolution(
          "layer", x, outChannels: 70, kernel: Pair(size), stride: Pair(stride), padding: Padding(size / 2))
        return builder.activation("relu", y, .leakyReLU(slope: 0.2))
      }
    }
  }

  /// A separable layer of planes is one dense convolution, unless the first part has a bias beyond the border.
  static let composed = [SeparableConvolution.Order.depthwiseFirst, .pointwiseFirst].flatMap { order in
    [(3, 1, "head_half_3x3"), (7, 2, "headStride2_half_7x7")].flatMap { size, stride, kernel in
      [false, true].map { hasBias in
        let isOne = order == .depthwiseFirst || !hasBias
        return Example(
          description: "\(order), \(size)x\(size), \(hasBias ? "" : "no ")bias in the first part",
          input: Shape(channels: 4, height: 19, width: 23),
          kernels: isOne
            ? [kernel, "move"]
            : ["direct", size == 3 ? "depthwise_half_3x3" : "depthwiseStride2_half_7x7", "move"]
        ) { builder, x in
          let payload = SeparableConvolution(
            order: order, inChannels: 4, outChannels: 40, kernel: Pair(size), stride: Pair(stride), padding: Padding(size / 2),
            depthwiseHasBias: order == .pointwiseFirst || hasBias, pointwiseHasBias: order == .depthwiseFirst || hasBias)
          let y = builder.node("layer", .separableConvolution(payload), [x], channels: 40)
          return builder.activation("relu", y, .relu)
        }
      }
    }
  }

  static let depthwise = [
    (3, 1, "depthwise_half_3x3"), (3, 2, "depthwiseStride2_half_3x3"), (5, 1, "depthwise_half_5x5"),
    (7, 1, "depthwise_half_7x7"), (7, 2, "depthwiseStride2_half_7x7"), (3, 1, "depthwise_float_3x3"),
    (3, 2, "depthwiseStride2_float_3x3"),
  ].flatMap { size, stride, kernel in
    [false, true].map { adds in
      Example(
        description: "\(kernel)\(adds ? " and a sum" : "")", input: Shape(batch: 2, channels: 70, height: 9, width: 11),
        kernels: adds ? [kernel, "depthwiseSum", "move"] : [kernel, "move"], isFloat: kernel.contains("float")
      ) { builder, x in
        func layer(_ name: String) -> NetworkBuilder.Value {
          let payload = Convolution(
            inChannels: 70, outChannels: 70, kernel: Pair(size), stride: Pair(stride), padding: Padding(size / 2), groups: 70)
          return builder.node(name, .convolution(payload), [x], channels: 70)
        }
        guard adds else { return builder.activation("relu", layer("layer"), .leakyReLU(slope: 0.1)) }
        let first = layer("first")
        return builder.activation("relu", builder.add("sum", builder.scale("half", layer("second"), by: 0.5), first), .relu)
      }
    }
  }

  static let ends =
    [1, 3, 8].map { planes in
      Example(
        description: "1x1 to \(planes) planes", input: Shape(batch: 2, channels: 70, height: 9, width: 11),
        kernels: ["move", "pointwisePlanes_half_8"]
      ) { builder, x in
        builder.convolution("layer", x, outChannels: planes, kernel: Pair(1))
      }
    } + [
      Example(
        description: "1x1 and a pixel shuffle to 3 planes", input: Shape(batch: 2, channels: 32, height: 9, width: 11),
        kernels: ["move", "pointwisePlanes_half_16"]
      ) { builder, x in
        builder.pixelShuffle("shuffle", builder.convolution("layer", x, outChannels: 12, kernel: Pair(1)), factor: 2)
      }
    ]

  static let onePixel = [
    Example(
      description: "mean and classifier", input: Shape(batch: 5, channels: 300, height: 7, width: 6),
      kernels: ["move", "mean_half", "linear_half_planes"]
    ) { builder, x in
      let mean = builder.flatten("flatten", builder.globalAveragePool("mean", x))
      return builder.linear("fc", mean, outFeatures: 13)
    },
    Example(
      description: "two linear layers", input: Shape(batch: 3, channels: 300, height: 1, width: 1),
      kernels: ["move", "linear_half", "linear_half_planes"]
    ) { builder, x in
      let first = builder.linear("first", builder.flatten("flatten", x), outFeatures: 40)
      return builder.linear("second", first, outFeatures: 3)
    },
    Example(
      description: "mean and classifier of float32", input: Shape(batch: 5, channels: 70, height: 3, width: 6),
      kernels: ["move", "mean_float", "linear_float"], isFloat: true
    ) { builder, x in
      let mean = builder.flatten("flatten", builder.globalAveragePool("mean", x))
      return builder.linear("fc", mean, outFeatures: 13)
    },
  ]

  @Test(arguments: examples) func kernelsAreTheReference(_ example: Example) throws {
    var builder = NetworkBuilder("layer")
    let x = builder.input("x", channels: example.input.channels)
    builder.output(example.build(&builder, x))
    let network = try builder.build(.random(seed: 5)), inputs = network.randomInputs([example.input], seed: 6)
    let engine = try EmulatedDevice.engine(example.isFloat ? .float32 : .float16)
    let outputs = try expectReference(engine, network, inputs, example.description)
    let fused = network.optimizedForInference()
    let session = try engine.prepare(fused, inputs: [example.input])
    #expect(session.deviceKernels == example.kernels.subtracting(["depthwiseSum"]), "\(example)")
    cudaEmulatedSetSeed(99)
    #expect(try session.run(inputs) == outputs)
  }

  /// A value that is read under its own name keeps it, whatever is flattened of it.
  @Test func flattenedValuesAreKeptWhereOthersReadThem() throws {
    var builder = NetworkBuilder("two")
    let x = builder.input("x", channels: 70)
    let mean = builder.globalAveragePool("mean", x)
    let flat = builder.flatten("flatten", mean)
    builder.output(builder.add("sum", builder.linear("fc", flat, outFeatures: 70), flat))
    builder.output(builder.convolution("again", mean, outChannels: 20, kernel: Pair(1)))
    let network = try builder.build(.random(seed: 7)), shape = Shape(batch: 2, channels: 70, height: 4, width: 5)
    try expectReference(try EmulatedDevice.engine(), network, network.randomInputs([shape], seed: 8))
  }
}
