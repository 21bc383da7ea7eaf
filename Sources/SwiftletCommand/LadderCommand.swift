import ArgumentParser
import Swiftlet

/// `default`, `none`, or layers such as `64->128@256` between commas.
struct LadderLayers: ExpressibleByArgument {
  let layers: [LadderLayer]

  init(_ layers: [LadderLayer]) { self.layers = layers }

  init?(argument: String) {
    guard argument != "default" else {
      self.init(LadderLayer.standard)
      return
    }
    var layers: [LadderLayer] = []
    if argument == "none" {
      self.init(layers)
      return
    }
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let layer = LadderLayer(String(part)) else { return nil }
      layers.append(layer)
    }
    self.init(layers)
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
    guard engine.engine == .reference || engine.precision != .float32 else { return }
    throw ValidationError(
      "the ladder climbs from the reference to the engine cpu in float32; give neither --engine nor --precision")
  }

  func run() throws {
    let layers = layers?.layers ?? (model == nil ? LadderLayer.standard : [])
    var ladder = Ladder(layers: layers, batch: batch.value, engine: try engine.options, runs: runs.value)
    if quick { ladder = ladder.quick }
    // Before the layers, which take minutes: what cannot run is told at once.
    let network = try model.map { try ModelLibrary.network($0) } ?? UNet().network(.random(seed: 1))
    let side = quick ? 128 : 512
    let shape = try network.inputShape(given: input, side: side)
    try TrafficReport.check(network, input: shape)
    try ladder.check()
    var report = LadderReport()
    for layer in ladder.layers {
      for tables in [ladder.tables, ladder.singleTables] {
        let tables = try tables(layer)
        report.tables += tables
        // As soon as they are there: the reference is slow.
        if !json { for table in tables { Terminal.show(table.text + "\n") } }
      }
    }
    let traffic = try TrafficReport(
      network, model: model ?? network.name, input: shape, engine: try engine.options, runs: runs.value)
    report.traffic = traffic
    json ? Terminal.showJSON(try report.json) : Terminal.show(traffic.text)
  }
}
