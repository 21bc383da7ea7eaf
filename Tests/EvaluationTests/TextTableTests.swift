import Tensors
import Testing

@testable import Evaluation

/// Tables and sentences in lines of any length.
@Suite struct TextTableTests {
  private static let words = ["a", "body.0.a", "convolution", "x", "", "a name that is longer than all the others", "12.50 ms"]

  /// No line is wider than there is room for while anything can be cut or left out; what is left out is named; nothing but dots is put in.
  @Test(arguments: 0..<200) func tablesFit(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let headers = (0..<Int.random(in: 2...9, using: &generator)).map { "h\($0)" }
    let rows = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
      headers.prefix(Int.random(in: 1...headers.count, using: &generator)).map { _ in
        Self.words.randomElement(using: &generator)!
      }
    }
    var table = TextTable(headers)
    for row in rows { table.append(row) }
    let whole = table.text(width: nil)
    #expect(whole == table.text && whole.split(separator: "\n", omittingEmptySubsequences: false).count == rows.count + 2)
    let kept = headers[0], leftOut = headers.dropFirst().shuffled(using: &generator)
    for width in [20, 40, 60, 80, 120, 1000] {
      let text = table.text(width: width, shortening: [kept: 8], leavingOut: leftOut)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      #expect(lines.allSatisfy { $0.count <= max(width, 40) && $0.last != " " }, "\(width): \(text)")
      let shown = lines[0].split(separator: " ").map(String.init)
      #expect(shown == headers.filter(shown.contains) && shown.first == kept)
      // The last ones in the order of those that go.
      #expect(Set(leftOut.suffix(shown.count - 1)) == Set(shown.dropFirst()))
      let note = lines.dropFirst(rows.count + 1).joined(separator: " ")
      #expect((shown.count == headers.count) == note.isEmpty || note == "")
      for header in headers where !shown.contains(header) { #expect(note.contains(header)) }
      if width == 1000 { #expect(text == whole) }
      for (line, row) in zip(lines.dropFirst(), rows) {
        #expect(row[0].isEmpty || line.hasPrefix(row[0]) || (line.prefix(8).last == ".") || line.contains("..."))
      }
    }
  }

  /// Rows of tables stay as they are.
  @Test func reportsFit() {
    let row = "a name        convolution      12.50 ms     of 64 channels and more",
      sentence = String(repeating: "word ", count: 20) + "end"
    let text = TextFormat.fittingSentences("\(sentence)\n  \(row)\n\n", width: 40)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 6 && lines[3] == "  \(row)" && lines.dropLast(3).allSatisfy { $0.count <= 40 }, "\(lines)")
    #expect(text.hasSuffix("\n\n"))
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
}
