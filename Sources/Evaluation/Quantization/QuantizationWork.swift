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
  private let options: ModelQuantization.Options
  private let engine: Engine
  /// What float32 makes of the samples.
  private var outputs: [Tensor] = []
  /// The quality of float32.
  private(set) var reference = Double.infinity
  private(set) var integerEngine: String

  /// - Parameter progress: called with what is worked on and the share done.
  init(
    _ network: Network, _ data: CalibrationData, _ options: ModelQuantization.Options, _ engine: Engine,
    progress: ((String, Double) -> Void)? = nil
  ) throws(EvaluationError) {
    self.network = options.equalizes ? network.equalizingChannels() : network
    self.data = data
    self.options = options
    self.engine = engine
    scheme = options.scheme
    integerEngine = engine.name.description
    _ = try wrapping { () throws(QuantizationError) in try network.quantizableLayers(options.scheme) }
    let calibration = try RangeCalibration(of: self.network, on: data, engine: engine, method: options.method) {
      progress?("what values hold", $0)
    }
    ranges = calibration.ranges
    var runner = try SampleRunner(network.optimizedForInference(), on: engine.makeBackend())
    for (index, sample) in data.samples.enumerated() {
      progress?("float32", Double(index) / Double(data.samples.count))
      outputs.append(try runner.run(sample.input)[0])
    }
    if data.peak != nil { reference = quality(outputs) }
    if options.correctsBiases {
      corrections.biasShifts = self.network.biasShifts(inputMeans: calibration.means, options.scheme)
    }
  }

  /// Rounds weights as the options say.
  mutating func roundWeights(_ progress: ((String, Double) -> Void)?) throws(EvaluationError) {
    guard options.rounding == .adaptive else { return }
    // Devices that run no integers, and no products of matrices, have a processor beside them.
    let own = if case .cuda = engine { Engine.cpu(CPUOptions(threadCount: engine.threadCount)) } else { engine }
    var rounding = AdaptiveRounding(
      network.preparedForQuantization(), data, scheme, ranges, corrections, engine: own,
      correctsBiases: options.correctsBiases)
    let names = try layers
    for (index, name) in names.enumerated() {
      progress?("rounding \(name)", Double(index) / Double(names.count + 1))
      try rounding.round(name)
    }
    corrections = rounding.corrections
  }

  /// Keeps sums as float32 where that gains enough, or where a bound on the loss is kept by nothing less; weights are the nearest integers here.
  ///
  /// - Returns: what is gained by it in dB; nil of a network without such sums, and where pictures have no truth: what is nearer to float32 is not
  ///   known to be better.
  mutating func chooseResidual() throws(EvaluationError) -> Double? {
    scheme.residual = .float32
    let numbers = try quantized()
    scheme.residual = .int8
    let integers = try quantized()
    guard data.peak != nil, integers != numbers else { return nil }
    let own = try quality(of: integers), gain = try quality(of: numbers) - own
    let isWanted = options.maximumLoss.map { reference - own > $0 && gain > 0 } ?? (gain >= ModelQuantization.Options.leastGain)
    if isWanted { scheme.residual = .float32 }
    return gain
  }

  /// Lets first layers sum integers where that loses little; weights are the nearest integers here.
  ///
  /// - Returns: what it loses in dB; nil where they are no plain convolutions, or stay as they are told.
  mutating func chooseFirst() throws(EvaluationError) -> Double? {
    guard network.preparedForQuantization().firstLayersArePlain else { return nil }
    scheme.keepsFirst = true
    let numbers = try quantized()
    scheme.keepsFirst = false
    let integers = try quantized()
    scheme.keepsFirst = true
    guard integers != numbers else { return nil }
    let loss = try quality(of: numbers) - quality(of: integers)
    let most = data.peak == nil ? ModelQuantization.Options.mostFirstError : ModelQuantization.Options.mostFirstLoss
    // Where both are without an error nothing is lost.
    if loss.isNaN || loss < most { scheme.keepsFirst = false }
    return loss.isFinite ? loss : nil
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

  /// In dB, where one layer alone is of integers.
  mutating func quality(of layer: String) throws(EvaluationError) -> Double { try quality(of: quantized(only: layer)) }

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
