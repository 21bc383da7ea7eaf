import Evaluation
import Files

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Profile {
  /// A profile that `swiftlet profile --json` printed to a file. One of an engine, an instruction set or a precision that is not known
  /// here is refused by name: nothing would be true that is said of it.
  public init(contentsOf path: String) throws(EvaluationError) {
    let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: 1 << 28) }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(Profile.self, from: Data(bytes))
      switch engine?.kind ?? .cpu {
      case .cpu:
        guard device == nil else { throw EvaluationError.notProfile(path: path) }
        _ = try EngineName("cpu:\(roofs.isa):\(precision)")
      case .reference: throw EvaluationError.untimedEngine(name: EngineName.reference.description)
      case .cuda:
        guard device != nil else { throw EvaluationError.notProfile(path: path) }
        _ = try EngineName("cuda:\(precision)")
      }
    } catch EvaluationError.unknownEngine(let name, _) {
      throw .unknownEngine(name: name, file: path)
    } catch {
      throw .notProfile(path: path)
    }
    if let fault { throw .damagedProfile(path: path, fault: fault) }
  }

  /// What no run has: a clause that names the key of the file; nil where all numbers can be added up and told.
  private var fault: String? {
    if layers.count > 1 << 12 { return "'layers' are \(layers.count), and no more than \(1 << 12) are read" }
    if let machine, !machine.isPossible { return "'machine' has numbers that no machine has" }
    return faultOfRun ?? layers.indices.lazy.compactMap(faultOfLayer).first ?? faultOfSums
  }

  private static func fault(_ numbers: [(key: String, value: Int)], of place: String = "") -> String? {
    numbers.first { !(0..<1 << 48).contains($0.value) }.map { "'\(place)\($0.key)' is \($0.value), which no run has" }
  }

  private var faultOfRun: String? {
    var numbers = [
      ("nanoseconds", nanoseconds), ("plain_nanoseconds", plainNanoseconds), ("fastest_nanoseconds", fastestNanoseconds ?? 0),
      ("slow_nanoseconds", slowNanoseconds ?? 0), ("session_bytes", sessionBytes), ("parameter_count", parameterCount),
      ("warmup", warmup), ("runs", runs), ("roofs.threads", roofs.threads),
      ("roofs.launch_nanoseconds", roofs.launchNanoseconds),
    ]
    if let device {
      let host = device.host
      numbers += [
        ("device.host.staging", host.staging), ("device.host.launching", host.launching),
        ("device.host.waiting", host.waiting), ("device.host.taking", host.taking), ("device.host.moment", host.moment),
        ("device.graph_count", device.graphCount), ("device.kernel_count", device.kernelCount),
        ("device.device.cache_byte_count", device.device.cacheByteCount),
        ("device.device.multiprocessor_count", device.device.multiprocessorCount),
      ]
    }
    if let fault = Self.fault(numbers) { return fault }
    let rates = [
      ("gflops_per_s", roofs.gflopsPerS), ("float32_gflops_per_s", roofs.float32GflopsPerS),
      ("integer_gops_per_s", roofs.integerGopsPerS ?? 0),
      ("memory_gb_per_s", roofs.memoryGbPerS), ("cache_gb_per_s", roofs.cacheGbPerS),
      ("transfer_gb_per_s", roofs.transferGbPerS ?? 0), ("computed_gflops_per_s", roofs.computedGflopsPerS ?? 0),
    ]
    if let rate = rates.first(where: { !($0.1 == 0 || (0.01...1e12).contains($0.1)) }) {
      return "'roofs.\(rate.0)' is \(rate.1), which no machine has"
    }
    if let share = roofs.disagreement, !(0...1).contains(share) { return "'roofs.disagreement' is \(share) and no share" }
    return nil
  }

  private func faultOfLayer(_ index: Int) -> String? {
    let layer = layers[index], traffic = layer.traffic
    var numbers = [
      ("nanoseconds", layer.nanoseconds), ("total_nanoseconds", layer.totalNanoseconds), ("band_count", layer.bandCount),
      ("step_count", layer.stepCount), ("multiply_accumulates", layer.multiplyAccumulates), ("operations", layer.operations),
      ("traffic.value_bytes", traffic.valueBytes), ("traffic.cached_bytes", traffic.cachedBytes),
      ("traffic.constant_bytes", traffic.constantBytes), ("traffic.held_bytes", traffic.heldBytes),
      ("traffic.transferred_bytes", traffic.transferredBytes ?? 0), ("blocks.count", layer.blocks?.count ?? 0),
      ("blocks.at_once", layer.blocks?.atOnce ?? 0),
    ]
    if let convolution = layer.convolution {
      numbers += [
        ("convolution.in_channels", convolution.inChannels), ("convolution.out_channels", convolution.outChannels),
        ("convolution.groups", convolution.groups),
      ]
    }
    if let fault = Self.fault(numbers, of: "layers[\(index)].") { return fault }
    if layer.totalNanoseconds < layer.nanoseconds {
      return "'layers[\(index)].total_nanoseconds' is \(layer.totalNanoseconds) and less than its own \(layer.nanoseconds)"
    }
    return nil
  }

  /// Layers and the engine's own time add up to the run. Two clocks of a device may disagree by a little.
  private var faultOfSums: String? {
    let slack = device == nil ? 0 : nanoseconds / 64 + 1000 * layers.count
    let sum = layers.reduce(0) { $0 + $1.nanoseconds }
    if sum > nanoseconds + slack {
      return "its layers take \(sum) ns together, and the whole run \(nanoseconds) ns ('nanoseconds')"
    }
    if let index = layers.firstIndex(where: { $0.totalNanoseconds > nanoseconds + slack }) {
      return
        "'layers[\(index)].total_nanoseconds' is \(layers[index].totalNanoseconds), and the whole run took \(nanoseconds) ns"
    }
    for (index, event) in events.enumerated() {
      let place = "events[\(index)]."
      if let fault = Self.fault([("start", event.start), ("duration", event.duration), ("threads", event.threads)], of: place) {
        return fault
      }
      guard layers.indices.contains(event.layer) else {
        return "'\(place)layer' is \(event.layer), and it has \(layers.count) layers"
      }
      if device == nil, event.start + event.duration > nanoseconds {
        return "'\(place)start' and 'duration' end behind the run, which took \(nanoseconds) ns"
      }
    }
    return layers.reduce(0) { $0 + idealNanoseconds($1) } < 1e18 ? nil : "its layers move or reckon more than any run does"
  }
}
