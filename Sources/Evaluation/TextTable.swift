import Files

/// Columns of text for people: the first to the left, the others to the right.
package struct TextTable {
  private var rows: [[String]]

  package init(_ header: [String]) { rows = [header.map { $0.escapingControls }] }

  package mutating func append(_ row: [String]) { rows.append(row.map { $0.escapingControls }) }

  /// Every line ends in a line feed.
  package var text: String { text(width: nil) }

  /// The table in lines of at most so many characters; every line ends in a line feed.
  ///
  /// - Parameters:
  ///   - width: nil for any number.
  ///   - shortening: the headers of columns that can be cut, and to how many characters, before any is left out.
  ///   - leftOut: the headers of columns that can be left out, the least telling first. A line names those that were.
  ///   - everything: how to see them, as that line says it.
  package func text(
    width: Int?, shortening: [String: Int] = [:], leavingOut leftOut: [String] = [], everything: String = " (--wide shows all)"
  ) -> String {
    let header = rows.first ?? []
    let count = rows.map(\.count).max() ?? 0
    let all = (0..<count).map { index in
      var column = TableColumn(
        header: index < header.count ? header[index] : "", cells: rows.dropFirst().map { $0.count > index ? $0[index] : "" },
        width: 0, least: 0)
      column.width = column.natural
      column.least = min(shortening[column.header] ?? column.width, column.width)
      return column
    }
    let columns = width.map { TableColumn.fitting(all, width: $0, leavingOut: leftOut) } ?? all
    var text = ""
    for row in -1..<rows.count - 1 {
      let cells = columns.enumerated().map { index, column in
        let cell = row < 0 ? column.header : column.cells[row]
        let padding = String(repeating: " ", count: max(column.width - cell.count, 0))
        return index == 0 ? cell + padding : padding + cell
      }
      var line = cells.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      text += line + "\n"
    }
    let missing = all.map(\.header).filter { header in !columns.contains { $0.header == header } }
    if missing.isEmpty { return text }
    return text
      + TextFormat.fitting("not shown for want of room: \(missing.joined(separator: ", "))\(everything)", width: width) + "\n"
  }
}
