import Files

/// Columns of text for people: the first to the left, the others to the right.
///
/// Where lines are short, columns are shortened or left out as the table says, and what is still too wide goes on below: the first column stands
/// again before those that had no room, and what is wider than a line by itself is broken. So no line is wider than it may be.
package struct TextTable: Hashable, Sendable {
  private var rows: [[String]]
  /// The headers of columns that can be cut, and to how many characters, before any is left out.
  private let shortening: [String: Int]
  /// The headers of columns that can be left out, the least telling first. A line names those that were.
  private let leftOut: [String]
  /// How to see them, as that line says it.
  private let everything: String
  /// Whether the first column is of labels, which are broken and not cut where there is no room.
  private let keepsLabels: Bool
  /// Whether columns stay beside each other, as of what is held against each other: cells that are too wide go on in the next line.
  private let staysWhole: Bool

  package init(
    _ header: [String], shortening: [String: Int] = [:], leavingOut leftOut: [String] = [],
    everything: String = " (--wide shows all)", keepsLabels: Bool = false, staysWhole: Bool = false
  ) {
    self.keepsLabels = keepsLabels
    self.staysWhole = staysWhole
    rows = [header.map { $0.escapingControls }]
    self.shortening = shortening
    self.leftOut = leftOut
    self.everything = everything
  }

  package mutating func append(_ row: [String]) { rows.append(row.map { $0.escapingControls }) }

  /// What the first column is cut to where nothing else is said, at the least.
  private static let leastName = 16

  /// The table in lines of at most so many characters, nil for any number; every line ends in a line feed.
  package func text(width: Int? = nil) -> String {
    let header = rows.first ?? []
    let all = (0..<(rows.map(\.count).max() ?? 0)).map { index in
      var column = TableColumn(
        header: index < header.count ? header[index] : "", cells: rows.dropFirst().map { $0.count > index ? $0[index] : "" },
        width: 0, least: 0)
      column.width = column.natural
      column.least = min(shortening[column.header] ?? column.width, column.width)
      return column
    }
    guard let width, TableColumn.lineWidth(all) > width else { return Self.lines(all) }
    if staysWhole, let shared = Self.shared(all, width: width) { return Self.lines(shared) }
    let columns = TableColumn.fitting(all, width: width, leavingOut: leftOut, keepsFirst: keepsLabels)
    let missing = all.map(\.header).filter { header in !columns.contains { $0.header == header } }
    let text = Self.below(columns, width: width, keepsFirst: keepsLabels)
    if missing.isEmpty { return text }
    return text
      + TextFormat.fitting("not shown for want of room: \(missing.joined(separator: ", "))\(everything)", width: width) + "\n"
  }

  /// Columns of which a line may have no room for all: the rest goes on below.
  ///
  /// - Parameter keepsFirst: cells of the first column are broken, where they must be, and not cut.
  package static func below(_ columns: [TableColumn], width: Int, keepsFirst: Bool = false) -> String {
    blocks(columns, width: width, keepsFirst).map(lines).joined(separator: "\n")
  }

  /// What a column of values is broken to at the least.
  private static let leastBroken = 12

  /// The columns side by side, the widest of them broken; nil where labels, which keep their words whole, leave too little for that.
  private static func shared(_ columns: [TableColumn], width: Int) -> [TableColumn]? {
    let labels = columns.first.map { [$0.header] + $0.cells } ?? []
    let longestWord = labels.flatMap { $0.split(separator: " ").map(\.columnCount) }.max() ?? 0
    let least = columns.indices.map { min($0 == 0 ? longestWord : leastBroken, columns[$0].width) }
    var widths = columns.map(\.width)
    while widths.reduce(-2, { $0 + $1 + 2 }) > width {
      let wide = widths.indices.filter { widths[$0] > least[$0] }
      guard let widest = wide.max(by: { widths[$0] < widths[$1] }) else { return nil }
      widths[widest] -= 1
    }
    return zip(columns, widths).map { $0.broken(to: $1) }
  }

  /// The columns as tables one below the other, each with the first column.
  private static func blocks(_ columns: [TableColumn], width: Int, _ keepsFirst: Bool) -> [[TableColumn]] {
    guard TableColumn.lineWidth(columns) > width, var first = columns.first else { return [columns] }
    if columns.count == 1 { return [[first.broken(to: width)]] }
    let least = min(max(leastName, width / 3), width / 2)
    if first.width > least {
      first =
        keepsFirst || first.header.columnCount > least || !first.isDistinct(at: least)
        ? first.broken(to: least) : first.cut(to: least)
    }
    var blocks: [[TableColumn]] = []
    for column in columns.dropFirst() {
      if let last = blocks.last, TableColumn.lineWidth(last) + 2 + column.width <= width {
        blocks[blocks.count - 1].append(column)
      } else {
        blocks.append([first, column.broken(to: max(width - first.width - 2, 1))])
      }
    }
    return blocks
  }

  private static func lines(_ columns: [TableColumn]) -> String {
    var text = ""
    for row in -1..<(columns.first?.cells.count ?? 0) {
      // What was broken stands in several lines, from the left.
      let cells = columns.map { column in
        (row < 0 ? column.header : column.cells[row]).split(separator: "\n", omittingEmptySubsequences: false)
      }
      for part in 0..<(cells.map(\.count).max() ?? 1) {
        let texts = columns.indices.map { index in
          let cell = part < cells[index].count ? String(cells[index][part]) : ""
          let padding = String(repeating: " ", count: max(columns[index].width - cell.columnCount, 0))
          return index == 0 || cells[index].count > 1 ? cell + padding : padding + cell
        }
        var line = texts.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        text += line + "\n"
      }
    }
    return text
  }
}

extension TableColumn {
  /// With cells, and the header, in several lines where they are wider.
  fileprivate func broken(to width: Int) -> TableColumn {
    guard self.width > width else { return self }
    func broken(_ text: String) -> String {
      text.columnCount > width ? String(TextFormat.wrapped(text, width: width).dropLast()) : text
    }
    var result = self
    result.width = width
    result.header = broken(header)
    result.cells = cells.map(broken)
    return result
  }
}
