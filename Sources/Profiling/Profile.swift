import CPUBackend
import CUDABackend
import Evaluation
import Execution
import Tensors

/// Where the time of a run of a network went. A measured value: everything that is printed follows from it.
public struct Profile: Hashable, Codable, Sendable {
  /// A layer of the network as the engine ran it, or a copy that brought a value into another layout.
  public struct Layer: Hashable, Codable, Sendable {
    /// What explaining a convolution needs.
    public struct Convolution: Hashable, Codable, Sendable {
      public var inChannels: Int
      public var outChannels: Int
      /// Height and width.
      public var kernel: [Int]
      public var groups: Int
      /// A depthwise and a 1x1 convolution in one.
      public var isSeparable: Bool

      public init(inChannels: Int, outChannels: Int, kernel: [Int], groups: Int = 1, isSeparable: Bool = false) {
        self.inChannels = inChannels
        self.outChannels = outChannels
        self.kernel = kernel
        self.groups = groups
        self.isSeparable = isSeparable
      }
    }

    /// The node's name, or `copy of` and the value's.
    public var name: String
    /// What users call the operation, with what is fused into it.
    public var operation: String
    /// Whether it is only a copy into another layout.
    public var isCopy = false
    public var kernels: [String]
    /// Why these were taken, a clause; nil where nothing was weighed, and in profiles of older versions.
    public var choice: String?
    /// The way in which its products are done, and what multiplies; nil where it has none, and in profiles of older versions.
    public var method: Work.Method?
    public var unit: Work.Unit?
    /// Whether a kernel does the work in vectors; else plain loops.
    public var isVectorised = true
    public var inputShapes: [Shape]
    public var outputShape: Shape
    /// The layer's own work.
    public var nanoseconds: Int
    /// The copies made for it included.
    public var totalNanoseconds: Int
    /// The bands of rows in which it was done.
    public var bandCount = 1
    /// The passes that it took, one after the other.
    public var stepCount = 1
    /// Of the network as it is written, products with padding included.
    public var multiplyAccumulates = 0
    /// Operations that the kernels do for it: two for each multiply-accumulate, fewer where the algorithm does with fewer, and more where
    /// groups of channels are multiplied together, with zeros between them.
    public var operations = 0
    public var traffic = RunTimeline.Traffic()
    public var convolution: Convolution?
    /// Nodes that its kernel does with its own; nil where there are none.
    public var joined: [String]?
    /// The blocks of the kernel that has the most; nil where no device did it.
    public var blocks: RunTimeline.Blocks?

    public init(
      _ name: String, operation: String, kernels: [String], inputShapes: [Shape], outputShape: Shape, nanoseconds: Int
    ) {
      self.name = name
      self.operation = operation
      self.kernels = kernels
      self.inputShapes = inputShapes
      self.outputShape = outputShape
      self.nanoseconds = nanoseconds
      totalNanoseconds = nanoseconds
    }

    /// Whether its products are those of pairs of bfloat16 numbers, or of a device's tensor cores. Winograd's are float32 in either precision,
    /// as are those of few channels on a processor.
    var usesFastUnit: Bool {
      switch unit {
      case .bfloat16Pairs, .float16, .tensorFloat32: true
      case .float32, .integers, nil: false
      }
    }
  }

  /// A layer at work on a band of rows.
  public struct Event: Hashable, Codable, Sendable {
    /// An index of `layers`.
    public var layer: Int
    /// Nanoseconds from the beginning of the run.
    public var start: Int
    public var duration: Int
    public var threads: Int

    public init(layer: Int, start: Int, duration: Int, threads: Int) {
      self.layer = layer
      self.start = start
      self.duration = duration
      self.threads = threads
    }
  }

