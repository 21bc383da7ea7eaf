import CPUBackend
import Evaluation
import Execution
import Files
import Networks
import ReferenceBackend
import Tensors
import Transforms

/// A 3x3 convolution that the ladder climbs: `64->128@256`.
public struct LadderLayer: Hashable, Codable, Sendable {
  public var inChannels: Int
  public var outChannels: Int
  /// Height and width.
  public var size: Int

  public init(_ inChannels: Int, _ outChannels: Int, size: Int) {
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.size = size
  }

  /// Parses layers between commas, `default` or `none`; nil where one is none.
  public static func list(_ text: String) -> [LadderLayer]? {
    if text == "default" { return standard }
    if text == "none" { return [] }
    var layers: [LadderLayer] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let layer = LadderLayer(String(part)) else { return nil }
      layers.append(layer)
    }
    return layers
  }

  /// Parses `64->128@256`; nil where a number is missing or beyond 4096.
  public init?(_ text: String) {
    let halves = text.split(separator: "@", omittingEmptySubsequences: false)
    guard halves.count == 2, let arrow = halves[0].firstRange(of: "->"), let size = Int(halves[1]),
      let inChannels = Int(halves[0][..<arrow.lowerBound]), let outChannels = Int(halves[0][arrow.upperBound...]),
      [inChannels, outChannels, size].allSatisfy({ (1...4096).contains($0) })
    else { return nil }
    self.init(inChannels, outChannels, size: size)
  }

  public var text: String { "\(inChannels)->\(outChannels)@\(size)" }

  /// The way down of a U-Net for images of 512x512.
  public static let standard = [
    LadderLayer(3, 64, size: 512), LadderLayer(64, 128, size: 256), LadderLayer(128, 256, size: 128),
    LadderLayer(256, 512, size: 64), LadderLayer(512, 1024, size: 32),
  ]
}

/// One piece of work done in more and more sophisticated ways.
public struct LadderTable: Hashable, Codable, Sendable {
  public struct Rung: Hashable, Codable, Sendable {
    public var name: String
    /// The instruction set; on a device how values are stored.
    public var isa: String?
    /// On a device those of a block of the first kernel.
    public var threads: Int
    /// The images of the batch that were timed together.
    public var images: Int
    /// For each image; nil where it could not run.
    public var millisecondsPerImage: Double?
    /// The reference's time for an image over this one's.
    public var speedUp: Double?
    /// The difference from the reference on the first image.
    public var maximum: Double?
    public var mean: Double?
    /// Why it could not run.
    public var note: String?
  }

  public var title: String
  public var rungs: [Rung]
  /// What the rungs above the reference ran on; nil for the CPU.
  public var device: String?
}

/// Times layers at growing sophistication: what each idea is worth on this machine.
///
/// Differences are taken from the reference, which sums in Double and is run once, on the first image of the batch; engines run the
/// whole batch. Times are for one image, and leave out the copies into the engine's layout and out of it, which a network needs only
/// at its ends. All but the rung in bands read their input from memory and write their output there.
public struct Ladder: Sendable {
  public var layers: [LadderLayer]
  public var batch: Int
  public var engine: CPUOptions
  /// Timed runs of each engine, of which the best counts; at least 1.
  public var runs: Int

  public init(layers: [LadderLayer] = LadderLayer.standard, batch: Int = 4, engine: CPUOptions, runs: Int = 5) {
    self.layers = layers
    self.batch = max(batch, 1)
    self.engine = engine
    self.runs = max(runs, 1)
  }

  /// The same with images a quarter as high and as wide, one in a batch: for a first look.
  public var quick: Ladder {
    var result = self
    result.batch = 1
    result.layers = layers.map { LadderLayer($0.inChannels, $0.outChannels, size: max($0.size / 4, 8)) }
    return result
  }

  /// Throws where a layer needs more memory than there is, before anything is timed.
  public func check() throws(EvaluationError) { try check(limit: MemoryLimit.current.byteCount) }

  func check(limit available: Int) throws(EvaluationError) {
    for layer in layers {
      // What the reference and an engine hold at once: the input, two values between, the output.
      let needed = batch * layer.size * layer.size * (layer.inChannels + 3 * layer.outChannels) * 4
      if needed > available { throw .execution(network: layer.text, .memory(needed: needed, available: available)) }
    }
  }

