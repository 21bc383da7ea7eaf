import Execution
import Files
import Imaging
import Networks

/// Pictures and what is made of them: which file becomes which.
public struct PictureBatch: Sendable {
  /// One picture: a path, or `-` for standard input or output.
  public struct Item: Hashable, Sendable {
    public var input: String
    public var output: String
    /// A second output.
    public var companion: String?
    /// Makes the folders that the output lies in.
    public var createsFolder: Bool

    public init(input: String, output: String, companion: String? = nil, createsFolder: Bool = false) {
      self.input = input
      self.output = output
      self.companion = companion
      self.createsFolder = createsFolder
    }
  }

  /// How outputs are named, and which inputs are taken.
  public struct Naming: Hashable, Sendable {
    /// Looks into folders inside folders.
    public var isRecursive: Bool
    /// The format to write; nil for the one that the output's name asks for, and in folders that of the input's name.
    public var format: ImageFormat?
    /// What is put between name and extension of files in an output folder.
    public var suffix: String
    /// The same for a second output, which lies beside each output; nil where there is one.
    public var companionSuffix: String?

    public init(
      isRecursive: Bool = false, format: ImageFormat? = nil, suffix: String = "", companionSuffix: String? = nil
    ) {
      self.isRecursive = isRecursive
      self.format = format
      self.suffix = suffix
      self.companionSuffix = companionSuffix
    }
  }

  public let items: [Item]
  /// Inputs that cannot be written anywhere, and why.
  public let refused: [(item: Item, error: EvaluationError)]
  /// Files in input folders whose names are those of no pictures.
  public let ignored: [String]

  /// Lists the pictures.
  ///
  /// One file, or `-`, becomes the output, unless that is a folder or ends in `/`. Several inputs, and folders, need a folder
  /// as output, which need not exist; below it, files keep the place that they had in the input folder. In folders, files whose
  /// extension is that of no picture are passed over, and so is the output folder where it lies in one of them: a second run takes
  /// what the first took. No input is ever an output.
  ///
  /// - Parameter skipsExisting: outputs that are there stay: then what another input becomes is no input itself, as when outputs go
  ///   to the folder of their inputs a second time.
  public init(
    inputs: [String], output: String, naming: Naming = Naming(), skipsExisting: Bool = false
  ) throws(EvaluationError) {
    var items: [Item] = [], ignored: [String] = []
    let isFolder = output != "-" && (output.hasSuffix("/") || Folder.exists(output))
    if inputs.count == 1, !Folder.exists(inputs[0]), !isFolder {
      items = [Item(input: inputs[0], output: output)]
    } else {
      // Who names a picture does not mean a folder.
      let isPicture = ImageFormat(path: output) != nil && !isFolder
      guard output != "-", !isPicture, !Folder.fileExists(output) else { throw .outputNotFolder(path: output) }
      for input in inputs {
        guard Folder.exists(input) else {
          items.append(naming.item(input, Folder.name(input), in: output))
          continue
        }
        let files = try wrapping { () throws(FileError) in
          try Folder.files(in: input, recursive: naming.isRecursive, excluding: output)
        }
        let pictures = files.filter { ImageFormat(path: $0) != nil }
        guard !pictures.isEmpty else { throw .noPictures(folder: input) }
        ignored += files.filter { ImageFormat(path: $0) == nil }.map { Folder.joined(input, $0) }
        items += pictures.map { naming.item(Folder.joined(input, $0), $0, in: output) }
      }
    }
    if let suffix = naming.companionSuffix {
      for index in items.indices where items[index].output != "-" {
        let parts = Folder.split(items[index].output)
        items[index].companion = "\(parts.folder)\(parts.stem)\(suffix)\(parts.suffix)"
      }
    }
    if skipsExisting {
      let made = items.flatMap { item in item.output == item.input ? [] : [item.output, item.companion].compactMap(\.self) }
      let madeFiles = Set(made.compactMap(Folder.identity))
      items.removeAll { item in item.input != "-" && Folder.identity(item.input).map(madeFiles.contains) ?? false }
    }
    self.ignored = ignored
    (self.items, refused) = FileClaims.together { Self.separated(items) }
  }

