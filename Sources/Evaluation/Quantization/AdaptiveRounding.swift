import Execution
import Networks
import Tensors
import Transforms

/// Weights rounded up or down by what layers sum on data (`RoundingProblem`): layer by layer in order, each with the inputs that the network of integers has by then,
/// and against the sums of float32, so that a layer also makes up for those before it.
///
/// The same bits on every number of threads: pixels are drawn by a seed, products are the engine's, and channels know nothing of each other.
struct AdaptiveRounding {
  /// Layers with more weights a channel keep the nearest integers: the products of all pairs of their inputs would take more than 300 MB.
  static let mostTerms = 4608
  /// So many pixels of a layer's output are drawn, from all samples together, or four for each weight of a channel where that is more.
  static let pixelCount = 16384
  /// So many are multiplied at once.
  private static let blockCount = 1024

  let network: Network
  let data: CalibrationData
  let scheme: QuantizationScheme
  let ranges: [String: QuantizationRange]
  /// Runs the network.
  let engine: Engine
  /// Whether biases take up what is left of the mean.
  let correctsBiases: Bool

  /// What was found for the layers in turn.
  private(set) var corrections: QuantizationCorrections

  /// - Parameter network: prepared for quantisation.
  init(
    _ network: Network, _ data: CalibrationData, _ scheme: QuantizationScheme, _ ranges: [String: QuantizationRange],
    _ corrections: QuantizationCorrections, engine: Engine, correctsBiases: Bool
  ) {
    (self.network, self.data, self.scheme, self.ranges) = (network, data, scheme, ranges)
    (self.corrections, self.engine, self.correctsBiases) = (corrections, engine, correctsBiases)
  }

  /// Rounds one layer's weights; nothing where it has too many.
  mutating func round(_ name: String) throws(EvaluationError) {
    guard let node = network.nodes.first(where: { $0.name == name }), let part = node.operation.linearParts.last,
      let weight = network.parameter(.weight, of: node), part.terms <= Self.mostTerms,
      let pixels = LayerPixels(node.operation)
    else { return }
    let moments = try self.moments(of: node, pixels, part, weight)
    guard moments.count > 0 else { return }
    let none = [Double](repeating: 0, count: part.outChannels)
    let largest = 1 << (scheme.weightBits - 1) - 1
    let scales = part.weightScales(weight, largest: largest, least: none), floats = weight.floats
    // What so few pixels leave unknown.
    let hold = Double(part.terms) / Double(part.terms + moments.count) * 0.5
    let perGroup = part.outChannels / part.groups, isCentred = correctsBiases
    let problems = (0..<part.groups).map { moments.problem($0, isCentred: isCentred, hold: hold) }
    let workers = Workers(threadCount: engine.threadCount)
    let channels = workers.map(Array(0..<part.outChannels)) { channel in
      let problem = problems[channel / perGroup], places = part.places(of: channel)
      return problem.integers(
        places.map { floats[$0] }, cross: moments.cross(channel, isCentred: isCentred), scale: scales[channel], largest: largest
      )
    }
    var integers = [Int](repeating: 0, count: floats.count), shifts = [Float](repeating: 0, count: part.outChannels)
    for (channel, chosen) in channels.enumerated() {
      for (place, integer) in zip(part.places(of: channel), chosen) { integers[place] = integer }
      shifts[channel] = Float(moments.meanError(channel, chosen, scale: scales[channel]))
    }
    corrections.weights[name] = QuantizedWeight(
      integers: Tensor(weight.shape, .int8, integers: integers), scales: scales)
    if correctsBiases { corrections.biasShifts[name] = shifts }
  }

  // MARK: Moments

  /// Sums over the pixels that were drawn.
  private func moments(
    of node: Node, _ pixels: LayerPixels, _ part: LinearPart, _ weight: Tensor
  ) throws(EvaluationError) -> LayerMoments {
    let value = node.inputs[0], isInput = network.inputs.contains { $0.name == value }
    var float = network
    float.outputs = [value]
    var whole = network
    whole.outputs = [value] + network.outputs.filter { $0 != value }
    (whole.contract, float.contract, whole.updates, float.updates) = (nil, nil, [], [])
    var integers = try wrapping { () throws(QuantizationError) in
      try whole.quantized(ranges, scheme, corrections: corrections)
    }
    integers.outputs = [integers.outputs[0]]
    // Numbers of which the layer reads integers are rounded as those are.
    let stored = integers.nodes.lazy.compactMap { reader -> Quantize? in
      guard case .integer(.quantize(let payload)) = reader.operation, reader.inputs[0] == integers.outputs[0] else {
        return nil
      }
      return payload
    }.first
    var runners: (float: SampleRunner, integers: SampleRunner)?
    if !isInput {
      runners = (
        try SampleRunner(float.eliminatingDeadNodes(), on: engine.makeBackend()),
        try SampleRunner(integers.eliminatingDeadNodes(), on: engine.makeBackend())
      )
    }
    var moments = try LayerMoments(part, weight, blockCount: Self.blockCount, engine: engine)
    let count = max(Self.pixelCount, 4 * part.terms)
    var generator = SplitMix64(seed: 1)
    for (index, sample) in data.samples.enumerated() {
      let plain = try runners?.float.run(sample.input)[0] ?? sample.input
      let rounded = try (runners?.integers.run(sample.input)[0] ?? sample.input).stored(stored)
      guard let extents = LayerPixels.extents(node.operation, input: plain.shape), plain.shape == rounded.shape else {
        continue
      }
      let area = extents.height * extents.width, total = plain.shape[0] * area
      // The samples share the pixels, the first ones what does not divide.
      let share = min((count * (index + 1)) / data.samples.count - count * index / data.samples.count, total)
      for drawn in 0..<share {
        let first = drawn * total / share, last = (drawn + 1) * total / share
        let place = Int.random(in: first..<last, using: &generator)
        try moments.add(
          pixels, plain, rounded, image: place / area, row: place % area / extents.width, column: place % extents.width)
      }
    }
    try moments.flush()
    return moments
  }
}

extension Tensor {
  /// The numbers as integers stand for them; as they are where none do.
  fileprivate func stored(_ payload: Quantize?) -> Tensor {
    guard let payload else { return self }
    var result = self
    result.withUnsafeMutableFloats { values in
      for place in values.indices {
        values[place] = Float(payload.stored(values[place]) - payload.quantization.zeroPoint) * payload.quantization.scale
      }
    }
    return result
  }
}
