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

  /// Narrower, with dots where something is cut off: the ends of cells, or their middles or beginnings where different ones would look alike.
  package func cut(to width: Int) -> TableColumn {
    var result = self
    result.width = max(width, header.columnCount)
    let share = Self.headShare(of: Set(cells), columns: result.width).share
    result.cells = cells.map { $0.shortened(columns: result.width, head: share) }
    return result
  }

  /// What is kept of the beginning, as a share, in the order of preference.
  private static let headShares = [1, 0.5, 0.75, 0.25, 0]

  /// The share with which the fewest of some different texts look like others, and how many do.
  private static func headShare(of texts: Set<String>, columns: Int) -> (share: Double, alike: Int) {
    var best = (share: 1.0, alike: Int.max)
    for share in headShares where best.alike > 0 {
      let alike = texts.count - Set(texts.map { $0.shortened(columns: columns, head: share) }).count
      if alike < best.alike { best = (share, alike) }
    }
    return best
  }

  /// Whether different cells stay different at a width.
  package func isDistinct(at width: Int) -> Bool {
    Self.headShare(of: Set(cells), columns: max(width, header.columnCount)).alike == 0
  }

  /// The least width, from `least` on, at which different cells stay different.
  private var leastDistinct: Int { (least..<max(width, least)).first { isDistinct(at: $0) } ?? width }

  /// What a line of some columns takes, with two spaces between them.
  package static func lineWidth(_ columns: [TableColumn]) -> Int { columns.reduce(-2) { $0 + $1.width + 2 } }

  /// The columns that a line has room for: what is long is shortened first, the longest most; where that is not enough, columns are left out in
  /// the order that is given, and the others have their length again.
  ///
  /// - Parameters:
  ///   - width: of a line.
  ///   - leftOut: headers, the least telling first. Columns that are not among them stay, and a table of many of those may stay too wide.
  ///
  /// The cells of the first column tell rows apart: they stay different from one another, or as they are.
  package static func fitting(
    _ all: [TableColumn], width: Int, leavingOut leftOut: [String], keepsFirst: Bool = false
  ) -> [TableColumn] {
    var kept = all, next = leftOut[...]
    if !keepsFirst, let first = kept.first, lineWidth(kept) > width { kept[0].least = first.leastDistinct }
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