  /// The ladder of one layer: a convolution, a convolution with batch norm and ReLU, two of them, and a separable one.
  public func tables(_ layer: LadderLayer) throws(EvaluationError) -> [LadderTable] {
    let parts = LadderNetworks(layer)
    let input = Benchmark.randomInput(Shape(batch: batch, channels: layer.inChannels, height: layer.size, width: layer.size))
    var tables: [LadderTable] = []

    var climb = Climb(runs, input)
    let convolution = try parts.network([.convolution(1)])
    try climb.addReference(convolution)
    for rung in convolutionRungs(layer) { try climb.add(rung, convolution) }
    tables.append(climb.table("\(layer.text), convolution 3x3, batch \(batch)"))

    climb.rungs = []
    try climb.addReference(parts.network([.norm(1), .relu(1)]), continuing: true)
    let block = try parts.network([.convolution(1), .norm(1), .relu(1)])
    try climb.add(Rung("three passes over memory", engine), block)
    try climb.add(Rung("batch norm folded, ReLU fused", engine), block.optimizedForInference())
    tables.append(climb.table("\(layer.text), convolution, batch norm, ReLU"))

    climb.rungs = []
    try climb.addReference(parts.network([.convolution(2), .norm(2), .relu(2)]), continuing: true)
    let double = try parts.network([.convolution(1), .norm(1), .relu(1), .convolution(2), .norm(2), .relu(2)])
    try climb.add(Rung("six passes over memory", engine), double)
    try climb.add(Rung("fused, layer after layer", engine), double.optimizedForInference())
    try climb.add(Rung("fused, both in bands", engine, isInBands: true), double.optimizedForInference())
    tables.append(climb.table("\(layer.text), the whole block: convolution, batch norm, ReLU, twice"))

    climb = Climb(runs, input)
    let separable = try parts.network([.separable, .norm(1), .relu(1)])
    try climb.addReference(separable)
    try climb.add(Rung("four passes over memory", engine), separable)
    try climb.add(Rung("one fused layer", engine), separable.optimizedForInference())
    tables.append(climb.table("\(layer.text), separable convolution, batch norm, ReLU"))
    return tables
  }

  /// Batch norm, ReLU and max pool by themselves, on what the layer makes.
  public func singleTables(_ layer: LadderLayer) throws(EvaluationError) -> [LadderTable] {
    let parts = LadderNetworks(LadderLayer(layer.outChannels, layer.outChannels, size: layer.size))
    let shape = Shape(batch: batch, channels: layer.outChannels, height: layer.size, width: layer.size)
    let input = Benchmark.randomInput(shape)
    var tables: [LadderTable] = []
    for (name, part) in [("batch norm", LadderNetworks.Part.norm(1)), ("ReLU", .relu(1)), ("max pool 2x2", .pool)] {
      var climb = Climb(runs, input)
      let network = try parts.network([part])
      try climb.addReference(network)
      if engine.instructionSet != .portable { try climb.add(Rung("portable vectors", engine(.portable, 1)), network) }
      try climb.add(Rung("vectors", engine(engine.instructionSet, 1)), network)
      if engine.threadCount > 1 { try climb.add(Rung("vectors", engine), network) }
      tables.append(climb.table("\(shape), \(name) alone"))
    }
    return tables
  }

  private func engine(_ instructionSet: InstructionSet, _ threads: Int) -> CPUOptions {
    var options = engine
    options.instructionSet = instructionSet
    options.threadCount = threads
    return options
  }

  /// The methods for a 3x3 convolution of the layer, plain ones first.
  private func convolutionRungs(_ layer: LadderLayer) -> [Rung] {
    let shape = Shape(batch: batch, channels: layer.inChannels, height: layer.size, width: layer.size)
    var output = shape
    output[1] = layer.outChannels
    let geometry = ConvolutionGeometry(LadderNetworks.convolution(layer), input: shape, output: output)
    func takes(_ method: ConvolutionMethod) -> Bool { geometry.refusal(of: method) == nil }
    // Few input channels have kernels of their own that do the same, product by product.
    let plain: ConvolutionMethod = takes(.direct) ? .direct : .head
    var rungs: [Rung] = []
    if engine.instructionSet != .portable { rungs.append(Rung("direct, portable vectors", engine(.portable, 1), plain)) }
    rungs.append(Rung("register tiles", engine(engine.instructionSet, 1), plain))
    if engine.threadCount > 1 { rungs.append(Rung("register tiles", engine, plain)) }
    for method in [ConvolutionMethod.winograd2, .winograd4] where takes(method) {
      rungs.append(Rung(method.description, engine, method))
    }
    return rungs
  }
}
