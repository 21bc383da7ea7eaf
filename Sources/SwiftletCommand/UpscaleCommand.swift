import ArgumentParser
import Swiftlet

struct UpscaleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upscale", abstract: "Enlarges pictures.",
    discussion: """
      Reads and writes PNG, JPEG, WebP, TIFF and BMP; AVIF and JPEG XL, too, where libheif and libjxl are installed, and reads HEIC and, by \
      giflib, the first frame of GIF. Depth, alpha, colour profile, resolution, EXIF, XMP, IPTC and texts are kept \
      where the format holds them; metadata that it does not hold is said. A picture that cannot be read is reported and the others go on; the exit code then is 1.
      """)

  @Argument(help: ArgumentHelp("Pictures, folders of pictures, or - for standard input.", valueName: "input"))
  var inputs: [String]

  @Option(name: .shortAndLong, help: "The output: a file, a folder, or - for standard output.")
  var output: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      """
      The model: a name (\(ModelLibrary.shippedNames.joined(separator: ", "))) or a model file. (default: for the scale, photo for \
      JPEG pictures and upscale for others)
      """))
  var model: String?

  @Option(
    name: .shortAndLong,
    help: "The factor, 1 to 64, any number: the network, then a bicubic resize to the exact size. (default: the model's)",
    transform: ScaleFactor.init(argument:))
  var scale: ScaleFactor?

  @Option(
    help: ArgumentHelp(
      "Enlarge to this width. With --height: as large as both allow. (default: by --scale)", valueName: "pixels"),
    transform: PlainNumber.whole)
  var width: Int?

  @Option(
    help: ArgumentHelp("Enlarge to this height. (default: by --scale)", valueName: "pixels"), transform: PlainNumber.whole)
  var height: Int?

  @Option(
    help: ArgumentHelp("Enlarge to this many millions of pixels. (default: by --scale)", valueName: "number"),
    transform: PlainNumber.real)
  var megapixels: Double?

  @Option(
    name: .shortAndLong,
    help: "Tiles: auto, none, or their side in pixels. Does not change the result; small ones take longer. (default: auto)",
    transform: TilePolicy.init(argument:))
  var tile = TilePolicy.automatic

  // A value that begins with a minus is one, too: what is wrong with it is said of the size.
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The most memory to take, as in 512M or 2G; picks the tile. (default: no limit)", valueName: "size"),
    transform: ByteCount.init(argument:))
  var memory: ByteCount?

  @Flag(
    name: [.customShort("x"), .long], help: "Average over the eight flips and turns: slower by eight times, a little better.")
  var tta = false

  @Option(
    name: .shortAndLong, help: "The format to write. (default: by the output's name)")
  var format: ImageFormat?

  @Option(
    help: ArgumentHelp(
      "The quality of JPEG, 1 to 100, of AVIF, or of lossy WebP and JPEG XL, 0 to 100. (default: JPEG 92, AVIF 90, others lossless)"
    ), transform: PlainNumber.whole)
  var quality: Int?

  @Flag(help: "Write no metadata but what says how colours are meant.")
  var strip = false

  @Flag(help: "Take a picture whose file is cut short as far as it goes, and say how far.")
  var tolerant = false

  @Option(help: ArgumentHelp("The pages of a TIFF file: first, or all, into one TIFF.", valueName: "pages"))
  var pages = PageChoice.first

  @Option(
    help: ArgumentHelp(
      "How alpha is enlarged: bicubic, or network, as a grey picture, where it is soft.", valueName: "way"))
  var alpha = AlphaEnlarging.bicubic

  @Option(
    help: ArgumentHelp(
      "The most pixels of a picture and of its result, as in 500M or 2G. (default: 268M and 1074M)", valueName: "count"),
    transform: PixelCount.init(argument:))
  var maxPixels: PixelCount?

  @Flag(name: .shortAndLong, help: "Look into folders inside folders, but for the one that the output goes to.")
  var recursive = false

  @Flag(
    help:
      "Leave alone what has an output of the right size already. One of another size is told as an error, and is not written over."
  )
  var skipExisting = false

  @Option(
    parsing: .unconditional,
    help: """
      What to put between name and extension in an output folder. What is called so in a folder of inputs that outputs go to is not enlarged again, and \
      left alone where it has the size that this run makes. (default: nothing)
      """, transform: Suffix.init(argument:))
  var suffix = Suffix("")

  @Flag(
    help: """
      Write over whatever stands under the names of outputs in a folder. (default: outputs of earlier runs, known by a mark beside the file, an \
      extended attribute; else a file is left, and told as an error. A file that -o names is written over)
      """)
  var overwrite = false

  @Flag(
    help: """
      Where outputs go to a folder of inputs: enlarge also what an earlier run with another suffix or format seems to have made, by a mark \
      beside the file, an extended attribute, or by name and size.
      """)
  var takeOutputs = false

  @OptionGroup var engine: EngineArguments

  @Flag(name: .shortAndLong, help: "Say of each picture whether its rows flowed from file to file, and if not why.")
  var verbose = false

  @Flag(help: "Print what was done as JSON.")
  var json = false

  func validate() throws {
    let written = ImageFormat.allCases.filter(\.isWritten)
    if let named = format ?? ImageFormat(path: output), !named.isWritten {
      throw ValidationError(
        "\(named.title) is read and not written; write one of \(written.map(\.title).joined(separator: ", "))")
    }
    if let format, let named = ImageFormat(path: output), named != format {
      throw ValidationError(
        "the name '\(output.onOneLine)' asks for \(named.title), and --format for \(format.title); give one of them")
    }
    guard [scale != nil, width != nil || height != nil, megapixels != nil].count(where: { $0 }) < 2 else {
      throw ValidationError("give one of --scale, --width or --height, and --megapixels")
    }
    for side in [width, height] {
      if let side, !(1...1 << 20).contains(side) { throw ValidationError("a side is 1 to 1048576 pixels") }
    }
    if let megapixels, !(megapixels > 0 && megapixels <= 4096) {
      throw ValidationError("megapixels are more than 0 and at most 4096")
    }
    guard !(overwrite && skipExisting) else {
      throw ValidationError("--overwrite makes anew what --skip-existing leaves alone; give one of them")
    }
    // Of PNG and the like the quality is not used, so that nobody else would say it.
    guard let quality, !(0...100).contains(quality) else { return }
    throw ValidationError("the quality \(quality) is not in 0...100 (JPEG: 1...100)")
  }

  private var target: TargetSize? {
    if let scale { return .scale(scale.value) }
    if let megapixels { return .megapixels(megapixels) }
    switch (width, height) {
    case (let width?, let height?): return .within(width: width, height: height)
    case (let width?, nil): return .width(width)
    case (nil, let height?): return .height(height)
    case (nil, nil): return nil
    }
  }

  func run() throws {
    let upscaler = try BatchUpscaler(
      model: model, backend: try engine.value.makeBackend(),
      options: Upscaler.Options(
        tile: tile, memoryLimit: memory?.bytes, usesTestTimeAugmentation: tta, threadCount: engine.threadCount,
        alpha: alpha, pixelLimit: maxPixels?.count))
    let naming = PictureBatch.Naming(
      isRecursive: recursive, format: format, suffix: suffix.text, takesOutputs: takeOutputs,
      keepsSize: upscaler.keepsSize(target), overwrites: overwrite)
    let batch = try PictureBatch(inputs: inputs, output: output, naming: naming, skipsExisting: skipExisting)
    let files = Upscaler.FileOptions(
      naming: naming, target: target, quality: quality, skipsExisting: skipExisting,
      stripsMetadata: strip, isTolerant: tolerant, takesAllPages: pages == .all)

    if let model, let notice = upscaler.notice { Terminal.printError("swiftlet: '\(model.onOneLine)': \(notice)") }
    var report = UpscaleReport(batch)
    // What is wrong with the one picture there is may be wrong with the arguments.
    var usage: EvaluationError?
    func isUsage(_ error: EvaluationError) -> Bool { batch.items.count + batch.refused.count == 1 && error.isUsage }
    for (item, error) in batch.refused {
      if isUsage(error) { usage = error }
      fail(item, error, &report, isTold: usage == nil)
    }
    var told: Set<String> = []
    let start = Machine.seconds
    tellInterruption(0, of: batch)
    upscaler.upscale(batch.items, files) { index, event in
      let item = batch.items[index]
      switch event {
      case .notice(let line):
        // Of many pictures once.
        guard told.insert(line).inserted else { return }
        Terminal.clearProgress()
        Terminal.printError("swiftlet: '\(item.input)': \(line)")
      case .progress(let share):
        let label = batch.items.count > 1 ? "\(index + 1)/\(batch.items.count) \(item.input)" : item.input
        Terminal.drawProgress(label, (Double(index) + share) / Double(batch.items.count), since: start)
      case .done(let count): tellInterruption(count, of: batch)
      case .finished(.success(let result)):
        Terminal.clearProgress()
        report.results.append(result)
        for remark in result.remarks { Terminal.printError("swiftlet: '\(item.input.onOneLine)': \(remark)") }
        if !json { show(result) }
      case .finished(.failure(let error)):
        Terminal.clearProgress()
        if isUsage(error) { usage = error }
        fail(item, error, &report, isTold: usage == nil)
      }
    }
    report.deviceUse = upscaler.deviceUse
    if let usage, !json { throw usage }
    if json {
      Terminal.showJSON(try report.json, besides: [output])
    } else if report.hasSummary {
      Terminal.show(ReportText(report.summary + "\n"), besides: [output])
    }
    if !json, let use = report.deviceUse, verbose || report.hasSummary {
      Terminal.show(ReportText(use.text + "\n"), besides: [output])
    }
    if let usage { throw usage }
    if !report.failures.isEmpty { throw SilentFailure() }
  }

  /// What is said where the command is interrupted in a batch.
  private func tellInterruption(_ done: Int, of batch: PictureBatch) {
    guard batch.items.count > 1 else { return }
    let mend =
      skipExisting
      ? "the same command goes on"
      : "the same command with --skip-existing\(overwrite ? " in place of --overwrite" : "") goes on"
    Interruption.note = "interrupted; \(done) of \(batch.items.count) pictures are done, and \(mend)"
  }

  private func show(_ result: UpscaleResult) {
    let line =
      result.isSkipped
      ? "\(result.output.onOneLine) is there already, of the right size, skipped"
        + (skipExisting ? "" : "; by which model is not known: --overwrite makes it anew")
      : "\(result.input.onOneLine) \(result.inputSizeText) -> \(result.output.onOneLine) \(result.sizeText) "
        + (result.pages.map { "(\($0) pages) " } ?? "") + (model == nil ? result.model.map { "by \($0) " } ?? "" : "")
        + "in \(TextFormat.fixed(result.seconds, 2)) s"
    Terminal.show(line + "\n", besides: [output])
    // Who reads a pipe or a log of a long batch sees what is done.
    defer { Terminal.flush() }
    guard verbose, !result.isSkipped else { return }
    let flow =
      result.heldWhole.isEmpty ? "its rows flowed from file to file" : "in memory: " + result.heldWhole.joined(separator: "; ")
    Terminal.show(ReportText("  \(flow)\n"), besides: [output])
  }

  /// - Parameter isTold: not where the error ends the command, and is told then.
  private func fail(_ item: PictureBatch.Item, _ error: EvaluationError, _ report: inout UpscaleReport, isTold: Bool) {
    let text = error.text(for: item.input)
    if isTold { Terminal.printError("swiftlet: \(text)") }
    report.failures.append(UpscaleReport.Failure(input: item.input, error: text))
  }
}

/// Which pages of a file.
enum PageChoice: String, ExpressibleByArgument, CaseIterable {
  case first, all
}

extension AlphaEnlarging: ExpressibleByArgument {}

/// A number of pixels: `500M`, `2G`, `100000`.
struct PixelCount {
  let count: Int

  init(argument: String) throws {
    let units: [Character: Double] = ["k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9]
    let unit = argument.last.flatMap { units[$0] }
    // More would not fit into 64 bits as samples.
    guard let number = Double(unit == nil ? argument : String(argument.dropLast())), number >= 1, number * (unit ?? 1) <= 1e15
    else { throw ValueProblem("give a number of pixels, as in 500M or 2G") }
    count = Int(number * (unit ?? 1))
  }
}
