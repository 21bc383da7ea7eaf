import ArgumentParser
import Swiftlet

struct NewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Makes a model with random parameters, to be trained or measured.")

  @Argument(
    help: ArgumentHelp(
      "The architecture: \(Architecture.catalogue.map(\.name).joined(separator: ", ")).", valueName: "architecture"))
  var architecture: String

  @Option(name: .shortAndLong, help: "The model file to write (.safetensors or .onnx).")
  var output: String

  @OptionGroup var options: ArchitectureArguments

  @Option(
    help: "The seed of the random parameters: the same seed gives the same file. (default: 1)", transform: PlainNumber.seed)
  var seed: UInt64 = 1

  @Flag(help: "Print what was made as JSON.")
  var json = false

  func run() throws {
    try ModelLibrary.claimOutput(output)
    let architecture = try Architecture(named: architecture, options: options.values)
    let network = try architecture.network(.random(seed: seed))
    try ModelLibrary.write(network, to: output)
    let report = try NetworkReport(network, model: output)
    json
      ? Terminal.showJSON(try report.json, besides: [output])
      : Terminal.show(report.report(showsNodes: false), besides: [output])
  }
}

/// The options of every architecture; one that an architecture does not have is refused by it.
struct ArchitectureArguments: ParsableArguments {
  @Option(
    help:
      "standard, separable or selection; see-in-the-dark also: light, lighter (as separable) or light-selection. (default: standard)"
  )
  var convolution: String?

  @Option(help: "Channels inside, at the first level. (default: 64; see-in-the-dark 32, small-resnet 16)")
  var features: String?

  @Option(help: "Channels of the input: 3 for RGB; edsr: of the output too, 1 for luma. (default: 3)")
  var channels: String?

  @Option(help: "unet: channels of the output; small-resnet, resnet18: classes. (default: 1; 3; 1000)")
  var classes: String?

  @Option(help: "vdsr: convolutions in all. (default: 20)")
  var depth: String?

  @Option(help: "edsr: 2, 3 or 4; srvgg: 1 to 4; rrdb: 1, 2 or 4. (default: 2; 4; 4)")
  var scale: String?

  @Option(help: "edsr, rrdb: residual blocks. (default: 16; 23)")
  var blocks: String?

  @Option(help: "srvgg: convolutions between the first and the last. (default: 16)")
  var convolutions: String?

  @Option(help: "rrdb: channels that each convolution of a dense block adds. (default: 32)")
  var growth: String?

  @Option(help: "edsr: factor of each block's residual. (default: 0.1, or 1 in other layouts than plain)")
  var residualScale: String?

  @Option(
    help:
      "edsr: plain; original, with body convolution and mean shift; or direct, pixels at once beside the input. (default: plain)"
  )
  var layout: String?

  @Option(help: "edsr: what 255 is inside the network, 1 or 255. (default: 1, or 255 in the original layout)")
  var maximum: String?

  @Option(help: "unet: transposed or bilinear. (default: transposed)")
  var upsampling: String?

  /// What was given, by the names of `Architecture.catalogue`.
  var values: [String: String] {
    let all = [
      "convolution": convolution, "features": features, "channels": channels, "classes": classes,
      "depth": depth, "scale": scale, "blocks": blocks, "residual-scale": residualScale, "layout": layout,
      "maximum": maximum, "upsampling": upsampling,
      "convolutions": convolutions, "growth": growth,
    ]
    return all.compactMapValues(\.self)
  }
}
