import Execution
import Execution
import Files
import Imaging
import Networks

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
    let resident = residentByteCount()
    let file = try Self.open(item.input, room: bound(resident: resident).byteCount - resident)
    return try perform(plan(item, file, options, since: start), notice: notice, progress: progress)
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

  /// A file that is open, and what becomes of it.
  struct FilePlan {
    var item: PictureBatch.Item
    var options: FileOptions
    /// When the work on it began.
    var start: Double
    var source: Source
    /// What the process held before.
    var held: Int
    var course: Course

    enum Course {
      /// The output is there already, of that size.
      case skip(width: Int, height: Int)
      /// All pages, each of which is planned when it is its turn.
      case pages
      case picture(Job)
    }
  }

  /// What to do with a file that is open: nothing is decoded yet.
  ///
  /// - Parameter start: when the work on it began.
  func plan(
    _ item: PictureBatch.Item, _ file: RandomAccessFile, _ options: FileOptions, since start: Double
  ) throws(EvaluationError) -> FilePlan {
    // The file is counted by itself.
    let resident = residentByteCount() - (file.bytes?.count ?? 0)
    let source = try source(item, file, options, bound(resident: resident))
    var plan = FilePlan(item: item, options: options, start: start, source: source, held: resident, course: .pages)
    if let size = try keptSize(item, source, options) {
      plan.course = .skip(width: size.width, height: size.height)
    } else if !(options.takesAllPages && source.reader.pageCount > 1) {
      // Not even without tiles: says what would be enough.
      plan.course = .picture(try job(source, options, held: resident))
    }
    return plan
  }

  /// Does what is planned.
  func perform(
    _ plan: FilePlan, notice: ((String) -> Void)?, progress: ((Double) -> Void)?
  ) throws(EvaluationError) -> UpscaleResult {
    let item = plan.item, options = plan.options, source = plan.source
    let job: Job
    switch plan.course {
    case .skip(let width, let height):
      var result = UpscaleResult(item, isSkipped: true)
      let properties = source.reader.properties
      result.size = UpscaleResult.PageSize(
        inputWidth: properties.width, inputHeight: properties.height, width: width, height: height)
      if item.input != "-", Folder.isOlder(item.output, than: item.input) {
        result.remarks.append(
          "it was written after its output '\(item.output.onOneLine)', which is left as it is; --overwrite"
            + (options.skipsExisting ? ", in place of --skip-existing," : "") + " makes that anew")
      }
      return result
    case .pages: return try upscalePages(plan, notice: notice, progress: progress)
    case .picture(let planned): job = planned
    }
    if item.output != "-" {
      // Hours of work should not end at a folder that was never writable.
      try wrapping { () throws(FileError) in
        if item.createsFolder, let folder = Folder.parent(item.output) { try Folder.create(folder) }
        try Folder.checkWritable(item.output)
      }
    }
    if let line = job.notice(self.options.tile) { notice?(line) }
    if options.takesAllPages, source.reader.header.format != .tiff {
      notice?("\(source.reader.header.format.title) has no pages as TIFF has them, and --pages all changes nothing")
    }
    if options.quality != nil, !source.encoding.hasQuality {
      notice?("\(source.encoding.format.title) has no quality, and what is asked for is not used")
    }
    let sink = try wrapping { () throws(FileError) in try FileSink(path: item.output) }
    let done = try enlarge(source, job, options, held: plan.held, into: sink, progress: progress)
    try commit(sink, of: item, options)
    var result = UpscaleResult(item, isSkipped: false)
    result.take(done, remarks: remarks(of: source, done), heldWhole: heldWhole(source, done, sink))
    result.seconds = Machine.seconds - plan.start
    return result
  }

  /// Brings what was written to the disk, under its name, and marks it as an output: so later runs in the folder know it. Throws where a file that
  /// is not known to be this program's has come to stand there since the batch was made.
  func commit(_ sink: FileSink, of item: PictureBatch.Item, _ options: FileOptions) throws(EvaluationError) {
    // Somebody may have put a file there while the network ran.
    if let error = options.naming.refusal(of: item) { throw error }
    sink.mark(maker: options.naming.maker)
    try watch.during(.store) { () throws(EvaluationError) in
      try wrapping { () throws(FileError) in try sink.commit() }
    }
  }

  /// The size of an output that stands already and is to be left alone; nil where there is none. What says whether it is this run's is its
  /// size, and no more is known: not by which model it was made. Throws where it has another one.
  private func keptSize(
    _ item: PictureBatch.Item, _ source: Source, _ options: FileOptions
  ) throws(EvaluationError) -> (width: Int, height: Int)? {
    guard item.keepsOutput || options.skipsExisting, item.output != "-", Folder.fileExists(item.output),
      !Folder.isEmptyFile(item.output)
    else {
      return nil
    }
    // A device holds nothing that could be kept.
    guard AtomicFile.isPartial(item.output) else { return nil }
    let properties = source.reader.properties
    let scale = try options.target.map { target throws(EvaluationError) in
      try target.scale(width: properties.width, height: properties.height)
    }
    let size = try size(width: properties.width, height: properties.height, scale: scale),
      (width, height) = (size.width, size.height)
    // Only the header is read, and not as an input of the command.
    let made = FileClaims.apart {
      (try? RandomAccessFile(path: item.output, limit: Image.largestFile, memory: 16 << 20))
        .flatMap { try? ImageReader($0, name: item.output, limits: self.options.decodingLimits).properties }
    }
    if let made, made.width == width, made.height == height { return (width, height) }
    throw .otherOutput(
      path: item.output, size: made.map { PictureForm.Size(width: $0.width, height: $0.height) }, input: item.input,
      wanted: PictureForm.Size(width: width, height: height))
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
    try watch.during(.decode) { () throws(EvaluationError) in
      try options.reading(reader) { () throws(EvaluationError) in
        try wrapping { () throws(ImageError) in try reader.start() }
      }
    }
    if properties(of: reader, options) != job.properties { job = try self.job(source, options, held: held) }
    var alpha: Image?
    try options.reading(reader) { () throws(EvaluationError) in
      alpha = try networkAlpha(job.properties, job.size) { () throws(EvaluationError) in
        let rows = try self.rows(source, options)
        // What stands as a whole stands already.
        return (rows, rows.isWhole ? 0 : rows.heldByteCount)
      }
    }
    let writer = try wrapping { () throws(ImageError) in
      try ImageWriter(job.memory.sizes.result, as: source.encoding, to: sink, pages: pages)
    }
    let target: any RowTarget = alpha.map { AlphaTarget(writer, job.memory.sizes.result, alpha: $0) } ?? writer
    try options.reading(reader) { () throws(EvaluationError) in
      try run(job, reader, into: target, progress: progress)
      try wrapping { () throws(ImageError) in try reader.finish() }
    }
    try watch.during(.encode) { () throws(EvaluationError) in
      try wrapping { () throws(ImageError) in try writer.finish(on: workers) }
    }
    return job
  }

  /// What is to be said of a picture that was written: clauses.
  func remarks(of source: Source, _ job: Job) -> [String] {
    let format = source.encoding.format, lost = job.properties.metadata.lost(in: format)
    return source.reader.remarks + source.encoding.losses(job.properties)
      + (lost.isEmpty ? [] : ["\(format.title) does not hold \(TextFormat.list(lost)); the result is without"])
  }

  /// The rows of a picture once more, from its first on.
  private func rows(_ source: Source, _ options: FileOptions) throws(EvaluationError) -> ImageReader {
    let reader = try reader(source.file, name: source.name, options, page: source.page, pages: source.reader.pages)
    try wrapping { () throws(ImageError) in try reader.start() }
    return reader
  }

  private func reader(
    _ file: RandomAccessFile, name: String, _ options: FileOptions, page: Int?, pages: TIFFPages? = nil
  ) throws(EvaluationError) -> ImageReader {
    do throws(ImageError) {
      return try ImageReader(
        file, name: name, limits: self.options.decodingLimits, page: page, pages: pages, isTolerant: options.isTolerant)
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
    _ item: PictureBatch.Item, _ file: RandomAccessFile, _ options: FileOptions, page: Int? = nil, pages: TIFFPages? = nil,
    _ bound: Bound
  ) throws(EvaluationError) -> Source {
    let encoding = try options.naming.encoding(of: item, input: file, quality: options.quality)
    let name = item.input == "-" ? "standard input" : item.input
    let reader = try reader(file, name: name, options, page: page, pages: pages)
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
    return try job(
      properties, size, held: held, opening: opening, reading: file + reader.heldByteCount,
      readingAgain: reader.openingByteCount,
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
    if makesAlpha(job.properties) { clauses.append(Self.alphaCause) }
    if sink.isHeld { clauses.append(Self.heldOutputCause) }
    return clauses
  }
}

extension Upscaler.FileOptions {
  /// Of pixels that cannot be read the error says what helps.
  fileprivate func reading(
    _ reader: ImageReader, _ body: () throws(EvaluationError) -> Void
  ) throws(EvaluationError) {
    do throws(EvaluationError) {
      try body()
    } catch {
      guard !isTolerant, case .image(let problem) = error, case .corrupt = problem, reader.helpsTolerance else { throw error }
      throw .imageWithMend(problem, mend: "--tolerant takes what there is of it")
    }
  }
}

extension PictureBatch.Naming {
  /// How the picture is written: as `format` says, else as the output's name, else, on standard output, as the input was.
  fileprivate func encoding(
    of item: PictureBatch.Item, input file: RandomAccessFile, quality: Int?
  ) throws(EvaluationError) -> ImageEncoding {
    let named = item.output == "-" ? ImageFormat(sniffing: file.bytes(12, at: 0)) : ImageFormat(path: item.output)
    guard let format = format ?? named else { throw .formatNeeded(path: item.output) }
    return try wrapping { () throws(ImageError) in try ImageEncoding(format, quality: quality) }
  }
}
