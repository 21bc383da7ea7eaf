import CUDABackend
import Execution
import Networks
import Tensors

extension KernelReport {
  /// Every kernel for CUDA devices.
  ///
  /// - Parameter capability: of this machine's device; nil where there is none.
  public init(devicesOf capability: CUDADevice.Capability?) {
    kernels = CUDAKernel.allCases.map { kernel in
      let least = kernel.isForHopper ? "sm_90a" : "sm_80"
      let isAvailable = capability.map { kernel.isForHopper ? $0.major == 9 : $0.major >= 8 } ?? false
      let element = kernel.family.element?.rawValue ?? "any"
      return Kernel(
        name: kernel.name, isa: least, left: element, sum: "float32", stored: element,
        family: kernel.name.prefix { $0 != "_" }.description, rows: kernel.tileHeight, columns: kernel.tileWidth,
        threads: kernel.threadCount, sharedMemoryBytes: kernel.sharedByteCount, isAvailable: isAvailable)
    }
    choices = []
  }

  /// What a CUDA device takes for each node of a network, optimised for inference, in order, and why not the others. Nothing runs: the device
  /// need not be there.
  public init(
    _ network: Network, input: Shape, precision: CUDAPrecision, device: CUDADevice
  ) throws(EvaluationError) {
    self.init(devicesOf: device.capability)
    self.device = device.name
    self.precision = precision.rawValue
    self.input = input.description
    let fused = network.optimizedForInference()
    let plan: DevicePlan
    do throws(ExecutionError) {
      plan = try DevicePlan(fused, inputs: [input], precision: precision, device: device)
    } catch {
      throw .execution(network: network.name, error)
    }
    let ceilings = DeviceCeilings(device)
    expectedMs = plan.expectedNanoseconds(ceilings) / 1e6
    leastMs = plan.leastNanoseconds(ceilings) / 1e6
    let nodes = Dictionary(fused.nodes.map { ($0.name, $0) }) { first, _ in first }
    choices = plan.steps.map { step in
      let candidates = step.candidates.map { candidate in
        switch candidate.verdict {
        case .cost(let nanoseconds): Candidate(method: candidate.method.name, nanoseconds: nanoseconds)
        case .refused(let reason): Candidate(method: candidate.method.name, refusal: reason)
        }
      }
      let possible = candidates.count { $0.nanoseconds != nil }
      let sharing = step.splits > 1 ? ", \(step.splits) of which share the input channels of a tile" : ""
      let work = "\(step.blockCount) blocks of \(step.kernel.threadCount) threads\(sharing)"
      let reason =
        candidates.isEmpty
        ? "\(step.kernel.family.reason), \(work)"
        : possible > 1 ? "it is the cheapest of \(possible): \(work)" : "no other can: \(work)"
      let operation = nodes[step.node].map { $0.operation.line } ?? "layout"
      let least = step.least(ceilings)
      return Choice(
        node: step.node, operation: operation, chosen: step.kernel.name, reason: reason, candidates: candidates,
        splits: step.splits > 1 ? step.splits : nil, leastNanoseconds: least.nanoseconds, bound: least.bound.rawValue,
        expectedNanoseconds: step.expectedNanoseconds(ceilings))
    }
  }

  /// The device that is meant by `h100`: what one would take, where there is none.
  public static var absentDevice: CUDADevice { .h100 }

  /// A line of what the kernels take in all; nothing for the CPU.
  var deviceTimes: String {
    guard let expectedMs, let leastMs else { return "" }
    let count = "\(choices.count) \(choices.count == 1 ? "kernel" : "kernels")"
    return
      "\(count): \(TextFormat.significant(expectedMs, 3)) ms as estimated, at least \(TextFormat.significant(leastMs, 3)) ms by products and bytes\n"
  }

  /// A line for each choice, of so many layers that are alike: times are of them all.
  static func deviceChoices(_ groups: [(choice: Choice, name: String, count: Int)]) -> TextTable {
    var table = TextTable(
      ["layer", "operation", "kernel", "time", "at least", "bound by", "why"],
      shortening: ["layer": 16, "operation": 20, "kernel": 20],
      leavingOut: ["why", "bound by", "at least", "operation"], everything: " (--wide shows all)")
    func time(_ nanoseconds: Double?, _ count: Int) -> String {
      nanoseconds.map { "\(TextFormat.fixed($0 * Double(count) / 1e3, 1)) us" } ?? ""
    }
    for (choice, name, count) in groups {
      table.append([
        name, choice.operation, choice.chosen, time(choice.expectedNanoseconds, count), time(choice.leastNanoseconds, count),
        choice.bound ?? "", choice.reason,
      ])
    }
    return table
  }

  var deviceTable: TextTable {
    var table = TextTable(["kernel", "for", "values", "tile", "threads", "shared", "this machine"], shortening: ["kernel": 20])
    for kernel in kernels {
      table.append([
        kernel.name, kernel.isa, kernel.left, kernel.columns > 0 ? "\(kernel.rows)x\(kernel.columns)" : "--",
        "\(kernel.threads ?? 0)", TextFormat.bytes(kernel.sharedMemoryBytes ?? 0), kernel.isAvailable ? "yes" : "no",
      ])
    }
    return table
  }
}

extension CUDAKernel.Family {
  /// Why it is launched where nothing was weighed, a clause.
  fileprivate var reason: String {
    switch self {
    case .separableBlock: "both layers of a residual block stay in shared memory"
    case .sumParts: "it adds what blocks left that share the channels of a tile"
    default: "nothing else does it"
    }
  }

  /// What its values are; nil where it takes several.
  fileprivate var element: DeviceElement? {
    switch self {
    case .dense(let element, _, _), .denseHopper(let element), .denseWide(let element, _), .pointwiseHopper(let element, _),
      .sumParts(let element),
      .separable(let element), .separableBlock(let element), .selection(let element), .head(let element, _, _),
      .tail(let element),
      .maximumPool(let element, _, _), .pointwisePlanes(let element, _), .depthwise(let element, _, _),
      .linear(let element, _), .meanOfPixels(let element), .weightGradientTiles(let element, _, _):
      element
    case .denseFloat, .denseWideFloat, .separableFloat, .headFloat: .float32
    case .direct, .tiled, .elementByElement, .move, .resample, .windows, .reduce, .normalize, .multiplyMatrices, .integers,
      .samplesToPlanes, .planesToSamples, .training:
      nil
    case .denseIntegers, .depthwiseIntegers, .directIntegers, .meanOfIntegers: .int8
    }
  }
}
