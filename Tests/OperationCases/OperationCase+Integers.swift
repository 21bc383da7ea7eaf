import GeneratedNetworks
import Networks
import Tensors

extension OperationCase {
  /// Networks of integers: generated layers of every kind that sums such, and what makes integers, moves them and reckons with them.
  package static let integers: [OperationCase] = {
    var choices = IntegerChoices()
    var cases = (0..<40).map { choices.convolution($0) } + (0..<30).map { choices.transposedConvolution($0) }
    cases += (0..<12).map { choices.linear($0) } + (0..<24).map { choices.separable($0) }
    cases += (0..<10).map { choices.quantizingConvolution($0) } + choices.operations()
    return cases + [choices.network(), choices.islands()]
  }()
}

private struct IntegerChoices {
  var generator = SplitMix64(seed: 8)

  mutating func any<T>(_ list: [T]) -> T { list[Int.random(in: list.indices, using: &generator)] }
  mutating func any(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
  mutating func pair(_ range: ClosedRange<Int>) -> Pair { Pair(height: any(range), width: any(range)) }
  mutating func element() -> DataType { any([.int8, .uint8]) }

  /// Zero points at both ends as often as between.
  mutating func quantization(_ element: DataType) -> ValueType.Quantization {
    let integers = element.integers!
    let zeroPoint = any([integers.lowerBound, integers.upperBound, any(integers), 0])
    return ValueType.Quantization(scale: any([0.25, 0.3, 1]), zeroPoint: zeroPoint)
  }

  mutating func requantization() -> Requantization {
    let element = element(), quantization = quantization(element), integers = element.integers!
    // As a ReLU and a clip behind it would.
    let least = any(0...2) == 0 ? min(quantization.zeroPoint, integers.upperBound - 90) : nil
    return Requantization(element, quantization, minimum: least, maximum: least.map { $0 + 90 })
  }

  mutating func activation(_ channels: Int) -> [Epilogue.Step] {
    any([[], [], [.activation(.leakyReLU(slope: 0.2))], [.activation(.prelu(channels: channels))]])
  }

  /// Any steps behind sums of integers, with at most one operand that is added.
  mutating func steps(_ channels: Int, shuffles: Bool = true) -> Epilogue {
    let shuffle: [Epilogue.Step] = shuffles && channels % 4 == 0 && any(0...2) == 0 ? [.pixelShuffle(2)] : []
    let before = activation(channels)
    if any(0...3) == 0 {
      let numbers: [Epilogue.Step] = any([[], [.activation(.relu)], [.scale(0.5), .add], [.add, .activation(.relu)]])
      return Epilogue([.rescale] + before + numbers + shuffle)
    }
    let adds: [Epilogue.Step] = any([[], [.add], [.activation(.relu), .add]])
    let first = adds.count == 2 ? [] : before
    return Epilogue([.rescale] + first + adds + [.requantize(requantization())] + shuffle)
  }

  mutating func convolution(_ index: Int) -> OperationCase {
    let groups = any([1, 1, 2, 5]), isDepthwise = groups == 5
    let inChannels = groups * (isDepthwise ? 1 : any(1...7))
    let outChannels = isDepthwise ? groups : groups * any([1, 2, 4, 8])
    let payload = Convolution(
      inChannels: inChannels, outChannels: outChannels, kernel: pair(1...3), stride: pair(1...3),
      padding: Padding(top: any(0...2), left: any(0...2), bottom: any(0...2), right: any(0...2)), dilation: pair(1...2),
      groups: groups, hasBias: any(0...1) == 0, epilogue: steps(outChannels))
    let shape: Shape = [any(1...2), inChannels, any(5...9), any(5...9)]
    return layer("convolution \(index)", .convolution(payload), shape, try? payload.shapeBeforeShuffle(shape))
  }

  mutating func transposedConvolution(_ index: Int) -> OperationCase {
    let groups = any([1, 1, 2]), inChannels = groups * any(1...4), outChannels = groups * any(1...3)
    let stride = pair(1...3)
    let payload = TransposedConvolution(
      inChannels: inChannels, outChannels: outChannels, kernel: pair(2...4), stride: stride,
      padding: Padding(any(0...1)),
      outputPadding: Pair(height: any(0...stride.height - 1), width: any(0...stride.width - 1)), dilation: pair(1...2),
      groups: groups, hasBias: any(0...1) == 0, epilogue: steps(outChannels, shuffles: false))
    let shape: Shape = [any(1...2), inChannels, any(2...5), any(2...5)]
    return layer(
      "transposed convolution \(index)", .transposedConvolution(payload), shape, try? payload.shapeBeforeShuffle(shape))
  }

  mutating func linear(_ index: Int) -> OperationCase {
    let closes = any(0...3) > 0
    let payload = Linear(
      inFeatures: any(1...40), outFeatures: any(1...9), hasBias: any(0...1) == 0,
      epilogue: Epilogue([.rescale] + (closes ? [.requantize(requantization())] : [])))
    return layer("linear \(index)", .linear(payload), [any(1...3), payload.inFeatures], nil)
  }

  mutating func separable(_ index: Int) -> OperationCase {
    let order = SeparableConvolution.Order.allCases[index % 2]
    let inChannels = any(1...9), outChannels = any([1, 3, 4, 8, 17])
    let middleChannels = order == .depthwiseFirst ? inChannels : outChannels
    let middle = any([nil, nil, ActivationFunction.leakyReLU(slope: 0.1), .prelu(channels: middleChannels)])
    let payload = SeparableConvolution(
      order: order, inChannels: inChannels, outChannels: outChannels, kernel: pair(1...3), stride: pair(1...2),
      padding: Padding(top: any(0...2), left: any(0...2), bottom: any(0...2), right: any(0...2)), dilation: pair(1...2),
      depthwiseHasBias: any(0...1) == 0, pointwiseHasBias: any(0...1) == 0, middle: middle,
      middleRequantization: requantization(), epilogue: steps(outChannels))
    let shape: Shape = [any(1...2), inChannels, any(5...9), any(5...9)]
    return layer(
      "separable convolution \(index)", .separableConvolution(payload), shape, try? payload.shapeBeforeShuffle(shape))
  }

  /// Of float32, which is stored as integers.
  mutating func quantizingConvolution(_ index: Int) -> OperationCase {
    let element = element(), outChannels = any([4, 7, 16])
    let quantization = ValueType.Quantization(scale: 0.01, zeroPoint: quantization(element).zeroPoint)
    let shuffle: [Epilogue.Step] = outChannels % 4 == 0 && any(0...1) == 0 ? [.pixelShuffle(2)] : []
    let payload = Convolution(
      inChannels: any(1...4), outChannels: outChannels, kernel: pair(1...3), padding: Padding(1),
      epilogue: Epilogue(any([[], [.activation(.relu)]]) + [.quantize(Quantize(element, quantization))] + shuffle))
    return make("convolution \(index) stored as \(element)", [1, payload.inChannels, any(5...9), 6], .float32, nil) {
      builder, x in
      builder.node("layer", .convolution(payload), [x], channels: outChannels)
    }
  }

  /// One case or some of each operation beside the layers.
  mutating func operations() -> [OperationCase] {
    var cases: [OperationCase] = []
    func payload(_ element: DataType) -> Quantize {
      Quantize(element, .init(scale: 1 / 127, zeroPoint: element == .int8 ? -3 : 77))
    }
    for element in [DataType.int8, .uint8] {
      cases.append(
        make("quantize to \(element)", [2, 3, 5, 6], .float32, nil) { builder, x in
          builder.node("y", .integer(.quantize(payload(element))), [x], channels: 3)
        })
      cases.append(
        make("quantize and dequantize \(element)", [2, 3, 5, 6], .float32, nil) { builder, x in
          let codes = builder.node("codes", .integer(.quantize(payload(element))), [x], channels: 3)
          return builder.node("y", .integer(.dequantize), [codes], channels: 3)
        })
      let codes = quantization(element)
      func add(
        _ name: String, _ shape: Shape = [2, 5, 6, 7],
        _ build: (inout NetworkBuilder, NetworkBuilder.Value) -> NetworkBuilder.Value
      ) {
        cases.append(make("\(name) of \(element)", shape, element, codes, build))
      }
      add("dequantize") { builder, x in builder.node("y", .integer(.dequantize), [x], channels: 5) }
      for other in [DataType.int8, .uint8] {
        let table = Lookup(other, quantization(other)), sum = requantization()
        add("lookup as \(other)") { builder, x in builder.node("y", .integer(.lookup(table)), [x], channels: 5) }
        add("sum with lookup as \(other)") { builder, x in
          let y = builder.node("y", .integer(.lookup(table)), [x], channels: 5)
          return builder.node("sum", .integer(.add(sum)), [x, y], channels: 5)
        }
      }
      for pool in [Pool(kernel: 2), Pool(kernel: 3, stride: 2, padding: 1), Pool(kernel: 3, stride: 2, ceilMode: true)] {
        add("maximum pool \(pool)") { builder, x in builder.maximumPool("y", x, pool) }
        add("average pool \(pool)") { builder, x in builder.averagePool("y", x, pool) }
      }
      let inner = Pool(kernel: 3, stride: 1, padding: 1, countIncludesPadding: false)
      add("average pool \(inner)") { builder, x in builder.averagePool("y", x, inner) }
      add("global average pool", [2, 19, 6, 7]) { builder, x in builder.globalAveragePool("y", x) }
      add("nearest resize") { builder, x in builder.resize("y", x, .nearest, factor: 2) }
      for mode in Pad.Mode.allCases {
        add("pad \(mode.rawValue)") { builder, x in
          builder.pad("y", x, Pad(Padding(top: 1, left: 2, bottom: 3, right: 0), mode: mode))
        }
      }
      add("pad channels") { builder, x in builder.pad("y", x, Pad(Padding(1), channelsBefore: 1, channelsBehind: 2, value: 1.6))
      }
      add("concatenation") { builder, x in builder.concatenation("y", [x, builder.maximumPool("pool", x, Pool(kernel: 1)), x]) }
      add("pixel unshuffle", [1, 3, 4, 6]) { builder, x in builder.pixelUnshuffle("y", x, factor: 2) }
      add("pixel shuffle", [1, 12, 4, 5]) { builder, x in builder.pixelShuffle("y", x, factor: 2) }
    }
    return cases
  }

  /// Layers of which one reads the other, with what moves elements between.
  mutating func network() -> OperationCase {
    let input = ValueType.Quantization(scale: 0.5, zeroPoint: 128)
    let middle = Requantization(.int8, .init(scale: 0.1, zeroPoint: -3), minimum: -3)
    let last = Requantization(.uint8, .init(scale: 0.2, zeroPoint: 7))
    return make("layers of integers", [2, 3, 6, 8], .uint8, input) { builder, x in
      let first = Convolution(
        inChannels: 3, outChannels: 8, kernel: 3, padding: 1, epilogue: Epilogue([.rescale, .requantize(middle)]))
      let head = builder.node("head", .convolution(first), [x], channels: 8)
      let shuffled = builder.pixelShuffle("shuffled", head, factor: 2)
      let slice = builder.slice("slice", shuffled, [.init(axis: 2, start: 1, end: 4), .init(axis: 3, start: 0, end: 3)])
      let joined = builder.concatenation("joined", [slice, slice])
      let flat = builder.flatten("flat", joined)
      let linear = Linear(inFeatures: 36, outFeatures: 5, epilogue: Epilogue([.rescale, .requantize(last)]))
      return builder.node("logits", .linear(linear), [flat], channels: 5)
    }
  }

  /// Float32 in and out, a residual block of integers and a function of float32 between.
  mutating func islands() -> OperationCase {
    let scale = ValueType.Quantization(scale: 1 / 100, zeroPoint: 100)
    let wide = Requantization(.uint8, .init(scale: 0.5, zeroPoint: 100))
    return make("islands of integers", [1, 8, 9, 7], .float32, nil) { builder, x in
      func convolution(_ steps: [Epilogue.Step]) -> Operation {
        .convolution(Convolution(inChannels: 8, outChannels: 8, kernel: 3, padding: 1, epilogue: Epilogue(steps)))
      }
      let codes = builder.node("codes", .integer(.quantize(Quantize(.uint8, scale))), [x], channels: 8)
      let a = builder.node("a", convolution([.rescale, .requantize(wide)]), [codes], channels: 8)
      let b = builder.node("b", convolution([.rescale, .add, .requantize(wide)]), [a, codes], channels: 8)
      let sum = builder.node("sum", .integer(.add(wide)), [a, b], channels: 8)
      let numbers = builder.node("numbers", .integer(.dequantize), [sum], channels: 8)
      let clipped = builder.activation("clipped", numbers, .clip(minimum: -1, maximum: 1))
      let again = builder.node("again", .integer(.quantize(Quantize(.uint8, scale))), [clipped], channels: 8)
      return builder.node("tail", convolution([.rescale, .scale(0.5), .add]), [again, x], channels: 8)
    }
  }

  private mutating func layer(_ name: String, _ operation: Operation, _ shape: Shape, _ extra: Shape?) -> OperationCase {
    let element = element(), added = self.element(), other = quantization(added)
    let epilogue = operation.epilogue ?? Epilogue()
    var extras: [(Shape, DataType, ValueType.Quantization?)] = []
    if epilogue.extraInputCount > 0, let extra {
      extras.append(epilogue.requantization == nil ? (extra, .float32, nil) : (extra, added, other))
    }
    return make("\(name) of \(element)", [(shape, element, quantization(element))] + extras) { builder, x in
      builder.node("layer", operation, x, channels: 1)
    }
  }

  private func make(
    _ name: String, _ shape: Shape, _ element: DataType, _ quantization: ValueType.Quantization?,
    _ build: (inout NetworkBuilder, NetworkBuilder.Value) -> NetworkBuilder.Value
  ) -> OperationCase {
    make(name, [(shape, element, quantization)]) { builder, x in build(&builder, x[0]) }
  }

  private func make(
    _ name: String, _ inputs: [(shape: Shape, element: DataType, quantization: ValueType.Quantization?)],
    _ build: (inout NetworkBuilder, [NetworkBuilder.Value]) -> NetworkBuilder.Value
  ) -> OperationCase {
    var builder = NetworkBuilder("integers")
    let values = inputs.enumerated().map { number, input in
      let axes: [Int?] = input.shape.extents.enumerated().map { $0 == 0 || $0 > 1 ? nil : $1 }
      return builder.input(number == 0 ? "x" : "r", axes: axes, element: input.element, quantization: input.quantization)
    }
    builder.output(build(&builder, values))
    do {
      let network = try builder.build(.zeros).randomized(seed: OperationCase.seed(of: name))
      let shapes = inputs.map(\.shape)
      _ = try network.inferredShapes(inputs: shapes)
      return OperationCase(name: name, network: network, inputShapes: shapes)
    } catch {
      preconditionFailure("the case \(name) is invalid: \(error)")
    }
  }
}