  /// Takes out items whose output is a file that is read, or the output of an item before.
  private static func separated(_ items: [Item]) -> ([Item], [(item: Item, error: EvaluationError)]) {
    var good: [Item] = []
    var refused: [(item: Item, error: EvaluationError)] = []
    // By the bytes of their names: two that look alike are two.
    var taken: [[UInt8]: String] = [:]
    var readable: [Item] = []
    // All inputs first: the output of one may be another that is read later.
    for item in items {
      do throws(FileError) {
        try FileClaims.reads(item.input)
        readable.append(item)
      } catch {
        refused.append((item, .file(error)))
      }
    }
    for item in readable {
      let outputs = [item.output, item.companion].compactMap(\.self)
      if let output = outputs.first(where: { taken[$0.systemPathBytes] != nil }) {
        refused.append((item, .outputTaken(path: output, by: taken[output.systemPathBytes] ?? "")))
        continue
      }
      do throws(FileError) {
        for output in outputs {
          try FileClaims.writes(output, for: item.input)
          taken[output.systemPathBytes] = item.input
        }
        good.append(item)
      } catch {
        refused.append((item, .file(error)))
      }
    }
    return (good, refused)
  }
}

extension PictureBatch.Naming {
  /// - Parameter relative: where the output lies in the folder, but for suffix and extension.
  fileprivate func item(_ input: String, _ relative: String, in folder: String) -> PictureBatch.Item {
    let parts = Folder.split(relative == "-" ? "stdin" : relative)
    let ending = format.map { "." + ($0.fileExtensions.first ?? "") } ?? parts.suffix
    return PictureBatch.Item(
      input: input, output: Folder.joined(folder, "\(parts.folder)\(parts.stem)\(suffix)\(ending)"), createsFolder: true)
  }

  /// How the picture is written: as `format` says, else as the output's name, else, on standard output, as the input was.
  fileprivate func encoding(
    of item: PictureBatch.Item, input file: RandomAccessFile, quality: Int?
  ) throws(EvaluationError) -> ImageEncoding {
    let named = item.output == "-" ? ImageFormat(sniffing: file.bytes(12, at: 0)) : ImageFormat(path: item.output)
    guard let format = format ?? named else { throw .formatNeeded(path: item.output) }
    return try wrapping { () throws(ImageError) in try ImageEncoding(format, quality: quality) }
  }
}

/// What became of one picture.
public struct UpscaleResult: Hashable, Codable, Sendable {
  public var input: String
  public var output: String
  public var inputWidth: Int
  public var inputHeight: Int
  public var width: Int
  public var height: Int
  /// From opening the input to the closed output.
  public var seconds: Double
  public var isSkipped: Bool
  /// Why more of the picture stood in memory than the rows at work, as clauses; empty where rows flowed from file to file.
  public var heldWhole: [String] = []
  /// The name of the model, where it was chosen by name.
  public var model: String?
  /// What is to be said although the picture was made, as clauses: other pages of the file, metadata that the format does not hold.
  public var remarks: [String] = []
  /// The pages of a TIFF file, where all were asked for and there are several; sizes are those of the first.
  public var pages: Int?
}

extension UpscaleResult {
  /// Nil where the picture is not to be left alone.
  init?(skipping item: PictureBatch.Item, _ options: Upscaler.FileOptions) {
    guard options.skipsExisting, item.output != "-", Folder.fileExists(item.output) else { return nil }
    self.init(item, isSkipped: true)
  }

  mutating func take(_ job: Upscaler.Job, remarks: [String], heldWhole: [String]) {
    (inputWidth, inputHeight) = (job.properties.width, job.properties.height)
    (width, height) = (job.size.width, job.size.height)
    self.remarks += remarks
    for clause in heldWhole where !self.heldWhole.contains(clause) { self.heldWhole.append(clause) }
  }

  init(_ item: PictureBatch.Item, isSkipped: Bool) {
    self.init(
      input: item.input, output: item.output, inputWidth: 0, inputHeight: 0, width: 0, height: 0, seconds: 0,
      isSkipped: isSkipped)
  }
}

