import Architectures
import Evaluation
import Files
import Networks
import Tensors

/// All that the ladder tells.
public struct LadderReport: Hashable, Codable, Sendable {
  /// The name of the rates that kernels were chosen by; of a device its name.
  public var rates: String
  public var tables: [LadderTable] = []
  /// Of the CPU.
  public var traffic: TrafficReport?
  /// Of a device.
  public var transfers: TransferReport?
}

/// A ladder and, beside it, the traffic of a whole network.
public struct LadderRun: Sendable {
  private let ladder: Ladder
  private let device: DeviceLadder?
  private let network: Network
  private let model: String
  private let input: Shape

  /// Throws what cannot run at once: the layers take minutes.
  ///
  /// - Parameters:
  ///   - layers: unless given the standard ones, or none where there is a model.
  ///   - model: whose traffic is shown, a name or a file; a U-Net of 64 to 1024 features unless given.
  ///   - input: of the model; 512x512, or 128x128 in a quick run, unless given.
  ///   - device: the place of a CUDA device that climbs instead of the CPU.
  ///   - isQuick: with images a quarter as high and as wide, one in a batch.
  public init(
    layers: [LadderLayer]? = nil, batch: Int = 4, engine: CPUOptions, runs: Int = 5,
    model: String? = nil, input: Shape? = nil,
    device: Int? = nil, isQuick: Bool = false
  ) throws(EvaluationError) {
    let layers = layers ?? (model == nil ? LadderLayer.standard : [])
    let ladder = Ladder(layers: layers, batch: batch, engine: engine, runs: runs)
    self.ladder = isQuick ? ladder.quick : ladder
    if let device {
      let climbing = try DeviceLadder(layers: layers, batch: batch, device: device, runs: runs)
      self.device = isQuick ? climbing.quick : climbing
    } else {
      self.device = nil
    }
    if let model {
      network = try ModelLibrary.network(model)
    } else {
      network = try wrapping { () throws(ArchitectureError) in try UNet().network(.random(seed: 1)) }
    }
    self.model = model ?? network.name
    self.input = try network.inputShape(given: input, side: isQuick ? 128 : 512)
    try network.checkMemory(input: self.input)
    try self.ladder.check()
  }

  /// - Parameter progress: gets each table as soon as it is there: the reference is slow.
  public func report(_ progress: (LadderTable) -> Void = { _ in }) throws(EvaluationError)
    -> LadderReport
  {
    if let device { return try Self.report(device, network, model: model, input: input, progress) }
    var report = LadderReport(rates: ladder.engine.machine.name)
    for layer in ladder.layers {
      for tables in [ladder.tables, ladder.singleTables] {
        let tables = try tables(layer)
        report.tables += tables
        tables.forEach(progress)
      }
    }
    report.traffic = try TrafficReport(network, model: model, input: input, engine: ladder.engine, runs: ladder.runs)
    return report
  }

  static func report(
    _ device: DeviceLadder, _ network: Network, model: String, input: Shape,
    _ progress: (LadderTable) -> Void = { _ in }
  ) throws(EvaluationError) -> LadderReport {
    var report = LadderReport(rates: device.name)
    for layer in device.layers {
      for tables in [device.tables, device.singleTables] {
        let tables = try tables(layer)
        report.tables += tables
        tables.forEach(progress)
      }
    }
    report.transfers = try device.transfers(network, model: model, input: input)
    return report
  }
}
