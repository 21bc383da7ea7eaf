import Files
import Networks
import Tensors

/// What a network is and costs.
public struct NetworkReport: Hashable, Codable, Sendable {
  public var model: String
  public var network: String
  /// What it does to images; nil where it is no image-to-image network.
  public var image: ImageContract?
  /// Of which classes it says pictures are.
  public var classifier: ClassifierContract?
  /// Of which classes it says pixels are.
  public var segmenter: SegmenterContract?
  public var nodeCount: Int
  public var parameterCount: Int
  /// For the input that was asked about.
  public var input: String
  public var output: String
  public var ledger: Ledger
  /// The network's text form.
  public var nodes: String

  /// - Parameter input: of the network's one input; unless given what it fixes, or 1 x channels x 256 x 256.
  public init(_ network: Network, model: String, input: Shape? = nil) throws(EvaluationError) {
    let shapes = try network.inputShapes(given: input)
    let values = try wrapping { () throws(NetworkError) in try network.inferredShapes(inputs: shapes) }
    ledger = try wrapping { () throws(NetworkError) in try network.ledger(inputs: shapes) }
    self.model = model
    self.network = network.name
    switch network.contract {
    case .image(let contract): image = contract
    case .classifier(let contract): classifier = contract
    case .segmenter(let contract): segmenter = contract
    case nil: break
    }
    nodeCount = network.nodes.count
    parameterCount = network.parameterCount
    self.input = shapes.map(\.description).joined(separator: ", ")
    output = network.outputs.compactMap { values[$0]?.description }.joined(separator: ", ")
    nodes = network.text
  }

  /// The figures for people; with the ledger of each node where asked for.
  public func report(showsNodes: Bool) -> ReportText {
    var text: ReportText =
      "\(model.onOneLine): \(network.onOneLine), \(nodeCount) nodes, \(TextFormat.grouped(parameterCount)) parameters"
    if ledger.bufferCount > 0 { text += ", \(TextFormat.grouped(ledger.bufferCount)) fixed" }
    text += "\n"
    if let image {
      let size =
        image.inputSize == .lowResolution
        ? image.scale ?? 1 == 1 ? "keeps the size" : "enlarges \(image.scale ?? 1) times" : "takes images enlarged already"
      text += "images: \(image.colour.rawValue), 0 to \(TextFormat.short(Double(image.maximum))) inside, \(size)\n"
    }
    if let classifier { text.append(Self.text("classes", classifier.classes, classifier.form)) }
    if let segmenter {
      text.append(Self.text(segmenter.isBinary ? "a mask of" : "classes of pixels", segmenter.classes, segmenter.form))
    }
    text += "input \(input) -> output \(output)\n"
    text += "multiply-accumulates \(TextFormat.grouped(ledger.multiplyAccumulates)), "
    text += "read \(TextFormat.bytes(ledger.bytesRead)), written \(TextFormat.bytes(ledger.bytesWritten)), "
    text += "peak of values \(TextFormat.bytes(ledger.peakActivationByteCount))\n"
    guard showsNodes else { return text }
    text += "\n\(nodes)\n\(Self.table(ledger))"
    return text
  }

  /// A line for each node.
  static func table(_ ledger: Ledger) -> TextTable {
    var table = TextTable(["node", "operation", "output", "parameters", "MACs", "read", "written"])
    for entry in ledger.entries {
      table.append([
        entry.node, entry.operation, entry.outputShape.description, TextFormat.grouped(entry.parameterCount),
        TextFormat.grouped(entry.multiplyAccumulates), TextFormat.bytes(entry.bytesRead), TextFormat.bytes(entry.bytesWritten),
      ])
    }
    return table
  }

  /// What a classifier or segmenter tells apart, and how it takes pictures.
  private static func text(_ what: String, _ classes: [String], _ form: PictureForm) -> String {
    func list(_ numbers: [Float]) -> String { numbers.map { TextFormat.short(Double($0)) }.joined(separator: ", ") }
    return "\(what): \(TextFormat.list(classes, most: 20))\n"
      + "pictures: \(form.channels == 1 ? "grey" : "rgb"), \(form.size.map { "of \($0)" } ?? "of any size"), "
      + "mean \(list(form.mean)), deviation \(list(form.deviation))\n"
  }
}
