import Files

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
  /// The sizes of all pages, in their order.
  public var pageSizes: [PageSize]?

  /// Of a page, before and after.
  public struct PageSize: Hashable, Codable, Sendable {
    public var inputWidth: Int
    public var inputHeight: Int
    public var width: Int
    public var height: Int
  }
}

extension UpscaleResult {
  var size: PageSize {
    get { PageSize(inputWidth: inputWidth, inputHeight: inputHeight, width: width, height: height) }
    set {
      (inputWidth, inputHeight, width, height) = (newValue.inputWidth, newValue.inputHeight, newValue.width, newValue.height)
    }
  }

  /// For people: `48x36`, or of several pages the smallest and the largest, `17x33 to 131x201`.
  public var inputSizeText: String { text { ($0.inputWidth, $0.inputHeight) } }
  /// The same of the result.
  public var sizeText: String { text { ($0.width, $0.height) } }

  private func text(_ sides: (PageSize) -> (width: Int, height: Int)) -> String {
    // In the order of the picture's area, and so of the result's.
    let sizes = (pageSizes ?? [size]).sorted { $0.inputWidth * $0.inputHeight < $1.inputWidth * $1.inputHeight }.map(sides)
    let texts = [sizes.first, sizes.last].compactMap { $0.map { "\($0.width)x\($0.height)" } }
    return Set(texts).count == 1 ? texts[0] : texts.joined(separator: " to ")
  }
}

extension UpscaleResult {
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
  /// Folders in input folders that were not entered.
  public var unentered: [String] = []
  /// Inputs that by their names an earlier run has made of others.
  public var madeBefore: [String] = []
  /// How busy a device was; nil without one.
  public var deviceUse: DeviceUse?
  /// Pictures in input folders that an earlier run with other options seems to have made of others.
  public var seemingOutputs: [SeemingOutput] = []
  /// Pictures below the output folder, inside a folder of inputs, that are not known to be this program's.
  public var inOutputFolder: [String] = []

  /// What is known before the first picture is taken.
  public init(_ batch: PictureBatch) {
    ignored = batch.ignored
    unentered = batch.unentered
    madeBefore = batch.madeBefore
    seemingOutputs = batch.seemingOutputs
    inOutputFolder = batch.inOutputFolder
  }

  /// How many became what, and what was passed over: a line for people.
  public var summary: String {
    let skipped = results.count(where: \.isSkipped)
    var counts = ["\(results.count - skipped) enlarged"]
    if skipped > 0 { counts.append("\(skipped) there already") }
    if !failures.isEmpty { counts.append("\(failures.count) failed") }
    // What has commas in itself stands between semicolons.
    var parts = [counts.joined(separator: ", ")]
    if !madeBefore.isEmpty {
      parts.append(
        "\(madeBefore.count) not enlarged, called as outputs of an earlier run: \(TextFormat.list(madeBefore, most: 4))")
    }
    if !seemingOutputs.isEmpty {
      let names = seemingOutputs.map {
        guard let source = $0.source, let scale = $0.scale else { return "\($0.path) (by its mark)" }
        return "\($0.path) (\(scale == 1 ? "as large as" : "\(TextFormat.short(scale)) times") \(Folder.name(source)))"
      }
      parts.append(
        "\(names.count) not enlarged, taken for outputs of an earlier run (--take-outputs enlarges \(names.count == 1 ? "it" : "them")): "
          + TextFormat.list(names, most: 4))
    }
    parts += Self.passedOverText(ignored: ignored, unentered: unentered, inOutputFolder: inOutputFolder)
    return parts.joined(separator: "; ")
  }

  /// Whether there is more to be said than of each picture.
  public var hasSummary: Bool {
    results.count + failures.count > 1
      || !(ignored.isEmpty && unentered.isEmpty && madeBefore.isEmpty && seemingOutputs.isEmpty && inOutputFolder.isEmpty)
  }

  /// What was left aside of input folders, a clause for each kind.
  static func passedOverText(ignored: [String], unentered: [String], inOutputFolder: [String] = []) -> [String] {
    var clauses: [String] = []
    if !inOutputFolder.isEmpty {
      clauses.append(
        "\(inOutputFolder.count) not taken, in the output folder and not known to be an earlier run's: "
          + TextFormat.list(inOutputFolder, most: 4))
    }
    if !ignored.isEmpty {
      clauses.append("\(ignored.count) passed over, no pictures by their names: \(TextFormat.list(ignored, most: 4))")
    }
    if !unentered.isEmpty { clauses.append(unenteredText(unentered.count)) }
    return clauses
  }

  /// A clause.
  static func unenteredText(_ count: Int) -> String {
    count == 1
      ? "the folder inside was not entered (-r enters it)" : "\(count) folders inside were not entered (-r enters them)"
  }
}
