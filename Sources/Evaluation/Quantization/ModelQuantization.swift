import Execution
import Files
import Networks
import Tensors
import Transforms

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#else
  import Darwin
#endif

/// A model whose layers sum integers, and what that costs: by layer, and in all.
public struct ModelQuantization: Hashable, Codable, Sendable {
  public struct Options: Hashable, Sendable {
    public var method = RangeMethod.minmax
    public var scheme = QuantizationScheme()
    /// Whether each layer's own loss is measured.
    public var measuresLayers = true
    /// The largest loss in dB: layers that lose most stay float32 until it is met. Nil for any.
    public var maximumLoss: Double?
    /// Whether the means that integers shift are shifted back by biases.
    public var correctsBiases = true
    /// Whether weights of layers that feed one another are brought to like ranges first.
    public var equalizes = false

    public init() {}
  }

  /// One layer that may be of integers.
  public struct Layer: Hashable, Codable, Sendable {
    public var name: String
    public var operation: String
    /// What it sums: `uint8 x int8`, or `float32`.
    public var products: String
    /// What it stores: `uint8`, `float32`.
    public var stored: String
    /// Of what it stores, where that is integers.
    public var scale: Float?
    public var zeroPoint: Int?
    /// What the network loses in dB where this layer alone is of integers; nil where it was not measured.
    public var loss: Double?
  }

  public var model: String
  public var network: String
  public var layers: [Layer]
  public var ranges: String
  public var sampleCount: Int
  /// `PSNR`, or `signal to error` where pictures have no truth.
  public var measure: String
  /// In dB on the samples: of the model as it was, nil where it is what others are held against, and of integers.
  public var float: Double?
  public var integers: Double
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
    var work = try QuantizationWork(network, data, options, engine)
    let names = try work.layers
    var losses: [String: Double] = [:]
    if options.measuresLayers || options.maximumLoss != nil {
      for (index, name) in names.enumerated() {
        progress?("layer \(name)", Double(index) / Double(names.count + 1))
        losses[name] = try work.loss(of: name)
      }
    }
    progress?("the network", Double(names.count) / Double(names.count + 1))
    var result = try work.quantized()
    var quality = try work.quality(of: result)
    if let most = options.maximumLoss {
      // What loses most alone goes first.
      var worst = names.sorted { (losses[$0] ?? 0, $1) > (losses[$1] ?? 0, $0) }
      while work.reference - quality > most, !worst.isEmpty {
        work.scheme.floatLayers.insert(worst.removeFirst())
        if worst.isEmpty { throw .quantizationLoss(network: network.name, loss: most) }
        result = try work.quantized()
        quality = try work.quality(of: result)
      }
    }
    self.model = model
    self.network = network.name
    ranges = options.method.description
    sampleCount = data.samples.count
    measure = data.peak == nil ? "signal to error" : "PSNR"
    float = data.peak == nil ? nil : work.reference
    integers = quality
    self.engine = work.integerEngine
    parameterBytesBefore = network.parameters.values.reduce(0) { $0 + $1.byteCount }
    parameterBytesAfter = result.parameters.values.reduce(0) { $0 + $1.byteCount }
    self.output = output
    layers = Self.layers(of: result, names: work.allLayers, losses)
    if let output { try ModelLibrary.write(result, to: output) }
  }

  private static func layers(of network: Network, names: [String], _ losses: [String: Double]) -> [Layer] {
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
        name: name, operation: whole?.operation.displayName ?? "", products: epilogue.sumsIntegers ? "integers" : "float32",
        stored: payload?.0.rawValue ?? "float32", scale: payload?.1.scale, zeroPoint: payload?.1.zeroPoint,
        loss: losses[name])
    }
  }
}

/// The network while it is measured.
private struct QuantizationWork {
  let network: Network
  let data: CalibrationData
  var scheme: QuantizationScheme
  let ranges: [String: QuantizationRange]
  private var corrections = QuantizationCorrections()
  private let engine: Engine
  /// What float32 makes of the samples.
  private var outputs: [Tensor] = []
  /// The quality of float32.
  private(set) var reference = Double.infinity
  private(set) var integerEngine: String

