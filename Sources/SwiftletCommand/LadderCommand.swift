import ArgumentParser
import Swiftlet

/// `default`, `none`, or layers such as `64->128@256` between commas.
struct LadderLayers {
  let layers: [LadderLayer]

  init(argument: String) throws {
    guard let layers = LadderLayer.list(argument) else {
      throw ValueProblem("give layers as in 3->64@512,64->128@256: channels in and out, and the side")
    }
    self.layers = layers
  }
}

struct LadderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ladder",
    abstract: "Times layers at growing sophistication: what each idea is worth, and what fusing saves a whole network.",
    usage: "swiftlet ladder [<options>]",
    discussion: """
      The default layers are the way down of a U-Net: 3->64@512, 64->128@256, 128->256@128, 256->512@64, 512->1024@32. The sequential \
      reference runs once, on one image; the whole takes minutes. Times leave out the copies into the engine's layout and out of it. \
      With --model, only that model's traffic through memory and its time before and after fusing are shown, unless --layers are \
      named, too. On a CUDA device the rungs are its kernels, in both precisions, and the last table counts how often values go to \
      the device and back: node by node, fused, and kept there.
      """)

  @Option(
    help: ArgumentHelp(
      "Layers in->out@size between commas, default or none. (default: default, or none beside --model)", valueName: "layers"),
    transform: LadderLayers.init(argument:))
  var layers: LadderLayers?

  @Option(help: ArgumentHelp("Images at once, 1 to 1024. (default: 4)", valueName: "n"), transform: Count.init(argument:))
  var batch = Count(4)

  @Option(
    help: ArgumentHelp("Runs of each engine, 1 to 1024; the best counts. (default: 5)", valueName: "n"),
    transform: Count.init(argument:))
  var runs = Count(5)

  @Option(
    help: ArgumentHelp(
      "The model whose traffic through memory is shown block by block. (default: a U-Net of 64 to 1024 features)",
      valueName: "model"))
  var model: String?

  @Option(
    help: ArgumentHelp("That model's input. (default: 1xCx512x512)", valueName: "NxCxHxW"), transform: Shape.init(argument:))
  var input: Shape?

  @OptionGroup var cpu: CPUArguments

  @Option(
    help: ArgumentHelp(
      "What climbs: cpu, cuda or cuda:1. The reference is always the CPU's. (default: cpu)",
      valueName: "device"),
    transform: DeviceName.init(argument:))
  var device = DeviceName.cpu

  @Flag(help: "Images a quarter as high and as wide, one in a batch: for a first look.")
  var quick = false

  @Flag(help: "Print everything as JSON.")
  var json = false

  func validate() throws {
    if device.index != nil, cpu.isa != nil || cpu.machine.rates != nil {
      throw ValidationError(
        "--isa and --rates are for the CPU; a CUDA device chooses by what it says of itself")
    }
  }

  func run() throws {
    let run = try LadderRun(
      layers: layers?.layers, batch: batch.value, engine: try cpu.options, runs: runs.value, model: model, input: input,
      device: device.index, isQuick: quick)
    let report = try run.report { table in if !json { Terminal.show("\(table.report)\n" as ReportText) } }
    if json {
      Terminal.showJSON(try report.json)
    } else {
      Terminal.show(report.traffic?.report ?? report.transfers?.report ?? "")
    }
  }
}
