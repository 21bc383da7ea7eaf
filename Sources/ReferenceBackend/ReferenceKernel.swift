import Networks
import Tensors

/// One node with its parameters, ready to run.
struct ReferenceKernel {
  let node: Node
  let network: Network
  /// What the integers of each operand stand for; nil where it has none.
  let quantizations: [ValueType.Quantization?]

  /// - Parameter types: of the values of the network.
  init(node: Node, network: Network, types: [String: ValueType]) {
    self.node = node
    self.network = network
    quantizations = node.inputs.map { types[$0]?.quantization }
  }

  /// What the first operand's integers are where they stand for 0; padding holds that.
  var zeroPoint: Int { quantizations.first??.zeroPoint ?? 0 }

  func parameter(_ role: ParameterRole) -> Tensor? { network.parameter(role, of: node) }

  /// The value of the node; nil where a parameter or an input is missing.
  func run(_ inputs: [Tensor], output: Shape) -> Tensor? {
    if case .constant = node.operation { return parameter(.value) }
    guard let x = inputs.first else { return nil }
    switch node.operation {
    case .convolution(let payload): return convolution(payload, inputs)
    case .separableConvolution(let payload): return separableConvolution(payload, inputs)
    case .transposedConvolution(let payload):
      guard let shape = try? payload.shapeBeforeShuffle(x.shape),
        let value = summed(
          x, output: shape, integers: integers(payload.epilogue), float: { convolve(payload, $0) },
          integer: { convolve(payload, $0) })
      else { return nil }
      return finished(value, payload.epilogue, extras: inputs.dropFirst())
    case .linear(let payload):
      guard
        let value = summed(
          x, output: output, integers: integers(payload.epilogue), float: { multiply(payload, $0) },
          integer: { multiply(payload, $0) })
      else { return nil }
      return finished(value, payload.epilogue, extras: [])
    case .batchNorm(let payload): return batchNorm(payload, x)
    case .activation(let function): return activate(x, function)
    case .scale(let payload): return mapped(x) { $0 * Double(payload.factor) }
    case .channelAffine:
      guard let scale = parameter(.scale)?.floats, let shift = parameter(.shift)?.floats else { return nil }
      return mapped(x) { value, channel in value * Double(scale[channel]) + Double(shift[channel]) }
    case .add: return inputs.count == 2 ? sum(x, inputs[1]) : nil
    case .binary(let function): return inputs.count == 2 ? combine(x, inputs[1], function, output: output) : nil
    case .matrixMultiply: return inputs.count == 2 ? multiply(x, inputs[1], output: output) : nil
    case .concatenation(let payload): return concatenate(inputs, axis: payload.axis, output: output)
    case .pixelShuffle(let payload): return pixelShuffle(x, factor: payload.factor, order: payload.order, output: output)
    case .pixelUnshuffle(let payload):
      return pixelUnshuffle(x, factor: payload.factor, order: payload.order, output: output)
    case .resize(let payload): return resize(x, payload, output: output)
    case .maximumPool(let pool):
      return x.dataType.isCode ? maximumOfIntegers(x, pool, output: output) : maximumPool(x, pool, output: output)
    case .averagePool(let pool): return averagePool(x, pool, output: output)
    case .globalAveragePool:
      let whole = Pool(kernel: Pair(height: x.shape.height, width: x.shape.width))
      return averagePool(x, whole, output: output)
    case .flatten, .reshape: return x.reshaped(output)
    case .slice(let payload): return slice(x, payload, output: output)
    case .pad(let payload): return pad(x, payload, output: output)
    case .softmax(let payload): return softmax(x, axis: payload.axis)
    case .transpose(let payload): return transpose(x, payload, output: output)
    case .reduction(let payload): return reduce(x, payload, output: output)
    case .maximumIndex(let payload): return maximumIndex(x, payload, output: output)
    case .normalization(let payload): return normalize(x, payload)
    case .expand: return expand(x, output: output)
    case .integer(let operation): return compute(operation, inputs)
    case .training(let operation): return train(operation, inputs, output: output)
    case .constant: return nil
    }
  }

  private func convolution(_ payload: Convolution, _ inputs: [Tensor]) -> Tensor? {
    guard let shape = try? payload.shapeBeforeShuffle(inputs[0].shape),
      let value = summed(
        inputs[0], output: shape, integers: integers(payload.epilogue), float: { convolve(payload, $0) },
        integer: { convolve(payload, $0) })
    else { return nil }
    return finished(value, payload.epilogue, extras: inputs.dropFirst())
  }

