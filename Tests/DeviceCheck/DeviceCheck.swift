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
package struct DeviceCheck: Sendable {
  /// Makes the engine that is checked.
  package var engine: @Sendable (CUDAPrecision) throws(CUDAError) -> CUDAEngine
  /// Networks a quarter as wide, on small inputs: for a device that is emulated.
  package var isSmall: Bool
  package var precisions = CUDAPrecision.allCases
  /// The networks that are looked at; all unless given.
  package var networkNames: Set<String>?
  /// Says how far the check is.
  package var progress: @Sendable (String) -> Void = { _ in }
  /// Gets what is found as soon as it is found, from any thread and in any order.
  package var note: @Sendable ([DeviceCheckReport.Row]) -> Void = { _ in }
  /// Threads that check; what is timed is timed by one.
  package var workerCount = 1
  /// When nothing more is begun, by `Machine.seconds`; what is left is reported as not run.
  package var deadline: Double = .infinity

  package init(isSmall: Bool = false, engine: @escaping @Sendable (CUDAPrecision) throws(CUDAError) -> CUDAEngine) {
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
    let engines = try engines(), cases = cases.filter(\.network.updates.isEmpty)
    // In turn, so that each precision has its share of the time.
    let rows = inTurn(cases.count) { index in
      let example = cases[index]
      return engines.map { precision, engine in
        DeviceCheckReport.Row(
          name: example.name, precision: precision.rawValue,
          outcome: isOver ? .notRun : outcome(of: example, engine, precision))
      }
    }
    progress("\(rows.count) checks of operations")
    return rows
  }

  /// An engine for each precision, or for those of them that are wanted.
  func engines(_ wanted: [CUDAPrecision] = CUDAPrecision.allCases) throws(CUDAError) -> [(CUDAPrecision, CUDAEngine)] {
    var result: [(CUDAPrecision, CUDAEngine)] = []
    for precision in precisions where wanted.contains(precision) { result.append((precision, try engine(precision))) }
    return result
  }

  private func outcome(
    of example: OperationCase, _ engine: CUDAEngine, _ precision: CUDAPrecision
  ) -> DeviceCheckReport.Outcome {
    let network = example.network, shapes = example.inputShapes
    let outputs: [Tensor], expected: [Tensor], bounds: [Tolerance]
    do {
      expected = try ReferenceEngine().prepare(network, inputs: shapes).run(example.inputs)
      bounds = try Tolerance.outputs(
        of: network, inputs: example.inputs, convolutionFactor: precision.element == .float32 ? 8 : 1,
        storage: precision.rounding)
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
      if bounds[index].magnitude > precision.largest { continue }
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

  /// Every network whole against the CPU engine, twice, and a tile, of which several runs are under way at once, against its place in the image where
  /// the network takes tiles.
  package func networks() throws(CUDAError) -> [DeviceCheckReport.Row] {
    let engines = try engines(), examples = wanted(DeviceCheckNetwork.all)
    // In turn, so that each precision has its share of the time; the CPU's result serves both.
    return inTurn(examples.count) { index in
      let example = examples[index]
      var exact: Tensor?
      return engines.map { precision, engine in
        var outcome = DeviceCheckReport.Outcome.notRun
        let start = Machine.seconds
        if !isOver {
          do {
            outcome = try self.outcome(of: example, engine, precision, &exact)
          } catch {
            outcome = .failed("\(error)")
          }
          let seconds = TextFormat.fixed(Machine.seconds - start, 1)
          progress("\(precision.rawValue): \(example.name): \(outcome.text), \(seconds) s")
        }
        return DeviceCheckReport.Row(name: example.name, precision: precision.rawValue, outcome: outcome)
      }
    }
  }

  /// How far a whole network may be from the CPU engine's result, by the length of the difference over that of the result: what storing
  /// rounded values through tens of layers costs, and in float32 what the order of sums and Winograd's transforms cost.
  static func bound(_ precision: CUDAPrecision) -> Double { precision == .float32 ? 1e-4 : 8 * precision.rounding }

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
    let exact =
      try known
      ?? CPUEngine(threadCount: max(Machine.processorCount / workerCount, 1)).prepare(network, inputs: [shape]).run([input])[0]
    known = exact
    guard first[0].shape == exact.shape else { return .failed("the shape is \(first[0].shape), not \(exact.shape)") }
    // Numbers that integers end in are rounded where they are stored in 16 bits.
    let isRounded = precision.element.byteCount == 2
    let bound = example.isOfIntegers ? (isRounded ? precision.rounding : 0) : Self.bound(precision)
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
    guard let model = try engine.prepare(network) as? any StagedModel else { return "the engine stages no tiles" }
    let results = try Self.runsAtOnce(
      model.session(input: tile, kernelsFor: shape, converting: SampleConversion()), part)
    let (width, height) = (whole.shape.width, whole.shape.height), scale = geometry.scale
    for (run, result) in results.enumerated() {
      for channel in 0..<whole.shape.channels {
        for y in first * scale..<end * scale {
          for x in 0..<width {
            let a = whole.floats[(channel * height + y) * width + x]
            let b = result.floats[(channel * result.shape.height + y - top * scale) * width + x]
            if a.bitPattern != b.bitPattern {
              return "at \(channel), \(y), \(x) run \(run) of a tile has \(b) and the image \(a)"
            }
          }
        }
      }
    }
    return nil
  }

  /// The outputs of as many runs of a tile as may be under way, and one more.
  private static func runsAtOnce(_ session: any StagedSession, _ tile: Tensor) throws(ExecutionError) -> [Tensor] {
    func begin(_ place: Int) throws(ExecutionError) {
      tile.withUnsafeBytes { session.inputPlaces(place)[0].copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
      try session.begin(place)
    }
    func finish(_ place: Int) throws(ExecutionError) -> Tensor {
      let output = try session.finish(place)[0], shape = session.outputShapes[0]
      return Tensor(unsafeUninitialized: shape) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: output, count: $0.count))
      }
    }
    for place in 0..<session.placeCount { try begin(place) }
    var results = [try finish(0)]
    try begin(0)
    for place in 1..<session.placeCount { results.append(try finish(place)) }
    results.append(try finish(0))
    return results
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
}
