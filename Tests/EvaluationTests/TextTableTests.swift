import Tensors
import Testing

@testable import Evaluation

/// Tables and sentences in lines of any length.
@Suite struct TextTableTests {
  private static let words = [
    "a", "body.0.a", "convolution", "x", "", "a name that is longer than all the others", "12.50 ms", "写真の拡大.png", "e\u{301}té",
    "👩🏽 ❤️ 🇯🇵", "한국어 이름이 길다", String(repeating: "n", count: 100),
  ]

  private static func table(
    _ generator: inout SplitMix64, shortening: [String: Int] = [:], leavingOut: Bool = false
  ) -> (table: TextTable, headers: [String], rows: [[String]], leftOut: [String]) {
    let headers = (0..<Int.random(in: 2...9, using: &generator)).map { "h\($0)" }
    let rows = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
      headers.prefix(Int.random(in: 1...headers.count, using: &generator)).map { _ in
        words.randomElement(using: &generator)!
      }
    }
    let leftOut = leavingOut ? headers.dropFirst().shuffled(using: &generator) : []
    var table = TextTable(headers, shortening: shortening, leavingOut: leftOut)
    for row in rows { table.append(row) }
    return (table, headers, rows, leftOut)
  }

  /// No line is wider than there is room for; what is left out is named; nothing but dots is put in.
  @Test(arguments: 0..<200) func tablesFit(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let (table, headers, rows, leftOut) = Self.table(&generator, shortening: ["h0": 8], leavingOut: true)
    let whole = table.text(), kept = headers[0]
    #expect(whole.split(separator: "\n", omittingEmptySubsequences: false).count == rows.count + 2)
    for width in [20, 40, 60, 80, 120, 1000] {
      let text = table.text(width: width)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      #expect(lines.allSatisfy { $0.columnCount <= width && $0.last != " " }, "\(width): \(text)")
      let shown = lines[0].split(separator: " ").map(String.init)
      #expect(shown == headers.filter(shown.contains) && shown.first == kept)
      // The last ones in the order of those that go.
      #expect(Set(leftOut.suffix(shown.count - 1)) == Set(shown.dropFirst()))
      let note = lines.dropFirst(rows.count + 1).joined(separator: " ")
      #expect((shown.count == headers.count) == note.isEmpty || note == "")
      for header in headers where !shown.contains(header) { #expect(note.contains(header)) }
      if width == 1000 { #expect(text == whole) }
    }
  }

  /// Where nothing may be left out nothing is, but for ends of the first column: the others go on below it.
  @Test(arguments: 0..<200) func tablesGoOnBelow(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let (table, headers, rows, _) = Self.table(&generator)
    for width in [20, 40, 80] {
      let text = table.text(width: width)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      #expect(lines.allSatisfy { $0.columnCount <= width && $0.last != " " }, "\(width): \(text)")
      let letters = text.filter { !$0.isWhitespace }
      for header in headers { #expect(letters.contains(header), "\(header): \(text)") }
      for cell in rows.flatMap({ $0.dropFirst() }) {
        for word in cell.split(separator: " ") where word.columnCount < width / 2 { #expect(letters.contains(word), "\(text)") }
      }
    }
  }

  /// What tells rows apart still does where it is shortened: ends are cut off where they are alike, else the middle or the beginning.
  @Test(arguments: 0..<100) func shortenedNamesStayDifferent(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let parts = ["decoder.", "encoder.", "layers.1.", "layers.10.", "写真の", "body."]
    let names = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
      (0..<Int.random(in: 1...5, using: &generator)).map { _ in parts.randomElement(using: &generator)! }.joined()
    }
    var table = TextTable(["name", "one", "two"], shortening: ["name": 8], leavingOut: ["two", "one"])
    for name in names { table.append([name, "1234567890", "12345"]) }
    for width in [24, 32, 48, 64] {
      let text = table.text(width: width)
      let lines = text.split(separator: "\n").map(String.init)
      #expect(lines.allSatisfy { $0.columnCount <= width }, "\(width): \(text)")
      // A name that no line holds stands in several.
      guard lines.dropFirst().first?.contains(" ") == true || names.allSatisfy({ $0.columnCount <= width }) else { continue }
      let shown = lines.dropFirst().prefix(names.count).map { String($0.split(separator: " ").first ?? "") }
      #expect(Set(shown).count == Set(names).count, "\(width): \(text)")
    }
    #expect(
      "abcdefghij".shortened(columns: 7, head: 0.5) == "ab...ij" && "abcdefghij".shortened(columns: 7, head: 0) == "...ghij")
    #expect("写真の大きさ".shortened(columns: 8, head: 0.5) == "写...さ" && "abc".shortened(columns: 3, head: 0.5) == "abc")
  }

  /// As terminals have them.
  @Test func columnsOfTerminals() {
    let sizes: [(String, Int)] = [
      ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("\u{301}", 0), ("写真", 4), ("한국", 4), ("ｱ", 1), ("ア", 2), ("Ａ", 2),
      ("👍", 2),
      ("👍🏽", 2), ("👩‍🚀", 2), ("❤️", 2), ("❤", 1), ("🇯🇵", 2), ("→", 1), ("…", 1), ("Ж", 1), ("1️⃣", 2), ("\u{1112}\u{1161}\u{11AB}", 2),
    ]
    for (text, size) in sizes { #expect(text.columnCount == size, "\(text) \(text.unicodeScalars.map(\.value))") }
    #expect("写真の".shortened(columns: 6) == "写真の" && "写真の大".shortened(columns: 7) == "写真...")
    #expect("写真の大".shortened(columns: 6) == "写..." && "写真".shortened(columns: 2) == "..")
  }

  /// Sentences are broken, tables laid out, and neither is taken for the other.
  @Test func reportsFit() {
    var table = TextTable(["name", "operation"])
    table.append(["写真", "a  b"])
    let sentence = String(repeating: "word  ", count: 20) + "end"
    var report: ReportText = "\(sentence)\n\n\(table)\n"
    report.append("1  a note that goes on for longer than its line\n", indent: 3)
    let text = report.text(width: 40), lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.allSatisfy { $0.columnCount <= 40 }, "\(text)")
    #expect(
      text.contains("\nname  operation\n写真       a  b\n\n1  a note that goes on for longer than\n   its line\n"), "\(text)")
    #expect(report.text() == "\(sentence)\n\n\(table.text())\n1  a note that goes on for longer than its line\n")
  }

  /// Words are kept, in their order, and so is what lines begin with.
  @Test(arguments: 0..<200) func sentencesFit(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let lines = (0..<Int.random(in: 0...5, using: &generator)).map { _ -> String in
      let margin = String(repeating: " ", count: Int.random(in: 0...4, using: &generator))
      return margin
        + (0..<Int.random(in: 0...40, using: &generator)).map { _ in
          String(repeating: "w", count: Int.random(in: 1...12, using: &generator))
        }.joined(separator: " ")
    }
    let text = lines.joined(separator: "\n")
    #expect(TextFormat.fitting(text, width: nil) == text && TextFormat.fitting(text, width: 10_000) == text)
    for width in [40, 41, 64, 80, 120] {
      let fitted = TextFormat.fitting(text, width: width)
      #expect(fitted.split(whereSeparator: \.isWhitespace) == text.split(whereSeparator: \.isWhitespace))
      #expect(fitted.split(separator: "\n").allSatisfy { $0.count <= width })
      for line in lines where line.count <= width {
        #expect(fitted.split(separator: "\n", omittingEmptySubsequences: false).contains(Substring(line)))
      }
    }
  }

  /// Words that no line holds are broken, and lose no letter.
  @Test(arguments: 0..<100) func longWordsFit(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let text = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
      let letter = ["w", "写", "👩‍🚀"].randomElement(using: &generator)!
      return String(repeating: letter, count: Int.random(in: 1...90, using: &generator))
    }.joined(separator: " ")
    for width in [20, 41, 80] {
      let fitted = TextFormat.fitting(text, width: width)
      #expect(fitted.split(separator: "\n").allSatisfy { $0.columnCount <= width }, "\(fitted)")
      #expect(fitted.filter { !$0.isWhitespace } == text.filter { !$0.isWhitespace })
    }
  }
}
