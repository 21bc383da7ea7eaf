import CPUBackend
import CUDABackend
import Evaluation
import Execution
import Networks
import ReferenceBackend
import Tensors

extension Ladder {
  /// One way to run something on the CPU engine.
  struct Rung {
    var name: String
    var options: CPUOptions
    var method: ConvolutionMethod?
    /// Whether layers, and the copies at the ends, hand over rows that are still in the cache; else every value goes to memory.
    var isInBands: Bool

    init(
      _ name: String, _ options: CPUOptions, _ method: ConvolutionMethod? = nil,
      isInBands: Bool = false
    ) {
      self.name = name
      self.options = options
      self.method = method
      self.isInBands = isInBands
    }

    func backend() throws(EvaluationError) -> CPUEngine {
      var backend = try options.makeEngine()
      backend.preferredMethod = method
      if !isInBands { backend.cacheByteCount = 0 }
      return backend
    }
  }
}

/// A table being filled: the reference first, then what is held against it.
struct Climb {
  var rungs: [LadderTable.Rung] = []
  private let runs: Int
  private let input: Tensor
  private var expected: Tensor
  private var referenceMilliseconds = 0.0

  /// What rungs run on; nil for the CPU.
  private let device: String?

  /// - Parameter runs: timed ones of each rung, of which the best counts.
  init(_ runs: Int, _ input: Tensor, device: String? = nil) {
    self.runs = runs
    self.device = device
    self.input = input
    expected = input.firstImage
  }

  func table(_ title: String) -> LadderTable {
    LadderTable(title: title, rungs: rungs, device: device)
  }

  /// Runs the reference on the first image, or on what it made of it so far, whose time then counts, too.
  mutating func addReference(_ network: Network, continuing: Bool = false) throws(EvaluationError) {
    let start = Machine.seconds
    do throws(ExecutionError) {
      expected = try ReferenceEngine().prepare(network, inputs: [expected.shape]).run([expected])[0]
    } catch {
      throw .execution(network: network.name, error)
    }
    referenceMilliseconds =
      (continuing ? referenceMilliseconds : 0) + (Machine.seconds - start) * 1000
    rungs.append(
      LadderTable.Rung(
        name: "sequential reference", isa: nil, threads: 1, images: 1,
        millisecondsPerImage: referenceMilliseconds, speedUp: 1,
        maximum: 0, mean: 0, note: nil))
  }

  mutating func add(_ rung: Ladder.Rung, _ network: Network) throws(EvaluationError) {
    let result = LadderTable.Rung(
      name: rung.name, isa: rung.options.instructionSet.rawValue, threads: rung.options.threadCount,
      images: input.shape.batch)
    let backend = try rung.backend()
    do throws(ExecutionError) {
      guard let session = try backend.prepare(network, inputs: [input.shape]) as? any TimingSession
      else {
        throw .invalidNetwork("the backend \(backend.name) does not say where its time goes")
      }
      rungs.append(try timed(session, result))
    } catch {
      guard case .unsupported(_, _, _, let reason) = error else {
        throw .execution(network: network.name, error)
      }
      var refused = result
      refused.note = reason
      rungs.append(refused)
    }
  }

  /// A rung on a device; none where the device has another kernel for the network than the one that is asked for.
  mutating func add(_ rung: DeviceLadder.Rung, _ network: Network) throws(EvaluationError) {
    do throws(ExecutionError) {
      guard let session = try rung.engine.prepare(network, inputs: [input.shape]) as? CUDASession
      else { return }
      if let family = rung.family, !session.kernels.contains(where: { $0.kernel.hasPrefix(family) }) {
        return
      }
      let first = CUDAKernel.allCases.first {
        $0.name == session.kernels.first { $0.kernel != "move" }?.kernel
      }
      let result = LadderTable.Rung(
        name: rung.name, isa: rung.engine.precision.rawValue, threads: first?.threadCount ?? 256,
        images: input.shape.batch)
      rungs.append(try timed(session, result))
    } catch {
      throw .execution(network: network.name, error)
    }
  }

  private func timed(
    _ session: any TimingSession, _ rung: LadderTable.Rung
  ) throws(ExecutionError) -> LadderTable.Rung {
    var result = rung
    var output = try session.run([input])
    var best = Double.infinity
    for _ in 0..<runs {
      let run = try session.timedRun([input])
      output = run.outputs
      let copies = run.timeline.events.reduce(0) {
        $0 + (run.timeline.steps[$1.step].isCopy ? $1.duration : 0)
      }
      // Of a device what its kernels take: the host does nothing of a layer.
      let whole = run.timeline.host == nil ? run.timeline.nanoseconds : run.timeline.stepNanoseconds
      best = min(best, Double(whole - copies) / 1e6)
    }
    let milliseconds = best / Double(input.shape.batch)
    let difference = output[0].firstImage.difference(from: expected)
    result.millisecondsPerImage = milliseconds
    result.speedUp = milliseconds > 0 ? referenceMilliseconds / milliseconds : nil
    result.maximum = difference.maximum
    result.mean = difference.mean
    return result
  }
}

extension Tensor {
  /// The first image of a float32 batch.
  fileprivate var firstImage: Tensor {
    var single = shape
    single[0] = 1
    guard shape.batch > 1 else { return self }
    return withUnsafeFloats { Tensor(single, $0[..<single.count]) }
  }
}
