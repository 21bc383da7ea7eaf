import ArgumentParser
import Swiftlet

extension CheckpointConversion.Kind: ExpressibleByArgument {}
extension UNet.SkipPosition: ExpressibleByArgument {}

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Makes a model file of a PyTorch checkpoint or an ONNX model, or ONNX of a model.",
    discussion: """
      Reads the weights of a checkpoint: .pth and .pt files of both PyTorch formats, and .safetensors. Nothing inside them is executed. \
      Without --architecture they are taken as what they tell without doubt. With it each tensor that is left over is named; one that is \
      missing is an error.

      Reads a whole network, too: an .onnx file of opset 9 to 24, or a model file. The extension of the output says what is \
      written: .onnx (opset 17) or .safetensors. ONNX does not say what a network does to images; --colour does, and then \
      `swiftlet upscale` takes the model file.
      """)

  @Argument(help: "The checkpoint, ONNX model or model file.")
  var checkpoint: String

  @Option(
    help: ArgumentHelp(
      "The architecture of the network that a checkpoint is of. (default: the one that its tensors tell)",
      discussion: """
        Known are the names of twtygqyy/pytorch-vdsr, sanghyun-son/EDSR-PyTorch, milesial/Pytorch-UNet, torchvision's ResNet-18 \
        and of plain modules; a U-Net's may be any. Sizes, kind of convolution and variant are read off the tensors.
        """))
  var architecture: CheckpointConversion.Kind?

  @Option(name: .shortAndLong, help: "The file to write (.safetensors or .onnx).")
  var output: String

  @Option(
    help: "edsr: factor of each block's residual. (default: 0.1, or 1 in the original layout)", transform: PlainNumber.single)
  var residualScale: Float?

  @Option(
    help: "unet: whether concatenations have the skip first or last. (default: as the names tell; needed where they do not)")
  var skip: UNet.SkipPosition?

  @Option(
    help: ArgumentHelp(
      "Of several sets of weights in a checkpoint the one to take: what stands before its names. (default: by this order)",
      discussion: """
        Averaged weights come first (params_ema, state_dict_ema, model_ema, ema …), then params, state_dict, model_state_dict, \
        model, net, network, generator, netG, weights. The report says which were taken, and where others are.
        """))
  var key: String?

  @Option(
    help: "What the network takes and makes: luma (BT.601) or rgb images. (default: it makes none)",
    transform: { text in
      guard let colour = ImageContract.Colour(rawValue: text) else { throw ValueProblem("give luma or rgb") }
      return colour
    })
  var colour: ImageContract.Colour?

  @Option(
    help: "With --colour: the factor by which the network enlarges. (default: it keeps the size)", transform: PlainNumber.whole)
  var scale: Int?

  @Option(
    help: ArgumentHelp(
      "What the output stands for: names of classes, as in cat,dog, or a text file with one on a line. (default: nothing)",
      discussion: """
        Where the output is an image they are classes of pixels; one name is then a mask. 'swiftlet predict' takes the model file.
        """, valueName: "names|file"))
  var classes: String?

  @Option(
    help: ArgumentHelp("With --classes: the size that pictures are brought to. (default: any)", valueName: "WxH"),
    transform: PictureForm.Size.init(argument:))
  var pictureSize: PictureForm.Size?

  @Option(
    help: ArgumentHelp(
      "With --classes: what is subtracted from each channel on the scale 0 to 1, as in 0.485,0.456,0.406. (default: 0)",
      valueName: "numbers"), transform: NumberList.init(argument:))
  var mean: NumberList?

  @Option(
    help: ArgumentHelp("With --classes: what each channel is divided by then. (default: 1)", valueName: "numbers"),
    transform: NumberList.init(argument:))
  var deviation: NumberList?

  @Option(
    help: "With --colour: what the brightest value is inside the network. (default: 1)", transform: PlainNumber.single)
  var maximum: Float?

  @Flag(
    name: .customLong("any-size"),
    help: ArgumentHelp(
      "Open an .onnx of fixed size to images of any number and size.",
      discussion: "The model's constants stay as they are; a node that is seen to serve the fixed size alone is named instead.")
  )
  var opensSize = false

  @Flag(help: "Print what was done as JSON.")
  var json = false

  func validate() throws {
    if architecture == nil, residualScale != nil || skip != nil || key != nil {
      throw ValidationError("--residual-scale, --skip and --key need --architecture")
    }
    if opensSize, architecture != nil || !ONNXFile.isNamed(checkpoint) {
      throw ValidationError("--any-size is for .onnx files")
    }
    if colour == nil, scale != nil || maximum != nil { throw ValidationError("--scale and --maximum need --colour") }
    if classes == nil, pictureSize != nil || mean != nil || deviation != nil {
      throw ValidationError("--picture-size, --mean and --deviation need --classes")
    }
    if classes != nil, colour != nil { throw ValidationError("give --colour or --classes, not both") }
    if architecture != nil, colour != nil { throw ValidationError("--colour is for networks without an --architecture") }
  }

  private var contract: ContractStatement? {
    get throws {
      if let colour {
        return .image(
          ImageContract(
            colour: colour, maximum: maximum ?? 1, scale: scale,
            inputSize: scale == nil ? .bicubicEnlarged : .lowResolution))
      }
      return try classes.map {
        .classes(
          try ContractStatement.classNames($0), size: pictureSize, mean: mean?.values.map { Float($0) },
          deviation: deviation?.values.map { Float($0) })
      }
    }
  }

  func run() throws {
    let contract = try contract
    if architecture == nil {
      var report: ModelTranslation?
      do throws(EvaluationError) {
        report = try ModelTranslation(checkpoint, output: output, contract: contract, sizes: opensSize ? .any : .declared)
      } catch {
        // What is no network may be a checkpoint that tells its own.
        guard case .format(let problem) = error, problem.isOfCheckpoint else { throw error }
      }
      if let report {
        return json
          ? Terminal.showJSON(try report.json, besides: [output]) : Terminal.show(ReportText(report.text), besides: [output])
      }
    }
    let conversion = architecture.map {
      CheckpointConversion(architecture: $0, residualScale: residualScale, skip: skip, key: key)
    }
    let report = try ModelConversion(checkpoint: checkpoint, conversion: conversion, output: output, contract: contract)
    json ? Terminal.showJSON(try report.json, besides: [output]) : Terminal.show(ReportText(report.text), besides: [output])
  }
}

extension PictureForm.Size {
  init(argument: String) throws {
    let sides = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard sides.count == 2, let width = sides[0], let height = sides[1] else {
      throw ValueProblem("give width and height, as in 224x224")
    }
    self.init(width: width, height: height)
  }
}
