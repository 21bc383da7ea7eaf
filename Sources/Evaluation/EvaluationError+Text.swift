import Execution
import Files
import Imaging
import Networks
import Tensors
import Training

/// One line for each error: what is wrong, and what mends it.
extension EvaluationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noImageContract(let network, nil, _):
      "the network '\(network)' is none that enlarges pictures; give one that does, such as upscale-x2, or use 'run', which takes any network"
    case .noImageContract(let network, let colour?, let scale):
      "the network '\(network)' does not say what it does to pictures, as files of ONNX seldom do; by its shapes it "
        + (scale == 1 ? "makes" : "enlarges \(scale) times") + " those of \(colour == .luma ? "1 channel" : "3 channels")"
        + (scale == 1 ? " of the same size" : "")
        + ": 'swiftlet convert FILE --colour \(colour.rawValue)\(scale == 1 ? "" : " --scale \(scale)") -o MODEL.safetensors' makes a model that "
        + "says so (with --maximum 255 where it takes 0 to 255)"
    case .noPredictionContract(let network):
      "the network '\(network)' names no classes of pictures or pixels; give a classifier or a segmenter, or name them with "
        + "'swiftlet convert --classes'"
    case .contract(let network, let reason):
      "the network '\(network)' does not do to images what it says: \(reason); convert it again"
    case .inputCount(let network, let count):
      "the network '\(network)' has \(count) inputs, and networks of one are taken here; 'run' takes any, 'info' without --input shows them"
    case .contractScale(let network, let input, let output, let scale):
      "the network '\(network)' makes \(output) of an image of \(input) and cannot be said to "
        + "\(scale == 1 ? "keep the size" : "enlarge \(scale) times"); \(Self.mend(scaleFrom: input, to: output))"
    case .scale(let scale):
      "the scale \(TextFormat.short(scale)) is not in 1...64"
    case .outputTooLarge(let width, let height, let limit):
      "the output would have \(width)x\(height) pixels, more than the limit of \(limit); give a smaller scale, or allow more with --max-pixels"
    case .targetSmaller(let width, let height, let target):
      "the picture has \(width)x\(height) pixels, and would have to become smaller for \(target.text); ask for more, or leave it as it is"
    case .targetTooLarge(let width, let height, let target, let scale):
      "the picture has \(width)x\(height) pixels, and \(target.option) would enlarge it \(TextFormat.fixed(scale, 1)) times; at most "
        + "\(TextFormat.short(TargetSize.largestScale)) times can be asked for"
    case .targetSize(let reason): reason
    case .notTileable(let network):
      "the network '\(network)' looks at the whole image and cannot run in tiles; give the tile 'none' or 'auto'"
    case .memoryLimit(let limit, let needed):
      "\(needed.text(limit: "\(TextFormat.bytes(limit)) allowed")); allow more, give a smaller scale or crop the picture"
    case .memoryOfProcess(let limit, let needed):
      "\(needed.text(limit: limit)); raise it, give a smaller scale or crop the picture"
    case .trainingOption(let name, let value, let allowed):
      "the \(name) is '\(value.onOneLine)' and must be \(allowed)"
    case .trainingMemory(let limit, let needed):
      "about \(MemoryNeed.mebibytes(needed)) of memory are needed to train, also with values computed again, and "
        + "\(TextFormat.bytes(limit)) are allowed; allow more, or take smaller batches or patches"
    case .trainingMemoryOfProcess(let limit, let needed):
      "about \(TextFormat.bytes(needed)) of memory are needed to train and \(limit); take smaller batches or patches, batches in "
        + "parts (training.parts), or a limit (training.memory), under which values are computed again"
    case .instructionSet(let name, let available):
      "this machine cannot run \(name); it can run \(available.joined(separator: ", "))"
    case .device(let error): error.description
    case .unknownEngine(let name, let file):
      (file.map { "'\($0.onOneLine)': " } ?? "") + "there is no engine '\(name.onOneLine)'; there are \(EngineName.all)"
    case .untimedEngine(let name):
      "the engine \(name) does not say where its time goes; choose the engine cpu or cuda"
    case .execution(let network, let error):
      "the network '\(network)' cannot run: \(error.text)"
    case .network(let error):
      error.description
    case .training(let error): error.description
    case .recipe(let error): error.description
    case .pruning(let error): error.description
    case .pruningConfiguration(let path, let error): path.map { "'\($0)', \(error)" } ?? error.description
    case .nothingToPrune(let network, let reason): "nothing of '\(network)' can be pruned as asked: \(reason)"
    case .targetOutOfReach(let network, let target, let share, let least, let holders):
      "'\(network)' cannot be brought to \(TextFormat.fixed(share, 2)) of its \(target): \(TextFormat.fixed(least, 2)) is left at the least"
        + holders.map { "; '\($0.layer.onOneLine)' takes \(TextFormat.fixed($0.share, 2)): \($0.reason)" }.joined()
    case .notMeasurable(let what, let reason): "\(what) are not measurable here: \(reason)"
    case .trainingTarget(let network, let output, let target, let mend):
      "the network '\(network)' makes \(output) and is to learn \(target); \(mend)"
    case .trainingInput(let network, let input, let reason, let mend):
      "the network '\(network)' cannot learn from inputs of \(input): \(reason); \(mend)"
    case .runFolder(let path, let reason): .line(on: path, reason)
    case .runAsModel(let path, let models):
      "'\(path.onOneLine)' is the folder of a run; "
        + (models.first.map { "give its model, '\($0.onOneLine)'" }
          ?? "it holds no model yet, 'swiftlet train --resume \(path.onOneLine)' makes one")
    case .noData(let path, let root, let gone):
      "'\(path.onOneLine)' does not exist; relative paths of data begin at '\(root.onOneLine)'"
        + (gone.map { " now that '\($0.onOneLine)', where they began, is gone" } ?? "")
        + ": put the data there, or say with --data-root where they begin"
    case .notValidated(let line):
      "\(line) (validation; every picture of its folder must be measured, or epochs could not be compared)"
    case .nothingPretrained(let path, let network):
      "no parameter of '\(path.onOneLine)' is of a name and shape that the network '\(network)' has; give a model that resembles it"
    case .otherContract(let teacher, let network):
      "'\(teacher.onOneLine)' takes or makes other pictures than '\(network)' (colour, scale, range or size): give a teacher like it"
    case .otherClasses(let teacher, let known, let network, let learnt):
      "\(Self.difference(teacher, known, network, learnt)): give a teacher of the same classes in the same order"
    case .architecture(let error):
      error.description
    case .inputShape(let text):
      "'\(text.onOneLine)' is no shape of an input; give NxCxHxW, such as 1x3x256x256, or a picture"
    case .openInput(let network, let input):
      "the network '\(network)' takes inputs \(input.axesText) and says no size; give one with --input, such as "
        + input.axes.enumerated().map { $1.map(String.init) ?? ($0 == 0 ? "1" : "64") }.joined(separator: "x")
    case .notFinite(let network, let what):
      "\(what) of the network '\(network)' holds numbers that are not finite (NaN or infinity); the model file is damaged or "
        + "badly trained"
    case .constantOutput(let network, let isBlack):
      "the network '\(network)' made \(isBlack ? "an all-black" : "a single-coloured") picture of one that was not; "
        + "nothing was written, check the model"
    case .unknownModel(let name, let known):
      "there is no model '\(name)'; give the path of a model file or one of \(known.joined(separator: ", "))"
    case .format(let error):
      error.description
    case .conversion(let path, let error):
      "'\(path.onOneLine)': \(error)"
    case .notRecognized(let path, let error):
      "'\(path.onOneLine)' is a checkpoint, tensors without a network, and these do not tell the architecture without doubt: \(error); "
        + "'swiftlet convert CHECKPOINT --architecture NAME -o MODEL' takes them as what it is told"
    case .noPictures(let folder, let unentered):
      "the folder '\(folder.onOneLine)' holds no pictures"
        + "; \(unentered > 0 ? UpscaleReport.unenteredText(unentered) : "give one that does")"
    case .savedAmongData(let folder):
      "the pictures that are saved to '\(folder.onOneLine)' would be measured the next time, for the data lie there; give --save "
        + "another folder"
    case .savedOverOther(let path, let command, let option):
      "'\(path.onOneLine)' stands there and was not saved by '\(command)', and is not written over; give \(option), or move it"
    case .savedOverSheet(let path, let differences):
      "'\(path.onOneLine)' was saved by 'eval' "
        + (differences.isEmpty ? "and does not say of which model" : "of another \(TextFormat.list(differences))")
        + ", and is not written over; give --save another folder, or move it"
    case .unmeasuredScale(let scale, let allowed, let offered):
      "pictures are measured at scales of \(allowed.lowerBound) to \(allowed.upperBound) and not at \(scale); give --scales "
        + offered.map(String.init).joined(separator: ",")
    case .otherOutput(let path, let size, let input, let wanted):
      "'\(path.onOneLine)' stands there "
        + (size.map { "with \($0) pixels" } ?? "and is no picture that can be read")
        + ", and this run makes \(wanted) of '\(input.onOneLine)': it is not taken for its output, and is neither enlarged nor written over; "
        + "give another --suffix or output folder, move it, or give --overwrite"
    case .writtenInPlace(let path):
      "'\(path.onOneLine)' is read by this command and is not overwritten; give --suffix, such as --suffix=-large, or another folder"
    case .standsThere(let path, let offersSuffix):
      "'\(path.onOneLine)' stands there, is not known to be an output of an earlier run, and is not written over; give "
        + (offersSuffix ? "another --suffix or output folder" : "another output folder") + ", or --overwrite"
    case .deviceForOutput(let path):
      "'\(path.onOneLine)' is a pipe or a device, in which an output would be lost; move it, or give another output folder"
    case .outputIsInput(let path, let input):
      "'\(path.onOneLine)' would be the output for '\(input.onOneLine)', and is read by this command and is not overwritten; "
        + "give another output folder"
    case .namedTwice(let path):
      "'\(path.onOneLine)' is given twice; leave one out"
    case .picturesTooSmall(let folder, let picture, let size, let needed):
      "the pictures in '\(folder.onOneLine)' are too small: pieces of at least \(needed) pixels are needed, and "
        + "'\(picture.onOneLine)', the largest, has \(size); give larger ones"
    case .inputArray(let path, let reason):
      "'\(path.onOneLine)': \(reason)"
    case .inputNotFinite(let path):
      "'\(path.onOneLine)' holds numbers that are not finite (NaN or infinity); mend the file or leave it out"
    case .inputTooLarge(let path, let largest, let network, let what):
      "'\(path.onOneLine)' holds numbers up to \(TextFormat.scientific(largest)), of which '\(network)' makes what is not finite (\(what)); scale the "
        + "file to the numbers that the network is for, or leave it out"
    case .statement(let network, let reason):
      "what is said of the network '\(network)' does not go with it: \(reason)"
    case .nothingToSubstitute(let network):
      "the network '\(network)' has no dense convolution that meets the conditions; see its nodes with 'info --nodes'"
    case .outputTaken(let path, let other, let input):
      "'\(path.onOneLine)' would be the output for both '\(other.onOneLine)' and '\(input.onOneLine)', and is that of the former; take the two "
        + "apart, each into a folder of its own"
    case .outputNotFolder(let path):
      "'\(path.onOneLine)' is a file, and several pictures need a folder; give a folder as output"
    case .inputFiles(let network, let names, let given):
      "the network '\(network.onOneLine)' has \(names.count) input\(names.count == 1 ? "" : "s") (\(names.joined(separator: ", ").onOneLine)) and "
        + "\(given) \(given == 1 ? "file is" : "files are") given; give --input once for each, in this order"
    case .outputFiles(let network, let names, let given):
      "the network '\(network.onOneLine)' has \(names.count) output\(names.count == 1 ? "" : "s") (\(names.joined(separator: ", ").onOneLine)) and "
        + "\(given) \(given == 1 ? "file is" : "files are") given; give --output once for each, in this order, or a folder"
    case .formatNeeded(let path):
      "the name '\(path.onOneLine)' does not say which format to write; end it in \(ImageFormat.writtenExtensions), or give --format"
    case .outputExtension(let path, let known):
      "the name '\(path.onOneLine)' does not say which format to write; end it in \(known.joined(separator: " or "))"
    case .pictureTooSmall(let name, let width, let height, let scale):
      "'\(name.onOneLine)': \(width)x\(height) pixels are too few to be measured at scale \(scale)"
    case .scaleNotOffered(let network, let scale, let offered):
      "the network '\(network)' enlarges \(offered) times and cannot be measured at scale \(scale); give --scales \(offered)"
    case .nothingInCommon(let first, let second):
      "the networks '\(first)' and '\(second)' have no value in common, by name and shape, and cannot be compared node by node; "
        + "give two of one architecture"
    case .notProfile(let path):
      "'\(path.onOneLine)' holds no profile; make one with 'swiftlet profile --json'"
    case .damagedProfile(let path, let fault):
      "'\(path.onOneLine)' is a damaged profile: \(fault); make it anew with 'swiftlet profile --json'"
    case .unknownRates(let name, let known):
      "there are no rates '\(name.onOneLine)'; give one of \(known.joined(separator: ", ")) or a file that 'swiftlet machine --json' printed"
    case .notMachine(let path, let reason):
      "'\(path.onOneLine)' does not say what a machine can do: \(reason.onOneLine); make such a file with 'swiftlet machine --json'"
    case .noLabel(let picture, let folder, let isAmbiguous):
      "'\(picture.onOneLine)' lies in \(isAmbiguous ? "several folders" : "no folder") of a class in '\(folder.onOneLine)', so that its "
        + "class is not known"
    case .noLabels(let folder, let classes):
      "the folder '\(folder.onOneLine)' has no folder for any of the classes \(TextFormat.list(classes)); give one with a folder for each"
    case .predictionOption(let network, let option, let kind):
      "\(option) is for networks that \(kind), and '\(network)' does not"
    case .repeatedIdentifier(let identifier, let first, let second):
      "'\(first.onOneLine)' and '\(second.onOneLine)' would both be '\(identifier.onOneLine)' in the table of --submission, which has one line "
        + "for each name; give one folder, or leave out --submission"
    case .outputNeeded(let network):
      "the network '\(network)' makes masks, which go to files; give a folder with --output"
    case .quantization(let error): error.description
    case .lossWithoutTruth(let network):
      "what '\(network.onOneLine)' makes is no picture, so that nothing says how many dB may be lost; leave out --max-loss, and keep with "
        + "--float the layers that lose most alone"
    case .quantizationLoss(let network, let loss):
      "no choice of layers keeps the loss of '\(network)' within \(TextFormat.short(loss)) dB; give more, or other --ranges"
    case .data(let error):
      error.description
    case .image(let error):
      error.description
    case .imageWithMend(let error, let mend):
      "\(error) (\(mend))"
    case .pagesNeedTIFF(let path, let pages):
      "'\(path.onOneLine)': all \(pages) pages go into one TIFF; end the output's name in .tif, or leave --pages out for the first"
    case .file(let error):
      error.description
    }
  }
}