  /// Both parts one after the other, rounding between them as two nodes would; then the epilogue.
  private func separableConvolution(_ payload: SeparableConvolution, _ inputs: [Tensor]) -> Tensor? {
    let parts = payload.parts
    let roles = payload.linearParts
    func part(_ payload: Convolution, _ x: Tensor, _ part: LinearPart, _ integers: IntegerSums.Scale?) -> Tensor? {
      guard let shape = try? payload.shapeBeforeShuffle(x.shape) else { return nil }
      return summed(
        x, output: shape, weight: part.weightRole, bias: part.biasRole, integers: integers,
        float: { convolve(payload, $0) }, integer: { convolve(payload, $0) })
    }
    func scale(_ part: LinearPart, zeroPoint: Int) -> IntegerSums.Scale? {
      guard payload.middleRequantization != nil else { return nil }
      return IntegerSums.Scale(zeroPoint: zeroPoint, multiplier: part.multiplierRole)
    }
    guard var value = part(parts.first, inputs[0], roles[0], scale(roles[0], zeroPoint: zeroPoint)) else { return nil }
    if let middle = payload.middle {
      guard let activated = activate(value, middle, slopeRole: .middleSlope) else { return nil }
      value = activated
    }
    if let step = payload.middleRequantization { value = stored(value, step.element) { step.stored($0) } }
    let middleZero = payload.middleRequantization?.quantization.zeroPoint ?? 0
    guard let sums = part(parts.second, value, roles[1], scale(roles[1], zeroPoint: middleZero)) else { return nil }
    return finished(sums, payload.epilogue, extras: inputs.dropFirst())
  }

  /// Each step of an epilogue as an operation of its own; integer sums have been rescaled where they were summed.
  func finished(_ value: Tensor, _ epilogue: Epilogue, extras: ArraySlice<Tensor>) -> Tensor? {
    var value = value
    var extras = extras
    var quantizations = quantizations.dropFirst()
    for step in epilogue.steps {
      switch step {
      case .activation(let function):
        guard let next = activate(value, function) else { return nil }
        value = next
      case .scale(let factor): value = mapped(value) { $0 * Double(factor) }
      case .add:
        guard let extra = extras.popFirst() else { return nil }
        let numbers: Tensor
        if let requantization = epilogue.requantization {
          guard let quantization = quantizations.first ?? nil else { return nil }
          numbers = rescaled(extra, quantization, to: requantization)
        } else {
          numbers = extra
        }
        quantizations = quantizations.dropFirst()
        value = sum(value, numbers)
      case .pixelShuffle(let factor):
        guard let shuffled = try? Operation.pixelShuffle(PixelShuffle(factor: factor)).outputShape([value.shape]) else {
          return nil
        }
        value = pixelShuffle(value, factor: factor, order: .channelsOutermost, output: shuffled)
      case .rescale: continue
      case .requantize(let payload): value = stored(value, payload.element) { payload.stored($0) }
      case .quantize(let payload): value = stored(value, payload.element) { payload.stored($0) }
      }
    }
    return value
  }
}

extension Tensor {
  /// A float32 tensor of that shape whose every element `body` writes.
  init(filling shape: Shape, _ body: (UnsafeMutablePointer<Float>) -> Void) {
    self.init(unsafeUninitialized: shape) { bytes in
      if let base = bytes.bindMemory(to: Float.self).baseAddress { body(base) }
    }
  }

  /// A tensor of that shape, of elements of the first one's type, every one of which `body` copies: to a position, from a tensor and its
  /// position, that many.
  init(
    moving tensors: [Tensor], to shape: Shape,
    _ body: ((_ position: Int, _ tensor: Int, _ from: Int, _ count: Int) -> Void) -> Void
  ) {
    let type = tensors.first?.dataType ?? .float32, size = type.byteCount
    self.init(unsafeUninitialized: shape, type) { target in
      body { position, number, from, count in
        tensors[number].withUnsafeBytes { source in
          target.baseAddress?.advanced(by: position * size).copyMemory(
            from: source.baseAddress!.advanced(by: from * size), byteCount: count * size)
        }
      }
    }
  }

  /// Calls `body` with the address of the first float.
  func withFloats(_ body: (UnsafePointer<Float>) -> Void) {
    withUnsafeFloats { elements in
      if let base = elements.baseAddress { body(base) }
    }
  }
}
