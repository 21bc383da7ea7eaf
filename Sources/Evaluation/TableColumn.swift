/// A column of a table for people, which can be narrowed, or left out, where lines are short. Widths are columns of a terminal.
package struct TableColumn: Hashable, Sendable {
  package var header: String
  package var cells: [String]
  /// What the table gives it.
  package var width: Int
  /// What it can be narrowed to.
  package var least: Int

  package init(header: String, cells: [String], width: Int, least: Int) {
    self.header = header
    self.cells = cells
    self.width = width
    self.least = min(least, width)
  }

  /// The widest of the header and of the cells.
  package var natural: Int { max(header.columnCount, cells.map(\.columnCount).max() ?? 0) }

  /// Narrower, with dots where something is cut off.
  package func cut(to width: Int) -> TableColumn {
    var result = self
    result.width = max(width, header.columnCount)
    result.cells = cells.map { $0.shortened(columns: result.width) }
    return result
  }

  /// What a line of some columns takes, with two spaces between them.
  package static func lineWidth(_ columns: [TableColumn]) -> Int { columns.reduce(-2) { $0 + $1.width + 2 } }

  /// The columns that a line has room for: what is long is shortened first, the longest most; where that is not enough, columns are left out in
  /// the order that is given, and the others have their length again.
  ///
  /// - Parameters:
  ///   - width: of a line.
  ///   - leftOut: headers, the least telling first. Columns that are not among them stay, and a table of many of those may stay too wide.
  package static func fitting(_ all: [TableColumn], width: Int, leavingOut leftOut: [String]) -> [TableColumn] {
    var kept = all, next = leftOut[...]
    while true {
      var columns = kept
      while true {
        let excess = lineWidth(columns) - width
        if excess <= 0 { return columns }
        let narrowable = columns.indices.filter { columns[$0].width > max(columns[$0].least, columns[$0].header.columnCount) }
        guard let index = narrowable.max(by: { columns[$0].width < columns[$1].width }) else { break }
        columns[index] = columns[index].cut(to: max(columns[index].least, columns[index].width - excess))
      }
      guard let header = next.popFirst() else { return columns }
      kept.removeAll { $0.header == header }
    }
  }
}
