/// The means of one or several networks over a set of pictures, beside what the networks cost: tables as papers have them.
public struct EvaluationTable: Sendable, TextReport {
  /// In the order of the models; of one set of pictures, one protocol and one engine.
  private let reports: [EvaluationReport]

  public init(_ reports: [EvaluationReport]) { self.reports = reports }

  /// What each network has for a scale, with bicubic interpolation before the first.
  private struct Line {
    var model: String
    var scale: Int
    var parameters: String
    var multiplyAdds: String
    var quality: EvaluationReport.Quality
    var seconds: String
    /// How many pictures the means are of.
    var count: Int
    var pictureCount: Int
    var isOfSome: Bool { count < pictureCount }
  }

  private var lines: [Line] {
    let scales = Set(reports.flatMap { $0.means.map(\.scale) }).sorted()
    return scales.flatMap { scale -> [Line] in
      var lines: [Line] = []
      for report in reports {
        guard let mean = report.means.first(where: { $0.scale == scale }) else { continue }
        let count = report.images.count { $0.scale == scale }
        func line(_ model: String, _ quality: EvaluationReport.Quality) -> Line {
          Line(
            model: model, scale: scale, parameters: "", multiplyAdds: "", quality: quality, seconds: "", count: count,
            pictureCount: report.pictureCount)
        }
        // Bicubic interpolation is the same for all that measured the same pictures.
        let isThere = lines.contains { $0.model == "bicubic" && $0.count == count }
        if let bicubic = mean.bicubic, !isThere { lines.append(line("bicubic", bicubic)) }
        var network = line(report.model, mean.network)
        network.parameters = TextFormat.grouped(report.parameterCount)
        network.multiplyAdds = report.multiplyAdds.first { $0.scale == scale }.map { Self.billions($0.count) } ?? ""
        network.seconds = TextFormat.fixed(mean.seconds, 3)
        lines.append(network)
      }
      return lines
    }
  }

  /// `12.3G`
  static func billions(_ count: Double) -> String { "\(TextFormat.significant(count / 1e9, 3))G" }

  /// With a column of how many pictures the means are of, where some could not be measured.
  private func headings(_ lines: [Line]) -> [String] {
    ["model", "scale"] + (lines.contains(where: \.isOfSome) ? ["pictures"] : [])
      + ["parameters", "multiply-adds", "PSNR dB", "SSIM", "seconds"]
  }

  private func fields(_ line: Line, of lines: [Line]) -> [String] {
    [line.model, "x\(line.scale)"]
      + (lines.contains(where: \.isOfSome) ? [line.isOfSome ? "\(line.count) of \(line.pictureCount)" : "\(line.count)"] : [])
      + [
        line.parameters, line.multiplyAdds, TextFormat.fixed(line.quality.psnr, 2), TextFormat.fixed(line.quality.ssim, 4),
        line.seconds,
      ]
  }

  /// Where the pictures of each network are, a line each; empty where none were saved.
  public var savedText: String {
    reports.compactMap { report in
      report.savedFolder.map { "pictures by \(report.model.onOneLine) are in \($0.onOneLine)\n" }
    }.joined()
  }

  private static let note = "multiply-adds are for an output of 1280x720; seconds are of the network, a picture"

  /// The protocol and the means, for people. One network's pictures are told one by one by its report.
  ///
  public var report: ReportText {
    guard let first = reports.first else { return "" }
    let lines = lines
    var table = TextTable(
      headings(lines), shortening: ["model": 12], leavingOut: ["seconds", "multiply-adds", "parameters"],
      everything: " (--csv has everything)")
    for line in lines { table.append(fields(line, of: lines)) }
    return "\(first.protocolText)\(first.engineText)\n\n\(table)\n\(Self.note)\n"
  }

  /// The means as a table of Markdown.
  public var markdown: String {
    guard let first = reports.first else { return "" }
    func row(_ fields: [String]) -> String {
      "| "
        + fields.map { $0.onOneLine.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
        .joined(separator: " | ") + " |\n"
    }
    let lines = lines, headings = headings(lines)
    return row(headings) + "|---|---|" + String(repeating: "---:|", count: headings.count - 2) + "\n"
      + lines.map { row(fields($0, of: lines)) }.joined()
      + "\nProtocol \(first.protocol.summary), \(first.engineText); \(Self.note).\n"
  }

  /// Every picture and the means (called `mean`) of each network.
  ///
  /// - Source: RFC 4180.
  public var csv: String {
    var text = CSVText.line([
      "model", "scale", "image", "width", "height", "bicubic_psnr", "psnr", "bicubic_ssim", "ssim", "seconds", "parameters",
      "multiply_adds_1280x720", "protocol",
    ])
    for report in reports {
      for row in report.images + report.means {
        let isMean = row.width == 0
        let count = report.multiplyAdds.first { $0.scale == row.scale }?.count
        text += CSVText.line(
          [report.model, "\(row.scale)", row.image, isMean ? "" : "\(row.width)", isMean ? "" : "\(row.height)"]
            + [row.bicubic?.psnr, row.network.psnr, row.bicubic?.ssim, row.network.ssim, row.seconds].map {
              $0.map { "\($0)" } ?? ""
            }
            + ["\(report.parameterCount)", count.map { TextFormat.fixed($0, 0) } ?? ""]
            + [report.protocol.summary])
      }
    }
    return text
  }
}