extension Upscaler {
  /// How files are read and written.
  public struct FileOptions: Hashable, Sendable {
    public var naming: PictureBatch.Naming
    /// How large results are; nil for the network's own factor.
    public var target: TargetSize?
    /// Of JPEG and WebP.
    public var quality: Int?
    /// Leaves alone what has an output already.
    public var skipsExisting: Bool
    /// Writes no metadata but what says how colours are meant.
    public var stripsMetadata: Bool
    /// Takes what there is of a picture whose file is cut short, with a remark; else that is an error.
    public var isTolerant: Bool
    /// Enlarges all pages of a TIFF file, into one; else the first, with a remark.
    public var takesAllPages: Bool

    public init(
      naming: PictureBatch.Naming = PictureBatch.Naming(), target: TargetSize? = nil, quality: Int? = nil,
      skipsExisting: Bool = false, stripsMetadata: Bool = false, isTolerant: Bool = false, takesAllPages: Bool = false
    ) {
      self.stripsMetadata = stripsMetadata
      self.isTolerant = isTolerant
      self.takesAllPages = takesAllPages
      self.naming = naming
      self.target = target
      self.quality = quality
      self.skipsExisting = skipsExisting
    }
  }

  /// Enlarges one file. The output appears complete or not at all.
  ///
  /// - Parameters:
  ///   - notice: gets a line, before the work begins, where tiles are so small that they do it many times over, and where the
  ///     format has no quality.
  ///   - progress: called with the share of the network's work done, 0...1.
  public func upscaleFile(
    _ item: PictureBatch.Item, _ options: FileOptions, notice: ((String) -> Void)? = nil, progress: ((Double) -> Void)? = nil
  ) throws(EvaluationError) -> UpscaleResult {
    let start = Machine.seconds
    if let skipped = UpscaleResult(skipping: item, options) { return skipped }
    let resident = residentByteCount()
    let file = try Self.open(item.input, room: bound(resident: resident).byteCount - resident)
    return try upscaleFile(item, file, options, since: start, notice: notice, progress: progress)
  }

  /// A picture's file.
  ///
  /// - Parameter room: the bytes of memory that there are for it, where it must lie in memory.
  static func open(_ path: String, room: Int) throws(EvaluationError) -> RandomAccessFile {
    // A small file is read where there is no room for it, too: only then is it known what would be enough.
    let limit = min(max(room, 16 << 20), Image.largestFile)
    return try wrapping { () throws(FileError) in
      try RandomAccessFile(path: path, limit: Image.largestFile, memory: limit)
    }
  }

  /// Enlarges a file that is open.
  ///
  /// - Parameter start: when the work on it began.
  func upscaleFile(
    _ item: PictureBatch.Item, _ file: RandomAccessFile, _ options: FileOptions, since start: Double,
    notice: ((String) -> Void)?, progress: ((Double) -> Void)?
  ) throws(EvaluationError) -> UpscaleResult {
    var result = UpscaleResult(item, isSkipped: false)
    // The file is counted by itself.
    let resident = residentByteCount() - (file.bytes?.count ?? 0)
    let source = try source(item, file, options, bound(resident: resident))
    let reader = source.reader
    if options.takesAllPages, reader.pageCount > 1 {
      return try upscalePages(item, file, options, first: source, since: start, notice: notice, progress: progress)
    }
    // Not even without tiles, and before anything is decoded: says what would be enough.
    let job = try job(source, options, held: resident)
    if item.output != "-" {
      // Hours of work should not end at a folder that was never writable.
      try wrapping { () throws(FileError) in
        if item.createsFolder, let folder = Folder.parent(item.output) { try Folder.create(folder) }
        try Folder.checkWritable(item.output)
      }
    }
    if let line = job.notice(self.options.tile) { notice?(line) }
    if options.quality != nil, !source.encoding.hasQuality {
      notice?("\(source.encoding.format.title) has no quality, and what is asked for is not used")
    }
    let sink = try wrapping { () throws(FileError) in try FileSink(path: item.output) }
    let done = try enlarge(source, job, options, held: resident, into: sink, progress: progress)
    try wrapping { () throws(FileError) in try sink.commit() }
    result.take(done, remarks: remarks(of: source, done), heldWhole: heldWhole(source, done, sink))
    result.seconds = Machine.seconds - start
    return result
  }