  public var model: String
  public var input: String
  /// What ran it by its name, a processor or a device.
  public var cpu: String
  /// What ran it; nil in profiles of older versions, which are of the CPU engine.
  public var engine: EngineName?
  /// What kernels were chosen by; nil in profiles of older versions.
  public var machine: MachineDescription?
  /// Of a run of a CUDA device; nil for a processor.
  public var device: DeviceRun?
  public var precision: String
  public var warmup: Int
  public var runs: Int
  /// What became of the runs.
  public var statistic: Statistic
  public var parameterCount: Int
  /// The most bytes that the session holds.
  public var sessionBytes: Int
  /// With the instruction set and the number of threads.
  public var roofs: Roofs
  /// The run from beginning to end: what the layers and the engine took together.
  public var nanoseconds: Int
  /// The median of as many runs that nobody timed from within.
  public var plainNanoseconds: Int
  /// The fastest of these, and one that a quarter of them was not faster than; nil in profiles of older versions.
  public var fastestNanoseconds: Int?
  public var slowNanoseconds: Int?
  public var layers: [Layer]
  /// In the order of time; they never overlap.
  public var events: [Event]

  public init(
    model: String, input: String, cpu: String, engine: EngineName? = nil, machine: MachineDescription? = nil,
    precision: String = "float32", warmup: Int = 0, runs: Int = 1,
    statistic: Statistic = .medianRun, parameterCount: Int, sessionBytes: Int = 0, roofs: Roofs, nanoseconds: Int,
    plainNanoseconds: Int, layers: [Layer],
    events: [Event] = []
  ) {
    self.model = model
    self.input = input
    self.cpu = cpu
    self.engine = engine
    self.machine = machine
    self.precision = precision
    self.warmup = warmup
    self.runs = runs
    self.statistic = statistic
    self.parameterCount = parameterCount
    self.sessionBytes = sessionBytes
    self.roofs = roofs
    self.nanoseconds = nanoseconds
    self.plainNanoseconds = plainNanoseconds
    self.layers = layers
    self.events = events
  }

  /// The time that no layer took: checks, allocation of the outputs, and the way from one step to the next; of a device, in which it waited
  /// for the host or for its next command.
  public var engineNanoseconds: Int { nanoseconds - layers.reduce(0) { $0 + $1.nanoseconds } }

  public var multiplyAccumulates: Int { layers.reduce(0) { $0 + $1.multiplyAccumulates } }

  /// What a layer may move and yet find in the last-level cache, in bytes: what the engine's bands count on.
  var residentByteCount: Int { device?.residentByteCount ?? (machine ?? .generic).caches.bandByteCount }
}

extension Profile {
  /// The least time, in nanoseconds, in which this machine could do a layer's arithmetic with the same algorithm.
  public func arithmeticNanoseconds(_ layer: Layer) -> Double {
    let peak =
      switch layer.unit {
      case .integers: roofs.integerGopsPerS ?? roofs.float32GflopsPerS
      default: layer.usesFastUnit ? roofs.gflopsPerS : roofs.float32GflopsPerS
      }
    return peak > 0 ? Double(layer.operations) / peak : 0
  }

  /// The least time, in nanoseconds, in which it could move the layer's bytes. Values and weights that fit the last-level cache
  /// are taken to lie there, because the layer before has just written them: this is a roof, no forecast.
  public func memoryNanoseconds(_ layer: Layer) -> Double {
    var cached = layer.traffic.cachedBytes, stored = 0
    for bytes in [layer.traffic.valueBytes, layer.traffic.constantBytes] {
      if bytes <= residentByteCount { cached += bytes } else { stored += bytes }
    }
    func time(_ bytes: Int, _ gbPerS: Double) -> Double { gbPerS > 0 ? Double(bytes) / gbPerS : 0 }
    return time(cached, roofs.cacheGbPerS) + time(stored, roofs.memoryGbPerS)
      + time(layer.traffic.transferredBytes ?? 0, roofs.transferGbPerS ?? 0)
  }

  /// What an ideal kernel would take: arithmetic and memory at their roofs, at the same time.
  public func idealNanoseconds(_ layer: Layer) -> Double { max(arithmeticNanoseconds(layer), memoryNanoseconds(layer)) }

  /// How near the layer comes to its roof, 1 at it.
  public func roofShare(_ layer: Layer) -> Double {
    layer.nanoseconds > 0 ? idealNanoseconds(layer) / Double(layer.nanoseconds) : 0
  }
}
