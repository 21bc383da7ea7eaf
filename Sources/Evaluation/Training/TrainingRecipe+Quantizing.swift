import Formats
import Networks
import Tensors
import Training
import Transforms

extension TrainingRecipe {
  /// How a network is trained as the one of integers that it becomes: see `QuantizationSimulation`.
  public struct Quantizing: Hashable, Sendable {
    /// How ranges follow from what values hold before the first step.
    public var method: RangeMethod
    /// What they are measured on: as many samples of the data, or pictures of a folder where one is given.
    public var sampleCount: Int
    public var folder: String?
    public var scheme: QuantizationScheme
    /// Whether weights of layers that feed one another are brought to like ranges first.
    public var equalizes: Bool
    /// Whether scales follow gradients.
    public var learnsRanges: Bool
    /// Of the learning rate, for scales.
    public var rangeRate: Float
    /// The epochs after which scales stand still; nil for never.
    public var freezeAfter: Int?
  }

  /// What is trained in the network's place; nil where the recipe makes no integers of it.
  ///
  /// - Parameters:
  ///   - network: with its contract.
  ///   - sample: of the data.
  ///   - root: what relative paths begin at.
  func simulation(
    of network: Network, samples: any SampleSource, sample: Sample, engine: Engine, root: String?
  ) throws(EvaluationError) -> QuantizationSimulation? {
    guard let quantizing else { return nil }
    var network = network
    // Of a network that cannot be one of integers this is said first.
    _ = try wrapping { () throws(QuantizationError) in try network.quantizableLayers(quantizing.scheme) }
    if quantizing.equalizes { network = network.equalizingChannels() }
    let data: CalibrationData
    if let folder = quantizing.folder {
      data = try CalibrationData(folder: folder.relative(to: root), for: network, count: quantizing.sampleCount)
    } else {
      let count = min(quantizing.sampleCount, samples.count)
      var inputs: [CalibrationData.Sample] = []
      for index in 0..<count {
        let key = SampleKey(seed: seed, epoch: 0, index: index * samples.count / count)
        let sample = try wrapping { () throws(DataError) in try samples.sample(key) }
        inputs.append(CalibrationData.Sample(input: sample.input.reshaped(Self.batch(sample.input.shape, 1))))
      }
      data = CalibrationData(samples: inputs)
    }
    let ranges = try RangeCalibration(of: network, on: data, engine: engine, method: quantizing.method).ranges
    let shape = Self.batch(sample.input.shape, batchSize)
    return try wrapping { () throws(QuantizationError) in
      try QuantizationSimulation(network, ranges: ranges, quantizing.scheme, inputs: [shape])
    }
  }

  /// - Parameter stepsPerEpoch: of the data.
  func pace(stepsPerEpoch: Int) -> RangePace? {
    guard let quantizing, quantizing.learnsRanges else { return nil }
    return RangePace(rate: quantizing.rangeRate, steps: quantizing.freezeAfter.map { $0 * stepsPerEpoch })
  }
}

extension TrainingRecipe.Quantizing {
  init(_ reader: inout RecipeReader) throws(RecipeError) {
    method = .minmax
    if let text = try reader.text("ranges") {
      guard let given = RangeMethod(text) else {
        throw reader.refusal("ranges", text, "minmax, mse, percentile or percentile:SHARE, as in percentile:99.9")
      }
      method = given
    }
    sampleCount = try reader.integer("samples", 64, in: 1...100_000)
    folder = try reader.text("folder")
    scheme = QuantizationScheme(
      weightBits: try reader.integer("weight-bits", 8, in: 2...8), keepsFirst: try !reader.boolean("first", false),
      floatLayers: Set(try reader.texts("float") ?? []), residual: try reader.choice("residual", .int8))
    equalizes = try reader.boolean("equalize", false)
    learnsRanges = try reader.boolean("learned-ranges", true)
    let rate = try reader.optionalNumber("range-rate", in: 0...1000)
    freezeAfter = try reader.optionalInteger("freeze-after", in: 0...1_000_000)
    // Weights are much smaller than 1, which scales begin at, and Adam's steps as long for both.
    rangeRate = Float(rate ?? 10)
    for key in ["range-rate", "freeze-after"] where !learnsRanges && reader.contains(key) {
      throw reader.error(key, .excluded(reader.fullName(key), by: "\(reader.fullName("learned-ranges")): false"))
    }
  }
}
