import BenchmarkCases
import Swiftlet

// By name: Swiftlet has a `Benchmark` too.
import class Benchmark.Benchmark
import enum Benchmark.BenchmarkMetric
import func Benchmark.blackHole

/// Whole numbers are all that a custom metric takes.
private let rate = BenchmarkMetric.custom("GFLOP/s", polarity: .prefersLarger, useScalingFactor: false)
private let layerTime = BenchmarkMetric.custom("Layer time (μs)", polarity: .prefersSmaller, useScalingFactor: false)

/// What the plugin calls: registers every case for every instruction set that this machine can run.
let benchmarks: @Sendable () -> Void = {
  do {
    for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
      for layer in try BenchmarkCase.layers() { register(layer: layer, instructionSet) }
      for network in try BenchmarkCase.networks() {
        register(network: network, instructionSet, threadCount: Machine.processorCount)
      }
    }
  } catch {
    preconditionFailure("a benchmark case cannot be built: \(error)")
  }
}

/// One layer on one thread; only its kernels count.
private func register(layer: BenchmarkCase, _ instructionSet: InstructionSet) {
  var prepared: PreparedCase?
  Benchmark(
    "\(layer.name) \(instructionSet.rawValue)",
    configuration: .init(metrics: [layerTime, rate], warmupIterations: 2, maxDuration: .seconds(1), maxIterations: 200),
    closure: { benchmark in
      let subject = try prepared ?? PreparedCase(layer, instructionSet, threadCount: 1)
      prepared = subject
      let nanoseconds = try subject.runLayer().nanoseconds
      benchmark.measurement(layerTime, nanoseconds / 1000)
      benchmark.measurement(rate, Int(layer.gigaflops(nanoseconds: nanoseconds).rounded()))
    },
    teardown: { prepared = nil })
}

/// A whole network, copies included.
private func register(network: BenchmarkCase, _ instructionSet: InstructionSet, threadCount: Int) {
  var prepared: PreparedCase?
  Benchmark(
    "\(network.name) \(instructionSet.rawValue) \(threadCount) threads",
    configuration: .init(metrics: [.wallClock, .peakMemoryResident, rate], warmupIterations: 2, maxDuration: .seconds(5)),
    closure: { benchmark in
      let subject = try prepared ?? PreparedCase(network, instructionSet, threadCount: threadCount)
      prepared = subject
      let clock = ContinuousClock()
      benchmark.startMeasurement()
      let start = clock.now
      let outputs = try subject.run()
      let parts = (clock.now - start).components
      benchmark.stopMeasurement()
      blackHole(outputs)
      let nanoseconds = Int(parts.seconds) * 1_000_000_000 + Int(parts.attoseconds / 1_000_000_000)
      benchmark.measurement(rate, Int(network.gigaflops(nanoseconds: nanoseconds).rounded()))
    },
    teardown: { prepared = nil })
}
