import CKernels
import Networks
import Tensors

/// Integers of 8 bits as the engine holds them: unsigned bytes, an int8 q as q + 128. So there is one kind of them for kernels, whose
/// products take unsigned bytes on one side; sums know no difference, because what stands for 0 moves, too.
struct Codes: Hashable {
  /// Of the bytes.
  var zeroPoint: Int
  var scale: Float

  /// Those of a value of a network; nil of floats. Integers that stand for themselves have the scale 1.
  init?(_ type: ValueType) {
    guard type.element.isCode else { return nil }
    self.init(type.element, type.quantization ?? .init(scale: 1))
  }

  init(_ element: DataType, _ quantization: ValueType.Quantization) {
    zeroPoint = quantization.zeroPoint + Self.offset(of: element)
    scale = quantization.scale
  }

  /// The byte of the integer that stands for a number in a value of that type; nil of floats.
  static func byte(of number: Float, _ type: ValueType) -> UInt8? {
    guard type.element.isCode else { return nil }
    let integer = Quantize(type.element, type.quantization ?? .init(scale: 1)).stored(number)
    return UInt8(truncatingIfNeeded: integer + offset(of: type.element))
  }

  /// What is added to an integer.
  static func offset(of element: DataType) -> Int { element == .int8 ? 128 : 0 }
  /// The same as bits that change.
  static func flip(of element: DataType) -> UInt8 { element == .int8 ? 0x80 : 0 }

  /// How they count in sums of another scale.
  func scaled(to requantization: Requantization) -> sw_scaled_codes {
    sw_scaled_codes(zero: Int32(zeroPoint), ratio: scale / requantization.quantization.scale)
  }

  /// What numbers in units of their scale become.
  var all: sw_stored_codes {
    sw_stored_codes(least: Float(-zeroPoint), most: Float(255 - zeroPoint), zero: Int32(zeroPoint))
  }

  /// How they count as numbers.
  var numbers: sw_scaled_codes { sw_scaled_codes(zero: Int32(zeroPoint), ratio: scale) }
}

extension Requantization {
  /// What is stored.
  var stored: sw_stored_codes {
    let zero = quantization.zeroPoint
    return sw_stored_codes(
      least: Float(minimum - zero), most: Float(maximum - zero), zero: Int32(zero + Codes.offset(of: element)))
  }
}

/// What an epilogue does to sums of integers, said rather than computed.
struct IntegerSums: Hashable {
  /// How the weights of a column lie in their tensor.
  enum Columns: Hashable {
    /// One column after the other.
    case rows
    /// Transposed: row by row of the depth, each with all columns.
    case turned
    /// Those of the phases of a transposed convolution, which have some of its taps each.
    case phases(TransposedConvolution, [PhaseGroup], storedChannels: Int)
  }

  var weight: ParameterTensor
  var columns: Columns
  /// One a channel.
  var multiplier: ParameterTensor
  /// Of what is summed.
  var input: Codes
  /// Of what is added; nil for nothing, and for numbers.
  var added: Codes?
  /// Nil where numbers are stored.
  var requantization: Requantization?

  var addedCodes: sw_scaled_codes {
    guard let added, let requantization else { return sw_scaled_codes(zero: 0, ratio: 0) }
    return added.scaled(to: requantization)
  }
  var storedCodes: sw_stored_codes { requantization?.stored ?? sw_stored_codes(least: 0, most: 0, zero: 0) }
}

/// What each sum of integers begins with, bias[o] - zeroPoint · Σ weight[o], and what it is multiplied by: int32 numbers, then float32.
///
/// Sums are exact modulo 2^32, and so is this; what they come to in the end fits.
struct IntegerConstants: PackLayout {
  let sums: IntegerSums
  let bias: ParameterTensor?
  /// For each stored column the channel, nil for padding.
  let order: [Int?]

  var sources: [ParameterTensor] { [sums.weight.source.tensor, sums.multiplier] + (bias.map { [$0] } ?? []) }
  var byteCount: Int { 2 * order.count * 4 }
  var partCount: Int { 1 }

  func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
    let starts = base.assumingMemoryBound(to: Int32.self), multipliers = base.floats + order.count
    ChannelPack.fill(multipliers, order: order, from: tensors[1])
    let biases = tensors.count > 2 ? tensors[2].integers : nil
    tensors[0].withUnsafeBytes { bytes in
      let weights = bytes.bindMemory(to: Int8.self)
      for case (let index, let channel?) in order.enumerated() {
        let total = total(of: weights, tensors[0].shape, column: index, channel: channel)
        starts[index] = (biases?[channel] ?? 0) &- Int32(sums.input.zeroPoint) &* total
      }
    }
  }

  /// The sum of the weights of a column.
  private func total(
    of weights: UnsafeBufferPointer<Int8>, _ shape: Shape, column: Int, channel: Int
  ) -> Int32 {
    var total: Int32 = 0
    switch sums.columns {
    case .rows:
      let count = weights.count / max(shape[0], 1)
      for weight in weights[channel * count..<(channel + 1) * count] { total &+= Int32(weight) }
    case .turned:
      let depth = shape[0], columns = weights.count / max(depth, 1)
      for k in 0..<depth { total &+= Int32(weights[k * columns + channel]) }
    case .phases(let payload, let groups, let stored):
      let depth = payload.inChannels / payload.groups, outputs = payload.outChannels / payload.groups
      let area = payload.kernel.height * payload.kernel.width
      var first = 0
      for group in groups {
        let columns = group.phases.count * stored
        defer { first += columns }
        guard (first..<first + columns).contains(column) else { continue }
        for case let position? in group.phases[(column - first) / stored].kernelPositions {
          for k in channel / outputs * depth..<(channel / outputs + 1) * depth {
            total &+= Int32(weights[(k * outputs + channel % outputs) * area + position])
          }
        }
      }
    }
    return total
  }
}

/// A pixel of one byte.
struct BytePixel: PackLayout {
  let byteCount: Int
  let byte: UInt8
  var sources: [ParameterTensor] { [] }
  var partCount: Int { 1 }
  func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
    base.initializeMemory(as: UInt8.self, repeating: byte, count: byteCount)
  }
}

extension PackStore {
  /// A pixel of what lies outside an image of that layout: zeros, or the code of 0.
  func outside(_ layout: ValueLayout, _ codes: Codes?) -> Pack {
    let byte = codes.map { UInt8(truncatingIfNeeded: $0.zeroPoint) } ?? 0
    return pack(BytePixel(byteCount: layout.pixelByteCount, byte: byte))
  }
}