extension EvaluationError {
  /// How the classes of a teacher are not those that a network learns: in full where they are few, else the first that is another.
  private static func difference(_ teacher: String, _ known: [String], _ network: String, _ learnt: [String]) -> String {
    guard max(known.count, learnt.count) > 8, known.count == learnt.count,
      let place = known.indices.first(where: { known[$0] != learnt[$0] })
    else {
      return "'\(teacher.onOneLine)' knows the classes \(TextFormat.list(known)), "
        + "and '\(network)' learns \(TextFormat.list(learnt))"
    }
    return "class \(place + 1) of \(known.count) is '\(known[place].onOneLine)' to '\(teacher.onOneLine)' and "
      + "'\(learnt[place].onOneLine)' to '\(network)'"
  }

  /// What to say in place of a wrong scale.
  private static func mend(scaleFrom input: Shape, to output: Shape) -> String {
    guard output.isImage, output.channels == input.channels, output.height % input.height == 0,
      output.height * input.width == output.width * input.height
    else { return "it makes no picture of those colours, give no --colour" }
    let scale = output.height / input.height
    return scale == 1 ? "give no --scale" : "give --scale \(scale)"
  }

  /// The line, with the file that was worked on in front where the error itself does not name it.
  public func text(for file: String) -> String {
    switch self {
    case .scale, .outputTooLarge, .memoryLimit, .memoryOfProcess, .trainingMemory, .trainingMemoryOfProcess, .notFinite,
      .constantOutput, .execution,
      .network, .contract,
      .contractScale,
      .notTileable, .targetSmaller, .targetTooLarge:
      "'\(file.onOneLine)': \(description)"
    case .image(let error):
      switch error {
      case .tooLargeForFormat, .metadataTooLarge, .invalidQuality, .encodingFailed, .notWritten,
        .libraryMissing(name: nil, _, _):
        "'\(file.onOneLine)': \(description)"
      case .file, .empty, .unknownFormat, .unknownExtension, .tooManyPixels, .tooManyBytes, .corrupt, .unsupported,
        .outOfMemory, .libraryMissing:
        description
      }
    case .noImageContract, .noPredictionContract, .inputCount, .inputShape, .openInput, .instructionSet, .targetSize, .device,
      .unknownEngine,
      .untimedEngine, .architecture,
      .training, .recipe, .pruning, .pruningConfiguration, .nothingToPrune, .targetOutOfReach,
      .notMeasurable, .trainingOption, .trainingTarget, .trainingInput, .runFolder, .runAsModel, .noData, .notValidated,
      .nothingPretrained,
      .otherContract, .otherClasses,
      .unknownModel, .format, .conversion,
      .notRecognized,
      .noPictures, .savedOverOther, .savedOverSheet, .unmeasuredScale, .otherOutput, .writtenInPlace, .standsThere,
      .deviceForOutput,
      .outputIsInput,
      .namedTwice,
      .picturesTooSmall,
      .inputArray, .inputNotFinite, .inputTooLarge, .statement, .savedAmongData, .nothingToSubstitute, .outputTaken,
      .outputNotFolder,
      .inputFiles,
      .outputFiles,
      .formatNeeded,
      .outputExtension,
      .pictureTooSmall,
      .scaleNotOffered, .nothingInCommon, .notProfile, .damagedProfile, .unknownRates, .notMachine, .noLabel, .noLabels,
      .predictionOption,
      .repeatedIdentifier,
      .outputNeeded, .quantization, .quantizationLoss, .lossWithoutTruth, .data, .imageWithMend, .pagesNeedTIFF, .file:
      description
    }
  }
}

