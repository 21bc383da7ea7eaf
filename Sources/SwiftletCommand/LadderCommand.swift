import ArgumentParser
import Swiftlet

/// `default`, or layers such as `64->128@256` between commas.
struct LadderLayers: ExpressibleByArgument {
  let layers: [LadderLayer]

  init(_ layers: [LadderLayer]) { self.layers = layers }

  init?(argument: String) {
    guard argument != "default" else {
      self.init(LadderLayer.standard)
      return
    }
    var layers: [LadderLayer] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let layer = LadderLayer(String(part)) else { return nil }
      layers.append(layer)
    }
    self.init(layers)
  }

  var defaultValueDescription: String { "default" }
}

struct LadderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ladder",
    abstract: "Times layers at growing sophistication: what each idea is worth, and what fusing saves a whole network.",
    discussion: """
      The default layers are the way down of a U-Net: 3->64@512, 64->128@256, 128->256@128, 256->512@64, 512->1024@32. The sequential \
      reference runs once, on one image; the whole takes minutes. Times leave out the copies into the engine's layout and out of it.
      """)

  @Option(help: ArgumentHelp("Layers in->out@size between commas, or default.", valueName: "layers"))
  var layers = LadderLayers(LadderLayer.standard)

  @Option(help: ArgumentHelp("Images at once.", valueName: "n"))
  var batch = Count(4)

  @Option(help: ArgumentHelp("Runs of each engine; the best counts.", valueName: "n"))
  var runs = Count(5)

  @Option(
    help: ArgumentHelp(
      "A model whose traffic through memory is shown block by block. (default: a U-Net of 64 to 1024 features)",
      valueName: "model"))
  var model: String?

  @Option(help: ArgumentHelp("That model's input. (default: 1xCx512x512)", valueName: "NxCxHxW"))
  var input: Shape?

  @OptionGroup var engine: EngineArguments

  @Flag(help: "Images a quarter as high and as wide, one in a batch: for a first look.")
  var quick = false

  @Flag(help: "Print everything as JSON.")
  var json = false

  func run() throws {
    var ladder = Ladder(layers: layers.layers, batch: batch.value, engine: engine.options, runs: runs.value)
    if quick { ladder = ladder.quick }
    // Before the layers, which take minutes: a model that cannot run is told at once.
    let network = try model.map { try ModelLibrary.network($0) } ?? UNet().network(.random(seed: 1))
    let side = quick ? 128 : 512
    let shape = input ?? Shape(channels: network.inputs[0].channels, height: side, width: side)
    _ = try network.inferredShapes(inputs: [shape])
    var report = LadderReport()
    for layer in ladder.layers {
      for table in try ladder.tables(layer) + ladder.singleTables(layer) {
        report.tables.append(table)
        // Each as soon as it is there: the reference is slow.
        if !json { print(table.text) }
      }
    }
    let traffic = try TrafficReport(network, input: shape, engine: engine.options)
    report.traffic = traffic
    print(json ? try report.json + "\n" : traffic.text, terminator: "")
  }
}
