import Networks
import Tensors

/// The least and the largest number that a value is taken to hold; what lies outside is cut off.
public struct QuantizationRange: Hashable, Codable, Sendable {
  public var minimum: Float
  public var maximum: Float

  public init(minimum: Float, maximum: Float) {
    self.minimum = minimum
    self.maximum = maximum
  }

  /// Both.
  public func union(_ other: QuantizationRange) -> QuantizationRange {
    QuantizationRange(minimum: min(minimum, other.minimum), maximum: max(maximum, other.maximum))
  }

  /// The scale and the zero point with which integers of that element reach from end to end, 0 among them: it stands for itself, as it
  /// is what padding holds.
  package func quantization(_ element: DataType) -> ValueType.Quantization {
    let integers = element.integers ?? 0...255
    let least = Double(min(minimum, 0)), most = Double(max(maximum, 0))
    let scales = ValueType.Quantization.scales
    var scale = Float((most - least) / Double(integers.upperBound - integers.lowerBound))
    // Of a value that is always 0 any will do.
    if scale == 0 { scale = 1 }
    scale = min(max(scale, scales.lowerBound), scales.upperBound)
    let zeroPoint = (Double(integers.lowerBound) - least / Double(scale)).rounded(.toNearestOrEven)
    // Of a range beyond all scales it lies beyond the integers.
    let inside = min(max(zeroPoint, Double(integers.lowerBound)), Double(integers.upperBound))
    return ValueType.Quantization(scale: scale, zeroPoint: Int(inside))
  }
}

/// What a network becomes integers by, beside the ranges of its values.
public struct QuantizationScheme: Hashable, Sendable {
  /// Of values: uint8, or int8.
  public var element: DataType
  /// Bits of weights with their sign, 2 to 8. With 7 no pair of products leaves int16, so that processors without instructions for int8
  /// sum pairs, too.
  public var weightBits: Int
  /// Whether layers that read nothing but inputs of the network stay float32 and store integers: what pictures bring is not rounded.
  public var keepsFirst: Bool
  /// Names of layers that stay float32, of the prepared network.
  public var floatLayers: Set<String>
  /// What sums of two values are kept as.
  public var residual: ResidualSums

  public init(
    element: DataType = .uint8, weightBits: Int = 8, keepsFirst: Bool = true, floatLayers: Set<String> = [],
    residual: ResidualSums = .int8
  ) {
    self.element = element
    self.weightBits = weightBits
    self.keepsFirst = keepsFirst
    self.floatLayers = floatLayers
    self.residual = residual
  }

  /// The largest magnitude of a weight.
  var largestWeight: Int { 1 << (weightBits - 1) - 1 }
}

/// What sums of two values are kept as, such as what goes through all blocks of a residual network.
public enum ResidualSums: String, Hashable, Codable, Sendable, CaseIterable {
  /// Integers of 8 bits: each sum is rounded, and the next one adds to what is left.
  case int8
  /// Numbers. Layers read integers of them, which are made once for each sum; what is added to it was not rounded since a layer made it.
  case float32
}

/// What is mended of a network's integers by measurement, by the names of layers.
public struct QuantizationCorrections: Sendable {
  /// Weights as integers, rounded otherwise than to the nearest.
  public var weights: [String: QuantizedWeight]
  /// What is added to biases.
  public var biasShifts: [String: [Float]]
  /// What the integers of values stand for, of all that are read as such; nil where ranges say it.
  package var quantizations: [String: ValueType.Quantization]?

  public init(weights: [String: QuantizedWeight] = [:], biasShifts: [String: [Float]] = [:]) {
    self.weights = weights
    self.biasShifts = biasShifts
  }
}

/// Why a network does not become one of integers.
public enum QuantizationError: Error, Hashable, Sendable {
  /// The ranges lack one.
  case noRange(value: String)
  /// A range is not finite, or its end lies before its beginning.
  case range(value: String, QuantizationRange)
  case alreadyQuantized(node: String)
  case weightBits(Int)
  case element(DataType)
  /// A layer that is to stay float32 is none of the network; `layers` are those it has.
  case unknownLayer(String, layers: [String])
  /// No layer sums products that integers could sum.
  case nothingToQuantize
  case network(NetworkError)
}

extension QuantizationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noRange(let value): "there is no range for the value '\(value)'; calibrate the network that is quantised"
    case .range(let value, let range):
      "the range \(range.minimum) to \(range.maximum) of the value '\(value)' is none; are weights and pictures finite?"
    case .alreadyQuantized(let node): "the network is of integers already: see the node '\(node)'; quantise the float32 model"
    case .weightBits(let bits): "weights of \(bits) bits are not known; give 2 to 8"
    case .element(let element): "values of \(element.rawValue) are not known; give uint8 or int8"
    case .unknownLayer(let name, let layers):
      "no layer is called '\(name)'; there are \(layers.prefix(12).joined(separator: ", "))\(layers.count > 12 ? ", …" : "")"
    case .nothingToQuantize: "no layer of the network sums products that integers could sum"
    case .network(let error): error.description
    }
  }
}
