/// How many columns of a terminal a text takes: letters of East Asia and emoji take two, accents none.
extension StringProtocol {
  package var columnCount: Int {
    utf8.allSatisfy { $0 < 0x80 } ? utf8.count : reduce(0) { $0 + $1.columnCount }
  }

  /// As many whole letters from the first on as so many columns hold.
  package func prefix(columns: Int) -> SubSequence {
    var left = columns
    return prefix { letter in
      left -= letter.columnCount
      return left >= 0
    }
  }

  /// Cut to so many columns, with dots where something is cut off.
  package func shortened(columns: Int) -> String {
    columnCount > columns
      ? "\(prefix(columns: Swift.max(columns - 3, 0)))...".prefix(columns: columns).description : String(self)
  }

  /// The same, with dots in the place of a part of which this share of what is left stands before; 1 for the end.
  package func shortened(columns: Int, head share: Double) -> String {
    guard share < 1, columns > 3, columnCount > columns else { return shortened(columns: columns) }
    let head = prefix(columns: Int((Double(columns - 3) * share).rounded()))
    let tail = String(reversed()).prefix(columns: columns - 3 - head.columnCount)
    return "\(head)...\(String(tail.reversed()))"
  }
}

extension Character {
  /// As terminals lay it out.
  ///
  /// - Source: Unicode Standard Annex #11, East Asian Width; emoji by their presentation.
  var columnCount: Int {
    guard let first = unicodeScalars.first else { return 0 }
    if first.value < 0x80 { return unicodeScalars.contains { $0.value == 0xFE0F } ? 2 : 1 }
    // What is joined or coloured is one picture.
    if first.properties.isEmojiPresentation { return 2 }
    if first.properties.isEmoji, unicodeScalars.contains(where: { $0.value == 0xFE0F }) { return 2 }
    return unicodeScalars.reduce(0) { $0 + $1.columnCount }
  }
}

extension Unicode.Scalar {
  fileprivate var columnCount: Int {
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .spacingMark, .format: return 0
    default: break
    }
    // Vowels and final consonants that join the letter before them.
    if (0x1160...0x11FF).contains(value) || (0xD7B0...0xD7FF).contains(value) { return 0 }
    return Self.wide.contains { $0.contains(value) } ? 2 : 1
  }

  /// Of the width classes W and F, but for emoji.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF,
    0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18D08, 0x1AFF0...0x1B2FF,
    0x1F200...0x1F265, 0x20000...0x2FFFD, 0x30000...0x3FFFD,
  ]
}
