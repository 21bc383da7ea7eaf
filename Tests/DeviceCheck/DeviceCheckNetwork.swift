import Architectures
import Evaluation
import Networks
import Tensors
import Transforms

/// One of the networks that a device is checked with, and the size at which it is timed.
package struct DeviceCheckNetwork: Sendable {
  package var name: String
  /// Whether it sums integers alone, so that a device has the bits of the CPU engine.
  package private(set) var isOfIntegers = false
  private var input: Shape
  private var smallInput: Shape
  private var make: @Sendable (_ isSmall: Bool) throws -> Network

  /// - Parameter make: the network; a small one has a quarter of the channels, or the fewest that its kernels take.
  private init(
    _ name: String, _ input: Shape, _ smallInput: Shape, _ make: @escaping @Sendable (_ isSmall: Bool) throws -> Network
  ) {
    self.name = name
    self.input = input
    self.smallInput = smallInput
    self.make = make
  }

  package func network(isSmall: Bool) throws -> Network { try make(isSmall) }
  package func input(isSmall: Bool) -> Shape { isSmall ? smallInput : input }

  package static let all = ofFloats + [ofFloats[0], ofFloats[1], ofFloats[4], ofFloats[7]].map(\.quantized)

  private static let ofFloats: [DeviceCheckNetwork] = [
    edsr("edsr", .standard), edsr("edsr_separable", .separable),
    DeviceCheckNetwork("vdsr", image(1, 256, 256), image(1, 9, 21)) {
      try VDSR(depth: $0 ? 3 : 20).network(.random(seed: 1))
    },
    unet("unet", .standard), unet("unet_separable", .separable), dark("dark_base", .base), dark("dark_light", .light),
    dark("dark_lighter", .lighter),
    DeviceCheckNetwork("small_resnet", Shape(batch: 64, channels: 3, height: 32, width: 32), image(3, 17, 21)) { _ in
      try SmallResNet().network(.random(seed: 1))
    },
    DeviceCheckNetwork("small_resnet_selection", Shape(batch: 64, channels: 3, height: 32, width: 32), image(3, 17, 21)) { _ in
      try SmallResNet(convolution: .selection).network(.random(seed: 1))
    },
    DeviceCheckNetwork("resnet18", image(3, 224, 224), image(3, 33, 33)) {
      try ResNet18(features: $0 ? 16 : 64).network(.random(seed: 1))
    },
    DeviceCheckNetwork("resnet18_selection", image(3, 224, 224), image(3, 33, 33)) {
      try ResNet18(features: $0 ? 16 : 64, convolution: .selection).network(.random(seed: 1))
    },
  ]

  /// Those whose times tell more on a large device.
  package static let largeInputs: [DeviceCheckNetwork] = [
    all[0].resized("edsr_720p", image(3, 720, 1280)), all[1].resized("edsr_separable_720p", image(3, 720, 1280)),
    all[3].resized("unet_b4", Shape(batch: 4, channels: 3, height: 512, width: 512)),
    all[4].resized("unet_separable_b4", Shape(batch: 4, channels: 3, height: 512, width: 512)),
  ]

  /// The same of integers, the first layer, too; its ranges are those of a small input.
  private var quantized: DeviceCheckNetwork {
    var result = self
    result.name = name + "_int8"
    result.isOfIntegers = true
    result.make = { [smallInput, make] isSmall in
      let network = try make(isSmall), input = DeviceCheck.randomInput(smallInput)
      let data = CalibrationData(samples: [.init(input: input, target: nil)])
      let ranges = try RangeCalibration(of: network, on: data, engine: .cpu(), method: .minmax).ranges
      return try network.quantized(ranges, QuantizationScheme(keepsFirst: false))
    }
    return result
  }

  private func resized(_ name: String, _ input: Shape) -> DeviceCheckNetwork {
    var result = self
    result.name = name
    result.input = input
    return result
  }

  private static func image(_ channels: Int, _ height: Int, _ width: Int) -> Shape {
    Shape(channels: channels, height: height, width: width)
  }

  private static func edsr(_ name: String, _ kind: ConvolutionKind) -> DeviceCheckNetwork {
    DeviceCheckNetwork(name, image(3, 256, 256), image(3, 9, 19)) {
      try EDSR(blocks: $0 ? 1 : 16, convolution: kind).network(.random(seed: 1))
    }
  }

  private static func unet(_ name: String, _ kind: ConvolutionKind) -> DeviceCheckNetwork {
    DeviceCheckNetwork(name, image(3, 512, 512), image(3, 16, 32)) {
      try UNet(features: $0 ? 16 : 64, convolution: kind).network(.random(seed: 1))
    }
  }

  private static func dark(_ name: String, _ variant: SeeInTheDark.Variant) -> DeviceCheckNetwork {
    DeviceCheckNetwork(name, image(4, 256, 256), image(4, 16, 16)) {
      try SeeInTheDark(variant: variant, features: $0 ? 16 : 32).network(.random(seed: 1))
    }
  }
}
