import CUDABackend
import Evaluation
import Execution
import Files
import Networks
import Tensors
import Transforms

/// The ladder on a CUDA device: one element a thread, tiles in shared memory, tensor cores, one kernel for several layers.
///
/// The reference is the same as the CPU's, sequential and in Double, on the first image. Times are the kernels': they leave out what goes
/// to the device and back, and into the kernels' layout.
public struct DeviceLadder: Sendable {
  public var layers: [LadderLayer]
  public var batch: Int
  public var runs: Int
  private let engines: [CUDAEngine]

  /// Throws where there is no such device.
  public init(
    layers: [LadderLayer] = LadderLayer.standard, batch: Int = 4, device: Int = 0, runs: Int = 5
  ) throws(EvaluationError) {
    var engines: [CUDAEngine] = []
    for precision in [CUDAPrecision.float32, .float16] {
      engines.append(try CUDAOptions(device: device, precision: precision).makeEngine())
    }
    self.init(layers: layers, batch: batch, engines: engines, runs: runs)
  }

  /// - Parameter engines: of one device, one a precision.
  package init(layers: [LadderLayer], batch: Int, engines: [CUDAEngine], runs: Int) {
    self.layers = layers
    self.batch = max(batch, 1)
    self.engines = engines
    self.runs = max(runs, 1)
  }

  /// The same with images a quarter as high and as wide, one in a batch: for a first look.
  var quick: DeviceLadder {
    let layers = layers.map {
      LadderLayer($0.inChannels, $0.outChannels, size: max($0.size / 4, 8))
    }
    return DeviceLadder(layers: layers, batch: 1, engines: engines, runs: runs)
  }

  /// What the device is called.
  var name: String { engines.first?.device.name ?? "cuda" }

  /// One way to run something on the device.
  struct Rung {
    var name: String
    var engine: CUDAEngine
    /// How the names of its kernel begin; nil where any will do.
    var family: String?
  }

  /// A rung for each precision, of the kernels whose names begin so, or of the fastest.
  private func rungs(_ name: String, _ families: [String]? = nil) -> [Rung] {
    engines.flatMap { engine in
      guard let families else { return [Rung(name: name, engine: engine)] }
      return families.map { family in
        var preferring = engine
        preferring.preferredKernels = CUDAKernel.allCases.filter { $0.name.hasPrefix(family) }
        return Rung(name: name, engine: preferring, family: family)
      }
    }
  }

  private func climb(
    _ title: String, _ reference: Network, _ input: Tensor,
    _ steps: [(rungs: [Rung], network: Network)]
  ) throws(EvaluationError) -> LadderTable {
    var climb = Climb(runs, input, device: name)
    try climb.addReference(reference)
    for step in steps {
      for rung in step.rungs { try climb.add(rung, step.network) }
    }
    return climb.table(title)
  }

  /// The ladder of one layer, as the CPU's.
  func tables(_ layer: LadderLayer) throws(EvaluationError) -> [LadderTable] {
    let parts = LadderNetworks(layer)
    let input = Benchmark.randomInput(
      Shape(batch: batch, channels: layer.inChannels, height: layer.size, width: layer.size))
    let convolution = try parts.network([.convolution(1)])
    let block = try parts.network([.convolution(1), .norm(1), .relu(1)])
    let double = try parts.network([
      .convolution(1), .norm(1), .relu(1), .convolution(2), .norm(2), .relu(2),
    ])
    let separable = try parts.network([.separable, .norm(1), .relu(1)])
    return [
      try climb(
        "\(layer.text), convolution 3x3, batch \(batch)", convolution, input,
        [
          (rungs("direct, an output a thread", ["direct"]), convolution),
          (rungs("tiles in shared memory", ["tiled"]), convolution),
          (rungs("the fastest kernel", nil), convolution),
        ]),
      try climb(
        "\(layer.text), convolution, batch norm, ReLU", block, input,
        [(rungs("three kernels"), block), (rungs("one kernel"), block.optimizedForInference())]),
      try climb(
        "\(layer.text), the whole block: convolution, batch norm, ReLU, twice", double, input,
        [
          (rungs("six kernels"), double),
          (rungs("two kernels, values stay on the device"), double.optimizedForInference()),
        ]),
      try climb(
        "\(layer.text), separable convolution, batch norm, ReLU", separable, input,
        [
          (rungs("four kernels"), separable),
          (rungs("one fused layer"), separable.optimizedForInference()),
        ]),
    ]
  }

  /// Batch norm, ReLU and max pool by themselves, on what the layer makes.
  func singleTables(_ layer: LadderLayer) throws(EvaluationError) -> [LadderTable] {
    let parts = LadderNetworks(LadderLayer(layer.outChannels, layer.outChannels, size: layer.size))
    let shape = Shape(
      batch: batch, channels: layer.outChannels, height: layer.size, width: layer.size)
    let input = Benchmark.randomInput(shape)
    var tables: [LadderTable] = []
    for (name, part) in [
      ("batch norm", LadderNetworks.Part.norm(1)), ("ReLU", .relu(1)), ("max pool 2x2", .pool),
    ] {
      let network = try parts.network([part])
      tables.append(
        try climb("\(shape), \(name) alone", network, input, [(rungs("a kernel"), network)]))
    }
    return tables
  }

  /// How often values of a network go to the device and back.
  func transfers(_ network: Network, model: String, input: Shape) throws(EvaluationError)
    -> TransferReport?
  {
    guard let engine = engines.first(where: { $0.precision == .float16 }) ?? engines.first else {
      return nil
    }
    return try TransferReport(network, model: model, input: input, engine: engine, runs: runs)
  }
}
