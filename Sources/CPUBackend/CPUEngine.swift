import Execution
import Files
import Networks
import Tensors

/// Runs networks on the cores of the machine.
///
/// Same input, same precision, same instruction set: the output is the same to the last bit for every thread count, and for a tile and the image
/// it is cut from (`TileGeometry`). Networks run fastest after `fusing()`.
public struct CPUEngine: Backend {
  public let instructionSet: InstructionSet
  public let threadCount: Int
  public let precision: Precision
  /// What kernels are chosen by. Its rates decide the last bits of results, as the instruction set does.
  public let machine: MachineDescription
  /// The most bytes that a session may hold; nil for what the system leaves at the moment.
  public let memoryLimit: Int?
  /// Whether a session that would need more than `memoryLimit` computes values again in the place of keeping them, where that is enough. The bits
  /// of results are the same; runs take longer.
  public let recomputesValues: Bool
  /// See `CacheSizes.bandByteCount`. Speed depends on it, no result does.
  package var cacheByteCount: Int
  /// Pixels of a band of rows for each thread: four Winograd tasks of 24 tiles. Speed depends on it, no result does. Half as many wait
  /// more for each other, twice as many leave the cache sooner (VDSR and EDSR at 256x256, Zen 5).
  package var bandPixels = 4 * 24 * 16
  /// See `SharingCosts.leastCycles`.
  package var leastSharedCycles: Double
  /// The most threads beside the caller's, as if the system granted no more: what is cut for others the caller does.
  package var grantedThreadCount = Int.max {
    didSet { threads = EngineThreads(threadCount: threadCount, granted: grantedThreadCount) }
  }
  /// Shared by all that this engine, and copies of it, make ready.
  private(set) var threads: EngineThreads

  /// Taken in place of the selector's choice wherever it is possible: to test and time every method.
  package var preferredMethod: ConvolutionMethod?
  package var preferredTransposedMethod: TransposedMethod?
  package var preferredWeightGradientMethod: WeightGradientMethod?

  /// Traps when the machine lacks the instruction set (see `InstructionSet.isAvailable`) or `threadCount` is below 1.
  ///
  /// - Parameters:
  ///   - machine: what choices and sizes follow from; by default what is known of the machine that this runs on.
  ///   - memoryLimit: the most bytes that a session may hold; by default what the system leaves when it is made.
  ///   - recomputesValues: whether a session computes values again where it would need more.
  public init(
    instructionSet: InstructionSet = .best, threadCount: Int, precision: Precision = .float32,
    machine: MachineDescription = .current, memoryLimit: Int? = nil, recomputesValues: Bool = false
  ) {
    precondition(instructionSet.isAvailable, "this machine cannot run \(instructionSet.rawValue)")
    precondition(threadCount >= 1, "an engine has at least one thread")
    self.instructionSet = instructionSet
    self.threadCount = threadCount
    self.precision = precision
    self.machine = machine
    self.memoryLimit = memoryLimit
    self.recomputesValues = recomputesValues
    cacheByteCount = machine.caches.bandByteCount
    leastSharedCycles = machine.sharing.leastCycles
    threads = EngineThreads(threadCount: threadCount, granted: grantedThreadCount)
  }

  /// The bytes that a session may hold at this moment.
  var availableByteCount: Int { min(memoryLimit ?? .max, MemoryLimit.current.byteCount) }

  private var rates: KernelRates { KernelRates(machine, instructionSet, precision) }

  public var name: String { "cpu" }

  public func support(for node: Node, in network: Network, shapes: [String: Shape]) -> Support {
    switch node.operation {
    case .convolution(let payload):
      return support(for: payload.epilogue)
    case .separableConvolution(let payload):
      return support(for: payload.epilogue)
    case .linear(let payload):
      return support(for: payload.epilogue)
    case .binary, .softmax, .activation, .scale, .channelAffine, .batchNorm, .add, .concatenation, .pixelShuffle,
      .pixelUnshuffle,
      .maximumPool, .averagePool, .globalAveragePool, .flatten, .resize, .slice, .pad,
      .reshape, .transpose, .reduction, .maximumIndex, .normalization, .expand, .constant, .matrixMultiply, .integer:
      return .yes
    case .training(.convolutionProduct(let payload)) where payload.result != .weightGradient:
      let packed = zip(payload.convolution.hasBias ? ["weight", "bias"] : ["weight"], node.inputs.dropFirst())
      for (role, name) in packed where network.parameters[name] == nil {
        return .no("its \(role) '\(name)' is computed; what is packed are parameters")
      }
      return .yes
    case .training(.batchNormalization(let payload)):
      return support(for: payload.epilogue)
    case .training:
      return .yes
    case .transposedConvolution(let payload):
      // Each has a row in tables and columns in packed weights.
      if let input = node.inputs.first.flatMap({ shapes[$0] }), let output = try? payload.shapeBeforeShuffle(input),
        min(payload.stride.height, output.height) * min(payload.stride.width, output.width) > Self.mostPhases
      {
        return .no("its stride \(payload.stride) makes more than \(Self.mostPhases) kinds of output pixels")
      }
      return support(for: payload.epilogue)
    }
  }

  /// Output pixels of a transposed convolution that differ in the taps that reach them; of real networks there are up to 1024.
  private static let mostPhases = 1 << 18

  private func support(for epilogue: Epilogue) -> Support {
    return CanonicalEpilogue(epilogue) == nil
      ? .no("its epilogue is not in the order activation, scale, add, activation, pixel shuffle") : .yes
  }

  public func prepare(_ network: Network) throws(ExecutionError) -> any Model { try CPUModel(network, engine: self) }

  public func outputGrid(of node: Node, in network: Network, shapes: [String: Shape]) -> Int {
    guard case .convolution(let payload) = node.operation,
      let geometry = ConvolutionGeometry(node, payload, shapes: shapes)
    else { return 1 }
    return method(for: geometry).outputGrid(geometry.dilation)
  }

  /// The method for a convolution whose whole image has this geometry.
  package func method(for geometry: ConvolutionGeometry) -> ConvolutionMethod {
    if let preferredMethod, geometry.refusal(of: preferredMethod) == nil { return preferredMethod }
    return KernelSelector.choose(for: geometry, rates)
  }

  /// The method for a separable convolution whose whole image has this geometry.
  func method(for geometry: SeparableGeometry) -> SeparableMethod {
    KernelSelector.choose(for: geometry, rates)
  }

  /// The method for the gradient of a weight.
  func method(for geometry: WeightGradientGeometry) -> WeightGradientMethod {
    if let preferredWeightGradientMethod, geometry.refusal(of: preferredWeightGradientMethod) == nil {
      return preferredWeightGradientMethod
    }
    return KernelSelector.choose(for: geometry, rates)
  }

  /// The method for a transposed convolution whose whole image has this geometry.
  func method(for geometry: TransposedGeometry) -> TransposedMethod {
    if let preferredTransposedMethod, geometry.refusal(of: preferredTransposedMethod) == nil {
      return preferredTransposedMethod
    }
    return KernelSelector.choose(for: geometry, rates)
  }
}
