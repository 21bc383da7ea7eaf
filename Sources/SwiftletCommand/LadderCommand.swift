import ArgumentParser
import Swiftlet

/// `default`, `none`, or layers such as `64->128@256` between commas.
struct LadderLayers: ExpressibleByArgument {
  let layers: [LadderLayer]

  init?(argument: String) {
    guard let layers = LadderLayer.list(argument) else { return nil }
    self.layers = layers
  }
}

struct LadderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ladder",
    abstract: "Times layers at growing sophistication: what each idea is worth, and what fusing saves a whole network.",
    discussion: """
      The default layers are the way down of a U-Net: 3->64@512, 64->128@256, 128->256@128, 256->512@64, 512->1024@32. The sequential \
      reference runs once, on one image; the whole takes minutes. Times leave out the copies into the engine's layout and out of it. \
      With --model, only that model's traffic through memory and its time before and after fusing are shown, unless --layers are \
      named, too.
      """)

  @Option(
    help: ArgumentHelp(
      "Layers in->out@size between commas, default or none. (default: default, or none beside --model)", valueName: "layers"))
  var layers: LadderLayers?

  @Option(help: ArgumentHelp("Images at once.", valueName: "n"))
  var batch = Count(4)

  @Option(help: ArgumentHelp("Runs of each engine; the best counts.", valueName: "n"))
  var runs = Count(5)

  @Option(
    help: ArgumentHelp(
      "The model whose traffic through memory is shown block by block. (default: a U-Net of 64 to 1024 features)",
      valueName: "model"))
  var model: String?

  @Option(help: ArgumentHelp("That model's input. (default: 1xCx512x512)", valueName: "NxCxHxW"))
  var input: Shape?

  @OptionGroup var engine: EngineArguments

  @Flag(help: "Images a quarter as high and as wide, one in a batch: for a first look.")
  var quick = false

  @Flag(help: "Print everything as JSON.")
  var json = false

  func validate() throws {
    let isClimbed =
      switch engine.engine {
      case .reference: false
      case .cpu(_, let precision): (precision ?? engine.precision ?? .float32) == .float32
      }
    guard !isClimbed else { return }
    throw ValidationError(
      "the ladder climbs from the reference to the engine cpu in float32; give neither --engine nor --precision")
  }

  func run() throws {
    let run = try LadderRun(
      layers: layers?.layers, batch: batch.value, engine: try engine.cpuOptions, runs: runs.value, model: model, input: input,
      isQuick: quick)
    let report = try run.report { table in if !json { Terminal.show(table.text + "\n") } }
    if json { Terminal.showJSON(try report.json) } else { Terminal.show(report.traffic?.text ?? "") }
  }
}
