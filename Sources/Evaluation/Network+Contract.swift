import Files
import Networks
import Tensors

/// What is said of a network whose file does not say it.
public enum ContractStatement: Hashable, Sendable {
  case image(ImageContract)
  /// Classes of pictures, or of pixels where the output is an image; see `PictureForm` for the others, which by default leave the
  /// samples as they are, on the scale 0...1.
  case classes([String], size: PictureForm.Size? = nil, mean: [Float]? = nil, deviation: [Float]? = nil)
}

extension ContractStatement {
  /// The names in `a,b,c`, or on the lines of the text file that is called so.
  public static func classNames(_ text: String) throws(EvaluationError) -> [String] {
    guard Folder.fileExists(text) else {
      return text.split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmed }
    }
    let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: text, limit: 1 << 24) }
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
    return lines.map { String($0).trimmed }.filter { !$0.isEmpty }
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = Substring(self)
    while text.last?.isWhitespace ?? false { text.removeLast() }
    return String(text.drop(while: \.isWhitespace))
  }
}

extension Network {
  /// The contract of an image-to-image network, its inputs, outputs and parameters checked against it.
  func checkedImageContract() throws(EvaluationError) -> ImageContract {
    guard let contract = imageContract else {
      let made = contract == nil ? pictureByShapes : nil
      throw .noImageContract(network: name, colour: made?.colour, scale: made?.scale ?? 1)
    }
    try checkInput(channels: contract.colour == .luma ? 1 : 3)
    guard contract.maximum.isFinite, contract.maximum > 0 else {
      throw .contract(network: name, reason: "its range ends at \(contract.maximum)")
    }
    if contract.inputSize == .lowResolution, !(1...64).contains(contract.scale ?? 0) {
      throw .contract(network: name, reason: "its scale is not in 1...64")
    }
    try checkParameters()
    return contract
  }

  /// The contract of a classifier or segmenter, its inputs, outputs and parameters checked against it.
  func checkedPredictionContract() throws(EvaluationError) -> PictureContract {
    let contract: PictureContract
    switch self.contract {
    case .classifier(let own):
      contract = .classifier(own)
      try checkInput(channels: own.form.channels)
      try checkOutput(of: own.form) { made, image in
        made.count == own.classes.count * image.batch ? nil : "names \(own.classes.count) classes"
      }
    case .segmenter(let own):
      contract = .segmenter(own)
      try checkInput(channels: own.form.channels)
      try checkOutput(of: own.form) { made, image in
        made == Shape(channels: own.classes.count, height: image.height, width: image.width)
          ? nil : "names \(own.classes.count) \(own.isBinary ? "class" : "classes") of its pixels"
      }
    case .image, nil: throw .noPredictionContract(network: name)
    }
    try checkParameters()
    return contract
  }

  /// Whether the output is that of a softmax or a sigmoid, and holds probabilities.
  var makesProbabilities: Bool {
    guard let node = nodes.first(where: { $0.name == outputs.first }) else { return false }
    switch node.operation {
    case .softmax, .activation(.sigmoid): return true
    default: return node.operation.epilogue?.steps.last == .activation(.sigmoid)
    }
  }

  /// The size that pictures must have: what the form says, or the network's input fixes.
  func pictureSize(_ form: PictureForm) -> PictureForm.Size? {
    if let size = form.size { return size }
    guard let input = inputs.first, input.axes.count == 4, let height = input.axes[2], let width = input.axes[3] else {
      return nil
    }
    return PictureForm.Size(width: width, height: height)
  }

  /// What pictures the network makes of such by its shapes, and how many times as large; nil where it makes none.
  private var pictureByShapes: (colour: ImageContract.Colour, scale: Int)? {
    guard inputs.count == 1, outputs.count == 1, inputs[0].element == .float32, let channels = inputs[0].channels,
      let colour: ImageContract.Colour = channels == 1 ? .luma : channels == 3 ? .rgb : nil
    else { return nil }
    for side in [64, 96, 224, 256, 512] {
      guard let image = inputs[0].usualShape(side: side), image.isImage,
        let made = (try? inferredShapes(inputs: [image]))?[outputs[0]]
      else { continue }
      let scale = made.isImage && image.height > 1 ? made.height / image.height : 0
      return (1...64).contains(scale)
        && made == Shape(batch: image.batch, channels: channels, height: image.height * scale, width: image.width * scale)
        ? (colour, scale) : nil
    }
    return nil
  }

  private func checkInput(channels: Int) throws(EvaluationError) {
    guard inputs.count == 1, outputs.count == 1 else {
      throw .contract(network: name, reason: "it has \(inputs.count) inputs and \(outputs.count) outputs instead of one")
    }
    guard inputs[0].channels == channels, inputs[0].element == .float32 else {
      throw .contract(network: name, reason: "its input is \(inputs[0].axesText) and not an image of \(channels) channels")
    }
  }

  private func checkParameters() throws(EvaluationError) {
    for (name, tensor) in parameters.sorted(by: { $0.key < $1.key }) where tensor.dataType == .float32 {
      guard tensor.withUnsafeFloats({ $0.allSatisfy(\.isFinite) }) else {
        throw .notFinite(network: self.name, what: "the parameter '\(name)'")
      }
    }
  }

