import Networks
import Tensors

/// One node with its parameters, ready to run.
struct ReferenceKernel {
  let node: Node
  let network: Network

  func parameter(_ role: String) -> Tensor? { network.parameter(role, of: node) }

  /// The value of the node; nil where a parameter or an input is missing.
  func run(_ inputs: [Tensor], output: Shape) -> Tensor? {
    guard let x = inputs.first else { return nil }
    switch node.operation {
    case .convolution(let payload): return convolution(payload, inputs)
    case .transposedConvolution(let payload):
      guard let weight = parameter("weight") else { return nil }
      return transposedConvolve(payload, x, weight: weight, bias: parameter("bias"), output: output)
    case .linear(let payload):
      guard let weight = parameter("weight") else { return nil }
      return multiply(payload, x, weight: weight, bias: parameter("bias"), output: output)
    case .batchNorm(let payload): return batchNorm(payload, x)
    case .activation(let function): return activate(x, function)
    case .scale(let payload): return mapped(x) { $0 * Double(payload.factor) }
    case .channelAffine:
      guard let scale = parameter("scale")?.floats, let shift = parameter("shift")?.floats else { return nil }
      return mapped(x) { value, channel in value * Double(scale[channel]) + Double(shift[channel]) }
    case .add: return inputs.count == 2 ? sum(x, inputs[1]) : nil
    case .binary(let function): return inputs.count == 2 ? combine(x, inputs[1], function, output: output) : nil
    case .concatenation: return concatenate(inputs, output: output)
    case .pixelShuffle(let payload): return pixelShuffle(x, factor: payload.factor, order: payload.order, output: output)
    case .pixelUnshuffle(let payload):
      return pixelUnshuffle(x, factor: payload.factor, order: payload.order, output: output)
    case .resize(let payload): return resize(x, payload, output: output)
    case .maximumPool(let pool): return maximumPool(x, pool, output: output)
    case .averagePool(let pool): return averagePool(x, pool, output: output)
    case .globalAveragePool:
      let whole = Pool(kernel: Pair(height: x.shape.height, width: x.shape.width))
      return averagePool(x, whole, output: output)
    case .flatten, .reshape: return x.reshaped(output)
    case .slice(let payload): return slice(x, payload, output: output)
    case .pad(let payload): return pad(x, payload, output: output)
    case .softmax(let payload): return softmax(x, axis: payload.axis)
    case .transpose(let payload): return transpose(x, payload, output: output)
    case .reduceMean(let payload): return mean(x, axes: payload.axes, output: output)
    }
  }

  /// The convolution, then each step of the epilogue as an operation of its own.
  private func convolution(_ payload: Convolution, _ inputs: [Tensor]) -> Tensor? {
    guard let weight = parameter("weight"), let shape = try? payload.shapeBeforeShuffle(inputs[0].shape) else { return nil }
    var value = convolve(payload, inputs[0], weight: weight, bias: parameter("bias"), output: shape)
    var extras = inputs.dropFirst()
    for step in payload.epilogue.steps {
      switch step {
      case .activation(let function):
        guard let next = activate(value, function) else { return nil }
        value = next
      case .scale(let factor): value = mapped(value) { $0 * Double(factor) }
      case .add:
        guard let extra = extras.popFirst() else { return nil }
        value = sum(value, extra)
      case .pixelShuffle(let factor):
        guard let shuffled = try? Operation.pixelShuffle(PixelShuffle(factor: factor)).outputShape([value.shape]) else {
          return nil
        }
        value = pixelShuffle(value, factor: factor, order: .channelsOutermost, output: shuffled)
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

  /// Calls `body` with the address of the first float.
  func withFloats(_ body: (UnsafePointer<Float>) -> Void) {
    withUnsafeFloats { elements in
      if let base = elements.baseAddress { body(base) }
    }
  }
}