  /// Reads a picture, or a page, and writes it enlarged. The sink is the caller's to commit.
  ///
  /// - Returns: the job as it was when the picture had been made ready.
  func enlarge(
    _ source: Source, _ planned: Job, _ options: FileOptions, held: Int, into sink: FileSink, pages: TIFFPageChain? = nil,
    progress: ((Double) -> Void)?
  ) throws(EvaluationError) -> Job {
    let reader = source.reader
    var job = planned
    try options.reading { () throws(EvaluationError) in
      try wrapping { () throws(ImageError) in try reader.start() }
    }
    if properties(of: reader, options) != job.properties { job = try self.job(source, options, held: held) }
    var alpha: Image?
    try options.reading { () throws(EvaluationError) in
      alpha = try networkAlpha(job.properties, job.size) { () throws(EvaluationError) in try self.rows(source, options) }
    }
    let writer = try wrapping { () throws(ImageError) in
      try ImageWriter(job.memory.sizes.result, as: source.encoding, to: sink, pages: pages)
    }
    let target: any RowTarget = alpha.map { AlphaTarget(writer, job.memory.sizes.result, alpha: $0) } ?? writer
    try options.reading { () throws(EvaluationError) in
      try run(job, reader, into: target, progress: progress)
      try wrapping { () throws(ImageError) in try reader.finish() }
    }
    try wrapping { () throws(ImageError) in try writer.finish(on: workers) }
    return job
  }

  /// What is to be said of a picture that was written: clauses.
  func remarks(of source: Source, _ job: Job) -> [String] {
    let format = source.encoding.format, lost = job.properties.metadata.lost(in: format)
    return source.reader.remarks
      + (lost.isEmpty ? [] : ["\(format.title) does not hold \(TextFormat.list(lost)); the result is without"])
  }

  /// The rows of a picture once more, from its first on.
  private func rows(_ source: Source, _ options: FileOptions) throws(EvaluationError) -> ImageReader {
    let reader = try reader(source.file, name: source.name, options, page: source.page)
    try wrapping { () throws(ImageError) in try reader.start() }
    return reader
  }

  private func reader(
    _ file: RandomAccessFile, name: String, _ options: FileOptions, page: Int?
  ) throws(EvaluationError) -> ImageReader {
    do throws(ImageError) {
      return try ImageReader(
        file, name: name, limits: self.options.decodingLimits, page: page, isTolerant: options.isTolerant)
    } catch {
      guard case .tooManyPixels = error else { throw .image(error) }
      throw .imageWithMend(error, mend: "--max-pixels raises it")
    }
  }

  /// A picture's file, opened, and what becomes of it.
  struct Source {
    var file: RandomAccessFile
    var name: String
    /// Of a TIFF file whose pages are all read.
    var page: Int?
    var reader: ImageReader
    var encoding: ImageEncoding
    /// The file that is made is in memory until it is complete.
    var holdsOutput: Bool
    var bound: Bound
  }

  func source(
    _ item: PictureBatch.Item, _ file: RandomAccessFile, _ options: FileOptions, page: Int? = nil, _ bound: Bound
  ) throws(EvaluationError) -> Source {
    let encoding = try options.naming.encoding(of: item, input: file, quality: options.quality)
    let name = item.input == "-" ? "standard input" : item.input
    let reader = try reader(file, name: name, options, page: page)
    return Source(
      file: file, name: name, page: page, reader: reader, encoding: encoding, holdsOutput: FileSink.isHeld(item.output),
      bound: bound)
  }

  /// Of the picture, with the metadata that its result has.
  func properties(of reader: ImageReader, _ options: FileOptions) -> ImageProperties {
    var properties = reader.properties
    if options.stripsMetadata { properties.metadata = properties.metadata.coloursAlone }
    return properties
  }

