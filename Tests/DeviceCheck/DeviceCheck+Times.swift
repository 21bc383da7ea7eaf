import CUDABackend
import Evaluation
import Execution
import Networks
import Tensors
import Transforms

/// How fast a device is.
extension DeviceCheck {
  /// Of each network: its kernels as one graph, a run with the copies, and each kernel. What cannot be timed is a fault.
  ///
  /// - Parameter note: gets each row as soon as it is there.
  package func times(runs: Int = 50, _ note: (DeviceCheckReport.Timing) -> Void = { _ in })
    throws(CUDAError) -> (rows: [DeviceCheckReport.Timing], faults: [String])
  {
    try timed(
      wanted(DeviceCheckNetwork.all + (isSmall ? [] : DeviceCheckNetwork.largeInputs)), [.float32, .float16], \.name, note
    ) {
      (example, engine, precision) in
      let network = try example.network(isSmall: isSmall).optimizedForInference()
      let shape = example.input(isSmall: isSmall)
      guard let session = try engine.prepare(network, inputs: [shape]) as? CUDASession else { return nil }
      return try timing(session, network, example.name, [Self.randomInput(shape)], precision, runs: runs)
    }
  }

  /// Each example in each of some precisions, until the time is over.
  func timed<Example>(
    _ examples: [Example], _ precisions: [CUDAPrecision], _ name: (Example) -> String,
    _ note: (DeviceCheckReport.Timing) -> Void,
    _ row: (Example, CUDAEngine, CUDAPrecision) throws -> DeviceCheckReport.Timing?
  ) throws(CUDAError) -> (rows: [DeviceCheckReport.Timing], faults: [String]) {
    var rows: [DeviceCheckReport.Timing] = [], faults: [String] = []
    let engines = try engines(precisions)
    for example in examples {
      for (precision, engine) in engines where !isOver {
        do {
          guard let row = try row(example, engine, precision) else { continue }
          rows.append(row)
          note(row)
          progress("\(precision.rawValue): \(row.name) \(row.input): \(TextFormat.fixed(row.milliseconds, 3)) ms")
        } catch {
          faults.append("\(name(example)), \(precision.rawValue): not timed: \(error)")
          progress(faults[faults.count - 1])
        }
      }
    }
    return (rows, faults)
  }

  func timing(
    _ session: CUDASession, _ network: Network, _ name: String, _ inputs: [Tensor], _ precision: CUDAPrecision, runs: Int
  ) throws -> DeviceCheckReport.Timing {
    let ceilings = DeviceCeilings(session.device), plan = session.devicePlan(of: network, precision: precision)
    let graph = try session.kernelNanoseconds(inputs, runs: runs)
    var whole: [Double] = [], outputs: [Tensor] = []
    for _ in 0..<max(runs / 5, 3) {
      let start = Machine.seconds
      try session.run(inputs, into: &outputs)
      whole.append(1e3 * (Machine.seconds - start))
    }
    // Each kernel at its median, with a moment taken between each two.
    let timelines = try (0..<5).map { _ in try session.timedRun(inputs).timeline }
    let kernels = timelines[0].steps.indices.map { index in
      let step = timelines[0].steps[index]
      let times = timelines.map { Double($0.events[index].duration) }
      // The first and the last are the copies there and back.
      let planned = plan.steps.indices.contains(index - 1) ? plan.steps[index - 1] : nil
      return DeviceCheckReport.Kernel(
        node: step.node, kernel: step.kernels.joined(separator: " "), microseconds: Self.median(times) / 1e3,
        leastMicroseconds: planned.map { $0.least(ceilings).nanoseconds / 1e3 }, bytes: step.traffic.bytesMoved)
    }
    return DeviceCheckReport.Timing(
      name: name, precision: precision.rawValue, input: inputs[0].shape.description,
      milliseconds: Self.median(graph.map(Double.init)) / 1e6, withCopiesMilliseconds: Self.median(whole),
      leastMilliseconds: plan.leastNanoseconds(ceilings) / 1e6,
      expectedMilliseconds: plan.expectedNanoseconds(ceilings) / 1e6,
      profileMilliseconds: Self.median(timelines.map { Double($0.nanoseconds) }) / 1e6, kernels: kernels)
  }

  /// What the device uses in a run of each network, where it tells: its counter over many runs one after the other.
  ///
  /// - Parameter seconds: that the runs of a network take, about: the counter moves some ten times a second.
  package func energies(seconds: Double = 0.6) throws(CUDAError) -> [DeviceCheckReport.Use] {
    var rows: [DeviceCheckReport.Use] = []
    for (precision, engine) in try engines() {
      guard let energy = DeviceEnergy(deviceNamed: engine.device.name) else {
        progress("the device does not tell what it uses")
        return []
      }
      for example in wanted(DeviceCheckNetwork.all) where !isOver {
        do {
          let network = try example.network(isSmall: isSmall).optimizedForInference()
          let shape = example.input(isSmall: isSmall), input = Self.randomInput(shape)
          guard let session = try engine.prepare(network, inputs: [shape]) as? CUDASession else { continue }
          let one = Self.median(try session.kernelNanoseconds([input], runs: 5).map(Double.init)) / 1e9
          let runs = max(min(Int(seconds / max(one, 1e-6)), 20000), 5), start = Machine.seconds
          guard let before = energy.joules else { continue }
          _ = try session.kernelNanoseconds([input], runs: runs)
          guard let after = energy.joules else { continue }
          rows.append(
            DeviceCheckReport.Use(
              name: example.name, precision: precision.rawValue, joules: (after - before) / Double(runs),
              watts: (after - before) / max(Machine.seconds - start, 1e-9)))
        } catch {
          progress("\(example.name), \(precision.rawValue): no energy: \(error)")
        }
      }
    }
    return rows
  }

  static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
