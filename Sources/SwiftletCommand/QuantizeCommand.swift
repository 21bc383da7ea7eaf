import ArgumentParser
import Swiftlet

extension WeightRounding: ExpressibleByArgument {}
extension ResidualSums: ExpressibleByArgument {}

struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize", abstract: "Makes a model sum integers of 8 bits, and shows what each layer loses by it.",
    discussion: """
      The model is run on pictures in float32 to see which numbers its values hold; then its layers sum uint8 and int8 in int32, \
      with the same bits on every engine. The output stays float32, and the first layers where integers would lose there. At the end float32, bfloat16 and integers are timed in turn. Give pictures like those that the model is for, and \
      not those that it is measured on. Inputs in files .npy are taken, too.
      """)

  @Argument(help: "The model: a name (upscale-x2) or a model file.")
  var model: String

  @Option(help: ArgumentHelp("The folder of pictures to calibrate with and to measure on.", valueName: "folder"))
  var data: String

  @Option(name: .shortAndLong, help: "The model to write (.safetensors or .onnx). (default: none, figures alone)")
  var output: String?

  @Option(
    help: ArgumentHelp(
      "How ranges follow from what values held: minmax, percentile, percentile:99.9 or mse. (default: minmax)",
      valueName: "method"),
    transform: {
      guard let method = RangeMethod($0) else { throw ValueProblem("give minmax, percentile, percentile:SHARE or mse") }
      return method
    })
  var ranges = RangeMethod.minmax

  @Option(
    help: ArgumentHelp("Pictures that are taken, spread over the folder, 1 to 1024. (default: 24)", valueName: "n"),
    transform: Count.init(argument:))
  var count = Count(24)

  @Option(
    help: ArgumentHelp(
      "The side of the pieces of pictures, in pixels of the network's input, 8 to 1024. (default: 96)", valueName: "pixels"),
    transform: { Count(try Count.number($0, in: CalibrationData.leastSide...1024)) })
  var side = Count(96)

  // A value that begins with a minus is one, too: what is wrong with it is said of the number.
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The most that may be lost: layers that lose most stay bfloat16, where that is faster and loses no more, or float32; as in 0.1dB. (default: any)",
      valueName: "dB"),
    transform: { text in
      let number = text.lowercased().hasSuffix("db") ? String(text.dropLast(2)) : text
      guard let loss = Double(number), loss >= 0, loss.isFinite else { throw ValueProblem("give decibels, as in 0.1dB") }
      return loss
    })
  var maxLoss: Double?

  @Option(
    help: ArgumentHelp(
      "Bits of weights, 2 to 8, each stored in 8; of 7 they never saturate on processors without VNNI. (default: 8)",
      valueName: "n"),
    transform: { text in
      guard let bits = Int(text), (2...8).contains(bits) else { throw ValueProblem("give a whole number from 2 to 8") }
      return bits
    })
  var weightBits = 8

  @Option(
    name: .customLong("float"), parsing: .singleValue,
    help: ArgumentHelp("A layer that stays float32; may be given again. (default: none)", valueName: "layer"))
  var floatLayers: [String] = []

  @Option(
    help: ArgumentHelp(
      "How weights become integers: nearest, or adaptive, up or down by what layers sum on the data.",
      valueName: "way"))
  var rounding = WeightRounding.nearest

  @Option(
    help: ArgumentHelp(
      "What sums of two values, as of a residual block, are kept as: int8 or float32. (default: float32 where that gains 0.05 dB, or keeps --max-loss; else int8)",
      valueName: "element"))
  var residual: ResidualSums?

  @Flag(
    inversion: .prefixedNo, exclusivity: .exclusive,
    help:
      "Let the first layers sum integers, too, or keep them float32. (default: integers where that loses less than 0.01 dB of PSNR, or, where pictures have no truth, 1.25 dB of signal to error)"
  )
  var first: Bool?

  @Flag(help: "Bring weights of layers that feed one another to like ranges first.")
  var equalize = false

  @Flag(name: .customLong("no-sensitivity"), help: "Do not measure each layer alone.")
  var skipsLayers = false

  @Option(
    help: ArgumentHelp(
      "What is timed, random numbers. (default: the model's own size, else 1xCx256x256)", valueName: "NxCxHxW"),
    transform: Shape.init(argument:))
  var input: Shape?

  @Flag(name: .customLong("no-times"), help: "Do not time float32, bfloat16 and integers.")
  var skipsTimes = false

  @OptionGroup var cpu: CPUArguments

  @Flag(help: "Print the figures as JSON.")
  var json = false

  func run() throws {
    var options = ModelQuantization.Options()
    options.method = ranges
    options.scheme = QuantizationScheme(weightBits: weightBits, keepsFirst: first != true, floatLayers: Set(floatLayers))
    options.choosesFirst = first == nil
    if let residual { (options.scheme.residual, options.choosesResidual) = (residual, false) }
    options.measuresLayers = !skipsLayers
    options.maximumLoss = maxLoss
    options.equalizes = equalize
    options.rounding = rounding
    if let output { try ModelLibrary.claimOutput(output) }
    let network = try ModelLibrary.network(model)
    let samples = try CalibrationData(folder: data, for: network, count: count.value, side: side.value)
    if !skipsTimes {
      // Where nothing says how large inputs are, one of the samples does.
      let usual = network.inputs[0].usualShape(side: 256) ?? samples.samples[0].input.shape
      options.timedShapes = try network.inputShapes(given: input ?? usual)
    }
    let start = Machine.seconds
    defer { Terminal.clearProgress() }
    let report = try ModelQuantization(
      network, model: model, data: samples, options: options, engine: try cpu.engine(.cpu()), output: output
    ) { label, share in
      Terminal.drawProgress(label, share, since: start)
    }
    Terminal.clearProgress()
    let others = [output].compactMap(\.self)
    json ? Terminal.showJSON(try report.json, besides: others) : Terminal.show(report.report, besides: others)
  }
}
