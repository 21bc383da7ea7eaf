import Networks
import Tensors

extension Network {
  /// What rounding of weights takes from the mean of each channel of each layer, to be added to its bias again.
  ///
  ///     shift[o] = Σ over c, taps of (weight - rounded weight)[o, c, tap] · mean[c]
  ///
  /// Borders, where padding takes part, count as the middle does.
  /// - Parameter inputMeans: of the channels of the values of `preparedForQuantization()`, measured by whoever calls.
  /// - Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019.
  public func biasShifts(inputMeans: [String: [Double]], _ scheme: QuantizationScheme) -> [String: [Float]] {
    let prepared = preparedForQuantization()
    var result: [String: [Float]] = [:]
    for node in prepared.nodes {
      guard [.convolution, .transposedConvolution, .linear].contains(node.operation.type),
        let part = node.operation.linearParts.last,
        let weight = prepared.parameter(.weight, of: node), weight.dataType == .float32,
        let means = inputMeans[node.inputs[0]], means.count == part.inChannels
      else { continue }
      let none = [Double](repeating: 0, count: part.outChannels)
      let scales = part.weightScales(weight, largest: scheme.largestWeight, least: none)
      let rounded = part.quantized(weight, scales: scales, largest: scheme.largestWeight)
      guard let integers = rounded.integers.integers else { continue }
      var shifts = none
      weight.withUnsafeFloats { values in
        for row in 0..<part.rows {
          for column in 0..<part.columns {
            let pair = part.channels(row, column), start = (row * part.columns + column) * part.taps
            for place in start..<start + part.taps {
              let error = Double(values[place]) - Double(scales[pair.output]) * Double(integers[place])
              shifts[pair.output] += error * means[pair.input]
            }
          }
        }
      }
      // Of a transposed convolution an output sums the taps of its phase, one of stride times stride.
      if case .transposedConvolution(let payload) = node.operation {
        shifts = shifts.map { $0 / Double(payload.stride.height * payload.stride.width) }
      }
      result[node.name] = shifts.map { Float($0) }
    }
    return result
  }
}
