import CPUBackend
import Files
import Networks
import Tensors
import Transforms

/// A model whose layers sum integers, and what that costs: by layer, and in all.
public struct ModelQuantization: Hashable, Codable, Sendable {
  public struct Options: Hashable, Sendable {
    public var method = RangeMethod.minmax
    public var scheme = QuantizationScheme()
    /// Whether each layer's own loss is measured.
    public var measuresLayers = true
    /// Whether `scheme.residual` is what measurement says: float32 where that gains `leastGain`, or where `maximumLoss` asks for it.
    public var choosesResidual = true
    /// Whether `scheme.keepsFirst` is what measurement says: first layers that are plain convolutions sum integers where that loses less than
    /// `mostFirstLoss`, or, where pictures have no truth, adds no more than a third to the error.
    public var choosesFirst = true
    /// The largest loss in dB: sums are float32, and then layers that lose most, until it is met; or bfloat16 where forms are timed and that is
    /// faster. Nil for any.
    public var maximumLoss: Double?
    /// Whether the means that integers shift are shifted back by biases.
    public var correctsBiases = true
    /// Whether weights of layers that feed one another are brought to like ranges first.
    public var equalizes = false
    /// How weights become integers.
    public var rounding = WeightRounding.nearest
    /// The shapes of inputs that float32, bfloat16 and integers are timed on; nil for no times. The CPU engine alone is timed.
    public var timedShapes: [Shape]?

    /// What float32 sums must gain to be taken, in dB.
    public static let leastGain = 0.05
    /// What first layers of integers may lose to be taken, in dB of PSNR, and of signal to error.
    public static let mostFirstLoss = 0.01
    public static let mostFirstError = 1.25

    public init() {}
  }

  /// One layer that may be of integers.
  public struct Layer: Hashable, Codable, Sendable {
    public var name: String
    public var operation: String
    /// What it sums: `integers`, `float32` or `bfloat16`.
    public var products: String
    /// What it stores: `uint8`, `float32`.
    public var stored: String
    /// Of what it stores, where that is integers.
    public var scale: Float?
    public var zeroPoint: Int?
    /// What the network loses in dB where this layer alone is of integers; nil where it was not measured, or there is no truth.
    public var loss: Double?
    /// Where there is none: what float32 makes of the samples against what this layer's integers change of it, in dB.
    public var signalToError: Double?
  }

  public var model: String
  public var network: String
  public var layers: [Layer]
  public var ranges: String
  public var rounding: WeightRounding
  public var sampleCount: Int
  /// `PSNR`, or `signal to error` where pictures have no truth.
  public var measure: String
  /// The scales of the pictures that a PSNR is of; nil where it is of none.
  public var scales: [Int]?
  /// In dB on the samples: of the model as it was, nil where it is what others are held against, and of integers.
  public var float: Double?
  public var integers: Double
  /// What sums of two values are kept as.
  public var residual: ResidualSums
  /// What float32 sums gain over those of integers, in dB; nil where there are none, it was not asked for, or there is no truth.
  public var residualGain: Double?
  /// What first layers of integers lose against those of float32, in dB of the measure; nil where it was not asked for, or they are no plain
  /// convolutions.
  public var firstLoss: Double?
  /// What the layers that sum no integers are best run in: `bfloat16` where `--max-loss` made them so, and that was measured to be faster and
  /// within the loss, as `integers` then has it. A model file does not say it: it is the engine's precision.
  public var floatPrecision: Precision
  /// How long the forms of the network take; nil where that was not asked for.
  public var timing: QuantizationTiming?
  /// Why the forms were not timed, a line; nil where they were, or were not to be.
  public var notTimed: String?
  /// The engine that measured integers.
  public var engine: String
  public var parameterBytesBefore: Int
  public var parameterBytesAfter: Int
  public var output: String?

  /// What integers lose; nil where there is no truth.
  public var loss: Double? { float.map { $0 - integers } }
}

