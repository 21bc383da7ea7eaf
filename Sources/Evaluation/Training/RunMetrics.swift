import Tensors

/// The figures of a run, an epoch a row.
public struct RunMetrics: Hashable, Sendable {
  public struct Row: Hashable, Sendable {
    /// Epochs and steps that are done.
    public var epoch: Int
    public var step: Int
    /// The mean over the epoch's steps.
    public var loss: Double
    /// Of the last step.
    public var learningRate: Double
    /// Spent on the epoch's steps in this process, and the part in which data was waited for.
    public var seconds: Double
    public var waitingSeconds: Double
    public var imagesPerSecond: Double
    /// In the order of `RunMetrics.names`; nil in epochs without validation.
    public var validation: [Double?]
  }

  /// The figures of validation, as the files call them: `psnr`.
  public var names: [String]
  public var rows: [Row] = []

  public init(names: [String]) { self.names = names }

  private static let fixedNames = ["epoch", "step", "loss", "learning_rate", "seconds", "waiting_seconds", "images_per_second"]

  public var csv: String {
    var text = (Self.fixedNames + names).joined(separator: ",") + "\n"
    for row in rows {
      let numbers = [row.loss, row.learningRate, row.seconds, row.waitingSeconds, row.imagesPerSecond].map { "\($0)" }
      let fields = ["\(row.epoch)", "\(row.step)"] + numbers + row.validation.map { $0.map { "\($0)" } ?? "" }
      text += fields.joined(separator: ",") + "\n"
    }
    return text
  }

  /// The same by the names of its columns.
  var epochs: [[String: Double?]] {
    rows.map { row in
      let fixed = [
        Double(row.epoch), Double(row.step), row.loss, row.learningRate, row.seconds, row.waitingSeconds, row.imagesPerSecond,
      ]
      return Dictionary(zip(Self.fixedNames + names, fixed + row.validation)) { first, _ in first }
    }
  }

  /// Reads what `csv` writes; nil for other text.
  public init?(csv: String) {
    // Spreadsheets end lines as Windows does.
    let lines = csv.split(whereSeparator: \.isNewline).map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    guard let header = lines.first?.map(String.init), header.starts(with: Self.fixedNames) else { return nil }
    names = Array(header.dropFirst(Self.fixedNames.count))
    for line in lines.dropFirst() {
      let numbers = line.dropFirst(2).prefix(5).compactMap { Double($0) }
      guard line.count == header.count, numbers.count == 5,
        line.dropFirst(7).allSatisfy({ $0.isEmpty || Double($0)?.isNaN == false }), let epoch = Int(line[0]),
        let step = Int(line[1])
      else {
        return nil
      }
      rows.append(
        Row(
          epoch: epoch, step: step, loss: numbers[0], learningRate: numbers[1], seconds: numbers[2], waitingSeconds: numbers[3],
          imagesPerSecond: numbers[4], validation: line.dropFirst(7).map { Double($0) }))
    }
  }
}
