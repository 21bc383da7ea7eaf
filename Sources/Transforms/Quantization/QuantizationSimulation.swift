import Networks
import Tensors

/// A network of float32 that reckons as a network of integers does, to be trained: quantisation-aware training.
///
/// A value of integers q with zero point z is the whole number q - z, and what stands between are the formulas of `Requantization`: a convolution of
/// whole numbers by whole weights with whole biases, the multiplier of each channel, the steps of the epilogue, `FakeQuantize`. So the simulation has the
/// bits of `integers(_:)` wherever products of whole numbers are summed exactly, as in the reference; the CPU engine's Winograd rounds them.
///
/// **Scales are learned** as factors of what calibration found: `s = s₀ · clamp(f, 1/16, 16)`, f a parameter that begins at 1. Zero points stand as they
/// are. Their gradients follow from those of quotients, products and `FakeQuantize` by the chain rule. **Weights** are float32 constants, `layer.weight.float`, whose
/// scales begin at the largest of each channel; the layer's own parameters hold the whole numbers, which stand in for values that follow from the constants.
/// Batch norms are folded with their running statistics first; those that do not fold keep them.
/// - Source: Jacob et al. 2018; Esser et al., Learned Step Size Quantization, 2020.
public struct QuantizationSimulation: Sendable {
  /// Takes the inputs of the network, and makes its outputs under other names.
  public let network: Network
  /// The parameters that hold the whole numbers of weights and biases, and the values of which those are.
  public let standIns: [String: String]
  /// The parameters that follow gradients, but for those of scales.
  public let weights: [String]
  /// Factors of scales that may follow gradients. A range whose end a clip of the network says is none of them.
  public let factors: [String]
  /// The layers that sum whole numbers, by their names in the prepared network.
  public var layers: [String] { plan.layers.filter { plan.integerNodes.contains($0) } }
  private let plan: QuantizationPlan
  private let scheme: QuantizationScheme
  /// What parameters of the prepared network are called here, where they have another name.
  private let sources: [String: String]
  private let quantizations: [String: ValueType.Quantization]
  private let valueScales: [String: SimulatedScale]
  private let weightScales: [String: SimulatedScale]

  /// - Parameters:
  ///   - ranges: of the values of `network.preparedForQuantization()`, by name; measured by whoever calls.
  ///   - shapes: of some inputs that the network takes, which tell the ranks of values.
  public init(
    _ network: Network, ranges: [String: QuantizationRange], _ scheme: QuantizationScheme = QuantizationScheme(),
    inputs shapes: [Shape]
  ) throws(QuantizationError) {
    let plan = try network.quantizationPlan(scheme)
    let values: [String: Shape]
    do throws(NetworkError) {
      values = try plan.network.inferredShapes(inputs: shapes)
    } catch {
      throw .network(error)
    }
    quantizations = try plan.quantizations(ranges, scheme.element)
    var writer = SimulationWriter(plan, scheme, quantizations, shapes: values)
    let result = writer.result()
    do throws(NetworkError) { try result.verify() } catch { throw .network(error) }
    self.network = result
    self.plan = plan
    self.scheme = scheme
    standIns = writer.standIns
    sources = writer.sources
    valueScales = writer.valueScales
    weightScales = writer.weightScales
    let codes = Set(writer.standIns.keys)
    let floats = plan.network.trainableParameterNames.map { writer.sources[$0] ?? $0 }
    weights = floats.filter { !codes.contains($0) && result.parameters[$0] != nil }
    factors = writer.learnable
  }

  /// The prepared network of float32 with weights as they are now.
  ///
  /// - Parameter parameters: of the simulation, or of a network that trains it.
  public func floats(_ parameters: [String: Tensor]) -> Network {
    var result = plan.network
    for (name, old) in result.parameters {
      guard let new = parameters[sources[name] ?? name], new.shape == old.shape else { continue }
      result.parameters[name] = new
    }
    return result
  }

  /// The network of integers with weights and scales as they are now: what the simulation computes.
  ///
  /// - Parameter parameters: of the simulation, or of a network that trains it.
  public func integers(_ parameters: [String: Tensor]) throws(QuantizationError) -> Network {
    let network = floats(parameters)
    var corrections = QuantizationCorrections(), quantizations = quantizations
    for (value, scale) in valueScales { quantizations[value]?.scale = scale.now(parameters)[0] }
    corrections.quantizations = quantizations
    for node in network.nodes {
      guard let scale = weightScales[node.name], let part = node.operation.linearParts.last,
        let weight = network.parameter(.weight, of: node), let input = quantizations[node.inputs[0]]
      else { continue }
      let scales = scale.now(parameters)
      var quantized = part.quantized(weight, scales: scales, largest: scheme.largestWeight)
      quantized.biases = network.parameter(.bias, of: node).map {
        part.simulatedBiases($0.floats, input: input.scale, scales: scales).map { Int($0) }
      }
      corrections.weights[node.name] = quantized
    }
    return try network.quantized([:], scheme, corrections: corrections)
  }
}

/// Where the numbers of a scale are among the parameters of a simulation.
struct SimulatedScale: Sendable {
  /// As calibrated.
  var initial: String
  var factor: String

  static let least: Float = 1 / 16
  static let most: Float = 16

  /// The scales, as the simulation has them.
  func now(_ parameters: [String: Tensor]) -> [Float] {
    zip(parameters[initial]?.floats ?? [], parameters[factor]?.floats ?? []).map { initial, factor in
      initial * min(max(factor, Self.least), Self.most)
    }
  }
}

extension LinearPart {
  /// The ends of biases as whole numbers: float32 has all of them, and int32 room for the sums beside them.
  var simulatedBiases: FakeQuantize {
    let most = min(FakeQuantize.most, Requantization.biases(terms: terms).upperBound)
    return FakeQuantize(minimum: -most, maximum: most)
  }

  /// Whole numbers of the sums' scale, each operation rounded to float32, as a simulation does.
  func simulatedBiases(_ biases: [Float], input: Float, scales: [Float]) -> [Float] {
    let step = simulatedBiases
    return zip(biases, scales).map { step.value($0 / (input * $1)) }
  }

  /// The scales that a training begins with: each channel's largest weight becomes the largest integer, and its bias, even where scales become as
  /// small as they may, fits the numbers that there are for it.
  func simulatedScales(_ weight: Tensor, bias: [Float]?, input: Float, largest: Int) -> [Float] {
    let room = Double(simulatedBiases.maximum) * Double(SimulatedScale.least * SimulatedScale.least)
    let none = [Double](repeating: 0, count: outChannels)
    let least = bias.map { $0.map { Double(abs($0)) / Double(input) / room } } ?? none
    let scales = weightScales(weight, largest: largest, least: none)
    var isZero = none.map { _ in true }
    weight.withUnsafeFloats { values in
      for (index, channel) in outputChannels.enumerated() where values[index] != 0 { isZero[channel] = false }
    }
    // A channel of nothing but zeros gets what the others have, so that a bias that it learns is not rounded away.
    let typical = zip(scales, isZero).reduce(Float(0)) { $1.1 ? $0 : max($0, $1.0) }
    return scales.indices.map { channel in
      let scale = isZero[channel] && typical > 0 ? typical : scales[channel]
      return max(scale, Float(max(least[channel], 0x1p-64)))
    }
  }
}