  func job(_ source: Source, _ options: FileOptions, held: Int) throws(EvaluationError) -> Job {
    let reader = source.reader, properties = properties(of: reader, options)
    let scale = try options.target.map { target throws(EvaluationError) in
      try target.scale(width: properties.width, height: properties.height)
    }
    let size = try size(width: properties.width, height: properties.height, scale: scale)
    try wrapping { () throws(ImageError) in try source.encoding.check(properties.resized(size)) }
    let file = source.file.bytes?.count ?? 0, threads = self.options.threadCount
    // A picture that cannot be read in rows is decoded before anything else is there, which may take more than all that
    // follows.
    let opening = file + reader.openingByteCount
    let result = properties.resized(size), bandless = source.encoding.writerByteCount(result, rows: 1, threads: threads)
    var causes: [MemoryNeed.Cause] = []
    if let obstacle = reader.obstacle { causes.append(MemoryNeed.Cause(text: "\(obstacle)", byteCount: opening)) }
    if let obstacle = source.encoding.obstacle, reader.obstacle != obstacle {
      causes.append(MemoryNeed.Cause(text: "\(obstacle)", byteCount: bandless))
    }
    if source.holdsOutput {
      causes.append(MemoryNeed.Cause(text: Self.heldOutputCause, byteCount: source.encoding.fileByteCount(result)))
    }
    // What the network makes of alpha waits for the colours, and the picture is read once more for it.
    let isAlphaApart = self.options.alpha == .network && properties.hasAlpha
    let alpha = isAlphaApart ? size.width * size.height * properties.bitDepth / 8 + reader.openingByteCount : 0
    return try job(
      properties, size, held: held, opening: opening, reading: file + reader.heldByteCount + alpha,
      writing: { result, rows in
        source.encoding.writerByteCount(result, rows: rows, threads: threads)
          + (source.holdsOutput ? source.encoding.fileByteCount(result) : 0)
      }, causes: causes, source.bound)
  }

  private static let heldOutputCause = "the output is no file, and gets all of it at the end"

  func heldWhole(_ source: Source, _ job: Job, _ sink: FileSink) -> [String] {
    var clauses: [String] = []
    if let obstacle = source.reader.obstacle { clauses.append("\(obstacle)") }
    if job.memory.sizes.collectsAll { clauses.append("--tta takes all turns of the picture together") }
    if !job.plan.isCuttable {
      clauses.append(options.tile == .none ? "--tile none takes it at once" : ModelRunner.wholeCause)
    }
    if let obstacle = source.encoding.obstacle, source.reader.obstacle != obstacle { clauses.append("\(obstacle)") }
    if sink.isHeld { clauses.append(Self.heldOutputCause) }
    return clauses
  }
}

extension Upscaler.FileOptions {
  /// Of pixels that cannot be read the error says what helps.
  fileprivate func reading(_ body: () throws(EvaluationError) -> Void) throws(EvaluationError) {
    do throws(EvaluationError) {
      try body()
    } catch {
      guard !isTolerant, case .image(let problem) = error, case .corrupt = problem else { throw error }
      throw .imageWithMend(problem, mend: "--tolerant takes what there is of it")
    }
  }
}

/// What became of all pictures.
public struct UpscaleReport: Hashable, Codable, Sendable {
  /// A picture that failed, and why.
  public struct Failure: Hashable, Codable, Sendable {
    public var input: String
    public var error: String

    public init(input: String, error: String) {
      self.input = input
      self.error = error
    }
  }

  public var results: [UpscaleResult] = []
  public var failures: [Failure] = []
  /// Files in input folders that are no pictures by their names.
  public var ignored: [String] = []

  public init() {}

  /// How many became what, and what was passed over: a line for people.
  public var summary: String {
    let skipped = results.count(where: \.isSkipped)
    var parts = ["\(results.count - skipped) enlarged"]
    if skipped > 0 { parts.append("\(skipped) there already") }
    if !failures.isEmpty { parts.append("\(failures.count) failed") }
    if !ignored.isEmpty {
      parts.append("\(ignored.count) passed over, no pictures by their names: \(TextFormat.list(ignored, most: 4))")
    }
    return parts.joined(separator: ", ")
  }
}