  /// What the network makes of a picture: of the size that the form says, or of one that it takes. Nil where it takes none of those
  /// tried, and is left to be told when it runs.
  private func output(for form: PictureForm) -> (made: Shape, image: Shape)? {
    guard let input = inputs.first, let output = outputs.first else { return nil }
    let sizes =
      form.size.map { [Shape(channels: form.channels, height: $0.height, width: $0.width)] }
      ?? [64, 96, 224, 256, 512].compactMap { input.usualShape(side: $0) }
    for image in sizes {
      if let made = (try? inferredShapes(inputs: [image]))?[output] { return (made, image) }
    }
    return nil
  }

  /// - Parameter fault: what the network says of itself, where it does not make that of such an image: a clause.
  private func checkOutput(
    of form: PictureForm, fault: (_ made: Shape, _ image: Shape) -> String?
  ) throws(EvaluationError) {
    guard let (made, image) = output(for: form), let fault = fault(made, image) else { return }
    throw .contract(network: name, reason: "it makes \(made) of a picture of \(image) and \(fault)")
  }

  /// The network with what is said of it, which is checked. Throws where it is another one.
  func stating(_ statement: ContractStatement) throws(EvaluationError) -> Network {
    var result = self
    switch statement {
    case .image(let contract):
      result.contract = .image(contract)
      _ = try result.checkedImageContract()
      try result.checkShapes(against: contract)
    case .classes(let classes, let size, let mean, let deviation):
      let channels = inputs.first?.channels == 1 ? 1 : 3
      try checkStatement(size: size, mean: mean, deviation: deviation)
      let form = PictureForm(
        size: size, mean: mean ?? Array(repeating: 0, count: deviation?.count ?? channels),
        deviation: deviation ?? Array(repeating: 1, count: mean?.count ?? channels))
      let found = output(for: form), isOfPixels = found.map { $0.made.isImage && $0.made.height > 1 } ?? false
      if let found {
        try checkCount(classes, isOfPixels ? found.made.channels : found.made.count / max(found.image.batch, 1))
      }
      result.contract =
        isOfPixels
        ? .segmenter(SegmenterContract(classes: classes, form: form))
        : .classifier(ClassifierContract(classes: classes, form: form))
      let stated = result
      try wrapping { () throws(NetworkError) in try stated.verify() }
      _ = try result.checkedPredictionContract()
    }
    return result
  }

  /// Throws where there are more or fewer names than classes.
  private func checkCount(_ names: [String], _ count: Int) throws(EvaluationError) {
    guard names.count != count else { return }
    throw .statement(
      network: name,
      reason:
        "it has \(count == 1 ? "1 class" : "\(count) classes"), and \(names.count == 1 ? "1 name is" : "\(names.count) names are") "
        + "given with --classes; give \(count), \(count == 1 ? "its own" : "one for each, in its order")")
  }

  /// Throws where what is said of pictures is another form than the input fixes.
  private func checkStatement(size: PictureForm.Size?, mean: [Float]?, deviation: [Float]?) throws(EvaluationError) {
    guard let input = inputs.first, input.axes.count == 4 else { return }
    if let size {
      let fixed = [("heights", input.axes[2], size.height), ("widths", input.axes[3], size.width)]
      for case (let axis, let extent?, let given) in fixed where extent != given {
        throw .statement(
          network: name,
          reason:
            "its input \(input.axesText) takes \(axis) of \(extent), and --picture-size says \(given); leave --picture-size out, or "
            + "give the size that the input has")
      }
    }
    for (option, numbers) in [("--mean", mean), ("--deviation", deviation)] {
      guard let numbers, let channels = input.channels, numbers.count != channels else { continue }
      throw .statement(
        network: name,
        reason: "its input \(input.axesText) has \(channels == 1 ? "1 channel" : "\(channels) channels"), and \(option) has "
          + (numbers.count == 1 ? "1 number" : "\(numbers.count) numbers") + "; give \(channels), one for each")
    }
  }

  /// Throws where a contract that is about to be given promises another output than the network makes of an image. A network that
  /// takes none of the sizes tried is left to be told when it runs.
  func checkShapes(against contract: ImageContract) throws(EvaluationError) {
    guard let input = inputs.first, let output = outputs.first else { return }
    for side in [64, 96, 224, 256, 512] {
      guard let channels = input.channels, let image = input.usualShape(side: side) else { return }
      guard let made = (try? inferredShapes(inputs: [image]))?[output] else { continue }
      let scale = contract.inputSize == .lowResolution ? contract.scale ?? 1 : 1
      if made == Shape(batch: image.batch, channels: channels, height: image.height * scale, width: image.width * scale) {
        return
      }
      throw .contractScale(network: name, input: image, output: made, scale: scale)
    }
  }
}

extension Network {
  /// The shapes of the inputs: the one that is given, where there is one input, else what the inputs fix, with `side` along open
  /// heights and widths.
  package func inputShapes(given: Shape? = nil, side: Int = 256) throws(EvaluationError) -> [Shape] {
    guard inputs.count == 1 || given == nil else {
      throw .inputCount(network: name, count: inputs.count)
    }
    var shapes: [Shape] = []
    for input in inputs {
      guard let shape = given ?? input.usualShape(side: side) else { throw .openInput(network: name, input) }
      shapes.append(shape)
    }
    return shapes
  }

  /// The shape of the one input: see `inputShapes(given:side:)`.
  public func inputShape(given: Shape? = nil, side: Int = 256) throws(EvaluationError) -> Shape {
    guard inputs.count == 1 else {
      throw .inputCount(network: name, count: inputs.count)
    }
    return try inputShapes(given: given, side: side)[0]
  }
}
