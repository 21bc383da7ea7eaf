import Execution
import Networks
import Tensors
import Transforms

/// How the range of a value follows from the numbers that it held.
public enum RangeMethod: Hashable, Sendable {
  /// All of them.
  case minmax
  /// Without the share that lies outermost: of 99.99 one in ten thousand, half of them at each end where there are two.
  case percentile(Double)
  /// That in which rounding and cutting off together have the least mean squared error.
  case mse

  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    switch (parts.first, parts.count) {
    case ("minmax", 1): self = .minmax
    case ("mse", 1): self = .mse
    case ("percentile", 1): self = .percentile(99.99)
    case ("percentile", 2):
      guard let share = Double(parts[1]), share > 50, share <= 100 else { return nil }
      self = .percentile(share)
    default: return nil
    }
  }
}

extension RangeMethod: CustomStringConvertible {
  public var description: String {
    switch self {
    case .minmax: "minmax"
    case .percentile(let share): "percentile:\(TextFormat.short(share))"
    case .mse: "mse"
    }
  }
}

/// The numbers that a value held, counted.
struct ValueHistogram {
  private(set) var minimum = Float.infinity
  private(set) var maximum = -Float.infinity
  private(set) var counts: [Int] = []
  private(set) var isFinite = true

  static let binCount = 4096

  /// First pass: the ends.
  mutating func extend(_ tensor: Tensor) {
    tensor.withUnsafeFloats { values in
      var (least, most, sum) = (minimum, maximum, Float(0))
      for value in values {
        least = value < least ? value : least
        most = value > most ? value : most
        sum += value * 0
      }
      (minimum, maximum) = (least, most)
      if !(sum == 0) { isFinite = false }
    }
  }

  /// Second pass.
  mutating func count(_ tensor: Tensor) {
    guard isFinite, maximum > minimum else { return }
    if counts.isEmpty { counts = Array(repeating: 0, count: Self.binCount) }
    // By halves: the whole distance of the largest numbers is none.
    let low = minimum / 2, factor = Float(Self.binCount) / (maximum / 2 - low), last = Self.binCount - 1
    tensor.withUnsafeFloats { values in
      counts.withUnsafeMutableBufferPointer { counts in
        for value in values {
          let place = (value / 2 - low) * factor
          // So written that what is no number, as between the smallest ones, is counted, too.
          counts[place < Float(last) ? Int(place) : last] += 1
        }
      }
    }
  }

  private var width: Double { (Double(maximum) - Double(minimum)) / Double(Self.binCount) }

  func range(_ method: RangeMethod) -> QuantizationRange {
    let all = QuantizationRange(minimum: minimum, maximum: maximum)
    guard !counts.isEmpty else { return all }
    switch method {
    case .minmax: return all
    case .percentile(let share): return percentile(share)
    case .mse: return leastError()
    }
  }

  private func percentile(_ share: Double) -> QuantizationRange {
    let total = counts.reduce(0, +)
    // A ReLU's 0 is no tail.
    let sides = minimum < 0 && maximum > 0 ? 2.0 : 1
    let tail = Double(total) * (1 - share / 100) / sides
    func end(_ bins: some Sequence<Int>) -> Int? {
      var sum = 0
      for bin in bins {
        sum += counts[bin]
        if Double(sum) > tail { return bin }
      }
      return nil
    }
    var result = QuantizationRange(minimum: minimum, maximum: maximum)
    if minimum < 0, let bin = end(counts.indices) { result.minimum = Float(Double(minimum) + Double(bin) * width) }
    if maximum > 0, let bin = end(counts.indices.reversed()) {
      result.maximum = Float(Double(minimum) + Double(bin + 1) * width)
    }
    return result.minimum <= result.maximum ? result : QuantizationRange(minimum: minimum, maximum: maximum)
  }

  /// Both ends are drawn in by the same share.
  private func leastError() -> QuantizationRange {
    var best = (error: Double.infinity, range: QuantizationRange(minimum: minimum, maximum: maximum))
    for step in 0...60 {
      let share = 1 - Double(step) / 75
      let least = min(Double(minimum), 0) * share, most = max(Double(maximum), 0) * share
      let rounding = (most - least) / 255, inside = rounding * rounding / 12
      var error = 0.0
      for (bin, count) in counts.enumerated() where count > 0 {
        let number = Double(minimum) + (Double(bin) + 0.5) * width
        let outside = number > most ? number - most : number < least ? least - number : 0
        error += Double(count) * (outside > 0 ? outside * outside : inside)
      }
      if error < best.error { best = (error, QuantizationRange(minimum: Float(least), maximum: Float(most))) }
    }
    return best.range
  }
}

