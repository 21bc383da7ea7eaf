import Architectures
import CPUBackend
import CUDABackend
import Evaluation
import Execution
import Networks
import OperationCases
import ReferenceBackend
import Tensors
import Transforms

/// Whether a CUDA device computes what the CPU does, and how fast: every operation, whole networks, times.
package struct DeviceCheck {
  /// Makes the engine that is checked.
  package var engine: (CUDAPrecision) throws(CUDAError) -> CUDAEngine
  /// Networks a quarter as wide, on small inputs: for a device that is emulated.
  package var isSmall: Bool
  package var precisions: [CUDAPrecision] = [.float32, .float16]
  /// The networks that are looked at; all unless given.
  package var networkNames: Set<String>?
  /// Says how far the check is.
  package var progress: (String) -> Void = { _ in }
  /// When nothing more is begun, by `Machine.seconds`; what is left is reported as not run.
  package var deadline: Double = .infinity

  package init(isSmall: Bool = false, engine: @escaping (CUDAPrecision) throws(CUDAError) -> CUDAEngine) {
    self.engine = engine
    self.isSmall = isSmall
  }

  func wanted(_ networks: [DeviceCheckNetwork]) -> [DeviceCheckNetwork] {
    networks.filter { networkNames?.contains($0.name) ?? true }
  }

  var isOver: Bool { Machine.seconds >= deadline }

  // MARK: Operations

  /// Every case of the shared list: equal to the reference within what float arithmetic may cost, or refused with a reason.
  package func operations(_ cases: [OperationCase] = OperationCase.all + OperationCase.integers) throws(CUDAError)
    -> [DeviceCheckReport.Row]
  {
    var rows: [DeviceCheckReport.Row] = []
    var engines: [CUDAEngine] = []
    for precision in precisions { engines.append(try engine(precision)) }
    // In turn, so that each precision has its share of the time.
    for example in cases where example.network.updates.isEmpty {
      for (precision, engine) in zip(precisions, engines) {
        rows.append(
          DeviceCheckReport.Row(
            name: example.name, precision: precision.rawValue,
            outcome: isOver ? .notRun : outcome(of: example, engine, precision)))
      }
    }
    progress("\(rows.count) checks of operations")
    return rows
  }

  private func outcome(
    of example: OperationCase, _ engine: CUDAEngine, _ precision: CUDAPrecision
  ) -> DeviceCheckReport.Outcome {
    let network = example.network, shapes = example.inputShapes
    let outputs: [Tensor], expected: [Tensor], bounds: [Tolerance]
    do {
      expected = try ReferenceEngine().prepare(network, inputs: shapes).run(example.inputs)
      bounds = try Tolerance.outputs(
        of: network, inputs: example.inputs, convolutionFactor: precision == .float32 ? 8 : 1,
        storage: precision == .float16 ? Tolerance.float16Epsilon : 0)
    } catch {
      return .failed("the reference: \(error)")
    }
    let session: any Session
    do throws(ExecutionError) {
      session = try engine.prepare(network, inputs: shapes)
    } catch {
      // What the device does not do is said before anything runs.
      if case .device = error { return .failed("\(error)") }
      return .refused("\(error)")
    }
    do throws(ExecutionError) { outputs = try session.run(example.inputs) } catch { return .failed("\(error)") }
    var worst: (error: Double, bound: Double) = (0, 0)
    for (index, (output, exact)) in zip(outputs, expected).enumerated() {
      guard output.shape == exact.shape else { return .failed("the shape is \(output.shape), not \(exact.shape)") }
      // Beyond the largest binary16 there is only infinity.
      if precision == .float16, bounds[index].magnitude > 65504 { continue }
      let difference = output.difference(from: exact).maximum
      // Written so that a NaN fails.
      guard difference <= bounds[index].error else {
        return .failed("output \(index) differs by \(difference), the bound is \(bounds[index].error)")
      }
      if difference >= worst.error { worst = (difference, bounds[index].error) }
    }
    return .equal(error: worst.error, bound: worst.bound)
  }

  // MARK: Networks

  /// Every network whole against the CPU engine, twice, and a tile against its place in the image where the network takes tiles.
  package func networks() throws(CUDAError) -> [DeviceCheckReport.Row] {
    var rows: [DeviceCheckReport.Row] = []
    var engines: [CUDAEngine] = []
    for precision in precisions { engines.append(try engine(precision)) }
    // In turn, so that each precision has its share of the time; the CPU's result serves both.
    for example in wanted(DeviceCheckNetwork.all) {
      var exact: Tensor?
      for (precision, engine) in zip(precisions, engines) {
        var outcome = DeviceCheckReport.Outcome.notRun
        if !isOver {
          do {
            outcome = try self.outcome(of: example, engine, precision, &exact)
          } catch {
            outcome = .failed("\(error)")
          }
          progress("\(precision.rawValue): \(example.name): \(outcome.text)")
        }
        rows.append(DeviceCheckReport.Row(name: example.name, precision: precision.rawValue, outcome: outcome))
      }
    }
    return rows
  }

  /// How far a whole network may be from the CPU engine's result, by the length of the difference over that of the result: what storing
  /// values in binary16 through tens of layers costs, and in float32 what the order of sums and Winograd's transforms cost.
  static func bound(_ precision: CUDAPrecision) -> Double { precision == .float16 ? 4e-3 : 1e-4 }

  private func outcome(
    of example: DeviceCheckNetwork, _ engine: CUDAEngine, _ precision: CUDAPrecision, _ known: inout Tensor?
  ) throws -> DeviceCheckReport.Outcome {
    let network = try example.network(isSmall: isSmall).optimizedForInference()
    let shape = example.input(isSmall: isSmall), input = Self.randomInput(shape)
    let session: any Session
    do throws(ExecutionError) {
      session = try engine.prepare(network, inputs: [shape])
    } catch {
      if case .device = error { return .failed("\(error)") }
      return .refused("\(error)")
    }
    let first = try session.run([input]), second = try session.run([input])
    if first != second { return .failed("two runs differ in their bits") }
    let exact = try known ?? CPUEngine(threadCount: Machine.processorCount).prepare(network, inputs: [shape]).run([input])[0]
    known = exact
    guard first[0].shape == exact.shape else { return .failed("the shape is \(first[0].shape), not \(exact.shape)") }
    // Numbers that integers end in are rounded where they are stored as float16.
    let bound = example.isOfIntegers ? (precision == .float16 ? 0x1p-11 : 0) : Self.bound(precision)
    let error = Self.relativeError(first[0], exact)
    guard error <= bound else { return .failed("the relative error is \(error), the bound \(bound)") }
    if let fault = try tileFault(network, shape, input, first[0], engine) { return .failed(fault) }
    return .equal(error: error, bound: bound)
  }

  /// What differs between a tile and the image that it is cut from; nil where nothing does, or nothing can be cut.
  private func tileFault(
    _ network: Network, _ shape: Shape, _ input: Tensor, _ whole: Tensor, _ engine: CUDAEngine
  ) throws -> String? {
    let shapes = try network.inferredShapes(inputs: [shape])
    guard shape.batch == 1, whole.shape.isImage,
      let geometry = TileGeometry(of: network, shapes: shapes, grid: { engine.outputGrid(of: $0, in: network, shapes: shapes) })
    else { return nil }
    // A row of the image and what it looks at, of the whole width.
    let step = max(geometry.alignment, 1)
    let first = shape.height / 2 / step * step, end = min(first + step, shape.height)
    let top = max(first - geometry.halo, 0) / step * step
    let bottom = min((end + geometry.halo + step - 1) / step * step, shape.height)
    let tile = Shape(channels: shape.channels, height: bottom - top, width: shape.width)
    guard tile != shape else { return nil }
    let part = Tensor(
      tile,
      (0..<shape.channels).flatMap { channel in
        let start = (channel * shape.height + top) * shape.width
        return input.floats[start..<start + tile.height * shape.width]
      })
    let result = try engine.prepare(network).session(inputs: [tile], kernelsFor: [shape]).run([part])[0]
    let (width, height) = (whole.shape.width, whole.shape.height), scale = geometry.scale
    for channel in 0..<whole.shape.channels {
      for y in first * scale..<end * scale {
        for x in 0..<width {
          let a = whole.floats[(channel * height + y) * width + x]
          let b = result.floats[(channel * result.shape.height + y - top * scale) * width + x]
          if a.bitPattern != b.bitPattern { return "at \(channel), \(y), \(x) a tile has \(b) and the image \(a)" }
        }
      }
    }
    return nil
  }

  static func randomInput(_ shape: Shape) -> Tensor {
    var generator = SplitMix64(seed: 1)
    return Tensor(shape, (0..<shape.count).map { _ in generator.nextUnit() })
  }

  static func relativeError(_ result: Tensor, _ exact: Tensor) -> Double {
    var distance = 0.0, length = 0.0
    for (a, b) in zip(result.floats, exact.floats) {
      distance += Double(a - b) * Double(a - b)
      length += Double(b) * Double(b)
    }
    return (distance / max(length, 1e-30)).squareRoot()
  }

  // MARK: Times

  /// Of each network: its kernels as one graph, a run with the copies, and each kernel.
  package func times(runs: Int = 50) throws(CUDAError) -> [DeviceCheckReport.Timing] {
    var rows: [DeviceCheckReport.Timing] = []
    for example in wanted(DeviceCheckNetwork.all + (isSmall ? [] : DeviceCheckNetwork.largeInputs)) {
      for precision in precisions where !isOver {
        let engine = try engine(precision)
        do {
          if let row = try timing(of: example, engine, precision, runs: runs) { rows.append(row) }
        } catch {
          progress("\(example.name), \(precision.rawValue): not timed: \(error)")
        }
      }
    }
    return rows
  }

  private func timing(
    of example: DeviceCheckNetwork, _ engine: CUDAEngine, _ precision: CUDAPrecision, runs: Int
  ) throws -> DeviceCheckReport.Timing? {
    let network = try example.network(isSmall: isSmall).optimizedForInference()
    let shape = example.input(isSmall: isSmall), input = Self.randomInput(shape)
    guard let session = try engine.prepare(network, inputs: [shape]) as? CUDASession else { return nil }
    let graph = try session.kernelNanoseconds([input], runs: runs)
    var whole: [Double] = [], outputs: [Tensor] = []
    for _ in 0..<max(runs / 5, 3) {
      let start = Machine.seconds
      try session.run([input], into: &outputs)
      whole.append(1e3 * (Machine.seconds - start))
    }
    // Each kernel at its median, with a moment taken between each two.
    let timelines = try (0..<5).map { _ in try session.timedRun([input]).timeline }
    let kernels = timelines[0].steps.indices.map { index in
      let step = timelines[0].steps[index]
      let times = timelines.map { Double($0.events[index].duration) }
      return DeviceCheckReport.Kernel(
        node: step.node, kernel: step.kernels.joined(separator: " "), microseconds: Self.median(times) / 1e3,
        bytes: step.traffic.bytesMoved)
    }
    let row = DeviceCheckReport.Timing(
      name: example.name, precision: precision.rawValue, input: shape.description,
      milliseconds: Self.median(graph.map(Double.init)) / 1e6, withCopiesMilliseconds: Self.median(whole), kernels: kernels)
    progress("\(precision.rawValue): \(example.name) \(shape): \(TextFormat.fixed(row.milliseconds, 3)) ms")
    return row
  }

  static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
