import CPUBackend
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

/// The network while it is measured.
struct QuantizationWork {
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
    _ network: Network, _ data: CalibrationData, _ options: ModelQuantization.Options, _ engine: Engine,
    _ progress: ((String, Double) -> Void)?
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
    if options.rounding == .adaptive {
      // Devices that run no integers, and no products of matrices, have a processor beside them.
      let own = if case .cuda = engine { Engine.cpu(CPUOptions(threadCount: engine.threadCount)) } else { engine }
      var rounding = AdaptiveRounding(
        self.network.preparedForQuantization(), data, scheme, ranges, corrections, engine: own,
        correctsBiases: options.correctsBiases)
      let names = try layers
      for (index, name) in names.enumerated() {
        progress?("rounding \(name)", Double(index) / Double(names.count + 1))
        try rounding.round(name)
      }
      corrections = rounding.corrections
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

  /// What layers of numbers are run in.
  var floatPrecision: Precision { if case .cpu(let options) = engine { options.precision } else { .float32 } }

  /// The engine in bfloat16; nil where it is no processor's, or in that already.
  private var inBFloat16: Engine? {
    guard case .cpu(var options) = engine, options.precision == .float32 else { return nil }
    options.precision = .bfloat16
    return .cpu(options)
  }

  /// The quality where values and weights of numbers are bfloat16; nil where the engine has none.
  func bfloat16Quality(of network: Network) throws(EvaluationError) -> Double? {
    guard let engine = inBFloat16 else { return nil }
    return quality(try results(of: network, on: engine.makeBackend()))
  }

  /// Whether the network is faster so, by medians whose intervals are apart.
  func isFasterInBFloat16(_ network: Network, shapes: [Shape]?) throws(EvaluationError) -> Bool {
    guard let other = inBFloat16 else { return false }
    let timing = InterleavedTiming(shapes: shapes ?? [data.samples[0].input.shape], rounds: 15)
    let results = try timing.run([.init(network: network, engine: engine), .init(network: network, engine: other)])
    return results[1].mostSeconds < results[0].leastSeconds
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
