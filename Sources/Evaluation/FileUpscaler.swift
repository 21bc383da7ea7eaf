import Execution
import Files
import Imaging
import Networks

/// Enlarges files with one model, or each with the one inside the program that is for it: JPEG pictures by models that have learnt from JPEG
/// pictures, others by models of clean ones.
///
/// What a file is its first bytes say, not its name. Not safe to use from two threads at once.
public final class FileUpscaler {
  private let model: String?
  private let backend: any Backend
  let options: Upscaler.Options
  private let workerCount: Int
  /// By the names of their models, those that were needed so far.
  private var upscalers: [String: Upscaler] = [:]
  private var networks: [String: Network] = [:]
  /// Of those who work at once on the same networks; nil for one alone.
  private let sizes: SessionSizes?
  /// The model of the last file.
  private var current: String?
  /// As in `Upscaler`.
  package var residentByteCount: () -> Int = { Machine.residentByteCount }
  var systemLimit: () -> MemoryLimit = { .current }

  /// - Parameters:
  ///   - model: a name or a path; nil for the models inside the program, which are chosen for the size that is asked for.
  public init(
    model: String? = nil, backend: any Backend, options: Upscaler.Options = Upscaler.Options()
  ) throws(EvaluationError) {
    self.model = model
    self.backend = backend
    self.options = options
    workerCount = options.threadCount
    sizes = nil
    if let model { _ = try upscaler(model) }
  }

  /// Another one with the same models, which are not read again, and so many threads. It refuses no picture that the other takes, and takes none that
  /// the other refuses.
  init(_ other: FileUpscaler, workerCount: Int, sizes: SessionSizes) {
    self.sizes = sizes
    model = other.model
    backend = other.backend
    networks = other.networks
    options = other.options
    self.workerCount = workerCount
  }

  /// What to say before work with the model that was named, as a clause; nil where there is nothing.
  public var notice: String? {
    guard let model, let upscaler = upscalers[model] else { return nil }
    return upscaler.runner.network.untrainedNotice
  }

  /// As of `BatchUpscaler`.
  func keepsSize(_ target: TargetSize?) -> Bool {
    switch target {
    case .scale(let scale): scale == 1
    case .width, .height, .within, .megapixels: false
    case nil: model.flatMap { upscalers[$0]?.contract.scale } == 1
    }
  }

  /// The models whose sessions are in memory.
  package var modelsWithSessions: [String] { upscalers.filter { $0.value.runner.sessionCount > 0 }.map(\.key) }

  /// Lets go of the sessions of all models.
  func releaseSessions() { for upscaler in upscalers.values { upscaler.runner.releaseSessions() } }

  /// As `Upscaler.upscaleFile`; the result names the model.
  public func upscaleFile(
    _ item: PictureBatch.Item, _ files: Upscaler.FileOptions, notice: ((String) -> Void)? = nil,
    progress: ((Double) -> Void)? = nil
  ) throws(EvaluationError) -> UpscaleResult {
    try perform(plan(item, files), notice: notice, progress: progress)
  }

  /// A file that is open, what becomes of it, and by which model.
  struct Plan {
    var file: Upscaler.FilePlan
    var upscaler: Upscaler
    var model: String
  }

  /// What to do with a file.
  func plan(_ item: PictureBatch.Item, _ files: Upscaler.FileOptions) throws(EvaluationError) -> Plan {
    let start = Machine.seconds
    let watch = (backend as? any DeviceBackend)?.watch
    return try watch.during(.prepare) { () throws(EvaluationError) in
      let resident = residentByteCount()
      let bound = Upscaler.Bound(limit: options.memoryLimit, system: systemLimit(), resident: resident)
      let file = try Upscaler.open(item.input, room: bound.byteCount - resident)
      let name: String
      if let model { name = model } else { name = try shippedName(item, file, files) }
      let upscaler = try upscaler(name)
      return Plan(file: try upscaler.plan(item, file, files, since: start), upscaler: upscaler, model: name)
    }
  }

  /// Does what is planned.
  func perform(
    _ plan: Plan, notice: ((String) -> Void)?, progress: ((Double) -> Void)?
  ) throws(EvaluationError) -> UpscaleResult {
    var result = try plan.upscaler.perform(plan.file, notice: notice, progress: progress)
    // Which one made what is there already is not known.
    if !result.isSkipped { result.model = plan.model }
    return result
  }

  private func shippedName(
    _ item: PictureBatch.Item, _ file: RandomAccessFile, _ files: Upscaler.FileOptions
  ) throws(EvaluationError) -> String {
    let scale = try files.target.map { target throws(EvaluationError) in
      if case .scale(let scale) = target { return scale }
      // Only its header is read.
      let reader = try wrapping { () throws(ImageError) in try ImageReader(file, name: item.input) }
      return try target.scale(width: reader.properties.width, height: reader.properties.height)
    }
    return ModelLibrary.shippedName(forScale: scale, format: ImageFormat(sniffing: file.bytes(12, at: 0)))
  }

  /// What another model's sessions hold is let go: memory for one is enough. Its packed weights, a small part, stay.
  private func upscaler(_ name: String) throws(EvaluationError) -> Upscaler {
    if let current, current != name { upscalers[current]?.runner.releaseSessions() }
    current = name
    if let known = upscalers[name] { return known }
    let network: Network = if let read = networks[name] { read } else { try ModelLibrary.network(name) }
    networks[name] = network
    let upscaler = try Upscaler(network, backend: backend, options: options, workerCount: workerCount)
    upscaler.residentByteCount = { [unowned self] in residentByteCount() }
    upscaler.systemLimit = { [unowned self] in systemLimit() }
    upscaler.runner.known = sizes.map { ($0, name) }
    upscalers[name] = upscaler
    return upscaler
  }
}