/// Runs networks on samples, one model for all and a session for each shape.
struct SampleRunner {
  private let model: any Model
  private let network: Network
  private var sessions: [[Shape]: any Session] = [:]

  init(_ network: Network, on backend: any Backend) throws(EvaluationError) {
    self.network = network
    do throws(ExecutionError) {
      model = try backend.prepare(network)
    } catch {
      throw .execution(network: network.name, error)
    }
  }

  mutating func run(_ input: Tensor) throws(EvaluationError) -> [Tensor] {
    do throws(ExecutionError) {
      if let session = sessions[[input.shape]] { return try session.run([input]) }
      let session = try model.session(inputs: [input.shape])
      sessions[[input.shape]] = session
      return try session.run([input])
    } catch {
      throw .execution(network: network.name, error)
    }
  }
}

/// What is known of the values of a network that is to become one of integers.
public struct RangeCalibration: Sendable {
  /// Of each value of `network.preparedForQuantization()`.
  public let ranges: [String: QuantizationRange]
  /// The mean of each channel of each value.
  public let means: [String: [Double]]

  /// Runs the prepared network in float32 on all samples, twice where the method counts.
  ///
  /// - Parameter progress: gets the share done.
  public init(
    of network: Network, on data: CalibrationData, engine: Engine, method: RangeMethod, progress: ((Double) -> Void)? = nil
  ) throws(EvaluationError) {
    var everything = network.preparedForQuantization()
    everything.outputs = everything.nodes.map(\.name)
    everything.updates = []
    everything.contract = nil
    let names = [everything.inputs[0].name] + everything.outputs
    var histograms = Dictionary(names.map { ($0, ValueHistogram()) }) { first, _ in first }
    var sums: [String: [Double]] = [:], counts: [String: Int] = [:]
    var runner = try SampleRunner(everything, on: engine.makeBackend())
    let passes = method == .minmax ? 1 : 2
    for pass in 0..<passes {
      for (index, sample) in data.samples.enumerated() {
        progress?(Double(pass * data.samples.count + index) / Double(passes * data.samples.count))
        let values = try [sample.input] + runner.run(sample.input)
        for (name, value) in zip(names, values) where value.dataType == .float32 {
          guard pass == 0 else {
            histograms[name]?.count(value)
            continue
          }
          histograms[name]?.extend(value)
          if histograms[name]?.isFinite == false { throw sample.fault(network: network.name, value: name) }
          let own = value.channelSums
          sums[name] = sums[name].map { zip($0, own).map { $0 + $1 } } ?? own
          counts[name, default: 0] += value.count / max(own.count, 1)
        }
      }
    }
    ranges = histograms.mapValues { $0.range(method) }
    means = Dictionary(sums.map { name, sums in (name, sums.map { $0 / Double(max(counts[name] ?? 1, 1)) }) }) { first, _ in
      first
    }
  }
}

extension Tensor {
  /// Of float32, along axis 1; of a tensor without one none.
  fileprivate var channelSums: [Double] {
    guard shape.rank > 1 else { return [] }
    let channels = shape[1], area = count / (shape[0] * channels)
    var result = [Double](repeating: 0, count: channels)
    withUnsafeFloats { values in
      for plane in 0..<shape[0] * channels {
        var sum: Float = 0
        for value in values[plane * area..<(plane + 1) * area] { sum += value }
        result[plane % channels] += Double(sum)
      }
    }
    return result
  }
}

extension CalibrationData.Sample {
  /// Why a value is not finite that a network made of the sample.
  func fault(network: String, value: String) -> EvaluationError {
    .notFinite(of: input, path: path, network: network, what: "the value '\(value.onOneLine)'")
  }
}

extension EvaluationError {
  /// Larger numbers than these are none that pictures or measurements hold.
  private static let largestInput = 1e6

  /// What a network made of an input is not finite: a fault of the input where its numbers are so large that products of them may leave float32.
  static func notFinite(of input: Tensor, path: String?, network: String, what: String) -> EvaluationError {
    let largest = input.largestMagnitude
    guard let path, largest > largestInput else { return .notFinite(network: network, what: what) }
    return .inputTooLarge(path: path, largest: largest, network: network, what: what)
  }
}