extension ExecutionError {
  /// The reason, a clause.
  var text: String {
    switch self {
    case .invalidNetwork(let reason): reason
    case .inputCount(let expected, let got): "it has \(expected) inputs and gets \(got)"
    case .unknownParameter(let name): "it has no parameter '\(name.printable)'"
    case .parameterShape(let name, let expected, let got):
      "the parameter '\(name.printable)' must be \(expected) and is \(got)"
    case .inputShape(let name, let expected, let got): "the input '\(name)' must be \(expected) and is \(got)"
    case .memory(let needed, let available):
      needed > available
        ? "about \(TextFormat.bytes(needed)) of memory are needed and \(Self.limit(available)); give a smaller input"
        : "about \(TextFormat.bytes(needed)) of memory are needed and the system gives no more; give a smaller input"
    case .unsupported(let node, let operation, let backend, let reason):
      "the node '\(node)' (\(operation)) is not supported by \(backend), because \(reason)"
    case .deviceMemory(let needed, let free):
      "about \(TextFormat.bytes(needed)) of the device's memory are needed and \(free < needed ? "\(TextFormat.bytes(free)) are free" : "it gives no more"); "
        + "give smaller tiles or a smaller input, or end what else uses it"
    case .device(let line): line
    }
  }

  /// What there was, and what said so: the system, or an engine that may take less.
  static func limit(_ available: Int) -> String {
    let system = MemoryLimit.current
    switch system.cause {
    case .machine, .container:
      // They stay as they are.
      return available < system.byteCount ? "\(TextFormat.bytes(available)) are allowed" : "\(system.with(available))"
    case .addressSpace, .data: return "\(system.with(available))"
    }
  }
}
