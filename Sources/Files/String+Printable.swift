extension String {
  /// The text with control characters escaped, so that names from files neither break a line nor reach a terminal as commands.
  package var escapingControls: String {
    escapingControls { _ in
      true
    } escape: {
      $0.escaped
    }
  }

  /// The same, cut at 200 characters: for names in an error.
  package var onOneLine: String {
    let start = String(unicodeScalars.prefix(200))
    return start.escapingControls + (start.utf8.count < utf8.count ? "…" : "")
  }

  /// A line on a file: what begins with a verb is said of it, `'a.png' is empty`, and a clause with a subject of its own stands behind a colon.
  package static func line(on file: String, _ what: String) -> String {
    let isPredicate = ["is ", "holds ", "has ", "says "].contains { what.hasPrefix($0) }
    return "'\(file.onOneLine)'\(isPredicate ? "" : ":") \(what)"
  }

  /// One line for a person: control characters escaped, and of what is longer than a screen the two ends, for the subject stands at one
  /// and the mend at the other.
  package var asErrorLine: String {
    let limit = 2000
    guard unicodeScalars.dropFirst(limit).first != nil else { return escapingControls }
    let ends = [String(unicodeScalars.prefix(limit / 2)), String(unicodeScalars.suffix(limit / 2))]
    return ends.map(\.escapingControls).joined(separator: " … ")
  }

  /// Lines as they may go to a terminal: the same, but ends of lines stay.
  package var printable: String {
    escapingControls {
      $0 != "\n"
    } escape: {
      $0.escaped
    }
  }

  /// JSON as it may go to a terminal: the same JSON, with such characters in the form that JSON has for them, `\u001b`. A byte of a name that is no
  /// UTF-8 has none: it is the text that reports have for it, `\xe9`, and not a character that means something to this program alone.
  package var printableJSON: String {
    escapingControls {
      $0 != "\n"
    } escape: { scalar in
      scalar.byteOfName != nil
        ? "\\" + scalar.escaped
        : String(Character(scalar)).utf16.map { "\\u" + String(hexadecimal: $0, digits: 4) }.joined()
    }
  }

  /// - Parameters:
  ///   - isMeant: whether a control character is escaped.
  ///   - escape: what stands for one.
  private func escapingControls(_ isMeant: (Unicode.Scalar) -> Bool, escape: (Unicode.Scalar) -> String) -> String {
    // Nearly all text has none.
    guard unicodeScalars.contains(where: { $0.isControl && isMeant($0) }) else { return self }
    var result = ""
    for scalar in unicodeScalars {
      if scalar.isControl, isMeant(scalar) {
        result += escape(scalar)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension Unicode.Scalar {
  /// As text for a person: `\xe9` for a byte of a name, `\u{1b}` else.
  fileprivate var escaped: String {
    byteOfName.map { "\\x" + String($0, radix: 16) } ?? "\\u{\(String(value, radix: 16))}"
  }

  /// Whether the character is a byte of a name that is no UTF-8, steers a terminal, ends a line, or changes how others look: C0 and C1, line and paragraph separators, and
  /// formats such as those that turn the direction of writing.
  fileprivate var isControl: Bool {
    if byteOfName != nil { return true }
    if value < 0x7F { return value < 0x20 }
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .format: return true
    default: return false
    }
  }
}