  init(
    _ network: Network, _ data: CalibrationData, _ options: ModelQuantization.Options, _ engine: Engine
  ) throws(EvaluationError) {
    self.network = options.equalizes ? network.equalizingChannels() : network
    self.data = data
    self.engine = engine
    scheme = options.scheme
    integerEngine = engine.name.description
    _ = try wrapping { () throws(QuantizationError) in try network.quantizableLayers(options.scheme) }
    let calibration = try RangeCalibration(of: self.network, on: data, engine: engine, method: options.method)
    ranges = calibration.ranges
    var runner = try SampleRunner(network.optimizedForInference(), on: engine.makeBackend())
    for sample in data.samples { outputs.append(try runner.run(sample.input)[0]) }
    if data.peak != nil { reference = quality(outputs) }
    if options.correctsBiases {
      corrections.biasShifts = self.network.biasShifts(inputMeans: calibration.means, options.scheme)
    }
  }

  /// Those that are of integers.
  var layers: [String] {
    get throws(EvaluationError) {
      try wrapping { () throws(QuantizationError) in
        try network.quantizableLayers(scheme).filter { !scheme.floatLayers.contains($0) }
      }
    }
  }

  /// All that could be.
  var allLayers: [String] {
    (try? network.quantizableLayers(QuantizationScheme(keepsFirst: false))) ?? []
  }

  func quantized(only layer: String? = nil) throws(EvaluationError) -> Network {
    var scheme = scheme
    if let layer { scheme.floatLayers = Set(try layers).subtracting([layer]) }
    return try wrapping { () throws(QuantizationError) in
      try network.quantized(ranges, scheme, corrections: corrections)
    }
  }

  /// What one layer alone loses.
  mutating func loss(of layer: String) throws(EvaluationError) -> Double {
    let own = try quality(of: quantized(only: layer))
    // Without a truth the error itself is the measure: less is worse.
    return data.peak == nil ? -own : reference - own
  }

  /// In dB.
  mutating func quality(of network: Network) throws(EvaluationError) -> Double {
    quality(try results(of: network))
  }

  /// On the engine, or the reference where that cannot.
  private mutating func results(of network: Network) throws(EvaluationError) -> [Tensor] {
    do throws(EvaluationError) {
      return try results(of: network, on: engine.makeBackend())
    } catch {
      guard case .execution(_, .unsupported) = error, engine != .reference else { throw error }
      integerEngine = Engine.reference.name.description
      return try results(of: network, on: Engine.reference.makeBackend())
    }
  }

  private func results(of network: Network, on backend: any Backend) throws(EvaluationError) -> [Tensor] {
    var runner = try SampleRunner(network, on: backend), results: [Tensor] = []
    for sample in data.samples { results.append(try runner.run(sample.input)[0]) }
    return results
  }

  private func quality(_ results: [Tensor]) -> Double {
    var error = 0.0, signal = 0.0, count = 0
    for (index, result) in results.enumerated() {
      let truth = data.samples[index].target ?? outputs[index]
      guard truth.shape == result.shape else { continue }
      result.withUnsafeFloats { a in
        truth.withUnsafeFloats { b in
          for place in a.indices {
            // As a picture is cut off.
            let value = data.peak.map { min(max(Double(a[place]), 0), $0) } ?? Double(a[place])
            let difference = value - Double(b[place])
            error += difference * difference
            signal += Double(b[place]) * Double(b[place])
          }
        }
      }
      count += truth.count
    }
    let mean = error / Double(max(count, 1))
    let peak = data.peak.map { $0 * $0 } ?? signal / Double(max(count, 1))
    // Equal pictures have no error; 200 dB stand for that.
    return mean > 0 ? min(10 * log10(peak / mean), 200) : 200
  }
}