extension ModelQuantization {
  /// Calibrates, quantises, measures, and writes the model file where `output` names one.
  ///
  /// - Parameters:
  ///   - engine: runs the network in float32, and integers where it can.
  ///   - progress: called with what is worked on and the share done.
  public init(
    _ network: Network, model: String, data: CalibrationData, options: Options = Options(), engine: Engine,
    output: String? = nil, progress: ((String, Double) -> Void)? = nil
  ) throws(EvaluationError) {
    if !options.choosesFirst, !options.scheme.keepsFirst {
      let firsts = try wrapping { () throws(QuantizationError) in
        try Set(network.quantizableLayers(QuantizationScheme(keepsFirst: false)))
          .subtracting(network.quantizableLayers(QuantizationScheme(keepsFirst: true)))
      }
      if let both = firsts.intersection(options.scheme.floatLayers).min() {
        throw .statement(
          network: network.name,
          reason:
            "--first lets its first layers sum integers, and --float keeps '\(both.onOneLine)', which is one; leave one of them out"
        )
      }
    }
    if options.maximumLoss != nil, data.peak == nil { throw .lossWithoutTruth(network: network.name) }
    if let shapes = options.timedShapes, case .cpu(let own) = engine {
      try QuantizationTiming.check(network, shapes: shapes, options: own)
    }
    var work = try QuantizationWork(network, data, options, engine, progress: progress)
    if options.choosesResidual {
      progress?("sums", 0)
      residualGain = try work.chooseResidual()
    }
    if options.choosesFirst {
      progress?("the first layers", 0)
      firstLoss = try work.chooseFirst()
    }
    try work.roundWeights(progress)
    let names = try work.layers
    var qualities: [String: Double] = [:]
    if options.measuresLayers || options.maximumLoss != nil {
      for (index, name) in names.enumerated() {
        progress?("layer \(name)", Double(index) / Double(names.count + 1))
        qualities[name] = try work.quality(of: name)
      }
    }
    progress?("the network", Double(names.count) / Double(names.count + 1))
    var result = try work.quantized()
    var quality = try work.quality(of: result)
    if let most = options.maximumLoss {
      // What loses most alone goes first.
      var worst = names.sorted { (qualities[$0] ?? 0, $0) < (qualities[$1] ?? 0, $1) }
      while work.reference - quality > most, !worst.isEmpty {
        work.scheme.floatLayers.insert(worst.removeFirst())
        if worst.isEmpty { throw .quantizationLoss(network: network.name, loss: most) }
        result = try work.quantized()
        quality = try work.quality(of: result)
      }
    }
    floatPrecision = work.floatPrecision
    if let most = options.maximumLoss, options.timedShapes != nil,
      work.scheme.floatLayers.count > options.scheme.floatLayers.count,
      let own = try work.bfloat16Quality(of: result), work.reference - own <= most
    {
      // Half the bytes are no gain by themselves.
      progress?("float32 and bfloat16 in turn", 1)
      if try work.isFasterInBFloat16(result, shapes: options.timedShapes) {
        floatPrecision = .bfloat16
        quality = own
      }
    }
    if let shapes = options.timedShapes, case .cpu(let own) = engine {
      progress?("times", 1)
      do throws(EvaluationError) {
        timing = try QuantizationTiming(network, integers: result, shapes: shapes, options: own)
      } catch {
        // The work that was done is not lost for that.
        guard case .execution(_, .memory) = error else { throw error }
        notTimed = error.description
      }
    }
    self.model = model
    self.network = network.name
    ranges = options.method.description
    rounding = options.rounding
    sampleCount = data.samples.count
    measure = data.peak == nil ? "signal to error" : "PSNR"
    scales = data.peak == nil || data.scales.isEmpty ? nil : data.scales
    float = data.peak == nil ? nil : work.reference
    integers = quality
    self.engine = work.integerEngine
    parameterBytesBefore = network.parameters.values.reduce(0) { $0 + $1.byteCount }
    parameterBytesAfter = result.parameters.values.reduce(0) { $0 + $1.byteCount }
    self.output = output
    residual = work.scheme.residual
    layers = Self.layers(of: result, names: work.allLayers, floatPrecision)
    for (index, layer) in layers.enumerated() {
      guard let quality = qualities[layer.name] else { continue }
      if data.peak == nil { layers[index].signalToError = quality } else { layers[index].loss = work.reference - quality }
    }
    if let output { try ModelLibrary.write(result, to: output) }
  }

  private static func layers(
    of network: Network, names: [String], _ precision: Precision
  ) -> [Layer] {
    var owners: [String: Node] = [:]
    for node in network.nodes { owners[node.name] = node }
    return names.map { name in
      // A part of a separable convolution has the name of that and of the part.
      let whole = owners[name] ?? owners[name.split(separator: ".").dropLast().joined(separator: ".")]
      let epilogue = whole?.operation.epilogue ?? Epilogue()
      var payload =
        epilogue.requantization.map { ($0.element, $0.quantization) }
        ?? epilogue.quantize.map { ($0.element, $0.quantization) }
      if owners[name] == nil, case .separableConvolution(let separable)? = whole?.operation,
        name.hasSuffix(".\(separable.order.partNames.first)"), let middle = separable.middleRequantization
      {
        payload = (middle.element, middle.quantization)
      }
      return Layer(
        name: name, operation: whole?.operation.displayName ?? "",
        products: epilogue.sumsIntegers ? "integers" : precision.rawValue,
        stored: payload?.0.rawValue ?? "float32", scale: payload?.1.scale, zeroPoint: payload?.1.zeroPoint)
    }
  }
}
