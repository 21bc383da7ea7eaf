import Networks
import Tensors

/// Weights as integers, `weight ≈ scale[o] · integer`, with a scale for each channel that goes out.
public struct QuantizedWeight: Equatable, Sendable {
  /// Of int8, in the shape of the weights.
  public var integers: Tensor
  public var scales: [Float]
  /// The layer's biases as integers of the sums' scale; nil for the nearest.
  public var biases: [Int]?

  public init(integers: Tensor, scales: [Float], biases: [Int]? = nil) {
    self.integers = integers
    self.scales = scales
    self.biases = biases
  }
}

extension LinearPart {
  /// Each channel's scale: its largest weight becomes the largest integer.
  ///
  /// - Parameter least: what a channel's scale must be at least.
  package func weightScales(_ weight: Tensor, largest: Int, least: [Double]) -> [Float] {
    var result = least
    weight.withUnsafeFloats { values in
      for (index, channel) in outputChannels.enumerated() {
        result[channel] = max(result[channel], Double(abs(values[index])) / Double(largest))
      }
    }
    return result.map { $0 == 0 ? 1 : Float($0) }
  }

  /// The nearest integers.
  package func quantized(_ weight: Tensor, scales: [Float], largest: Int) -> QuantizedWeight {
    let channels = outputChannels
    let integers = weight.withUnsafeFloats { values in
      channels.indices.map { index in
        let quotient = (values[index] / scales[channels[index]]).rounded(.toNearestOrEven)
        return Int(min(max(quotient, Float(-largest)), Float(largest)))
      }
    }
    return QuantizedWeight(integers: Tensor(weight.shape, .int8, integers: integers), scales: scales)
  }
}

/// A float32 layer as one that sums integers.
struct QuantizedLayer {
  var weight: Tensor
  var bias: Tensor?
  var multiplier: Tensor

  /// - Parameters:
  ///   - factor: what the sums are multiplied by behind the bias, above 0 or with nothing but sums before it.
  ///   - output: what is stored; nil where sums stay numbers.
  init(
    _ part: LinearPart, weight: Tensor, bias: [Float]?, factor: Float, input: ValueType.Quantization,
    output: ValueType.Quantization?, largest: Int, given: QuantizedWeight?
  ) {
    let scale = Double(input.scale), terms = part.terms
    let biases = Requantization.biases(terms: terms), room = Double(biases.upperBound) - 1
    // A scale so small that the bias does not fit int32 as it counts, or that the multiplier is none, is larger.
    let unit = Double(output?.scale ?? 1) / scale / Double(max(abs(factor), 0x1p-31))
    let least = (0..<part.outChannels).map { channel in
      let number = abs(Double(bias?[channel] ?? 0))
      return number == 0 ? 0 : max(number / scale / room, 0x1p-60 * unit)
    }
    let quantized: QuantizedWeight
    if let given, given.biases != nil || zip(given.scales, least).allSatisfy({ Double($0) >= $1 }) {
      quantized = given
    } else {
      let scales = part.weightScales(weight, largest: largest, least: least)
      quantized = part.quantized(weight, scales: scales, largest: largest)
    }
    let sign = factor < 0 ? -1 : 1
    self.weight = sign > 0 ? quantized.integers : quantized.integers.negated
    if let bias {
      self.bias = Tensor(
        [part.outChannels], .int32,
        integers: bias.enumerated().map { channel, number in
          if let integers = quantized.biases { return sign * integers[channel] }
          let integer = (Double(number) / scale / Double(quantized.scales[channel])).rounded(.toNearestOrEven)
          return sign * Int(min(max(integer, Double(biases.lowerBound)), Double(biases.upperBound)))
        })
    }
    multiplier = Tensor(
      [part.outChannels],
      quantized.scales.map { own in
        // As ONNX Runtime multiplies them.
        let number = input.scale * own * abs(factor) / (output?.scale ?? 1)
        return number == 0 ? 0 : min(max(number, Requantization.multipliers.lowerBound), Requantization.multipliers.upperBound)
      })
  }
}

extension LinearPart {
  /// The most products that one output sums.
  package var terms: Int { inChannels / groups * taps }
}

extension Tensor {
  /// Of int8 within -127 … 127.
  fileprivate var negated: Tensor { Tensor(shape, dataType, integers: (integers ?? []).map { -Int($0) }) }
}
