import GeneratedNetworks
import Networks
import Tensors

extension OperationCase {
  /// Networks of integers, which the reference runs and the CPU engine refuses: generated layers of every kind that requantises.
  package static let integers: [OperationCase] = {
    var choices = IntegerChoices()
    return (0..<40).map { choices.convolution($0) } + (0..<30).map { choices.transposedConvolution($0) }
      + (0..<12).map { choices.linear($0) } + [choices.network()]
  }()
}

private struct IntegerChoices {
  var generator = SplitMix64(seed: 8)

  mutating func any<T>(_ list: [T]) -> T { list[Int.random(in: list.indices, using: &generator)] }
  mutating func any(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
  mutating func pair(_ range: ClosedRange<Int>) -> Pair { Pair(height: any(range), width: any(range)) }

  /// Zero points at both ends as often as between.
  mutating func quantization(_ element: DataType) -> ValueType.Quantization {
    let integers = element.integers!
    let zeroPoint = any([integers.lowerBound, integers.upperBound, any(integers), 0])
    return ValueType.Quantization(scale: 0.25, zeroPoint: zeroPoint)
  }

  mutating func requantization() -> Requantization {
    let element = any([DataType.int8, .uint8]), quantization = quantization(element), integers = element.integers!
    // As a ReLU and a clip behind it would.
    let least = any(0...2) == 0 ? min(quantization.zeroPoint, integers.upperBound - 90) : nil
    return Requantization(
      element, quantization, minimum: least, maximum: least.map { $0 + 90 }, isPerChannel: any(0...1) == 0)
  }

  mutating func convolution(_ index: Int) -> OperationCase {
    let groups = any([1, 1, 2, 5]), isDepthwise = groups == 5
    let inChannels = groups * (isDepthwise ? 1 : any(1...7))
    let outChannels = isDepthwise ? groups : groups * any([1, 2, 4, 8])
    let shuffles = outChannels % 4 == 0 && any(0...2) == 0
    let payload = Convolution(
      inChannels: inChannels, outChannels: outChannels, kernel: pair(1...3), stride: pair(1...3),
      padding: Padding(top: any(0...2), left: any(0...2), bottom: any(0...2), right: any(0...2)), dilation: pair(1...2),
      groups: groups, hasBias: any(0...1) == 0,
      epilogue: Epilogue([.requantize(requantization())] + (shuffles ? [.pixelShuffle(2)] : [])))
    return layer("convolution \(index)", .convolution(payload), [any(1...2), inChannels, any(5...9), any(5...9)])
  }

  mutating func transposedConvolution(_ index: Int) -> OperationCase {
    let groups = any([1, 1, 2]), inChannels = groups * any(1...4)
    let stride = pair(1...3)
    let payload = TransposedConvolution(
      inChannels: inChannels, outChannels: groups * any(1...3), kernel: pair(2...4), stride: stride,
      padding: Padding(any(0...1)),
      outputPadding: Pair(height: any(0...stride.height - 1), width: any(0...stride.width - 1)), dilation: pair(1...2),
      groups: groups, hasBias: any(0...1) == 0, epilogue: Epilogue([.requantize(requantization())]))
    return layer(
      "transposed convolution \(index)", .transposedConvolution(payload), [any(1...2), inChannels, any(2...5), any(2...5)])
  }

  mutating func linear(_ index: Int) -> OperationCase {
    let payload = Linear(
      inFeatures: any(1...40), outFeatures: any(1...9), hasBias: any(0...1) == 0,
      epilogue: Epilogue([.requantize(requantization())]))
    return layer("linear \(index)", .linear(payload), [any(1...3), payload.inFeatures])
  }

  /// Layers of which one reads the other, with what moves elements between.
  mutating func network() -> OperationCase {
    let input = ValueType.Quantization(scale: 0.5, zeroPoint: 128)
    let middle = Requantization(.int8, .init(scale: 0.1, zeroPoint: -3), minimum: -3)
    let last = Requantization(.uint8, .init(scale: 0.2, zeroPoint: 7), isPerChannel: false)
    return make("layers of integers", [2, 3, 6, 8], .uint8, input) { builder, x in
      let first = Convolution(inChannels: 3, outChannels: 8, kernel: 3, padding: 1, epilogue: Epilogue([.requantize(middle)]))
      let head = builder.node("head", .convolution(first), [x], channels: 8)
      let shuffled = builder.pixelShuffle("shuffled", head, factor: 2)
      let slice = builder.slice("slice", shuffled, [.init(axis: 2, start: 1, end: 4), .init(axis: 3, start: 0, end: 3)])
      let joined = builder.concatenation("joined", [slice, slice])
      let flat = builder.flatten("flat", joined)
      let linear = Linear(inFeatures: 36, outFeatures: 5, epilogue: Epilogue([.requantize(last)]))
      return builder.node("logits", .linear(linear), [flat], channels: 5)
    }
  }

  private mutating func layer(_ name: String, _ operation: Operation, _ shape: Shape) -> OperationCase {
    let element = any([DataType.int8, .uint8])
    return make("\(name) of \(element)", shape, element, quantization(element)) { builder, x in
      builder.node("layer", operation, [x], channels: 1)
    }
  }

  private func make(
    _ name: String, _ shape: Shape, _ element: DataType, _ quantization: ValueType.Quantization,
    _ build: (inout NetworkBuilder, NetworkBuilder.Value) -> NetworkBuilder.Value
  ) -> OperationCase {
    var builder = NetworkBuilder("integers")
    let axes: [Int?] = shape.extents.enumerated().map { $0 == 0 || $0 > 1 ? nil : $1 }
    let x = builder.input("x", axes: axes, element: element, quantization: quantization)
    builder.output(build(&builder, x))
    do {
      let network = try builder.build(.zeros).randomized(seed: OperationCase.seed(of: name))
      _ = try network.inferredShapes(inputs: [shape])
      return OperationCase(name: name, network: network, inputShapes: [shape])
    } catch {
      preconditionFailure("the case \(name) is invalid: \(error)")
    }
  }
}
