import CKernels
import Networks
import Tensors

extension sw_epilogue {
  /// Makes channel `channel` the first.
  @inline(__always)
  mutating func move(by channel: Int) {
    bias = bias.map { $0 + channel }
    before.slopes = before.slopes.map { $0 + channel }
    after.slopes = after.slopes.map { $0 + channel }
    integers.start = integers.start.map { $0 + channel }
    integers.multiplier = integers.multiplier.map { $0 + channel }
  }
}

/// The constants of an epilogue in the order of the kernel's output channels, and the C structure that points at them.
final class EpilogueParameters {
  let structure: sw_epilogue
  /// The biases, then the slopes.
  private let constants: Pack
  /// Of sums of integers.
  private let integers: Pack?

  var packs: [Pack] { [constants] + (integers.map { [$0] } ?? []) }

  /// - Parameters:
  ///   - order: for each stored output channel the channel of the node, nil for padding.
  ///   - bias: one value a channel of the node.
  ///   - slopes: of a PReLU, one a channel of the node or one for all.
  ///   - sums: what is done to sums of integers, whose biases are integers, too; nil where they are float32.
  init(
    _ epilogue: CanonicalEpilogue, order: [Int?], bias: ParameterTensor?, slopes: ParameterTensor?, sums: IntegerSums? = nil,
    packs: PackStore
  ) {
    integers = sums.map { packs.pack(IntegerConstants(sums: $0, bias: bias, order: order), takesMemory: true) }
    let bias = sums == nil ? bias : nil
    // The structure points into it.
    constants = packs.pack(Layout(bias: bias, slopes: slopes, order: order), takesMemory: true)
    let slopeBase = UnsafePointer(constants.floats + order.count)
    structure = sw_epilogue(
      bias: bias == nil ? nil : UnsafePointer(constants.floats), before: Self.activation(epilogue.before, slopeBase),
      scale: epilogue.scale, after: Self.activation(epilogue.after, slopeBase),
      integers: sw_integers(
        start: integers.map { UnsafePointer($0.base.assumingMemoryBound(to: Int32.self)) },
        multiplier: integers.map { UnsafePointer($0.floats + order.count) },
        added: sums?.addedCodes ?? sw_scaled_codes(), stored: sums?.storedCodes ?? sw_stored_codes()))
  }

  private struct Layout: PackLayout {
    let bias: ParameterTensor?
    let slopes: ParameterTensor?
    let order: [Int?]

    var sources: [ParameterTensor] { [bias, slopes].compactMap { $0 } }
    var byteCount: Int { 2 * order.count * 4 }
    var partCount: Int { 1 }

    func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
      let first = bias == nil ? 1 : 0
      for (index, tensor) in tensors.enumerated() {
        ChannelPack.fill(base.floats + (first + index) * order.count, order: order, from: tensor)
      }
    }
  }

  static func activation(_ function: ActivationFunction?, _ slopes: UnsafePointer<Float>?) -> sw_activation {
    var result = sw_activation(kind: SW_ACTIVATION_NONE, a: 0, b: 0, slopes: slopes)
    switch function {
    case nil: break
    case .relu: result.kind = SW_ACTIVATION_RELU
    case .leakyReLU(let slope):
      result.kind = SW_ACTIVATION_LEAKY_RELU
      result.a = slope
    case .prelu: result.kind = SW_ACTIVATION_PRELU
    case .clip(let minimum, let maximum):
      result.kind = SW_ACTIVATION_CLIP
      result.a = minimum
      result.b = maximum
    case .sigmoid: result.kind = SW_ACTIVATION_SIGMOID
    case .tanh: result.kind = SW_ACTIVATION_TANH
    case .hardSigmoid(let alpha, let beta):
      result.kind = SW_ACTIVATION_HARD_SIGMOID
      result.a = alpha
      result.b = beta
    case .hardSwish: result.kind = SW_ACTIVATION_HARD_SWISH
    case .gelu: result.kind = SW_ACTIVATION_GELU
    case .geluTanh: result.kind = SW_ACTIVATION_GELU_TANH
    case .silu: result.kind = SW_ACTIVATION_SILU
    case .softplus: result.kind = SW_ACTIVATION_SOFTPLUS
    case .elu(let alpha):
      result.kind = SW_ACTIVATION_ELU
      (result.a, result.b) = (alpha, 1)
    case .celu(let alpha):
      result.kind = SW_ACTIVATION_ELU
      (result.a, result.b) = (alpha, 1 / alpha)
    case .thresholdedReLU(let alpha):
      result.kind = SW_ACTIVATION_THRESHOLDED_RELU
      result.a = alpha
    case .softsign: result.kind = SW_ACTIVATION_SOFTSIGN
    case .errorFunction: result.kind = SW_ACTIVATION_ERROR_FUNCTION
    case .exponential: result.kind = SW_ACTIVATION_EXPONENTIAL
    case .logarithm: result.kind = SW_ACTIVATION_LOGARITHM
    case .squareRoot: result.kind = SW_ACTIVATION_SQUARE_ROOT
    case .reciprocal: result.kind = SW_ACTIVATION_RECIPROCAL
    case .power(let exponent):
      result.kind = SW_ACTIVATION_POWER
      result.a = exponent
    case .floor: result.kind = SW_ACTIVATION_FLOOR
    case .ceiling: result.kind = SW_ACTIVATION_CEILING
    case .round: result.kind = SW_ACTIVATION_ROUND
    case .sign: result.kind = SW_ACTIVATION_SIGN
    case .sine: result.kind = SW_ACTIVATION_SINE
    case .cosine: result.kind = SW_ACTIVATION_COSINE
    }
    return result
  }
}

/// One value a channel, in the order of a kernel's channels, 0 for padding.
struct ChannelPack: PackLayout {
  let values: ParameterTensor
  /// For each stored channel the channel of the node, nil for padding.
  let order: [Int?]

  var sources: [ParameterTensor] { [values] }
  var byteCount: Int { order.count * 4 }
  var partCount: Int { 1 }

  func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
    Self.fill(base.floats, order: order, from: tensors[0])
  }

  /// One value may serve all channels.
  static func fill(_ base: UnsafeMutablePointer<Float>, order: [Int?], from tensor: Tensor) {
    tensor.withUnsafeFloats { values in
      for case (let index, let channel?) in order.enumerated() { base[index] = values.count == 1 ? values[0] : values[channel] }
    }
  }
}
