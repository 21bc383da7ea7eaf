import ArgumentParser
import Swiftlet

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Says which classes pictures are of, or which their pixels are.",
    discussion: """
      A classifier makes a table of comma-separated values. Folders that are called as classes are looked into, and tell which class is \
      right; the accuracy and what was taken for what are then printed, too.

      A segmenter makes a grey PNG of each picture: 0 and 255 where it tells one class, else the numbers of the classes.

      Pictures may have any size; they are brought to that of the model where it has one. One that cannot be read is reported and the \
      others go on; the exit code then is 1.
      """)

  @Argument(help: "The model: a model file, with classes from training or 'convert --classes'.")
  var model: String

  @Argument(help: ArgumentHelp("Pictures, folders of pictures, or - for standard input.", valueName: "input"))
  var inputs: [String]

  @Option(
    name: .shortAndLong,
    help: "Where the result goes: a .csv file (default: standard output), or a folder of masks, or one .png.")
  var output: String?

  @Option(
    help: ArgumentHelp("Classifiers: the likeliest classes to tell of each picture. (default: 1)", valueName: "n"),
    transform: Count.init(argument:))
  var top: Count?

  @Option(
    help: ArgumentHelp(
      """
      Classifiers: a table for a competition, with these two headings: the file's name without its extension, and the class.
      """, valueName: "id,label"), transform: ColumnPair.init(argument:))
  var submission: ColumnPair?

  @Flag(help: "Classifiers: call classes by their numbers, from 0, in the table.")
  var numbers = false

  @Flag(help: "Segmenters: beside each mask also the picture with the mask over it, as NAME-overlay.png.")
  var overlay = false

  @Option(
    help: ArgumentHelp(
      """
      What is right, to print how often the model is: a folder with a folder of pictures of these names for each class; for segmenters \
      a folder of masks of these names.
      """, valueName: "folder"))
  var labels: String?

  @Flag(name: .shortAndLong, help: "Look into folders inside folders, but for the one that the output goes to.")
  var recursive = false

  @Option(
    name: .shortAndLong,
    help: "Segmenters: tiles: auto, none, or their side in pixels. Does not change the result. (default: auto)",
    transform: TilePolicy.init(argument:))
  var tile = TilePolicy.automatic

  @Flag(
    help: """
      Segmenters: write over whatever stands under the names of masks in a folder. (default: masks of earlier runs, known by a mark beside \
      the file, an extended attribute; else a file is left, and told as an error)
      """)
  var overwrite = false

  @OptionGroup var engine: EngineArguments

  @Flag(help: "Print everything as JSON.")
  var json = false

  func validate() throws {
    guard submission != nil, top != nil else { return }
    throw ValidationError("--submission has one class for each picture, and --top asks for several; leave one out")
  }

  private var options: Predictor.Options {
    var options = Predictor.Options()
    options.isRecursive = recursive
    options.top = top?.value
    options.table = PredictionReport.TableForm(submission: submission?.names, usesNumbers: numbers)
    options.makesOverlays = overlay
    options.labels = labels
    options.tile = tile
    options.overwrites = overwrite
    return options
  }

  func run() throws {
    let predictor = try Predictor(ModelLibrary.network(model), engine: try engine.value, options: options)
    let start = Machine.seconds
    defer { Terminal.clearProgress() }
    let report = try predictor.predict(
      inputs, output: output, model: model,
      failure: { line in
        Terminal.clearProgress()
        Terminal.printError("swiftlet: \(line)")
      }
    ) { label, share in
      Terminal.drawProgress(label, share, since: start)
    }
    Terminal.clearProgress()
    if json {
      Terminal.showJSON(try report.json, besides: predictor.makesTable ? [] : [output ?? "-"])
    } else {
      let isPrinted = predictor.makesTable && output ?? "-" == "-"
      // Of no pictures not even the names of columns.
      if isPrinted, !report.pictures.isEmpty { Terminal.show(report.table(options.table)) }
      if !report.pictures.isEmpty || report.leftOut { Terminal.show(report.report, besides: [output ?? "-"]) }
    }
    if !report.failures.isEmpty { throw SilentFailure() }
  }
}

/// `id,label`
struct ColumnPair {
  let names: [String]

  init(argument: String) throws {
    names = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard names.count == 2, !names.contains("") else {
      throw ValueProblem("give the headings of two columns, as in id,label")
    }
    guard names[0] != names[1] else { throw ValueProblem("the two columns need headings of their own, as in id,label") }
  }
}
