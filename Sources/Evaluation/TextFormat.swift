import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Numbers for people. Without Foundation's formatting, which costs a program more time to load than it takes to run.
package enum TextFormat {
  /// A number with so many decimals, halves away from zero: `37.65`. `inf` and `nan` are spelled so.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    let factor = pow(10, Double(decimals))
    let scaled = (abs(value) * factor).rounded()
    guard scaled < 1e15 else { return "\(value)" }
    let sign = value < 0 && scaled > 0 ? "-" : ""
    let whole = Int(scaled / factor), rest = Int(scaled) - whole * Int(factor)
    guard decimals > 0 else { return "\(sign)\(whole)" }
    let digits = String(rest)
    return "\(sign)\(whole).\(String(repeating: "0", count: decimals - digits.count))\(digits)"
  }

  /// As few decimals as needed, at most three: `2`, `1.5`.
  package static func short(_ value: Double) -> String {
    var text = fixed(value, 3)
    guard text.contains(".") else { return text }
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  /// With so many digits that count: `0.012346`.
  package static func significant(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    var decimals = digits - 1, size = abs(value)
    while size >= 10, decimals > 0 {
      size /= 10
      decimals -= 1
    }
    while size < 1, decimals < 17 {
      size *= 10
      decimals += 1
    }
    return fixed(value, decimals)
  }

  /// Three digits and a power of ten: `1.19e-06`; `0` is spelled so.
  package static func scientific(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return fixed(value, 0) }
    var exponent = Int(log10(abs(value)).rounded(.down))
    // 9.996 rounds to the next power.
    if (abs(value) / pow(10, Double(exponent)) * 100).rounded() >= 1000 { exponent += 1 }
    let digits = "\(abs(exponent))"
    return "\(fixed(value / pow(10, Double(exponent)), 2))e\(exponent < 0 ? "-" : "+")\(digits.count < 2 ? "0" : "")\(digits)"
  }

  /// `317.3 MiB`.
  package static func bytes(_ count: Int) -> String { count.byteText }

  /// A whole number with thousands set apart: `1,332,931`.
  package static func grouped(_ value: Int) -> String { value.groupedText }

  /// The names of things that are alike, as one: `body.0.a (x16)`, by the first of them.
  package static func alike(_ names: [String]) -> String {
    guard let first = names.first else { return "" }
    return names.count > 1 ? "\(first) (x\(names.count))" : first
  }

  /// A paragraph in lines of at most so many columns of a terminal, words whole where a line holds them; lines behind the first begin with `indent`
  /// spaces. Every line ends in a line feed.
  package static func wrapped(_ text: String, width: Int, indent: Int = 0) -> String {
    var lines: [String] = [], line = "", taken = 0
    let margin = String(repeating: " ", count: min(indent, max(width - 1, 0)))
    func isBlank(_ line: String) -> Bool { line.allSatisfy { $0 == " " } }
    for (index, word) in text.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
      var word = word, size = word.columnCount
      if index > 0, taken + 1 + size > width, !isBlank(line) {
        lines.append(line)
        (line, taken) = (margin, margin.count)
      } else if index > 0 {
        line += " "
        taken += 1
      }
      // A word that no line holds is broken where the line ends.
      while taken + size > width, size > 1 {
        var head = word.prefix(columns: width - taken)
        if head.isEmpty {
          if !isBlank(line) {
            lines.append(line)
            (line, taken) = (margin, margin.count)
            continue
          }
          head = word.prefix(1)
        }
        lines.append(line + head)
        word = word[head.endIndex...]
        size = word.columnCount
        (line, taken) = (margin, margin.count)
      }
      line += word
      taken += size
    }
    return (lines + [line]).joined(separator: "\n") + "\n"
  }

  /// Lines, each broken where it is wider than `width` columns of a terminal, words whole; what a line begins with in spaces, and `indent` more, lines
  /// behind its first begin with. As it is for nil.
  package static func fitting(_ text: String, width: Int?, indent: Int = 2) -> String {
    guard let width else { return text }
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      // Half of a line is for words.
      let spaces = line.prefix { $0 == " " }.count, margin = String(repeating: " ", count: min(spaces, width / 2))
      let body = wrapped(String(line.dropFirst(spaces)), width: max(width - margin.count, 1), indent: indent)
      return margin + body.dropLast().split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n" + margin)
    }.joined(separator: "\n")
  }

  /// Some names, and how many more there are.
  package static func list(_ names: [String], most: Int = 8) -> String {
    names.prefix(most).map(\.onOneLine).joined(separator: ", ")
      + (names.count > most ? " and \(names.count - most) more" : "")
  }

  /// The name that is meant by one that is none: the one that the fewest letters make of it; nil where none is near.
  package static func nearest(to name: String, among known: [String]) -> String? {
    let distances = known.map { (name: $0, distance: distance(Array(name), Array($0))) }
    guard let best = distances.min(by: { $0.distance < $1.distance }), 2 * best.distance <= max(name.count, 2) else {
      return nil
    }
    return best.name
  }

  /// The letters to put in, take out or change (Levenshtein).
  private static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        (diagonal, row[j + 1]) = (row[j + 1], min(diagonal + (letter == b[j] ? 0 : 1), row[j] + 1, row[j + 1] + 1))
      }
    }
    return row[b.count]
  }

  /// Parses `512M`, `1.5G`, `65536K`, `512MiB`, all powers of 1024, and `512MB`, powers of 1000. A number without a unit is none: few who write 512
  /// mean bytes.
  package static func parsedByteCount(_ text: String) -> Int? {
    let digits = text.prefix { $0.isNumber || $0 == "." }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }.uppercased()
    guard let number = Double(digits), digits.first?.isNumber == true, number.isFinite else { return nil }
    let letters = ["K", "M", "G", "T"]
    guard let power = letters.firstIndex(where: { unit == $0 || unit == "\($0)B" || unit == "\($0)IB" }) else {
      return unit == "B" && number >= 1 && number < 0x1p62 ? Int(number) : nil
    }
    let bytes = number * pow(unit.hasSuffix("B") && !unit.hasSuffix("IB") ? 1000 : 1024, Double(power + 1))
    return bytes >= 1 && bytes < 0x1p62 ? Int(bytes) : nil
  }
}
