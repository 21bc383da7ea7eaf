/// Rows of fields between commas.
///
/// - Source: RFC 4180; lines end in a line feed, and a carriage return before it is passed over.
enum CSVText {
  /// One row, with its end.
  static func line(_ fields: [String]) -> String { fields.map(field).joined(separator: ",") + "\n" }

  /// In quotes where it holds what separates.
  private static func field(_ text: String) -> String {
    let marks = text.unicodeScalars.contains { [",", "\"", "\n", "\r"].contains($0) }
    guard marks || text.first == " " || text.last == " " else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  /// The rows of a text; nil where a quote is not closed, or something stands behind it.
  static func rows(_ text: String) -> [[String]]? {
    var rows: [[String]] = [], row: [String] = [], field = "", isQuoted = false, wasQuoted = false
    var scalars = Array(text.unicodeScalars)[...]
    func ends(_ scalar: Unicode.Scalar) -> Bool { scalar == "," || scalar == "\n" }
    while let scalar = scalars.popFirst() {
      if isQuoted {
        if scalar != "\"" {
          field.unicodeScalars.append(scalar)
        } else if scalars.first == "\"" {
          scalars.removeFirst()
          field += "\""
        } else {
          (isQuoted, wasQuoted) = (false, true)
        }
      } else if scalar == "\r", scalars.first == "\n" {
        continue
      } else if ends(scalar) {
        row.append(field)
        (field, wasQuoted) = ("", false)
        if scalar == "\n" {
          rows.append(row)
          row = []
        }
      } else if wasQuoted {
        return nil
      } else if scalar == "\"", field.isEmpty {
        isQuoted = true
      } else {
        field.unicodeScalars.append(scalar)
      }
    }
    if isQuoted { return nil }
    if !row.isEmpty || !field.isEmpty { rows.append(row + [field]) }
    return rows
  }
}
